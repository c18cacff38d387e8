// SPDX-License-Identifier: EUPL-1.2
// Segments for tests, written in words: each word is a fragment of key frames I, other pictures P, sound units a, texts
// t and positions g ("IPPaatg"), or a signature record R. "IPPaa PPPa R IPPPaa" is three fragments with a record before
// the last.
#ifndef TEST_FORMAT_SEGMENTS_H
#define TEST_FORMAT_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/finalise.h"
#include "format/scan.h"

#define SEGMENT_BOXES_MAX 256

struct segment {
        struct bc_init init;
        struct bc_init_layout layout;
        uint8_t *bytes; // the file
        size_t size, room;
        struct bc_sample_table table; // as the recorder would have it
        size_t boxes;                 // top-level boxes behind the head: fragments count once
        uint64_t box_end[SEGMENT_BOXES_MAX];
        bool box_is_fragment[SEGMENT_BOXES_MAX];
        uint32_t random; // 0: pictures of 1600 ticks, sizes by kind; else the state of a generator for both
};

// Picture 320x240 and mono sound that starts at start_ticks.
struct bc_init segment_init(int64_t start_ticks);
// The same with a text and a position track, and with make, model and location.
struct bc_init segment_init_full(int64_t start_ticks);

// Writes the file that the words describe.
void segment_write(struct segment *segment, const struct bc_init *init, uint32_t random, const char *words);
void segment_done(struct segment *segment);

// Appends raw bytes, or the final moov; overwrites the head's moov header.
void segment_append(struct segment *segment, const void *bytes, size_t n);
void segment_append_moov(struct segment *segment);
void segment_patch(struct segment *segment, uint64_t moov_offset);

// Scans the first `size` bytes of the file.
int segment_scan(const struct segment *segment, size_t size, struct bc_scan *ret_scan);

uint32_t segment_random(uint32_t *state, uint32_t below);

// Runs fragment after fragment out of arrays: the next run of a track, borrowed from sample.
struct bc_run segment_run(uint32_t track, uint64_t decode_ticks, const struct bc_sample *sample, size_t samples);

#endif
