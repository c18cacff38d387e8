// SPDX-License-Identifier: EUPL-1.2
// What a segment says of itself before its first sample: its tracks and where it belongs. Plain data; the writer
// fills it from the encoders' streams, the parser from a file.
#ifndef BC_FORMAT_TRACK_H
#define BC_FORMAT_TRACK_H

#include <stddef.h>
#include <stdint.h>

#include "bodycam/stream.h"
#include "bodycam/time.h"

#define BC_TRACKS_MAX 8
#define BC_LABEL_TEXT_BYTES_MAX 64
#define BC_BOOT_ID_BYTES 16
#define BC_TRACK_START_TICKS_MAX (INT64_C(1) << 40) // 265 days

enum bc_track_kind {
        BC_TRACK_AVC, // H.264 in `avc1` (14496-15): 4-byte lengths, no reordering
        BC_TRACK_AAC, // AAC-LC in `mp4a` (14496-14), 48 kHz, mono or stereo
        BC_TRACK_TEXT,
        BC_TRACK_POSITION,
};

struct bc_track {
        enum bc_track_kind kind;
        // Presentation time of its first sample, relative to the segment's first picture. Negative: that much of the
        // track lies before the segment's start (encoder priming) and is decoded but not presented.
        int64_t start_ticks;
        uint32_t width_px, height_px;     // AVC: 1 .. 65535
        uint32_t channels, bit_rate_bps;  // AAC
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX]; // as in bodycam/stream.h
        size_t config_bytes;
};

// Where a lone file belongs. Texts are printable ASCII, 0-terminated.
struct bc_label {
        char device[BC_LABEL_TEXT_BYTES_MAX + 1];
        char recording[BC_LABEL_TEXT_BYTES_MAX + 1]; // the recording's folder name
        uint32_t segment;                   // number in its recording, from 1
        int64_t base_ticks;                 // media time (bodycam/time.h) of the first picture
        uint8_t boot_id[BC_BOOT_ID_BYTES];  // which boot base_ticks counts from; zeros: not known
};

// Track 0 is picture and starts at 0; at most BC_TRACKS_MAX in all. Track n has track_ID n + 1.
struct bc_init {
        struct bc_label label;
        int64_t created_unix_s; // creation time in the file; 0: the clock was not set
        size_t tracks;
        struct bc_track track[BC_TRACKS_MAX];
};

#endif
