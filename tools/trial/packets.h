// SPDX-License-Identifier: EUPL-1.2
// The packets of a clip, as the firmware's encoders would deliver them: what every writer of the trial is fed with.
#ifndef TRIAL_PACKETS_H
#define TRIAL_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include "format/track.h"

#define CLIP_TRACKS 4 // picture, sound; beside them, if wanted, text and position

struct packet {
        uint8_t *bytes;
        uint32_t size_bytes, duration_ticks;
        bool key;
};

struct clip {
        struct bc_init init; // its sound starts at 0: set start_ticks to choose
        AVCodecParameters *codec[CLIP_TRACKS];
        struct packet *packet[CLIP_TRACKS];
        size_t packets[CLIP_TRACKS], room[CLIP_TRACKS];
};

// Reads an MP4 with H.264 (no reordering) and AAC-LC at 48 kHz. 0, or negative errno after a message.
int clip_open(const char *path, struct clip *ret_clip);
void clip_close(struct clip *clip);

// Whether any track has packets from next[] on.
bool clip_goes_on(const struct clip *clip, const size_t next[CLIP_TRACKS]);

// Moves next[] on to the first packets that start at or after until_ticks (of the segment's time). at[] holds the
// start times of the packets that next[] stand at.
void clip_cut(const struct clip *clip, int64_t until_ticks, size_t next[CLIP_TRACKS], int64_t at[CLIP_TRACKS]);

#endif
