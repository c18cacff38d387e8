// SPDX-License-Identifier: EUPL-1.2
// The kernel's UTC (CLOCK_REALTIME), read together with media time, and word of its being set. Thread-bound: the
// loop's thread.
#ifndef BC_BASE_UTC_CLOCK_H
#define BC_BASE_UTC_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"

// At media time time_ns the kernel's clock showed utc_ns, give or take reading_error_ns: the two clocks are read one
// after the other.
struct bc_utc_reading {
        int64_t time_ns, utc_ns, reading_error_ns;
        bool synchronised;    // a time service says that it keeps this clock, and has said so lately
        int64_t max_error_ns; // from true UTC, by that service's word, with what it is still slewing away
};

// Never fails: where the kernel does not tell who keeps the clock, nobody does.
void bc_utc_read(struct bc_clock *clock, struct bc_utc_reading *ret_reading);

struct bc_utc_watch;

// Calls on_set each time the clock was set, not when it is slewed. On waking from suspend it may be called too. The
// watch may be freed in the call. 0 or negative errno.
int bc_utc_watch_new(struct bc_loop *loop, void (*on_set)(void *user), void *user,
                     struct bc_utc_watch **ret_watch);
void bc_utc_watch_free(struct bc_utc_watch *watch);

#endif
