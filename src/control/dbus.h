// SPDX-License-Identifier: EUPL-1.2
// D-Bus: org.bodycam.Recorder1 and, for simulated devices, org.bodycam.Simulation1 at /org/bodycam/Recorder1.
//
// Recording does not depend on a bus: one that is missing or goes away is logged and looked for again, at growing
// intervals. All that a caller sends is bounded and checked here. Thread-bound: the main loop's thread.
#ifndef BC_CONTROL_DBUS_H
#define BC_CONTROL_DBUS_H

#include "base/loop.h"
#include "control/controller.h"
#include "control/officer.h"
#include "control/settings.h"
#include "control/simulation.h"
#include "control/supplies.h"
#include "evidence/store.h"

#define BC_DBUS_NAME "org.bodycam.Recorder1"
#define BC_DBUS_PATH "/org/bodycam/Recorder1"
#define BC_DBUS_RECORDER "org.bodycam.Recorder1"
#define BC_DBUS_SIMULATION "org.bodycam.Simulation1"
#define BC_DBUS_REFUSED "org.bodycam.Error.Refused"

#define BC_DBUS_REASON_BYTES_MAX 48
#define BC_DBUS_INDICATIONS_MAX 256 // in one answer
#define BC_DBUS_WAITING_MAX 16 // calls that wait for durability

struct bc_dbus;
struct bc_ledger;

struct bc_dbus_config {
        enum bc_bus bus;
        const struct bc_simulation *simulation; // NULL: not offered. Borrowed, copied
};

// What calls and properties are about. All borrowed.
struct bc_dbus_parts {
        struct bc_controller *controller;
        struct bc_store *store;
        struct bc_ledger *ledger; // NULL: none is kept
        struct bc_officer *officer;
        const struct bc_supplies *supplies;
        const struct bc_settings *settings; // those that run
};

// Connects as soon as the loop runs. 0 or negative errno; a missing bus is no error.
int bc_dbus_new(struct bc_loop *loop, const struct bc_dbus_parts *parts, const struct bc_dbus_config *config,
                struct bc_dbus **ret_dbus);
void bc_dbus_free(struct bc_dbus *dbus);

#endif
