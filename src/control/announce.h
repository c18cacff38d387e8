// SPDX-License-Identifier: EUPL-1.2
// What log and ledger are told of the state: lines that the journal finds by kind, with fields (bodycam/journal.h), and entries
// (evidence/entry.h).
#ifndef BC_CONTROL_ANNOUNCE_H
#define BC_CONTROL_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/state.h"

struct bc_ledger;
struct bc_recovery_report;

// ledger NULL: none is kept. by: who or what.
void bc_announce_edge(struct bc_ledger *ledger, enum bc_phase from, enum bc_phase to, enum bc_event event, int64_t time_ns,
                      const char *by);
void bc_announce_alarm(struct bc_ledger *ledger, enum bc_phase phase, int64_t time_ns, const char *text);
// from_ns: media time from which on it is so.
void bc_announce_mute(struct bc_ledger *ledger, bool muted, int64_t time_ns, int64_t from_ns, const char *by);
void bc_announce_stealth(struct bc_ledger *ledger, bool stealthy, int64_t time_ns, const char *by);
void bc_announce_nonce(struct bc_ledger *ledger, int64_t time_ns, const uint8_t *nonce, size_t n);

// What came of recovery; error: negative errno, of all of it. Returns what is to be an alarm; NULL: nothing is.
const char *bc_announce_recovery(const struct bc_recovery_report *report, int error);

// What an event that raises the alarm is to whoever watches.
const char *bc_alarm_text(enum bc_event event);

#endif
