// SPDX-License-Identifier: EUPL-1.2
// Recovery: what earlier runs left unclosed becomes plain MP4 files up to the last whole fragment of each.
//
// Bytes behind that are moved to NNNN.tail, never destroyed and never vouched for. Every step may be cut off by the
// next power cut: running again ends the same way. What is no segment of its recording (a folder, a link, a segment of
// another recording) is reported and left alone. Recordings of this run are not touched, so one may begin meanwhile.
#ifndef BC_EVIDENCE_RECOVERY_H
#define BC_EVIDENCE_RECOVERY_H

#include <stdatomic.h>
#include <stdint.h>

#include "evidence/store.h"

struct bc_recovery_report {
        unsigned recordings;     // looked at
        unsigned segments;       // finalised, or found finalised without anybody having said so
        unsigned empty;          // segments without a whole fragment
        unsigned failed;         // recordings that could not be recovered; they stay listed as open
        uint64_t tail_bytes;     // moved aside
};

// Recovers every recording of an earlier run that the store lists as open. 0, even when some failed: see the report.
// -ECANCELED: *cancelled (NULL: none) was set, by any thread, before all was done; it is seen between two segments, and
// what is left is for the next start.
int bc_recovery_run(struct bc_store *store, const atomic_bool *cancelled, struct bc_recovery_report *ret_report);

#endif
