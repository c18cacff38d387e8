// SPDX-License-Identifier: EUPL-1.2
#include "evidence/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "evidence/certificate.h"
#include "evidence/entry.h"
#include "evidence/recognise.h"
#include "format/cbor.h"

struct reading {
        const struct bc_ledger_owner *owner;
        uint64_t recording;
        struct bc_past *past;
        bool begun; // what is older is not of this recording
        struct bc_record_bytes leaf;   // the certificate that the file brings, among its bytes
        bool leaf_judged;
        uint8_t *former;               // the key of that, where it is a former one of the device; NULL: it is not
        size_t former_bytes;
        struct bc_record record;
        struct bc_record_message message;
};

// ---- one event -------------------------------------------------------------------------------------------------

struct details {
        int64_t recording, number;
        const uint8_t *hash; // NULL: null
};

// Key 1 a number, key 2 a number, key 3, where the event has one, a hash or null.
static bool read_details(const struct bc_record_event *event, bool hashed, struct details *ret_details)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(event->details.bytes, event->details.n);
        int64_t key[3] = { 0 };
        size_t n;

        *ret_details = (struct details){ .hash = NULL };
        bc_cbor_enter_map(&reader);
        if (!bc_cbor_get_key(&reader, &key[0]))
                return false;
        ret_details->recording = bc_cbor_get_int(&reader, 0, INT64_MAX);
        if (!bc_cbor_get_key(&reader, &key[1]))
                return false;
        ret_details->number = bc_cbor_get_int(&reader, 0, INT64_MAX);
        if (hashed && bc_cbor_get_key(&reader, &key[2]) && !bc_cbor_get_null(&reader))
                ret_details->hash = bc_cbor_get_bytes(&reader, BC_HASH_BYTES, BC_HASH_BYTES, &n);
        return !reader.fault && key[0] == 1 && key[1] == 2 && (!hashed || key[2] == 3);
}

// Key 1 alone. 0: none.
static uint64_t recording_of(const struct bc_record_event *event)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(event->details.bytes, event->details.n);
        int64_t key = 0, recording;

        bc_cbor_enter_map(&reader);
        if (!bc_cbor_get_key(&reader, &key))
                return 0;
        recording = bc_cbor_get_int(&reader, 0, INT64_MAX);
        return reader.fault || key != 1 ? 0 : (uint64_t)recording;
}

static int note_recovery(struct bc_past *past, const struct details *details)
{
        if (past->recoveries == past->room) {
                size_t room = past->room ? 2 * past->room : 16;
                struct bc_past_recovery *grown = reallocarray(past->recovery, room, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                past->recovery = grown;
                past->room = room;
        }
        past->recovery[past->recoveries] = (struct bc_past_recovery){ .segment = (uint32_t)details->number };
        memcpy(past->recovery[past->recoveries++].hash, details->hash, BC_HASH_BYTES);
        return 0;
}

static int take(struct reading *reading, const struct bc_record_event *event)
{
        struct bc_past *past = reading->past;
        bool ends = event->event == BC_ENTRY_CLOSING || event->event == BC_ENTRY_BREAK;
        bool hashed = ends || event->event == BC_ENTRY_RECOVERY;
        struct details details;

        if (event->event == BC_ENTRY_NOTHING) {
                past->closed |= recording_of(event) == reading->recording;
                return 0;
        }
        if ((!hashed && event->event != BC_ENTRY_BEGINNING) || !read_details(event, hashed, &details))
                return 0;
        // Numbers of recordings only go up.
        if (event->event == BC_ENTRY_BEGINNING)
                reading->begun |= (uint64_t)details.recording <= reading->recording;
        if ((uint64_t)details.recording != reading->recording)
                return 0;
        past->begun |= event->event == BC_ENTRY_BEGINNING;
        if (event->event == BC_ENTRY_RECOVERY && details.hash && details.number >= 1 && details.number <= BC_RECORD_SEGMENTS_MAX)
                return note_recovery(past, &details);
        if (ends && !past->closed) {
                past->closed = true;
                past->hashed = details.hash != NULL;
                if (details.hash)
                        memcpy(past->hash, details.hash, BC_HASH_BYTES);
        }
        return 0;
}

// ---- the files -------------------------------------------------------------------------------------------------

static void forget_leaf(struct reading *reading)
{
        free(reading->former);
        reading->former = NULL;
        reading->leaf_judged = false;
        reading->leaf = (struct bc_record_bytes){ 0 };
}

static bool is_owners(struct reading *reading)
{
        const struct bc_ledger_owner *owner = reading->owner;
        struct bc_record_bytes former;

        if (bc_recognise(&owner->public_key, &reading->record, &reading->message))
                return true;
        if (!reading->leaf_judged && reading->leaf.n > 0 && bc_certificate_is_from(&reading->leaf, &owner->issuer, owner->device))
                (void)bc_certificate_key(&reading->leaf, &reading->former, &reading->former_bytes);
        reading->leaf_judged = true;
        former = (struct bc_record_bytes){ reading->former, reading->former_bytes };
        return former.bytes && strcmp(reading->record.device, owner->device) == 0 &&
               bc_recognise(&former, &reading->record, &reading->message);
}

static bool is_worth_reading(struct reading *reading)
{
        const struct bc_record *record = &reading->record;

        for (size_t i = 0; i < record->events; i++)
                if (record->event[i].event == BC_ENTRY_CLOSING || record->event[i].event == BC_ENTRY_RECOVERY ||
                    record->event[i].event == BC_ENTRY_BREAK || record->event[i].event == BC_ENTRY_BEGINNING ||
                    record->event[i].event == BC_ENTRY_NOTHING)
                        return is_owners(reading);
        return false;
}

// Others are none of ours.
static bool is_trouble(int error)
{
        return error < 0 && error != -EFBIG && error != -EINVAL && error != -ELOOP && error != -ENOENT;
}

static int look_through(struct reading *reading, int folder_fd, const char *name)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size = 0, at = 0;
        int r = bc_file_load(folder_fd, name, BC_LEDGER_LOAD_BYTES_MAX, &bytes, &size);

        if (r == -ENOMEM)
                return r;
        // What it says of a recording's end must not be missed for one read that failed; one that fails for good counts as lost.
        if (is_trouble(r))
                r = bc_file_load(folder_fd, name, BC_LEDGER_LOAD_BYTES_MAX, &bytes, &size);
        if (is_trouble(r))
                bc_log_error("ledger/%s cannot be read: %s; what it says of recordings counts as lost", name, strerror(-r));
        while (r == 0 && at < size) {
                const uint8_t *box_bytes = (const uint8_t *)bytes + at;
                struct bc_box box;

                if (bc_box_parse(box_bytes, size - at, size - at, &box) < 0 ||
                    bc_record_parse(box_bytes, (size_t)box.bytes, &reading->record, &reading->message, NULL, 0, NULL) < 0)
                        break;
                if (reading->record.chain_count > 0) {
                        forget_leaf(reading);
                        reading->leaf = reading->record.chain[0];
                }
                const size_t events = is_worth_reading(reading) ? reading->record.events : 0;
                for (size_t i = 0; r == 0 && i < events; i++)
                        r = take(reading, &reading->record.event[i]);
                at += (size_t)box.bytes;
        }
        forget_leaf(reading);
        return r == -ENOMEM ? r : 0;
}

int bc_past_read(int folder_fd, const struct bc_ledger_owner *owner, uint64_t recording, struct bc_past *ret_past)
{
        BC_CLEANUP(bc_cleanup_memory) struct reading *reading = calloc(1, sizeof(*reading));
        BC_CLEANUP(bc_ledger_names_done) struct bc_ledger_names names = { 0 };
        int r;

        *ret_past = (struct bc_past){ .closed = false };
        if (!reading)
                return -ENOMEM;
        reading->owner = owner;
        reading->recording = recording;
        reading->past = ret_past;
        r = bc_ledger_names_list(folder_fd, &names);
        for (size_t i = 0; i < names.count && r == 0 && !reading->begun; i++)
                r = look_through(reading, folder_fd, names.name[i].text);
        return r;
}

void bc_past_done(struct bc_past *past)
{
        free(past->recovery);
        *past = (struct bc_past){ .closed = false };
}

bool bc_past_has(const struct bc_past *past, uint32_t segment, const uint8_t *hash)
{
        for (size_t i = 0; i < past->recoveries; i++)
                if (past->recovery[i].segment == segment && (!hash || memcmp(past->recovery[i].hash, hash, BC_HASH_BYTES) == 0))
                        return true;
        return false;
}
