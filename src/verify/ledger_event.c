// SPDX-License-Identifier: EUPL-1.2
#include "verify/ledger_event.h"

#include <errno.h>

#include "format/cbor.h"

enum type {
        NONE,
        BOOL,
        NUMBER,  // from `least` to `most`
        INTEGER, // any
        TEXT,
        HASH,
        BOOT_ID,
        NONCE,
};

struct field {
        const char *name;
        enum type type;
        bool nullable;
        int64_t least, most;
};

struct kind {
        const char *name;
        struct field field[BC_LEDGER_FIELDS_MAX];
};

#define ANY .least = 0, .most = INT64_MAX
#define FROM_1 .least = 1, .most = INT64_MAX

// docs/formats/ledger.md, 3.
static const struct kind kinds[BC_LEDGER_EVENT_KINDS] = {
        [BC_LEDGER_STARTED] = { "start",
                                { { "clean", BOOL },
                                  { "reset", NUMBER, .least = 0, .most = BC_RECORD_RESET_MAX },
                                  { "boot_id", BOOT_ID },
                                  { "last_ns", NUMBER, true, ANY },
                                  { "percent", NUMBER, true, .least = 0, .most = 100 },
                                  { "anchor", NUMBER, .least = 0, .most = BC_RECORD_MEDIUM_MAX } } },
        [BC_LEDGER_STOPPED] = { "stop", { { "reason", TEXT } } },
        [BC_LEDGER_ALIVE] = { "alive", { { "state", TEXT } } },
        [BC_LEDGER_STATE] = { "state",
                              { { "from", TEXT }, { "to", TEXT }, { "event", TEXT }, { "by", TEXT } } },
        [BC_LEDGER_BEGUN] = { "begun", { { "recording", NUMBER, FROM_1 }, { "press", NUMBER, ANY } } },
        [BC_LEDGER_CLOSED] = { "closed",
                               { { "recording", NUMBER, FROM_1 },
                                 { "segments", NUMBER, .least = 0, .most = BC_RECORD_SEGMENTS_MAX },
                                 { "hash", HASH, true } } },
        [BC_LEDGER_RECOVERED] = { "recovered",
                                  { { "recording", NUMBER, FROM_1 },
                                    { "segment", NUMBER, .least = 1, .most = BC_RECORD_SEGMENTS_MAX },
                                    { "hash", HASH } } },
        [BC_LEDGER_GIVEN_UP] = { "given up", { { "recording", NUMBER, FROM_1 }, { "reason", TEXT } } },
        [BC_LEDGER_GAP] = { "gap",
                            { { "recording", NUMBER, ANY },
                              { "kind", NUMBER, .least = 1, .most = BC_RECORD_GAP_KINDS },
                              { "from", NUMBER, ANY },
                              { "to", NUMBER, true, ANY } } },
        [BC_LEDGER_MUTE] = { "mute", { { "on", BOOL }, { "by", TEXT } } },
        [BC_LEDGER_STEALTH] = { "stealth", { { "on", BOOL }, { "by", TEXT } } },
        [BC_LEDGER_CLOCK] = { "clock",
                              { { "source", NUMBER, .least = 0, .most = BC_RECORD_SOURCE_MAX },
                                { "utc_ns", NUMBER, true, ANY },
                                { "step_ns", INTEGER, true } } },
        [BC_LEDGER_SETTINGS] = { "settings", { { "sha256", HASH } } },
        [BC_LEDGER_ALARM] = { "alarm", { { "text", TEXT } } },
        [BC_LEDGER_ROLLBACK] = { "rollback",
                                 { { "ledger", NUMBER, ANY },
                                   { "ledger_hash", HASH, true },
                                   { "anchor", NUMBER, ANY },
                                   { "anchor_hash", HASH, true } } },
        [BC_LEDGER_KEY] = { "key", { { "x5t", HASH } } },
        [BC_LEDGER_FLOOD] = { "flood",
                              { { "event", NUMBER, .least = 1, .most = UINT32_MAX },
                                { "count", NUMBER, FROM_1 } } },
        [BC_LEDGER_NONCE] = { "nonce", { { "value", NONCE } } },
        [BC_LEDGER_BROKE_OFF] = { "broke off",
                                  { { "recording", NUMBER, FROM_1 },
                                    { "segment", NUMBER, .least = 1, .most = BC_RECORD_SEGMENTS_MAX },
                                    { "hash", HASH },
                                    { "medium", NUMBER, true, .least = 1, .most = BC_RECORD_MEDIUM_MAX },
                                    { "age_ns", INTEGER, true },
                                    { "tail_bytes", NUMBER, true, FROM_1 },
                                    { "tail_sha256", HASH, true } } },
        [BC_LEDGER_MARK] = { "mark", { { "recording", NUMBER, ANY }, { "at", NUMBER, ANY }, { "count", NUMBER, FROM_1 } } },
        [BC_LEDGER_NOTHING] = { "nothing",
                                { { "recording", NUMBER, FROM_1 },
                                  { "medium", NUMBER, true, .least = 1, .most = BC_RECORD_MEDIUM_MAX },
                                  { "named", BOOL },
                                  { "tail_bytes", NUMBER, true, FROM_1 },
                                  { "tail_sha256", HASH, true } } },
};

static void read_value(struct bc_cbor_reader *reader, const struct field *field,
                       struct bc_ledger_field *ret_field)
{
        size_t n = 0;

        if (field->nullable && bc_cbor_get_null(reader))
                return;
        switch (field->type) {
        case BOOL:
                ret_field->number = bc_cbor_get_bool(reader);
                break;
        case NUMBER:
                ret_field->number = bc_cbor_get_int(reader, field->least, field->most);
                break;
        case INTEGER:
                ret_field->number = bc_cbor_get_int(reader, BC_CBOR_INT_MIN, BC_CBOR_INT_MAX);
                break;
        case TEXT:
                ret_field->bytes = (const uint8_t *)bc_cbor_get_text(reader, 0, BC_RECORD_TEXT_BYTES_MAX, &n);
                break;
        case HASH:
                ret_field->bytes = bc_cbor_get_bytes(reader, BC_HASH_BYTES, BC_HASH_BYTES, &n);
                break;
        case BOOT_ID:
                ret_field->bytes = bc_cbor_get_bytes(reader, BC_BOOT_ID_BYTES, BC_BOOT_ID_BYTES, &n);
                break;
        case NONCE:
                ret_field->bytes = bc_cbor_get_bytes(reader, BC_RECORD_NONCE_BYTES_MIN, BC_RECORD_NONCE_BYTES_MAX, &n);
                break;
        case NONE:
                bc_cbor_fail(reader, "a key that the event does not have");
                break;
        }
        ret_field->n = n;
}

static size_t fields_of(const struct kind *kind)
{
        size_t n = 0;

        while (n < BC_LEDGER_FIELDS_MAX && kind->field[n].type != NONE)
                n++;
        return n;
}

int bc_ledger_event_parse(const struct bc_record_event *event, struct bc_ledger_event *ret_event,
                          const char **ret_fault)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(event->details.bytes, event->details.n);
        size_t seen = 0;
        int64_t key;

        *ret_event = (struct bc_ledger_event){ .time_ns = event->time_ns, .event = event->event };
        for (size_t i = 0; i < BC_LEDGER_FIELDS_MAX; i++)
                ret_event->field[i].number = BC_RECORD_UNKNOWN;
        *ret_fault = NULL;
        if (!bc_ledger_event_name(event->event))
                return 0;
        const struct kind *kind = &kinds[event->event];
        bc_cbor_enter_map(&reader);
        while (bc_cbor_get_key(&reader, &key)) {
                // Keys ascend, so that what is not the next one is missing or too much.
                if (key != (int64_t)seen + 1 || seen == fields_of(kind)) {
                        bc_cbor_fail(&reader, "not the keys of its event");
                        break;
                }
                read_value(&reader, &kind->field[seen], &ret_event->field[seen]);
                seen++;
        }
        if (!bc_cbor_end(&reader))
                *ret_fault = reader.fault ? reader.fault : "something behind the details";
        else if (seen != fields_of(kind))
                *ret_fault = "not the keys of its event";
        return *ret_fault ? -EBADMSG : 0;
}

const char *bc_ledger_event_name(uint32_t event)
{
        return event > 0 && event < BC_LEDGER_EVENT_KINDS ? kinds[event].name : NULL;
}

const char *bc_ledger_anchor_name(uint32_t medium)
{
        static const char *const names[BC_RECORD_MEDIUM_MAX + 1] = {
                "none", "a file on another medium", "a file on the store's own medium", "a TPM's memory", "a file on another medium, and a TPM's memory",
                "a file on the store's own medium, and a TPM's memory",
        };

        return medium <= BC_RECORD_MEDIUM_MAX ? names[medium] : "?";
}

bool bc_ledger_anchor_is_timely(uint32_t medium)
{
        return medium > 0 && medium <= BC_RECORD_MEDIUM_MAX && medium != BC_RECORD_MEDIUM_TPM;
}

const char *bc_ledger_field_name(uint32_t event, size_t field)
{
        return bc_ledger_event_name(event) && field < BC_LEDGER_FIELDS_MAX ? kinds[event].field[field].name
                                                                           : NULL;
}

bool bc_ledger_field_is_text(uint32_t event, size_t field)
{
        return bc_ledger_field_name(event, field) && kinds[event].field[field].type == TEXT;
}
