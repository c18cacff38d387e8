// SPDX-License-Identifier: EUPL-1.2
// Recovery: what earlier runs left unclosed becomes plain MP4 files up to the last whole fragment of each.
//
// Bytes behind that are moved to NNNN.tail, never destroyed and never vouched for. Every step may be cut off by the
// next power cut: running again ends the same way. What is no segment of its recording (a folder, a link, a segment of
// another recording) is reported and left alone. Recordings of this run are not touched, so one may begin meanwhile.
#ifndef BC_EVIDENCE_RECOVERY_H
#define BC_EVIDENCE_RECOVERY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence/store.h"

struct bc_rescue_kit;

struct bc_recovery_report {
        unsigned recordings;     // looked at
        unsigned segments;       // finalised, or found finalised without anybody having said so
        unsigned empty;          // segments without a whole fragment
        unsigned failed;         // recordings that could not be recovered; they stay listed as open
        unsigned repeated;       // recordings of which the first attempt failed
        unsigned waiting;        // recordings of which the ledger has been told, and must know before they leave the list of open ones
        uint64_t tail_bytes;     // moved aside
        bool stopped;            // before its end: the rest stays listed as open
};

// kit: what recovered segments are signed with; NULL: nothing is signed.
//
// Recovers every recording of an earlier run that the store lists as open. 0, even when some failed: see the report.
// Ends before the next file once *stop is true, which any thread may set; NULL: goes on to the end. What is left is in
// the hands of the next run, as after a power cut.
int bc_recovery_run(struct bc_store *store, const struct bc_rescue_kit *kit, const atomic_bool *stop,
                    struct bc_recovery_report *ret_report);

#endif
