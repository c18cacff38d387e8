// SPDX-License-Identifier: EUPL-1.2
#include "control/announce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bodycam/journal.h"
#include "evidence/ledger.h"
#include "evidence/recovery.h"

static void tell(struct bc_ledger *ledger, const struct bc_ledger_entry *event)
{
        if (ledger)
                bc_ledger_tell(ledger, event, true);
}

// Log and ledger lie in the clear, so where recordings are sealed the words of a command are left out of both.
static void origin_of(const struct bc_ledger *ledger, const char *by, char ret_origin[BC_ENTRY_ORIGIN_BYTES])
{
        if (ledger && bc_ledger_is_wordless(ledger))
                bc_entry_origin(by, ret_origin);
        else
                snprintf(ret_origin, BC_ENTRY_ORIGIN_BYTES, "%s", by);
}

void bc_announce_edge(struct bc_ledger *ledger, enum bc_phase from, enum bc_phase to, enum bc_event event, int64_t time_ns,
                      const char *by)
{
        struct bc_ledger_entry entry;
        char origin[BC_ENTRY_ORIGIN_BYTES];

        origin_of(ledger, by, origin);
        bc_log_event(LOG_NOTICE, BC_JOURNAL_STATE,
                     BC_LOG_FIELDS({ BC_JOURNAL_FIELD_STATE, .text = bc_state_name(bc_state_of(to)) },
                                   { BC_JOURNAL_FIELD_EVENT, .text = bc_event_name(event) },
                                   { BC_JOURNAL_FIELD_BY, .text = origin },
                                   { BC_JOURNAL_FIELD_TIME, .number = time_ns }),
                     "%s -> %s (%s, %s)", bc_phase_name(from), bc_phase_name(to), bc_event_name(event), origin);
        bc_entry_state(&entry, time_ns, bc_phase_name(from), bc_phase_name(to), bc_event_name(event), origin);
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
        char origin[BC_ENTRY_ORIGIN_BYTES];

        origin_of(ledger, by, origin);
        bc_log_notice("the sound is %s from %lld ms of media time on (%s)", muted ? "muted" : "heard again",
                      (long long)(from_ns / BC_NS_PER_MS), origin);
        bc_entry_mute(&entry, time_ns, muted, origin);
        tell(ledger, &entry);
}

void bc_announce_stealth(struct bc_ledger *ledger, bool stealthy, int64_t time_ns, const char *by)
{
        struct bc_ledger_entry entry;
        char origin[BC_ENTRY_ORIGIN_BYTES];

        origin_of(ledger, by, origin);
        bc_log_notice("stealth %s (%s)", stealthy ? "on" : "off", origin);
        bc_entry_stealth(&entry, time_ns, stealthy, origin);
        tell(ledger, &entry);
}

void bc_announce_nonce(struct bc_ledger *ledger, int64_t time_ns, const uint8_t *nonce, size_t n)
{
        struct bc_ledger_entry entry;

        bc_log_notice("a nonce of %zu bytes goes into the ledger", n);
        bc_entry_nonce(&entry, time_ns, nonce, n);
        tell(ledger, &entry);
}

const char *bc_announce_recovery(const struct bc_recovery_report *report, int error)
{
        if (error == -ECANCELED)
                bc_log_notice("the rest is recovered at the next start");
        else if (error < 0)
                bc_log_error("recordings of earlier runs could not be recovered: %s", strerror(-error));
        else if (report->recordings > 0)
                bc_log_notice("recovered: %u recordings, %u files, %llu bytes set aside, %u recordings failed",
                              report->recordings - report->failed, report->segments, (unsigned long long)report->tail_bytes, report->failed);
        if (report->failed > 0 || (error < 0 && error != -ECANCELED))
                return "recordings of earlier runs could not be recovered";
        return report->repeated > 0 ? "a recording of an earlier run was recovered at the second attempt" : NULL;
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
