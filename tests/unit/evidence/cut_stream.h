// SPDX-License-Identifier: EUPL-1.2
// Streams are strings: I a key frame, P another picture, S and s the same as slates. What is decided comes back as a
// string too: the pictures of each fragment and the number of its sound units, "IPPPP+23", then "/" where the segment
// ends, "." where the recording ends, "?" for a guessed end of the last picture, "!" for missing sound. All times in
// ms are since the beginning of the stream.
#ifndef CUT_STREAM_H
#define CUT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "evidence/cut.h"

#define CUT_START_NS (96 * BC_NS_PER_S) // a whole number of sound units since boot
#define CUT_START_UNIT (96 * 48000 / BC_SOUND_UNIT_SAMPLES)
#define CUT_FRAGMENTS_MAX 256

struct cut_stream {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_cursor cursor;
        struct bc_cut_rule rule;
        int64_t segment_ns;
        int64_t next_ns; // of the next picture
        int64_t sounds;  // fed so far
        uint32_t picture_bytes;
        // What was decided.
        char text[8192];
        int64_t end_ms[CUT_FRAGMENTS_MAX];
        size_t fragments;
        int64_t wake_ms; // of the last "not yet"; -1: only when something comes
        bool over;
};

// Fragments of 500 ms, one segment, with sound, not stopped.
void cut_begin(struct cut_stream *stream, size_t picture_units);
void cut_end(struct cut_stream *stream);

// The segments last at least so long.
void cut_set_segment(struct cut_stream *stream, int64_t ms);

void cut_picture_at(struct cut_stream *stream, char kind, int64_t time_ns);
void cut_pictures(struct cut_stream *stream, const char *kinds, int64_t interval_ns);

// The sound that a microphone has delivered by then, in whole units.
void cut_sound_until(struct cut_stream *stream, int64_t ms);

// Decides as often as something is ready at this time, and follows the rule on as the recorder does. Returns all that
// was decided since the beginning.
const char *cut_cuts(struct cut_stream *stream, int64_t now_ms);

#endif
