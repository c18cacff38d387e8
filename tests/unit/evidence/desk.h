// SPDX-License-Identifier: EUPL-1.2
// A ledger on a simulated clock, on a card that can be made to fail, with an anchor that is watched never to be ahead of it; and a small
// reader of the files, which fails the test where the chain is not one. Needs WRAPS fdatasync fsync pwrite.
#ifndef DESK_H
#define DESK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "evidence/ledger.h"
#include "folder.h"
#include "notary.h"

#define DESK_RECORDS_MAX 3000

struct desk_card {
        pthread_mutex_t mutex;
        bool watched, anchor_fails;
        unsigned calls, from, every, failures, struck; // of the ledger's files
        uint32_t seed;
        uint8_t pending[BC_HASH_BYTES], synced[BC_HASH_BYTES]; // the box written, and synced in a file whose name may not be durable
        bool is_pending, is_synced, is_new; // is_new: the name of the file may not be durable
        ino_t spoilt;                       // a file whose sync failed: nothing more is to be written to it
        uint8_t durable[DESK_RECORDS_MAX][BC_HASH_BYTES];
        size_t durables;
        unsigned anchors;
};

extern struct desk_card desk_card;
extern struct notary desk_notary; // the tests make it

struct desk {
        char path[FOLDER_PATH_BYTES], anchor[FOLDER_PATH_BYTES + 16];
        int store_fd, folder_fd;
        struct bc_clock *clock;
        struct bc_ledger *ledger;
        struct bc_ledger_found found;
        atomic_uint finds, troubles; // how often that was told, since the start
        atomic_bool troubled;
        int64_t base_ns;
};

// An empty store.
void desk_make(struct desk *desk);
void desk_done(struct desk *desk);

// Starts the ledger; desk_start() insists on its being open at once. temper NULL: a quick signer. desk_look() says where one would stand that
// started now.
int desk_try(struct desk *desk, char *text, size_t text_bytes);
void desk_look(struct desk *desk);
void desk_start(struct desk *desk, const struct notary_temper *temper);
// A run that ended in order, then one in which neither the ledger nor the anchor's file can ever be written.
void desk_start_unwritable(struct desk *desk);
void desk_run(struct desk *desk, int64_t until_ns);
void desk_stop(struct desk *desk, bool in_order); // false: as if it crashed
void desk_keep_only(const struct desk *desk, const char *name); // of the ledger's files
void desk_tell(struct desk *desk, unsigned number, bool at_once); // numbers grow

struct archive {
        struct {
                uint64_t epoch, boot, sequence;
                uint32_t kind;
                int64_t time_ns;
                uint8_t details[BC_ENTRY_DETAILS_BYTES];
                size_t n;
        } *event;
        size_t events;
        struct {
                uint64_t epoch, sequence, boot;
                uint8_t hash[BC_HASH_BYTES];
                int64_t signed_ns;
                size_t file_end; // in its file, which is
                char file[64];
        } record[DESK_RECORDS_MAX];
        size_t records, files, torn;
};

// For a group of tests: the device's key, that all its runs have.
int desk_make_notary(void **state);
int desk_forget_notary(void **state);

struct archive *archive_read(const struct desk *desk);
void archive_free(struct archive *archive);
unsigned archive_count(const struct archive *archive, uint32_t kind);
int64_t archive_number(const uint8_t *details, size_t n, int64_t key); // BC_RECORD_UNKNOWN: null, or there is none
// So many were told by desk_tell(): they are there one by one and in their order, or counted.
void archive_check_told(const struct archive *archive, unsigned told);

#endif
