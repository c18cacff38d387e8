// SPDX-License-Identifier: EUPL-1.2
// What the log is told of a recording: lines that the journal finds by kind and by name (bodycam/journal.h).
//
// The recorder's thread.
#ifndef BC_EVIDENCE_ANNOUNCE_H
#define BC_EVIDENCE_ANNOUNCE_H

#include <stdint.h>

#include "evidence/recording.h"

// It has its number and its folder.
void bc_announce_begun(const struct bc_recording *recording);
// It is closed, at media time end_ns.
void bc_announce_closed(const struct bc_recording *recording, int64_t end_ns);
// What a record was to state beside the range that it proves, and could not: so many entries of
// the manifest; 0: what is known of time, position and battery then.
void bc_announce_left_out(const struct bc_recording *recording, size_t entries);
// From there to there, as it is declared, it could not be written in time.
void bc_announce_gap(const struct bc_recording *recording, int64_t from_ticks, int64_t to_ticks);
// Marks of the recording that no record of it states; returns how many. The ledger is told of each, without the words.
size_t bc_announce_unstated_marks(const struct bc_recording *recording);
// A mark of which nothing else will tell. recording 0: one that has no number. ledger NULL: nobody is told.
void bc_announce_lost_mark(struct bc_ledger *ledger, int64_t now_ns, uint64_t recording, int64_t mark_ns);

#endif
