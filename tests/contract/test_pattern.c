// SPDX-License-Identifier: EUPL-1.2
// Pattern camera and tone microphone: every picture says which one it is, and flash and beep are at the same
// instant.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/beep_finder.h"
#include "lib/pattern_read.h"
#include "pattern/card.h"
#include "pattern/pattern.h"

#define START_NS (70 * BC_NS_PER_S + BC_NS_PER_S / 2 + 5)
#define PICTURES_MAX 4000

// ---- card ----------------------------------------------------------------------------------------------------

static struct bc_frame *frame_new(uint32_t width, uint32_t height, enum bc_pixel_format format)
{
        struct bc_frame *frame = calloc(1, sizeof(*frame));

        assert_non_null(frame);
        frame->width_px = width;
        frame->height_px = height;
        frame->format = format;
        for (unsigned i = 0; i < (format == BC_PIXEL_NV12 ? 2 : 3); i++) {
                uint32_t rows = i ? height / 2 : height;

                frame->stride_bytes[i] = i && format == BC_PIXEL_I420 ? width / 2 : width;
                frame->plane[i] = malloc((size_t)frame->stride_bytes[i] *
                                         rows); // exactly: see AddressSanitizer
                assert_non_null(frame->plane[i]);
        }
        return frame;
}

static void frame_free(struct bc_frame *frame)
{
        for (unsigned i = 0; i < 3; i++)
                free(frame->plane[i]);
        free(frame);
}

static int read_number(const struct bc_frame *frame, uint32_t *ret_number)
{
        return bc_pattern_read_number(frame->plane[0], frame->stride_bytes[0], frame->width_px,
                                      frame->height_px, ret_number);
}

static bool read_flash(const struct bc_frame *frame)
{
        return bc_pattern_read_flash(frame->plane[0], frame->stride_bytes[0], frame->width_px,
                                     frame->height_px);
}

static void test_card_reads_back(void **state)
{
        static const uint32_t sizes[][2] = { { 160, 120 }, { 176, 144 },   { 320, 180 },
                                             { 480, 854 }, { 1920, 1080 }, { 2592, 1944 } };
        static const uint32_t numbers[] = { 0, 1, 0x55555555, 0xaaaaaaaa, 0x12345678, UINT32_MAX };

        (void)state;
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]) * 2; i++) {
                struct bc_frame *frame = frame_new(sizes[i / 2][0], sizes[i / 2][1],
                                                   i % 2 ? BC_PIXEL_NV12 : BC_PIXEL_I420);

                for (unsigned k = 0; k < sizeof(numbers) / sizeof(numbers[0]) * 4; k++) {
                        struct bc_card card = { .number = numbers[k / 4],
                                                .flash = k % 2,
                                                .noise = k / 2 % 2,
                                                .seed = k,
                                                .phase = k * 40 };
                        uint32_t number = 0;

                        bc_card_paint(&card, frame);
                        assert_int_equal(read_number(frame, &number), 0);
                        assert_int_equal(number, card.number);
                        assert_int_equal(read_flash(frame), card.flash);
                }
                frame_free(frame);
        }
}

// Any size can be painted, down to where there is nothing left to read.
static void test_card_of_any_size(void **state)
{
        (void)state;
        for (uint32_t width = 16; width < 80; width += 2)
                for (uint32_t height = 16; height < 80; height += 6) {
                        struct bc_frame *frame = frame_new(width, height,
                                                           width % 4 ? BC_PIXEL_NV12 : BC_PIXEL_I420);
                        struct bc_card card = { .number = width, .phase = 999, .noise = height % 4 };

                        bc_card_paint(&card, frame);
                        frame_free(frame);
                }
}

// One misread block is no other number, but none; nor is a picture of something else a number.
static void test_misread_blocks_are_noticed(void **state)
{
        struct bc_frame *frame = frame_new(160, 120, BC_PIXEL_I420);
        struct bc_card card = { .number = 987654321 };
        uint32_t number;

        (void)state;
        for (unsigned i = 0; i < 48; i++) {
                uint32_t x = bc_card_x(160, 1 + i % 16), y = bc_card_y(120, 6 + i / 16);
                uint8_t *block = frame->plane[0] + y * 160 + x;
                int other;

                bc_card_paint(&card, frame);
                assert_int_equal(read_number(frame, &number), 0);
                other = block[0] > 128 ? 16 : 235;
                for (unsigned row = 0; row < 8; row++)
                        memset(block + row * 160, other, 8);
                assert_int_equal(read_number(frame, &number), -EBADMSG);
        }
        for (unsigned luma = 0; luma < 256; luma += 51) {
                memset(frame->plane[0], (int)luma, 160 * 120);
                assert_int_equal(read_number(frame, &number), -EBADMSG);
        }
        frame_free(frame);
}

// ---- camera --------------------------------------------------------------------------------------------------

struct picture {
        int64_t time_ns;
        uint32_t number;
        bool read, flash;
};

struct pictures {
        unsigned count;
        struct picture picture[PICTURES_MAX];
};

static void on_frame(void *user, struct bc_frame *frame)
{
        struct pictures *pictures = user;

        if (pictures->count < PICTURES_MAX) {
                struct picture *picture = &pictures->picture[pictures->count++];

                picture->time_ns = frame->time_ns;
                picture->read = read_number(frame, &picture->number) == 0;
                picture->flash = read_flash(frame);
        }
        bc_frame_release(frame);
}

static void on_error(void *user, int error)
{
        (void)user;
        (void)error;
}

static struct pictures *film(const struct bc_pattern_config *config, uint32_t rate_mhz, int64_t ns)
{
        struct pictures *pictures = calloc(1, sizeof(*pictures));
        struct bc_camera_config camera_config = { 160, 120, rate_mhz };
        struct bc_camera_sink sink = { .on_frame = on_frame, .on_error = on_error, .user = pictures };
        struct bc_clock *clock;
        struct bc_camera *camera;
        char text[256] = "";

        assert_non_null(pictures);
        assert_int_equal(bc_clock_new_simulated(START_NS, &clock), 0);
        assert_int_equal(bc_pattern_camera_open(clock, config, &camera_config, text, sizeof(text), &camera),
                         0);
        assert_int_equal(bc_camera_start(camera, &sink), 0);
        bc_clock_run_until(clock, START_NS + ns);
        bc_camera_free(camera);
        bc_clock_free(clock);
        return pictures;
}

static bool holds_second(int64_t from_ns, int64_t to_ns)
{
        return (from_ns + BC_NS_PER_S - 1) / BC_NS_PER_S * BC_NS_PER_S < to_ns;
}

static void test_numbers_and_flashes(void **state)
{
        static const uint32_t rates_mhz[] = { 30000, 29970, 25000, 24000, 60000, 500, 7777 };

        (void)state;
        for (unsigned i = 0; i < sizeof(rates_mhz) / sizeof(rates_mhz[0]) * 3; i++) {
                uint32_t rate_mhz = rates_mhz[i / 3];
                struct bc_pattern_config config = { .noise = i % 3 == 2, .seed = i };
                struct pictures *pictures;

                if (i % 3)
                        config.jitter_ns = 1000 * BC_NS_PER_S / rate_mhz / 2 - 1;
                pictures = film(&config, rate_mhz, 20 * BC_NS_PER_S);
                assert_in_range(pictures->count * 50000, rate_mhz * 950ull, rate_mhz * 1100ull);
                for (unsigned k = 0; k + 1 < pictures->count; k++) {
                        const struct picture *picture = &pictures->picture[k];
                        int64_t grid_ns = (int64_t)picture->number * 1000 * BC_NS_PER_S / rate_mhz;

                        assert_true(picture->read);
                        assert_int_equal(picture[1].number, picture->number + 1);
                        assert_true(llabs(picture->time_ns - grid_ns) <= config.jitter_ns + 1);
                        assert_int_equal(picture->flash, holds_second(picture->time_ns, picture[1].time_ns));
                }
                free(pictures);
        }
}

static void test_jitter_is_the_same_every_time(void **state)
{
        struct bc_pattern_config config = { .jitter_ns = 10 * BC_NS_PER_MS, .seed = 42 };
        struct pictures *one = film(&config, 30000, 10 * BC_NS_PER_S),
                        *same = film(&config, 30000, 10 * BC_NS_PER_S);
        struct pictures *other;

        (void)state;
        config.seed++;
        other = film(&config, 30000, 10 * BC_NS_PER_S);
        assert_memory_equal(one, same, sizeof(*one));
        assert_memory_not_equal(one, other, sizeof(*one));
        free(one);
        free(same);
        free(other);
}

static void test_pattern_refuses(void **state)
{
        static const struct {
                struct bc_camera_config camera;
                struct bc_pattern_config pattern;
                const char *reason;
        } refusals[] = {
                { { 160, 121, 30000 }, { 0 }, "size 160x121" },
                { { 14, 120, 30000 }, { 0 }, "size 14x120" },
                { { 160, 8194, 30000 }, { 0 }, "size 160x8194" },
                { { 160, 120, 0 }, { 0 }, "rate of 0 mHz" },
                { { 160, 120, UINT32_MAX }, { 0 }, "rate of 4294967295 mHz" },
                { { 160, 120, 30000 }, { .jitter_ns = 16666667 }, "jitter of 16666667 ns" },
                { { 160, 120, 30000 }, { .jitter_ns = -1 }, "jitter of -1 ns" },
        };
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
                struct bc_camera *camera;
                char text[256] = "";

                assert_int_equal(bc_pattern_camera_open(clock, &refusals[i].pattern, &refusals[i].camera,
                                                        text, sizeof(text), &camera),
                                 -EINVAL);
                if (!strstr(text, refusals[i].reason))
                        fail_msg("%s", text);
        }
        bc_clock_free(clock);
}

// ---- tone ----------------------------------------------------------------------------------------------------

// Reads for some seconds and gives every sample with its true capture time.
static void listen(const struct bc_tone_config *config, int64_t seconds,
                   void (*heard)(void *user, int64_t time_ns, const int16_t *sample), void *user)
{
        int16_t samples[2 * 480];
        struct bc_clock *clock;
        struct bc_mic *mic;
        char text[256] = "";
        __int128 rate = (__int128)config->rate_hz * (BC_NS_PER_S + config->rate_error_ppb);

        assert_int_equal(bc_clock_new_simulated(START_NS, &clock), 0);
        assert_int_equal(bc_tone_mic_open(clock, config, text, sizeof(text), &mic), 0);
        bc_clock_enter(clock);
        bc_clock_release(clock, BC_NS_NEVER);
        assert_int_equal(bc_mic_start(mic), 0);
        for (int64_t end_ns = START_NS + seconds * BC_NS_PER_S, time_ns = 0; time_ns < end_ns;) {
                struct bc_mic_chunk chunk;

                assert_int_equal(bc_mic_read(mic, samples, BC_NS_NEVER, &chunk), 0);
                assert_false(chunk.broken);
                time_ns = chunk.time_ns;
                for (size_t i = 0; i < chunk.samples; i++)
                        heard(user, time_ns + (int64_t)((__int128)i * BC_NS_PER_S * BC_NS_PER_S / rate),
                              samples + i * config->channels);
        }
        bc_clock_leave(clock);
        bc_mic_free(mic);
        bc_clock_free(clock);
}

struct beeps {
        uint32_t rate_hz, channels;
        unsigned count, loud;
        int64_t samples, quiet_since_ns;
        bool wrong;
};

// A beep begins within two samples of a whole second (the first sample of a sine may be 0) and lasts 50 ms.
static void on_sample(void *user, int64_t time_ns, const int16_t *sample)
{
        struct beeps *beeps = user;
        int64_t since_ns = time_ns % BC_NS_PER_S, step_ns = BC_NS_PER_S / beeps->rate_hz + 1;

        beeps->samples++;
        beeps->wrong |= beeps->channels == 2 && sample[0] != sample[1];
        if (since_ns > 50 * BC_NS_PER_MS + step_ns)
                beeps->wrong |= sample[0] != 0;
        if (abs(sample[0]) > 15000)
                beeps->loud++;
        if (sample[0] == 0)
                return;
        if (time_ns - beeps->quiet_since_ns > 100 * BC_NS_PER_MS) {
                beeps->count++;
                beeps->wrong |= since_ns > 2 * step_ns;
        }
        beeps->quiet_since_ns = time_ns;
}

static void test_beeps(void **state)
{
        static const uint32_t rates_hz[] = { 16000, 44100, 48000 };
        static const int32_t errors_ppb[] = { 0, 200000, -200000, 1000000 };

        (void)state;
        for (unsigned i = 0; i < 24; i++) {
                struct bc_tone_config config = { .rate_hz = rates_hz[i % 3], .channels = 1 + i % 2,
                                                 .rate_error_ppb = errors_ppb[i / 3 % 4] };
                struct beeps beeps = { .rate_hz = config.rate_hz, .channels = config.channels };

                listen(&config, 10, on_sample, &beeps);
                assert_int_equal(beeps.count, 10);
                assert_false(beeps.wrong);
                // A sine of this height is above 15000 for 45 % of its time.
                assert_in_range(beeps.loud, config.rate_hz / 2 * 35 / 100, config.rate_hz / 2 * 55 / 100);
        }
}

// Over an hour a device that is 200 ppm fast gives 0.72 s more of samples, and its beeps stay where they are.
static void test_an_hour_of_drift(void **state)
{
        static const int32_t errors_ppb[] = { 200000, -200000 };

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                struct bc_tone_config config = { .rate_hz = 16000,
                                                 .channels = 1,
                                                 .rate_error_ppb = errors_ppb[i] };
                struct beeps beeps = { .rate_hz = config.rate_hz, .channels = 1 };
                int64_t expected = 3600ll * 16000 + 3600ll * 16000 * errors_ppb[i] / 1000000000;

                listen(&config, 3600, on_sample, &beeps);
                assert_int_equal(beeps.count, 3600);
                assert_false(beeps.wrong);
                assert_in_range(beeps.samples, expected - 1, expected + 320); // whole periods are read
        }
}

struct found {
        struct bc_beep_finder *finder;
        unsigned count;
        int64_t onset[32];
};

static void on_sample_find(void *user, int64_t time_ns, const int16_t *sample)
{
        struct found *found = user;

        (void)time_ns;
        if (bc_beep_finder_add(found->finder, *sample, &found->onset[found->count]))
                found->count++;
}

static void test_beep_finder(void **state)
{
        static const uint32_t rates_hz[] = { 16000, 44100, 48000 };

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                struct bc_tone_config config = { .rate_hz = rates_hz[i], .channels = 1 };
                struct found found = { 0 };

                assert_int_equal(bc_beep_finder_new(rates_hz[i], &found.finder), 0);
                listen(&config, 20, on_sample_find, &found);
                assert_int_equal(found.count, 20);
                for (unsigned k = 0; k < found.count; k++)
                        assert_true(llabs(found.onset[k] - k * rates_hz[i] - rates_hz[i] / 2) <=
                                    rates_hz[i] / 4000);
                bc_beep_finder_free(found.finder);
        }
}

static void test_tone_refuses(void **state)
{
        static const struct {
                struct bc_tone_config tone;
                const char *reason;
        } refusals[] = {
                { { .rate_hz = 8000, .channels = 1 }, "rate of 8000 Hz" },
                { { .rate_hz = 48000, .channels = 0 }, "0 channels" },
                { { .rate_hz = 48000, .channels = 3 }, "3 channels" },
                { { .rate_hz = 48000, .channels = 1, .rate_error_ppb = INT32_MIN },
                  "rate error of -2147483648 ppb" },
                { { .rate_hz = 48000, .channels = 1, .stamp_jitter_ns = 5000000 }, "jitter of 5000000 ns" },
        };
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
                struct bc_mic *mic;
                char text[256] = "";

                assert_int_equal(bc_tone_mic_open(clock, &refusals[i].tone, text, sizeof(text), &mic),
                                 -EINVAL);
                if (!strstr(text, refusals[i].reason))
                        fail_msg("%s", text);
        }
        bc_clock_free(clock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_card_reads_back),
                cmocka_unit_test(test_card_of_any_size),
                cmocka_unit_test(test_misread_blocks_are_noticed),
                cmocka_unit_test(test_numbers_and_flashes),
                cmocka_unit_test(test_jitter_is_the_same_every_time),
                cmocka_unit_test(test_pattern_refuses),
                cmocka_unit_test(test_beeps),
                cmocka_unit_test(test_an_hour_of_drift),
                cmocka_unit_test(test_beep_finder),
                cmocka_unit_test(test_tone_refuses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
