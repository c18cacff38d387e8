// SPDX-License-Identifier: EUPL-1.2
// Hears what receiver and wall clock tell, believes what can be true, and hands it on to the telemetry.
//
// A clock that was set is logged and, when a recording lies in its time, declared by whoever reads the telemetry; nothing
// here moves media time.
//
// Thread-bound: the main loop's thread.
#ifndef BC_CONTROL_OBSERVER_H
#define BC_CONTROL_OBSERVER_H

#include "base/loop.h"
#include "bodycam/gnss.h"
#include "bodycam/wall.h"
#include "media/telemetry.h"

struct bc_observer;

struct bc_observer_sink {
        void (*on_change)(void *user); // a flag of the status may be new: clock set or lost, position gained or lost
        void *user;
};

// Borrows all. 0 or -ENOMEM.
int bc_observer_new(struct bc_loop *loop, struct bc_telemetry *telemetry, int64_t fresh_ns,
                    const struct bc_observer_sink *sink, struct bc_observer **ret_observer);
void bc_observer_free(struct bc_observer *observer);

// For bc_gnss_start() and bc_wall_start().
struct bc_gnss_sink bc_observer_gnss_sink(struct bc_observer *observer);
struct bc_wall_sink bc_observer_wall_sink(struct bc_observer *observer);

#endif
