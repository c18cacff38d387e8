// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bodycam/time.h"
#include "evidence/manifest.h"
#include "folder.h"

#define S BC_TICKS_PER_S
#define KINDS BC_GAP_KINDS

struct place {
        char path[FOLDER_PATH_BYTES];
        int fd;
};

static void place_make(struct place *place)
{
        folder_make(place->path);
        place->fd = folder_open(place->path);
}

static void place_remove(struct place *place)
{
        close(place->fd);
        folder_remove(place->path);
}

static void example(struct bc_manifest *manifest)
{
        struct bc_manifest_segment *segment;

        bc_manifest_init(manifest);
        snprintf(manifest->device, sizeof(manifest->device), "BC-0042");
        snprintf(manifest->boot_id, sizeof(manifest->boot_id), "0123456789abcdef0123456789abcdef");
        snprintf(manifest->reason, sizeof(manifest->reason), "button");
        manifest->counter = 17;
        manifest->press_ticks = 130 * S;
        manifest->pre_event_ticks = 30 * S;
        segment = bc_manifest_add_segment(manifest, 1);
        *segment = (struct bc_manifest_segment){ .number = 1, .state = BC_SEGMENT_ABANDONED, .first_ticks = 100 * S,
                                                 .end_ticks = 110 * S, .bytes = 5000, .fragments = 20, .error = -EIO };
        segment = bc_manifest_add_segment(manifest, 2);
        *segment = (struct bc_manifest_segment){ .number = 2, .first_ticks = 109 * S, .end_ticks = 120 * S,
                                                 .bytes = 6000, .fragments = 22, .follows = 1 };
        bc_manifest_add_gap(manifest, BC_GAP_FRAMES_LOST, 112 * S, 112 * S + 1600, 1);
        bc_manifest_add_gap(manifest, BC_GAP_NO_PICTURE, 115 * S, BC_TICKS_UNKNOWN, 0);
        assert_true(bc_manifest_add_clock(manifest, &(struct bc_manifest_clock){ .from_ticks = 100 * S,
                                                                                  .step_ns = BC_STEP_UNKNOWN }));
        assert_true(bc_manifest_add_clock(manifest, &(struct bc_manifest_clock){ .from_ticks = 111 * S, .source = BC_UTC_NTP,
                                                                                  .utc_ns = INT64_C(1795655534987654321),
                                                                                  .uncertainty_ns = 50000000,
                                                                                  .step_ns = -3600 * BC_NS_PER_S }));
        assert_true(bc_manifest_add_mark(manifest, 113 * S + 7, "T\xc3\xbcr"));
        assert_true(bc_manifest_add_mark(manifest, 112 * S, ""));
}

static const char example_text[] =
        "{\n"
        " \"version\": 1,\n"
        " \"device\": \"BC-0042\",\n"
        " \"recording\": 17,\n"
        " \"state\": \"open\",\n"
        " \"boot_id\": \"0123456789abcdef0123456789abcdef\",\n"
        " \"ticks_per_second\": 48000,\n"
        " \"reason\": \"button\",\n"
        " \"stop_reason\": \"\",\n"
        " \"press_ticks\": 6240000,\n"
        " \"pre_event_ticks\": 1440000,\n"
        " \"stop_ticks\": null,\n"
        " \"segments\": [\n"
        "  {\n"
        "   \"file\": \"0001.mp4\",\n"
        "   \"state\": \"abandoned\",\n"
        "   \"first_ticks\": 4800000,\n"
        "   \"end_ticks\": 5280000,\n"
        "   \"bytes\": 5000,\n"
        "   \"fragments\": 20,\n"
        "   \"error\": \"Input/output error\",\n"
        "   \"errno\": 5\n"
        "  },\n"
        "  {\n"
        "   \"file\": \"0002.mp4\",\n"
        "   \"state\": \"open\",\n"
        "   \"first_ticks\": 5232000,\n"
        "   \"end_ticks\": 5760000,\n"
        "   \"bytes\": 6000,\n"
        "   \"fragments\": 22,\n"
        "   \"succeeds\": 1\n"
        "  }\n"
        " ],\n"
        " \"gaps\": [\n"
        "  {\n"
        "   \"kind\": \"frames-lost\",\n"
        "   \"from_ticks\": 5376000,\n"
        "   \"to_ticks\": 5377600,\n"
        "   \"count\": 1\n"
        "  },\n"
        "  {\n"
        "   \"kind\": \"no-picture\",\n"
        "   \"from_ticks\": 5520000,\n"
        "   \"to_ticks\": null,\n"
        "   \"count\": 1\n"
        "  }\n"
        " ],\n"
        " \"clock\": [\n"
        "  {\n"
        "   \"from_ticks\": 4800000,\n"
        "   \"source\": \"none\",\n"
        "   \"utc\": null,\n"
        "   \"utc_ns\": null,\n"
        "   \"uncertainty_ns\": null,\n"
        "   \"step_ns\": null,\n"
        "   \"count\": 1\n"
        "  },\n"
        "  {\n"
        "   \"from_ticks\": 5328000,\n"
        "   \"source\": \"ntp\",\n"
        "   \"utc\": \"2026-11-26T01:12:14Z\",\n"
        "   \"utc_ns\": 1795655534987654321,\n"
        "   \"uncertainty_ns\": 50000000,\n"
        "   \"step_ns\": -3600000000000,\n"
        "   \"count\": 1\n"
        "  }\n"
        " ],\n"
        " \"marks\": [\n"
        "  {\n"
        "   \"ticks\": 5424007,\n"
        "   \"text\": \"T\xc3\xbcr\",\n"
        "   \"count\": 1\n"
        "  },\n"
        "  {\n"
        "   \"ticks\": 5376000,\n"
        "   \"text\": \"\",\n"
        "   \"count\": 1\n"
        "  }\n"
        " ]\n"
        "}";

static void assert_same_text(const char *a, const char *b)
{
        size_t at = 0;

        while (a[at] && a[at] == b[at])
                at++;
        if (a[at] || b[at])
                fail_msg("differ at %zu: %.60s | %.60s", at, a + at, b + at);
}

// ---- round trips -----------------------------------------------------------------------------------------------

static void test_what_it_looks_like(void **state)
{
        struct bc_manifest manifest, loaded;
        struct place place;
        size_t size;
        char *text;

        (void)state;
        place_make(&place);
        example(&manifest);
        assert_int_equal(bc_manifest_save(&manifest, place.fd), 0);
        text = folder_read(place.fd, BC_MANIFEST_NAME, &size);
        assert_same_text(text, example_text);
        free(text);
        bc_manifest_init(&loaded);
        assert_int_equal(bc_manifest_load(&loaded, place.fd), 0);
        assert_string_equal(loaded.device, manifest.device);
        assert_string_equal(loaded.boot_id, manifest.boot_id);
        assert_string_equal(loaded.reason, manifest.reason);
        assert_string_equal(loaded.stop_reason, "");
        assert_int_equal(loaded.counter, 17);
        assert_int_equal(loaded.state, BC_RECORDING_OPEN);
        assert_int_equal(loaded.press_ticks, 130 * S);
        assert_int_equal(loaded.pre_event_ticks, 30 * S);
        assert_int_equal(loaded.stop_ticks, BC_TICKS_UNKNOWN);
        assert_int_equal(loaded.segments, 2);
        for (size_t i = 0; i < 2; i++) {
                const struct bc_manifest_segment *a = &loaded.segment[i], *b = &manifest.segment[i];

                assert_int_equal(a->number, b->number);
                assert_int_equal(a->state, b->state);
                assert_int_equal(a->first_ticks, b->first_ticks);
                assert_int_equal(a->end_ticks, b->end_ticks);
                assert_int_equal(a->bytes, b->bytes);
                assert_int_equal(a->fragments, b->fragments);
                assert_int_equal(a->follows, b->follows);
                assert_int_equal(a->error, b->error);
                assert_int_equal(a->tail_bytes, b->tail_bytes);
        }
        assert_int_equal(loaded.clocks, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(loaded.clock[i].from_ticks, manifest.clock[i].from_ticks);
                assert_int_equal(loaded.clock[i].source, manifest.clock[i].source);
                assert_int_equal(loaded.clock[i].utc_ns, manifest.clock[i].utc_ns);
                assert_int_equal(loaded.clock[i].uncertainty_ns, manifest.clock[i].uncertainty_ns);
                assert_int_equal(loaded.clock[i].step_ns, manifest.clock[i].step_ns);
                assert_int_equal(loaded.clock[i].count, manifest.clock[i].count);
        }
        assert_int_equal(loaded.marks, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(loaded.mark[i].ticks, manifest.mark[i].ticks);
                assert_string_equal(loaded.mark[i].text, manifest.mark[i].text);
                assert_int_equal(loaded.mark[i].count, manifest.mark[i].count);
        }
        assert_int_equal(loaded.gaps, 2);
        for (size_t i = 0; i < 2; i++) { // the structs have padding
                assert_int_equal(loaded.gap[i].kind, manifest.gap[i].kind);
                assert_int_equal(loaded.gap[i].from_ticks, manifest.gap[i].from_ticks);
                assert_int_equal(loaded.gap[i].to_ticks, manifest.gap[i].to_ticks);
                assert_int_equal(loaded.gap[i].count, manifest.gap[i].count);
        }
        bc_manifest_done(&loaded);
        bc_manifest_done(&manifest);
        place_remove(&place);
}

// Saves, loads, saves: the same bytes.
static void round_trip(const struct bc_manifest *manifest)
{
        struct bc_manifest loaded;
        struct place place;
        char *first, *second;
        size_t size;

        place_make(&place);
        assert_int_equal(bc_manifest_save(manifest, place.fd), 0);
        first = folder_read(place.fd, BC_MANIFEST_NAME, &size);
        bc_manifest_init(&loaded);
        assert_int_equal(bc_manifest_load(&loaded, place.fd), 0);
        assert_int_equal(bc_manifest_save(&loaded, place.fd), 0);
        second = folder_read(place.fd, BC_MANIFEST_NAME, &size);
        assert_same_text(first, second);
        free(first);
        free(second);
        bc_manifest_done(&loaded);
        place_remove(&place);
}

static void test_every_state_and_kind(void **state)
{
        struct bc_manifest manifest;

        (void)state;
        for (int i = BC_RECORDING_OPEN; i <= BC_RECORDING_RECOVERED; i++) {
                example(&manifest);
                manifest.state = (enum bc_recording_state)i;
                manifest.stop_ticks = i;
                for (uint32_t n = BC_SEGMENT_OPEN; n <= BC_SEGMENT_MISSING; n++)
                        bc_manifest_add_segment(&manifest, 3 + n)->state = (enum bc_segment_state)n;
                manifest.segment[4].tail_bytes = 12345;
                manifest.segment[5].missing_bytes = 77;
                for (int n = 0; n < KINDS; n++)
                        bc_manifest_add_gap(&manifest, (enum bc_gap_kind)n, 0, INT64_MAX, 3);
                for (int n = 0; n < BC_UTC_SOURCES; n++)
                        bc_manifest_add_clock(&manifest, &(struct bc_manifest_clock){ .source = (enum bc_utc_source)n,
                                                                                       .step_ns = n - 2 });
                manifest.clock_unknown = i == 1;
                manifest.marks_unknown = i == 2;
                round_trip(&manifest);
                bc_manifest_done(&manifest);
        }
        bc_manifest_init(&manifest); // of which nothing is known
        manifest.counter = 1;
        round_trip(&manifest);
        bc_manifest_done(&manifest);
}

// The largest there can be must be readable again.
static void test_the_largest(void **state)
{
        struct bc_manifest manifest;

        (void)state;
        example(&manifest);
        memset(manifest.reason, 1, BC_MANIFEST_REASON_BYTES_MAX); // six characters each in JSON
        memset(manifest.stop_reason, 1, BC_MANIFEST_REASON_BYTES_MAX);
        for (uint32_t number = 1; number <= BC_SEGMENTS_MAX; number++)
                *bc_manifest_add_segment(&manifest, number) = (struct bc_manifest_segment){
                        .number = number,
                        .state = BC_SEGMENT_ABANDONED,
                        .first_ticks = INT64_MAX,
                        .end_ticks = INT64_MAX,
                        .bytes = UINT32_MAX,
                        .fragments = UINT32_MAX,
                        .follows = number - 1,
                        .error = -ELIBSCN, // a long one
                        .tail_bytes = INT64_MAX,
                        .missing_bytes = INT64_MAX,
                };
        for (int i = 0; i < 2 * BC_MANIFEST_GAPS_MAX; i++)
                bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, INT64_MAX / 2 + i * 3 * S, INT64_MAX / 2 + i * 3 * S,
                                    1);
        for (int i = 0; i < 2 * BC_MANIFEST_CLOCKS_MAX; i++)
                bc_manifest_add_clock(&manifest, &(struct bc_manifest_clock){
                        .from_ticks = INT64_MAX, .source = BC_UTC_GNSS, .utc_ns = INT64_MAX, .uncertainty_ns = INT64_MAX,
                        .step_ns = -INT64_MAX });
        for (int i = 0; i < 2 * BC_MANIFEST_MARKS_MAX; i++) {
                char text[BC_MARK_TEXT_BYTES_MAX + 1] = { 0 };

                memset(text, 1, BC_MARK_TEXT_BYTES_MAX);
                bc_manifest_add_mark(&manifest, INT64_MAX, text);
                manifest.mark[manifest.marks - 1].count += INT32_MAX;
        }
        assert_int_equal(manifest.clocks, BC_MANIFEST_CLOCKS_MAX);
        assert_int_equal(manifest.clock[BC_MANIFEST_CLOCKS_MAX - 1].count, BC_MANIFEST_CLOCKS_MAX + 3);
        round_trip(&manifest);
        bc_manifest_done(&manifest);
}

// A reason that was cut in the middle of a character must not keep the manifest from being written.
static void test_reasons_that_are_no_utf8(void **state)
{
        const char *const reasons[] = { "Streife Gr\xc3\xbcn", "cut in the middle \xc3", "\xff\xfe", "\xc0\x80", "\n\t\x01" };
        struct bc_manifest manifest, loaded;
        struct place place;

        (void)state;
        place_make(&place);
        for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
                example(&manifest);
                snprintf(manifest.reason, sizeof(manifest.reason), "%s", reasons[i]);
                snprintf(manifest.stop_reason, sizeof(manifest.stop_reason), "%s", reasons[i]);
                assert_int_equal(bc_manifest_save(&manifest, place.fd), 0);
                bc_manifest_init(&loaded);
                assert_int_equal(bc_manifest_load(&loaded, place.fd), 0);
                if (i == 0 || i == 4)
                        assert_string_equal(loaded.reason, reasons[i]);
                else
                        assert_int_equal(strlen(loaded.reason), strlen(reasons[i]));
                if (i == 1)
                        assert_string_equal(loaded.reason, "cut in the middle ?");
                bc_manifest_done(&loaded);
                bc_manifest_done(&manifest);
        }
        place_remove(&place);
}

// What the format's document shows is a manifest of this format, to the byte.
static void test_the_example_of_the_document(void **state)
{
        const char *source = getenv("BC_SOURCE_DIR");
        struct bc_manifest manifest;
        struct place place;
        char path[512], *text, *example, *end, *saved;
        size_t size;
        int fd;

        (void)state;
        if (!source)
                skip(); // set by ctest
        snprintf(path, sizeof(path), "%s/docs/formats", source);
        fd = folder_open(path);
        text = folder_read(fd, "manifest.md", &size);
        close(fd);
        example = strstr(text, "```json\n{");
        assert_non_null(example);
        example += 8;
        end = strstr(example, "\n```");
        assert_non_null(end);
        *end = 0;
        place_make(&place);
        folder_write_text(place.fd, BC_MANIFEST_NAME, example);
        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, place.fd), 0);
        assert_int_equal(bc_manifest_save(&manifest, place.fd), 0);
        saved = folder_read(place.fd, BC_MANIFEST_NAME, &size);
        assert_same_text(saved, example);
        free(saved);
        free(text);
        bc_manifest_done(&manifest);
        place_remove(&place);
}

// ---- marks -------------------------------------------------------------------------------------------------------

static void test_marks_are_bounded_and_none_is_lost(void **state)
{
        struct bc_manifest manifest;
        uint64_t count = 0;

        (void)state;
        example(&manifest);
        for (int i = 2; i < BC_MANIFEST_MARKS_MAX + 5; i++) {
                char text[32];

                snprintf(text, sizeof(text), "mark %d", i);
                assert_true(bc_manifest_add_mark(&manifest, 200 * S + i, text));
        }
        assert_int_equal(manifest.marks, BC_MANIFEST_MARKS_MAX);
        for (size_t i = 0; i < manifest.marks; i++)
                count += manifest.mark[i].count;
        assert_int_equal(count, BC_MANIFEST_MARKS_MAX + 5);
        // What was first stays; the newest entry shows the newest and counts the rest.
        assert_string_equal(manifest.mark[998].text, "mark 998");
        assert_string_equal(manifest.mark[999].text, "mark 1004");
        assert_int_equal(manifest.mark[999].ticks, 200 * S + 1004);
        assert_int_equal(manifest.mark[999].count, 6);
        round_trip(&manifest);
        bc_manifest_done(&manifest);
}

// Earlier versions knew no marks; none were lost then.
static void test_a_manifest_without_the_key(void **state)
{
        const char *marks = strstr(example_text, ",\n \"marks\"");
        struct bc_manifest manifest;
        char text[sizeof(example_text) + 2] = { 0 };
        struct place place;

        (void)state;
        assert_non_null(marks);
        memcpy(text, example_text, (size_t)(marks - example_text));
        memcpy(text + (marks - example_text), "\n}", 2);
        place_make(&place);
        folder_write_text(place.fd, BC_MANIFEST_NAME, text);
        bc_manifest_init(&manifest);
        assert_int_equal(bc_manifest_load(&manifest, place.fd), 0);
        assert_int_equal(manifest.marks, 0);
        assert_false(manifest.marks_unknown);
        round_trip(&manifest);
        bc_manifest_done(&manifest);
        place_remove(&place);
}

// A text that is too long, or was cut in the middle of a character, keeps neither the mark nor the manifest away.
static void test_texts_of_marks(void **state)
{
        struct bc_manifest manifest;
        char text[100];

        (void)state;
        example(&manifest);
        memset(text, 'x', sizeof(text));
        text[99] = 0;
        assert_true(bc_manifest_add_mark(&manifest, 1, text));
        assert_int_equal(strlen(manifest.mark[2].text), BC_MARK_TEXT_BYTES_MAX);
        memcpy(text + 63, "\xc3\xbc", 3); // one byte too long
        assert_true(bc_manifest_add_mark(&manifest, 2, text));
        round_trip(&manifest);
        bc_manifest_done(&manifest);
}

// ---- gaps --------------------------------------------------------------------------------------------------------

static void test_frames_lost_close_together_are_one_gap(void **state)
{
        struct bc_manifest manifest;

        (void)state;
        bc_manifest_init(&manifest);
        bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, 10 * S, 10 * S + 1600, 1);
        bc_manifest_add_gap(&manifest, BC_GAP_NO_SOUND, 10 * S, 11 * S, 0);
        bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, 11 * S + 1600, 11 * S + 4800, 2);
        assert_int_equal(manifest.gaps, 2);
        assert_int_equal(manifest.gap[0].from_ticks, 10 * S);
        assert_int_equal(manifest.gap[0].to_ticks, 11 * S + 4800);
        assert_int_equal(manifest.gap[0].count, 3);
        assert_int_equal(manifest.gap[1].count, 1);
        bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, 12 * S + 4801, 12 * S + 6401, 1);
        assert_int_equal(manifest.gaps, 3);
        // Other kinds stay apart, however close.
        bc_manifest_add_gap(&manifest, BC_GAP_NO_SOUND, 11 * S, 12 * S, 0);
        assert_int_equal(manifest.gaps, 4);
        bc_manifest_done(&manifest);
}

static void test_a_gap_lasts_until_it_is_ended(void **state)
{
        struct bc_manifest manifest;

        (void)state;
        bc_manifest_init(&manifest);
        assert_false(bc_manifest_lasts(&manifest, BC_GAP_NO_SOUND));
        assert_false(bc_manifest_end_gap(&manifest, BC_GAP_NO_SOUND, S));
        bc_manifest_add_gap(&manifest, BC_GAP_NO_SOUND, 10 * S, BC_TICKS_UNKNOWN, 0);
        assert_true(bc_manifest_lasts(&manifest, BC_GAP_NO_SOUND));
        assert_false(bc_manifest_lasts(&manifest, BC_GAP_NO_PICTURE));
        assert_false(bc_manifest_end_gap(&manifest, BC_GAP_NO_PICTURE, 11 * S));
        // A second one of the kind, over at once, does not hide that the first still lasts.
        bc_manifest_add_gap(&manifest, BC_GAP_NO_SOUND, 12 * S, 13 * S, 0);
        assert_true(bc_manifest_lasts(&manifest, BC_GAP_NO_SOUND));
        assert_true(bc_manifest_end_gap(&manifest, BC_GAP_NO_SOUND, 14 * S));
        assert_int_equal(manifest.gap[0].to_ticks, 14 * S);
        assert_int_equal(manifest.gap[1].to_ticks, 13 * S);
        assert_false(bc_manifest_lasts(&manifest, BC_GAP_NO_SOUND));
        // Never before it began.
        bc_manifest_add_gap(&manifest, BC_GAP_NO_PICTURE, 20 * S, BC_TICKS_UNKNOWN, 0);
        assert_true(bc_manifest_end_gap(&manifest, BC_GAP_NO_PICTURE, 19 * S));
        assert_int_equal(manifest.gap[2].to_ticks, 20 * S);
        bc_manifest_done(&manifest);
}

static uint32_t below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

// However many there are: of each kind every gap lies within an entry of that kind, and no count is lost.
static void test_gaps_are_bounded_and_none_is_lost(void **state)
{
        (void)state;
        for (uint32_t seed = 1; seed <= 8; seed++) {
                static struct bc_manifest_gap added[3000];
                uint64_t count[KINDS] = { 0 }, sum[KINDS] = { 0 };
                // The last kinds come when the manifest is full already.
                uint32_t random = seed, late_kinds = below(&random, KINDS);
                struct bc_manifest manifest;
                int64_t now_ticks = 100 * S;

                bc_manifest_init(&manifest);
                manifest.counter = 1;
                for (size_t i = 0; i < 3000; i++) {
                        uint32_t kinds = i < 2000 ? KINDS - late_kinds : KINDS;
                        enum bc_gap_kind kind = (enum bc_gap_kind)below(&random, kinds);
                        int64_t from_ticks = now_ticks - below(&random, 3 * S);
                        bool lasts = below(&random, 10) == 0; // until now, so beyond all before
                        uint64_t frames = kind == BC_GAP_FRAMES_LOST ? 1 + below(&random, 30) : 0;

                        added[i] = (struct bc_manifest_gap){ kind, from_ticks, lasts ? now_ticks + 2 * S :
                                                             from_ticks + below(&random, 2 * S), 0, BC_STATEMENT_NEW };
                        assert_non_null(bc_manifest_add_gap(&manifest, kind, from_ticks,
                                                            lasts ? BC_TICKS_UNKNOWN : added[i].to_ticks, frames));
                        assert_int_equal(bc_manifest_lasts(&manifest, kind), lasts);
                        if (lasts)
                                assert_true(bc_manifest_end_gap(&manifest, kind, added[i].to_ticks));
                        assert_false(bc_manifest_lasts(&manifest, kind));
                        count[kind] += kind == BC_GAP_FRAMES_LOST ? frames : 1;
                        now_ticks += below(&random, 6 * S);
                }
                assert_true(manifest.gaps <= BC_MANIFEST_GAPS_MAX);
                assert_true(manifest.gaps > BC_MANIFEST_GAPS_MAX / 2);
                for (size_t i = 0; i < 3000; i++) {
                        bool covered = false;

                        for (size_t k = 0; k < manifest.gaps; k++)
                                covered |= manifest.gap[k].kind == added[i].kind &&
                                           manifest.gap[k].from_ticks <= added[i].from_ticks &&
                                           manifest.gap[k].to_ticks >= added[i].to_ticks;
                        if (!covered)
                                fail_msg("seed %u: gap %zu of kind %d is in no entry of its kind", seed, i, added[i].kind);
                }
                for (size_t k = 0; k < manifest.gaps; k++)
                        sum[manifest.gap[k].kind] += manifest.gap[k].count;
                assert_memory_equal(sum, count, sizeof(sum));
                round_trip(&manifest);
                bc_manifest_done(&manifest);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_it_looks_like),
                cmocka_unit_test(test_every_state_and_kind),
                cmocka_unit_test(test_the_largest),
                cmocka_unit_test(test_reasons_that_are_no_utf8),
                cmocka_unit_test(test_the_example_of_the_document),
                cmocka_unit_test(test_marks_are_bounded_and_none_is_lost),
                cmocka_unit_test(test_a_manifest_without_the_key),
                cmocka_unit_test(test_texts_of_marks),
                cmocka_unit_test(test_frames_lost_close_together_are_one_gap),
                cmocka_unit_test(test_a_gap_lasts_until_it_is_ended),
                cmocka_unit_test(test_gaps_are_bounded_and_none_is_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
