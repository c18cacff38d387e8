// SPDX-License-Identifier: EUPL-1.2
#include "status.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

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

static int read_strings(sd_bus_message *message, json_t **ret_value)
{
        json_t *list = json_array();
        const char *text;
        int r = sd_bus_message_enter_container(message, 'a', "s");

        while (r >= 0 && (r = sd_bus_message_read_basic(message, 's', &text)) > 0)
                json_array_append_new(list, json_string(text));
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        *ret_value = list;
        return r;
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
                *ret_value = json_string(value.text);
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
                r = read_strings(message, ret_value);
        else if (strlen(type) == 1 && strchr("sbuxt", type[0]))
                r = read_basic(message, type[0], ret_value);
        else
                r = sd_bus_message_skip(message, type); // of a newer daemon
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_properties(sd_bus_message *message, json_t *properties)
{
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                json_t *value = NULL;
                char key[KEY_BYTES];
                const char *name;

                r = sd_bus_message_read_basic(message, 's', &name);
                if (r >= 0)
                        r = read_variant(message, &value);
                if (r >= 0 && value) {
                        snake(name, key);
                        json_object_set_new(properties, key, value);
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r;
}

static const char *text_of(const json_t *properties, const char *key)
{
        const char *text = json_string_value(json_object_get(properties, key));

        return text ? text : "";
}

static int64_t number_of(const json_t *properties, const char *key)
{
        return json_integer_value(json_object_get(properties, key));
}

static void print_seconds(const char *before, int64_t time_ns, const char *after)
{
        printf("%s%" PRId64 ".%" PRId64 " s%s", before, time_ns / 1000000000, time_ns / 100000000 % 10, after);
}

static void print_degrees(const char *before, int64_t e7)
{
        printf("%s%s%" PRId64 ".%06" PRId64, before, e7 < 0 ? "-" : "", (e7 < 0 ? -e7 : e7) / 10000000,
               (e7 < 0 ? -e7 : e7) % 10000000 / 10);
}

static void print_time_and_place(const json_t *properties)
{
        if (text_of(properties, "utc")[0])
                printf("%-10s %s by %s, within %.3f s\n", "clock", text_of(properties, "utc"),
                       text_of(properties, "utc_source"), (double)number_of(properties, "utc_uncertainty_ns") / 1e9);
        else
                printf("%-10s not set\n", "clock");
        if (number_of(properties, "fix_age_ns") < 0)
                return; // a flag says so where there is a receiver
        print_degrees("position   ", number_of(properties, "latitude_e7"));
        print_degrees(" ", number_of(properties, "longitude_e7"));
        if (number_of(properties, "accuracy_mm") >= 0)
                printf(", within %" PRId64 " m", (number_of(properties, "accuracy_mm") + 999) / 1000);
        print_seconds(", ", number_of(properties, "fix_age_ns"), " old\n");
}

static void print_for_people(const json_t *properties)
{
        int64_t now_ns = number_of(properties, "now_ns");
        const json_t *flags = json_object_get(properties, "flags"), *flag;
        size_t i;

        printf("%-10s %s", "state", text_of(properties, "state"));
        print_seconds(" for ", now_ns - number_of(properties, "since_ns"), "\n");
        if (json_array_size(flags) > 0) {
                printf("%-10s", "flags");
                json_array_foreach(flags, i, flag)
                        printf(" %s", json_string_value(flag));
                putchar('\n');
        }
        printf("%-10s %s%s\n", "device", text_of(properties, "device"),
               json_is_true(json_object_get(properties, "simulated")) ? " (simulated)" : "");
        print_time_and_place(properties);
        print_seconds("buffer     ", number_of(properties, "pre_event_held_ns"), " held\n");
        if (number_of(properties, "recording_counter") > 0) {
                printf("%-10s %s, %" PRId64 " files, %" PRId64 " gaps", "recording", text_of(properties, "recording_name"),
                       number_of(properties, "segments"), number_of(properties, "gaps"));
                if (number_of(properties, "unclosed") > 0 && number_of(properties, "durable_until_ns") < 0)
                        puts(", nothing durable yet");
                else if (number_of(properties, "unclosed") > 0)
                        print_seconds(", durable but for the last ", now_ns - number_of(properties, "durable_until_ns"),
                                      "\n");
                else
                        puts(", closed");
        }
        printf("%-10s %" PRId64 " MB free\n", "store", number_of(properties, "store_room_bytes") / 1000000);
        printf("%-10s %" PRId64 ", dropped %" PRId64 ", lost by the camera %" PRId64 "\n", "frames",
               number_of(properties, "frames"), number_of(properties, "frames_dropped"),
               number_of(properties, "frames_lost_by_camera"));
}

enum bc_ctl_exit bc_status_show(struct bc_client *client)
{
        sd_bus_message *reply = NULL;
        json_t *properties;
        enum bc_ctl_exit status = bc_client_properties(client, &reply);
        int r;

        if (status != BC_CTL_DONE)
                return status;
        properties = json_object();
        r = properties ? read_properties(reply, properties) : -ENOMEM;
        if (r < 0) {
                status = bc_client_complain(client, BC_CTL_NO_DAEMON, "the answer is not understood: %s", strerror(-r));
        } else if (client->json) {
                json_dumpf(properties, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
                putchar('\n');
        } else {
                print_for_people(properties);
        }
        json_decref(properties);
        sd_bus_message_unref(reply);
        return status;
}
