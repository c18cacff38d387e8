// SPDX-License-Identifier: EUPL-1.2
// A signed bench: a recorder with a signer of some temper, and a card that fails, stalls, and tells when fragments went out. Tests that
// use it wrap fdatasync and pwrite.
#ifndef ACT_H
#define ACT_H

#include <sys/types.h>

#include "bench.h"
#include "notary.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define ACT_WRITES_MAX 2000
#define ACT_TEMPERS 10

struct act_card {
        pthread_mutex_t mutex;
        bool watched;
        struct bc_clock *clock;
        unsigned calls, fails_every, first, struck; // of writes and syncs of segments, from the first-th on
        uint32_t seed;                              // not 0: fails at random, once in fails_every
        unsigned failures;                          // that are left
        off_t lie_at; // not 0: the card keeps another byte there of each segment's first write
        int64_t stall_ns;                           // each 7th sync takes so long
        int64_t written_ns[ACT_WRITES_MAX];         // when each fragment went out
        size_t writes;
};

struct act {
        struct bench bench;
        struct notary notary;
        uint8_t first[BC_HASH_BYTES];
};

extern struct act_card card;
extern const struct notary_temper tempers[ACT_TEMPERS];
extern size_t thick_bytes; // not 0: of the issuer's certificate, for the next act

// Runs until 110 s; the card is well until then.
struct act *act_begin(const struct notary_temper *temper, int64_t segment_ns);
void act_record(struct act *act, int64_t seconds);
// With a mark each 200 ms.
void act_record_marked(struct act *act, int64_t seconds);
struct witness *act_read(struct act *act, uint64_t counter, unsigned rules);
void act_end(struct act *act);

#endif
