// SPDX-License-Identifier: EUPL-1.2
// The daemon: all parts, made in order, run, taken down in reverse order.
#ifndef BC_APP_DAEMON_H
#define BC_APP_DAEMON_H

#include "control/settings.h"

// What bodycamd exits with. Documented in bodycamd(8).
enum bc_exit {
        BC_EXIT_DONE = 0,
        BC_EXIT_FAILED = 1,   // while running, or out of memory
        BC_EXIT_USAGE = 2,
        BC_EXIT_SETTINGS = 3,
        BC_EXIT_DEVICE = 4,   // camera, microphone, encoder
        BC_EXIT_STORE = 5,
};

// Runs until SIGTERM or SIGINT. What is wrong is logged. path: where the settings were loaded from, and are again at SIGHUP.
enum bc_exit bc_daemon_run(const char *path, struct bc_settings *settings);

// Opens everything that the settings name and closes it again; prints what follows from them.
enum bc_exit bc_daemon_check(const struct bc_settings *settings);

#endif
