// SPDX-License-Identifier: EUPL-1.2
// Within the part: pieces of bc_recording_judge().
#ifndef BC_VERIFY_RECORDING_END_H
#define BC_VERIFY_RECORDING_END_H

#include "verify/recording.h"

// The last one before segment i in which the recorder, not recovery, signed something: the chain goes on from there. NULL: none.
const struct bc_segment_verdict *bc_recording_before(const struct bc_recording_verdict *verdict, size_t i);

// Whether segment i is the next one after segment i - 1: by its number, or, where numbers are skipped, because what the recorder signed
// first in it follows what it had signed last.
bool bc_recording_goes_on(const struct bc_recording_verdict *verdict, size_t i);

// Time from segment i - 1 to segment i, in each track.
void bc_recording_judge_time(struct bc_recording_verdict *verdict, size_t i);

// How the recording ends: closed, recovered, or not.
void bc_recording_judge_end(struct bc_recording_verdict *verdict);

// What the tail anchor, as the record of recovery in or beside the last segment states it, says of the recording's end. Whether it
// proves it.
bool bc_recording_judge_anchor(struct bc_recording_verdict *verdict, const struct bc_segment_verdict *last);

// The oldest age at which a tail anchor proves an end.
#define BC_RECORDING_ANCHOR_AGE_NS (2 * BC_NS_PER_S)

// How many tails of one segment without a file there are that hold something, if all that are of any such segment are its, and are these bytes; else 0.
size_t bc_recording_tails_behind(const struct bc_recording_verdict *verdict, uint32_t segment, uint64_t bytes,
                                 const uint8_t sha256[BC_HASH_BYTES]);

// What recovery set aside.
void bc_recording_judge_tails(struct bc_recording_verdict *verdict);

#endif
