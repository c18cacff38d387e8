// SPDX-License-Identifier: EUPL-1.2
// Those who are told of what the controller does: D-Bus, the officer's side. Thread-bound: the main loop's thread.
#ifndef BC_CONTROL_WATCHERS_H
#define BC_CONTROL_WATCHERS_H

enum bc_alarm {
        BC_ALARM_EMERGENCY, // somebody calls for help
        BC_ALARM_TROUBLE,   // what is recorded, or should be, is in danger
        BC_ALARM_WARNING,   // it will be soon: room, battery, a stuck button
};

struct bc_controller_sink {
        void (*on_change)(void *user); // something of bc_controller_status() may be new
        void (*on_alarm)(void *user, enum bc_alarm alarm, const char *text); // for whoever watches, after it was logged
        void *user;
};
#define BC_CONTROLLER_SINKS_MAX 4

struct bc_watchers {
        struct bc_controller_sink sinks[BC_CONTROLLER_SINKS_MAX]; // on_change NULL: free
};

// 0 or -ENOSPC.
int bc_watchers_add(struct bc_watchers *watchers, const struct bc_controller_sink *sink);
void bc_watchers_remove(struct bc_watchers *watchers, const void *user);

void bc_watchers_change(const struct bc_watchers *watchers);
void bc_watchers_alarm(const struct bc_watchers *watchers, enum bc_alarm alarm, const char *text);

#endif
