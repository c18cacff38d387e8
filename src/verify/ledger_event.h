// SPDX-License-Identifier: EUPL-1.2
// Events of the ledger as docs/formats/ledger.md, 3 has them: which keys the details of each have, and of which type. Pure;
// any thread.
#ifndef BC_VERIFY_LEDGER_EVENT_H
#define BC_VERIFY_LEDGER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

#define BC_LEDGER_FIELDS_MAX 7

enum bc_ledger_event_kind {
        BC_LEDGER_STARTED = 1,
        BC_LEDGER_STOPPED = 2,
        BC_LEDGER_ALIVE = 3,
        BC_LEDGER_STATE = 4,
        BC_LEDGER_BEGUN = 5,
        BC_LEDGER_CLOSED = 6,
        BC_LEDGER_RECOVERED = 7,
        BC_LEDGER_GIVEN_UP = 8,
        BC_LEDGER_GAP = 9,
        BC_LEDGER_MUTE = 10,
        BC_LEDGER_STEALTH = 11,
        BC_LEDGER_CLOCK = 12,
        BC_LEDGER_SETTINGS = 13,
        BC_LEDGER_ALARM = 14,
        BC_LEDGER_ROLLBACK = 15,
        BC_LEDGER_KEY = 16,
        BC_LEDGER_FLOOD = 17,
        BC_LEDGER_NONCE = 18,
        BC_LEDGER_BROKE_OFF = 19,
        BC_LEDGER_MARK = 20,
        BC_LEDGER_NOTHING = 21,
        BC_LEDGER_EVENT_KINDS,
};

// What stands under key i + 1.
struct bc_ledger_field {
        int64_t number;       // integers; 0 or 1 of a bool; BC_RECORD_UNKNOWN: null
        const uint8_t *bytes; // hashes and ids, texts: borrowed from the record; NULL: null
        size_t n;
};

struct bc_ledger_event {
        int64_t time_ns;
        uint32_t event; // any number: BC_LEDGER_EVENT_KINDS and above are not known here
        struct bc_ledger_field field[BC_LEDGER_FIELDS_MAX];
};

// 0; -EBADMSG: the event is known, and its details are not those of the document, with what is wrong in *ret_fault (static).
// Of an event that is not known the fields are empty.
int bc_ledger_event_parse(const struct bc_record_event *event, struct bc_ledger_event *ret_event,
                          const char **ret_fault);

// "begun"; NULL: not known.
const char *bc_ledger_event_name(uint32_t event);

// The name of a field of a known event, for reports; NULL: it has no such one.
const char *bc_ledger_field_name(uint32_t event, size_t field);

// Where an anchor lies, in words (record.md, key 58).
const char *bc_ledger_anchor_name(uint32_t medium);

// Whether one there is never more than 2 s behind. In a TPM's memory alone it is: whoever cuts a recording, cuts it just behind that.
bool bc_ledger_anchor_is_timely(uint32_t medium);

// Whether that field is a text.
bool bc_ledger_field_is_text(uint32_t event, size_t field);

#endif
