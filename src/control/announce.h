// SPDX-License-Identifier: EUPL-1.2
// What the log is told of the state: lines that the journal finds by kind, with fields (bodycam/journal.h).
#ifndef BC_CONTROL_ANNOUNCE_H
#define BC_CONTROL_ANNOUNCE_H

#include <stdint.h>

#include "control/state.h"

void bc_announce_edge(enum bc_phase from, enum bc_phase to, enum bc_event event, int64_t time_ns, const char *by);
void bc_announce_alarm(enum bc_phase phase, int64_t time_ns, const char *text);

// What an event that raises the alarm is to whoever watches.
const char *bc_alarm_text(enum bc_event event);

#endif
