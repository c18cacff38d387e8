// SPDX-License-Identifier: EUPL-1.2
// Within the part: pieces of bc_recording_judge().
#ifndef BC_VERIFY_RECORDING_END_H
#define BC_VERIFY_RECORDING_END_H

#include "verify/recording.h"

// Time from segment i - 1 to segment i, in each track.
void bc_recording_judge_time(struct bc_recording_verdict *verdict, size_t i);

// How the recording ends: closed, recovered, or not.
void bc_recording_judge_end(struct bc_recording_verdict *verdict);

// What recovery set aside.
void bc_recording_judge_tails(struct bc_recording_verdict *verdict);

#endif
