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

// What recovery set aside.
void bc_recording_judge_tails(struct bc_recording_verdict *verdict);

#endif
