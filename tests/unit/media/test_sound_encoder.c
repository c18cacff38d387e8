// SPDX-License-Identifier: EUPL-1.2
// Where the sound of a unit lies, measured: short bursts at known ticks go in, libavcodec decodes, and the decoder's
// output of a unit is laid where its time says, as a player does. The best match of the burst tells where it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/time.h"
#include "decode.h"
#include "media/sound_encoder.h"

#define FIRST_BLOCK 4711
#define BLOCKS 60
#define SAMPLES (BLOCKS * BC_SOUND_UNIT_SAMPLES)
#define BURST 480 // 10 ms

// A click of 3 kHz that rises and falls, so that only one place matches best.
static float burst_at(int n)
{
        double window = 0.5 - 0.5 * cos(2 * M_PI * n / BURST);

        return n < 0 || n >= BURST ? 0 : (float)(0.5 * window * sin(2 * M_PI * 3000 * n / BC_SOUND_RATE_HZ));
}

struct sound {
        float in[BC_SOUND_CHANNELS_MAX][SAMPLES];
        float out[BC_SOUND_CHANNELS_MAX][SAMPLES];
        unsigned units;
        size_t largest;
};

static void add_burst(struct sound *sound, uint32_t channel, int at)
{
        for (int n = 0; n < BURST; n++)
                sound->in[channel][at + n] += burst_at(n);
}

// Lays what a player would play into sound->out.
static void play(struct sound *sound, struct decoder *decoder, const struct bc_unit *unit,
                 const uint8_t *bytes, uint32_t channels)
{
        int64_t at = bc_ticks_from_ns(unit->time_ns) - (int64_t)FIRST_BLOCK * BC_SOUND_UNIT_SAMPLES;

        decode(decoder, unit, bytes);
        assert_int_equal(decoder->frame->nb_samples, BC_SOUND_UNIT_SAMPLES);
        assert_int_equal(decoder->frame->sample_rate, BC_SOUND_RATE_HZ);
        assert_int_equal(decoder->frame->ch_layout.nb_channels, channels);
        assert_true(at >= 0 && at + BC_SOUND_UNIT_SAMPLES <= SAMPLES);
        for (uint32_t c = 0; c < channels; c++)
                memcpy(sound->out[c] + at, decoder->frame->extended_data[c],
                       BC_SOUND_UNIT_SAMPLES * sizeof(float));
}

// Encodes all, decodes from unit skip_units on. Flags: block 3 of every 10 is a substitute.
static void encode(struct sound *sound, uint32_t channels, uint32_t bit_rate_bps, unsigned skip_units)
{
        struct bc_sound_encoder *encoder;
        struct decoder decoder;
        const uint8_t *bytes;
        struct bc_unit unit;

        assert_int_equal(bc_sound_encoder_new(channels, bit_rate_bps, &encoder), 0);
        assert_int_equal(bc_sound_encoder_stream(encoder)->channels, channels);
        assert_int_equal(bc_sound_encoder_stream(encoder)->bit_rate_bps, bit_rate_bps);
        decoder_open_sound(&decoder, bc_sound_encoder_stream(encoder));
        for (int block = 0; block <= BLOCKS; block++) {
                int r;

                if (block < BLOCKS) {
                        const float *plane[] = { sound->in[0] + block * BC_SOUND_UNIT_SAMPLES,
                                                 sound->in[1] + block * BC_SOUND_UNIT_SAMPLES };

                        assert_int_equal(bc_sound_encoder_send(encoder, FIRST_BLOCK + block, plane,
                                                               block % 10 == 3 ? BC_UNIT_SUBSTITUTE : 0),
                                         0);
                } else {
                        assert_int_equal(bc_sound_encoder_finish(encoder), 0);
                }
                while ((r = bc_sound_encoder_receive(encoder, &unit, &bytes)) == 0) {
                        int64_t number = FIRST_BLOCK + sound->units;

                        assert_int_equal(unit.time_ns, bc_ns_from_ticks(number * BC_SOUND_UNIT_SAMPLES));
                        assert_int_equal(unit.flags,
                                         BC_UNIT_KEY | (sound->units % 10 == 3 ? BC_UNIT_SUBSTITUTE : 0));
                        if (unit.size_bytes > sound->largest)
                                sound->largest = unit.size_bytes;
                        if (sound->units++ >= skip_units)
                                play(sound, &decoder, &unit, bytes, channels);
                }
                assert_int_equal(r, block < BLOCKS ? -EAGAIN : -ENODATA);
                if (block < BLOCKS) // the look-ahead that the header tells of
                        assert_int_equal(sound->units, block < 2 ? 0 : block - 1);
        }
        assert_int_equal(sound->units, BLOCKS);
        decoder_close(&decoder);
        bc_sound_encoder_free(encoder);
}

// How many samples later than `at` the burst is found, looking 2000 samples around.
static int found_late(const float *out, int at)
{
        double best = 0;
        int late = 99999;

        for (int shift = -2000; shift <= 2000; shift++) {
                double sum = 0;

                if (at + shift < 0 || at + shift + BURST > SAMPLES)
                        continue;
                for (int n = 0; n < BURST; n++)
                        sum += (double)out[at + shift + n] * (double)burst_at(n);
                if (sum > best) {
                        best = sum;
                        late = shift;
                }
        }
        return late;
}

static void test_a_beep_is_heard_when_it_was(void **state)
{
        static const int places[] = { 3000, 10 * 1024, 17 * 1024 + 512, 25 * 1024 - 240, 40000, 57000 };
        static struct sound sound;

        (void)state;
        for (uint32_t channels = 1; channels <= 2; channels++) {
                sound = (struct sound){ 0 };
                for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
                        add_burst(&sound, i % channels, places[i]);
                encode(&sound, channels, 96000, 0);
                for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
                        assert_in_range(found_late(sound.out[i % channels], places[i]) + 10, 10 - 2, 10 + 2);
        }
}

// The same when a recording begins in the middle: the first unit is the decoder's to spoil, all after are exact.
static void test_a_cut_moves_nothing(void **state)
{
        static struct sound sound, whole;

        (void)state;
        for (int at = 500; at + BURST < SAMPLES; at += 4500)
                add_burst(&sound, 0, at);
        memcpy(whole.in, sound.in, sizeof(sound.in));
        encode(&whole, 1, 96000, 0);
        encode(&sound, 1, 96000, 20);
        assert_int_equal(found_late(sound.out[0], 500 + 5 * 4500), 0);
        for (int n = 21 * BC_SOUND_UNIT_SAMPLES; n < SAMPLES; n++)
                if (fabsf(sound.out[0][n] - whole.out[0][n]) > 1e-4f)
                        fail_msg("sample %d differs", n);
}

static void test_the_sound_is_what_it_was(void **state)
{
        static struct sound sound;
        double error = 0, power = 0;

        (void)state;
        for (int n = 0; n < SAMPLES; n++)
                sound.in[0][n] = (float)(0.3 * sin(0.05 * n) + 0.1 * sin(0.311 * n));
        encode(&sound, 1, 96000, 0);
        for (int n = 2 * BC_SOUND_UNIT_SAMPLES; n < SAMPLES - BC_SOUND_UNIT_SAMPLES; n++) {
                double difference = (double)sound.out[0][n] - (double)sound.in[0][n];

                error += difference * difference;
                power += (double)sound.in[0][n] * (double)sound.in[0][n];
        }
        assert_true(error * 1000 < power); // 30 dB
}

// No unit is larger than what the ring reckons with, whatever there is to encode.
static void test_the_largest_unit(void **state)
{
        static struct sound sound;
        uint64_t seed = 88172645463325252u;

        (void)state;
        for (uint32_t channels = 1; channels <= 2; channels++) {
                sound = (struct sound){ 0 };
                for (int n = 0; n < SAMPLES; n++)
                        for (uint32_t c = 0; c < channels; c++) {
                                seed ^= seed << 13;
                                seed ^= seed >> 7;
                                seed ^= seed << 17;
                                sound.in[c][n] = n / 3000 % 2 ? (seed & 1 ? 1 : -1) : 0;
                        }
                encode(&sound, channels, BC_SOUND_BIT_RATE_MAX_BPS * channels, 0);
                print_message("%u channels: largest unit %zu bytes\n", channels, sound.largest);
                assert_in_range(sound.largest, 400 * channels, channels * BC_SOUND_UNIT_BYTES_MAX);
        }
}

static void test_refusals(void **state)
{
        static const float silence[BC_SOUND_UNIT_SAMPLES];
        const float *plane[] = { silence, silence };
        struct bc_sound_encoder *encoder;

        (void)state;
        assert_int_equal(bc_sound_encoder_new(0, 96000, &encoder), -EINVAL);
        assert_int_equal(bc_sound_encoder_new(3, 96000, &encoder), -EINVAL);
        assert_int_equal(bc_sound_encoder_new(1, 15999, &encoder), -EINVAL);
        assert_int_equal(bc_sound_encoder_new(1, 160001, &encoder), -EINVAL);
        assert_int_equal(bc_sound_encoder_new(2, 320000, &encoder), 0);
        assert_int_equal(bc_sound_encoder_send(encoder, -1, plane, 0), -EINVAL);
        assert_int_equal(bc_sound_encoder_send(encoder, 8, plane, 0), 0);
        assert_int_equal(bc_sound_encoder_send(encoder, 8, plane, 0), -EINVAL);
        assert_int_equal(bc_sound_encoder_send(encoder, 10, plane, 0), -EINVAL);
        assert_int_equal(bc_sound_encoder_send(encoder, 9, plane, 0), 0);
        bc_sound_encoder_free(encoder);
        bc_sound_encoder_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_beep_is_heard_when_it_was),
                cmocka_unit_test(test_a_cut_moves_nothing),
                cmocka_unit_test(test_the_sound_is_what_it_was),
                cmocka_unit_test(test_the_largest_unit),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
