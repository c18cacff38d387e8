// SPDX-License-Identifier: EUPL-1.2
// Log lines to standard error: with the journal's priority prefix under systemd (JOURNAL_STREAM set), else with a plain
// word. Those worth finding go to the journal with their fields where standard error is the journal. An error is logged once,
// by its owner.
// Thread-safe, no state; never waits: a line that a full pipe or a journald that stands still would hold up is lost.
#ifndef BC_BASE_LOG_H
#define BC_BASE_LOG_H

#include <stdint.h>
#include <syslog.h>

// One more thing that the journal knows of a line. text NULL: the number.
struct bc_log_field {
        const char *name;
        const char *text;
        int64_t number;
};

// Fields for bc_log_event(): BC_LOG_FIELDS({ "BODYCAM_BY", .text = by }, { "BODYCAM_GAP_NS", .number = gap_ns })
#define BC_LOG_FIELDS(...) ((const struct bc_log_field[]){ __VA_ARGS__, { 0 } })

// priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG. Control characters in the text become "?".
// LOG_DEBUG lines appear only with BC_DEBUG in the environment.
__attribute__((format(printf, 2, 3))) void bc_log(int priority, const char *format, ...);

// A line of a kind that is worth finding. message_id: of the kind, 32 hexadecimal digits (sd-id128(3)). fields: up to one
// without a name; one that has no room is left out.
__attribute__((format(printf, 4, 5))) void bc_log_event(int priority, const char *message_id,
                                                        const struct bc_log_field *fields, const char *format, ...);

#define bc_log_error(...) bc_log(LOG_ERR, __VA_ARGS__)
#define bc_log_warning(...) bc_log(LOG_WARNING, __VA_ARGS__)
#define bc_log_notice(...) bc_log(LOG_NOTICE, __VA_ARGS__)
#define bc_log_info(...) bc_log(LOG_INFO, __VA_ARGS__)
#define bc_log_debug(...) bc_log(LOG_DEBUG, __VA_ARGS__)

#endif
