// SPDX-License-Identifier: EUPL-1.2
// One fragment on its way from the ring to the file: its units copied, and timed on their tracks.
//
// Made once, used for all recordings of a recorder. Thread-bound.
#ifndef BC_EVIDENCE_FRAGMENT_BUFFER_H
#define BC_EVIDENCE_FRAGMENT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "bodycam/ring.h"
#include "evidence/cut.h"
#include "format/samples.h"

struct bc_fragment_buffer {
        uint8_t *bytes; // room for head and header, then the samples, then room for a record
        size_t room, payload_room;
        size_t units[BC_LANE_COUNT]; // that it holds
        struct bc_unit unit[BC_LANE_COUNT][BC_CUT_PICTURES_MAX]; // no lane has more in a fragment
        struct bc_sample sample[BC_LANE_COUNT][BC_CUT_PICTURES_MAX];
};

int bc_fragment_buffer_init(struct bc_fragment_buffer *buffer, size_t payload_bytes);
void bc_fragment_buffer_done(struct bc_fragment_buffer *buffer);

// The most that one write takes from it, as long as it does not grow.
size_t bc_fragment_buffer_bytes(const struct bc_fragment_buffer *buffer);

// Reads the units of the cut, moving the cursor. 0; -EPIPE: overtaken by the ring; -ENOMEM.
int bc_fragment_buffer_fill(struct bc_fragment_buffer *buffer, struct bc_ring *ring, struct bc_cursor *cursor,
                            const struct bc_cut *cut, size_t *ret_payload_bytes);

// Gives the units of a lane their durations: from their start times, each rounded once, against at_ticks, what the
// track has used so far: no drift. The last unit ends at end_ns.
void bc_fragment_buffer_time(struct bc_fragment_buffer *buffer, enum bc_lane lane, int64_t at_ticks, int64_t end_ns);

// The same for sound, whose units have a length of their own; a hole inside lengthens the unit before it. 0; -ESTALE:
// it does not begin at at_ticks, where the fragment before left off, so it cannot be in the same segment.
int bc_fragment_buffer_time_sound(struct bc_fragment_buffer *buffer, int64_t at_ticks);

#endif
