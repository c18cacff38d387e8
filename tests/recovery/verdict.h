// SPDX-License-Identifier: EUPL-1.2
// What the verifier says of a recording that was recovered. Who signed is not asked: the keys are of these tests.
#ifndef VERDICT_H
#define VERDICT_H

#include "unit/evidence/specimen.h"
#include "verify/finding.h"
#include "verify/opener.h"

// What sealed files are opened with from now on; NULL: nothing. Borrowed.
void verdict_key(const struct bc_opener *opener);

// Of recording 1, where there is a folder of it. shown: prints what was found.
enum bc_verdict verdict_of(const struct clinic *clinic, bool shown);

// The same with the store's ledger.
enum bc_verdict verdict_of_store(const struct clinic *clinic, bool shown);

// Of recordings 1 to so many, each with the ledger's and the store's; prints what looks tampered with.
void verdict_of_each(const struct clinic *clinic, size_t recordings, enum bc_verdict ret_verdict[]);

// That it is that; else prints what was found, and fails.
void verdict_expect_store(const struct clinic *clinic, enum bc_verdict expected, int line);
#define EXPECT_STORE(clinic, verdict) verdict_expect_store(clinic, verdict, __LINE__)

// Whether the ledger states that something of recording 1 was left as it is.
bool verdict_is_given_up(const struct clinic *clinic);

// How many alarms of the ledger say this.
unsigned verdict_alarms(const struct clinic *clinic, const char *text);

#endif
