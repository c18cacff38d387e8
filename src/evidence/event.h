// SPDX-License-Identifier: EUPL-1.2
// The events of the ledger (docs/formats/ledger.md, 3): one function makes each. Pure; texts that are too long are cut, what is no
// plain text in them becomes '?'.
#ifndef BC_EVIDENCE_EVENT_H
#define BC_EVIDENCE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/moment.h"
#include "format/record.h"

#define BC_EVENT_DETAILS_BYTES 320

enum bc_event_kind {
        BC_EVENT_OF_START = 1,
        BC_EVENT_OF_STOP,
        BC_EVENT_OF_LIFE,
        BC_EVENT_OF_STATE,
        BC_EVENT_OF_BEGINNING,
        BC_EVENT_OF_CLOSING,
        BC_EVENT_OF_RECOVERY,
        BC_EVENT_OF_GIVING_UP,
        BC_EVENT_OF_GAP,
        BC_EVENT_OF_MUTE,
        BC_EVENT_OF_STEALTH,
        BC_EVENT_OF_CLOCK,
        BC_EVENT_OF_SETTINGS,
        BC_EVENT_OF_ALARM,
        BC_EVENT_OF_ROLLBACK,
        BC_EVENT_OF_KEY,
        BC_EVENT_OF_FLOOD,
        BC_EVENT_KINDS,
};

struct bc_ledger_event {
        int64_t time_ns;
        enum bc_event_kind kind;
        uint8_t details[BC_EVENT_DETAILS_BYTES];
        size_t details_bytes;
};

// last_ns, percent: BC_RECORD_UNKNOWN: not known.
void bc_event_start(struct bc_ledger_event *event, int64_t time_ns, bool clean, uint32_t reset, const uint8_t boot_id[BC_BOOT_ID_BYTES],
                    int64_t last_ns, int64_t percent);
void bc_event_stop(struct bc_ledger_event *event, int64_t time_ns, const char *reason);
void bc_event_life(struct bc_ledger_event *event, int64_t time_ns, const char *state);
void bc_event_state(struct bc_ledger_event *event, int64_t time_ns, const char *from, const char *to, const char *what, const char *by);
void bc_event_beginning(struct bc_ledger_event *event, int64_t time_ns, uint64_t recording, int64_t press_ticks);
// hash NULL: it has no record.
void bc_event_closing(struct bc_ledger_event *event, int64_t time_ns, uint64_t recording, uint32_t segments, const uint8_t *hash);
void bc_event_recovery(struct bc_ledger_event *event, int64_t time_ns, uint64_t recording, uint32_t segment, const uint8_t *hash);
void bc_event_giving_up(struct bc_ledger_event *event, int64_t time_ns, uint64_t recording, const char *reason);
// to_ticks BC_RECORD_UNKNOWN: it lasts.
void bc_event_gap(struct bc_ledger_event *event, int64_t time_ns, uint64_t recording, uint32_t kind, int64_t from_ticks, int64_t to_ticks);
void bc_event_mute(struct bc_ledger_event *event, int64_t time_ns, bool on, const char *by);
void bc_event_stealth(struct bc_ledger_event *event, int64_t time_ns, bool on, const char *by);
void bc_event_clock(struct bc_ledger_event *event, int64_t time_ns, enum bc_utc_source source, int64_t utc_ns, int64_t step_ns);
void bc_event_settings(struct bc_ledger_event *event, int64_t time_ns, const uint8_t sha256[BC_HASH_BYTES]);
void bc_event_alarm(struct bc_ledger_event *event, int64_t time_ns, const char *text);
void bc_event_rollback(struct bc_ledger_event *event, int64_t time_ns, uint64_t ledger, const uint8_t *ledger_hash, uint64_t anchor,
                       const uint8_t *anchor_hash);
void bc_event_key(struct bc_ledger_event *event, int64_t time_ns, const uint8_t x5t[BC_HASH_BYTES]);
void bc_event_flood(struct bc_ledger_event *event, int64_t time_ns, enum bc_event_kind kind, uint64_t count);

#endif
