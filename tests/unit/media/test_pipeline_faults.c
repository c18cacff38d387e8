// SPDX-License-Identifier: EUPL-1.2
// The pipeline when cameras, microphones and encoders fail.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "media/rate.h"

// ---- the camera fails ----------------------------------------------------------------------------------------

static bool shoot_with_a_pause(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        // From 3.0 to 7.33 s nothing.
        int64_t pause_ns = number < 75 ? 0 : 4330 * BC_NS_PER_MS;

        shoot_steadily(camera, number, ret_shot);
        ret_shot->time_ns += pause_ns;
        ret_shot->deliver_ns += pause_ns;
        ret_shot->lost = number == 75 ? 108 : 0;
        return true;
}

static void test_slates_while_the_camera_is_silent(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];
        int64_t newest_ns = 0, lost_ns = 0, back_ns = 0;
        struct bc_pipeline_counters counters;

        (void)state;
        bench->camera.shoot = shoot_with_a_pause;
        start(bench, true);
        for (int64_t at_ms = 10; at_ms <= 10000; at_ms += 10) {
                struct bc_ring_level level;

                run_to(bench, at_ms * BC_NS_PER_MS);
                bc_ring_level(bench->ring, &level);
                assert_true(level.newest_ns <= START_NS + at_ms * BC_NS_PER_MS); // never in the future
                assert_true(level.newest_ns > START_NS + (at_ms - 1050) * BC_NS_PER_MS);
                assert_true(level.newest_ns >= newest_ns);
                newest_ns = level.newest_ns;
        }
        stop(bench);
        check_pictures(bench);
        check_sound(bench, NULL, 9);
        // 75 frames, then slates at 3.96 (1 s after the last frame at 2.96), 4.96, 5.96 and 6.96, then frames from 7.33 on
        assert_int_equal(count_flag(picture, BC_UNIT_SUBSTITUTE), 4);
        for (unsigned i = 75; i < 79; i++) {
                assert_int_equal(picture->unit[i].flags, BC_UNIT_KEY | BC_UNIT_SUBSTITUTE);
                assert_int_equal(bc_ticks_from_ns(picture->unit[i].time_ns),
                                 bc_ticks_from_ns(START_NS + 2960 * BC_NS_PER_MS + (i - 74) * BC_NS_PER_S));
        }
        assert_int_equal(picture->unit[79].flags, BC_UNIT_KEY);
        assert_int_equal(picture->unit[79].lost, 108);
        assert_int_equal(bc_ticks_from_ns(picture->unit[79].time_ns),
                         bc_ticks_from_ns(START_NS + 7330 * BC_NS_PER_MS));
        assert_int_equal(bench->notices, 2);
        assert_int_equal(count_notices(bench, BC_PIPELINE_PICTURE_LOST, &lost_ns), 1);
        assert_int_equal(lost_ns, START_NS + 3960 * BC_NS_PER_MS);
        assert_int_equal(count_notices(bench, BC_PIPELINE_PICTURE_BACK, &back_ns), 1);
        assert_int_equal(back_ns, START_NS + 7330 * BC_NS_PER_MS);
        bc_pipeline_counters(bench->pipeline, &counters);
        assert_int_equal(counters.slates, 4);
        assert_int_equal(counters.frames, picture->count - 4);
        assert_int_equal(counters.frames_lost_by_camera, 108);
        assert_int_equal(counters.frames_dropped, 0);
        tear_down(bench);
}

static bool shoot_nothing(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        (void)camera;
        (void)number;
        (void)ret_shot;
        return false;
}

static void test_a_camera_that_never_lived(void **state)
{
        (void)state;
        for (int start_error = 0; start_error >= -ENODEV; start_error -= ENODEV) {
                struct bench *bench = set_up();
                const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

                bench->camera.shoot = shoot_nothing;
                bench->camera.start_error = start_error;
                start(bench, true);
                run_to(bench, 5500 * BC_NS_PER_MS);
                stop(bench);
                check_pictures(bench);
                check_sound(bench, NULL, 5);
                assert_int_equal(picture->count, 5);
                for (unsigned i = 0; i < 5; i++)
                        assert_int_equal(picture->unit[i].time_ns, START_NS + (i + 1) * BC_NS_PER_S);
                assert_int_equal(count_flag(picture, BC_UNIT_SUBSTITUTE), 5);
                assert_int_equal(picture->end_ns, START_NS + 5500 * BC_NS_PER_MS);
                assert_int_equal(count_notices(bench, BC_PIPELINE_PICTURE_LOST, NULL), 1);
                tear_down(bench);
        }
}

static void test_a_camera_that_starts_late(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

        (void)state;
        bench->camera.start_error = -ENODEV;
        start(bench, true);
        assert_true(bc_pipeline_lacks_camera(bench->pipeline));
        run_to(bench, 2 * BC_NS_PER_S + 500 * BC_NS_PER_MS);
        bc_pipeline_retry_camera(bench->pipeline);
        assert_true(bc_pipeline_lacks_camera(bench->pipeline));
        bench->camera.start_error = 0;
        bc_pipeline_retry_camera(bench->pipeline);
        assert_false(bc_pipeline_lacks_camera(bench->pipeline));
        bc_pipeline_retry_camera(bench->pipeline); // nothing to do
        run_to(bench, 5 * BC_NS_PER_S);
        stop(bench);
        assert_false(bc_pipeline_lacks_camera(bench->pipeline));
        bc_pipeline_retry_camera(bench->pipeline); // nothing to retry for
        check_pictures(bench);
        assert_int_equal(count_flag(picture, BC_UNIT_SUBSTITUTE), 2);
        assert_in_range(picture->count, 2 + 62, 2 + 63);
        assert_int_equal(count_notices(bench, BC_PIPELINE_PICTURE_BACK, NULL), 1);
        tear_down(bench);
}

static bool shoot_junk(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        shoot_steadily(camera, number, ret_shot);
        if (number < 10 || number > 17)
                return true;
        switch (number) {
        case 10:
                ret_shot->time_ns = -5;
                break;
        case 11:
                ret_shot->time_ns = 0;
                break;
        case 12:
                ret_shot->time_ns = INT64_MAX;
                break;
        case 13:
                ret_shot->time_ns += 3600 * BC_NS_PER_S;
                break;
        case 14:
                ret_shot->time_ns -= 5 * INTERVAL_NS; // as the last good one
                break;
        case 15:
                ret_shot->time_ns += 5000 - 6 * INTERVAL_NS; // the same tick
                break;
        case 16:
                ret_shot->wrong_size = true;
                break;
        default:
                ret_shot->no_planes = true;
                break;
        }
        return true;
}

static void test_junk_frames_are_dropped_and_counted(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];
        struct bc_pipeline_counters counters;
        int64_t dropped = 0;

        (void)state;
        bench->camera.shoot = shoot_junk;
        start(bench, true);
        run_to(bench, 2 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench);
        assert_int_equal(picture->count, 50 - 8);
        assert_int_equal(picture->unit[10].lost, 8);
        assert_int_equal(sum_lost(picture), 8);
        bc_pipeline_counters(bench->pipeline, &counters);
        assert_int_equal(counters.frames_dropped, 8);
        assert_int_equal(count_notices(bench, BC_PIPELINE_FRAMES_DROPPED, &dropped), 1);
        assert_int_equal(dropped, 8);
        assert_int_equal(bench->notices, 1);
        tear_down(bench);
}

// A camera that delivers nothing but junk is as good as none.
static bool shoot_only_junk(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        shoot_steadily(camera, number, ret_shot);
        ret_shot->time_ns = 42;
        return true;
}

static void test_nothing_but_junk(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        bench->camera.shoot = shoot_only_junk;
        start(bench, true);
        run_to(bench, 4500 * BC_NS_PER_MS);
        stop(bench);
        check_pictures(bench);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 4);
        assert_int_equal(count_flag(&bench->lane[BC_LANE_PICTURE], BC_UNIT_SUBSTITUTE), 4);
        assert_in_range(sum_lost(&bench->lane[BC_LANE_PICTURE]), 99, 101);
        tear_down(bench);
}

static bool shoot_too_fast(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        ret_shot->time_ns = camera->start_ns + (int64_t)number * INTERVAL_NS / 4;
        ret_shot->deliver_ns = ret_shot->time_ns;
        return true;
}

static void test_a_camera_at_four_times_its_pace(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

        (void)state;
        bench->camera.shoot = shoot_too_fast;
        start(bench, false);
        run_to(bench, 20 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench);
        assert_in_range(picture->count, 2 * 500, (int)bc_rate_units(25000, 20 * BC_NS_PER_S));
        assert_in_range(picture->count + sum_lost(picture), 1995, 2001);
        tear_down(bench);
}

static bool shoot_once_a_second(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        shoot_steadily(camera, number, ret_shot);
        ret_shot->deliver_ns += (int64_t)(number % 3) * 30 * BC_NS_PER_MS;
        return true;
}

// At one frame a second no slate comes in between, though each frame is a second after the one before.
static void test_the_slowest_camera_is_not_taken_for_dead(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

        (void)state;
        test_camera_done(&bench->camera);
        test_camera_init(&bench->camera, bench->clock, 160, 120, BC_PIXEL_NV12, BC_NS_PER_S);
        bench->camera.shoot = shoot_once_a_second;
        start(bench, true);
        run_to(bench, 12 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench);
        assert_int_equal(picture->count, 12);
        assert_int_equal(count_flag(picture, BC_UNIT_SUBSTITUTE), 0);
        assert_int_equal(sum_lost(picture), 0);
        tear_down(bench);
}

// ---- the microphone fails ------------------------------------------------------------------------------------

static void check_lost_sound(int dead_error)
{
        const struct span dead = { 2100 * BC_NS_PER_MS, 5345 * BC_NS_PER_MS };
        struct bench *bench = set_up();
        const struct lane *sound = &bench->lane[BC_LANE_SOUND];
        int64_t lost_ns = 0, back_ns = 0;
        struct bc_unit newest;

        bench->mic.dead[0] = dead;
        bench->mic.dead_error = dead_error;
        start(bench, true);
        for (int64_t at_ms = 200; at_ms <= 9000; at_ms += 10) {
                struct bc_cursor cursor = { 0 };
                uint64_t ahead = (uint64_t)(at_ms * 48 / 1024);

                run_to(bench, at_ms * BC_NS_PER_MS);
                while (bc_ring_peek(bench->ring, &cursor, BC_LANE_SOUND, ahead, &newest) == -EAGAIN)
                        ahead--;
                // The newest unit's end: 250 ms of patience, the coder's look-ahead of two blocks and the one begun.
                assert_true(newest.time_ns + 21333333 > START_NS + (at_ms - 315) * BC_NS_PER_MS);
        }
        stop(bench);
        check_pictures(bench);
        check_sound(bench, &dead, 9 - 4);
        for (unsigned i = 3; i < sound->count - 2; i++) {
                int64_t begin_ns = sound->unit[i].time_ns - START_NS, end_ns = begin_ns + 21333333;
                bool substitute = sound->unit[i].flags & BC_UNIT_SUBSTITUTE;

                if (end_ns > dead.from_ns + BC_NS_PER_MS && begin_ns < dead.until_ns - BC_NS_PER_MS)
                        assert_true(substitute);
                if (end_ns < dead.from_ns - 11 * BC_NS_PER_MS || begin_ns > dead.until_ns + 11 * BC_NS_PER_MS)
                        assert_false(substitute);
        }
        assert_int_equal(bench->notices, 2);
        assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_LOST, &lost_ns), 1);
        assert_true(llabs(lost_ns - START_NS - dead.from_ns) < 11 * BC_NS_PER_MS);
        assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_BACK, &back_ns), 1);
        assert_true(llabs(back_ns - START_NS - dead.until_ns) < 11 * BC_NS_PER_MS);
        tear_down(bench);
}

static void test_silence_while_the_microphone_is_dead(void **state)
{
        (void)state;
        check_lost_sound(-ETIMEDOUT);
        check_lost_sound(-EIO);
}

// One period, which the device says it lost: too little for the silence, but flagged.
static void test_a_period_that_is_lost(void **state)
{
        (void)state;
        for (int silent = 0; silent < 2; silent++) {
                struct bench *bench = set_up();
                unsigned flagged;

                bench->mic.dead[0] = (struct span){ 2100 * BC_NS_PER_MS, 2115 * BC_NS_PER_MS };
                bench->mic.silent_about_it = silent;
                start(bench, true);
                run_to(bench, 6 * BC_NS_PER_S);
                stop(bench);
                flagged = 0;
                for (unsigned i = 0; i < bench->lane[BC_LANE_SOUND].count; i++) {
                        const struct bc_unit *unit = &bench->lane[BC_LANE_SOUND].unit[i];

                        if (unit->time_ns > START_NS + BC_NS_PER_S && unit->time_ns < START_NS + 5 * BC_NS_PER_S &&
                            unit->flags & BC_UNIT_SUBSTITUTE) {
                                assert_in_range(unit->time_ns, START_NS + 2070 * BC_NS_PER_MS, START_NS + 2125 * BC_NS_PER_MS);
                                flagged++;
                        }
                }
                assert_in_range(flagged, silent ? 0 : 1, silent ? 0 : 3);
                tear_down(bench);
        }
}

static void test_a_microphone_that_starts_late(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        bench->mic.start_errors = 3; // at 0, 1 and 2 s
        start(bench, true);
        run_to(bench, 6 * BC_NS_PER_S);
        stop(bench);
        check_sound(bench, &(struct span){ 0, 3 * BC_NS_PER_S }, 2);
        assert_in_range(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_SUBSTITUTE), 139, 144);
        assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_LOST, NULL), 1);
        assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_BACK, NULL), 1);
        tear_down(bench);
}

static void test_a_microphone_that_never_starts(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        bench->mic.start_errors = 1000;
        start(bench, true);
        run_to(bench, 4 * BC_NS_PER_S);
        stop(bench);
        check_sound(bench, &(struct span){ 0, 9 * BC_NS_PER_S }, 0);
        assert_int_equal(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_SUBSTITUTE),
                         bench->lane[BC_LANE_SOUND].count);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 100);
        tear_down(bench);
}

// ---- the encoder is slow or fails ----------------------------------------------------------------------------

static void test_a_slow_encoder_drops_and_counts(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];
        struct bc_pipeline_counters counters;
        uint64_t told = 0;

        (void)state;
        fault.slow_ns[0] = 4 * INTERVAL_NS; // four frames come while one is encoded
        start(bench, true);
        run_to(bench, 8 * BC_NS_PER_S);
        fault.slow_ns[0] = 0;
        run_to(bench, 10 * BC_NS_PER_S);
        stop(bench);
        check_pictures(bench);
        check_sound(bench, NULL, 9); // the other lane does not notice
        assert_int_equal(bench->camera.lent_most,
                         BC_PIPELINE_FRAMES_MAX + 2); // queue, encoder, and the one refused
        assert_int_equal(picture->count + sum_lost(picture), 250);
        assert_in_range(picture->count, 50 + 50, 50 + 56);
        bc_pipeline_counters(bench->pipeline, &counters);
        assert_int_equal(counters.frames_dropped, sum_lost(picture));
        for (unsigned i = 0; i < bench->notices; i++) {
                assert_int_equal(bench->notice[i].notice, BC_PIPELINE_FRAMES_DROPPED);
                told += (uint64_t)bench->notice[i].value;
        }
        assert_int_equal(told, sum_lost(picture));
        tear_down(bench);
}

static void stop_pipeline(void *user)
{
        struct bench *bench = user;

        bc_pipeline_stop(bench->pipeline);
}

static void test_stop_encodes_what_was_captured(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];
        struct bc_thread *stopper;

        (void)state;
        start(bench, true);
        run_to(bench, BC_NS_PER_S);
        fault.slow_ns[0] = 90 * BC_NS_PER_MS;
        run_to(bench, BC_NS_PER_S + 4 * INTERVAL_NS + 10 * BC_NS_PER_MS);
        // Now one is being encoded and three wait. Stopping takes as long as they need.
        assert_int_equal(bench->camera.lent_now, 1 + BC_PIPELINE_FRAMES_MAX);
        assert_int_equal(bc_thread_start(bench->clock, "stopper", stop_pipeline, bench, &stopper), 0);
        run_to(bench, 2 * BC_NS_PER_S);
        bc_thread_join(stopper);
        assert_int_equal(bench->camera.lent_now, 0);
        stop(bench);
        check_pictures(bench);
        assert_int_equal(picture->count, 30);
        assert_int_equal(bench->camera.delivered, 30);
        assert_int_equal(sum_lost(picture), 0);
        tear_down(bench);
}

struct stopper {
        struct bench *bench;
        atomic_bool stopped;
};

static void stop_and_say(void *user)
{
        struct stopper *stopper = user;

        bc_pipeline_stop(stopper->bench->pipeline);
        stopper->stopped = true;
}

// Minutes of sound are missing at once, as after a suspend, and the coder needs its time for their silence: a stop is
// seen all the same.
static void test_a_stop_while_a_long_silence_is_made(void **state)
{
        struct stopper stopper = { .bench = set_up() };
        struct bench *bench = stopper.bench;
        struct bc_thread *thread;

        (void)state;
        bench->camera.shoot = shoot_nothing;
        bench->mic.dead[0] = (struct span){ 2 * BC_NS_PER_S, 202 * BC_NS_PER_S };
        bench->mic.sleeps = true;
        start(bench, true);
        run_to(bench, 2 * BC_NS_PER_S);
        fault.slow_ns[1] = 20 * BC_NS_PER_MS; // 94 s for all of it
        run_to(bench, 203 * BC_NS_PER_S);
        assert_int_equal(bc_thread_start(bench->clock, "stopper", stop_and_say, &stopper, &thread), 0);
        run_to(bench, 206 * BC_NS_PER_S);
        assert_true(stopper.stopped);
        bc_thread_join(thread);
        tear_down(bench);
}

static void test_a_picture_encoder_that_fails_ends_its_lane_alone(void **state)
{
        struct bench *bench = set_up();
        int64_t error = 0;

        (void)state;
        fault.fail_at[0] = 60;
        start(bench, true);
        run_to(bench, 6 * BC_NS_PER_S);
        assert_int_equal(bench->camera.lent_now, 0); // frames go straight back
        assert_int_equal(count_notices(bench, BC_PIPELINE_FAILED, &error), 1);
        assert_int_equal(error, -EIO);
        assert_int_equal(bench->notices, 1);
        stop(bench);
        check_pictures(bench);
        check_sound(bench, NULL, 5);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 60);
        // The picture at which it failed is told of as lost, until it came.
        assert_in_range(bench->lane[BC_LANE_PICTURE].end_ns, START_NS + 60 * INTERVAL_NS, START_NS + 61 * INTERVAL_NS);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].end_lost, 1);
        tear_down(bench);
}

// Frames for which there is no room, and then none any more: the end of the lane tells of them.
static bool shoot_a_burst(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        shoot_steadily(camera, number, ret_shot);
        if (number >= 50)
                ret_shot->deliver_ns = camera->start_ns + 2000 * BC_NS_PER_MS + (int64_t)number * 10000;
        return number < 56;
}

static void test_frames_lost_at_the_end(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

        (void)state;
        bench->camera.shoot = shoot_a_burst;
        start(bench, false);
        run_to(bench, 1950 * BC_NS_PER_MS);
        fault.slow_ns[0] = 20 * BC_NS_PER_MS;
        run_to(bench, 2500 * BC_NS_PER_MS);
        stop(bench);
        assert_int_equal(picture->count + sum_lost(picture) + picture->end_lost, 56);
        assert_int_equal(picture->end_lost, 2); // of six one was being encoded and three found room
        assert_int_equal(picture->end_ns, START_NS + 2500 * BC_NS_PER_MS);
        tear_down(bench);
}

// Once, or several times in a row: another one goes on where it left off, and what it held is silence.
static void test_a_sound_encoder_that_fails_is_replaced(void **state)
{
        (void)state;
        for (int failures = 1; failures <= 3; failures++) {
                struct bench *bench = set_up();
                const struct lane *sound = &bench->lane[BC_LANE_SOUND];
                const struct span dead = { 2110 * BC_NS_PER_MS, (1500 + failures * 1000) * BC_NS_PER_MS };

                fault.fail_at[1] = 100; // at 2.15 s
                fault.failures[1] = failures;
                start(bench, true);
                run_to(bench, 9 * BC_NS_PER_S);
                assert_int_equal(count_notices(bench, BC_PIPELINE_FAILED, NULL), 0);
                assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_LOST, NULL), 1);
                assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_BACK, NULL), 1);
                stop(bench);
                check_sound(bench, &dead, 9 - (unsigned)failures); // at the first one no beep is lost
                assert_in_range(count_flag(sound, BC_UNIT_SUBSTITUTE), failures == 1 ? 2 : (failures - 1) * 40,
                                (failures - 1) * 47 + 6);
                tear_down(bench);
        }
}

static void test_a_sound_encoder_that_fails_for_good_ends_its_lane_alone(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        fault.fail_at[1] = 100;
        start(bench, true);
        run_to(bench, 6 * BC_NS_PER_S);
        assert_int_equal(count_notices(bench, BC_PIPELINE_FAILED, NULL), 0);
        assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_LOST, NULL), 1);
        assert_int_equal(bench->notices, 1);
        stop(bench);
        check_pictures(bench);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 150);
        assert_in_range(bench->lane[BC_LANE_SOUND].count, 97, 100);
        tear_down(bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slates_while_the_camera_is_silent),
                cmocka_unit_test(test_a_camera_that_never_lived),
                cmocka_unit_test(test_a_camera_that_starts_late),
                cmocka_unit_test(test_junk_frames_are_dropped_and_counted),
                cmocka_unit_test(test_nothing_but_junk),
                cmocka_unit_test(test_a_camera_at_four_times_its_pace),
                cmocka_unit_test(test_the_slowest_camera_is_not_taken_for_dead),
                cmocka_unit_test(test_silence_while_the_microphone_is_dead),
                cmocka_unit_test(test_a_period_that_is_lost),
                cmocka_unit_test(test_a_microphone_that_starts_late),
                cmocka_unit_test(test_a_microphone_that_never_starts),
                cmocka_unit_test(test_a_slow_encoder_drops_and_counts),
                cmocka_unit_test(test_stop_encodes_what_was_captured),
                cmocka_unit_test(test_a_stop_while_a_long_silence_is_made),
                cmocka_unit_test(test_a_picture_encoder_that_fails_ends_its_lane_alone),
                cmocka_unit_test(test_frames_lost_at_the_end),
                cmocka_unit_test(test_a_sound_encoder_that_fails_is_replaced),
                cmocka_unit_test(test_a_sound_encoder_that_fails_for_good_ends_its_lane_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
