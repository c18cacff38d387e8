// SPDX-License-Identifier: EUPL-1.2
// A main loop on a thread of its own under a simulated clock, so that a test can say one line after the other what
// happens on the loop's thread and how long it goes on.
#ifndef BC_TESTS_STAGE_H
#define BC_TESTS_STAGE_H

#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/thread.h"

struct bc_stage {
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_thread *thread; // from the first act on
        void (*act)(void *user);
        void *user;
};

// 0 or negative errno. Time stands at start_ns.
int bc_stage_init(struct bc_stage *stage, int64_t start_ns);
void bc_stage_done(struct bc_stage *stage);

// Calls act on the loop's thread and waits until all that is due at this time has been done.
void bc_stage_do(struct bc_stage *stage, void (*act)(void *user), void *user);

void bc_stage_run_for(struct bc_stage *stage, int64_t ns);

#endif
