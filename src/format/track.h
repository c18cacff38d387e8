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
#define BC_ABOUT_TEXT_BYTES_MAX 64
#define BC_ABOUT_LOCATION_BYTES_MAX 40
#define BC_BOOT_ID_BYTES 16
#define BC_TRACK_START_TICKS_MAX (INT64_C(1) << 40) // 265 days

enum bc_track_kind {
        BC_TRACK_AVC, // H.264 in `avc1` (14496-15): 4-byte lengths, no reordering
        BC_TRACK_AAC, // AAC-LC in `mp4a` (14496-14), 48 kHz, mono or stereo
        // Text that players offer as subtitles: `tx3g` (3GPP TS 26.245). A sample is the text's length in two bytes
        // and the text in UTF-8; a length of 0 shows nothing.
        BC_TRACK_TEXT,
        BC_TRACK_POSITION, // `gpmd`: a sample is GPMF, which nothing here looks into
};

struct bc_track {
        enum bc_track_kind kind;
        // Presentation time of its first sample, relative to the segment's first picture. Negative: that much of the
        // track lies before the segment's start (encoder priming) and is decoded but not presented.
        int64_t start_ticks;
        uint32_t width_px, height_px;     // AVC: 1 .. 65535
        uint32_t channels, bit_rate_bps;  // AAC
        uint8_t config[BC_STREAM_CONFIG_BYTES_MAX]; // AVC, AAC: as in bodycam/stream.h
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

// What players show of a file: who made the device, and where the segment begins. 0-terminated, empty: not said. Make
// and model are UTF-8 without control characters; the device itself is the label's.
struct bc_about {
        char make[BC_ABOUT_TEXT_BYTES_MAX + 1];
        char model[BC_ABOUT_TEXT_BYTES_MAX + 1];
        // ISO 6709, Annex H, decimal degrees (WGS 84) and metres: "+59.3293+018.0686+012.3/" or "+59.3293+018.0686/".
        char location[BC_ABOUT_LOCATION_BYTES_MAX + 1];
};

// Track 0 is picture and starts at 0; at most BC_TRACKS_MAX in all. Track n has track_ID n + 1.
struct bc_init {
        struct bc_label label;
        struct bc_about about;
        int64_t created_unix_s; // creation time in the file; 0: the clock was not set
        size_t tracks;
        struct bc_track track[BC_TRACKS_MAX];
};

#endif
