// SPDX-License-Identifier: EUPL-1.2
// What is muted on its way to the media clock: zeros before the filter, to the sample, and flagged to the block.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/sound_clock.h"

#define HUM 8192 // a constant: what goes through the filter unchanged, but beside an edge
#define HUM_BLOCKS 100
#define EDGE 200 // output samples that the filter's length may reach to at 8 kHz

struct hum {
        int64_t first_block, blocks;
        float heard[HUM_BLOCKS * BC_SOUND_UNIT_SAMPLES];
        uint16_t flags[HUM_BLOCKS];
        int64_t mute_ns[2][2]; // spans
};

static int keep_hum(void *user, int64_t block, const float *const *plane, uint16_t flags)
{
        struct hum *hum = user;

        assert_int_equal(block, hum->first_block + hum->blocks);
        assert_true(hum->blocks < HUM_BLOCKS);
        memcpy(hum->heard + hum->blocks * BC_SOUND_UNIT_SAMPLES, plane[0], BC_SOUND_UNIT_SAMPLES * sizeof(float));
        hum->flags[hum->blocks++] = flags;
        return 0;
}

static bool hum_is_muted(void *user, int64_t from_ns, int64_t to_ns, int64_t *ret_until_ns)
{
        const struct hum *hum = user;

        assert_true(from_ns < to_ns);
        *ret_until_ns = to_ns;
        for (int i = 0; i < 2; i++) {
                const int64_t *span = hum->mute_ns[i];

                for (int end = 0; end < 2; end++)
                        if (from_ns < span[end] && span[end] < *ret_until_ns)
                                *ret_until_ns = span[end];
                if (from_ns >= span[0] && from_ns < span[1])
                        return true;
        }
        return false;
}

// What lacks between two ticks of the hum, in output samples.
static double lacking(const struct hum *hum, int64_t from, int64_t to)
{
        double sum = 0;

        for (int64_t tick = from; tick < to; tick++)
                sum += 1 - (double)hum->heard[tick - hum->first_block * BC_SOUND_UNIT_SAMPLES] * 32768 / HUM;
        return sum;
}

// An edge that went through the filter swings: the zeros were there before it.
static bool rings(const struct hum *hum, int64_t edge)
{
        for (int64_t tick = edge - EDGE; tick < edge + EDGE; tick++)
                if (fabs(lacking(hum, tick, tick + 1)) > 0.001 && fabs(lacking(hum, tick, tick + 1) - 1) > 0.001)
                        return true;
        return false;
}

static void mute_at(uint32_t rate_hz, const int64_t mute_ns[2][2])
{
        struct hum *hum = calloc(1, sizeof(*hum));
        const struct bc_sound_clock_config config = { .rate_hz = rate_hz, .channels = 1, .first_block = 47 * 2,
                                                      .on_block = keep_hum, .is_muted = hum_is_muted, .user = hum };
        const int64_t start_ns = bc_ns_from_ticks(config.first_block * BC_SOUND_UNIT_SAMPLES);
        const size_t period = rate_hz / 50; // 20 ms
        static int16_t samples[192000 / 50];
        struct bc_sound_clock *clock;

        assert_non_null(hum);
        hum->first_block = config.first_block;
        memcpy(hum->mute_ns, mute_ns, sizeof(hum->mute_ns));
        for (int i = 0; i < 2; i++) // from the first sample on
                for (int end = 0; end < 2; end++)
                        hum->mute_ns[i][end] += start_ns;
        for (size_t i = 0; i < period; i++)
                samples[i] = HUM;
        assert_int_equal(bc_sound_clock_new(&config, &clock), 0);
        for (int64_t n = 0; n < 100; n++) {
                int64_t time_ns = start_ns + n * 20 * BC_NS_PER_MS;

                assert_int_equal(bc_sound_clock_put(clock, samples, period, time_ns, time_ns + 20 * BC_NS_PER_MS), period);
        }
        assert_int_equal(samples[0], HUM); // the caller's are not touched
        for (int i = 0; i < 2; i++) {
                int64_t from = bc_ticks_from_ns(hum->mute_ns[i][0]), to = bc_ticks_from_ns(hum->mute_ns[i][1]);
                double missing = lacking(hum, from - EDGE, to + EDGE);

                // To a sample of the device, and a tick; and what is in between is nothing at all.
                if (fabs(missing - (double)(to - from)) > 48000.0 / rate_hz + 1)
                        fail_msg("%u Hz: %.2f ticks of %lld are missing", rate_hz, missing, (long long)(to - from));
                for (int64_t tick = from + EDGE; tick < to - EDGE; tick++)
                        assert_true(hum->heard[tick - hum->first_block * BC_SOUND_UNIT_SAMPLES] == 0);
                assert_true(rings(hum, from) && rings(hum, to));
        }
        for (int64_t block = 1; block < hum->blocks; block++) {
                int64_t begin = (hum->first_block + block) * BC_SOUND_UNIT_SAMPLES, end = begin + BC_SOUND_UNIT_SAMPLES;
                bool inside = false, beside = false;

                for (int i = 0; i < 2; i++) {
                        int64_t from = bc_ticks_from_ns(hum->mute_ns[i][0]), to = bc_ticks_from_ns(hum->mute_ns[i][1]);

                        inside |= from + 8 < end && to - 8 > begin;
                        beside |= from - 8 <= end && to + 8 >= begin;
                }
                assert_true(hum->flags[block] == (inside ? BC_UNIT_MUTED : 0) || (!inside && beside));
                assert_int_equal(hum->flags[block] & ~BC_UNIT_MUTED, 0);
        }
        bc_sound_clock_free(clock);
        free(hum);
}

static void test_muted_samples_are_zeros(void **state)
{
        // Across chunks, and twice within one.
        const int64_t long_ones[2][2] = { { 213456789, 400000001 }, { 777777777, 1500000000 } };
        const int64_t short_ones[2][2] = { { 600000000, 605000000 }, { 612500000, 619999999 } };
        const uint32_t rates[] = { 8000, 44100, 48000, 192000 };

        (void)state;
        for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
                mute_at(rates[i], long_ones);
                if (rates[i] >= 44100)
                        mute_at(rates[i], short_ones);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_muted_samples_are_zeros) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
