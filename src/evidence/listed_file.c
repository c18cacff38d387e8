// SPDX-License-Identifier: EUPL-1.2
#include "evidence/listed_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define FILES_MAX 1000000 // so many cannot be in a manifest of its greatest size

static const char *const unproven[BC_LISTED_STATES] = { NULL, "differs", "tail", "sealed" };

static json_t *file_to_json(const struct bc_listed_file *file)
{
        char hash[2 * BC_HASH_BYTES + 1];

        if (file->state != BC_LISTED_PROVEN)
                return json_pack("{s:s, s:I, s:n, s:s}", "file", file->name, "bytes", (json_int_t)file->bytes, "sha256",
                                 "unproven", unproven[file->state]);
        for (size_t i = 0; i < BC_HASH_BYTES; i++)
                snprintf(hash + 2 * i, 3, "%02x", file->sha256[i]);
        return json_pack("{s:s, s:I, s:s}", "file", file->name, "bytes", (json_int_t)file->bytes, "sha256", hash);
}

json_t *bc_listed_files_to_json(const struct bc_listed_file *file, size_t files)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < files; i++)
                if (json_array_append_new(list, file_to_json(&file[i])) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

static int digit(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int hash_from_text(const char *text, uint8_t ret_sha256[BC_HASH_BYTES])
{
        if (strlen(text) != 2 * BC_HASH_BYTES)
                return -EBADMSG;
        for (size_t i = 0; i < BC_HASH_BYTES; i++) {
                int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EBADMSG;
                ret_sha256[i] = (uint8_t)(high << 4 | low);
        }
        return 0;
}

static int file_from_json(const json_t *object, struct bc_listed_file *ret_file)
{
        const char *name = json_string_value(json_object_get(object, "file"));
        const char *hash = json_string_value(json_object_get(object, "sha256"));
        const char *why = json_string_value(json_object_get(object, "unproven"));
        const json_t *bytes = json_object_get(object, "bytes");

        if (!name || strlen(name) >= sizeof(ret_file->name) || !json_is_integer(bytes) || json_integer_value(bytes) < 0)
                return -EBADMSG;
        memcpy(ret_file->name, name, strlen(name) + 1);
        ret_file->bytes = (uint64_t)json_integer_value(bytes);
        if (hash)
                return json_object_size(object) == 3 ? hash_from_text(hash, ret_file->sha256) : -EBADMSG;
        if (!why || json_object_size(object) != 4 || !json_is_null(json_object_get(object, "sha256")))
                return -EBADMSG;
        for (int state = BC_LISTED_DIFFERS; state < BC_LISTED_STATES; state++)
                if (strcmp(why, unproven[state]) == 0)
                        ret_file->state = (enum bc_listed_state)state;
        return ret_file->state != BC_LISTED_PROVEN ? 0 : -EBADMSG;
}

int bc_listed_files_from_json(const json_t *list, struct bc_listed_file **ret_file, size_t *ret_files)
{
        BC_CLEANUP(bc_cleanup_memory) struct bc_listed_file *file = NULL;
        size_t files = json_array_size(list);
        int r;

        if (!json_is_array(list) || files > FILES_MAX)
                return -EBADMSG;
        file = calloc(files + 1, sizeof(*file));
        if (!file)
                return -ENOMEM;
        for (size_t i = 0; i < files; i++) {
                r = file_from_json(json_array_get(list, i), &file[i]);
                if (r < 0)
                        return r;
        }
        *ret_file = BC_TAKE(file);
        *ret_files = files;
        return 0;
}
