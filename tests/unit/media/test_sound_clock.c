// SPDX-License-Identifier: EUPL-1.2
// A device samples a true sine with a clock of its own; what comes out must be that sine on the media clock.
// The sine's phase at the output tells where the sound lies, its residual (what no sine can have) shows every click.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counts.h"
#include "media/sound_clock.h"

#define TONE_HZ 375 // a period of exactly 128 samples, 2.67 ms
#define WINDOW (128 * 8)
#define SETTLED_NS (20 * BC_NS_PER_S)

struct device {
        uint32_t rate_hz, channels;
        int64_t ppm;
        int64_t begin_ns;  // when its first sample is captured
        int64_t jitter_ns; // of the time stamps
        uint64_t seed;
        int64_t next; // sample
        size_t period;
};

struct listener {
        int64_t first_block, next_block;
        uint32_t channels;
        unsigned silent_blocks;
        bool silent[4096];      // by block since the first
        int64_t worst_error_ns; // once settled
        double worst_residual;
        int64_t settled_ns; // measured from here on
        float last[2];      // samples before the block
        double cosine;
};

static int64_t captured_ns(const struct device *device, int64_t sample)
{
        // true rate = nominal * (1 + ppm / 1e6)
        return device->begin_ns + (int64_t)((__int128)sample * 1000000 * BC_NS_PER_S /
                                            ((__int128)device->rate_hz * (1000000 + device->ppm)));
}

static int on_block(void *user, int64_t block, const float *const *plane, uint16_t flags)
{
        struct listener *listener = user;
        int64_t tick = block * BC_SOUND_UNIT_SAMPLES;
        const float *x = plane[listener->channels - 1]; // the last channel stands for all
        bool silent = flags & BC_UNIT_SUBSTITUTE;
        bool measure = bc_ns_from_ticks(tick) >= listener->settled_ns && !silent;
        double re = 0, im = 0, angle;
        int64_t error_ns;

        assert_int_equal(block, listener->next_block);
        assert_int_equal(flags & ~BC_UNIT_SUBSTITUTE, 0);
        if (listener->next_block - listener->first_block < 4096)
                listener->silent[listener->next_block - listener->first_block] = silent;
        listener->next_block++;
        listener->silent_blocks += silent;
        if (measure) {
                for (int n = 0; n < BC_SOUND_UNIT_SAMPLES; n++) {
                        float before = n >= 1 ? x[n - 1] : listener->last[1];
                        float before2 = n >= 2 ? x[n - 2] : listener->last[n];
                        double residual = fabs((double)x[n] - listener->cosine * (double)before +
                                               (double)before2);

                        if (residual > listener->worst_residual)
                                listener->worst_residual = residual;
                }
                for (int n = 0; n < WINDOW; n++) {
                        double at = 2 * M_PI * (double)((tick + n) % 128) / 128;

                        re += (double)x[n] * sin(at);
                        im += (double)x[n] * cos(at);
                }
                assert_true(re * re + im * im > 0.2 * WINDOW * 0.2 * WINDOW / 4);
                angle = atan2(im, re); // the sound is late when its phase lags
                error_ns = (int64_t)(fabs(angle) / (2 * M_PI * TONE_HZ) * 1e9);
                if (error_ns > listener->worst_error_ns)
                        listener->worst_error_ns = error_ns;
        }
        memcpy(listener->last, x + BC_SOUND_UNIT_SAMPLES - 2, sizeof(listener->last));
        return 0;
}

// A clock that starts a moment before the device does.
static struct bc_sound_clock *make_clock(const struct device *device, struct listener *listener)
{
        const int64_t start_ns = device->begin_ns - 25 * BC_NS_PER_MS;
        struct bc_sound_clock *clock;
        struct bc_sound_clock_config config = {
                .rate_hz = device->rate_hz,
                .channels = device->channels,
                .first_block = (bc_ticks_from_ns(start_ns) + 1023) / 1024,
                .on_block = on_block,
                .user = listener,
        };

        *listener = (struct listener){
                .first_block = config.first_block,
                .next_block = config.first_block,
                .channels = device->channels,
                .settled_ns = start_ns + SETTLED_NS,
                .cosine = 2 * cos(2 * M_PI / 128),
        };
        assert_int_equal(bc_sound_clock_new(&config, &clock), 0);
        return clock;
}

// One period of the sine as the device hears it. Returns the time stamp; the chunk is complete at *ret_now_ns.
static int64_t hear(struct device *device, int16_t *samples, int64_t *ret_now_ns)
{
        int64_t time_ns = captured_ns(device, device->next), jitter_ns = 0;
        double at = (double)(time_ns % BC_NS_PER_S) * 1e-9; // a second is a whole number of periods
        double step = 2 * M_PI * TONE_HZ / ((double)device->rate_hz * (1 + (double)device->ppm * 1e-6));
        double re = cos(2 * M_PI * TONE_HZ * at), im = sin(2 * M_PI * TONE_HZ * at), turn_re = cos(step),
               turn_im = sin(step);

        for (size_t i = 0; i < device->period; i++) {
                double next_re = re * turn_re - im * turn_im;

                for (uint32_t c = 0; c < device->channels; c++)
                        samples[i * device->channels + c] = c + 1 == device->channels
                                                                    ? (int16_t)lrint(10000 * im)
                                                                    : 0;
                im = re * turn_im + im * turn_re;
                re = next_re;
        }
        device->next += (int64_t)device->period;
        *ret_now_ns = captured_ns(device, device->next);
        if (device->jitter_ns > 0) {
                device->seed ^= device->seed << 13;
                device->seed ^= device->seed >> 7;
                device->seed ^= device->seed << 17;
                jitter_ns = (int64_t)(device->seed % (uint64_t)(2 * device->jitter_ns)) - device->jitter_ns;
        }
        return time_ns + jitter_ns;
}

static struct device microphone(uint32_t rate_hz, uint32_t channels, int64_t ppm)
{
        return (struct device){
                .rate_hz = rate_hz,
                .channels = channels,
                .ppm = ppm,
                .begin_ns = 3 * BC_NS_PER_S + 123456789,
                .seed = 88172645463325252u,
                .period = rate_hz / 100,
        };
}

static void listen_to(struct device *device, struct bc_sound_clock *clock, int64_t until_ns)
{
        int16_t samples[2 * 1920];
        int64_t now_ns = 0;

        while (now_ns < until_ns) {
                int64_t time_ns = hear(device, samples, &now_ns);

                assert_int_equal(bc_sound_clock_put(clock, samples, device->period, time_ns, now_ns),
                                 device->period);
        }
}

// ---- rate errors ---------------------------------------------------------------------------------------------

static void run_hours(struct device device, int64_t length_ns, int64_t error_max_ns, double residual_max)
{
        struct listener listener;
        int64_t start_ns = device.begin_ns;
        struct bc_sound_clock *clock = make_clock(&device, &listener);
        int64_t rate_error_ppb;

        listen_to(&device, clock, start_ns + length_ns);
        rate_error_ppb = bc_sound_clock_rate_error_ppb(clock);
        bc_sound_clock_free(clock);
        print_message(
                "%6u Hz %u ch %+4lld ppm jitter %4lld us: %lld s, error %lld ns, residual %.5f, learned %lld ppb\n",
                device.rate_hz, device.channels, (long long)device.ppm, (long long)device.jitter_ns / 1000,
                (long long)(length_ns / BC_NS_PER_S), (long long)listener.worst_error_ns,
                listener.worst_residual, (long long)rate_error_ppb);
        assert_true(listener.worst_error_ns < error_max_ns);
        assert_true(listener.worst_residual < residual_max);
        assert_true(listener.silent_blocks <= 3); // before the device began
        // Every sample is there: the blocks reach to the end.
        assert_true(bc_ns_from_ticks(listener.next_block * 1024) > start_ns + length_ns - 30 * BC_NS_PER_MS);
        if (device.jitter_ns == 0)
                assert_true(llabs(rate_error_ppb - device.ppm * 1000) < 3000);
}

static void test_rate_errors_leave_nothing_behind(void **state)
{
        static const int64_t errors_ppm[] = { 0, 50, -50, 200, -200 };
        int64_t seconds = counts_of(40, 120, 3600);

        (void)state;
        for (size_t i = 0; i < sizeof(errors_ppm) / sizeof(errors_ppm[0]); i++)
                run_hours(microphone(48000, 1, errors_ppm[i]), seconds * BC_NS_PER_S,
                          BC_NS_PER_MS / 20, 0.0003);
}

static void test_other_rates_and_channels(void **state)
{
        static const uint32_t rates_hz[] = { 8000, 16000, 32000, 44100, 96000, 192000 };
        int64_t seconds = counts_of(30, 60, 60);

        (void)state;
        for (size_t i = 0; i < sizeof(rates_hz) / sizeof(rates_hz[0]); i++)
                run_hours(microphone(rates_hz[i], 1 + i % 2, i % 3 ? 100 : -100), seconds * BC_NS_PER_S,
                          BC_NS_PER_MS / 20, 0.001);
}

static void test_jitter_of_the_time_stamps(void **state)
{
        struct device device = microphone(48000, 1, 100);

        (void)state;
        device.jitter_ns = 2 * BC_NS_PER_MS;
        run_hours(device, counts_of(60, 300, 300) * BC_NS_PER_S, BC_NS_PER_MS, 0.0003);
}

// An offset too small for a jump is worked off by stretching, at no more than half a percent.
static void test_a_small_offset_is_stretched_away(void **state)
{
        struct device device = microphone(48000, 1, 0);
        struct listener listener;
        struct bc_sound_clock *clock = make_clock(&device, &listener);

        (void)state;
        listen_to(&device, clock, device.begin_ns + 10 * BC_NS_PER_S);
        device.begin_ns += 30 * BC_NS_PER_MS; // 30 ms of samples were lost
        listener.settled_ns = BC_NS_NEVER;
        listen_to(&device, clock, device.begin_ns + 40 * BC_NS_PER_S);
        listener.settled_ns = 0;
        listen_to(&device, clock, device.begin_ns + 60 * BC_NS_PER_S);
        assert_true(listener.worst_error_ns < BC_NS_PER_MS / 2);
        assert_true(listener.worst_residual < 0.0003);
        assert_true(listener.silent_blocks <= 3);
        bc_sound_clock_free(clock);
}

// ---- gaps ----------------------------------------------------------------------------------------------------

// The blocks whose samples lie within [from, until) are silent, those off by more than the filter's length are not.
static void assert_silent(const struct listener *listener, int64_t from_ns, int64_t until_ns)
{
        for (int64_t i = 0; i < listener->next_block - listener->first_block; i++) {
                int64_t begin_ns = bc_ns_from_ticks((listener->first_block + i) * 1024);
                int64_t end_ns = begin_ns + 1024 * BC_NS_PER_S / BC_TICKS_PER_S;

                if (i < 3)
                        continue; // before the device began
                if (begin_ns < until_ns - BC_NS_PER_MS && end_ns > from_ns + BC_NS_PER_MS)
                        assert_true(listener->silent[i]);
                if (begin_ns > until_ns + BC_NS_PER_MS || end_ns < from_ns - BC_NS_PER_MS)
                        assert_false(listener->silent[i]);
        }
}

static void test_lost_samples_become_silence(void **state)
{
        struct device device = microphone(48000, 2, 150);
        struct listener listener;
        struct bc_sound_clock *clock = make_clock(&device, &listener);
        int64_t from_ns, until_ns;

        (void)state;
        listener.settled_ns = 0;
        listen_to(&device, clock, device.begin_ns + 30 * BC_NS_PER_S);
        from_ns = captured_ns(&device, device.next);
        device.next += 48000 * 345 / 1000;
        until_ns = captured_ns(&device, device.next);
        listener.settled_ns = until_ns + 30 * BC_NS_PER_MS;
        listener.worst_error_ns = 0;
        listener.worst_residual = 0;
        listen_to(&device, clock, until_ns + 20 * BC_NS_PER_S);
        assert_silent(&listener, from_ns, until_ns);
        print_message("behind the gap: error %lld ns, residual %.5f\n", (long long)listener.worst_error_ns,
                      listener.worst_residual);
        // Right behind the gap the sound is in its place again, and goes on without a click.
        assert_true(listener.worst_error_ns < BC_NS_PER_MS / 20);
        assert_true(listener.worst_residual < 0.0005);
        bc_sound_clock_free(clock);
}

// Short of what could be jitter of the time stamps: lost all the same, for the device says so.
static void test_few_lost_samples_become_silence(void **state)
{
        const int64_t lost_us[] = { 20, 1000, 7000, 20000, 39000 };

        (void)state;
        for (size_t i = 0; i < sizeof(lost_us) / sizeof(*lost_us); i++) {
                struct device device = microphone(48000, 2, 150);
                struct listener listener;
                struct bc_sound_clock *clock = make_clock(&device, &listener);
                unsigned silent_before;
                int64_t from_ns, until_ns;

                listener.settled_ns = 0;
                listen_to(&device, clock, device.begin_ns + 30 * BC_NS_PER_S);
                silent_before = listener.silent_blocks;
                from_ns = captured_ns(&device, device.next);
                device.next += 48000 * lost_us[i] / 1000000;
                until_ns = captured_ns(&device, device.next);
                listener.settled_ns = until_ns + 30 * BC_NS_PER_MS;
                listener.worst_error_ns = 0;
                bc_sound_clock_break(clock);
                listen_to(&device, clock, until_ns + 5 * BC_NS_PER_S);
                // At once in its place again, and flagged wherever it was not heard.
                assert_true(listener.worst_error_ns < BC_NS_PER_MS / 20);
                assert_in_range(listener.silent_blocks - silent_before, 1, 2 + (until_ns - from_ns) / 21333333);
                bc_sound_clock_free(clock);
        }
}

static void test_filled_silence_and_sound_that_comes_late(void **state)
{
        struct device device = microphone(48000, 1, 0);
        struct listener listener;
        struct bc_sound_clock *clock = make_clock(&device, &listener);
        int16_t samples[2 * 480];
        int64_t from_ns, until_ns, time_ns, now_ns;

        (void)state;
        listen_to(&device, clock, device.begin_ns + 20 * BC_NS_PER_S);
        from_ns = captured_ns(&device, device.next);
        until_ns = from_ns + 505 * BC_NS_PER_MS;
        for (int64_t at_ns = from_ns; at_ns <= until_ns; at_ns += 50 * BC_NS_PER_MS) {
                assert_int_equal(bc_sound_clock_fill(clock, at_ns), 0);
                assert_int_equal(bc_sound_clock_fill(clock, at_ns - BC_NS_PER_S), 0);
        }
        assert_int_equal(bc_sound_clock_fill(clock, until_ns), 0);
        assert_true(llabs(bc_sound_clock_reached_ns(clock) - until_ns) < 30000);
        // What comes from before is not needed any more, and what comes after goes exactly to its place.
        for (int i = 0; i < 50; i++) {
                time_ns = hear(&device, samples, &now_ns);
                assert_int_equal(bc_sound_clock_put(clock, samples, device.period, time_ns, now_ns), 0);
        }
        listener.settled_ns = until_ns + 30 * BC_NS_PER_MS;
        listener.worst_error_ns = 0;
        time_ns = hear(&device, samples, &now_ns);
        assert_in_range(bc_sound_clock_put(clock, samples, device.period, time_ns, now_ns), 230, 250);
        listen_to(&device, clock, until_ns + 5 * BC_NS_PER_S);
        assert_silent(&listener, from_ns, until_ns);
        assert_true(listener.worst_error_ns < BC_NS_PER_MS / 20);
        bc_sound_clock_free(clock);
}

static void test_samples_that_come_twice_are_dropped(void **state)
{
        struct device device = microphone(48000, 1, 0);
        struct listener listener;
        struct bc_sound_clock *clock = make_clock(&device, &listener);
        int16_t samples[480];
        int64_t now_ns, before;
        unsigned silent;

        (void)state;
        listen_to(&device, clock, device.begin_ns + 20 * BC_NS_PER_S);
        silent = listener.silent_blocks;
        before = listener.next_block;
        device.next -= 48000 / 10; // the driver repeats 100 ms
        for (int i = 0; i < 10; i++) {
                int64_t time_ns = hear(&device, samples, &now_ns);

                assert_int_equal(bc_sound_clock_put(clock, samples, device.period, time_ns, now_ns), 0);
        }
        assert_true(listener.next_block - before <= 1);
        listener.settled_ns = 0;
        listener.worst_error_ns = 0;
        listen_to(&device, clock, captured_ns(&device, device.next) + 3 * BC_NS_PER_S);
        assert_true(listener.worst_error_ns < BC_NS_PER_MS / 20);
        assert_int_equal(listener.silent_blocks, silent + 1); // the seam
        bc_sound_clock_free(clock);
}

static void test_junk_time_stamps(void **state)
{
        static const int64_t junk[] = { -1, INT64_MIN, INT64_MAX, 3600 * BC_NS_PER_S, 0 };
        struct device device = microphone(48000, 1, 0);
        struct listener listener;
        struct bc_sound_clock *clock = make_clock(&device, &listener);
        int16_t samples[480];
        int64_t now_ns;

        (void)state;
        listen_to(&device, clock, device.begin_ns + 20 * BC_NS_PER_S);
        for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
                hear(&device, samples, &now_ns);
                assert_int_equal(bc_sound_clock_put(clock, samples, device.period, junk[i], now_ns),
                                 junk[i] == 0 ? 0 : -EBADMSG);
        }
        assert_int_equal(bc_sound_clock_put(clock, samples, 0, now_ns, now_ns), -EINVAL);
        // 50 ms were thrown away: silence, and then all is well.
        listener.settled_ns = now_ns + 30 * BC_NS_PER_MS;
        listener.worst_error_ns = 0;
        listen_to(&device, clock, now_ns + 3 * BC_NS_PER_S);
        assert_silent(&listener, now_ns - 50 * BC_NS_PER_MS, now_ns);
        assert_true(listener.worst_error_ns < BC_NS_PER_MS / 20);
        bc_sound_clock_free(clock);
}

static void test_the_end_completes_the_block(void **state)
{
        struct device device = microphone(48000, 1, 0);
        struct listener listener;
        struct bc_sound_clock *clock = make_clock(&device, &listener);
        int64_t end;

        (void)state;
        listen_to(&device, clock, device.begin_ns + 1 * BC_NS_PER_S);
        end = bc_ticks_from_ns(captured_ns(&device, device.next));
        assert_int_equal(bc_sound_clock_finish(clock), 0);
        assert_int_equal(listener.next_block, (end + 1023) / 1024);
        assert_true(listener.silent[listener.next_block - 1 - listener.first_block]);
        assert_false(listener.silent[listener.next_block - 2 - listener.first_block]);
        bc_sound_clock_free(clock);
}

static int refuse_block(void *user, int64_t block, const float *const *plane, uint16_t flags)
{
        (void)user;
        (void)block;
        (void)plane;
        (void)flags;
        return -EIO;
}

static void test_refusals(void **state)
{
        struct bc_sound_clock_config config = { .rate_hz = 7999, .channels = 1, .on_block = refuse_block };
        struct bc_sound_clock *clock;

        (void)state;
        assert_int_equal(bc_sound_clock_new(&config, &clock), -EINVAL);
        config.rate_hz = 192001;
        assert_int_equal(bc_sound_clock_new(&config, &clock), -EINVAL);
        config.rate_hz = 48000;
        config.channels = 3;
        assert_int_equal(bc_sound_clock_new(&config, &clock), -EINVAL);
        config.channels = 1;
        config.first_block = -1;
        assert_int_equal(bc_sound_clock_new(&config, &clock), -EINVAL);
        config.first_block = 0;
        assert_int_equal(bc_sound_clock_new(&config, &clock), 0);
        assert_int_equal(bc_sound_clock_fill(clock, BC_NS_PER_S), -EIO);
        bc_sound_clock_free(clock);
        bc_sound_clock_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rate_errors_leave_nothing_behind),
                cmocka_unit_test(test_other_rates_and_channels),
                cmocka_unit_test(test_jitter_of_the_time_stamps),
                cmocka_unit_test(test_a_small_offset_is_stretched_away),
                cmocka_unit_test(test_lost_samples_become_silence),
                cmocka_unit_test(test_few_lost_samples_become_silence),
                cmocka_unit_test(test_filled_silence_and_sound_that_comes_late),
                cmocka_unit_test(test_samples_that_come_twice_are_dropped),
                cmocka_unit_test(test_junk_time_stamps),
                cmocka_unit_test(test_the_end_completes_the_block),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
