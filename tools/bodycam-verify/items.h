// SPDX-License-Identifier: EUPL-1.2
// What the paths of the command line lead to: files, recordings' folders, stores. Thread-bound.
#ifndef BC_BODYCAM_VERIFY_ITEMS_H
#define BC_BODYCAM_VERIFY_ITEMS_H

#include "verify/report.h"

#define BC_ITEM_RECORDINGS_MAX 1000000 // in one store

// Opens what a path leads to; what cannot be opened is a finding of the item. 0 or -ENOMEM; bc_item_done() in any case.
int bc_item_open(const char *path, struct bc_report_item *ret_item);
void bc_item_done(struct bc_report_item *item);

#endif
