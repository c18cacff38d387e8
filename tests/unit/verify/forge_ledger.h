// SPDX-License-Identifier: EUPL-1.2
// Signed ledgers for tests, written by format and OpenSSL alone, after docs/formats/ledger.md. What fails aborts.
#ifndef TEST_VERIFY_FORGE_LEDGER_H
#define TEST_VERIFY_FORGE_LEDGER_H

#include "forge_identity.h"
#include "format/record.h"

#define FORGE_LEDGER_FILES_MAX 32
#define FORGE_LEDGER_RECORDS_MAX 256 // of one file

struct forge_ledger_file {
        uint64_t epoch, boot, sequence; // its name
        uint8_t *bytes;
        size_t size;
        size_t records, record_at[FORGE_LEDGER_RECORDS_MAX + 1];
        bool left_out; // it is not saved
};

struct forge_ledger {
        const struct forge_identity *identity;
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];
        uint64_t epoch, boot, sequence; // of the newest record
        uint8_t hash[BC_HASH_BYTES];
        int64_t signed_ns;
        uint8_t boot_id;
        bool no_utc;
        struct forge_ledger_file file[FORGE_LEDGER_FILES_MAX];
        size_t files;
        bool file_wanted; // the next record begins one
        // Told of each record before it is signed, to make a liar of the device.
        void (*on_record)(void *user, struct bc_record *record);
        void *user;
        // Of the next record.
        uint8_t details[BC_RECORD_EVENTS_MAX][512];
        struct bc_record record;
        struct bc_record_message message;
};

struct forge_ledger *forge_ledger_new(const struct forge_identity *identity);
// Goes on from where another one is, with a copy of its files: two such are a fork.
struct forge_ledger *forge_ledger_copy(const struct forge_ledger *ledger);
void forge_ledger_free(struct forge_ledger *ledger);

// An event of the next record, its details by their types, keys from 1: i an int64_t, b an int, t a text, h 32 bytes, o a boot
// id of 16 equal bytes (an int), n null.
void forge_ledger_event(struct forge_ledger *ledger, uint32_t event, const char *types, ...);
// Writes the events as a record, after_ns behind the one before; without events it is `alive`.
void forge_ledger_record(struct forge_ledger *ledger, int64_t after_ns);

// A run: a new boot of the daemon, in a new file. And its end in order.
void forge_ledger_start(struct forge_ledger *ledger, bool clean);
void forge_ledger_stop(struct forge_ledger *ledger);
// The same in a new epoch, that begins with a rollback.
void forge_ledger_roll_back(struct forge_ledger *ledger, uint64_t anchor);

// begun, closed: each a record of its own.
void forge_ledger_begun(struct forge_ledger *ledger, uint64_t recording);
void forge_ledger_closed(struct forge_ledger *ledger, uint64_t recording, uint32_t segments,
                         const uint8_t *hash);

// The hash of a record of a file.
void forge_ledger_hash(const struct forge_ledger_file *file, size_t record, uint8_t ret_hash[BC_HASH_BYTES]);
// Changes n bytes of a file to others.
void forge_ledger_splice(struct forge_ledger_file *file, size_t at, size_t remove, const void *insert,
                         size_t n);

// Into STORE/ledger, which is made.
void forge_ledger_save(const struct forge_ledger *ledger, const char *store);
void forge_ledger_name(const struct forge_ledger_file *file, char *ret_name, size_t bytes);

#endif
