// SPDX-License-Identifier: EUPL-1.2
// Saying what is missing: from the flags of the units that became durable to the gaps of the manifest.
#ifndef BC_EVIDENCE_DECLARE_H
#define BC_EVIDENCE_DECLARE_H

#include "evidence/recording.h"

// Declares a gap of the recording; to_ns BC_NS_NEVER: it still lasts.
void bc_declare_gap(struct bc_recording *recording, enum bc_gap_kind kind, int64_t from_ns, int64_t to_ns,
                    uint64_t count);

// The units of the fragment in the recording's buffer are durable: slates, silence, muted sound and lost frames among them
// are declared, and what is missing before it. A GOP repeated after a failed write is not declared twice.
void bc_declare_units(struct bc_recording *recording, const struct bc_cut *cut);

// Declares what the clock says from time_ns on, and how far it was moved there.
void bc_declare_clock(struct bc_recording *recording, int64_t time_ns);

// The recording ends with this cut: what was lost between its last picture and its end is told by what ended it, which
// is not part of it.
void bc_declare_end(struct bc_recording *recording, const struct bc_cut *cut, int64_t end_ns);

// The stream ended, by a failed encoder, while it should still be recorded: says so, and from when on nothing was.
void bc_declare_early_end(struct bc_recording *recording, int64_t end_ns, int64_t now_ns);

// What the recording is, now that it is over; the record that ends its last segment says so, too.
void bc_declare_over(struct bc_recording *recording, int64_t end_ns, const char *stop_reason, int64_t now_ns);

#endif
