// SPDX-License-Identifier: EUPL-1.2
// Where the next fragment ends: a decision on the units in the ring and the time, without I/O.
//
// The rule. A fragment begins where the one before ended. It ends, at a picture's start,
//  - before the first picture that starts at or after the end of the recording,
//  - before the next key frame (which also ends the segment when the segment is long enough),
//  - or so that its pictures last fragment_ns at the most; a picture longer than that is a fragment alone.
// Sound goes with the picture beside which it starts. A fragment is ready when picture and sound have passed its
// end, or BC_CUT_LATE_NS after fragment_ns are over; what comes later goes into the next one. At the end of a segment
// or recording sound has its last chance and is waited for longer (BC_CUT_LAST_NS). More than BC_CUT_SOUNDS_MAX late
// sound units at once take several fragments, and the segment ends a GOP later for them.
// A unit of telemetry lasts until the next one and goes into the fragment in which it ends, so that it is written once
// and whole: usually the fragment that ends the GOP. It is never waited for: it is in the ring before the picture that
// ends it.
#ifndef BC_EVIDENCE_CUT_H
#define BC_EVIDENCE_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/ring.h"

// Together as many as a fragment can hold (format/fragment.h).
#define BC_CUT_PICTURES_MAX 1536
#define BC_CUT_SOUNDS_MAX 1536
#define BC_CUT_TELEMETRY_MAX 512 // of each lane
#define BC_CUT_UNITS_MAX (BC_CUT_PICTURES_MAX + BC_CUT_SOUNDS_MAX + 2 * BC_CUT_TELEMETRY_MAX)
#define BC_CUT_LATE_NS (200 * INT64_C(1000000))
#define BC_CUT_LAST_NS (2500 * INT64_C(1000000))

struct bc_cut_rule {
        bool sound;               // the stream has a sound lane
        bool segment_begun;       // false: the fragment begins a segment and must have a picture
        int64_t fragment_ns;
        size_t payload_bytes_max; // pictures do not fill a fragment beyond, unless one alone does
        int64_t from_ns;          // where the fragment begins
        int64_t segment_until_ns; // the segment ends at the first key frame that starts then or later
        int64_t sound_from_ns;    // sound units that start earlier are skipped
        int64_t end_ns;           // of the recording; BC_NS_NEVER while it is not stopped
};

struct bc_cut_telemetry {
        size_t units;
        int64_t end_ns; // of the last of them
};

struct bc_cut {
        size_t pictures, sounds;
        struct bc_cut_telemetry text, position;
        int64_t end_ns;         // where the fragment ends: start of the first picture not in it
        bool picture_end_guessed; // the last picture's end did not come in time and is end_ns
        bool segment_ends, recording_ends;
        struct bc_unit ending;  // what ends the recording: the first picture not in it, or the end of the lane; its time,
                                // flags and lost tell of the time before it. time_ns -1: neither
        bool sound_missing;     // segment or recording ends without having seen all its sound
        bool sound_ended;       // the sound lane ended well before the fragment does
        size_t payload_bytes;
};

// Decides. 0: *ret_cut is the next fragment (both counts may be 0 when the recording ends). -EAGAIN: not yet; look
// again when the ring changes, or at *ret_wake_ns. -EPIPE: the reader was overtaken. Moves the cursor's sound over
// units before sound_from_ns, and telemetry over units before the segment's start, otherwise leaves it.
int bc_cut_decide(struct bc_ring *ring, struct bc_cursor *cursor, const struct bc_cut_rule *rule, int64_t now_ns,
                  struct bc_cut *ret_cut, int64_t *ret_wake_ns);

#endif
