// SPDX-License-Identifier: EUPL-1.2
// What an encoder says of its stream, once, before the first unit: enough to describe a track.
#ifndef BODYCAM_STREAM_H
#define BODYCAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/ring.h"

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

// What is said about the pictures (bodycam/moment.h): texts once a second and at every event (tx3g, 3GPP TS 26.245, 5.17),
// positions (GPMF, as GoPro's open parser documents it). Each key frame has a unit of its own start in both.
struct bc_telemetry_stream {
        bool text, position;
};

struct bc_stream {
        struct bc_picture_stream picture;
        struct bc_sound_stream sound;
        struct bc_telemetry_stream telemetry;
};

// Whether the stream has this lane of the ring. In files, tracks are in the order of the lanes.
static inline bool bc_stream_has(const struct bc_stream *stream, enum bc_lane lane)
{
        switch (lane) {
        case BC_LANE_PICTURE:
                return true;
        case BC_LANE_SOUND:
                return stream->sound.channels > 0;
        case BC_LANE_TEXT:
                return stream->telemetry.text;
        case BC_LANE_POSITION:
                return stream->telemetry.position;
        case BC_LANE_COUNT:
                break;
        }
        return false;
}

#endif
