// SPDX-License-Identifier: EUPL-1.2
#include "properties.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "text.h"

#define KEY_BYTES 64

// RecordingCounter becomes recording_counter.
static void snake(const char *name, char ret_key[KEY_BYTES])
{
        size_t used = 0;

        for (; *name && used < KEY_BYTES - 2; name++) {
                if (isupper((unsigned char)*name) && used > 0)
                        ret_key[used++] = '_';
                ret_key[used++] = (char)tolower((unsigned char)*name);
        }
        ret_key[used] = 0;
}

int bc_properties_read_strings(sd_bus_message *message, json_t **ret_list)
{
        json_t *list = json_array();
        const char *text;
        int r = sd_bus_message_enter_container(message, 'a', "s");

        if (r == 0)
                r = -EBADMSG; // nothing there
        while (r >= 0 && (r = sd_bus_message_read_basic(message, 's', &text)) > 0)
                if (json_array_append_new(list, bc_text_to_json(text)) < 0)
                        r = -ENOMEM;
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0) {
                json_decref(list);
                return r;
        }
        *ret_list = list;
        return 0;
}

static int read_basic(sd_bus_message *message, char type, json_t **ret_value)
{
        union {
                const char *text;
                int truth;
                int64_t number;
                uint32_t small;
        } value = { 0 };
        int r = sd_bus_message_read_basic(message, type, &value);

        if (r < 0)
                return r;
        switch (type) {
        case 's':
                *ret_value = bc_text_to_json(value.text);
                break;
        case 'b':
                *ret_value = json_boolean(value.truth);
                break;
        case 'u':
                *ret_value = json_integer(value.small);
                break;
        default: // x, and t below 2^63
                *ret_value = json_integer(value.number);
                break;
        }
        return 0;
}

static int read_variant(sd_bus_message *message, json_t **ret_value)
{
        const char *type;
        char kind;
        int r = sd_bus_message_peek_type(message, &kind, &type);

        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(message, 'v', type);
        if (r < 0)
                return r;
        if (strcmp(type, "as") == 0)
                r = bc_properties_read_strings(message, ret_value);
        else if (strlen(type) == 1 && strchr("sbuxt", type[0]))
                r = read_basic(message, type[0], ret_value);
        else
                r = sd_bus_message_skip(message, type); // of a newer daemon
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_entries(sd_bus_message *message, json_t *properties)
{
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");

        if (r == 0)
                r = -EBADMSG;
        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                json_t *value = NULL;
                char key[KEY_BYTES];
                const char *name;

                r = sd_bus_message_read_basic(message, 's', &name);
                if (r >= 0)
                        r = read_variant(message, &value);
                if (r >= 0 && value) {
                        snake(name, key);
                        json_object_set(properties, key, value);
                }
                json_decref(value);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r;
}

int bc_properties_read(sd_bus_message *message, json_t **ret_properties)
{
        json_t *properties = json_object();
        int r = properties ? read_entries(message, properties) : -ENOMEM;

        if (r < 0) {
                json_decref(properties);
                return r;
        }
        *ret_properties = properties;
        return 0;
}

bool bc_properties_number(const json_t *properties, const char *key, int64_t *ret_number)
{
        const json_t *value = json_object_get(properties, key);

        if (!json_is_integer(value))
                return false;
        *ret_number = json_integer_value(value);
        return true;
}

const char *bc_properties_text(const json_t *properties, const char *key)
{
        const char *text = json_string_value(json_object_get(properties, key));

        return text ? text : "";
}

bool bc_properties_truth(const json_t *properties, const char *key)
{
        return json_is_true(json_object_get(properties, key));
}

bool bc_properties_holds(const json_t *properties, const char *key, const char *text)
{
        const json_t *value;
        size_t i;

        json_array_foreach(json_object_get(properties, key), i, value)
                if (strcmp(json_string_value(value), text) == 0)
                        return true;
        return false;
}
