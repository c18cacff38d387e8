// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "lib/counts.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

static void test_an_incident(void **state)
{
        struct bench bench;
        struct judged judged;
        int64_t first_ns;

        (void)state;
        bench_defaults(&bench);
        bench_make(&bench);
        bench_run_until(&bench, 130 * S + 123 * MS);
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S + 123 * MS, "button"), 0);
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S + 124 * MS, "button"), -EBUSY);
        bench_run_until(&bench, 147 * S + 77 * MS);
        assert_int_equal(bc_recorder_stop(bench.recorder, 147 * S + 77 * MS, "button"), 0);
        assert_int_equal(bc_recorder_stop(bench.recorder, 148 * S, "button"), -ENOENT);
        bench_run_until(&bench, 160 * S);
        assert_int_equal(bench.notice[BC_RECORDER_DURABLE], 1);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        assert_int_equal(bench.durable_at_ns, 130 * S + 123 * MS); // no time at all: the past is in memory
        bench_read(&bench, 1, &judged);
        first_ns = judge_whole(&judged, &bench.feed);
        assert_true(first_ns <= 120 * S + 123 * MS);
        assert_true(first_ns > 119 * S);
        assert_int_equal(judged.finished, judged.segments);
        assert_int_equal(judged.segments, 6);
        assert_true(judged.longest_fragment_ticks <= 24000);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        assert_int_equal(judged.strangers + judged.tails, 0);
        assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
        assert_int_equal(judged.manifest.segments, 6);
        // Sound begins and ends beside the picture, and the last units are those before the stop.
        for (int lane = 0; lane < BC_LANE_COUNT; lane++) {
                const struct judged_unit *first = &judged.unit[lane][0];
                const struct judged_unit *last = &judged.unit[lane][judged.units[lane] - 1];
                int64_t end_ticks = bc_ticks_from_ns(147 * S + 77 * MS);

                if (!feeder_has(&bench.feed, (enum bc_lane)lane))
                        continue;
                assert_true(first->ticks - bc_ticks_from_ns(first_ns) < 1024);
                assert_true(last->ticks < end_ticks && last->ticks + last->duration_ticks >= end_ticks);
        }
        judge_done(&judged);
        bench_done(&bench);
}

static void test_sound_begins_at_the_press(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench.config.pre_event_sound = false;
        bench_make(&bench);
        bench_run_until(&bench, 130 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S, "button"), 0);
        bench_run_until(&bench, 140 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 140 * S, "button"), 0);
        bench_run_until(&bench, 150 * S);
        bench_read(&bench, 1, &judged);
        assert_true(judge_whole(&judged, &bench.feed) <= 120 * S);
        assert_true(judged.unit[BC_LANE_SOUND][0].ticks >= bc_ticks_from_ns(130 * S));
        assert_true(judged.unit[BC_LANE_SOUND][0].ticks < bc_ticks_from_ns(130 * S) + 1024);
        assert_int_equal(judged.finished, judged.segments);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        judge_done(&judged);
        bench_done(&bench);
}

static void test_slates_and_silence_are_declared(void **state)
{
        struct bench bench;
        struct judged judged;
        const struct bc_manifest_gap *gap;

        (void)state;
        bench_defaults(&bench);
        bench_make(&bench);
        bench_run_until(&bench, 130 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S, "button"), 0);
        bench_run_until(&bench, 131 * S);
        feeder_substitute(bench.feeder, BC_LANE_PICTURE, true);
        bench_run_until(&bench, 133 * S);
        feeder_substitute(bench.feeder, BC_LANE_SOUND, true);
        feeder_substitute(bench.feeder, BC_LANE_PICTURE, false);
        bench_run_until(&bench, 135 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 135 * S, "button"), 0);
        bench_run_until(&bench, 140 * S);
        bench_read(&bench, 1, &judged);
        judge_whole(&judged, &bench.feed);
        assert_int_equal(judge_gaps(&judged, -1), 2);
        gap = &judged.manifest.gap[0];
        assert_int_equal(gap->kind, BC_GAP_NO_PICTURE);
        assert_in_range(gap->from_ticks, 131 * 48000 - 3200, 131 * 48000);
        assert_in_range(gap->to_ticks, 133 * 48000 - 3200, 133 * 48000);
        gap = &judged.manifest.gap[1];
        assert_int_equal(gap->kind, BC_GAP_NO_SOUND);
        assert_in_range(gap->from_ticks, 133 * 48000 - 4096, 133 * 48000);
        assert_in_range(gap->to_ticks, 135 * 48000 - 2048, 135 * 48000 + 2048);
        judge_done(&judged);
        bench_done(&bench);
}

static void test_pressed_before_the_ring_is_full(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench_make(&bench);
        bench_run_until(&bench, 104 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 104 * S, "button"), 0);
        bench_run_until(&bench, 106 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 106 * S, "button"), 0);
        bench_run_until(&bench, 110 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_whole(&judged, &bench.feed), 100 * S);
        assert_int_equal(judge_gaps(&judged, BC_GAP_PRE_EVENT), 1);
        assert_int_equal(judged.manifest.gap[0].from_ticks, 94 * 48000);
        assert_int_equal(judged.manifest.gap[0].to_ticks, 100 * 48000);
        judge_done(&judged);
        bench_done(&bench);
}

static void test_ends_with_the_stream(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench_make(&bench);
        bench_run_until(&bench, 120 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 120 * S, "button"), 0);
        bench_run_until(&bench, 125 * S + 10 * MS);
        bench_stop_threads(&bench);
        bench_read(&bench, 1, &judged);
        judge_whole(&judged, &bench.feed);
        assert_int_equal(judged.finished, judged.segments);
        // The last picture in the ring is that of 124.966 s; it lasts to the end of the stream.
        assert_int_equal(judged.unit[BC_LANE_PICTURE][judged.units[BC_LANE_PICTURE] - 1].ticks +
                         judged.unit[BC_LANE_PICTURE][judged.units[BC_LANE_PICTURE] - 1].duration_ticks,
                         125 * 48000 + 480);
        judge_done(&judged);
        bench_done(&bench);
}

// The figure that matters most: over bit rates, GOP phases, jitter, delays, press times, presses soon after a stop.
static uint32_t random_below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

// Returns the number of segment boundaries.
static unsigned judge_press(struct bench *bench, uint64_t counter, int64_t press_ns, uint32_t seed)
{
        struct judged judged;
        int64_t first_ns;
        unsigned segments;

        bench_read(bench, counter, &judged);
        first_ns = judge_whole(&judged, &bench->feed);
        if (first_ns > press_ns - bench->config.pre_event_ns)
                fail_msg("seed %u, press %u: %lld ms of %lld ms before the press", seed, (unsigned)counter,
                         (long long)((press_ns - first_ns) / MS), (long long)(bench->config.pre_event_ns / MS));
        assert_true(judged.unit[BC_LANE_SOUND][0].ticks - bc_ticks_from_ns(first_ns) < 1024);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        assert_int_equal(judged.finished, judged.segments);
        assert_true(judged.longest_fragment_ticks <= 24000);
        segments = judged.segments;
        judge_done(&judged);
        return segments - 1;
}

#define PRESSES_MAX 20

static void press_at_random(uint32_t seed, unsigned presses, unsigned *boundaries)
{
        uint32_t random = seed;
        struct bench bench;
        int64_t now_ns, press_ns[PRESSES_MAX];

        bench_defaults(&bench);
        bench.feed.interval_ns = BC_NS_PER_S / (5 + random_below(&random, 56));
        bench.feed.gop = (unsigned)(S / bench.feed.interval_ns);
        bench.feed.jitter_ns = random_below(&random, 2) ? bench.feed.interval_ns / 3 : 0;
        bench.feed.picture_bytes = 20 + random_below(&random, 4000);
        bench.feed.key_bytes = 20 + random_below(&random, 40000);
        bench.feed.picture_delay_ns = (int64_t)random_below(&random, 150) * MS;
        bench.feed.sound_delay_ns = (int64_t)random_below(&random, 150) * MS;
        bench.feed.start_ns += random_below(&random, 1000000) * INT64_C(1000);
        bench.feed.seed = seed;
        bench.config.pre_event_ns = random_below(&random, 20000) * MS;
        bench.config.segment_ns = (1 + random_below(&random, 10)) * S;
        bench_make(&bench);
        now_ns = bench.feed.start_ns + bench.config.pre_event_ns + 3 * S;
        for (unsigned press = 0; press < presses; press++) {
                // One in three comes at once after the stop before.
                now_ns += random_below(&random, 3) ? random_below(&random, 20000) * MS : random_below(&random, 300) * MS;
                bench_run_until(&bench, now_ns);
                press_ns[press] = now_ns;
                assert_int_equal(bc_recorder_start(bench.recorder, now_ns, "button"), 0);
                now_ns += random_below(&random, 15000) * MS;
                bench_run_until(&bench, now_ns);
                assert_int_equal(bc_recorder_stop(bench.recorder, now_ns, "button"), 0);
        }
        bench_run_until(&bench, now_ns + 3 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], presses);
        for (unsigned press = 0; press < presses; press++)
                *boundaries += judge_press(&bench, press + 1, press_ns[press], seed);
        bench_done(&bench);
}

static void test_pre_event_is_guaranteed(void **state)
{
        unsigned runs = counts_of(25, 100, 1000), boundaries = 0;

        (void)state;
        for (unsigned i = 0; i < runs / 5; i++)
                press_at_random(i + 1, 5, &boundaries);
        print_message("%u presses, %u segment boundaries\n", runs, boundaries);
        assert_true(boundaries >= runs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_incident),
                cmocka_unit_test(test_sound_begins_at_the_press),
                cmocka_unit_test(test_slates_and_silence_are_declared),
                cmocka_unit_test(test_pressed_before_the_ring_is_full),
                cmocka_unit_test(test_ends_with_the_stream),
                cmocka_unit_test(test_pre_event_is_guaranteed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
