// SPDX-License-Identifier: EUPL-1.2
// What a recorder, a ledger and recovery sign with in tests: a key of its own with certificates, a signer on the bench's clock, and
// a pace and a temper that tests choose.
#ifndef NOTARY_H
#define NOTARY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence/attest.h"
#include "papers.h"

#define NOTARY_DEVICE "test" // as the stores of these tests call it

struct notary_temper {
        int64_t pace_ns, pace_max_ns; // of the clock; max above it: each signature at random between the two
        unsigned fails_one_in;        // at random; 0: never
        bool broken;                  // always
        bool lost;                    // the receiver says a position that is none
        uint32_t seed;
};

struct notary {
        struct paper authority, device;
        struct bc_record_bytes certificate[2], public_key; // DER, its own
        uint8_t x5t[BC_HASH_BYTES];
        struct bc_clock *clock;
        struct bc_signer *signer;
        struct bc_facts facts;
        struct bc_attestation attestation;

        pthread_mutex_t mutex; // over the following
        struct notary_temper temper;
        unsigned asked, failed;
};

// The keys, once; then a signer for each clock.
void notary_make(struct notary *notary);
// The same device by the same authority, with another key.
void notary_make_again(struct notary *notary, const struct notary *before);
void notary_done(struct notary *notary);
// epoch and boot: of what it signs.
void notary_open(struct notary *notary, struct bc_clock *clock, uint64_t epoch, uint64_t boot);
// Opens it, and has it keep a ledger, which it returns: the test frees it.
struct bc_ledger *notary_open_ledger(struct notary *notary, struct bc_clock *clock, int store_fd, const char *anchor);
struct bc_ledger_owner notary_owner(const struct notary *notary); // borrows from it
void notary_close(struct notary *notary); // the clock must be free to run, or the signer idle

void notary_set(struct notary *notary, const struct notary_temper *temper);
unsigned notary_failures(struct notary *notary);

// A deterministic number for tests.
uint32_t notary_random(uint32_t *state);

#endif
