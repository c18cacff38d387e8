// SPDX-License-Identifier: EUPL-1.2
// What an encoder says of its stream, once, before the first unit: enough to describe a track.
#ifndef BODYCAM_STREAM_H
#define BODYCAM_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define BC_STREAM_CONFIG_BYTES_MAX 512
#define BC_SOUND_RATE_HZ 48000
#define BC_SOUND_UNIT_SAMPLES 1024 // AAC-LC

// H.264. Access units are length-prefixed (4 bytes, ISO/IEC 14496-15), without access unit delimiters; parameter
// sets stand in config and never in the units.
struct bc_picture_stream {
        uint32_t width_px, height_px;
        int64_t interval_ns; // nominal time between two pictures
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX]; // AVCDecoderConfigurationRecord (14496-15, 5.3.3.1)
        size_t config_bytes;
};

// AAC-LC at 48 kHz. Unit k of the process starts at media tick k * 1024 exactly (a fixed grid since boot).
struct bc_sound_stream {
        uint32_t channels; // 0: no sound at all
        uint32_t bit_rate_bps;
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX]; // AudioSpecificConfig (14496-3, 1.6.2.1)
        size_t config_bytes;
};

struct bc_stream {
        struct bc_picture_stream picture;
        struct bc_sound_stream sound;
};

#endif
