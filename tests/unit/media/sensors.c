// SPDX-License-Identifier: EUPL-1.2
#include "sensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "picture.h"

#define LATENCY_NS (5 * BC_NS_PER_MS)

float beep_at(double n)
{
        double window = 0.5 - 0.5 * cos(2 * M_PI * n / BEEP_SAMPLES);

        return n < 0 || n >= BEEP_SAMPLES ? 0 : (float)(0.5 * window * sin(2 * M_PI * 3000 * n / 48000));
}

// ---- camera --------------------------------------------------------------------------------------------------

static void give_back(struct bc_frame *frame)
{
        struct test_camera *camera = frame->owner;
        bool found = false;

        bc_monitor_lock(&camera->monitor);
        for (int i = 0; i < CAMERA_POOL; i++)
                if (camera->frame[i] == frame && camera->lent[i]) {
                        camera->lent[i] = false;
                        found = true;
                }
        camera->lent_now--;
        bc_monitor_unlock(&camera->monitor);
        if (!found)
                fail_msg("a frame was given back twice");
}

static struct bc_frame *lend(struct test_camera *camera)
{
        struct bc_frame *frame = NULL;

        bc_monitor_lock(&camera->monitor);
        for (int i = 0; i < CAMERA_POOL && !frame; i++)
                if (!camera->lent[i]) {
                        camera->lent[i] = true;
                        frame = camera->frame[i];
                        if (++camera->lent_now > camera->lent_most)
                                camera->lent_most = camera->lent_now;
                }
        if (frame)
                camera->delivered++;
        else
                camera->missed++;
        bc_monitor_unlock(&camera->monitor);
        return frame;
}

static bool wait_until(struct test_camera *camera, int64_t time_ns)
{
        bool go_on;

        bc_monitor_lock(&camera->monitor);
        while (!camera->stopping && bc_clock_now_ns(camera->clock) < time_ns)
                bc_monitor_wait(&camera->monitor, time_ns);
        go_on = !camera->stopping;
        bc_monitor_unlock(&camera->monitor);
        return go_on;
}

static void run_camera(void *user)
{
        struct test_camera *camera = user;
        uint64_t seed = 88172645463325252u;
        struct shot shot = { 0 };
        uint64_t number;

        for (number = 0; camera->shoot(camera, number, &shot) && wait_until(camera, shot.deliver_ns);
             number++) {
                struct bc_frame *frame = lend(camera);
                struct bc_frame as_it_is;

                if (!frame)
                        continue;
                if (shot.noise)
                        picture_paint_noise(frame, &seed);
                else
                        picture_paint(frame, (unsigned)number);
                as_it_is = *frame;
                frame->time_ns = shot.time_ns;
                frame->lost = shot.lost;
                if (shot.wrong_size)
                        frame->height_px -= 2;
                if (shot.no_planes)
                        frame->plane[1] = NULL;
                camera->sink.on_frame(camera->sink.user, frame);
                if (shot.wrong_size || shot.no_planes) {
                        // Only for the test: the frame is not looked at again before its pixels are.
                        wait_until(camera, shot.deliver_ns + BC_NS_PER_MS);
                        frame->height_px = as_it_is.height_px;
                        frame->plane[1] = as_it_is.plane[1];
                }
                shot = (struct shot){ 0 };
        }
        wait_until(camera, BC_NS_NEVER);
}

static int start_camera(struct bc_camera *base, const struct bc_camera_sink *sink)
{
        struct test_camera *camera = (struct test_camera *)base;

        if (camera->start_error < 0)
                return camera->start_error;
        camera->sink = *sink;
        camera->stopping = false;
        camera->start_ns = bc_clock_now_ns(camera->clock);
        return bc_thread_start(camera->clock, "camera", run_camera, camera, &camera->thread);
}

static void stop_camera(struct bc_camera *base)
{
        struct test_camera *camera = (struct test_camera *)base;

        assert_non_null(camera->thread);
        bc_monitor_lock(&camera->monitor);
        camera->stopping = true;
        bc_monitor_wake(&camera->monitor);
        bc_monitor_unlock(&camera->monitor);
        bc_thread_join(camera->thread);
        camera->thread = NULL;
}

bool shoot_steadily(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        ret_shot->time_ns = camera->start_ns + (int64_t)number * camera->camera.info.interval_ns;
        ret_shot->deliver_ns = ret_shot->time_ns + LATENCY_NS;
        return true;
}

void test_camera_init(struct test_camera *camera, struct bc_clock *clock, uint32_t width_px,
                      uint32_t height_px, enum bc_pixel_format format, int64_t interval_ns)
{
        static const struct bc_camera_ops ops = { .start = start_camera, .stop = stop_camera };

        *camera = (struct test_camera){
                .camera = { .ops = &ops,
                            .info = { .driver = "test",
                                      .simulated = true,
                                      .format = format,
                                      .width_px = width_px,
                                      .height_px = height_px,
                                      .interval_ns = interval_ns } },
                .clock = clock,
                .shoot = shoot_steadily,
        };
        bc_monitor_init(&camera->monitor, clock);
        for (int i = 0; i < CAMERA_POOL; i++) {
                camera->frame[i] = picture_new(width_px, height_px, format, NULL);
                camera->frame[i]->owner = camera;
                camera->frame[i]->release = give_back;
        }
}

void test_camera_done(struct test_camera *camera)
{
        assert_null(camera->thread);
        assert_int_equal(camera->lent_now, 0);
        for (int i = 0; i < CAMERA_POOL; i++)
                picture_free(camera->frame[i]);
        bc_monitor_done(&camera->monitor);
}

// ---- microphone ----------------------------------------------------------------------------------------------

static int64_t captured_ns(const struct test_mic *mic, int64_t sample)
{
        return mic->begin_ns + (int64_t)((__int128)sample * 1000000 * BC_NS_PER_S /
                                         ((__int128)mic->mic.info.rate_hz * (1000000 + mic->ppm)));
}

// The end of the dead span that time_ns lies in; time_ns if it lies in none.
static int64_t alive_ns(const struct test_mic *mic, int64_t time_ns)
{
        for (int i = 0; i < DEAD_MAX; i++)
                if (time_ns >= mic->begin_ns + mic->dead[i].from_ns &&
                    time_ns < mic->begin_ns + mic->dead[i].until_ns)
                        return mic->begin_ns + mic->dead[i].until_ns;
        return time_ns;
}

static void hear(const struct test_mic *mic, int16_t *samples)
{
        const struct bc_mic_info *info = &mic->mic.info;

        for (size_t i = 0; i < info->period_samples; i++) {
                int64_t time_ns = captured_ns(mic, mic->next + (int64_t)i);
                double n = (double)(time_ns % BEEP_EVERY_NS) * 48000 * 1e-9;

                for (uint32_t c = 0; c < info->channels; c++)
                        samples[i * info->channels + c] = mic->hums ? HUM : (int16_t)lrintf(20000 * beep_at(n));
        }
}

static int read_mic(struct bc_mic *base, int16_t *samples, int64_t deadline_ns, struct bc_mic_chunk *ret_chunk)
{
        struct test_mic *mic = (struct test_mic *)base;
        bool broken = false;
        int r = -ETIMEDOUT;

        bc_monitor_lock(&mic->monitor);
        for (;;) {
                int64_t now_ns = bc_clock_now_ns(mic->clock);
                int64_t complete_ns = captured_ns(mic, mic->next + (int64_t)mic->mic.info.period_samples);
                bool dead = false;

                // What is captured while the device is dead is lost.
                while (alive_ns(mic, complete_ns) != complete_ns && complete_ns <= now_ns) {
                        broken = !mic->silent_about_it;
                        mic->next += (int64_t)mic->mic.info.period_samples;
                        complete_ns = captured_ns(mic, mic->next + (int64_t)mic->mic.info.period_samples);
                }
                dead = alive_ns(mic, complete_ns) != complete_ns;
                if (mic->cancelled) {
                        r = -ECANCELED;
                        break;
                }
                if (!dead && complete_ns <= now_ns) {
                        hear(mic, samples);
                        *ret_chunk = (struct bc_mic_chunk){ mic->mic.info.period_samples,
                                                            captured_ns(mic, mic->next), broken };
                        mic->next += (int64_t)mic->mic.info.period_samples;
                        r = 0;
                        break;
                }
                if (now_ns >= deadline_ns && !(dead && mic->sleeps)) {
                        r = dead ? mic->dead_error : -ETIMEDOUT;
                        break;
                }
                bc_monitor_wait(&mic->monitor, dead && mic->sleeps ? alive_ns(mic, complete_ns) :
                                               complete_ns < deadline_ns && complete_ns > now_ns
                                                       ? complete_ns
                                                       : deadline_ns);
        }
        bc_monitor_unlock(&mic->monitor);
        return r;
}

static int start_mic(struct bc_mic *base)
{
        struct test_mic *mic = (struct test_mic *)base;
        int r = 0;

        bc_monitor_lock(&mic->monitor);
        mic->cancelled = false;
        if (mic->start_errors > 0) {
                mic->start_errors--;
                r = -ENODEV;
        } else {
                mic->starts++;
                mic->begin_ns = bc_clock_now_ns(mic->clock);
                mic->next = 0;
        }
        bc_monitor_unlock(&mic->monitor);
        return r;
}

static void cancel_mic(struct bc_mic *base)
{
        struct test_mic *mic = (struct test_mic *)base;

        bc_monitor_lock(&mic->monitor);
        mic->cancelled = true;
        bc_monitor_wake(&mic->monitor);
        bc_monitor_unlock(&mic->monitor);
}

static void stop_mic(struct bc_mic *base)
{
        struct test_mic *mic = (struct test_mic *)base;

        mic->stops++;
}

void test_mic_init(struct test_mic *mic, struct bc_clock *clock, uint32_t rate_hz, uint32_t channels)
{
        static const struct bc_mic_ops ops = {
                .start = start_mic, .read = read_mic, .cancel = cancel_mic, .stop = stop_mic
        };

        *mic = (struct test_mic){
                .mic = { .ops = &ops,
                         .info = { .driver = "test",
                                   .simulated = true,
                                   .rate_hz = rate_hz,
                                   .channels = channels,
                                   .period_samples = rate_hz / 100 } },
                .clock = clock,
                .dead_error = -ETIMEDOUT,
        };
        bc_monitor_init(&mic->monitor, clock);
}

void test_mic_done(struct test_mic *mic)
{
        assert_int_equal(mic->starts, mic->stops);
        bc_monitor_done(&mic->monitor);
}
