// SPDX-License-Identifier: EUPL-1.2
// The events of the ledger (docs/formats/ledger.md, 3): one function makes each. Pure; texts that are too long are cut, what is no
// plain text in them becomes '?'.
#ifndef BC_EVIDENCE_ENTRY_H
#define BC_EVIDENCE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/moment.h"
#include "format/record.h"

#define BC_ENTRY_DETAILS_BYTES 320

enum bc_entry_kind {
        BC_ENTRY_START = 1,
        BC_ENTRY_STOP,
        BC_ENTRY_LIFE,
        BC_ENTRY_STATE,
        BC_ENTRY_BEGINNING,
        BC_ENTRY_CLOSING,
        BC_ENTRY_RECOVERY,
        BC_ENTRY_GIVING_UP,
        BC_ENTRY_GAP,
        BC_ENTRY_MUTE,
        BC_ENTRY_STEALTH,
        BC_ENTRY_CLOCK,
        BC_ENTRY_SETTINGS,
        BC_ENTRY_ALARM,
        BC_ENTRY_ROLLBACK,
        BC_ENTRY_KEY,
        BC_ENTRY_FLOOD,
        BC_ENTRY_NONCE,
        BC_ENTRY_BREAK,
        BC_ENTRY_MARK,
        BC_ENTRY_NOTHING,
        BC_ENTRY_KINDS,
};

struct bc_ledger_entry {
        int64_t time_ns;
        enum bc_entry_kind kind;
        uint8_t details[BC_ENTRY_DETAILS_BYTES];
        size_t details_bytes;
};

#define BC_ENTRY_ORIGIN_BYTES (BC_RECORD_TEXT_BYTES_MAX + 1)

// Who or what, without the words that came with it: "command" of "command: WORDS".
void bc_entry_origin(const char *by, char ret_origin[BC_ENTRY_ORIGIN_BYTES]);

// last_ns, percent: BC_RECORD_UNKNOWN: not known. anchor: as docs/formats/record.md, key 58, has its medium; 0: none.
void bc_entry_start(struct bc_ledger_entry *event, int64_t time_ns, bool clean, uint32_t reset, const uint8_t boot_id[BC_BOOT_ID_BYTES],
                    int64_t last_ns, int64_t percent, uint32_t anchor);
void bc_entry_stop(struct bc_ledger_entry *event, int64_t time_ns, const char *reason);
void bc_entry_life(struct bc_ledger_entry *event, int64_t time_ns, const char *state);
void bc_entry_state(struct bc_ledger_entry *event, int64_t time_ns, const char *from, const char *to, const char *what, const char *by);
void bc_entry_beginning(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, int64_t press_ticks);
// hash NULL: it has no record.
void bc_entry_closing(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, uint32_t segments, const uint8_t *hash);
void bc_entry_recovery(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, uint32_t segment, const uint8_t *hash);
// A recording that ends, as recovery found it, with the record of kind 2 of this hash: no segment follows it.
struct bc_entry_break {
        uint64_t recording;
        uint32_t segment;
        const uint8_t *hash;
        int64_t medium, age_ns; // of the tail anchor, BC_RECORD_UNKNOWN: docs/formats/ledger.md, 3
        int64_t tail_bytes;     // of what was set aside behind that segment; BC_RECORD_UNKNOWN: nothing
        const uint8_t *tail_sha256;
};
void bc_entry_breaking_off(struct bc_ledger_entry *event, int64_t time_ns, const struct bc_entry_break *stated);
// A recording of which recovery found no segment.
struct bc_entry_nothing {
        uint64_t recording;
        int64_t medium;         // of the tail anchor, BC_RECORD_UNKNOWN: docs/formats/ledger.md, 3
        bool named;             // the anchor names a record of this recording
        int64_t tail_bytes;     // of what was set aside; BC_RECORD_UNKNOWN: nothing
        const uint8_t *tail_sha256;
};
void bc_entry_finding_nothing(struct bc_ledger_entry *event, int64_t time_ns, const struct bc_entry_nothing *stated);
void bc_entry_giving_up(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, const char *reason);
// to_ticks BC_RECORD_UNKNOWN: it lasts.
void bc_entry_gap(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, uint32_t kind, int64_t from_ticks, int64_t to_ticks);
void bc_entry_mute(struct bc_ledger_entry *event, int64_t time_ns, bool on, const char *by);
void bc_entry_stealth(struct bc_ledger_entry *event, int64_t time_ns, bool on, const char *by);
void bc_entry_clock(struct bc_ledger_entry *event, int64_t time_ns, enum bc_utc_source source, int64_t utc_ns, int64_t step_ns);
void bc_entry_settings(struct bc_ledger_entry *event, int64_t time_ns, const uint8_t sha256[BC_HASH_BYTES]);
void bc_entry_alarm(struct bc_ledger_entry *event, int64_t time_ns, const char *text);
void bc_entry_rollback(struct bc_ledger_entry *event, int64_t time_ns, uint64_t ledger, const uint8_t *ledger_hash, uint64_t anchor,
                       const uint8_t *anchor_hash);
void bc_entry_key(struct bc_ledger_entry *event, int64_t time_ns, const uint8_t x5t[BC_HASH_BYTES]);
void bc_entry_flood(struct bc_ledger_entry *event, int64_t time_ns, enum bc_entry_kind kind, uint64_t count);
// n: BC_RECORD_NONCE_BYTES_MIN to _MAX.
void bc_entry_nonce(struct bc_ledger_entry *event, int64_t time_ns, const uint8_t *nonce, size_t n);
// recording 0: one that has no number. count: marks that are merged in one, which shows the newest.
void bc_entry_mark(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, int64_t at_ticks, uint64_t count);

#endif
