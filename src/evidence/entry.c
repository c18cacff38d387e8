// SPDX-License-Identifier: EUPL-1.2
#include "evidence/entry.h"

#include <stdio.h>
#include <string.h>

#include "format/cbor.h"
#include "format/text.h"

static struct bc_writer begin(struct bc_ledger_entry *event, int64_t time_ns, enum bc_entry_kind kind, size_t pairs)
{
        struct bc_writer w = bc_writer_on(event->details, sizeof(event->details));

        event->time_ns = time_ns;
        event->kind = kind;
        bc_cbor_put_map(&w, pairs);
        return w;
}

// Five texts of 64 bytes are what fits at the most, so nothing fails.
static void end(struct bc_ledger_entry *event, const struct bc_writer *writer)
{
        event->details_bytes = writer->used;
}

static void put_int(struct bc_writer *w, int64_t key, int64_t value)
{
        bc_cbor_put_int(w, key);
        bc_cbor_put_int(w, value);
}

static void put_known(struct bc_writer *w, int64_t key, int64_t value)
{
        bc_cbor_put_int(w, key);
        if (value == BC_RECORD_UNKNOWN)
                bc_cbor_put_null(w);
        else
                bc_cbor_put_int(w, value);
}

static void put_bool(struct bc_writer *w, int64_t key, bool value)
{
        bc_cbor_put_int(w, key);
        bc_cbor_put_bool(w, value);
}

static void put_text(struct bc_writer *w, int64_t key, const char *text)
{
        char plain[BC_RECORD_TEXT_BYTES_MAX + 1];

        (void)bc_text_clean(text, plain, sizeof(plain));
        bc_cbor_put_int(w, key);
        bc_cbor_put_text(w, plain, strlen(plain));
}

static void put_hash(struct bc_writer *w, int64_t key, const uint8_t *hash)
{
        bc_cbor_put_int(w, key);
        if (hash)
                bc_cbor_put_bytes(w, hash, BC_HASH_BYTES);
        else
                bc_cbor_put_null(w);
}

void bc_entry_origin(const char *by, char ret_origin[BC_ENTRY_ORIGIN_BYTES])
{
        const char *words = strstr(by, ": ");

        snprintf(ret_origin, BC_ENTRY_ORIGIN_BYTES, "%.*s", words ? (int)(words - by) : BC_ENTRY_ORIGIN_BYTES - 1, by);
}

void bc_entry_start(struct bc_ledger_entry *event, int64_t time_ns, bool clean, uint32_t reset, const uint8_t boot_id[BC_BOOT_ID_BYTES],
                    int64_t last_ns, int64_t percent, uint32_t anchor)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_START, 6);

        put_bool(&w, 1, clean);
        put_int(&w, 2, reset);
        bc_cbor_put_int(&w, 3);
        bc_cbor_put_bytes(&w, boot_id, BC_BOOT_ID_BYTES);
        put_known(&w, 4, last_ns);
        put_known(&w, 5, percent);
        put_int(&w, 6, anchor);
        end(event, &w);
}

void bc_entry_stop(struct bc_ledger_entry *event, int64_t time_ns, const char *reason)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_STOP, 1);

        put_text(&w, 1, reason);
        end(event, &w);
}

void bc_entry_life(struct bc_ledger_entry *event, int64_t time_ns, const char *state)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_LIFE, 1);

        put_text(&w, 1, state);
        end(event, &w);
}

void bc_entry_state(struct bc_ledger_entry *event, int64_t time_ns, const char *from, const char *to, const char *what, const char *by)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_STATE, 4);

        put_text(&w, 1, from);
        put_text(&w, 2, to);
        put_text(&w, 3, what);
        put_text(&w, 4, by);
        end(event, &w);
}

void bc_entry_beginning(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, int64_t press_ticks)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_BEGINNING, 2);

        put_int(&w, 1, (int64_t)recording);
        put_int(&w, 2, press_ticks);
        end(event, &w);
}

void bc_entry_closing(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, uint32_t segments, const uint8_t *hash)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_CLOSING, 3);

        put_int(&w, 1, (int64_t)recording);
        put_int(&w, 2, segments);
        put_hash(&w, 3, hash);
        end(event, &w);
}

void bc_entry_recovery(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, uint32_t segment, const uint8_t *hash)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_RECOVERY, 3);

        put_int(&w, 1, (int64_t)recording);
        put_int(&w, 2, segment);
        put_hash(&w, 3, hash);
        end(event, &w);
}

void bc_entry_breaking_off(struct bc_ledger_entry *event, int64_t time_ns, const struct bc_entry_break *stated)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_BREAK, 7);

        put_int(&w, 1, (int64_t)stated->recording);
        put_int(&w, 2, stated->segment);
        put_hash(&w, 3, stated->hash);
        put_known(&w, 4, stated->medium);
        put_known(&w, 5, stated->age_ns);
        put_known(&w, 6, stated->tail_bytes);
        put_hash(&w, 7, stated->tail_sha256);
        end(event, &w);
}

void bc_entry_finding_nothing(struct bc_ledger_entry *event, int64_t time_ns, const struct bc_entry_nothing *stated)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_NOTHING, 5);

        put_int(&w, 1, (int64_t)stated->recording);
        put_known(&w, 2, stated->medium);
        put_bool(&w, 3, stated->named);
        put_known(&w, 4, stated->tail_bytes);
        put_hash(&w, 5, stated->tail_sha256);
        end(event, &w);
}

void bc_entry_giving_up(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, const char *reason)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_GIVING_UP, 2);

        put_int(&w, 1, (int64_t)recording);
        put_text(&w, 2, reason);
        end(event, &w);
}

void bc_entry_gap(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, uint32_t kind, int64_t from_ticks, int64_t to_ticks)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_GAP, 4);

        put_int(&w, 1, (int64_t)recording);
        put_int(&w, 2, kind);
        put_int(&w, 3, from_ticks);
        put_known(&w, 4, to_ticks);
        end(event, &w);
}

static void put_switch(struct bc_ledger_entry *event, int64_t time_ns, enum bc_entry_kind kind, bool on, const char *by)
{
        struct bc_writer w = begin(event, time_ns, kind, 2);

        put_bool(&w, 1, on);
        put_text(&w, 2, by);
        end(event, &w);
}

void bc_entry_mute(struct bc_ledger_entry *event, int64_t time_ns, bool on, const char *by)
{
        put_switch(event, time_ns, BC_ENTRY_MUTE, on, by);
}

void bc_entry_stealth(struct bc_ledger_entry *event, int64_t time_ns, bool on, const char *by)
{
        put_switch(event, time_ns, BC_ENTRY_STEALTH, on, by);
}

void bc_entry_clock(struct bc_ledger_entry *event, int64_t time_ns, enum bc_utc_source source, int64_t utc_ns, int64_t step_ns)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_CLOCK, 3);

        put_int(&w, 1, source);
        put_known(&w, 2, source == BC_UTC_NONE ? BC_RECORD_UNKNOWN : utc_ns);
        put_known(&w, 3, step_ns);
        end(event, &w);
}

void bc_entry_settings(struct bc_ledger_entry *event, int64_t time_ns, const uint8_t sha256[BC_HASH_BYTES])
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_SETTINGS, 1);

        put_hash(&w, 1, sha256);
        end(event, &w);
}

void bc_entry_alarm(struct bc_ledger_entry *event, int64_t time_ns, const char *text)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_ALARM, 1);

        put_text(&w, 1, text);
        end(event, &w);
}

void bc_entry_rollback(struct bc_ledger_entry *event, int64_t time_ns, uint64_t ledger, const uint8_t *ledger_hash, uint64_t anchor,
                       const uint8_t *anchor_hash)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_ROLLBACK, 4);

        put_int(&w, 1, (int64_t)ledger);
        put_hash(&w, 2, ledger_hash);
        put_int(&w, 3, (int64_t)anchor);
        put_hash(&w, 4, anchor_hash);
        end(event, &w);
}

void bc_entry_key(struct bc_ledger_entry *event, int64_t time_ns, const uint8_t x5t[BC_HASH_BYTES])
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_KEY, 1);

        put_hash(&w, 1, x5t);
        end(event, &w);
}

void bc_entry_flood(struct bc_ledger_entry *event, int64_t time_ns, enum bc_entry_kind kind, uint64_t count)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_FLOOD, 2);

        put_int(&w, 1, kind);
        put_int(&w, 2, (int64_t)count);
        end(event, &w);
}

void bc_entry_nonce(struct bc_ledger_entry *event, int64_t time_ns, const uint8_t *nonce, size_t n)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_NONCE, 1);

        bc_cbor_put_int(&w, 1);
        bc_cbor_put_bytes(&w, nonce, n);
        end(event, &w);
}

void bc_entry_mark(struct bc_ledger_entry *event, int64_t time_ns, uint64_t recording, int64_t at_ticks, uint64_t count)
{
        struct bc_writer w = begin(event, time_ns, BC_ENTRY_MARK, 3);

        put_int(&w, 1, (int64_t)recording);
        put_int(&w, 2, at_ticks);
        put_int(&w, 3, (int64_t)count);
        end(event, &w);
}
