// SPDX-License-Identifier: EUPL-1.2
// The connection: made, lost, made again.
#include "control/dbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "control/dbus_object.h"

#define PAUSE_FIRST_NS BC_NS_PER_S
#define PAUSE_LAST_NS (30 * BC_NS_PER_S)

static void disconnect(struct bc_dbus *dbus)
{
        bc_dbus_recorder_disconnected(dbus);
        bc_dbus_simulation_disconnected(dbus);
        if (!dbus->bus)
                return;
        sd_bus_detach_event(dbus->bus);
        dbus->bus = sd_bus_close_unref(dbus->bus);
}

static void try_later(struct bc_dbus *dbus, const char *what, int error)
{
        if (!dbus->complained)
                bc_log_warning("D-Bus: %s: %s; recording goes on without, looking for it again", what,
                               strerror(-error));
        dbus->complained = true;
        bc_timer_set(dbus->reconnect, bc_clock_now_ns(bc_loop_clock(dbus->loop)) + dbus->pause_ns);
        dbus->pause_ns = dbus->pause_ns * 2 < PAUSE_LAST_NS ? dbus->pause_ns * 2 : PAUSE_LAST_NS;
}

// Not from inside a callback of the connection itself: that is still in use there.
static int on_disconnected(sd_bus_message *message, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;

        (void)message;
        (void)error;
        try_later(dbus, "the connection is lost", -ECONNRESET);
        return 0;
}

static int on_name(sd_bus_message *message, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;

        uint32_t result = 0;

        (void)error;
        if (sd_bus_message_is_method_error(message, NULL)) {
                try_later(dbus, "the name " BC_DBUS_NAME " is refused", -sd_bus_message_get_errno(message));
                return 0;
        }
        if (sd_bus_message_read(message, "u", &result) < 0 || result != 1) {
                try_later(dbus, "another process has the name " BC_DBUS_NAME, -EEXIST);
                return 0;
        }
        bc_log_info("D-Bus: " BC_DBUS_NAME " is offered");
        dbus->complained = false;
        dbus->pause_ns = PAUSE_FIRST_NS;
        return 0;
}

static int offer(struct bc_dbus *dbus)
{
        int r;

        r = sd_bus_add_object_vtable(dbus->bus, NULL, BC_DBUS_PATH, BC_DBUS_RECORDER, bc_dbus_recorder_vtable, dbus);
        if (r >= 0 && dbus->config.simulation)
                r = sd_bus_add_object_vtable(dbus->bus, NULL, BC_DBUS_PATH, BC_DBUS_SIMULATION,
                                             bc_dbus_simulation_vtable, dbus);
        if (r >= 0)
                r = sd_bus_match_signal(dbus->bus, NULL, "org.freedesktop.DBus.Local",
                                        "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                                        on_disconnected, dbus);
        if (r >= 0)
                r = sd_bus_request_name_async(dbus->bus, NULL, BC_DBUS_NAME, 0, on_name, dbus);
        if (r >= 0)
                r = sd_bus_attach_event(dbus->bus, bc_loop_event(dbus->loop), 0);
        return r < 0 ? r : 0;
}

static void connect_bus(struct bc_dbus *dbus)
{
        int r;

        disconnect(dbus);
        r = dbus->config.bus == BC_BUS_SYSTEM ? sd_bus_open_system(&dbus->bus) : sd_bus_open_user(&dbus->bus);
        if (r >= 0)
                r = offer(dbus);
        if (r >= 0)
                return;
        disconnect(dbus);
        try_later(dbus, dbus->config.bus == BC_BUS_SYSTEM ? "no system bus" : "no session bus", r);
}

static void on_reconnect(void *user, int64_t due_ns)
{
        (void)due_ns;
        connect_bus(user);
}

BC_DEFINE_CLEANUP(dbus, struct bc_dbus, bc_dbus_free)

int bc_dbus_new(struct bc_loop *loop, const struct bc_dbus_parts *parts, const struct bc_dbus_config *config,
                struct bc_dbus **ret_dbus)
{
        BC_CLEANUP(bc_cleanup_dbus) struct bc_dbus *dbus = calloc(1, sizeof(*dbus));
        int r;

        if (!dbus)
                return -ENOMEM;
        dbus->loop = loop;
        dbus->parts = *parts;
        dbus->controller = parts->controller;
        dbus->store = parts->store;
        dbus->config = *config;
        dbus->pause_ns = PAUSE_FIRST_NS;
        if (config->simulation)
                dbus->simulation = *config->simulation;
        r = bc_timer_new(loop, on_reconnect, dbus, &dbus->reconnect);
        if (r == 0)
                r = bc_dbus_recorder_init(dbus);
        if (r == 0)
                r = bc_dbus_simulation_init(dbus);
        if (r < 0)
                return r;
        if (config->bus != BC_BUS_NONE)
                bc_timer_set(dbus->reconnect, 0);
        *ret_dbus = BC_TAKE(dbus);
        return 0;
}

void bc_dbus_free(struct bc_dbus *dbus)
{
        if (!dbus)
                return;
        disconnect(dbus); // without flushing: a bus that hangs must not hold up the end
        bc_dbus_recorder_done(dbus);
        bc_dbus_simulation_done(dbus);
        bc_timer_free(dbus->reconnect);
        free(dbus);
}
