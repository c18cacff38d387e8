// SPDX-License-Identifier: EUPL-1.2
#include "control/announce.h"

#include "base/log.h"
#include "bodycam/journal.h"
#include "evidence/ledger.h"

static void tell(struct bc_ledger *ledger, const struct bc_ledger_entry *event)
{
        if (ledger)
                bc_ledger_tell(ledger, event, true);
}

void bc_announce_edge(struct bc_ledger *ledger, enum bc_phase from, enum bc_phase to, enum bc_event event, int64_t time_ns,
                      const char *by)
{
        struct bc_ledger_entry entry;

        bc_log_event(LOG_NOTICE, BC_JOURNAL_STATE,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_STATE, .text = bc_state_name(bc_state_of(to)) },
                                   { BC_JOURNAL_FIELD_EVENT, .text = bc_event_name(event) },
                                   { BC_JOURNAL_FIELD_BY, .text = by },
                                   { BC_JOURNAL_FIELD_TIME, .number = time_ns }),
                     "%s -> %s (%s, %s)", bc_phase_name(from), bc_phase_name(to), bc_event_name(event), by);
        bc_entry_state(&entry, time_ns, bc_phase_name(from), bc_phase_name(to), bc_event_name(event), by);
        tell(ledger, &entry);
        if (ledger)
                bc_ledger_note_state(ledger, bc_phase_name(to));
}

void bc_announce_alarm(struct bc_ledger *ledger, enum bc_phase phase, int64_t time_ns, const char *text)
{
        struct bc_ledger_entry entry;

        bc_log_event(LOG_WARNING, BC_JOURNAL_ALARM,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_STATE, .text = bc_state_name(bc_state_of(phase)) },
                                   { BC_JOURNAL_FIELD_TIME, .number = time_ns }),
                     "ALARM: %s", text);
        bc_entry_alarm(&entry, time_ns, text);
        if (ledger)
                bc_ledger_tell(ledger, &entry, false);
}

void bc_announce_mute(struct bc_ledger *ledger, bool muted, int64_t time_ns, int64_t from_ns, const char *by)
{
        struct bc_ledger_entry entry;

        bc_log_notice("the sound is %s from %lld ms of media time on (%s)", muted ? "muted" : "heard again",
                      (long long)(from_ns / BC_NS_PER_MS), by);
        bc_entry_mute(&entry, time_ns, muted, by);
        tell(ledger, &entry);
}

void bc_announce_stealth(struct bc_ledger *ledger, bool stealthy, int64_t time_ns, const char *by)
{
        struct bc_ledger_entry entry;

        bc_log_notice("stealth %s (%s)", stealthy ? "on" : "off", by);
        bc_entry_stealth(&entry, time_ns, stealthy, by);
        tell(ledger, &entry);
}

void bc_announce_nonce(struct bc_ledger *ledger, int64_t time_ns, const uint8_t *nonce, size_t n)
{
        struct bc_ledger_entry entry;

        bc_log_notice("a nonce of %zu bytes goes into the ledger", n);
        bc_entry_nonce(&entry, time_ns, nonce, n);
        tell(ledger, &entry);
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
