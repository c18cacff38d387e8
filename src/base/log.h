// SPDX-License-Identifier: EUPL-1.2
// Log lines to standard error: with the journal's priority prefix under systemd (JOURNAL_STREAM set), else with a
// plain word. An error is logged once, by its owner. Thread-safe, no state; never waits:
// a line that a full pipe would hold up is lost.
#ifndef BC_BASE_LOG_H
#define BC_BASE_LOG_H

#include <syslog.h>

// priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG. Control characters in the text become "?".
// LOG_DEBUG lines appear only with BC_DEBUG in the environment.
__attribute__((format(printf, 2, 3))) void bc_log(int priority, const char *format, ...);

#define bc_log_error(...) bc_log(LOG_ERR, __VA_ARGS__)
#define bc_log_warning(...) bc_log(LOG_WARNING, __VA_ARGS__)
#define bc_log_notice(...) bc_log(LOG_NOTICE, __VA_ARGS__)
#define bc_log_info(...) bc_log(LOG_INFO, __VA_ARGS__)
#define bc_log_debug(...) bc_log(LOG_DEBUG, __VA_ARGS__)

#endif
