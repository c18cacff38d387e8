// SPDX-License-Identifier: EUPL-1.2
#include "app/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/thread.h"
#include "bodycam/journal.h"

#define INBOX_READ (BC_LOOP_INBOX_KINDS_MAX - 1) // others count from 0
#define LINE_BYTES 900

struct bc_reload {
        struct bc_loop *loop;
        const char *path;
        struct bc_settings *settings;
        struct bc_reload_sink sink;
        bool again; // asked for while it was reading

        struct bc_thread *thread;
        // The thread's until INBOX_READ.
        struct bc_settings next;
        unsigned errors;
        bool good;

        // The line of what has changed.
        char line[LINE_BYTES];
        size_t used;
};

static void on_error(void *user, const char *text)
{
        struct bc_reload *reload = user;

        reload->errors++;
        bc_log_error("%s", text);
}

static void read_settings(void *user)
{
        BC_IN_DEVICE; // of the thread's own: nobody waits for it
        struct bc_reload *reload = user;
        const struct bc_settings_sink sink = { on_error, reload };

        reload->good = bc_settings_load(reload->path, &sink, &reload->next) == 0;
        bc_loop_post(reload->loop, INBOX_READ, 0);
}

static void log_refused(unsigned errors)
{
        bc_log_event(LOG_ERR, BC_JOURNAL_REFUSED, BC_LOG_FIELDS({ BC_JOURNAL_FIELD_ERRORS, .number = errors }),
                     "settings not reloaded: %u errors; those that run stay", errors);
}

static void start_reading(struct bc_reload *reload)
{
        int r;

        reload->again = false;
        reload->errors = 0;
        r = bc_thread_start(bc_loop_clock(reload->loop), "reload", read_settings, reload, &reload->thread);
        if (r == 0)
                return;
        bc_log_error("settings cannot be read: %s", strerror(-r));
        log_refused(1);
        reload->sink.on_end(reload->sink.user);
}

// ---- on the loop ---------------------------------------------------------------------------------------------

static void log_changes(struct bc_reload *reload, size_t changes)
{
        bc_log_event(LOG_NOTICE, BC_JOURNAL_RELOADED,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_CHANGES, .number = (int64_t)changes }),
                     "settings reloaded: %s", changes ? reload->line : "nothing has changed");
        reload->used = 0;
}

// One line, or more when there is too much for one.
static void on_change(void *user, const char *text)
{
        struct bc_reload *reload = user;

        if (reload->used > 0 && reload->used + strlen(text) + 2 >= sizeof(reload->line)) {
                bc_log_notice("settings reloaded: %s", reload->line);
                reload->used = 0;
        }
        reload->used += (size_t)snprintf(reload->line + reload->used, sizeof(reload->line) - reload->used, "%s%s",
                                         reload->used ? "; " : "", text);
}

static void apply(struct bc_reload *reload)
{
        const struct bc_settings_sink sink = { on_error, reload };
        size_t changes;

        if (!reload->good || bc_settings_judge_reload(reload->settings, &reload->next, &sink) < 0) {
                log_refused(reload->errors);
                return;
        }
        changes = bc_settings_reload(reload->settings, &reload->next, on_change, reload);
        reload->sink.on_applied(reload->sink.user);
        log_changes(reload, changes);
}

static void on_read(void *user, const struct bc_message *message)
{
        struct bc_reload *reload = user;

        (void)message;
        bc_thread_join(BC_TAKE(reload->thread)); // it has nothing left to do
        if (!reload->again)
                apply(reload);
        if (reload->good)
                bc_settings_done(&reload->next);
        reload->good = false;
        if (reload->again)
                start_reading(reload); // what was read is old already
        else
                reload->sink.on_end(reload->sink.user);
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

int bc_reload_new(struct bc_loop *loop, const char *path, struct bc_settings *settings, const struct bc_reload_sink *sink,
                  struct bc_reload **ret_reload)
{
        struct bc_reload *reload = calloc(1, sizeof(*reload));

        if (!reload)
                return -ENOMEM;
        reload->loop = loop;
        reload->path = path;
        reload->settings = settings;
        reload->sink = *sink;
        bc_loop_on_kind(loop, INBOX_READ, on_read, reload);
        *ret_reload = reload;
        return 0;
}

void bc_reload_free(struct bc_reload *reload)
{
        if (!reload)
                return;
        bc_thread_join(reload->thread);
        if (reload->good)
                bc_settings_done(&reload->next);
        bc_loop_on_kind(reload->loop, INBOX_READ, NULL, NULL);
        free(reload);
}

void bc_reload_start(struct bc_reload *reload)
{
        if (reload->thread) {
                reload->again = true;
                return;
        }
        reload->sink.on_begin(reload->sink.user);
        start_reading(reload);
}

bool bc_reload_is_reading(const struct bc_reload *reload)
{
        return reload->thread != NULL;
}
