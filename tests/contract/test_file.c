// SPDX-License-Identifier: EUPL-1.2
// The file driver: every picture and every sample of a clip at its time, over any number of loops.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "contract/clips.h"
#include "contract/levels.h"
#include "file/file.h"

#define ORIGIN_NS (50 * BC_NS_PER_S + 1)
#define RATE_HZ 48000

struct film {
        struct bc_clock *clock;
        struct bc_camera *camera;
        struct levels *seen;
        struct bc_camera_sink sink;
};

static struct film film_open(const char *clip, const char *sound, int64_t now_ns)
{
        struct film film = { 0 };

        assert_int_equal(bc_clock_new_simulated(now_ns, &film.clock), 0);
        film.camera = levels_open(film.clock, clip, sound, ORIGIN_NS, 64, 48);
        assert_non_null(film.camera);
        film.seen = levels_new(film.clock);
        film.sink = levels_sink(film.seen);
        return film;
}

static void film_close(struct film *film)
{
        bc_camera_free(film->camera);
        levels_free(film->seen);
        bc_clock_free(film->clock);
}

static void film_run(struct film *film, int64_t until_ns)
{
        assert_int_equal(bc_camera_start(film->camera, &film->sink), 0);
        bc_clock_run_until(film->clock, until_ns);
        bc_camera_stop(film->camera);
}

// A clip of `pictures` pictures, picture n at n * step_num / step_den ns, looped every period_ns.
struct shape {
        int pictures;
        int64_t step_num, step_den, period_ns;
};

static int64_t picture_ns(const struct shape *shape, int64_t loop, int picture)
{
        return ORIGIN_NS + loop * shape->period_ns +
               (picture * shape->step_num + shape->step_den / 2) / shape->step_den;
}

// From the first picture due at or after from_ns on, every picture is there once, at its time.
static void check_all(const struct film *film, const struct shape *shape, int64_t from_ns, unsigned first)
{
        int64_t loop = (from_ns - ORIGIN_NS) / shape->period_ns;
        int picture = 0;

        assert_true(film->seen->count > first);
        while (picture_ns(shape, loop, picture) < from_ns)
                if (++picture == shape->pictures) {
                        picture = 0;
                        loop++;
                }
        for (unsigned i = first; i < film->seen->count; i++) {
                const struct level *level = &film->seen->level[i];

                assert_int_equal(level->picture, picture);
                assert_int_equal(level->time_ns, picture_ns(shape, loop, picture));
                assert_int_equal(level->lost, 0);
                if (++picture == shape->pictures) {
                        picture = 0;
                        loop++;
                }
        }
        assert_int_equal(film->seen->errors, 0);
}

static void check_loops(const char *clip, const char *sound, const struct shape *shape, int64_t loops)
{
        struct film film = film_open(clip, sound, ORIGIN_NS);

        film_run(&film, ORIGIN_NS + loops * shape->period_ns);
        check_all(&film, shape, ORIGIN_NS, 0);
        assert_int_equal(film.seen->count, loops * shape->pictures + 1);
        film_close(&film);
}

static void test_a_thousand_loops(void **state)
{
        (void)state;
        check_loops("even.mkv", NULL, &(struct shape){ 50, 40 * BC_NS_PER_MS, 1, 2 * BC_NS_PER_S }, 1000);
}

static void test_period_is_that_of_the_longer(void **state)
{
        const int64_t step_ns = 40 * BC_NS_PER_MS;

        (void)state;
        check_loops("long-sound.mkv", NULL, &(struct shape){ 25, step_ns, 1, 1300 * BC_NS_PER_MS }, 20);
        check_loops("short-sound.mkv", NULL, &(struct shape){ 25, step_ns, 1, 1000 * BC_NS_PER_MS }, 20);
        check_loops("short-sound.mkv", "samples.wav", &(struct shape){ 25, step_ns, 1, BC_NS_PER_S }, 20);
        check_loops("ntsc.nut", "samples.wav",
                    &(struct shape){ 11, 1001 * BC_NS_PER_S, 30000, 900 * BC_NS_PER_MS }, 20);
}

// A period that is a whole number neither of ns nor of samples.
static void test_uneven_period(void **state)
{
        const struct shape shape = { 11, 1001 * BC_NS_PER_S, 30000, 367033333 };

        (void)state;
        check_loops("ntsc.nut", NULL, &shape, 3000);
}

static const char *const inter_clips[] = { "inter.mp4", "inter.mkv", "inter.ts", "inter.avi",
                                           "reordered.avi" };
static const struct shape inter_shape = { 50, 100 * BC_NS_PER_MS, 1, 5 * BC_NS_PER_S };

static void test_loops_of_compressed_clips(void **state)
{
        (void)state;
        for (unsigned i = 0; i < sizeof(inter_clips) / sizeof(inter_clips[0]); i++)
                check_loops(inter_clips[i], NULL, &inter_shape, 20);
        // Without time stamps: the stream's own rate counts, and every loop opens the file again.
        check_loops("untimed.h264", NULL, &inter_shape, 20);
}

// Started anywhere, the camera shows what is due there, as if it had been on all the time.
static void test_start_anywhere(void **state)
{
        (void)state;
        for (unsigned i = 0; i < sizeof(inter_clips) / sizeof(inter_clips[0]); i++) {
                struct film film = film_open(inter_clips[i], NULL, ORIGIN_NS);

                for (unsigned round = 0; round < 60; round++) {
                        int64_t from_ns = bc_clock_now_ns(film.clock);
                        unsigned first = film.seen->count;

                        film_run(&film, from_ns + 777 * BC_NS_PER_MS);
                        check_all(&film, &inter_shape, from_ns, first);
                        bc_clock_run_until(film.clock, from_ns + (round + 1) * 234567891);
                }
                film_close(&film);
        }
}

static void test_origin_to_come(void **state)
{
        struct film film = film_open("even.mkv", NULL, ORIGIN_NS - 3 * BC_NS_PER_S);

        (void)state;
        film_run(&film, ORIGIN_NS + BC_NS_PER_S);
        check_all(&film, &(struct shape){ 50, 40 * BC_NS_PER_MS, 1, 2 * BC_NS_PER_S }, ORIGIN_NS, 0);
        assert_int_equal(film.seen->count, 26);
        film_close(&film);
}

static void test_variable_frame_rate(void **state)
{
        struct film film = film_open("vfr.mkv", NULL, ORIGIN_NS);
        unsigned at = 0;

        (void)state;
        film_run(&film, ORIGIN_NS + 2920 * BC_NS_PER_MS - 1); // the end of its last picture
        for (int n = 0; n < 75; n++) // as make_clips chose them
                if (n % 3 == 0 || n % 7 == 0)
                        assert_int_equal(film.seen->level[at++].time_ns, ORIGIN_NS + n * 40 * BC_NS_PER_MS);
        assert_int_equal(film.seen->count, at);
        film_close(&film);
}

// ---- sound ---------------------------------------------------------------------------------------------------

struct listener {
        struct bc_clock *clock;
        struct bc_mic *mic;
};

static struct listener listener_open(const char *clip, const char *sound, int64_t now_ns)
{
        char path[CLIP_PATH_BYTES], sound_path[CLIP_PATH_BYTES], text[1024] = "";
        struct bc_file_config config = {
                .clip_path = clip_path(clip, path),
                .sound_path = sound ? clip_path(sound, sound_path) : NULL,
                .origin_ns = ORIGIN_NS,
        };
        struct listener listener;

        assert_int_equal(bc_clock_new_simulated(now_ns, &listener.clock), 0);
        if (bc_file_mic_open(listener.clock, &config, text, sizeof(text), &listener.mic) < 0)
                fail_msg("%s", text);
        assert_int_equal(listener.mic->info.channels, 1);
        assert_int_equal(listener.mic->info.rate_hz, RATE_HZ);
        bc_clock_enter(listener.clock);
        bc_clock_release(listener.clock, BC_NS_NEVER);
        return listener;
}

static void listener_close(struct listener *listener)
{
        bc_clock_leave(listener->clock);
        bc_mic_free(listener->mic);
        bc_clock_free(listener->clock);
}

// First sample at or after a time since the origin.
static int64_t sample_at(int64_t since_ns)
{
        return (since_ns * 6 + 124999) / 125000; // 48 kHz is 6 samples in 125000 ns
}

// Listens for `periods` and checks each sample: number i of its loop is i mod 30000 + 1 while the sound
// lasts, then 0.
static void check_samples(struct listener *listener, int64_t period_ns, int64_t sound_samples,
                          unsigned periods)
{
        int16_t samples[480];
        int64_t start_ns = bc_clock_now_ns(listener->clock), number = sample_at(start_ns - ORIGIN_NS);
        int64_t loop = number * 125000 / 6 / period_ns, first;

        while (loop > 0 && sample_at(loop * period_ns) > number)
                loop--;
        first = sample_at(loop * period_ns);
        assert_int_equal(bc_mic_start(listener->mic), 0);
        for (unsigned i = 0; i < periods; i++) {
                struct bc_mic_chunk chunk;

                assert_int_equal(bc_mic_read(listener->mic, samples, BC_NS_NEVER, &chunk), 0);
                assert_int_equal(chunk.time_ns, ORIGIN_NS + (number * 125000 + 3) / 6);
                assert_false(chunk.broken);
                for (size_t k = 0; k < chunk.samples; k++, number++) {
                        int64_t place;

                        if (number >= sample_at((loop + 1) * period_ns))
                                first = sample_at(++loop * period_ns);
                        place = number - first;
                        assert_int_equal(samples[k], place < sound_samples ? place % 30000 + 1 : 0);
                }
        }
        bc_mic_stop(listener->mic);
}

static void check_sound(const char *clip, const char *sound, int64_t period_ns, int64_t sound_samples)
{
        struct listener listener = listener_open(clip, sound, ORIGIN_NS);

        check_samples(&listener, period_ns, sound_samples, 6000); // a minute
        listener_close(&listener);
}

static void test_every_sample(void **state)
{
        (void)state;
        check_sound("even.mkv", NULL, 2 * BC_NS_PER_S, 96000);
        check_sound("long-sound.mkv", NULL, 1300 * BC_NS_PER_MS, 62400);
        check_sound("short-sound.mkv", NULL, BC_NS_PER_S, 33600);
        check_sound("short-sound.mkv", "samples.wav", BC_NS_PER_S, 43200);
        check_sound("samples.wav", NULL, 900 * BC_NS_PER_MS, 43200);
}

static void test_sound_of_uneven_period(void **state)
{
        (void)state;
        check_sound("ntsc.nut", NULL, 367033333, 9600);
}

static void test_listen_anywhere(void **state)
{
        struct listener listener = listener_open("even.mkv", NULL, ORIGIN_NS);
        struct bc_monitor monitor;

        (void)state;
        assert_int_equal(bc_monitor_init(&monitor, listener.clock), 0);
        for (unsigned round = 1; round < 60; round++) {
                int64_t until_ns = bc_clock_now_ns(listener.clock) + round * 123456789;

                bc_monitor_lock(&monitor);
                while (bc_clock_now_ns(listener.clock) < until_ns)
                        (void)bc_monitor_wait(&monitor, until_ns);
                bc_monitor_unlock(&monitor);
                check_samples(&listener, 2 * BC_NS_PER_S, 96000, 30);
        }
        bc_monitor_done(&monitor);
        listener_close(&listener);
}

// What a resampler or a decoder still holds at a loop's end must not be heard in the next one.
static void test_every_loop_sounds_the_same(void **state)
{
        static const struct {
                const char *clip;
                size_t samples; // a period
        } clips[] = { { "six-channels.flac", 48000 }, { "phone.wav", 48000 } }; // no AAC: its noise is random
        static int16_t first[2 * 48000 + 960], later[2 * 48000 + 960];

        (void)state;
        for (unsigned i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
                char path[CLIP_PATH_BYTES], text[1024] = "";
                struct bc_file_config config = { .clip_path = clip_path(clips[i].clip, path),
                                                 .origin_ns = ORIGIN_NS };
                struct bc_clock *clock;
                struct bc_mic *mic;
                size_t channels;

                assert_int_equal(bc_clock_new_simulated(ORIGIN_NS, &clock), 0);
                assert_int_equal(bc_file_mic_open(clock, &config, text, sizeof(text), &mic), 0);
                channels = mic->info.channels;
                bc_clock_enter(clock);
                bc_clock_release(clock, BC_NS_NEVER);
                assert_int_equal(bc_mic_start(mic), 0);
                for (unsigned loop = 0; loop < 4; loop++)
                        for (size_t at = 0; at < clips[i].samples;) {
                                struct bc_mic_chunk chunk;

                                assert_int_equal(bc_mic_read(mic, (loop ? later : first) + at * channels,
                                                             BC_NS_NEVER, &chunk),
                                                 0);
                                at += chunk.samples;
                                if (loop && at >= clips[i].samples)
                                        assert_memory_equal(first, later, clips[i].samples * channels * 2);
                        }
                bc_clock_leave(clock);
                bc_mic_free(mic);
                bc_clock_free(clock);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_thousand_loops),
                cmocka_unit_test(test_period_is_that_of_the_longer),
                cmocka_unit_test(test_uneven_period),
                cmocka_unit_test(test_loops_of_compressed_clips),
                cmocka_unit_test(test_start_anywhere),
                cmocka_unit_test(test_origin_to_come),
                cmocka_unit_test(test_variable_frame_rate),
                cmocka_unit_test(test_every_sample),
                cmocka_unit_test(test_sound_of_uneven_period),
                cmocka_unit_test(test_listen_anywhere),
                cmocka_unit_test(test_every_loop_sounds_the_same),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
