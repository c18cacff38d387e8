// SPDX-License-Identifier: EUPL-1.2
#include "evidence/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "evidence/entry.h"
#include "evidence/facts.h"
#include "evidence/ledger_file.h"
#include "evidence/recognise.h"
#include "format/cbor.h"

struct reading {
        const struct bc_record_bytes *public_key;
        uint64_t recording;
        struct bc_past *past;
        bool begun; // what is older is not of this recording
        // The chain, from where the ledger was gone on from back to the file that is being read.
        uint8_t link[BC_HASH_BYTES];   // the hash of the next one; all zeros: it has come to its beginning
        size_t chain_from, chain_to;   // bytes of the file that are of it
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

static int take(struct reading *reading, const struct bc_record_event *event, bool is_own)
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
        if (event->event == BC_ENTRY_BEGINNING && !past->begun) {
                past->begun = true;
                past->former = !is_own;
                memcpy(past->former_x5t, reading->record.x5t, BC_HASH_BYTES);
        }
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

static bool is_worth_reading(const struct bc_record *record)
{
        for (size_t i = 0; i < record->events; i++)
                if (record->event[i].event == BC_ENTRY_CLOSING || record->event[i].event == BC_ENTRY_RECOVERY ||
                    record->event[i].event == BC_ENTRY_BREAK || record->event[i].event == BC_ENTRY_BEGINNING ||
                    record->event[i].event == BC_ENTRY_NOTHING)
                        return true;
        return false;
}

static bool parse(struct reading *reading, const char *bytes, size_t size, size_t *ret_bytes)
{
        struct bc_box box;

        if (bc_box_parse((const uint8_t *)bytes, size, size, &box) < 0 ||
            bc_record_parse((const uint8_t *)bytes, (size_t)box.bytes, &reading->record, &reading->message, NULL, 0, NULL) < 0)
                return false;
        *ret_bytes = (size_t)box.bytes;
        return true;
}

// Which part of the file is of the chain: back from the record that is asked for, as far as each has the hash of the one before it.
static int find_chain(struct reading *reading, const char *bytes, size_t size)
{
        uint8_t hash[BC_HASH_BYTES] = { 0 }, before[BC_HASH_BYTES] = { 0 };
        size_t from = 0, n;
        int r;

        reading->chain_from = reading->chain_to = 0;
        for (size_t at = 0; at < size && parse(reading, bytes + at, size - at, &n); at += n) {
                if (at == 0 || memcmp(reading->record.prev, hash, BC_HASH_BYTES) != 0) {
                        from = at;
                        memcpy(before, reading->record.prev, BC_HASH_BYTES);
                }
                r = bc_facts_hash(bytes + at, n, hash);
                if (r < 0)
                        return r;
                if (memcmp(hash, reading->link, BC_HASH_BYTES) == 0) {
                        reading->chain_from = from;
                        reading->chain_to = at + n;
                        memcpy(reading->link, before, BC_HASH_BYTES); // in an older file, or nowhere
                        return 0;
                }
        }
        return 0;
}

// Others are none of ours.
static bool is_trouble(int error)
{
        return error < 0 && error != -EFBIG && error != -EINVAL && error != -ELOOP && error != -ENOENT;
}

static int look_through(struct reading *reading, int folder_fd, const char *name)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size = 0, at = 0, n;
        int r = bc_file_load(folder_fd, name, BC_LEDGER_LOAD_BYTES_MAX, &bytes, &size);

        if (r == -ENOMEM)
                return r;
        // What it says of a recording's end must not be missed for one read that failed; one that fails for good counts as lost.
        if (is_trouble(r))
                r = bc_file_load(folder_fd, name, BC_LEDGER_LOAD_BYTES_MAX, &bytes, &size);
        if (is_trouble(r))
                bc_log_error("ledger/%s cannot be read: %s; what it says of recordings counts as lost", name, strerror(-r));
        if (r == 0)
                r = find_chain(reading, bytes, size);
        while (r == 0 && at < size && parse(reading, bytes + at, size - at, &n)) {
                const bool worth = is_worth_reading(&reading->record);
                const bool is_own = worth && bc_recognise(reading->public_key, &reading->record, &reading->message);
                const bool counts = worth && (is_own || (at >= reading->chain_from && at < reading->chain_to));

                for (size_t i = 0; r == 0 && counts && i < reading->record.events; i++)
                        r = take(reading, &reading->record.event[i], is_own);
                at += n;
        }
        return r == -ENOMEM ? r : 0;
}

int bc_past_read(int folder_fd, const struct bc_record_bytes *public_key, const uint8_t head[BC_HASH_BYTES], uint64_t recording,
                 struct bc_past *ret_past)
{
        BC_CLEANUP(bc_cleanup_memory) struct reading *reading = calloc(1, sizeof(*reading));
        BC_CLEANUP(bc_ledger_names_done) struct bc_ledger_names names = { 0 };
        int r;

        *ret_past = (struct bc_past){ .closed = false };
        if (!reading)
                return -ENOMEM;
        reading->public_key = public_key;
        memcpy(reading->link, head, BC_HASH_BYTES);
        reading->recording = recording;
        reading->past = ret_past;
        r = bc_ledger_names_list(folder_fd, &names);
        for (size_t i = 0; i < names.count && r == 0 && !reading->begun; i++)
                r = look_through(reading, folder_fd, names.name[i].text);
        ret_past->torn = !reading->begun && memcmp(reading->link, (uint8_t[BC_HASH_BYTES]){ 0 }, BC_HASH_BYTES) != 0;
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
