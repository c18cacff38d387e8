// SPDX-License-Identifier: EUPL-1.2
// Pattern camera and tone microphone: what they show and sound is a function of media time alone, so a
// recording of them can be judged without having been there.
//
// Frame k of the camera starts at media time k / rate since boot and bears the number k (mod 2^32). The one
// that covers a whole media second is a flash; the tone sounds 1 kHz for 50 ms from that very instant.
#ifndef BC_PATTERN_PATTERN_H
#define BC_PATTERN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"
#include "bodycam/mic.h"
#include "bodycam/simulation.h"

#define BC_PATTERN_RATE_MIN_MHZ 100u
#define BC_PATTERN_RATE_MAX_MHZ 1000000u
#define BC_TONE_BEEP_NS (50 * BC_NS_PER_MS)
#define BC_TONE_PITCH_HZ 1000

// All zero is an ordinary pattern in I420.
struct bc_pattern_config {
        enum bc_pixel_format format;
        bool noise;        // white noise around the blocks: as hard on an encoder as it gets
        int64_t jitter_ns; // frames come early or late by up to this, below half an interval
        uint64_t seed;     // of noise and jitter
};

// 0, or negative errno with a message in text.
int bc_pattern_camera_open(struct bc_clock *clock, const struct bc_pattern_config *config,
                           const struct bc_camera_config *camera_config, char *text, size_t text_bytes,
                           struct bc_camera **ret_camera);

// See simulation.h of the contracts. Any thread.
void bc_pattern_camera_set_fault(struct bc_camera *camera, enum bc_fault fault);

struct bc_tone_config {
        uint32_t rate_hz;        // 16000, 44100 or 48000
        uint32_t channels;       // 1 or 2
        int32_t rate_error_ppb;  // the device's clock runs fast (+) or slow by this; what it hears does not move
        int64_t stamp_jitter_ns; // time stamps are off by up to this, below half a period of 10 ms
        uint64_t seed;           // of the jitter
};

int bc_tone_mic_open(struct bc_clock *clock, const struct bc_tone_config *config, char *text,
                     size_t text_bytes, struct bc_mic **ret_mic);
void bc_tone_mic_set_fault(struct bc_mic *mic, enum bc_fault fault);

#endif
