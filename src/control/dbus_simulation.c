// SPDX-License-Identifier: EUPL-1.2
// org.bodycam.Simulation1: hands on the simulated devices, and the simulated clock.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "control/dbus_object.h"

static struct bc_clock *clock_of(const struct bc_dbus *dbus)
{
        return bc_loop_clock(dbus->loop);
}

// The place of a word in a list that ends with NULL, or -1.
static int find(const char *const *words, const char *word)
{
        for (int i = 0; words[i]; i++)
                if (strcmp(words[i], word) == 0)
                        return i;
        return -1;
}

// ---- devices -------------------------------------------------------------------------------------------------

static int on_press_button(sd_bus_message *call, void *user, sd_bus_error *error)
{
        static const char *const buttons[BC_BUTTON_COUNT + 1] = { [BC_BUTTON_RECORD] = "record",
                                                                  [BC_BUTTON_EMERGENCY] = "emergency" };
        struct bc_dbus *dbus = user;
        const char *name;
        int pressed, button, r;

        r = sd_bus_message_read(call, "sb", &name, &pressed);
        if (r < 0)
                return r;
        button = find(buttons, name);
        if (button < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "a button is one of: record, emergency");
        r = dbus->simulation.press(dbus->simulation.user, (enum bc_button)button, pressed);
        if (r == -EALREADY)
                return sd_bus_error_set(error, BC_DBUS_REFUSED,
                                        pressed ? "the button is pressed already" : "the button is not pressed");
        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int on_set_fault(sd_bus_message *call, void *user, sd_bus_error *error)
{
        static const char *const sensors[BC_SENSOR_COUNT + 1] = { [BC_SENSOR_CAMERA] = "camera",
                                                                  [BC_SENSOR_MICROPHONE] = "microphone",
                                                                  [BC_SENSOR_GNSS] = "gnss" };
        static const char *const faults[] = { [BC_FAULT_NONE] = "none",
                                              [BC_FAULT_STALL] = "stall",
                                              [BC_FAULT_UNPLUG] = "unplug",
                                              NULL };
        struct bc_dbus *dbus = user;
        const char *sensor_name, *fault_name;
        int sensor, fault, r;

        r = sd_bus_message_read(call, "ss", &sensor_name, &fault_name);
        if (r < 0)
                return r;
        sensor = find(sensors, sensor_name);
        fault = find(faults, fault_name);
        if (sensor < 0 || fault < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "a sensor is one of: camera, microphone, gnss; a fault one of: none, stall, unplug");
        r = dbus->simulation.set_fault(dbus->simulation.user, (enum bc_sensor)sensor, (enum bc_fault)fault);
        if (r == -ENODEV)
                return sd_bus_error_setf(error, BC_DBUS_REFUSED, "there is no %s", sensor_name);
        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int on_set_utc(sd_bus_message *call, void *user, sd_bus_error *error)
{
        const char *sources[BC_UTC_SOURCES + 1];
        struct bc_dbus *dbus = user;
        struct bc_utc_anchor anchor = { 0 };
        const char *name;
        int source, r;

        r = sd_bus_message_read(call, "xsx", &anchor.utc_ns, &name, &anchor.uncertainty_ns);
        if (r < 0)
                return r;
        for (int i = 0; i <= BC_UTC_SOURCES; i++)
                sources[i] = bc_utc_source_name((enum bc_utc_source)i);
        source = find(sources, name);
        if (source < 0 || anchor.uncertainty_ns < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "a source is one of: none, rtc, ntp, gnss; an uncertainty is not negative");
        anchor.source = (enum bc_utc_source)source;
        r = dbus->simulation.set_utc(dbus->simulation.user, &anchor);
        if (r == -ENODEV)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, "the wall clock is a real one: [utc] driver");
        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int on_set_battery(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        struct bc_battery_level level = { 0 };
        int64_t percent, minutes;
        int charging, r;

        r = sd_bus_message_read(call, "xxb", &percent, &minutes, &charging);
        if (r < 0)
                return r;
        if (percent < BC_BATTERY_UNKNOWN || percent > 100 || minutes < BC_BATTERY_UNKNOWN || minutes > INT32_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "percent is 0 to 100, minutes 0 or more; -1 of either: not known");
        level = (struct bc_battery_level){ (int32_t)percent, (int32_t)minutes, charging };
        r = dbus->simulation.set_battery(dbus->simulation.user, &level);
        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int append_indications(sd_bus_message *reply, const struct bc_simulated_indication *indications, int count)
{
        int r = sd_bus_message_open_container(reply, 'a', "(xuub)");

        for (int i = 0; r >= 0 && i < count; i++)
                r = sd_bus_message_append(reply, "(xuub)", indications[i].time_ns, indications[i].indication.lights,
                                          (uint32_t)indications[i].indication.tone_hz,
                                          (int)indications[i].indication.vibration);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int on_indications(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_simulated_indication indications[BC_DBUS_INDICATIONS_MAX];
        struct bc_dbus *dbus = user;
        sd_bus_message *reply = NULL;
        int r, count = dbus->simulation.take_indications(dbus->simulation.user, indications, BC_DBUS_INDICATIONS_MAX);

        (void)error;
        if (count < 0)
                return count;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = append_indications(reply, indications, count);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int on_dock(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        struct bc_outcome outcome;
        int docked, r;

        r = sd_bus_message_read(call, "b", &docked);
        if (r < 0)
                return r;
        outcome = bc_controller_handle(dbus->controller, docked ? BC_EVENT_DOCK : BC_EVENT_UNDOCK,
                                       bc_clock_now_ns(clock_of(dbus)), BC_ORIGIN_DEVICE, "dock");
        if (outcome.refusal != BC_REFUSAL_NONE)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, bc_refusal_text(outcome.refusal));
        return sd_bus_reply_method_return(call, NULL);
}

// ---- the clock -----------------------------------------------------------------------------------------------

static int on_now(sd_bus_message *call, void *user, sd_bus_error *error)
{
        (void)error;
        return sd_bus_reply_method_return(call, "x", bc_clock_now_ns(clock_of(user)));
}

static void answer_run(struct bc_dbus *dbus)
{
        int r = sd_bus_reply_method_return(dbus->run, "x", bc_clock_now_ns(clock_of(dbus)));

        if (r < 0)
                bc_log_warning("D-Bus: an answer could not be sent: %s", strerror(-r));
        dbus->run = sd_bus_message_unref(dbus->run);
}

// The clock has come to stand: it was let run to run_until_ns, and every thread waits for more.
static void on_settled(void *user, uint32_t events)
{
        struct bc_dbus *dbus = user;
        uint64_t times;

        (void)events;
        if (read(bc_clock_settled_fd(clock_of(dbus)), &times, sizeof(times)) < 0)
                return; // was read before
        if (dbus->run && bc_clock_now_ns(clock_of(dbus)) >= dbus->run_until_ns)
                answer_run(dbus);
}

static int run_until(sd_bus_message *call, struct bc_dbus *dbus, int64_t until_ns, sd_bus_error *error)
{
        if (!bc_clock_is_simulated(clock_of(dbus)))
                return sd_bus_error_set(error, BC_DBUS_REFUSED, "the clock is a real one: [clock] mode");
        if (dbus->run)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, "the clock is on its way already");
        if (until_ns < bc_clock_now_ns(clock_of(dbus)))
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "that time is past");
        dbus->run = sd_bus_message_ref(call);
        dbus->run_until_ns = until_ns;
        bc_clock_release(clock_of(dbus), until_ns);
        return 1;
}

static int on_run_until(sd_bus_message *call, void *user, sd_bus_error *error)
{
        int64_t until_ns;
        int r = sd_bus_message_read(call, "x", &until_ns);

        return r < 0 ? r : run_until(call, user, until_ns, error);
}

static int on_run_for(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        int64_t for_ns, until_ns;
        int r = sd_bus_message_read(call, "x", &for_ns);

        if (r < 0)
                return r;
        if (for_ns < 0 || __builtin_add_overflow(bc_clock_now_ns(clock_of(dbus)), for_ns, &until_ns))
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "not a time to run for");
        return run_until(call, dbus, until_ns, error);
}

const sd_bus_vtable bc_dbus_simulation_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_NAMES("PressButton", "sb", SD_BUS_PARAM(button) SD_BUS_PARAM(pressed), NULL, ,
                                 on_press_button, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetFault", "ss", SD_BUS_PARAM(sensor) SD_BUS_PARAM(fault), NULL, , on_set_fault,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetUtc", "xsx", SD_BUS_PARAM(utc) SD_BUS_PARAM(source) SD_BUS_PARAM(uncertainty), NULL, ,
                                 on_set_utc, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetBattery", "xxb", SD_BUS_PARAM(percent) SD_BUS_PARAM(minutes) SD_BUS_PARAM(charging), NULL,
                                 , on_set_battery, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Indications", NULL, , "a(xuub)", SD_BUS_PARAM(changes), on_indications,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Dock", "b", SD_BUS_PARAM(docked), NULL, , on_dock, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Now", NULL, , "x", SD_BUS_PARAM(now), on_now, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("RunUntil", "x", SD_BUS_PARAM(time), "x", SD_BUS_PARAM(now), on_run_until,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("RunFor", "x", SD_BUS_PARAM(duration), "x", SD_BUS_PARAM(now), on_run_for,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int bc_dbus_simulation_init(struct bc_dbus *dbus)
{
        if (!dbus->config.simulation || !bc_clock_is_simulated(clock_of(dbus)))
                return 0;
        return bc_watch_new(dbus->loop, bc_clock_settled_fd(clock_of(dbus)), EPOLLIN, on_settled, dbus,
                            &dbus->settled);
}

void bc_dbus_simulation_done(struct bc_dbus *dbus)
{
        bc_watch_free(dbus->settled);
        dbus->settled = NULL;
}

void bc_dbus_simulation_disconnected(struct bc_dbus *dbus)
{
        dbus->run = sd_bus_message_unref(dbus->run);
}
