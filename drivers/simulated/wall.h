// SPDX-License-Identifier: EUPL-1.2
// A wall clock that is set by a function call and goes as media time goes. Thread-bound: the main loop's thread.
#ifndef BC_SIMULATED_WALL_H
#define BC_SIMULATED_WALL_H

#include <stdint.h>

#include "base/loop.h"
#include "bodycam/wall.h"

// What it shows now, by whom it is set, and how wrong it may be. All zero is a clock that was never set.
struct bc_simulated_wall_config {
        int64_t utc_ns;
        enum bc_utc_source source;
        int64_t uncertainty_ns; // >= 0
};

// Shows config at the time of opening. Borrows the loop. 0, -EINVAL (no such source, negative uncertainty), -ENOMEM.
int bc_simulated_wall_open(struct bc_loop *loop, const struct bc_simulated_wall_config *config,
                           struct bc_wall **ret_wall);

// Sets it: from now on it shows this. When started, the sink is called before this returns. 0 or -EINVAL.
int bc_simulated_wall_step(struct bc_wall *wall, const struct bc_simulated_wall_config *config);

#endif
