// SPDX-License-Identifier: EUPL-1.2
// How long room and battery last, in minutes, and the warnings when that is little.
//
// Minutes are what an officer plans with: of recording at the bit rates set, of running at the present load. Warned is
// once at BC_SUPPLIES_FIRST_MIN and once at BC_SUPPLIES_LAST_MIN, on the way down; again only after it was well above.
//
// The reserve is room that ordinary recordings do not take: when nothing else is left, the controller is told so
// (BC_EVENT_RESERVE_REACHED), and again when there is well more (BC_EVENT_RESERVE_LEFT). Closing a recording adds its tables,
// deleting and offloading give room: so the two are BC_SUPPLIES_WELL_ABOVE_MIN apart. An emergency is then warned of its own.
//
// Thread-bound: the main loop's thread. Asks nothing of the card: the recorder does.
#ifndef BC_CONTROL_SUPPLIES_H
#define BC_CONTROL_SUPPLIES_H

#include <stdint.h>

#include "base/loop.h"
#include "bodycam/battery.h"
#include "control/controller.h"
#include "evidence/minutes.h"
#include "evidence/recorder.h"

#define BC_SUPPLIES_FIRST_MIN 30
#define BC_SUPPLIES_LAST_MIN 10
#define BC_SUPPLIES_WELL_ABOVE_MIN 3 // a figure that wavers warns once
#define BC_SUPPLIES_UNKNOWN (-1)

struct bc_supplies;

// rate: sound 0: there is none. reserve_min: 0: there is none, and ordinary recordings go on to the last byte. Borrows the
// rest. 0 or -ENOMEM.
int bc_supplies_new(struct bc_loop *loop, struct bc_controller *controller, struct bc_recorder *recorder,
                    const struct bc_minutes_rate *rate, uint32_t reserve_min, struct bc_supplies **ret_supplies);
void bc_supplies_free(struct bc_supplies *supplies);

// For bc_battery_start().
struct bc_battery_sink bc_supplies_battery_sink(struct bc_supplies *supplies);

// Minutes of recording that there is room for beside the reserve; BC_SUPPLIES_UNKNOWN: the store has not been asked yet.
int64_t bc_supplies_storage_minutes(const struct bc_supplies *supplies);

// Of nothing is known before the battery has told; without one neither.
const struct bc_battery_level *bc_supplies_battery(const struct bc_supplies *supplies);

#endif
