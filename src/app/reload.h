// SPDX-License-Identifier: EUPL-1.2
// Settings read anew while the daemon runs (SIGHUP).
//
// They are read and judged by a thread of their own, for the files may lie on a card that stands still; what runs is compared
// and replaced on the main loop, between two events. All or nothing: whatever is wrong, or differs in a key that may not
// change (settings_table.h: reloadable), is logged with file, line and key, and the settings that run stay.
//
// A key becomes reloadable by the flag in the table, and by its consumer's setter being called in on_applied.
//
// Thread-bound: the main loop's thread.
#ifndef BC_APP_RELOAD_H
#define BC_APP_RELOAD_H

#include <stdbool.h>

#include "base/loop.h"
#include "control/settings.h"

struct bc_reload;

struct bc_reload_sink {
        void (*on_begin)(void *user);
        void (*on_applied)(void *user); // the settings given are the new ones now: everyone is to have them
        void (*on_end)(void *user);     // applied or refused
        void *user;
};

// path: as given to bc_settings_load(). settings: those that run, loaded from there. Borrows all. 0 or -ENOMEM.
int bc_reload_new(struct bc_loop *loop, const char *path, struct bc_settings *settings, const struct bc_reload_sink *sink,
                  struct bc_reload **ret_reload);

// Waits for the thread. NULL is allowed.
void bc_reload_free(struct bc_reload *reload);

// Reads the files as they are from now on: while they are being read, once more after that.
void bc_reload_start(struct bc_reload *reload);

// Whether the thread reads, or hangs in reading.
bool bc_reload_is_reading(const struct bc_reload *reload);

#endif
