// SPDX-License-Identifier: EUPL-1.2
// Where fragments end by their pictures: see cut_stream.h for the words.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "cut_stream.h"

#define MS BC_NS_PER_MS

#define P14 "PPPPPPPPPPPPPP"
#define P15 "PPPPPPPPPPPPPPP"

static void test_half_a_second_at_30_fps_is_fifteen_pictures(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        // 33,333,333 ns each: fifteen are 5 ns short of half a second, thirty 10 ns short of one.
        cut_pictures(&stream, "I" P14 P15 "I" P14 P15 "I", BC_NS_PER_S / 30);
        assert_string_equal(cut_cuts(&stream, 2000), "I" P14 " " P15 " I" P14 " " P15);
        assert_int_equal(stream.end_ms[0], 500);
        assert_int_equal(stream.end_ms[3], 2000);
        cut_end(&stream);
}

static void test_nothing_is_decided_before_the_end_is_seen(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        assert_string_equal(cut_cuts(&stream, 0), "");
        cut_pictures(&stream, "I", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 20), "");
        assert_int_equal(stream.wake_ms, 700); // fragment and patience
        cut_pictures(&stream, "PPPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 420), "");
        cut_pictures(&stream, "P", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 520), "IPPPP");
        cut_end(&stream);
}

static void test_jitter_never_makes_a_fragment_too_long(void **state)
{
        const int64_t at_ms[] = { 0, 130, 190, 330, 395, 480, 530, 610, 700, 830, 890, 970, 1031 };
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        for (size_t i = 0; i < sizeof(at_ms) / sizeof(*at_ms); i++)
                cut_picture_at(&stream, i ? 'P' : 'I', CUT_START_NS + at_ms[i] * MS);
        // The picture of 480 lasts beyond 500, so it belongs to the next fragment.
        assert_string_equal(cut_cuts(&stream, 1031), "IPPPP PPPPPP");
        assert_int_equal(stream.end_ms[0], 480);
        assert_int_equal(stream.end_ms[1], 970);
        cut_end(&stream);
}

static void test_a_picture_longer_than_a_fragment_is_one_alone(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_pictures(&stream, "IPP", 100 * MS);
        cut_pictures(&stream, "P", 1500 * MS); // 300 to 1800
        cut_pictures(&stream, "PPPPPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 2300), "IPP P PPPPP");
        assert_int_equal(stream.end_ms[0], 300);
        assert_int_equal(stream.end_ms[1], 1800);
        cut_end(&stream);
}

static void test_a_key_frame_begins_a_fragment(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_pictures(&stream, "IPPIPPPPPPIIPPPPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 1600), "IPP IPPPP PP I IPPPP");
        cut_end(&stream);
}

static void test_a_segment_ends_at_the_first_key_frame_after_its_length(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_set_segment(&stream, 1000);
        cut_pictures(&stream, "IPPPP" "IPPPP" "IPPPP" "PPPPP" "PPPPP" "IPPPP" "P", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 3000), "IPPPP IPPPP/ IPPPP PPPPP PPPPP/ IPPPP");
        cut_end(&stream);
        // Thirty times a thirtieth of a second is a second, though not in ns.
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_set_segment(&stream, 1000);
        cut_pictures(&stream, "I" P14 P15 "I" P14 "P", BC_NS_PER_S / 30);
        assert_string_equal(cut_cuts(&stream, 2000), "I" P14 " " P15 "/ I" P14);
        cut_end(&stream);
}

static void test_the_recording_ends_in_the_middle(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.end_ns = CUT_START_NS + 720 * MS;
        cut_pictures(&stream, "IPPPP" "PPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 750), "IPPPP"); // the end of the picture of 700 is not known yet
        cut_pictures(&stream, "PPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 1000), "IPPPP PPP.");
        assert_int_equal(stream.end_ms[1], 800);
        cut_end(&stream);
        // At the very start of a picture: that one is not in it. On a key frame: the segment's length does not matter.
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_set_segment(&stream, 100);
        stream.rule.end_ns = CUT_START_NS + 500 * MS;
        cut_pictures(&stream, "IPPPP" "IPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 750), "IPPPP.");
        cut_end(&stream);
}

static void test_stopped_before_the_first_picture(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.end_ns = CUT_START_NS - 1;
        cut_pictures(&stream, "IPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 300), ".");
        cut_end(&stream);
}

static void test_the_stream_ends(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_pictures(&stream, "IPPPPPP", 100 * MS);
        bc_ring_end(stream.ring, BC_LANE_PICTURE, CUT_START_NS + 640 * MS);
        assert_string_equal(cut_cuts(&stream, 640), "IPPPP PP.");
        assert_int_equal(stream.end_ms[1], 640);
        cut_end(&stream);
        // The last picture lasts longer than a fragment.
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        cut_pictures(&stream, "IPP", 100 * MS);
        bc_ring_end(stream.ring, BC_LANE_PICTURE, CUT_START_NS + 1640 * MS);
        assert_string_equal(cut_cuts(&stream, 1640), "IP P.");
        assert_int_equal(stream.end_ms[0], 200);
        assert_int_equal(stream.end_ms[1], 1640);
        cut_end(&stream);
        // It ended before there was anything.
        cut_begin(&stream, 1000);
        bc_ring_end(stream.ring, BC_LANE_PICTURE, CUT_START_NS);
        assert_string_equal(cut_cuts(&stream, 1640), ".");
        cut_end(&stream);
}

static void test_a_fragment_is_bounded_in_bytes(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.payload_bytes_max = 350;
        cut_pictures(&stream, "IPPPPP", 50 * MS);
        stream.picture_bytes = 900;
        cut_pictures(&stream, "P", 50 * MS);
        stream.picture_bytes = 100;
        cut_pictures(&stream, "PPPPP", 50 * MS);
        assert_string_equal(cut_cuts(&stream, 450), "IPP PPP P PPP");
        cut_end(&stream);
}

static void test_a_fragment_is_bounded_in_pictures(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 5000);
        stream.rule.sound = false;
        cut_pictures(&stream, "I", MS / 5);
        for (int i = 0; i < 2499; i++)
                cut_pictures(&stream, "P", MS / 5);
        cut_pictures(&stream, "I", MS / 5);
        assert_int_equal(strcspn(cut_cuts(&stream, 600), " "), BC_CUT_PICTURES_MAX);
        assert_int_equal(strlen(cut_cuts(&stream, 600)), 2501);
        cut_end(&stream);
}

static void test_a_reader_that_was_overtaken(void **state)
{
        struct cut_stream stream;
        struct bc_cut cut;
        int64_t wake_ns;

        (void)state;
        cut_begin(&stream, 12);
        cut_pictures(&stream, "IPPPP" "IPPPP", 100 * MS);
        cut_sound_until(&stream, 1100);
        assert_string_equal(cut_cuts(&stream, 1000), "IPPPP+24");
        cut_pictures(&stream, "IPPPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 1500), "IPPPP+24 IPPPP+23"); // only what was read is gone
        cut_pictures(&stream, "IPPPP" "IPPPP", 100 * MS);
        assert_int_equal(bc_cut_decide(stream.ring, &stream.cursor, &stream.rule, CUT_START_NS + 2500 * MS, &cut,
                                       &wake_ns), -EPIPE);
        cut_end(&stream);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_half_a_second_at_30_fps_is_fifteen_pictures),
                cmocka_unit_test(test_nothing_is_decided_before_the_end_is_seen),
                cmocka_unit_test(test_jitter_never_makes_a_fragment_too_long),
                cmocka_unit_test(test_a_picture_longer_than_a_fragment_is_one_alone),
                cmocka_unit_test(test_a_key_frame_begins_a_fragment),
                cmocka_unit_test(test_a_segment_ends_at_the_first_key_frame_after_its_length),
                cmocka_unit_test(test_the_recording_ends_in_the_middle),
                cmocka_unit_test(test_stopped_before_the_first_picture),
                cmocka_unit_test(test_the_stream_ends),
                cmocka_unit_test(test_a_fragment_is_bounded_in_bytes),
                cmocka_unit_test(test_a_fragment_is_bounded_in_pictures),
                cmocka_unit_test(test_a_reader_that_was_overtaken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
