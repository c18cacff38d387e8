// SPDX-License-Identifier: EUPL-1.2
// The pipeline when all is well, and again and again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

// ---- all is well ---------------------------------------------------------------------------------------------

static void test_ten_seconds(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];
        struct bc_pipeline_counters counters;

        (void)state;
        start(bench, true);
        run_to(bench, 10 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench);
        check_sound(bench, NULL, 9);
        assert_int_equal(picture->count, 250);
        for (unsigned i = 0; i < picture->count; i++) {
                assert_int_equal(bc_ticks_from_ns(picture->unit[i].time_ns),
                                 bc_ticks_from_ns(START_NS + i * INTERVAL_NS));
                assert_int_equal(picture->unit[i].flags, i % 25 ? 0 : BC_UNIT_KEY);
        }
        assert_int_equal(sum_lost(picture), 0);
        assert_true(llabs(picture->end_ns - START_NS - 10 * BC_NS_PER_S) < 50000);
        // The sound goes to the end of the block in which the stop was.
        assert_in_range(bench->lane[BC_LANE_SOUND].end_ns, START_NS + 10 * BC_NS_PER_S - BC_NS_PER_MS,
                        START_NS + 10 * BC_NS_PER_S + 22 * BC_NS_PER_MS);
        assert_int_equal(bench->notices, 0);
        bc_pipeline_counters(bench->pipeline, &counters);
        assert_int_equal(counters.frames, 250);
        assert_int_equal(counters.frames_dropped + counters.frames_lost_by_camera + counters.slates, 0);
        assert_int_equal(counters.sound_units, bench->lane[BC_LANE_SOUND].count);
        assert_int_equal(counters.silent_units, count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_SUBSTITUTE));
        assert_true(counters.silent_units <= 3); // the begin and the end of the grid
        assert_in_range(counters.rate_error_ppb + 2000, 0, 4000);
        tear_down(bench);
}

// Times that lie on no tick, as a real camera's: about every third rounds up.
static bool shoot_off_the_ticks(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        if (!shoot_steadily(camera, number, ret_shot))
                return false;
        ret_shot->time_ns += (int64_t)(number * 7919 % 30011);
        return true;
}

// What is told with a key frame starts with it, to the nanosecond: a segment that begins there begins with it.
static void test_telemetry_starts_with_its_key_frame(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];
        unsigned keys = 0;

        (void)state;
        bench->camera.shoot = shoot_off_the_ticks;
        bench->config.telemetry.text = bench->config.telemetry.position = true;
        bench->config.device = "D";
        bench->config.unit = "";
        start(bench, false);
        run_to(bench, 20 * BC_NS_PER_S);
        stop(bench);
        for (enum bc_lane lane = BC_LANE_TEXT; lane <= BC_LANE_POSITION; lane++) {
                const struct lane *told = &bench->lane[lane];
                unsigned at = 0;

                for (unsigned i = 0; i < picture->count; i++) {
                        if (!(picture->unit[i].flags & BC_UNIT_KEY))
                                continue;
                        while (at < told->count && told->unit[at].time_ns < picture->unit[i].time_ns)
                                at++;
                        assert_true(at < told->count);
                        assert_int_equal(told->unit[at].time_ns, picture->unit[i].time_ns);
                        keys++;
                }
                assert_int_equal(told->end_ns, picture->end_ns);
        }
        assert_in_range(keys, 38, 42);
        tear_down(bench);
}

static void test_a_fast_microphone_in_stereo(void **state)
{
        struct bench *bench = set_up();
        struct bc_pipeline_counters counters;

        (void)state;
        test_mic_done(&bench->mic);
        test_mic_init(&bench->mic, bench->clock, 44100, 2);
        bench->mic.ppm = 200;
        start(bench, true);
        assert_int_equal(bc_pipeline_stream(bench->pipeline)->sound.channels, 2);
        run_to(bench, 40 * BC_NS_PER_S);
        stop(bench);
        check_sound(bench, NULL, 39);
        bc_pipeline_counters(bench->pipeline, &counters);
        assert_in_range(counters.rate_error_ppb, 195000, 205000);
        tear_down(bench);
}

static void test_without_a_microphone(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        start(bench, false);
        assert_int_equal(bc_pipeline_stream(bench->pipeline)->sound.channels, 0);
        assert_int_equal(bench->ring_config.lane_bytes[BC_LANE_SOUND], 0);
        run_to(bench, 3 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 75);
        tear_down(bench);
}

// Gaps of 20 to 180 ms in a fixed pattern: 10 frames in 0.9 s.
static int64_t uneven_ns(uint64_t number)
{
        static const int steps_ms[] = { 0, 40, 60, 240, 280, 300, 480, 520, 700, 720 };

        return (int64_t)(number / 10) * 900 * BC_NS_PER_MS + steps_ms[number % 10] * BC_NS_PER_MS + 333333;
}

static bool shoot_unevenly(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        ret_shot->time_ns = camera->start_ns + uneven_ns(number);
        ret_shot->deliver_ns = ret_shot->time_ns + 30 * BC_NS_PER_MS;
        return true;
}

static void test_variable_frame_rate(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

        (void)state;
        bench->camera.shoot = shoot_unevenly;
        start(bench, true);
        run_to(bench, 20 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench); // key frames by time, not by count
        assert_in_range(picture->count, 220, 224);
        for (unsigned i = 0; i < picture->count; i++)
                assert_int_equal(bc_ticks_from_ns(picture->unit[i].time_ns),
                                 bc_ticks_from_ns(START_NS + uneven_ns(i)));
        tear_down(bench);
}

// ---- again and again -----------------------------------------------------------------------------------------

static void test_start_and_stop(void **state)
{
        struct bench *bench = set_up();
        int64_t now_ns = 0;

        (void)state;
        make_pipeline(bench, true);
        bc_pipeline_stop(bench->pipeline); // nothing to do
        for (int i = 0; i < 6; i++) {
                struct bc_cursor cursor;
                int64_t start_ns = START_NS + now_ns;

                assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
                assert_int_equal(bc_pipeline_start(bench->pipeline), -EALREADY);
                if (i == 3) { // and at once off again
                        bc_pipeline_stop(bench->pipeline);
                        assert_int_equal(bc_ring_place(bench->ring, -1, &cursor), -ENODATA);
                        continue;
                }
                now_ns += 3 * BC_NS_PER_S + 11 * BC_NS_PER_MS;
                run_to(bench, now_ns);
                bc_pipeline_stop(bench->pipeline);
                assert_int_equal(bc_ring_place(bench->ring, -1, &cursor), 0);
                read_units(bench, cursor);
                check_pictures(bench);
                assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 76);
                assert_int_equal(bc_ticks_from_ns(bench->lane[BC_LANE_PICTURE].unit[0].time_ns),
                                 bc_ticks_from_ns(start_ns));
                assert_in_range(bench->lane[BC_LANE_SOUND].unit[0].time_ns, start_ns, start_ns + 21333334);
                now_ns += 500 * BC_NS_PER_MS;
                run_to(bench, now_ns);
        }
        tear_down(bench);
}

static void test_freed_while_it_runs(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        start(bench, true);
        run_to(bench, BC_NS_PER_S);
        tear_down(bench);
}

// The same on the real clock, for what only real concurrency shows.
static void test_on_the_real_clock(void **state)
{
        struct bench *bench = set_up();
        struct bc_clock *simulated = bench->clock;
        struct bc_pipeline_counters counters;
        struct bc_monitor monitor;
        int64_t begin_ns;

        (void)state;
        test_camera_done(&bench->camera);
        test_mic_done(&bench->mic);
        bc_monitor_done(&bench->monitor);
        bc_clock_free(simulated);
        assert_int_equal(bc_clock_new_real(&bench->clock), 0);
        bc_monitor_init(&bench->monitor, bench->clock);
        bc_monitor_init(&monitor, bench->clock);
        test_camera_init(&bench->camera, bench->clock, 160, 120, BC_PIXEL_NV12, INTERVAL_NS);
        test_mic_init(&bench->mic, bench->clock, 48000, 2);
        bench->config.threads = 2;
        make_pipeline(bench, true);
        for (int i = 0; i < 2; i++) {
                begin_ns = bc_clock_now_ns(bench->clock);
                assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
                bc_monitor_lock(&monitor);
                while (bc_clock_now_ns(bench->clock) < begin_ns + 1500 * BC_NS_PER_MS) {
                        bc_monitor_wait(&monitor, begin_ns + 1500 * BC_NS_PER_MS);
                        bc_pipeline_counters(bench->pipeline, &counters);
                }
                bc_monitor_unlock(&monitor);
                bc_pipeline_stop(bench->pipeline);
                // As many as came: how many that is, a busy machine decides.
                bc_pipeline_counters(bench->pipeline, &counters);
                assert_int_equal(counters.frames + counters.frames_dropped, bench->camera.delivered);
                assert_true(counters.frames > 0);
                assert_true(counters.sound_units > counters.silent_units);
        }
        bc_monitor_done(&monitor);
        tear_down(bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ten_seconds),
                cmocka_unit_test(test_telemetry_starts_with_its_key_frame),
                cmocka_unit_test(test_a_fast_microphone_in_stereo),
                cmocka_unit_test(test_without_a_microphone),
                cmocka_unit_test(test_variable_frame_rate),
                cmocka_unit_test(test_start_and_stop),
                cmocka_unit_test(test_freed_while_it_runs),
                cmocka_unit_test(test_on_the_real_clock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
