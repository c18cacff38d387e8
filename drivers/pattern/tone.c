// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pattern/pattern.h"
#include "simulated/mic.h"

#define PERIODS_PER_S 100
#define QUARTER 64 // steps of a quarter of a wave
#define CYCLE_NS (BC_NS_PER_S / BC_TONE_PITCH_HZ)
#define VOLUME_PCT 60

// sin(x * 90 degrees / 64) * 32767
static const int16_t quarter_sine[QUARTER + 1] = {
        0, 804, 1608, 2410, 3212, 4011, 4808, 5602, 6393, 7179, 7962, 8739, 9512,
        10278, 11039, 11793, 12539, 13279, 14010, 14732, 15446, 16151, 16846, 17530, 18204, 18868,
        19519, 20159, 20787, 21403, 22005, 22594, 23170, 23731, 24279, 24811, 25329, 25832, 26319,
        26790, 27245, 27683, 28105, 28510, 28898, 29268, 29621, 29956, 30273, 30571, 30852, 31113,
        31356, 31580, 31785, 31971, 32137, 32285, 32412, 32521, 32609, 32678, 32728, 32757, 32767,
};

struct tone {
        struct bc_sample_clock clock;
        uint32_t channels;
};

// The beep's wave at a time since its start.
static int16_t beep(int64_t since_ns)
{
        int64_t step = since_ns % CYCLE_NS * (4 * QUARTER) / CYCLE_NS;
        int64_t within = step % QUARTER;
        int32_t value = 0;

        switch (step / QUARTER) {
        case 0:
                value = quarter_sine[within];
                break;
        case 1:
                value = quarter_sine[QUARTER - within];
                break;
        case 2:
                value = -quarter_sine[within];
                break;
        case 3:
                value = -quarter_sine[QUARTER - within];
                break;
        }
        return (int16_t)(value * VOLUME_PCT / 100);
}

// Whether a beep touches the time from_ns .. to_ns, which is shorter than a second.
static bool holds_beep(int64_t from_ns, int64_t to_ns)
{
        return from_ns % BC_NS_PER_S < BC_TONE_BEEP_NS || from_ns / BC_NS_PER_S != to_ns / BC_NS_PER_S;
}

static int hear(void *sound, int64_t first, size_t count, int16_t *samples)
{
        const struct tone *tone = sound;

        // Nearly all of it is silence: not computed sample by sample.
        memset(samples, 0, count * tone->channels * sizeof(*samples));
        if (!holds_beep(bc_sample_clock_time_ns(&tone->clock, first),
                        bc_sample_clock_time_ns(&tone->clock, first + (int64_t)count)))
                return 0;
        for (size_t i = 0; i < count; i++) {
                int64_t since_ns = bc_sample_clock_time_ns(&tone->clock, first + (int64_t)i) % BC_NS_PER_S;

                if (since_ns >= BC_TONE_BEEP_NS)
                        continue;
                for (uint32_t channel = 0; channel < tone->channels; channel++)
                        samples[i * tone->channels + channel] = beep(since_ns);
        }
        return 0;
}

static const struct bc_sound_ops sound_ops = { .hear = hear, .free = free };

static int check(const struct bc_tone_config *config, char *text, size_t text_bytes)
{
        if (config->rate_hz != 16000 && config->rate_hz != 44100 && config->rate_hz != 48000)
                snprintf(text, text_bytes, "tone: rate of %" PRIu32 " Hz, must be 16000, 44100 or 48000",
                         config->rate_hz);
        else if (config->channels < 1 || config->channels > 2)
                snprintf(text, text_bytes, "tone: %" PRIu32 " channels, must be 1 or 2", config->channels);
        else if (config->rate_error_ppb > BC_SAMPLE_RATE_ERROR_MAX_PPB ||
                 config->rate_error_ppb < -BC_SAMPLE_RATE_ERROR_MAX_PPB)
                snprintf(text, text_bytes, "tone: rate error of %" PRId32 " ppb, must be within +-%d",
                         config->rate_error_ppb, BC_SAMPLE_RATE_ERROR_MAX_PPB);
        else if (config->stamp_jitter_ns < 0 || config->stamp_jitter_ns >= BC_NS_PER_S / PERIODS_PER_S / 2)
                snprintf(text, text_bytes, "tone: jitter of %" PRId64 " ns, must be below half of %" PRId64,
                         config->stamp_jitter_ns, BC_NS_PER_S / PERIODS_PER_S);
        else
                return 0;
        return -EINVAL;
}

int bc_tone_mic_open(struct bc_clock *clock, const struct bc_tone_config *config, char *text,
                     size_t text_bytes, struct bc_mic **ret_mic)
{
        BC_CLEANUP(bc_cleanup_memory) struct tone *tone = NULL;
        struct bc_simulated_mic_config mic = {
                .info = {
                        .driver = "tone",
                        .simulated = true,
                        .rate_hz = config->rate_hz,
                        .channels = config->channels,
                        .period_samples = config->rate_hz / PERIODS_PER_S,
                },
                .sample_clock = { .rate_hz = config->rate_hz, .error_ppb = config->rate_error_ppb },
                .stamp_jitter_ns = config->stamp_jitter_ns,
                .seed = config->seed,
        };
        int r;

        r = check(config, text, text_bytes);
        if (r < 0)
                return r;
        tone = malloc(sizeof(*tone));
        if (!tone) {
                snprintf(text, text_bytes, "tone: no memory");
                return -ENOMEM;
        }
        *tone = (struct tone){ .clock = mic.sample_clock, .channels = config->channels };
        r = bc_simulated_mic_new(clock, &mic, &sound_ops, tone, ret_mic);
        if (r < 0) {
                snprintf(text, text_bytes, "tone: %s", strerror(-r));
                return r;
        }
        tone = NULL;
        return 0;
}

void bc_tone_mic_set_fault(struct bc_mic *mic, enum bc_fault fault)
{
        bc_simulated_mic_set_fault(mic, fault);
}
