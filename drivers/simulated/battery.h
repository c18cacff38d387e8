// SPDX-License-Identifier: EUPL-1.2
// A battery whose level is set by a function call. Thread-bound: the main loop's thread, as the port asks for.
#ifndef BC_SIMULATED_BATTERY_H
#define BC_SIMULATED_BATTERY_H

#include "bodycam/battery.h"

// Has this level at first, and tells it at each start. 0, -EINVAL: nonsense; -ENOMEM.
int bc_simulated_battery_open(const struct bc_battery_level *level, struct bc_battery **ret_battery);

// Has this level from now on; where it differs, the sink is called before this returns. 0, -EINVAL: nonsense; -ENODEV:
// not started.
int bc_simulated_battery_set(struct bc_battery *battery, const struct bc_battery_level *level);

#endif
