// SPDX-License-Identifier: EUPL-1.2
#include "list.h"

#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "digest.h"
#include "span.h"
#include "text.h"

#define LAST_USUAL 20

// The newest first: what was just recorded is looked for most, and stands where the eye begins, however long the list.
struct list {
        const struct bc_catalog *catalog;
        bool json;
        int name_width;
        json_t *unreadable;
        size_t rows;
};

static void tell_unreadable(struct list *list, const char *name, const char *text)
{
        bc_client_warn("%s", text);
        if (list->json)
                json_array_append_new(list->unreadable, json_pack("{s:o,s:o}", "name", bc_text_to_json(name), "error",
                                                                  bc_text_to_json(text)));
}

static void print_json_row(struct list *list, json_t *row)
{
        fputs(list->rows++ ? "," : "", stdout);
        bc_text_put_json(row);
        json_decref(row);
}

static void print_row(struct list *list, const char *name, const struct bc_manifest *manifest)
{
        struct bc_digest digest = bc_digest_of(manifest);
        char gaps[24] = "?", marks[24] = "?";

        if (list->json) {
                print_json_row(list, bc_digest_to_json(manifest, name, &digest));
                return;
        }
        if (!manifest->gaps_unknown)
                snprintf(gaps, sizeof(gaps), "%zu", manifest->gaps);
        if (!manifest->marks_unknown)
                snprintf(marks, sizeof(marks), "%zu", manifest->marks);
        printf("%-*s %-10s %-20s %10s %4zu %4s %5s %9s\n", list->name_width, name, bc_recording_state_name(manifest->state),
               digest.begins[0] ? digest.begins : "time not known", bc_span_of_ticks(bc_digest_length_ticks(&digest)).text,
               manifest->segments, gaps, marks, bc_span_of_bytes(digest.bytes).text);
}

// true: it could be read.
static bool list_one(struct list *list, const char *name)
{
        struct bc_manifest manifest;
        char text[BC_CLIENT_TEXT_BYTES];

        bc_manifest_init(&manifest);
        if (!bc_catalog_load(list->catalog, name, &manifest, text)) {
                tell_unreadable(list, name, text);
                if (!list->json)
                        printf("%-*s unreadable\n", list->name_width, name);
                return false;
        }
        print_row(list, name, &manifest);
        bc_manifest_done(&manifest);
        return true;
}

// true: there is nothing odd.
static bool tell_odd(struct list *list)
{
        const struct bc_catalog *catalog = list->catalog;
        char text[BC_CLIENT_TEXT_BYTES];

        for (size_t i = 0; i < catalog->odds && i < BC_CATALOG_ODD_MAX; i++) {
                const char *name = catalog->odd[i] ? catalog->odd[i] : "?";
                snprintf(text, sizeof(text), "%s/recordings/%s: not the folder of a recording, skipped", catalog->store, name);
                tell_unreadable(list, name, text);
        }
        if (catalog->odds > BC_CATALOG_ODD_MAX)
                bc_client_warn("%s/recordings: %zu more that are not the folder of a recording", catalog->store,
                               catalog->odds - BC_CATALOG_ODD_MAX);
        if (catalog->cut)
                bc_client_warn("%s/recordings: more than %d, the others were not looked at", catalog->store, BC_CATALOG_MAX);
        return catalog->odds == 0 && !catalog->cut;
}

static enum bc_ctl_exit print_list(struct list *list, size_t count)
{
        const struct bc_catalog *catalog = list->catalog;
        size_t more = catalog->entries - count;
        bool whole = true;

        list->name_width = (int)sizeof("NAME") - 1;
        for (size_t i = 0; i < count; i++)
                if ((int)strlen(catalog->entry[i].name) > list->name_width)
                        list->name_width = (int)strlen(catalog->entry[i].name);
        if (list->json)
                fputs("{\"recordings\":[", stdout);
        else if (count > 0)
                printf("%-*s %-10s %-20s %10s %4s %4s %5s %9s\n", list->name_width, "NAME", "STATE", "BEGINS (UTC)", "LENGTH",
                       "SEGS", "GAPS", "MARKS", "BYTES");
        else
                puts("no recordings");
        for (size_t i = 0; i < count; i++)
                whole &= list_one(list, catalog->entry[i].name);
        whole &= tell_odd(list);
        if (list->json) {
                printf("],\"more\":%zu,\"odd\":%zu,\"unreadable\":", more, catalog->odds);
                bc_text_put_json(list->unreadable);
                puts("}");
        } else if (more > 0) {
                printf("%zu older: --last N shows more of them, --all all\n", more);
        }
        return whole ? BC_CTL_DONE : BC_CTL_REFUSED;
}

// For completion: names of what may be read, without reading it.
static void print_names(const struct bc_request *request, const struct bc_catalog *catalog, size_t count)
{
        json_t *names = json_array();

        for (size_t i = 0; i < count; i++)
                if (request->client.json)
                        json_array_append_new(names, json_string(catalog->entry[i].name));
                else
                        puts(catalog->entry[i].name);
        if (request->client.json)
                bc_text_print_json(json_pack("{s:O}", "names", names));
        json_decref(names);
}

enum bc_ctl_exit bc_list_show(struct bc_request *request)
{
        struct bc_catalog catalog;
        struct list list = { .catalog = &catalog, .json = request->client.json };
        enum bc_ctl_exit status = bc_catalog_open(request, &catalog);
        size_t count;

        if (status != BC_CTL_DONE)
                return status;
        count = request->last ? request->last : request->all || request->names ? catalog.entries : LAST_USUAL;
        if (count > catalog.entries)
                count = catalog.entries;
        if (request->names) {
                print_names(request, &catalog, count);
        } else {
                list.unreadable = json_array();
                status = print_list(&list, count);
                json_decref(list.unreadable);
        }
        bc_catalog_close(&catalog);
        return status;
}
