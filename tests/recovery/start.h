// SPDX-License-Identifier: EUPL-1.2
// A start of the daemon with a ledger: it is opened, told of the start, recovery goes through the store, and it is stopped in order.
#ifndef START_H
#define START_H

#include "unit/evidence/scene.h"

struct start {
        const struct bc_anchor_state *anchor; // its tail, as it was found; NULL: there is none
        void (*tell)(struct bc_ledger *ledger, void *user); // what else happened in that run, before recovery; NULL: nothing
        void *user;
        bool idle; // recovery does not run
        bool cut_off; // the power goes as soon as recovery is through: what the ledger was told may be lost
};

// For `tell`: recording 1 has begun; user not NULL: and recording 2, that it came to nothing.
void start_begin(struct bc_ledger *ledger, void *user);

struct bc_recovery_report start_run(const struct clinic *clinic, const struct start *start);

#endif
