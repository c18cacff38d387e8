// SPDX-License-Identifier: EUPL-1.2
// The machine's own wall clock (CLOCK_REALTIME), with what the kernel knows of who keeps it:
//
// BC_UTC_NONE: it shows a time before this build, or more than BC_UTC_YEARS after it: never set.
// BC_UTC_NTP: a time service keeps it. How wrong it may be is what that service says, at least
// BC_SYSTEM_WALL_NTP_ERROR_NS: systemd-timesyncd says 0 at each of its corrections, whatever the way to its server
// costs.
// BC_UTC_RTC: nobody has checked it. Nothing tells how wrong it is; BC_SYSTEM_WALL_RTC_ERROR_NS, a day, covers what
// goes wrong with clocks set by hand or by a battery-backed clock: local time taken for UTC (14 hours), and 100 ppm
// over years.
//
// Told at once when the clock is set, within BC_SYSTEM_WALL_LOOK_NS when its source changes, of which the kernel
// tells nobody. Where the kernel may not be asked (a filter that refuses adjtimex(2), as systemd's @clock does) the
// source is never BC_UTC_NTP. Thread-bound: the main loop's thread.
#ifndef BC_SYSTEM_WALL_H
#define BC_SYSTEM_WALL_H

#include "base/loop.h"
#include "bodycam/time.h"
#include "bodycam/wall.h"

#define BC_SYSTEM_WALL_NTP_ERROR_NS (100 * BC_NS_PER_MS)
#define BC_SYSTEM_WALL_RTC_ERROR_NS (24 * 3600 * BC_NS_PER_S)
#define BC_SYSTEM_WALL_LOOK_NS BC_NS_PER_S

// Borrows the loop. 0 or -ENOMEM. Starting may fail with what timerfd_create(2) may.
int bc_system_wall_open(struct bc_loop *loop, struct bc_wall **ret_wall);

#endif
