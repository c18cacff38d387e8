// SPDX-License-Identifier: EUPL-1.2
// What a segment's own records prove of it: the longest prefix in which each is lawful, follows the one before, is signed by this
// device and has the very bytes before it that it was signed for. What a power cut left of a write may have all of that but the bytes.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/recognise.h"
#include "evidence/rescue.h"

struct walk {
        struct bc_rescue *rescue;
        int fd;
        uint32_t segment;
        enum bc_rescue_depth depth;
        struct bc_init init;
        struct bc_init_layout layout;
        struct bc_rescue_look *look;
        struct bc_record record;
        struct bc_record_message message;
        uint8_t box[BC_RECORD_BYTES_MAX];
};

static bool is_ours(const struct walk *walk)
{
        const struct bc_rescue_kit *kit = walk->rescue->kit;

        return memcmp(walk->record.x5t, kit->x5t, BC_HASH_BYTES) == 0 && bc_recognise(&kit->public_key, &walk->record, &walk->message);
}

// The range begins where the one before ended, and ends before this box; that of a record that ends the segment, at it.
static bool is_in_place(const struct walk *walk, uint64_t offset)
{
        const struct bc_record *record = &walk->record;
        const struct bc_rescue_look *look = walk->look;
        uint64_t end = record->offset + record->bytes;

        return record->kind <= BC_RECORD_RECOVERED && record->recording == walk->rescue->recording && record->segment == walk->segment &&
               record->index == look->index + 1 && record->offset == look->covered &&
               (record->kind == BC_RECORD_FRAGMENT ? end <= offset : end == offset) &&
               (look->index == 0 || memcmp(record->prev, look->hash, BC_HASH_BYTES) == 0);
}

// 1: the range is what was signed; 0: it is not.
static int has_its_bytes(const struct walk *walk)
{
        const struct bc_record *record = &walk->record;
        uint8_t sha256[BC_HASH_BYTES];
        int r;

        if (walk->depth != BC_RESCUE_BYTES)
                return 1;
        r = bc_rescue_hash(walk->fd, &walk->layout, record->offset, record->offset + record->bytes, sha256);
        return r < 0 ? r : memcmp(sha256, record->sha256, BC_HASH_BYTES) == 0;
}

static void note_beginning(struct bc_rescue_look *look, const struct bc_record *record)
{
        memcpy(look->succeeds, record->succeeds, sizeof(look->succeeds));
        look->succeeds_count = record->succeeds_count;
}

static int note(struct walk *walk, uint64_t offset, uint32_t bytes)
{
        const struct bc_anchor_state *anchor = &walk->rescue->kit->anchor;
        const struct bc_record *record = &walk->record;
        struct bc_rescue_look *look = walk->look;

        if (record->index == 1)
                note_beginning(look, record);
        look->index = record->index;
        look->covered = record->offset + record->bytes;
        look->records_end = offset + bytes;
        look->kind = record->kind;
        if (EVP_Digest(walk->box, bytes, look->hash, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        if (record->kind != BC_RECORD_RECOVERED) {
                if (!look->chained)
                        look->first_ns = record->signed_ns;
                look->last_ns = record->signed_ns;
                look->chained = true;
                memcpy(look->chain_hash, look->hash, BC_HASH_BYTES);
        }
        walk->rescue->past_found |= walk->rescue->past.hashed && memcmp(walk->rescue->past.hash, look->hash, BC_HASH_BYTES) == 0;
        look->anchored |= anchor->recording == walk->rescue->recording && anchor->segment == walk->segment &&
                          anchor->index == look->index && memcmp(anchor->tail_hash, look->hash, BC_HASH_BYTES) == 0;
        // Behind the record that ends a segment no other counts.
        return walk->depth == BC_RESCUE_FIRST || look->kind != BC_RECORD_FRAGMENT ? -ECANCELED : 0;
}

static int read_walk(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct walk *walk = user;

        return bc_file_read_at(walk->fd, bytes, n, offset);
}

static int on_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct walk *walk = user;
        struct bc_rescue_look *look = walk->look;
        int r;

        // A large file on a slow card takes its time; nothing of it was touched yet.
        if (walk->rescue->stop && atomic_load(walk->rescue->stop))
                return -EINTR;
        r = bc_file_read_at(walk->fd, walk->box, bytes, offset);
        if (r < 0)
                return r;
        look->broken_at = offset;
        if (bc_record_parse(walk->box, bytes, &walk->record, &walk->message, NULL, 0, NULL) < 0)
                return -ECANCELED;
        if (!is_ours(walk)) {
                look->foreign = look->index == 0 && bc_recognise_signer(&walk->record, &walk->message);
                return -ECANCELED;
        }
        if (!is_in_place(walk, offset))
                return -ECANCELED;
        r = has_its_bytes(walk);
        if (r <= 0)
                return r < 0 ? r : -ECANCELED;
        look->broken_at = UINT64_MAX;
        return note(walk, offset, bytes);
}

static int read_head(struct walk *walk, uint64_t limit)
{
        size_t n = limit < BC_INIT_BYTES_MAX ? (size_t)limit : BC_INIT_BYTES_MAX;
        int r = bc_file_read_at(walk->fd, walk->box, n, 0);

        _Static_assert(sizeof(walk->box) >= BC_INIT_BYTES_MAX, "a head has room where a record has");
        return r < 0 ? r : bc_init_parse(walk->box, n, &walk->init, &walk->layout);
}

int bc_rescue_examine(struct bc_rescue *rescue, int fd, uint64_t limit, uint32_t segment, enum bc_rescue_depth depth,
                      struct bc_rescue_look *ret_look)
{
        BC_CLEANUP(bc_cleanup_memory) struct walk *walk = calloc(1, sizeof(*walk));
        struct bc_scan_source source = { .read = read_walk, .size = limit, .on_record = on_record, .user = walk };
        struct bc_scan scan;
        int r;

        *ret_look = (struct bc_rescue_look){ .broken_at = UINT64_MAX };
        if (!walk)
                return -ENOMEM;
        walk->rescue = rescue;
        walk->fd = fd;
        walk->segment = segment;
        walk->depth = depth;
        walk->look = ret_look;
        r = read_head(walk, limit);
        if (r == 0)
                r = bc_scan_file(&source, &scan);
        if (r == 0)
                bc_scan_done(&scan);
        return r == -ECANCELED ? 0 : r;
}
