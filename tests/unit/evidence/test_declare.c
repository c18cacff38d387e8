// SPDX-License-Identifier: EUPL-1.2
// What is missing before a fragment, lane by lane: the picture's hole does not speak for sound that was lost before it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "evidence/declare.h"

#define S BC_NS_PER_S
#define TICKS_PER_S 48000
#define UNIT BC_SOUND_UNIT_SAMPLES
#define HOLE (10 * TICKS_PER_S) // the pictures up to here are accounted for...
#define BEHIND (20 * TICKS_PER_S) // ...and the next one starts here
#define NONE (-1)

static const struct bc_recorder_config config;
static const struct bc_stream stream = { .picture = { .interval_ns = BC_NS_PER_S / 30 } };
static struct bc_recording recording;

static int set_up(void **state)
{
        (void)state;
        recording = (struct bc_recording){
                .stream = &stream, .config = &config, .buffer = calloc(1, sizeof(struct bc_fragment_buffer)),
                .declared_ns = bc_ns_from_ticks(HOLE), .last_picture_ns = bc_ns_from_ticks(HOLE) - BC_NS_PER_S / 30,
        };
        assert_non_null(recording.buffer);
        bc_manifest_init(&recording.manifest);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        bc_manifest_done(&recording.manifest);
        free(recording.buffer);
        return 0;
}

// A fragment with a picture at BEHIND, and with three units of sound from sound_ticks on; NONE: without. Before it sound was
// accounted for up to accounted_ticks.
static void write_fragment(int64_t accounted_ticks, int64_t sound_ticks)
{
        struct bc_cut cut = { .pictures = 1, .sounds = sound_ticks == NONE ? 0 : 3 };

        recording.sound_declared_ticks = accounted_ticks;
        recording.buffer->unit[BC_LANE_PICTURE][0] =
                (struct bc_unit){ .time_ns = bc_ns_from_ticks(BEHIND), .flags = BC_UNIT_KEY };
        for (size_t i = 0; i < cut.sounds; i++) {
                recording.buffer->unit[BC_LANE_SOUND][i].time_ns = bc_ns_from_ticks(sound_ticks + (int64_t)i * UNIT);
                recording.buffer->sample[BC_LANE_SOUND][i].duration_ticks = UNIT;
        }
        bc_declare_units(&recording, &cut);
        assert_true(recording.manifest_stale);
}

static void expect_gap(size_t i, enum bc_gap_kind kind, int64_t from_ticks, int64_t to_ticks)
{
        const struct bc_manifest_gap *gap = &recording.manifest.gap[i];

        assert_true(i < recording.manifest.gaps);
        assert_int_equal(gap->kind, kind);
        assert_int_equal(gap->from_ticks, from_ticks);
        assert_int_equal(gap->to_ticks, to_ticks);
}

static void test_sound_was_lost_before_the_hole(void **state)
{
        (void)state;
        write_fragment(8 * TICKS_PER_S, NONE);
        assert_int_equal(recording.manifest.gaps, 2);
        expect_gap(0, BC_GAP_NO_SOUND, 8 * TICKS_PER_S, HOLE);
        expect_gap(1, BC_GAP_OVERTAKEN, HOLE, BEHIND);
        assert_int_equal(recording.sound_declared_ticks, BEHIND);
        assert_int_equal(recording.overtaken_ns, bc_ns_from_ticks(BEHIND) - bc_ns_from_ticks(HOLE));
}

static void test_and_comes_back_with_the_picture(void **state)
{
        (void)state;
        write_fragment(8 * TICKS_PER_S, BEHIND);
        assert_int_equal(recording.manifest.gaps, 2);
        expect_gap(0, BC_GAP_NO_SOUND, 8 * TICKS_PER_S, HOLE);
        expect_gap(1, BC_GAP_OVERTAKEN, HOLE, BEHIND);
        assert_int_equal(recording.sound_declared_ticks, BEHIND + 3 * UNIT);
}

// Later than the picture: what is missing behind the hole is said as well.
static void test_and_comes_back_later(void **state)
{
        (void)state;
        write_fragment(8 * TICKS_PER_S, BEHIND + TICKS_PER_S);
        assert_int_equal(recording.manifest.gaps, 3);
        expect_gap(0, BC_GAP_NO_SOUND, 8 * TICKS_PER_S, HOLE);
        expect_gap(1, BC_GAP_OVERTAKEN, HOLE, BEHIND);
        expect_gap(2, BC_GAP_NO_SOUND, BEHIND, BEHIND + TICKS_PER_S);
}

// The ring kept more of the sound than of the picture: it is there from before the hole on.
static void test_and_comes_back_earlier(void **state)
{
        (void)state;
        write_fragment(8 * TICKS_PER_S, 9 * TICKS_PER_S);
        assert_int_equal(recording.manifest.gaps, 2);
        expect_gap(0, BC_GAP_NO_SOUND, 8 * TICKS_PER_S, 9 * TICKS_PER_S);
        expect_gap(1, BC_GAP_OVERTAKEN, HOLE, BEHIND);
}

// Sound is cut in units, which do not end where pictures do.
static void test_less_than_a_unit_is_none(void **state)
{
        (void)state;
        write_fragment(HOLE - UNIT + 1, NONE);
        assert_int_equal(recording.manifest.gaps, 1);
        expect_gap(0, BC_GAP_OVERTAKEN, HOLE, BEHIND);
}

static void test_a_unit_is_one(void **state)
{
        (void)state;
        write_fragment(HOLE - UNIT, NONE);
        assert_int_equal(recording.manifest.gaps, 2);
        expect_gap(0, BC_GAP_NO_SOUND, HOLE - UNIT, HOLE);
}

static void test_sound_was_ahead_of_the_picture(void **state)
{
        (void)state;
        write_fragment(11 * TICKS_PER_S, NONE);
        assert_int_equal(recording.manifest.gaps, 1);
        expect_gap(0, BC_GAP_OVERTAKEN, HOLE, BEHIND);
        assert_int_equal(recording.sound_declared_ticks, BEHIND);
}

// Silence that lasts says it already; the first real unit ends it.
static void test_silence_lasts(void **state)
{
        (void)state;
        assert_non_null(bc_manifest_add_gap(&recording.manifest, BC_GAP_NO_SOUND, 7 * TICKS_PER_S, BC_TICKS_UNKNOWN, 0));
        write_fragment(8 * TICKS_PER_S, BEHIND);
        assert_int_equal(recording.manifest.gaps, 2);
        expect_gap(0, BC_GAP_NO_SOUND, 7 * TICKS_PER_S, BEHIND);
        expect_gap(1, BC_GAP_OVERTAKEN, HOLE, BEHIND);
}

// That it was muted is known as far as there are units, and not of what was lost.
static void test_it_was_muted(void **state)
{
        (void)state;
        assert_non_null(bc_manifest_add_gap(&recording.manifest, BC_GAP_MUTED, 6 * TICKS_PER_S, BC_TICKS_UNKNOWN, 0));
        write_fragment(8 * TICKS_PER_S, NONE);
        assert_int_equal(recording.manifest.gaps, 3);
        expect_gap(0, BC_GAP_MUTED, 6 * TICKS_PER_S, 8 * TICKS_PER_S);
        expect_gap(1, BC_GAP_NO_SOUND, 8 * TICKS_PER_S, HOLE);
        expect_gap(2, BC_GAP_OVERTAKEN, HOLE, BEHIND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_sound_was_lost_before_the_hole),
                TEST(test_and_comes_back_with_the_picture),
                TEST(test_and_comes_back_later),
                TEST(test_and_comes_back_earlier),
                TEST(test_less_than_a_unit_is_none),
                TEST(test_a_unit_is_one),
                TEST(test_sound_was_ahead_of_the_picture),
                TEST(test_silence_lasts),
                TEST(test_it_was_muted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
