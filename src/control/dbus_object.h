// SPDX-License-Identifier: EUPL-1.2
// What the files of the D-Bus object share.
#ifndef BC_CONTROL_DBUS_OBJECT_H
#define BC_CONTROL_DBUS_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "control/dbus.h"

// A start of a recording, answered when it is durable, when nothing can be recorded, or BC_HANDOVER_FIRST_NS later.
struct bc_dbus_waiting {
        struct bc_dbus *dbus;
        sd_bus_message *call; // NULL: free
        int64_t press_ns;
        struct bc_timer *timer;
};

// What was told last by PropertiesChanged.
struct bc_dbus_told {
        enum bc_state state;
        uint32_t flags;
        int64_t since_ns;
        uint64_t counter;
        bool durable;
        int64_t storage_minutes;
        struct bc_battery_level battery;
        enum bc_activation activation;
};

struct bc_dbus {
        struct bc_loop *loop;
        struct bc_dbus_parts parts;
        struct bc_controller *controller; // as in parts
        struct bc_store *store;
        struct bc_dbus_config config;
        struct bc_simulation simulation;

        sd_bus *bus; // NULL: not connected
        struct bc_timer *reconnect;
        int64_t pause_ns; // until the next attempt
        bool complained;

        struct bc_dbus_waiting waiting[BC_DBUS_WAITING_MAX];
        struct bc_dbus_told told;

        // RunUntil of the simulation.
        struct bc_watch *settled;
        sd_bus_message *run; // NULL: none waits
        int64_t run_until_ns;
};

// dbus_recorder.c
extern const sd_bus_vtable bc_dbus_recorder_vtable[];
int bc_dbus_recorder_init(struct bc_dbus *dbus);
void bc_dbus_recorder_done(struct bc_dbus *dbus);
void bc_dbus_recorder_disconnected(struct bc_dbus *dbus);

// dbus_properties.c: getters of the table in dbus_recorder.c, by the type of the value.
int bc_dbus_get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *user, sd_bus_error *error);
int bc_dbus_get_truth(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *user, sd_bus_error *error);
int bc_dbus_get_number(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *user, sd_bus_error *error);

// dbus_simulation.c
extern const sd_bus_vtable bc_dbus_simulation_vtable[];
int bc_dbus_simulation_init(struct bc_dbus *dbus);
void bc_dbus_simulation_done(struct bc_dbus *dbus);
void bc_dbus_simulation_disconnected(struct bc_dbus *dbus);

#endif
