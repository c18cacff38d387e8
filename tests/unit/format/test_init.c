// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/init.h"
#include "segments.h"

static size_t write_head(const struct bc_init *init, uint8_t bytes[BC_INIT_BYTES_MAX])
{
        size_t n = 0;
        assert_int_equal(bc_init_write(init, bytes, BC_INIT_BYTES_MAX, &n), 0);
        return n;
}

static void test_comes_back_as_written(void **state)
{
        (void)state;
        static const int64_t starts[] = { 0, 1, 480, 1440000, BC_TRACK_START_TICKS_MAX, -1, -480, -1024,
                                          -BC_TRACK_START_TICKS_MAX };
        for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
                struct bc_init init = segment_init(starts[i]), parsed;
                struct bc_init_layout layout;
                uint8_t bytes[BC_INIT_BYTES_MAX];
                size_t n = write_head(&init, bytes);
                assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
                assert_memory_equal(&parsed, &init, sizeof(init));
                assert_int_equal(layout.bytes, n);
                assert_false(layout.patched);
                assert_memory_equal(bytes + layout.moov_offset + 4, "moov", 4);
        }
}

static void test_largest_description_fits(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        memset(init.label.device, 'd', BC_LABEL_TEXT_BYTES_MAX);
        memset(init.label.recording, 'r', BC_LABEL_TEXT_BYTES_MAX);
        init.created_unix_s = 0;
        init.tracks = BC_TRACKS_MAX;
        for (size_t i = 1; i < BC_TRACKS_MAX; i++) {
                init.track[i] = init.track[1];
                memset(init.track[i].config + 2, 0x77, BC_STREAM_CONFIG_BYTES_MAX - 2);
                init.track[i].config_bytes = BC_STREAM_CONFIG_BYTES_MAX;
        }
        size_t n = write_head(&init, bytes);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
        assert_memory_equal(&parsed, &init, sizeof(init));
        for (size_t room = 0; room < n; room++)
                assert_int_equal(bc_init_write(&init, bytes, room, &layout.bytes), -ENOBUFS);
}

static void refuse(struct bc_init init)
{
        uint8_t bytes[BC_INIT_BYTES_MAX];
        size_t n = 77;
        assert_int_equal(bc_init_write(&init, bytes, sizeof(bytes), &n), -EINVAL);
        assert_int_equal(n, 77);
}

static void test_refuses_what_it_cannot_describe(void **state)
{
        (void)state;
        const struct bc_init good = segment_init(0);
        struct bc_init bad;
#define REFUSE(change) do { bad = good; change; refuse(bad); } while (0)
        REFUSE(bad.tracks = 0);
        REFUSE(bad.tracks = BC_TRACKS_MAX + 1);
        REFUSE(bad.track[0] = good.track[1]);
        REFUSE(bad.track[0].start_ticks = 1);
        REFUSE(bad.track[1].start_ticks = BC_TRACK_START_TICKS_MAX + 1);
        REFUSE(bad.track[1].start_ticks = -BC_TRACK_START_TICKS_MAX - 1);
        REFUSE(bad.track[0].width_px = 0);
        REFUSE(bad.track[0].height_px = 65536);
        REFUSE(bad.track[0].config[0] = 2);
        REFUSE(bad.track[0].config[4] = 0xfe); // 3-byte lengths
        REFUSE(bad.track[0].config_bytes = 6);
        REFUSE(bad.track[0].config_bytes = BC_STREAM_CONFIG_BYTES_MAX + 1);
        REFUSE(bad.track[1].channels = 3);
        REFUSE(bad.track[1].channels = 2); // the configuration says mono
        REFUSE(bad.track[1].config[0] = 0x12); // 44.1 kHz
        REFUSE(bad.track[1].config_bytes = 1);
        REFUSE(bad.track[1].kind = (enum bc_track_kind)7);
        REFUSE(bad.label.segment = 0);
        REFUSE(bad.label.base_ticks = -1);
        REFUSE(bad.label.device[1] = '\n');
        REFUSE(bad.label.device[1] = '\x80');
        REFUSE(memset(bad.label.recording, 'r', sizeof(bad.label.recording)));
        REFUSE(bad.created_unix_s = -1);
        REFUSE(bad.created_unix_s = INT64_MAX);
#undef REFUSE
}

static void test_every_truncation_is_seen(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        size_t n = write_head(&init, bytes);
        for (size_t cut = 0; cut < n; cut++) {
                // An own block of that size, so that a read beyond it is found.
                uint8_t *part = malloc(cut + 1);
                memcpy(part, bytes, cut);
                part = realloc(part, cut > 0 ? cut : 1);
                assert_int_equal(bc_init_parse(part, cut, &parsed, &layout), -ENODATA);
                free(part);
        }
}

// Whatever is accepted is written again to the very same bytes: a head has one reading only.
static void test_every_changed_byte_is_refused_or_means_something(void **state)
{
        (void)state;
        static const uint8_t changes[] = { 0x01, 0x80, 0xff, 0x08 };
        const int64_t starts[] = { 480, -1024 };
        size_t accepted = 0;
        for (size_t s = 0; s < 2; s++) {
                struct bc_init init = segment_init(starts[s]), parsed;
                struct bc_init_layout layout;
                uint8_t bytes[BC_INIT_BYTES_MAX], again[BC_INIT_BYTES_MAX];
                size_t n = write_head(&init, bytes), m;
                memset(bytes + n, 0, sizeof(bytes) - n);
                for (size_t i = 0; i < 4 * n; i++) {
                        bytes[i / 4] ^= changes[i % 4];
                        int r = bc_init_parse(bytes, sizeof(bytes), &parsed, &layout);
                        if (r == 0) {
                                accepted++;
                                assert_int_equal(bc_init_write(&parsed, again, sizeof(again), &m), 0);
                                assert_int_equal(m, layout.bytes);
                                assert_memory_equal(bytes, again, m);
                        } else
                                assert_int_equal(r, -EBADMSG);
                        bytes[i / 4] ^= changes[i % 4];
                }
        }
        assert_true(accepted > 100); // labels, configurations, times and sizes carry meaning
        assert_true(accepted < 1500);
}

static void test_a_patched_header_is_known(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480), parsed;
        struct bc_init_layout layout, patched;
        uint8_t bytes[BC_INIT_BYTES_MAX], original[BC_PATCH_BYTES];
        size_t n = write_head(&init, bytes);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &layout), 0);
        memcpy(original, bytes + layout.moov_offset, BC_PATCH_BYTES);

        assert_int_equal(bc_finalise_patch(&layout, 0x12345678, bytes + layout.moov_offset), 0);
        assert_memory_equal(bytes + layout.moov_offset + 4, "mdat", 4);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &patched), 0);
        assert_true(patched.patched);
        assert_int_equal(patched.span, 0x12345678 - layout.moov_offset);
        assert_int_equal(patched.bytes, layout.bytes);
        assert_memory_equal(&parsed, &init, sizeof(init));

        uint8_t restored[BC_PATCH_BYTES];
        bc_finalise_unpatch(&patched, restored);
        assert_memory_equal(restored, original, BC_PATCH_BYTES);

        // A span that ends within the head cannot have been written by us.
        memset(bytes + layout.moov_offset, 0, 3);
        assert_int_equal(bc_init_parse(bytes, n, &parsed, &patched), -EBADMSG);

        assert_int_equal(bc_finalise_patch(&layout, layout.bytes - 1, restored), -EINVAL);
        assert_int_equal(bc_finalise_patch(&layout, UINT64_C(1) << 32, restored), -EFBIG);
        assert_int_equal(bc_finalise_patch(&layout, UINT32_MAX, restored), 0);
}

// Lengths that would overrun the last track's configuration, and with it the whole description.
static void test_overlong_configuration_and_text(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0), *parsed = malloc(sizeof(*parsed));
        struct bc_init_layout layout;
        uint8_t bytes[BC_INIT_BYTES_MAX];
        init.tracks = BC_TRACKS_MAX;
        for (size_t i = 1; i < BC_TRACKS_MAX; i++)
                init.track[i] = init.track[i % 2 ? 1 : 0];
        for (size_t last = 6; last <= 7; last++) { // one of each kind at the end
                init.tracks = last + 1;
                memset(bytes, 0, sizeof(bytes));
                size_t n = write_head(&init, bytes);
                uint8_t *trak = bytes, *at;
                for (uint8_t *next = bytes; (next = memmem(next, n - (size_t)(next - bytes), "trak", 4)); next++)
                        trak = next;
                if (init.track[last].kind == BC_TRACK_AVC) {
                        at = memmem(trak, n - (size_t)(trak - bytes), "avcC", 4);
                        memcpy(at - 4, (const uint8_t[]){ 0, 0, 0x10, 0 }, 4);
                } else {
                        at = memmem(trak, n - (size_t)(trak - bytes), "\x05\x80\x80\x80\x05", 5);
                        memcpy(at + 3, (const uint8_t[]){ 0x90, 0 }, 2);
                }
                assert_int_equal(bc_init_parse(bytes, sizeof(bytes), parsed, &layout), -EBADMSG);
        }
        size_t n = write_head(&init, bytes);
        uint8_t *device = memmem(bytes, n, "BC-0042", 7);
        device[-1] = 0xff;
        assert_int_equal(bc_init_parse(bytes, sizeof(bytes), parsed, &layout), -EBADMSG);
        free(parsed);
}

static void test_one_track_too_many(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0), parsed;
        struct bc_init_layout layout;
        uint8_t bytes[2 * BC_INIT_BYTES_MAX] = { 0 };
        init.tracks = BC_TRACKS_MAX;
        for (size_t i = 2; i < BC_TRACKS_MAX; i++)
                init.track[i] = init.track[1];
        size_t n = write_head(&init, bytes);
        uint8_t *mvex = (uint8_t *)memmem(bytes, n, "mvex", 4) - 4, *trak = mvex;
        while (memcmp(trak + 4, "trak", 4) != 0)
                trak--;
        size_t trak_bytes = (size_t)(mvex - trak);
        memmove(mvex + trak_bytes, mvex, (size_t)(bytes + n - mvex));
        memcpy(mvex, trak, trak_bytes);
        assert_int_equal(bc_init_parse(bytes, BC_INIT_BYTES_MAX, &parsed, &layout), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_comes_back_as_written),
                cmocka_unit_test(test_largest_description_fits),
                cmocka_unit_test(test_refuses_what_it_cannot_describe),
                cmocka_unit_test(test_every_truncation_is_seen),
                cmocka_unit_test(test_every_changed_byte_is_refused_or_means_something),
                cmocka_unit_test(test_overlong_configuration_and_text),
                cmocka_unit_test(test_one_track_too_many),
                cmocka_unit_test(test_a_patched_header_is_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
