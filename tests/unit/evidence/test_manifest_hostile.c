// SPDX-License-Identifier: EUPL-1.2
// A manifest that anybody may have edited: what is not exactly a manifest is refused, whole.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/manifest.h"
#include "folder.h"
#include "lib/counts.h"

struct place {
        char path[FOLDER_PATH_BYTES];
        int fd;
};

static int make_place(void **state)
{
        static struct place place;

        folder_make(place.path);
        place.fd = folder_open(place.path);
        *state = &place;
        return 0;
}

static int remove_place(void **state)
{
        struct place *place = *state;

        close(place->fd);
        folder_remove(place->path);
        return 0;
}

static const char whole[] =
        "{\"version\": 1, \"device\": \"BC-0042\", \"recording\": 17, \"state\": \"closed\","
        " \"boot_id\": \"0123456789abcdef0123456789abcdef\", \"ticks_per_second\": 48000,"
        " \"reason\": \"button\", \"stop_reason\": \"button\", \"press_ticks\": 6240000,"
        " \"pre_event_ticks\": 1440000, \"stop_ticks\": 9000000,"
        " \"segments\": [{\"file\": \"0001.mp4\", \"state\": \"abandoned\", \"first_ticks\": 4800000,"
        " \"end_ticks\": 5280000, \"bytes\": 5000, \"fragments\": 20, \"error\": \"Input/output error\", \"errno\": 5},"
        " {\"file\": \"0002.mp4\", \"state\": \"recovered\", \"first_ticks\": 5232000, \"end_ticks\": 5760000,"
        " \"bytes\": 6000, \"fragments\": 22, \"succeeds\": 1, \"tail_bytes\": 77,"
        " \"missing_bytes\": 5}],"
        " \"gaps\": [{\"kind\": \"no-picture\", \"from_ticks\": 5520000, \"to_ticks\": 5560000, \"count\": 1}],"
        " \"clock\": [{\"from_ticks\": 4800000, \"source\": \"none\", \"utc\": null, \"utc_ns\": null,"
        " \"uncertainty_ns\": null, \"step_ns\": null, \"count\": 1},"
        " {\"from_ticks\": 4900000, \"source\": \"ntp\", \"utc\": \"2026-11-26T01:12:14Z\", \"utc_ns\": 1795655534987654321,"
        " \"uncertainty_ns\": 50000000, \"step_ns\": -3600000000000, \"count\": 2}],"
        " \"marks\": [{\"ticks\": 5000000, \"text\": \"\", \"count\": 1},"
        " {\"ticks\": 5000001, \"text\": \"T\xc3\xbcr\", \"count\": 3}]}";

static int load_bytes(const struct place *place, const void *bytes, size_t size)
{
        struct bc_manifest manifest;
        int r;

        folder_write(place->fd, BC_MANIFEST_NAME, bytes, size);
        bc_manifest_init(&manifest);
        r = bc_manifest_load(&manifest, place->fd);
        if (r < 0) { // refused whole
                assert_null(manifest.segment);
                assert_null(manifest.gap);
                assert_null(manifest.mark);
                assert_int_equal(manifest.segments + manifest.gaps + manifest.marks + manifest.counter, 0);
                assert_string_equal(manifest.device, "");
        }
        bc_manifest_done(&manifest);
        return r;
}

static int load_json(const struct place *place, const json_t *root)
{
        char *text = json_dumps(root, 0);
        int r;

        assert_non_null(text);
        r = load_bytes(place, text, strlen(text));
        free(text);
        return r;
}

static void test_cut_off_at_every_byte(void **state)
{
        assert_int_equal(load_bytes(*state, whole, strlen(whole)), 0);
        for (size_t size = 0; size < strlen(whole); size++)
                assert_int_equal(load_bytes(*state, whole, size), -EBADMSG);
        assert_int_equal(load_bytes(*state, whole, strlen(whole) + 1), -EBADMSG); // a 0 byte behind it
}

// ---- each value replaced by what does not belong there ---------------------------------------------------------

enum type { NUMBER, TICKS_OR_NULL, STEP, TEXT, CHOICE, LIST, LIST_OR_NULL };

static const struct field {
        const char *in, *key; // NULL: in the manifest itself; else in the second entry of that list
        enum type type;
} fields[] = {
        { NULL, "version", NUMBER }, { NULL, "device", TEXT }, { NULL, "recording", NUMBER },
        { NULL, "state", CHOICE }, { NULL, "boot_id", TEXT }, { NULL, "ticks_per_second", NUMBER },
        { NULL, "reason", TEXT }, { NULL, "stop_reason", TEXT }, { NULL, "press_ticks", TICKS_OR_NULL },
        { NULL, "pre_event_ticks", TICKS_OR_NULL }, { NULL, "stop_ticks", TICKS_OR_NULL },
        { NULL, "segments", LIST }, { NULL, "gaps", LIST_OR_NULL }, { NULL, "clock", LIST_OR_NULL },
        { NULL, "marks", LIST_OR_NULL },
        { "segments", "file", CHOICE }, { "segments", "state", CHOICE }, { "segments", "first_ticks", NUMBER },
        { "segments", "end_ticks", NUMBER }, { "segments", "bytes", NUMBER }, { "segments", "fragments", NUMBER },
        { "segments", "succeeds", NUMBER }, { "segments", "tail_bytes", NUMBER },
        { "segments", "missing_bytes", NUMBER },
        { "gaps", "kind", CHOICE }, { "gaps", "from_ticks", NUMBER }, { "gaps", "to_ticks", TICKS_OR_NULL },
        { "gaps", "count", NUMBER },
        { "clock", "from_ticks", NUMBER }, { "clock", "source", CHOICE }, { "clock", "utc", CHOICE },
        { "clock", "utc_ns", NUMBER }, { "clock", "uncertainty_ns", NUMBER }, { "clock", "step_ns", STEP },
        { "clock", "count", NUMBER },
        { "marks", "ticks", NUMBER }, { "marks", "text", TEXT }, { "marks", "count", NUMBER },
};

// Values as JSON, and for which types they may be right.
static const struct {
        const char *json;
        unsigned right; // bits of enum type
} values[] = {
        { "true", 0 }, { "false", 0 }, { "{}", 0 }, { "[[]]", 0 }, { "[1]", 0 }, { "[null]", 0 }, { "[\"0001.mp4\"]", 0 },
        { "1.5", 0 }, { "1e3", 0 }, { "-1", 1 << STEP }, { "-9223372036854775808", 0 },
        { "null", 1 << TICKS_OR_NULL | 1 << STEP | 1 << LIST_OR_NULL },
        { "[]", 1 << LIST | 1 << LIST_OR_NULL },
        { "\"\"", 1 << TEXT }, { "\"1\"", 1 << TEXT }, { "\"00002.mp4\"", 1 << TEXT }, { "\"../2.mp4\"", 1 << TEXT },
        { "\"0000.mp4\"", 1 << TEXT }, { "\" 002.mp4\"", 1 << TEXT }, { "\"10000.mp4\"", 1 << TEXT },
        { "\"0001.mp4\"", 1 << TEXT }, { "\"CLOSED\"", 1 << TEXT },
        { "\"01234567890123456789012345678901234567890123456789012345678901234\"", 0 }, // 65
};

static json_t *object_of(json_t *root, const struct field *field)
{
        json_t *list = field->in ? json_object_get(root, field->in) : NULL;

        return list ? json_array_get(list, json_array_size(list) - 1) : root;
}

static void test_wrong_values(void **state)
{
        for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++)
                for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
                        json_t *root = json_loads(whole, 0, NULL);
                        json_t *value = json_loads(values[v].json, JSON_DECODE_ANY, NULL);
                        int r;

                        assert_non_null(json_object_get(object_of(root, &fields[f]), fields[f].key));
                        assert_int_equal(json_object_set_new(object_of(root, &fields[f]), fields[f].key, value), 0);
                        r = load_json(*state, root);
                        if (r != (values[v].right & 1u << fields[f].type ? 0 : -EBADMSG))
                                fail_msg("%s %s = %s: %d", fields[f].in ? fields[f].in : "", fields[f].key,
                                         values[v].json, r);
                        json_decref(root);
                }
}

static void test_a_key_too_few_or_too_many(void **state)
{
        for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++) {
                bool optional = !strcmp(fields[f].key, "succeeds") || !strcmp(fields[f].key, "tail_bytes") ||
                                !strcmp(fields[f].key, "missing_bytes") || !strcmp(fields[f].key, "marks");
                json_t *root = json_loads(whole, 0, NULL);

                json_object_del(object_of(root, &fields[f]), fields[f].key);
                assert_int_equal(load_json(*state, root), optional ? 0 : -EBADMSG);
                json_decref(root);
                root = json_loads(whole, 0, NULL);
                json_object_set_new(object_of(root, &fields[f]), "surprise", json_integer(1));
                assert_int_equal(load_json(*state, root), -EBADMSG);
                json_decref(root);
        }
}

// Replaces one piece of the text, which must be there.
static int load_with(const struct place *place, const char *piece, const char *by)
{
        const char *at = strstr(whole, piece);
        char text[4096];
        int n;

        assert_non_null(at);
        n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, by, at + strlen(piece));
        assert_true(n > 0 && (size_t)n < sizeof(text));
        return load_bytes(place, text, (size_t)n);
}

static void test_what_cannot_be(void **state)
{
        const struct {
                const char *piece, *by;
        } edits[] = {
                { "\"version\": 1", "\"version\": 2" },
                { "\"version\": 1,", "\"version\": 1, \"version\": 1," },
                { "\"count\": 1", "\"count\": 1, \"count\": 1" },
                { "\"recording\": 17", "\"recording\": 0" },
                { "\"recording\": 17", "\"recording\": 9223372036854775808" },
                { "\"recording\": 17", "\"recording\": 1e99999" },
                { "\"recording\": 17", "\"recording\": 00017" },
                { "48000", "90000" },
                { "\"0001.mp4\"", "\"0002.mp4\"" },      // twice
                { "\"succeeds\": 1", "\"succeeds\": 2" }, // itself
                { "\"succeeds\": 1", "\"succeeds\": 3" },
                { "5280000", "4799999" },                 // ends before it begins
                { "5560000", "5519999" },
                { "\"errno\": 5", "\"errno\": 0" },
                { "\"errno\": 5", "\"errno\": 4096" },
                { ", \"errno\": 5", "" },                 // words alone
                { "\"error\": \"Input/output error\",", "" },
                { "\"bytes\": 5000", "\"bytes\": 4294967296" },
                { "BC-0042", "BC-0042\\u0000" },
                { "BC-0042", "BC-\xff" },
                { "BC-0042", "0123456789012345678901234567890123" },
                { "\"count\": 3", "\"count\": 0" },
                { "5000001", "9223372036854775808" },
                { "T\xc3\xbcr", "T\xc3r" },
                { "T\xc3\xbcr", "T\\u0000r" },
                { "T\xc3\xbcr", "0123456789012345678901234567890123456789012345678901234567890\xc3\xbc\xc3\xbc" }, // 65 bytes
                { "\"marks\": [", "\"marks\": [[], " },
                { "\"marks\": [", "\"mark\": [" },
                { "]}", "],}" },
                { "]}", "]}{}" },
                { "{\"version\"", "[{\"version\"" },
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
                int r = load_with(*state, edits[i].piece, edits[i].by);

                if (r != -EBADMSG)
                        fail_msg("%s instead of %s: %d", edits[i].by, edits[i].piece, r);
        }
}

// ---- sizes, depths, kinds of file --------------------------------------------------------------------------------

static void test_more_than_there_can_be(void **state)
{
        json_t *root = json_loads(whole, 0, NULL), *gaps = json_object_get(root, "gaps"), *marks = json_object_get(root, "marks");

        while (json_array_size(gaps) < BC_MANIFEST_GAPS_MAX)
                json_array_append(gaps, json_array_get(gaps, 0));
        assert_int_equal(load_json(*state, root), 0);
        json_array_append(gaps, json_array_get(gaps, 0));
        assert_int_equal(load_json(*state, root), -EBADMSG);
        json_array_remove(gaps, 0);
        while (json_array_size(marks) < BC_MANIFEST_MARKS_MAX)
                json_array_append(marks, json_array_get(marks, 0));
        assert_int_equal(load_json(*state, root), 0);
        json_array_append(marks, json_array_get(marks, 0));
        assert_int_equal(load_json(*state, root), -EBADMSG);
        json_decref(root);
}

static void test_deep_nesting(void **state)
{
        const char *const openings[] = { "[", "{\"a\":", "{\"segments\":[" };

        for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
                size_t n = strlen(openings[i]), size = n * 200000;
                char *text = malloc(size);

                assert_non_null(text);
                for (size_t at = 0; at < size; at += n)
                        memcpy(text + at, openings[i], n);
                assert_int_equal(load_bytes(*state, text, size), -EBADMSG);
                free(text);
        }
}

static void test_six_megabytes(void **state)
{
        size_t size = 6 << 20;
        char *text = malloc(size);

        assert_non_null(text);
        memset(text, ' ', size);
        memcpy(text, whole, strlen(whole)); // valid JSON, only too long
        assert_int_equal(load_bytes(*state, text, size), -EBADMSG);
        assert_int_equal(load_bytes(*state, text, 3 << 20), 0);
        memset(text, 0, size);
        assert_int_equal(load_bytes(*state, text, 3 << 20), -EBADMSG);
        free(text);
}

static void test_what_is_no_file(void **state)
{
        const struct place *place = *state;
        struct bc_manifest manifest;

        bc_manifest_init(&manifest);
        if (folder_has(place->fd, BC_MANIFEST_NAME))
                assert_int_equal(unlinkat(place->fd, BC_MANIFEST_NAME, 0), 0);
        assert_int_equal(bc_manifest_load(&manifest, place->fd), -ENOENT);
        assert_int_equal(mkdirat(place->fd, BC_MANIFEST_NAME, 0755), 0);
        assert_int_equal(bc_manifest_load(&manifest, place->fd), -EBADMSG);
        assert_int_equal(unlinkat(place->fd, BC_MANIFEST_NAME, AT_REMOVEDIR), 0);
        assert_int_equal(mkfifoat(place->fd, BC_MANIFEST_NAME, 0644), 0);
        assert_int_equal(bc_manifest_load(&manifest, place->fd), -EBADMSG); // and returns
        assert_int_equal(unlinkat(place->fd, BC_MANIFEST_NAME, 0), 0);
        folder_write_text(place->fd, "elsewhere", whole);
        assert_int_equal(symlinkat("elsewhere", place->fd, BC_MANIFEST_NAME), 0);
        assert_int_equal(bc_manifest_load(&manifest, place->fd), -EBADMSG);
        assert_int_equal(unlinkat(place->fd, BC_MANIFEST_NAME, 0), 0);
}

// ---- at random ---------------------------------------------------------------------------------------------------

static uint32_t below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

// Whatever is accepted can be written again and is then accepted again, with the same content.
static void accepted_is_stable(const struct place *place)
{
        struct bc_manifest manifest;
        char *first, *second;
        size_t size;

        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, place->fd), 0);
        assert_int_equal(bc_manifest_save(&manifest, place->fd), 0);
        bc_manifest_done(&manifest);
        first = folder_read(place->fd, BC_MANIFEST_NAME, &size);
        assert_int_equal(bc_manifest_load(&manifest, place->fd), 0);
        assert_int_equal(bc_manifest_save(&manifest, place->fd), 0);
        bc_manifest_done(&manifest);
        second = folder_read(place->fd, BC_MANIFEST_NAME, &size);
        assert_string_equal(first, second);
        free(first);
        free(second);
}

static void test_random_damage(void **state)
{
        uint32_t random = 1, rounds = counts_of(1500, 5000, 500000), accepted = 0;

        for (uint32_t i = 0; i < rounds; i++) {
                char text[sizeof(whole)];

                memcpy(text, whole, sizeof(whole));
                for (uint32_t n = 1 + below(&random, 4); n > 0; n--) {
                        size_t at = below(&random, sizeof(whole) - 1);

                        if (below(&random, 2))
                                text[at] = (char)(text[at] ^ 1 << below(&random, 8));
                        else
                                text[at] = whole[below(&random, sizeof(whole) - 1)];
                }
                if (load_bytes(*state, text, sizeof(whole) - 1) == 0) {
                        accepted++;
                        accepted_is_stable(*state);
                }
        }
        assert_in_range(accepted, rounds / 100, rounds / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cut_off_at_every_byte),
                cmocka_unit_test(test_wrong_values),
                cmocka_unit_test(test_a_key_too_few_or_too_many),
                cmocka_unit_test(test_what_cannot_be),
                cmocka_unit_test(test_more_than_there_can_be),
                cmocka_unit_test(test_deep_nesting),
                cmocka_unit_test(test_six_megabytes),
                cmocka_unit_test(test_what_is_no_file),
                cmocka_unit_test(test_random_damage),
        };

        return cmocka_run_group_tests(tests, make_place, remove_place);
}
