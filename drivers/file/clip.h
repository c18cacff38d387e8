// SPDX-License-Identifier: EUPL-1.2
// What a clip holds and how long it is: found by reading all of its packets, for what containers say of their
// length is often wrong, and a loop needs it exact.
#ifndef BC_FILE_CLIP_H
#define BC_FILE_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavformat/avformat.h>

#include "file/file.h"

#define BC_CLIP_INTERVAL_MIN_NS BC_NS_PER_MS
#define BC_CLIP_INTERVAL_MAX_NS (10 * BC_NS_PER_S)

// One stream of the file. Times are the file's own.
struct bc_clip_track {
        const char *path; // borrowed
        int stream;       // -1: there is none
        bool timed;       // its packets bear time stamps
        bool by_decoding; // some of them of decoding alone (AVI): pictures come out later than these say
        int64_t start_ns, end_ns;
        int64_t zero_ns;     // what in its own times is the clip's beginning
        int64_t interval_ns; // picture: nominal time between two
};

struct bc_clip {
        struct bc_clip_track picture, sound;
        int64_t period_ns;
};

// Negative errno of an FFmpeg error.
int bc_clip_errno(int averror);

// Time stamp in ns, or INT64_MIN when it has none or is out of range (some 73 years).
int64_t bc_clip_ns(int64_t stamp, AVRational time_base);

// Opens a local regular file. Frees with avformat_close_input().
int bc_clip_open(const char *path, char *text, size_t text_bytes, AVFormatContext **ret_format);

// Learns all about the clip. The paths of config must outlive *ret_clip.
int bc_clip_scan(const struct bc_file_config *config, char *text, size_t text_bytes,
                 struct bc_clip *ret_clip);

#endif
