// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/fragment.h"
#include "segments.h"

#define ROOM BC_FRAGMENT_HEADER_BYTES_MAX(BC_FRAGMENT_SAMPLES_MAX)

static const struct bc_sample picture[] = { { 1600, 0x1234, true }, { 1601, 5, false } };
static const struct bc_sample sound[] = { { 1024, 0x77, true } };

static size_t build(uint8_t *bytes)
{
        const struct bc_run run[] = { segment_run(0, 0x100000002, picture, 2), segment_run(1, 3, sound, 1) };
        size_t n = 0;
        assert_int_equal(bc_fragment_header_bytes(run, 2), 196);
        assert_int_equal(bc_fragment_build(9, run, 2, bytes, ROOM, &n), 0);
        assert_int_equal(n, 196);
        return n;
}

static void test_bytes(void **state)
{
        (void)state;
        // clang-format off
        static const uint8_t expected[196] = {
                0, 0, 0, 188, 'm', 'o', 'o', 'f',
                0, 0, 0, 16, 'm', 'f', 'h', 'd', 0, 0, 0, 0, 0, 0, 0, 9,
                0, 0, 0, 88, 't', 'r', 'a', 'f',
                0, 0, 0, 16, 't', 'f', 'h', 'd', 0, 2, 0, 0, 0, 0, 0, 1,
                0, 0, 0, 20, 't', 'f', 'd', 't', 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2,
                0, 0, 0, 44, 't', 'r', 'u', 'n', 0, 0, 7, 1, 0, 0, 0, 2, 0, 0, 0, 196,
                0, 0, 0x06, 0x40, 0, 0, 0x12, 0x34, 2, 0, 0, 0,
                0, 0, 0x06, 0x41, 0, 0, 0, 5, 1, 1, 0, 0,
                0, 0, 0, 76, 't', 'r', 'a', 'f',
                0, 0, 0, 16, 't', 'f', 'h', 'd', 0, 2, 0, 0, 0, 0, 0, 2,
                0, 0, 0, 20, 't', 'f', 'd', 't', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
                0, 0, 0, 32, 't', 'r', 'u', 'n', 0, 0, 7, 1, 0, 0, 0, 1, 0, 0, 0x12, 0xfd,
                0, 0, 4, 0, 0, 0, 0, 0x77, 2, 0, 0, 0,
                0, 0, 0x12, 0xb8, 'm', 'd', 'a', 't',
        };
        // clang-format on
        uint8_t bytes[ROOM];
        size_t n = build(bytes);
        assert_memory_equal(bytes, expected, n);
}

static void test_comes_back_as_written(void **state)
{
        (void)state;
        struct bc_fragment *fragment = malloc(sizeof(*fragment));
        uint8_t bytes[ROOM];
        size_t n = build(bytes);
        assert_int_equal(bc_fragment_parse(bytes, n, 2, fragment), 0);
        assert_int_equal(fragment->sequence, 9);
        assert_int_equal(fragment->header_bytes, n);
        assert_int_equal(fragment->payload_bytes, 0x1234 + 5 + 0x77);
        assert_int_equal(fragment->runs, 2);
        assert_int_equal(fragment->run[0].decode_ticks, 0x100000002);
        assert_int_equal(fragment->run[1].track, 1);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(fragment->run[0].sample[i].duration_ticks, picture[i].duration_ticks);
                assert_int_equal(fragment->run[0].sample[i].size_bytes, picture[i].size_bytes);
                assert_int_equal(fragment->run[0].sample[i].sync, picture[i].sync);
        }
        // the second track does not exist in a segment with one
        assert_int_equal(bc_fragment_parse(bytes, n, 1, fragment), -EBADMSG);
        free(fragment);
}

static void test_one_track_alone_and_the_largest(void **state)
{
        (void)state;
        struct bc_fragment *fragment = malloc(sizeof(*fragment));
        struct bc_sample *many = calloc(BC_FRAGMENT_SAMPLES_MAX + 1, sizeof(*many));
        uint8_t *bytes = malloc(ROOM);
        size_t n;
        for (size_t i = 0; i <= BC_FRAGMENT_SAMPLES_MAX; i++)
                many[i] = (struct bc_sample){ 1, 1, i % 2 };
        struct bc_run run = segment_run(1, 0, many, BC_FRAGMENT_SAMPLES_MAX);
        assert_int_equal(bc_fragment_build(1, &run, 1, bytes, ROOM, &n), 0);
        assert_int_equal(bc_fragment_parse(bytes, n, 2, fragment), 0);
        assert_int_equal(fragment->payload_bytes, BC_FRAGMENT_SAMPLES_MAX);
        assert_int_equal(bc_fragment_build(1, &run, 1, bytes, n - 1, &n), -ENOBUFS);
        run.samples++;
        assert_int_equal(bc_fragment_build(1, &run, 1, bytes, ROOM, &n), -EINVAL);

        // all tracks, all samples: just what the macro promises
        struct bc_run runs[BC_TRACKS_MAX];
        for (uint32_t i = 0; i < BC_TRACKS_MAX; i++)
                runs[i] = segment_run(i, 0, many, BC_FRAGMENT_SAMPLES_MAX / BC_TRACKS_MAX);
        assert_int_equal(bc_fragment_build(1, runs, BC_TRACKS_MAX, bytes, ROOM, &n), 0);
        assert_int_equal(n, ROOM);
        assert_int_equal(bc_fragment_parse(bytes, n, BC_TRACKS_MAX, fragment), 0);
        free(bytes);
        free(many);
        free(fragment);
}

static void test_refuses_what_is_no_fragment(void **state)
{
        (void)state;
        uint8_t bytes[ROOM];
        size_t n = 77;
        static const struct bc_sample empty[] = { { 1, 0, true } }, still[] = { { 0, 1, true } },
                huge[] = { { 1, UINT32_MAX, true } }, half[] = { { 1, 1u << 30, true }, { 1, 1u << 30, true } };
        const struct { struct bc_run run[2]; size_t runs; } bad[] = {
                { .runs = 0 },
                { .runs = BC_TRACKS_MAX + 1 },
                { { segment_run(0, 0, picture, 0) }, 1 },
                { { segment_run(BC_TRACKS_MAX, 0, picture, 1) }, 1 },
                { { segment_run(0, 0, picture, 1), segment_run(0, 0, sound, 1) }, 2 },
                { { segment_run(1, 0, sound, 1), segment_run(0, 0, picture, 1) }, 2 },
                { { segment_run(0, 0, empty, 1) }, 1 },
                { { segment_run(0, 0, still, 1) }, 1 },
                { { segment_run(0, 0, huge, 1) }, 1 },
                { { segment_run(0, 0, half, 2) }, 1 },
                { { segment_run(0, 0, half, 1), segment_run(1, 0, half, 1) }, 2 },
        };
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(bc_fragment_build(1, bad[i].run, bad[i].runs, bytes, ROOM, &n), -EINVAL);
        assert_int_equal(n, 77);
}

static void test_every_truncation_is_seen(void **state)
{
        (void)state;
        struct bc_fragment *fragment = malloc(sizeof(*fragment));
        uint8_t bytes[ROOM];
        size_t n = build(bytes);
        for (size_t cut = 0; cut < n; cut++) {
                uint8_t *part = malloc(cut > 0 ? cut : 1);
                memcpy(part, bytes, cut);
                assert_int_equal(bc_fragment_parse(part, cut, 2, fragment), -ENODATA);
                free(part);
        }
        free(fragment);
}

static void test_every_changed_byte_is_refused_or_means_something(void **state)
{
        (void)state;
        struct bc_fragment *fragment = malloc(sizeof(*fragment));
        uint8_t *bytes = calloc(1, ROOM), again[ROOM];
        size_t n = build(bytes), m, accepted = 0;
        for (size_t bit = 0; bit < 8 * n; bit++) {
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                int r = bc_fragment_parse(bytes, ROOM, 2, fragment);
                if (r == 0) {
                        accepted++;
                        assert_int_equal(bc_fragment_build(fragment->sequence, fragment->run, fragment->runs, again,
                                                           sizeof(again), &m), 0);
                        assert_int_equal(m, n);
                        assert_memory_equal(bytes, again, n);
                } else
                        assert_int_equal(r, -EBADMSG);
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        // Sequence number, two decode times, three durations: nothing else can change alone. And the one bit of the
        // duration 1024 must not.
        assert_int_equal(accepted, 32 + 2 * 64 + 3 * 32 - 1);
        free(bytes);
        free(fragment);
}

// All kinds of track in one fragment: what is true of two is true of four.
static void test_four_tracks(void **state)
{
        (void)state;
        static const struct bc_sample text[] = { { 48000, 70, true }, { 24000, 2, true } },
                                      position[] = { { 65536, 112, true } };
        const struct bc_run run[] = { segment_run(0, 1600, picture, 2), segment_run(1, 3, sound, 1),
                                      segment_run(2, 48000, text, 2), segment_run(3, 96000, position, 1) };
        struct bc_fragment *fragment = malloc(sizeof(*fragment));
        uint8_t *bytes = calloc(1, ROOM), again[ROOM];
        size_t n, m, accepted = 0;
        assert_int_equal(bc_fragment_build(2, run, 4, bytes, ROOM, &n), 0);
        assert_int_equal(n, 8 + 16 + 4 * 64 + 6 * 12 + 8);
        assert_int_equal(bc_fragment_parse(bytes, n, 3, fragment), -EBADMSG); // there is no fourth track
        assert_int_equal(bc_fragment_parse(bytes, n, 4, fragment), 0);
        assert_int_equal(fragment->runs, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(fragment->run[i].track, i);
                assert_int_equal(fragment->run[i].decode_ticks, run[i].decode_ticks);
                assert_int_equal(fragment->run[i].samples, run[i].samples);
        }
        assert_int_equal(fragment->run[2].sample[1].size_bytes, 2);
        for (size_t cut = 0; cut < n; cut++) {
                uint8_t *part = malloc(cut > 0 ? cut : 1);
                memcpy(part, bytes, cut);
                assert_int_equal(bc_fragment_parse(part, cut, 4, fragment), -ENODATA);
                free(part);
        }
        for (size_t bit = 0; bit < 8 * n; bit++) {
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                int r = bc_fragment_parse(bytes, ROOM, 4, fragment);
                if (r == 0) {
                        accepted++;
                        assert_int_equal(bc_fragment_build(fragment->sequence, fragment->run, fragment->runs, again,
                                                           sizeof(again), &m), 0);
                        assert_int_equal(m, n);
                        assert_memory_equal(bytes, again, n);
                } else
                        assert_int_equal(r, -EBADMSG);
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        // Sequence number, decode times, and durations, of which the two powers of two must not become 0.
        assert_int_equal(accepted, 32 + 4 * 64 + 6 * 32 - 2);
        free(bytes);
        free(fragment);
}

static void test_lies_in_sizes_and_counts(void **state)
{
        (void)state;
        struct bc_fragment *fragment = malloc(sizeof(*fragment));
        uint8_t *bytes = calloc(1, ROOM);
        size_t n = build(bytes);
        const struct { size_t at; uint8_t value[4]; } lies[] = {
                { 0, { 0, 0, 0, 0 } }, { 0, { 0, 0, 0, 1 } }, { 0, { 0xff, 0xff, 0xff, 0xff } }, // moof: to the end,
                { 0, { 0, 0, 0, 8 } }, { 0, { 0, 0, 0, 100 } },                                  // 64 bits, ...
                { 24, { 0xff, 0xff, 0xff, 0xff } },  // traf
                { 24, { 0, 0, 0, 88 + 76 } },        // a traf that swallows the next
                { 68, { 0xff, 0xff, 0xff, 0xff } },  // trun
                { 80, { 0xff, 0xff, 0xff, 0xff } },  // sample count
                { 80, { 0x15, 0x55, 0x55, 0x58 } },  // sample count whose size wraps to the right one
                { 80, { 0, 0, 0, 0 } },
                { 84, { 0, 0, 0, 195 } },            // data before its place
                { 84, { 0xff, 0xff, 0xff, 0xff } },
                { 96, { 0, 0, 0, 0 } },
                { 172, { 0, 0, 0x12, 0xf0 } },       // (inside the second trun)
                { 188, { 0, 0, 0, 0 } }, { 188, { 0, 0, 0, 1 } }, { 188, { 0, 0, 0x12, 0xb7 } }, // mdat
        };
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                uint8_t kept[4];
                memcpy(kept, bytes + lies[i].at, 4);
                memcpy(bytes + lies[i].at, lies[i].value, 4);
                assert_int_equal(bc_fragment_parse(bytes, ROOM, 2, fragment), -EBADMSG);
                memcpy(bytes + lies[i].at, kept, 4);
        }
        assert_int_equal(bc_fragment_parse(bytes, n, 2, fragment), 0);
        free(bytes);
        free(fragment);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_comes_back_as_written),
                cmocka_unit_test(test_one_track_alone_and_the_largest),
                cmocka_unit_test(test_refuses_what_is_no_fragment),
                cmocka_unit_test(test_every_truncation_is_seen),
                cmocka_unit_test(test_every_changed_byte_is_refused_or_means_something),
                cmocka_unit_test(test_four_tracks),
                cmocka_unit_test(test_lies_in_sizes_and_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
