// SPDX-License-Identifier: EUPL-1.2
// Fills the telemetry lanes of the ring: says of each picture what is new with it.
//
// A text is appended with every key frame, with the first picture of every change (marks, clock, position gained or lost),
// and when a second has passed; a position with every key frame, so that each segment begins with it, and with the first picture
// after each new fix and after its loss. What is told holds until the next unit of the lane.
//
// Thread-bound: the video thread's. Allocates nothing.
#ifndef BC_MEDIA_NARRATOR_H
#define BC_MEDIA_NARRATOR_H

#include <stdbool.h>

#include "bodycam/moment.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "media/caption.h"
#include "media/gpmf.h"

struct bc_narrator {
        struct bc_ring *ring;
        struct bc_telemetry_stream lanes;
        const char *device, *unit;

        bool begun;
        struct bc_moment cue; // of the newest text
        bool fix_told;        // the newest position told is a fix
        int64_t fix_ns;       // of that fix
        bool failed[BC_LANE_COUNT]; // the lane's last append failed, which was logged
        uint8_t text[BC_CAPTION_BYTES_MAX], position[BC_GPMF_BYTES_MAX];
};

// Borrows ring and texts. lanes: those the ring has.
void bc_narrator_init(struct bc_narrator *narrator, struct bc_ring *ring, const struct bc_telemetry_stream *lanes,
                      const char *device, const char *unit);

// A picture of this moment is about to be encoded, as a key frame or not. Times go on from call to call. Trouble with telemetry
// is logged once and stops no picture.
void bc_narrator_tell(struct bc_narrator *narrator, const struct bc_moment *moment, bool key);

// Nothing more is told: the lanes end.
void bc_narrator_end(struct bc_narrator *narrator, int64_t end_ns);

#endif
