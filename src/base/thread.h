// SPDX-License-Identifier: EUPL-1.2
// A named thread of a clock.
#ifndef BC_BASE_THREAD_H
#define BC_BASE_THREAD_H

#include "base/clock.h"

struct bc_thread;

// name: at most 15 characters, as shown by top -H. 0 or negative errno.
int bc_thread_start(struct bc_clock *clock, const char *name, void (*run)(void *user), void *user,
                    struct bc_thread **ret_thread);

// Waits for its end and frees it. The caller is one of the clock's threads, or the clock is a real one, or the
// thread ends without simulated time passing. NULL is allowed. Telling the thread to end is the caller's business.
void bc_thread_join(struct bc_thread *thread);

#endif
