// SPDX-License-Identifier: EUPL-1.2
// Camera, microphone, pipeline and the real ring on a simulated clock; what the ring got is read out and judged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "media/pipeline.h"
#include "media/rate.h"
#include "sensors.h"

#define START_NS (1000 * BC_NS_PER_S + 7 * BC_NS_PER_MS)
#define INTERVAL_NS (BC_NS_PER_S / 25)
#define UNITS_MAX 6000
#define NOTICES_MAX 4096

// What avcodec_send_frame() does wrong, for pictures (0) and sound (1): takes time, or fails at a certain frame.
static struct {
        struct bc_monitor *monitor;
        int64_t slow_ns[2];
        int64_t fail_at[2]; // frames still to go; -1: never
} fault;

int __real_avcodec_send_frame(AVCodecContext *context, const AVFrame *frame);
int __wrap_avcodec_send_frame(AVCodecContext *context, const AVFrame *frame);

int __wrap_avcodec_send_frame(AVCodecContext *context, const AVFrame *frame)
{
        int kind = context->codec_id == AV_CODEC_ID_H264 ? 0 : 1;

        if (frame && fault.slow_ns[kind] > 0) {
                int64_t until_ns = bc_clock_now_ns(fault.monitor->clock) + fault.slow_ns[kind];

                bc_monitor_lock(fault.monitor);
                while (bc_clock_now_ns(fault.monitor->clock) < until_ns)
                        bc_monitor_wait(fault.monitor, until_ns);
                bc_monitor_unlock(fault.monitor);
        }
        if (frame && fault.fail_at[kind] >= 0 && fault.fail_at[kind]-- == 0) {
                fault.fail_at[kind] = 0;
                return AVERROR_EXTERNAL;
        }
        return __real_avcodec_send_frame(context, frame);
}

// ---- the bench -----------------------------------------------------------------------------------------------

struct notice {
        enum bc_pipeline_notice notice;
        int64_t value, at_ns;
};

struct lane {
        unsigned count;
        struct bc_unit unit[UNITS_MAX];
        uint8_t *bytes[UNITS_MAX];
        int64_t end_ns;
};

struct bench {
        struct bc_clock *clock;
        struct bc_monitor monitor; // for notices
        struct bc_ring_config ring_config;
        struct bc_ring *ring;
        struct test_camera camera;
        struct test_mic mic;
        struct bc_pipeline_config config;
        struct bc_pipeline *pipeline;
        struct notice notice[NOTICES_MAX];
        unsigned notices;
        struct lane lane[BC_LANE_COUNT];
};

static void on_notice(void *user, enum bc_pipeline_notice notice, int64_t value)
{
        struct bench *bench = user;

        bc_monitor_lock(&bench->monitor);
        assert_true(bench->notices < NOTICES_MAX);
        bench->notice[bench->notices++] = (struct notice){ notice, value, bc_clock_now_ns(bench->clock) };
        bc_monitor_unlock(&bench->monitor);
}

static unsigned count_notices(const struct bench *bench, enum bc_pipeline_notice notice, int64_t *ret_first)
{
        unsigned count = 0;

        for (unsigned i = 0; i < bench->notices; i++)
                if (bench->notice[i].notice == notice && count++ == 0 && ret_first)
                        *ret_first = bench->notice[i].value;
        return count;
}

static struct bc_pipeline_config plain(void)
{
        return (struct bc_pipeline_config){
                .encoder = "libx264",
                .preset = "ultrafast",
                .threads = 1,
                .bit_rate_bps = 500000,
                .sound_bit_rate_bps = 64000,
                .gop_ns = BC_NS_PER_S,
                .slate_after_ns = BC_NS_PER_S,
        };
}

static struct bench *set_up(void)
{
        struct bench *bench = calloc(1, sizeof(*bench));

        assert_non_null(bench);
        assert_int_equal(bc_clock_new_simulated(START_NS, &bench->clock), 0);
        bc_monitor_init(&bench->monitor, bench->clock);
        fault.monitor = &bench->monitor;
        memset(fault.slow_ns, 0, sizeof(fault.slow_ns));
        fault.fail_at[0] = fault.fail_at[1] = -1;
        test_camera_init(&bench->camera, bench->clock, 160, 120, BC_PIXEL_I420, INTERVAL_NS);
        test_mic_init(&bench->mic, bench->clock, 48000, 1);
        bench->config = plain();
        return bench;
}

static void make_pipeline(struct bench *bench, bool sound)
{
        const struct bc_pipeline_sink sink = { .on_notice = on_notice, .user = bench };

        if (bench->ring_config.lane_bytes[BC_LANE_PICTURE] == 0)
                bc_pipeline_ring_config(&bench->config, sound, 100 * BC_NS_PER_S, 0, BC_NS_PER_S / 2, 25000,
                                        &bench->ring_config);
        assert_int_equal(bc_ring_new(bench->clock, &bench->ring_config, &bench->ring), 0);
        bc_ring_set_recording(bench->ring, true);
        assert_int_equal(bc_pipeline_new(bench->clock, bench->ring, &bench->camera.camera, sound ? &bench->mic.mic : NULL,
                                         &bench->config, &sink, &bench->pipeline), 0);
}

static void start(struct bench *bench, bool sound)
{
        make_pipeline(bench, sound);
        assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
}

static void run_to(struct bench *bench, int64_t after_start_ns)
{
        bc_clock_run_until(bench->clock, START_NS + after_start_ns);
}

static void forget_units(struct bench *bench)
{
        for (int i = 0; i < BC_LANE_COUNT; i++) {
                for (unsigned n = 0; n < bench->lane[i].count; n++)
                        free(bench->lane[i].bytes[n]);
                bench->lane[i].count = 0;
        }
}

static void tear_down(struct bench *bench)
{
        bc_pipeline_free(bench->pipeline);
        test_camera_done(&bench->camera);
        test_mic_done(&bench->mic);
        bc_ring_free(bench->ring);
        forget_units(bench);
        bc_monitor_done(&bench->monitor);
        bc_clock_free(bench->clock);
        free(bench);
}

// Everything both lanes hold, from cursor on.
static void read_units(struct bench *bench, struct bc_cursor cursor)
{
        static uint8_t room[1 << 20];

        forget_units(bench);
        for (int i = 0; i < BC_LANE_COUNT; i++) {
                struct lane *lane = &bench->lane[i];
                struct bc_unit unit;
                int r;

                while ((r = bc_ring_read(bench->ring, &cursor, (enum bc_lane)i, room, sizeof(room), &unit)) == 0) {
                        assert_true(lane->count < UNITS_MAX);
                        lane->bytes[lane->count] = malloc(unit.size_bytes);
                        assert_non_null(lane->bytes[lane->count]);
                        memcpy(lane->bytes[lane->count], room, unit.size_bytes);
                        lane->unit[lane->count++] = unit;
                }
                if (bench->ring_config.lane_bytes[i] > 0)
                        assert_int_equal(r, -ENODATA); // the lane has ended
                lane->end_ns = unit.time_ns;
        }
}

static void stop(struct bench *bench)
{
        bc_pipeline_stop(bench->pipeline);
        read_units(bench, (struct bc_cursor){ 0 });
}

// ---- what always holds ---------------------------------------------------------------------------------------

static void check_pictures(const struct bench *bench, bool whole)
{
        const struct lane *lane = &bench->lane[BC_LANE_PICTURE];
        struct decoder decoder;
        int64_t key_ticks = 0;

        decoder_open_picture(&decoder, &bc_pipeline_stream(bench->pipeline)->picture);
        for (unsigned i = 0; i < lane->count; i++) {
                const struct bc_unit *unit = &lane->unit[i];
                int64_t ticks = bc_ticks_from_ns(unit->time_ns);
                bool key = unit->flags & BC_UNIT_KEY;

                if (i > 0)
                        assert_true(ticks > bc_ticks_from_ns(lane->unit[i - 1].time_ns));
                // Key frames where they must be and, but for slates and what follows them, nowhere else.
                if (i == 0 || unit->flags & BC_UNIT_SUBSTITUTE || lane->unit[i - 1].flags & BC_UNIT_SUBSTITUTE)
                        assert_true(key);
                else if (whole)
                        assert_int_equal(key, ticks - key_ticks >= bc_ticks_from_ns(bench->config.gop_ns));
                if (key)
                        key_ticks = ticks;
                assert_length_prefixed(lane->bytes[i], unit->size_bytes);
                decode(&decoder, unit, lane->bytes[i]);
        }
        decoder_close(&decoder);
        if (lane->count > 0)
                assert_true(lane->end_ns > lane->unit[lane->count - 1].time_ns);
}

// Lays the decoded sound out and looks for the beeps: each second's, unless that second is not in the sound.
static void check_sound(const struct bench *bench, const struct span *dead, unsigned expected_beeps)
{
        const struct lane *lane = &bench->lane[BC_LANE_SOUND];
        int64_t first = (bc_ticks_from_ns(START_NS) + 1023) / 1024;
        float *sound = calloc(lane->count + 1, 1024 * sizeof(*sound));
        struct decoder decoder;
        unsigned beeps = 0;

        assert_non_null(sound);
        decoder_open_sound(&decoder, &bc_pipeline_stream(bench->pipeline)->sound);
        for (unsigned i = 0; i < lane->count; i++) {
                assert_int_equal(lane->unit[i].time_ns, bc_ns_from_ticks((first + i) * 1024));
                assert_true(lane->unit[i].flags & BC_UNIT_KEY);
                decode(&decoder, &lane->unit[i], lane->bytes[i]);
                memcpy(sound + i * 1024, decoder.frame->extended_data[0], 1024 * sizeof(float));
        }
        decoder_close(&decoder);
        assert_int_equal(lane->end_ns, bc_ns_from_ticks((first + lane->count) * 1024));
        for (int64_t second = START_NS / BC_NS_PER_S + 1; second * BC_NS_PER_S < lane->end_ns - BC_NS_PER_S / 4; second++) {
                int64_t at = second * 48000 - first * 1024, best_at = 0;
                double best = 0;

                if (dead && second * BC_NS_PER_S + BC_NS_PER_S / 10 > START_NS + dead->from_ns &&
                    second * BC_NS_PER_S < START_NS + dead->until_ns)
                        continue;
                for (int64_t shift = -480; shift <= 480; shift++) {
                        double sum = 0;

                        for (int n = 0; n < BEEP_SAMPLES; n++)
                                sum += (double)(sound[at + shift + n] * beep_at(n));
                        if (sum > best) {
                                best = sum;
                                best_at = shift;
                        }
                }
                assert_true(best > 10);
                assert_true(llabs(best_at) <= 48); // 1 ms
                beeps++;
        }
        free(sound);
        assert_int_equal(beeps, expected_beeps);
}

static uint64_t sum_lost(const struct lane *lane)
{
        uint64_t lost = 0;

        for (unsigned i = 0; i < lane->count; i++)
                lost += lane->unit[i].lost;
        return lost;
}

static unsigned count_flag(const struct lane *lane, uint16_t flag)
{
        unsigned count = 0;

        for (unsigned i = 0; i < lane->count; i++)
                count += (lane->unit[i].flags & flag) != 0;
        return count;
}

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
        check_pictures(bench, true);
        check_sound(bench, NULL, 9);
        assert_int_equal(picture->count, 250);
        for (unsigned i = 0; i < picture->count; i++) {
                assert_int_equal(bc_ticks_from_ns(picture->unit[i].time_ns), bc_ticks_from_ns(START_NS + i * INTERVAL_NS));
                assert_int_equal(picture->unit[i].flags, i % 25 ? 0 : BC_UNIT_KEY);
        }
        assert_int_equal(sum_lost(picture), 0);
        assert_true(llabs(picture->end_ns - START_NS - 10 * BC_NS_PER_S) < 50000);
        assert_true(llabs(bench->lane[BC_LANE_SOUND].end_ns - START_NS - 10 * BC_NS_PER_S) < 25 * BC_NS_PER_MS);
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
        check_pictures(bench, true);
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
        check_pictures(bench, true); // key frames by time, not by count
        assert_in_range(picture->count, 220, 224);
        for (unsigned i = 0; i < picture->count; i++)
                assert_int_equal(bc_ticks_from_ns(picture->unit[i].time_ns), bc_ticks_from_ns(START_NS + uneven_ns(i)));
        tear_down(bench);
}

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
        check_pictures(bench, true);
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
        assert_int_equal(bc_ticks_from_ns(picture->unit[79].time_ns), bc_ticks_from_ns(START_NS + 7330 * BC_NS_PER_MS));
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
                check_pictures(bench, true);
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
        check_pictures(bench, true);
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
        check_pictures(bench, true);
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
        check_pictures(bench, true);
        assert_in_range(picture->count, 2 * 500, (int)bc_rate_units(25000, 20 * BC_NS_PER_S));
        assert_in_range(picture->count + sum_lost(picture), 1995, 2001);
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
        check_pictures(bench, true);
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
        assert_int_equal(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_SUBSTITUTE), bench->lane[BC_LANE_SOUND].count);
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
        check_pictures(bench, true);
        check_sound(bench, NULL, 9); // the other lane does not notice
        assert_int_equal(bench->camera.lent_most, BC_PIPELINE_FRAMES_MAX + 2); // queue, encoder, and the one refused
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

static void test_stop_encodes_what_was_captured(void **state)
{
        struct bench *bench = set_up();
        const struct lane *picture = &bench->lane[BC_LANE_PICTURE];

        (void)state;
        start(bench, true);
        run_to(bench, BC_NS_PER_S);
        fault.slow_ns[0] = 90 * BC_NS_PER_MS;
        run_to(bench, BC_NS_PER_S + 4 * INTERVAL_NS + 10 * BC_NS_PER_MS);
        fault.slow_ns[0] = 1; // let the last ones through
        bc_clock_release(bench->clock, BC_NS_NEVER);
        stop(bench);
        check_pictures(bench, true);
        assert_int_equal(picture->count + sum_lost(picture), bench->camera.delivered);
        assert_int_equal(sum_lost(picture), 0);
        assert_in_range(picture->count, 30, 31);
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
        check_pictures(bench, true);
        check_sound(bench, NULL, 5);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 60);
        assert_true(llabs(bench->lane[BC_LANE_PICTURE].end_ns - START_NS - 60 * INTERVAL_NS) < 50000);
        tear_down(bench);
}

static void test_a_sound_encoder_that_fails_ends_its_lane_alone(void **state)
{
        struct bench *bench = set_up();
        int64_t error = 0;

        (void)state;
        fault.fail_at[1] = 100;
        start(bench, true);
        run_to(bench, 6 * BC_NS_PER_S);
        assert_int_equal(count_notices(bench, BC_PIPELINE_FAILED, &error), 1);
        assert_int_equal(error, -EIO);
        stop(bench);
        check_pictures(bench, true);
        assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 150);
        assert_in_range(bench->lane[BC_LANE_SOUND].count, 97, 100);
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
                        assert_int_equal(bc_ring_place(bench->ring, -1, &cursor), -EAGAIN);
                        continue;
                }
                now_ns += 3 * BC_NS_PER_S + 11 * BC_NS_PER_MS;
                run_to(bench, now_ns);
                bc_pipeline_stop(bench->pipeline);
                assert_int_equal(bc_ring_place(bench->ring, -1, &cursor), 0);
                read_units(bench, cursor);
                check_pictures(bench, true);
                assert_int_equal(bench->lane[BC_LANE_PICTURE].count, 76);
                assert_int_equal(bc_ticks_from_ns(bench->lane[BC_LANE_PICTURE].unit[0].time_ns), bc_ticks_from_ns(start_ns));
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

// ---- the ring's size -----------------------------------------------------------------------------------------

static bool shoot_noise(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        shoot_steadily(camera, number, ret_shot);
        ret_shot->noise = number / 25 % 2 || number % 25 == 11; // now and then, and for whole seconds
        return true;
}

// With the worst pictures there are, the ring this configuration asks for holds what it must, at every moment.
static void test_the_ring_holds_its_span_of_noise(void **state)
{
        const int64_t pre_event_ns = 6 * BC_NS_PER_S, stall_ns = 4 * BC_NS_PER_S;
        const int64_t held_ns = pre_event_ns + stall_ns + BC_NS_PER_S / 2;

        (void)state;
        for (uint32_t threads = 1; threads <= 4; threads *= 2) {
                struct bench *bench = set_up();
                uint64_t evicted = 0;

                bench->camera.shoot = shoot_noise;
                bench->config.threads = threads;
                bench->config.bit_rate_bps = (uint32_t)bc_rate_least_bps(160, 120, 25000);
                bc_pipeline_ring_config(&bench->config, true, pre_event_ns, stall_ns, BC_NS_PER_S / 2, 25000,
                                        &bench->ring_config);
                start(bench, true);
                for (int64_t at_ms = 20000; at_ms <= 60000; at_ms += 100) {
                        struct bc_ring_level level;
                        struct bc_cursor cursor;
                        struct bc_unit picture, sound;

                        run_to(bench, at_ms * BC_NS_PER_MS);
                        bc_ring_level(bench->ring, &level);
                        evicted = level.evicted_for_space;
                        assert_int_equal(bc_ring_place(bench->ring, level.newest_ns - held_ns, &cursor), 0);
                        assert_int_equal(bc_ring_peek(bench->ring, &cursor, BC_LANE_PICTURE, 0, &picture), 0);
                        assert_true(picture.time_ns <= level.newest_ns - held_ns);
                        assert_int_equal(bc_ring_peek(bench->ring, &cursor, BC_LANE_SOUND, 0, &sound), 0);
                        assert_in_range(sound.time_ns, picture.time_ns, picture.time_ns + 21333334);
                }
                assert_true(evicted > 0); // it was full, so its size was what counted
                bc_pipeline_stop(bench->pipeline);
                tear_down(bench);
        }
}

static void test_ring_config(void **state)
{
        struct bc_pipeline_config config = plain();
        struct bc_ring_config ring, other;

        (void)state;
        config.bit_rate_bps = 8000000;
        bc_pipeline_ring_config(&config, true, 90 * BC_NS_PER_S, 30 * BC_NS_PER_S, BC_NS_PER_S / 2, 30000, &ring);
        assert_int_equal(ring.pre_event_ns, 90 * BC_NS_PER_S);
        // 120.5 s, two GOPs of 2 s (one that ends in a slate), 3 s of level, 3 s for a unit in one piece
        assert_int_equal(ring.lane_bytes[BC_LANE_PICTURE], 130500000);
        assert_in_range(ring.lane_units[BC_LANE_PICTURE], 2 * 30 * 124, 2 * 30 * 127);
        assert_in_range(ring.lane_units[BC_LANE_SOUND], 125 * 48000 / 1024, 127 * 48000 / 1024);
        assert_in_range(ring.lane_bytes[BC_LANE_SOUND], ring.lane_units[BC_LANE_SOUND] * 1536,
                        (ring.lane_units[BC_LANE_SOUND] + 1) * 1536);
        bc_pipeline_ring_config(&config, false, 0, 0, 0, 1000, &other);
        assert_int_equal(other.lane_bytes[BC_LANE_SOUND], 0);
        assert_int_equal(other.lane_units[BC_LANE_SOUND], 0);
        assert_true(other.lane_bytes[BC_LANE_PICTURE] > 6000000);
}

// ---- check ---------------------------------------------------------------------------------------------------

static void assert_check(const struct bc_pipeline_config *config, uint32_t width_px, uint32_t height_px, uint32_t rate_mhz,
                         const char *about)
{
        char text[200] = "";
        int r = bc_pipeline_check(config, width_px, height_px, rate_mhz, text, sizeof(text));

        if (!about && r < 0)
                fail_msg("refused: %s", text);
        if (about && (r >= 0 || !strstr(text, about)))
                fail_msg("%d, \"%s\" does not say %s", r, text, about);
        if (about)
                print_message("  %s\n", text);
}

static void test_check(void **state)
{
        struct bc_pipeline_config config = plain();

        (void)state;
        assert_check(&config, 320, 240, 25000, NULL);
        assert_check(&config, 16, 16, 30000, NULL);
        assert_check(&config, 14, 16, 30000, "14x16");
        assert_check(&config, 320, 241, 30000, "320x241");
        assert_check(&config, 8194, 16, 30000, "8194x16");
        assert_check(&config, 320, 240, 999, "frame rate 999/1000");
        assert_check(&config, 320, 240, 240001, "frame rate 240001/1000");
        assert_check(&config, 1920, 1080, 30000, "bit rate 500000: from 1244160");
        config.bit_rate_bps = 1244160;
        config.threads = 4;
        assert_check(&config, 1920, 1080, 30000, NULL);
        config.bit_rate_bps = 200000001;
        assert_check(&config, 320, 240, 25000, "bit rate 200000001");
        config = plain();
        config.encoder = "h265";
        assert_check(&config, 320, 240, 25000, "\"h265\"");
        config.encoder = "h264_v4l2m2m";
        assert_check(&config, 320, 240, 25000, "\"h264_v4l2m2m\" cannot be opened");
        config = plain();
        config.preset = "speedy";
        assert_check(&config, 320, 240, 25000, "\"speedy\"");
        config = plain();
        config.sound_bit_rate_bps = 500000;
        assert_check(&config, 320, 240, 25000, "sound bit rate 500000");
        config = plain();
        config.gop_ns = 0;
        assert_check(&config, 320, 240, 25000, "key frame distance");
        config = plain();
        config.slate_after_ns = 0;
        assert_check(&config, 320, 240, 25000, "slate");
        config = plain();
        config.threads = 0;
        assert_check(&config, 320, 240, 25000, "out of range");
        config = plain();
        fault.fail_at[0] = 3;
        assert_check(&config, 320, 240, 25000, "fails at the first pictures");
        fault.fail_at[0] = -1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ten_seconds),
                cmocka_unit_test(test_a_fast_microphone_in_stereo),
                cmocka_unit_test(test_without_a_microphone),
                cmocka_unit_test(test_variable_frame_rate),
                cmocka_unit_test(test_slates_while_the_camera_is_silent),
                cmocka_unit_test(test_a_camera_that_never_lived),
                cmocka_unit_test(test_junk_frames_are_dropped_and_counted),
                cmocka_unit_test(test_nothing_but_junk),
                cmocka_unit_test(test_a_camera_at_four_times_its_pace),
                cmocka_unit_test(test_silence_while_the_microphone_is_dead),
                cmocka_unit_test(test_a_microphone_that_starts_late),
                cmocka_unit_test(test_a_microphone_that_never_starts),
                cmocka_unit_test(test_a_slow_encoder_drops_and_counts),
                cmocka_unit_test(test_stop_encodes_what_was_captured),
                cmocka_unit_test(test_a_picture_encoder_that_fails_ends_its_lane_alone),
                cmocka_unit_test(test_a_sound_encoder_that_fails_ends_its_lane_alone),
                cmocka_unit_test(test_start_and_stop),
                cmocka_unit_test(test_freed_while_it_runs),
                cmocka_unit_test(test_on_the_real_clock),
                cmocka_unit_test(test_the_ring_holds_its_span_of_noise),
                cmocka_unit_test(test_ring_config),
                cmocka_unit_test(test_check),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
