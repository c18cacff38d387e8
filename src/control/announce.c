// SPDX-License-Identifier: EUPL-1.2
#include "control/announce.h"

#include "base/log.h"
#include "bodycam/journal.h"

void bc_announce_edge(enum bc_phase from, enum bc_phase to, enum bc_event event, int64_t time_ns, const char *by)
{
        bc_log_event(LOG_NOTICE, BC_JOURNAL_STATE,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_STATE, .text = bc_state_name(bc_state_of(to)) },
                                   { BC_JOURNAL_FIELD_EVENT, .text = bc_event_name(event) },
                                   { BC_JOURNAL_FIELD_BY, .text = by },
                                   { BC_JOURNAL_FIELD_TIME, .number = time_ns }),
                     "%s -> %s (%s, %s)", bc_phase_name(from), bc_phase_name(to), bc_event_name(event), by);
}

void bc_announce_alarm(enum bc_phase phase, int64_t time_ns, const char *text)
{
        bc_log_event(LOG_WARNING, BC_JOURNAL_ALARM,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_STATE, .text = bc_state_name(bc_state_of(phase)) },
                                   { BC_JOURNAL_FIELD_TIME, .number = time_ns }),
                     "ALARM: %s", text);
}

const char *bc_alarm_text(enum bc_event event)
{
        switch (event) {
        case BC_EVENT_EMERGENCY_START:
                return "emergency";
        case BC_EVENT_RETRY_DUE:
                return "still nothing can be recorded";
        case BC_EVENT_RESERVE_REACHED:
                return "the recording ends: the room left is kept for an emergency";
        default:
                return "nothing can be recorded";
        }
}
