// SPDX-License-Identifier: EUPL-1.2
// Recordings against the ledger of their store (ledger.md, 7): each one that it names is there, ends as it says, and hangs on it.
// Thread-bound.
#ifndef BC_VERIFY_STORE_H
#define BC_VERIFY_STORE_H

#include "verify/ledger.h"
#include "verify/recording.h"

// After all recordings were judged. What concerns a recording that is there is found in its findings, and its verdict follows;
// what is missing, in findings. A ledger that is not whole judges nothing.
void bc_store_judge(const struct bc_ledger_verdict *ledger, struct bc_recording_verdict *recording,
                    size_t recordings, struct bc_findings *findings);

// EVIDENCE 13: two ledgers of one device that have different records of the same number. false: there is none; else the first
// one of each in *ret_one and *ret_other.
bool bc_store_find_fork(const struct bc_ledger_verdict *one, const struct bc_ledger_verdict *other,
                        const struct bc_ledger_link **ret_one, const struct bc_ledger_link **ret_other);

#endif
