// SPDX-License-Identifier: EUPL-1.2
// Streams are lists of NAL units between start codes, written out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/stream.h"
#include "media/avc.h"

#define SPS_BASELINE 0x67, 66, 0xc0, 30, 0xd9
#define SPS_HIGH 0x67, 100, 0x00, 31, 0xac, 0xd9, 0x40 // id 0, 4:2:0, 8 bits: 1 010 1 1 ...
#define SPS_HIGH_422 0x67, 122, 0x00, 31, 0xb5, 0x9b   // 4:2:2: 1 011 0101 ...
#define PPS 0x68, 0xce, 0x38, 0x80
#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void assert_bytes(const uint8_t *got, size_t got_size, const uint8_t *expected, size_t expected_size)
{
        assert_int_equal(got_size, expected_size);
        assert_memory_equal(got, expected, expected_size);
}

static void test_config_of_baseline(void **state)
{
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX];
        size_t size;

        (void)state;
        assert_int_equal(bc_avc_config_make(BYTES(0, 0, 0, 1, SPS_BASELINE, 0, 0, 1, PPS), config,
                                            sizeof(config), &size),
                         0);
        assert_bytes(config, size,
                     BYTES(1, 66, 0xc0, 30, 0xff, 0xe1, 0, 5, SPS_BASELINE, 1, 0, 4, 0x68, 0xce, 0x38, 0x80));
}

static void test_config_of_high_tells_the_sample_format(void **state)
{
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX];
        size_t size;

        (void)state;
        assert_int_equal(
                bc_avc_config_make(BYTES(0, 0, 1, SPS_HIGH, 0, 0, 0, 1, PPS, 0, 0, 1, 6, 5, 1, 0xff, 0x80),
                                   config, sizeof(config), &size),
                0);
        assert_bytes(config, size,
                     BYTES(1, 100, 0, 31, 0xff, 0xe1, 0, 7, SPS_HIGH, 1, 0, 4, 0x68, 0xce, 0x38, 0x80, 0xfd,
                           0xf8, 0xf8, 0));
}

static void test_config_refusals(void **state)
{
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX];
        size_t size = 77;

        (void)state;
#define ASSERT_REFUSED(error, room, ...)                                                                     \
        assert_int_equal(bc_avc_config_make(BYTES(__VA_ARGS__), config, room, &size), error)
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 1, 2, 3);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, SPS_BASELINE);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, PPS);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, 0, 0, 1, SPS_BASELINE, 0, 0, 1, PPS);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, SPS_HIGH_422, 0, 0, 1, PPS);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, 0x67, 100, 0, 31, 0, 0, 1, PPS);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, 0x67, 100, 0, 31, 1, 0, 0, 1, PPS);
        ASSERT_REFUSED(-ENOBUFS, 12, 0, 0, 1, SPS_BASELINE, 0, 0, 1, PPS);
        ASSERT_REFUSED(-EBADMSG, sizeof(config), 0, 0, 1, PPS, 0, 0, 1, PPS, 0, 0, 1, PPS, 0, 0, 1, PPS, 0, 0,
                       1, PPS, 0, 0, 1, SPS_BASELINE);
        assert_int_equal(size, 77);
#undef ASSERT_REFUSED
}

static const uint8_t config_high[] = { 1, 100, 0, 31,  0xff, 0xe1, 0,    7, SPS_HIGH,
                                       1, 0,   4, PPS, 0xfd, 0xf8, 0xf8, 0 };

static int make_unit(const uint8_t *stream, size_t stream_size, uint8_t *unit, size_t room, size_t *ret_size,
                     bool *ret_key)
{
        return bc_avc_unit_make(config_high, sizeof(config_high), stream, stream_size, unit, room, ret_size,
                                ret_key);
}

static void test_units_lose_delimiter_and_parameter_sets(void **state)
{
        uint8_t unit[64];
        size_t size;
        bool key;

        (void)state;
        assert_int_equal(
                make_unit(BYTES(0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, SPS_HIGH, 0, 0, 0, 1, PPS, 0, 0, 1, 6, 1, 2,
                                0x80, 0, 0, 1, 0x65, 0xaa, 0, 0, 3, 1, 0, 0, 0, 1, 0x65, 0xbb, 0, 0),
                          unit, sizeof(unit), &size, &key),
                0);
        assert_true(key);
        assert_bytes(
                unit, size,
                BYTES(0, 0, 0, 4, 6, 1, 2, 0x80, 0, 0, 0, 6, 0x65, 0xaa, 0, 0, 3, 1, 0, 0, 0, 2, 0x65, 0xbb));

        assert_int_equal(make_unit(BYTES(0, 0, 1, 0x41, 0xcc), unit, sizeof(unit), &size, &key), 0);
        assert_false(key);
        assert_bytes(unit, size, BYTES(0, 0, 0, 2, 0x41, 0xcc));
}

static void test_unit_refusals(void **state)
{
        uint8_t unit[64];
        size_t size = 77;
        bool key = true;

        (void)state;
        // another picture parameter set than the track's
        assert_int_equal(make_unit(BYTES(0, 0, 1, 0x68, 0xce, 0x38, 0x81, 0, 0, 1, 0x65, 1), unit,
                                   sizeof(unit), &size, &key),
                         -EPROTO);
        assert_int_equal(
                make_unit(BYTES(0, 0, 1, SPS_BASELINE, 0, 0, 1, 0x65, 1), unit, sizeof(unit), &size, &key),
                -EPROTO);
        assert_int_equal(make_unit(BYTES(0, 0, 1, 9, 0xf0), unit, sizeof(unit), &size, &key), -EBADMSG);
        assert_int_equal(make_unit(BYTES(0, 0, 1, 0x41, 0xcc), unit, 5, &size, &key), -ENOBUFS);
        assert_int_equal(make_unit(BYTES(0x41, 0xcc), unit, sizeof(unit), &size, &key), -EBADMSG);
        assert_int_equal(make_unit((const uint8_t *)"", 0, unit, sizeof(unit), &size, &key), -EBADMSG);
        assert_int_equal(size, 77);
        assert_true(key);
}

// The room promised is enough even for the densest stream of start codes.
static void test_room(void **state)
{
        uint8_t stream[400], unit[501];
        size_t size;
        bool key;

        (void)state;
        for (size_t i = 0; i < sizeof(stream); i++)
                stream[i] = i % 4 == 2 ? 1 : i % 4 == 3 ? 0x41 : 0;
        assert_int_equal(bc_avc_unit_room(sizeof(stream)), sizeof(unit));
        assert_int_equal(make_unit(stream, sizeof(stream), unit, sizeof(unit), &size, &key), 0);
        assert_int_equal(size, 500);
}

// Any bytes: nothing is written beyond the room, and what comes out is whole.
static void test_random_bytes(void **state)
{
        uint64_t seed = 88172645463325252u;

        (void)state;
        for (int run = 0; run < 20000; run++) {
                uint8_t stream[96], config[BC_STREAM_CONFIG_BYTES_MAX];
                size_t stream_size, size, room;
                uint8_t *exact, *unit;
                bool key;

                for (size_t i = 0; i < sizeof(stream); i++) {
                        seed ^= seed << 13;
                        seed ^= seed >> 7;
                        seed ^= seed << 17;
                        stream[i] = seed >> 20 & 1 ? 0 : seed >> 21 & 1 ? 1 : (uint8_t)(seed >> 24 & 0x6f);
                }
                stream_size = seed % sizeof(stream);
                room = bc_avc_unit_room(stream_size);
                exact = malloc(stream_size + 1); // so that the sanitizer sees a read beyond it
                unit = malloc(room);
                assert_non_null(exact);
                assert_non_null(unit);
                memcpy(exact, stream, stream_size);
                if (make_unit(exact, stream_size, unit, room, &size, &key) == 0)
                        assert_true(size <= room);
                if (bc_avc_config_make(exact, stream_size, config, sizeof(config), &size) == 0)
                        assert_true(size <= sizeof(config));
                free(exact);
                free(unit);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_config_of_baseline),
                cmocka_unit_test(test_config_of_high_tells_the_sample_format),
                cmocka_unit_test(test_config_refusals),
                cmocka_unit_test(test_units_lose_delimiter_and_parameter_sets),
                cmocka_unit_test(test_unit_refusals),
                cmocka_unit_test(test_room),
                cmocka_unit_test(test_random_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
