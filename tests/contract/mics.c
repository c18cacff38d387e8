// SPDX-License-Identifier: EUPL-1.2
#include "contract/mics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/clips.h"
#include "file/file.h"
#include "pattern/pattern.h"
#include "simulated/mic.h"

static int say(int r, const char *text)
{
        if (r < 0)
                fprintf(stderr, "%s\n", text);
        return r;
}

static int open_tone(struct bc_clock *clock, const struct bc_tone_config *config, struct bc_mic **ret_mic)
{
        char text[256] = "";

        return say(bc_tone_mic_open(clock, config, text, sizeof(text), ret_mic), text);
}

static int open_tone_48000(struct bc_clock *clock, struct bc_mic **ret_mic)
{
        return open_tone(clock, &(struct bc_tone_config){ .rate_hz = 48000, .channels = 2 }, ret_mic);
}

static int open_tone_fast(struct bc_clock *clock, struct bc_mic **ret_mic)
{
        struct bc_tone_config config = {
                .rate_hz = 44100,
                .channels = 1,
                .rate_error_ppb = 200000,
                .stamp_jitter_ns = 3 * BC_NS_PER_MS,
                .seed = 5,
        };

        return open_tone(clock, &config, ret_mic);
}

static int open_tone_slow(struct bc_clock *clock, struct bc_mic **ret_mic)
{
        return open_tone(
                clock, &(struct bc_tone_config){ .rate_hz = 16000, .channels = 1, .rate_error_ppb = -200000 },
                ret_mic);
}

static int open_file(struct bc_clock *clock, const char *clip, struct bc_mic **ret_mic)
{
        char path[CLIP_PATH_BYTES], text[512] = "";
        struct bc_file_config config = { .clip_path = clip_path(clip, path),
                                         .origin_ns = bc_clock_now_ns(clock) };

        return say(bc_file_mic_open(clock, &config, text, sizeof(text), ret_mic), text);
}

static int open_file_plain(struct bc_clock *clock, struct bc_mic **ret_mic)
{
        return open_file(clock, "plain.mp4", ret_mic);
}

static int open_file_surround(struct bc_clock *clock, struct bc_mic **ret_mic)
{
        return open_file(clock, "six-channels.flac", ret_mic);
}

static const struct mic_kind kinds[] = {
        { "tone", open_tone_48000, bc_tone_mic_set_fault, bc_simulated_mic_overrun, 48000, 2, 0, 0 },
        { "tone-fast", open_tone_fast, bc_tone_mic_set_fault, bc_simulated_mic_overrun, 44100, 1, 200000, 3 * BC_NS_PER_MS },
        { "tone-slow", open_tone_slow, bc_tone_mic_set_fault, bc_simulated_mic_overrun, 16000, 1, -200000, 0 },
        { "file", open_file_plain, bc_file_mic_set_fault, bc_simulated_mic_overrun, 48000, 1, 0, 0 },
        { "file-surround", open_file_surround, bc_file_mic_set_fault, bc_simulated_mic_overrun, 48000, 2, 0, 0 },
};

const struct mic_kind *mic_kind_named(const char *name)
{
        for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return &kinds[i];
        return NULL;
}
