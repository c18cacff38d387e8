// SPDX-License-Identifier: EUPL-1.2
// A fragment: moof and the header of its mdat (the samples follow), ISO/IEC 14496-12, 8.8 and 8.1.1.
//
// The writer's way: collect the samples of each track into one buffer, run by run, leaving room in front; ask
// bc_fragment_header_bytes(), build the header into the bytes that end where the samples begin, and write header
// and samples with one write. Nothing is allocated and no sample is copied.
#ifndef BC_FORMAT_FRAGMENT_H
#define BC_FORMAT_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/track.h"

#define BC_FRAGMENT_SAMPLES_MAX 4096 // of all tracks together
#define BC_SEGMENT_BYTES_MAX UINT32_MAX

struct bc_sample {
        uint32_t duration_ticks; // at least 1: to the start of the track's next sample
        uint32_t size_bytes;     // at least 1
        bool sync;               // a key frame; every sound sample is one
};

// The samples of one track in one fragment. Borrows them.
struct bc_run {
        uint32_t track;        // index into bc_init's tracks
        uint64_t decode_ticks; // sum of the durations of the track's samples in earlier fragments
        const struct bc_sample *sample;
        size_t samples;        // at least 1
};

// Room that is enough for the header of any fragment with so many samples in all its runs.
#define BC_FRAGMENT_HEADER_BYTES_MAX(samples) (8 + 16 + BC_TRACKS_MAX * 64 + 12 * (size_t)(samples) + 8)

// Exact size of moof and mdat header.
size_t bc_fragment_header_bytes(const struct bc_run *run, size_t runs);

// 0 when the runs make a fragment: ascending tracks, sizes and durations at least 1, within the limits above and
// below 4 GiB in all; *ret_payload_bytes is the size of the samples. Else -EINVAL.
int bc_fragment_check(const struct bc_run *run, size_t runs, uint64_t *ret_payload_bytes);

// Writes moof and mdat header. The samples must follow at once: those of run 0, then run 1, and so on, without
// spaces. sequence counts the segment's fragments from 1. 0, -EINVAL as above, -ENOBUFS.
int bc_fragment_build(uint32_t sequence, const struct bc_run *run, size_t runs, uint8_t *bytes, size_t room,
                      size_t *ret_header_bytes);

// A parsed fragment. Allocated by whoever parses: it is large.
struct bc_fragment {
        uint32_t sequence;
        size_t runs;
        struct bc_run run[BC_TRACKS_MAX]; // their samples lie in `sample`
        struct bc_sample sample[BC_FRAGMENT_SAMPLES_MAX];
        size_t header_bytes;
        uint64_t payload_bytes;
};

// Reads moof and mdat header from n bytes. Accepts exactly what bc_fragment_build() makes, for a segment with so many
// tracks. -ENODATA: n is too small for the header (never so with BC_FRAGMENT_HEADER_BYTES_MAX(
// BC_FRAGMENT_SAMPLES_MAX) bytes); -EBADMSG. On failure *ret_fragment holds nothing of use.
int bc_fragment_parse(const uint8_t *bytes, size_t n, size_t tracks, struct bc_fragment *ret_fragment);

#endif
