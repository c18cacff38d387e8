// SPDX-License-Identifier: EUPL-1.2
// What the paths of the command line lead to: files, recordings' folders, stores. Thread-bound.
#ifndef BC_BODYCAM_VERIFY_ITEMS_H
#define BC_BODYCAM_VERIFY_ITEMS_H

#include "verify/report.h"
#include "verify/witness.h"

#define BC_ITEM_RECORDINGS_MAX 1000000 // in one store

// Opens what a path leads to, and judges the ledger of a store; what cannot be opened is a finding of the item. 0 or -ENOMEM;
// bc_item_done() in any case. Recordings of a store get their `not after` from the witnesses.
int bc_item_open(const struct bc_judge *judge, const char *path, struct bc_report_item *ret_item);
// After all recordings were judged: recordings against ledgers, ledgers against each other and against what was witnessed.
void bc_items_judge(const struct bc_witnesses *witnesses, struct bc_report_item *item, size_t items);

void bc_item_done(struct bc_report_item *item);

#endif
