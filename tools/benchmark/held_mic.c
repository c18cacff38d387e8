// SPDX-License-Identifier: EUPL-1.2
// A microphone whose samples are all in memory already: stands in for bc_file_mic_open() in bodycamd-held. The file
// holds 16-bit mono samples at 48 kHz; after the last one the first comes again.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "file/file.h"
#include "simulated/mic.h"

#define RATE_HZ 48000
#define PERIOD_SAMPLES (RATE_HZ / 50)

struct samples {
        size_t count;
        int16_t value[];
};

static int hear(void *sound, int64_t first, size_t count, int16_t *to)
{
        const struct samples *samples = sound;
        size_t at = (size_t)first % samples->count;

        while (count > 0) {
                size_t part = samples->count - at < count ? samples->count - at : count;

                memcpy(to, samples->value + at, part * sizeof(*to));
                to += part;
                count -= part;
                at = 0;
        }
        return 0;
}

static const struct bc_sound_ops ops = { .hear = hear, .free = free };

static int load(const char *path, struct samples **ret_samples)
{
        BC_CLEANUP(bc_cleanup_stream) FILE *file = fopen(path, "re");
        BC_CLEANUP(bc_cleanup_memory) struct samples *samples = NULL;
        struct stat status;

        if (!file || fstat(fileno(file), &status) < 0)
                return -errno;
        samples = malloc(sizeof(*samples) + (size_t)status.st_size);
        if (!samples)
                return -ENOMEM;
        samples->count = fread(samples->value, sizeof(int16_t), (size_t)status.st_size / sizeof(int16_t), file);
        if (samples->count < RATE_HZ)
                return -EBADMSG;
        *ret_samples = BC_TAKE(samples);
        return 0;
}

int __wrap_bc_file_mic_open(struct bc_clock *clock, const struct bc_file_config *config, char *text, size_t text_bytes,
                            struct bc_mic **ret_mic);

int __wrap_bc_file_mic_open(struct bc_clock *clock, const struct bc_file_config *config, char *text, size_t text_bytes,
                            struct bc_mic **ret_mic)
{
        const char *path = config->sound_path ? config->sound_path : config->clip_path;
        const struct bc_simulated_mic_config mic = {
                .info = {
                        .driver = "held",
                        .simulated = true,
                        .rate_hz = RATE_HZ,
                        .channels = 1,
                        .period_samples = PERIOD_SAMPLES,
                },
                .sample_clock = { .rate_hz = RATE_HZ },
        };
        BC_CLEANUP(bc_cleanup_memory) struct samples *samples = NULL;
        int r = load(path, &samples);

        if (r == 0)
                r = bc_simulated_mic_new(clock, &mic, &ops, samples, ret_mic);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: no second of 16-bit samples: %s", path, strerror(-r));
                return r;
        }
        samples = NULL;
        return 0;
}
