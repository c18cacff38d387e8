// SPDX-License-Identifier: EUPL-1.2
// An indicator with every light, a tone and vibration, that remembers what it showed and when. Thread-bound: the main
// loop's thread, as the port asks for.
#ifndef BC_SIMULATED_INDICATOR_H
#define BC_SIMULATED_INDICATOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/indicator.h"

#define BC_SIMULATED_INDICATOR_CHANGES 256

// The indication that stands from time_ns on.
struct bc_simulated_indicator_change {
        int64_t time_ns;
        struct bc_indication indication;
};

// Dark, silent and still at first. Borrows the clock. 0 or -ENOMEM.
int bc_simulated_indicator_open(struct bc_clock *clock, struct bc_indicator **ret_indicator);

// What stands now.
struct bc_indication bc_simulated_indicator_shows(const struct bc_indicator *indicator);

// Takes out the oldest changes, at most room of them, oldest first, and returns how many. An indication like the one
// before is no change. The newest BC_SIMULATED_INDICATOR_CHANGES are kept; *ret_lost: how many older ones were dropped
// since the last call.
size_t bc_simulated_indicator_take(struct bc_indicator *indicator, struct bc_simulated_indicator_change *changes,
                                   size_t room, uint64_t *ret_lost);

#endif
