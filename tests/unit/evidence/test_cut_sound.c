// SPDX-License-Identifier: EUPL-1.2
// Sound beside the picture, and what comes late: see cut_stream.h for the words.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "cut_stream.h"

#define MS BC_NS_PER_MS

static void test_sound_goes_with_the_picture_beside_which_it_starts(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 1100);
        // Units start every 21 1/3 ms: 0 .. 23 before 500, 24 (at 512) .. 46 before 1000.
        assert_string_equal(cut_cuts(&stream, 1100), "IPPPP+24 IPPPP+23");
        cut_end(&stream);
}

static void test_a_fragment_waits_for_its_sound(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_pictures(&stream, "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 490); // 22 units: to 469 1/3
        assert_string_equal(cut_cuts(&stream, 510), "");
        assert_int_equal(stream.wake_ms, 700);
        cut_sound_until(&stream, 511); // the unit that reaches over 500 is not whole yet
        assert_string_equal(cut_cuts(&stream, 511), "");
        cut_sound_until(&stream, 512);
        assert_string_equal(cut_cuts(&stream, 512), "IPPPP+24");
        cut_end(&stream);
        // Three units are 64 ms exactly.
        cut_begin(&stream, 1000);
        cut_pictures(&stream, "II", 64 * MS);
        cut_sound_until(&stream, 64);
        assert_string_equal(cut_cuts(&stream, 64), "I+3");
        cut_end(&stream);
}

static void test_late_sound_goes_into_the_next_fragment(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 220); // 10 units
        assert_string_equal(cut_cuts(&stream, 699), "");
        assert_string_equal(cut_cuts(&stream, 700), "IPPPP+10");
        assert_int_equal(stream.wake_ms, 1200);
        cut_sound_until(&stream, 1100);
        assert_string_equal(cut_cuts(&stream, 1100), "IPPPP+10 IPPPP+37");
        cut_end(&stream);
}

static void test_a_late_picture(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_pictures(&stream, "IPPP", 100 * MS);
        cut_sound_until(&stream, 2200);
        assert_string_equal(cut_cuts(&stream, 699), "");
        assert_int_equal(stream.wake_ms, 700);
        // What is complete goes; the picture of 300, which still lasts, does not.
        assert_string_equal(cut_cuts(&stream, 700), "IPP+15");
        assert_int_equal(stream.end_ms[0], 300);
        // Then sound alone, each time up to the fragment's nominal end.
        assert_string_equal(cut_cuts(&stream, 999), "IPP+15");
        assert_string_equal(cut_cuts(&stream, 1000), "IPP+15 +23");
        assert_int_equal(stream.end_ms[1], 800);
        assert_string_equal(cut_cuts(&stream, 1500), "IPP+15 +23 +23");
        assert_int_equal(stream.end_ms[2], 1300);
        // A slate ends the picture that stood for so long: both go with what is due.
        cut_picture_at(&stream, 'S', CUT_START_NS + 1400 * MS);
        cut_picture_at(&stream, 'S', CUT_START_NS + 2150 * MS);
        assert_string_equal(cut_cuts(&stream, 2200), "IPP+15 +23 +23 P+5 S+35");
        assert_int_equal(stream.end_ms[3], 1400);
        assert_int_equal(stream.end_ms[4], 2150);
        cut_end(&stream);
}

static void test_no_picture_and_no_sound(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_pictures(&stream, "IPPPP" "P", 100 * MS);
        cut_sound_until(&stream, 600);
        assert_string_equal(cut_cuts(&stream, 600), "IPPPP+24");
        cut_sound_until(&stream, 700);
        assert_string_equal(cut_cuts(&stream, 1400), "IPPPP+24 +8");
        assert_int_equal(stream.end_ms[1], 1000);
        assert_string_equal(cut_cuts(&stream, 9000), "IPPPP+24 +8");
        assert_int_equal(stream.wake_ms, -1); // when there is something
        stream.rule.end_ns = CUT_START_NS + 9000 * MS;
        assert_string_equal(cut_cuts(&stream, 9100), "IPPPP+24 +8");
        assert_int_equal(stream.wake_ms, 11500);
        // Even the slates have failed: the picture is said to last to the end, and that this is a guess.
        assert_string_equal(cut_cuts(&stream, 11500), "IPPPP+24 +8 P?!.");
        assert_int_equal(stream.end_ms[2], 9000);
        cut_end(&stream);
}

static void test_sound_alone_ends_with_the_recording(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.end_ns = CUT_START_NS + 700 * MS;
        cut_pictures(&stream, "IPPPP" "P", 100 * MS);
        cut_sound_until(&stream, 1500);
        assert_string_equal(cut_cuts(&stream, 600), "IPPPP+24");
        assert_string_equal(cut_cuts(&stream, 1300), "IPPPP+24 +9"); // 24 (512) .. 32 (682 2/3)
        assert_int_equal(stream.end_ms[1], 700);
        assert_string_equal(cut_cuts(&stream, 3200), "IPPPP+24 +9 P?.");
        cut_end(&stream);
}

static void test_a_guessed_end_does_not_lengthen_a_fragment(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.end_ns = CUT_START_NS + 900 * MS;
        cut_pictures(&stream, "IPPPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 3400), "IPPP P?.");
        assert_int_equal(stream.end_ms[0], 400);
        assert_int_equal(stream.end_ms[1], 900);
        cut_end(&stream);
        // Asked for the first time when all of it is over (the card had stalled).
        cut_begin(&stream, 1000);
        stream.rule.sound = false;
        stream.rule.end_ns = CUT_START_NS + 9000 * MS;
        cut_pictures(&stream, "IPPPP" "PPP", 100 * MS);
        assert_string_equal(cut_cuts(&stream, 60000), "IPPPP PP P?.");
        cut_end(&stream);
}

static void test_sound_has_its_last_chance_at_the_end_of_a_segment(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_set_segment(&stream, 500);
        cut_pictures(&stream, "IPPPP" "IPPPP" "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 220);
        assert_string_equal(cut_cuts(&stream, 2999), "");
        assert_int_equal(stream.wake_ms, 3000);
        cut_sound_until(&stream, 600);
        assert_string_equal(cut_cuts(&stream, 2999), "IPPPP+24/");
        // Nothing more comes: the segment is closed without, and says so; what comes later belongs to no segment.
        assert_string_equal(cut_cuts(&stream, 3499), "IPPPP+24/");
        assert_string_equal(cut_cuts(&stream, 3500), "IPPPP+24/ IPPPP+4!/");
        cut_sound_until(&stream, 1600);
        assert_string_equal(cut_cuts(&stream, 3600), "IPPPP+24/ IPPPP+4!/ IPPPP+24/");
        cut_end(&stream);
}

static void test_sound_has_its_last_chance_at_the_end_of_the_recording(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.end_ns = CUT_START_NS + 430 * MS;
        cut_pictures(&stream, "IPPPP" "PP", 100 * MS);
        cut_sound_until(&stream, 220);
        assert_string_equal(cut_cuts(&stream, 2999), "");
        cut_sound_until(&stream, 600);
        // Sound ends with the recording, not with the picture that reaches over its end: 0 .. 20.
        assert_string_equal(cut_cuts(&stream, 2999), "IPPPP+21.");
        cut_end(&stream);
}

static void test_the_sound_lane_ends(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        cut_set_segment(&stream, 500);
        cut_pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 300);
        bc_ring_end(stream.ring, BC_LANE_SOUND, CUT_START_NS + 299 * MS);
        assert_string_equal(cut_cuts(&stream, 1000), "IPPPP+14/ IPPPP/"); // nothing to wait for
        cut_end(&stream);
}

static void test_sound_begins_at_the_press(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 1000);
        stream.rule.sound_from_ns = CUT_START_NS + 730 * MS;
        cut_pictures(&stream, "IPPPP" "IPPPP" "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 600);
        assert_string_equal(cut_cuts(&stream, 600), "IPPPP"); // no sound is waited for before the press
        cut_sound_until(&stream, 1600);
        assert_string_equal(cut_cuts(&stream, 1600), "IPPPP IPPPP+12 IPPPP+24"); // 35 (746 2/3) .. 46
        cut_end(&stream);
}

// The sound thread was away for a minute and delivers all of it at once, at the end of a segment.
static void test_more_sound_than_a_fragment_can_hold(void **state)
{
        struct cut_stream stream;

        (void)state;
        cut_begin(&stream, 5000);
        cut_set_segment(&stream, 60000);
        for (int i = 0; i < 120; i++)
                cut_pictures(&stream, "IPPPP", 100 * MS);
        for (int64_t now_ms = 700; now_ms < 60000; now_ms += 500)
                cut_cuts(&stream, now_ms);
        assert_int_equal(stream.fragments, 119);
        cut_pictures(&stream, "IPPPP" "IPPPP" "I", 100 * MS);
        cut_sound_until(&stream, 61100);
        // 2813 units start before 60 s. They go into the segment, which ends one GOP later for it; none is left out.
        assert_string_equal(strstr(cut_cuts(&stream, 61100), "+1536") - 5, "IPPPP+1536 IPPPP+1300/ IPPPP+24");
        cut_end(&stream);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sound_goes_with_the_picture_beside_which_it_starts),
                cmocka_unit_test(test_a_fragment_waits_for_its_sound),
                cmocka_unit_test(test_late_sound_goes_into_the_next_fragment),
                cmocka_unit_test(test_a_late_picture),
                cmocka_unit_test(test_no_picture_and_no_sound),
                cmocka_unit_test(test_sound_alone_ends_with_the_recording),
                cmocka_unit_test(test_a_guessed_end_does_not_lengthen_a_fragment),
                cmocka_unit_test(test_sound_has_its_last_chance_at_the_end_of_a_segment),
                cmocka_unit_test(test_sound_has_its_last_chance_at_the_end_of_the_recording),
                cmocka_unit_test(test_the_sound_lane_ends),
                cmocka_unit_test(test_sound_begins_at_the_press),
                cmocka_unit_test(test_more_sound_than_a_fragment_can_hold),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
