// SPDX-License-Identifier: EUPL-1.2
// A store with a ledger and two recordings that hang on it, to be changed and judged.
#ifndef TEST_VERIFY_STORE_TRIAL_H
#define TEST_VERIFY_STORE_TRIAL_H

#include "forge_ledger.h"
#include "trial.h"
#include "verify/bracket.h"
#include "verify/store.h"
#include "verify/witness.h"

#define STORE_RECORDINGS_MAX 8

struct store_trial {
        struct trial *trial;
        struct forge_ledger *ledger;
        struct forge *recording[STORE_RECORDINGS_MAX];
        size_t recordings;
        const char *manifest, *signed_text; // of a recording without segments: manifest.json, what manifest.sig is over; NULL: none
        struct bc_witnesses witnesses;
        // What the last judgement came to.
        struct bc_ledger_verdict verdict;
        struct bc_findings findings; // of ledger, store and recordings together
        bool judged;
        int64_t not_before_ns[STORE_RECORDINGS_MAX], not_after_ns[STORE_RECORDINGS_MAX];
};

// Start 1 (not clean) with recordings 17 and 18, a stop; start 2, a stop. Lawful and complete.
void store_trial_init(struct store_trial *store, struct trial *trial);
// Without recordings, and nothing in the ledger yet.
void store_trial_init_empty(struct store_trial *store, struct trial *trial);
void store_trial_done(struct store_trial *store);

// Begins and closes a recording of these words, one segment each; NULL ends them. closed: the ledger says so.
struct forge *store_trial_record(struct store_trial *store, uint64_t number, bool closed,
                                 const char *const *words);

// Saves, judges, removes.
enum bc_verdict store_trial_judge(struct store_trial *store);
// And fails unless it comes to this, with a finding of the code, of that verdict.
void store_trial_expect(struct store_trial *store, enum bc_verdict expected);
void store_trial_expect_found(struct store_trial *store, enum bc_verdict expected, enum bc_finding_code code);

#endif
