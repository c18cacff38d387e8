// SPDX-License-Identifier: EUPL-1.2
// What the manifest declares and no record says yet: gaps, marks, and what the clock says go into the next record, as many as it
// takes; the rest into the one after it. An entry that changes is news again.
//
// Thread-bound to the recorder.
#ifndef BC_EVIDENCE_NEWS_H
#define BC_EVIDENCE_NEWS_H

#include <stdbool.h>

#include "evidence/manifest.h"
#include "format/record.h"

// Drops from the manifest what no record can state: a gap that ends before it begins, a time before the clock's beginning. Such an
// entry is wrong already, and what a record proves must not hang on it. Returns how many there were.
size_t bc_news_sift(struct bc_manifest *manifest);

// Whether there are any that no durable record has.
bool bc_news_waits(const struct bc_manifest *manifest);

// Puts them into the record. Returns whether there are more than it took.
bool bc_news_ask(struct bc_manifest *manifest, struct bc_record *record);

// The record that has them is durable: they are stated. false: it came to nothing, they are news again.
void bc_news_settle(struct bc_manifest *manifest, bool durable);

// Marks that no durable record states.
size_t bc_news_unstated_marks(const struct bc_manifest *manifest);

#endif
