// SPDX-License-Identifier: EUPL-1.2
#include "evidence/json_field.h"

#include <errno.h>
#include <string.h>

#include "evidence/manifest.h"

int bc_field_integer(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret_value)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
                return -EBADMSG;
        *ret_value = json_integer_value(value);
        return 0;
}

int bc_field_optional(const json_t *object, const char *key, int64_t min, int64_t max, size_t *keys, int64_t *ret_value)
{
        if (!json_object_get(object, key))
                return 0;
        ++*keys;
        return bc_field_integer(object, key, min, max, ret_value);
}

int bc_field_ticks(const json_t *object, const char *key, int64_t *ret_ticks)
{
        if (json_is_null(json_object_get(object, key))) {
                *ret_ticks = BC_TICKS_UNKNOWN;
                return 0;
        }
        return bc_field_integer(object, key, 0, INT64_MAX, ret_ticks);
}

int bc_field_choice(const json_t *object, const char *key, const char *const *choice, size_t choices)
{
        const char *text = json_string_value(json_object_get(object, key));

        for (size_t i = 0; text && i < choices; i++)
                if (!strcmp(text, choice[i]))
                        return (int)i;
        return -EBADMSG;
}

int bc_field_text(const json_t *object, const char *key, char *ret_text, size_t bytes)
{
        const char *text = json_string_value(json_object_get(object, key));

        if (!text || strlen(text) >= bytes)
                return -EBADMSG;
        memcpy(ret_text, text, strlen(text) + 1);
        return 0;
}
