// SPDX-License-Identifier: EUPL-1.2
#include "lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "properties.h"
#include "text.h"

struct bc_lines {
        struct bc_loop *loop;
        bool json;
        bool gone;
        json_t *told; // the properties of the last line; NULL: none yet
};

// What makes a change; the others are different every second.
static const char *const watched[] = { "state", "since_ns", "flags", "recording_name", "durable", "segments", "gaps", "marks",
                                       "policy", "charging", "device", "version" };

void bc_lines_when(const json_t *properties, char ret_when[BC_LINES_WHEN_BYTES])
{
        const char *utc = bc_properties_text(properties, "utc");
        int64_t now_ns;

        if (*utc && strlen(utc) < BC_LINES_WHEN_BYTES)
                snprintf(ret_when, BC_LINES_WHEN_BYTES, "%.39s", utc);
        else if (bc_properties_number(properties, "now_ns", &now_ns))
                snprintf(ret_when, BC_LINES_WHEN_BYTES, "+%" PRId64 ".%" PRId64 "s", now_ns / BC_NS_PER_S,
                         now_ns / (BC_NS_PER_S / 10) % 10);
        else
                snprintf(ret_when, BC_LINES_WHEN_BYTES, "-");
}

static void end_line(struct bc_lines *lines)
{
        if (fflush(stdout) != 0)
                bc_loop_quit(lines->loop, BC_CTL_REFUSED); // nobody reads any more
}

static void tell_json(struct bc_lines *lines, json_t *line, const json_t *properties)
{
        const json_t *utc = json_object_get(properties, "utc"), *now_ns = json_object_get(properties, "now_ns");

        if (utc)
                json_object_set(line, "utc", (json_t *)utc);
        if (now_ns)
                json_object_set(line, "now_ns", (json_t *)now_ns);
        bc_text_print_json(line);
        end_line(lines);
}

static json_t *changed_keys(const json_t *before, const json_t *now)
{
        json_t *keys = json_array();

        for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
                const json_t *value = json_object_get(now, watched[i]);
                if (value && !json_equal(json_object_get(before, watched[i]), value))
                        json_array_append_new(keys, json_string(watched[i]));
        }
        return keys;
}

static void print_count(const json_t *properties, const char *key)
{
        int64_t count;

        if (bc_properties_number(properties, key, &count))
                printf(" %s=%" PRId64, key, count);
}

static void print_status(struct bc_lines *lines, const json_t *properties)
{
        const char *name = bc_properties_text(properties, "recording_name");
        const json_t *flag;
        char when[BC_LINES_WHEN_BYTES];
        size_t i;

        bc_lines_when(properties, when);
        printf("%s %s", when, bc_properties_text(properties, "state"));
        if (*name)
                printf(" %s%s", name, bc_properties_truth(properties, "durable") ? " durable" : "");
        if (*name) {
                print_count(properties, "segments");
                print_count(properties, "gaps");
                print_count(properties, "marks");
        }
        json_array_foreach(json_object_get(properties, "flags"), i, flag)
                printf("%s%s", i == 0 ? " flags=" : ",", json_string_value(flag));
        putchar('\n');
        end_line(lines);
}

static void on_status(void *user, const json_t *properties)
{
        struct bc_lines *lines = user;
        json_t *changed = changed_keys(lines->told, properties);

        if (lines->gone && lines->json)
                tell_json(lines, json_pack("{s:s}", "event", "back"), properties);
        else if (lines->gone)
                puts("bodycamd is back");
        if (!lines->told || lines->gone || json_array_size(changed) > 0) {
                if (lines->json)
                        tell_json(lines, json_pack("{s:s,s:O,s:O}", "event", "status", "changed", changed, "status", properties),
                                  properties);
                else
                        print_status(lines, properties);
                json_decref(lines->told);
                lines->told = json_copy((json_t *)properties);
        }
        lines->gone = false;
        json_decref(changed);
}

static void on_alarm(void *user, const char *text, const json_t *properties)
{
        struct bc_lines *lines = user;
        char when[BC_LINES_WHEN_BYTES];

        bc_lines_when(properties, when);
        if (lines->json) {
                tell_json(lines, json_pack("{s:s,s:s}", "event", "alarm", "text", text), properties);
                return;
        }
        printf("%s ALARM: %s\n", when, text);
        end_line(lines);
}

static void on_gone(void *user, const char *text)
{
        struct bc_lines *lines = user;

        lines->gone = true;
        if (lines->json) {
                tell_json(lines, json_pack("{s:s,s:s}", "event", "gone", "text", text), NULL);
                return;
        }
        printf("%s; waiting for it\n", text);
        end_line(lines);
}

static void on_tick(void *user)
{
        (void)user; // nothing is new
}

int bc_lines_new(struct bc_loop *loop, bool json, struct bc_lines **ret_lines, struct bc_follow_sink *ret_sink)
{
        struct bc_lines *lines = calloc(1, sizeof(*lines));

        if (!lines)
                return -ENOMEM;
        lines->loop = loop;
        lines->json = json;
        *ret_sink = (struct bc_follow_sink){ on_status, on_alarm, on_gone, on_tick, lines };
        *ret_lines = lines;
        return 0;
}

void bc_lines_free(struct bc_lines *lines)
{
        if (!lines)
                return;
        json_decref(lines->told);
        free(lines);
}
