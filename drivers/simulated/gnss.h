// SPDX-License-Identifier: EUPL-1.2
// A simulated receiver: all of a receiver but where it is. It reports on the loop's timers when its route says that a
// report is due, and plays the faults of bodycam/simulation.h. Thread-bound: the main loop's thread.
//
// The world goes on without it: a route says what belongs to which media time, so after a stop, a stall or a late turn
// of the loop it reports where it is then, and nothing of what was missed.
#ifndef BC_SIMULATED_GNSS_H
#define BC_SIMULATED_GNSS_H

#include <stdint.h>

#include "base/loop.h"
#include "bodycam/gnss.h"
#include "bodycam/simulation.h"

struct bc_route_ops {
        // Called once, at the first start.
        void (*begin)(void *route, int64_t now_ns);
        // Media time of the first report at or after from_ns; BC_NS_NEVER: there is none any more.
        int64_t (*next)(void *route, int64_t from_ns);
        // The latest report at or before now_ns, with its own media time. Called only when there is one.
        void (*report)(void *route, int64_t now_ns, struct bc_fix *ret_fix);
        void (*free)(void *route);
};

// Takes the route if it succeeds; borrows the loop. The driver's name must be a constant. 0 or -ENOMEM. The sink may
// stop or free the receiver in its calls.
int bc_simulated_gnss_new(struct bc_loop *loop, const char *driver, const struct bc_route_ops *ops,
                          void *route, struct bc_gnss **ret_gnss);

// From now on. BC_FAULT_UNPLUG calls on_error(-ENODEV) once in the loop's next turn, and again at each start while it
// lasts. After a fault the reports go on with what is due from that moment on.
void bc_simulated_gnss_set_fault(struct bc_gnss *gnss, enum bc_fault fault);

#endif
