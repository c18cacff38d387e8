// SPDX-License-Identifier: EUPL-1.2
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

struct encoder_fault fault;
struct encoder_input encoder_input;

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
                fault.fail_at[kind] = fault.failures[kind] == 1 ? -1 : 0;
                fault.failures[kind] -= fault.failures[kind] > 0;
                return AVERROR_EXTERNAL;
        }
        if (frame && kind == 1 && encoder_input.sample)
                for (int64_t i = 0; i < frame->nb_samples; i++) {
                        int64_t at = frame->pts + i - encoder_input.first;

                        assert_true(at >= 0 && at < (int64_t)encoder_input.samples);
                        encoder_input.sample[at] = ((const float *)frame->data[0])[i];
                }
        return __real_avcodec_send_frame(context, frame);
}

// ---- making --------------------------------------------------------------------------------------------------

static void on_notice(void *user, enum bc_pipeline_notice notice, int64_t value)
{
        struct bench *bench = user;

        bc_monitor_lock(&bench->monitor);
        assert_true(bench->notices < NOTICES_MAX);
        bench->notice[bench->notices++] = (struct notice){ notice, value, bc_clock_now_ns(bench->clock) };
        bc_monitor_unlock(&bench->monitor);
}

unsigned count_notices(const struct bench *bench, enum bc_pipeline_notice notice, int64_t *ret_first)
{
        unsigned count = 0;

        for (unsigned i = 0; i < bench->notices; i++)
                if (bench->notice[i].notice == notice && count++ == 0 && ret_first)
                        *ret_first = bench->notice[i].value;
        return count;
}

struct bc_pipeline_config plain(void)
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

struct bench *set_up(void)
{
        struct bench *bench = calloc(1, sizeof(*bench));

        assert_non_null(bench);
        assert_int_equal(bc_clock_new_simulated(START_NS, &bench->clock), 0);
        bc_monitor_init(&bench->monitor, bench->clock);
        fault.monitor = &bench->monitor;
        memset(fault.slow_ns, 0, sizeof(fault.slow_ns));
        fault.fail_at[0] = fault.fail_at[1] = -1;
        fault.failures[0] = fault.failures[1] = -1;
        test_camera_init(&bench->camera, bench->clock, 160, 120, BC_PIXEL_I420, INTERVAL_NS);
        test_mic_init(&bench->mic, bench->clock, 48000, 1);
        bench->config = plain();
        return bench;
}

void make_pipeline(struct bench *bench, bool sound)
{
        const struct bc_pipeline_sink sink = { .on_notice = on_notice, .user = bench };
        struct bc_pipeline_parts parts = {
                .clock = bench->clock,
                .camera = &bench->camera.camera,
                .mic = sound ? &bench->mic.mic : NULL,
        };

        if (bench->ring_config.lane_bytes[BC_LANE_PICTURE] == 0)
                bc_pipeline_ring_config(&bench->config, sound, 100 * BC_NS_PER_S, 0, BC_NS_PER_S / 2, 25000,
                                        &bench->ring_config);
        assert_int_equal(bc_ring_new(bench->clock, &bench->ring_config, &bench->ring), 0);
        bc_ring_set_recording(bench->ring, true);
        parts.ring = bench->ring;
        assert_int_equal(bc_pipeline_new(&parts, &bench->config, &sink, &bench->pipeline), 0);
}

void start(struct bench *bench, bool sound)
{
        make_pipeline(bench, sound);
        assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
}

void run_to(struct bench *bench, int64_t after_start_ns)
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

void tear_down(struct bench *bench)
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
void read_units(struct bench *bench, struct bc_cursor cursor)
{
        static uint8_t room[1 << 20];

        forget_units(bench);
        for (int i = 0; i < BC_LANE_COUNT; i++) {
                struct lane *lane = &bench->lane[i];
                struct bc_unit unit;
                int r;

                while ((r = bc_ring_read(bench->ring, &cursor, (enum bc_lane)i, room, sizeof(room), &unit)) ==
                       0) {
                        assert_true(lane->count < UNITS_MAX);
                        lane->bytes[lane->count] = malloc(unit.size_bytes);
                        assert_non_null(lane->bytes[lane->count]);
                        memcpy(lane->bytes[lane->count], room, unit.size_bytes);
                        lane->unit[lane->count++] = unit;
                }
                if (bench->ring_config.lane_bytes[i] > 0)
                        assert_int_equal(r, -ENODATA); // the lane has ended
                lane->end_ns = unit.time_ns;
                lane->end_lost = unit.lost;
        }
}

void stop(struct bench *bench)
{
        bc_pipeline_stop(bench->pipeline);
        read_units(bench, (struct bc_cursor){ 0 });
}

// ---- what always holds ---------------------------------------------------------------------------------------

void check_pictures(const struct bench *bench)
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
                if (i == 0 || unit->flags & BC_UNIT_SUBSTITUTE ||
                    lane->unit[i - 1].flags & BC_UNIT_SUBSTITUTE)
                        assert_true(key);
                else
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

void check_sound(const struct bench *bench, const struct span *dead, unsigned expected_beeps)
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
        for (int64_t second = START_NS / BC_NS_PER_S + 1;
             second * BC_NS_PER_S < lane->end_ns - BC_NS_PER_S / 4; second++) {
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

uint64_t sum_lost(const struct lane *lane)
{
        uint64_t lost = 0;

        for (unsigned i = 0; i < lane->count; i++)
                lost += lane->unit[i].lost;
        return lost;
}

unsigned count_flag(const struct lane *lane, uint16_t flag)
{
        unsigned count = 0;

        for (unsigned i = 0; i < lane->count; i++)
                count += (lane->unit[i].flags & flag) != 0;
        return count;
}
