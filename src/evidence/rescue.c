// SPDX-License-Identifier: EUPL-1.2
#include "evidence/rescue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/finalise.h"
#include "format/text.h"

#define HASHED_BYTES 65536

// ---- the record of recovery ------------------------------------------------------------------------------------

static void free_hash(EVP_MD_CTX **hash)
{
        EVP_MD_CTX_free(*hash);
}

int bc_rescue_hash(int fd, const struct bc_init_layout *layout, uint64_t from, uint64_t to, uint8_t ret_sha256[BC_HASH_BYTES])
{
        BC_CLEANUP(free_hash) EVP_MD_CTX *hash = EVP_MD_CTX_new();
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(HASHED_BYTES);
        uint8_t original[BC_PATCH_BYTES];

        if (!hash || !bytes || EVP_DigestInit_ex2(hash, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        if (layout)
                bc_finalise_unpatch(layout, original);
        for (uint64_t at = from; at < to;) {
                size_t n = to - at < HASHED_BYTES ? (size_t)(to - at) : HASHED_BYTES;
                int r = bc_file_read_at(fd, bytes, n, at);

                if (r < 0)
                        return r;
                for (size_t i = 0; layout && i < BC_PATCH_BYTES; i++)
                        if (layout->moov_offset + i >= at && layout->moov_offset + i < at + n)
                                bytes[layout->moov_offset + i - at] = original[i];
                if (EVP_DigestUpdate(hash, bytes, n) != 1)
                        return -ENOMEM;
                at += n;
        }
        return EVP_DigestFinal_ex(hash, ret_sha256, NULL) == 1 ? 0 : -ENOMEM;
}

// The samples that no record covered: each track from where the covered ones end.
struct spans {
        int fd;
        uint64_t from;
        const struct bc_init *init;
        struct bc_record *record;
};

static int read_spans(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct spans *spans = user;

        return bc_file_read_at(spans->fd, bytes, n, offset);
}

static int on_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        const struct spans *spans = user;

        for (size_t i = 0; i < fragment->runs && offset >= spans->from; i++) {
                const struct bc_run *run = &fragment->run[i];
                struct bc_record_span *span = &spans->record->track[run->track];
                int64_t ticks = spans->init->label.base_ticks + spans->init->track[run->track].start_ticks + (int64_t)run->decode_ticks;

                if (span->first_ticks == BC_RECORD_UNKNOWN)
                        span->first_ticks = ticks;
                for (size_t k = 0; k < run->samples; k++)
                        ticks += run->sample[k].duration_ticks;
                span->end_ticks = ticks;
        }
        return 0;
}

static int state_spans(int fd, uint64_t from, uint64_t kept, const struct bc_init *init, struct bc_record *record)
{
        struct spans spans = { fd, from, init, record };
        struct bc_scan_source source = { .read = read_spans, .size = kept, .on_fragment = on_fragment, .user = &spans };
        struct bc_scan scan;
        int r;

        record->tracks = init->tracks;
        for (size_t i = 0; i < init->tracks; i++)
                record->track[i].first_ticks = record->track[i].end_ticks = BC_RECORD_UNKNOWN;
        r = bc_scan_file(&source, &scan);
        if (r == 0)
                bc_scan_done(&scan);
        return r;
}

// One that knows of no recording is a word, too, where none was ever lost: else what it knew may be lost with the ledger's former epoch.
bool bc_rescue_has_anchor(const struct bc_rescue_kit *kit)
{
        return kit->anchor.recording > 0 || kit->anchor.epoch == 1;
}

void bc_rescue_state_anchor(const struct bc_rescue_kit *kit, struct bc_record *record)
{
        const struct bc_anchor_state *anchor = &kit->anchor;

        record->found.reset = kit->reset;
        if (!bc_rescue_has_anchor(kit))
                return;
        record->found.anchor.medium = bc_anchor_stated_medium(anchor);
        record->found.anchor.recording = anchor->recording;
        record->found.anchor.segment = anchor->segment;
        record->found.anchor.index = anchor->index;
        memcpy(record->found.anchor.hash, anchor->tail_hash, BC_HASH_BYTES);
        record->found.anchor.signed_ns = anchor->tail_ns;
}

// Nothing that the anchor knows of this segment is missing.
static bool anchor_agrees(const struct bc_rescue *rescue, uint32_t segment, const struct bc_rescue_look *look)
{
        const struct bc_anchor_state *anchor = &rescue->kit->anchor;

        return look->anchored || anchor->recording != rescue->recording || anchor->segment != segment;
}

int bc_rescue_ask(struct bc_rescue *rescue)
{
        struct bc_signer *signer = rescue->kit->service->signer;

        bc_signer_ask(signer, rescue->signing);
        if (bc_signer_wait(signer, rescue->signing, bc_signer_now_ns(signer) + BC_RESCUE_PATIENCE_NS) == 0)
                return rescue->signing->error;
        bc_signer_abandon(signer, rescue->signing);
        rescue->signing = NULL;
        return -ETIME;
}

static void state_beginning(const struct bc_rescue *rescue, const struct bc_manifest *manifest, const struct bc_scan *scan,
                            struct bc_record *record)
{
        record->head_bytes = scan->layout.bytes;
        record->base_ticks = scan->init.label.base_ticks;
        memcpy(record->boot_id, scan->init.label.boot_id, BC_BOOT_ID_BYTES);
        (void)bc_text_clean(manifest->reason, record->begun.reason, sizeof(record->begun.reason));
        record->begun.press_ticks = manifest->press_ticks == BC_TICKS_UNKNOWN ? BC_RECORD_UNKNOWN : manifest->press_ticks;
        record->begun.pre_event_ticks = manifest->pre_event_ticks == BC_TICKS_UNKNOWN ? BC_RECORD_UNKNOWN : manifest->pre_event_ticks;
        bc_facts_state_drivers(rescue->kit->service->facts, record);
}

struct bc_record *bc_rescue_compose(struct bc_rescue *rescue, enum bc_record_kind kind, uint32_t segment)
{
        struct bc_record *record;

        if (!rescue->signing)
                rescue->signing = bc_signing_new();
        if (!rescue->signing)
                return NULL;
        record = &rescue->signing->record;
        memset(record, 0, sizeof(*record));
        record->kind = kind;
        record->recording = rescue->recording;
        record->segment = segment;
        return record;
}

int bc_rescue_sign(struct bc_rescue *rescue, int fd, const struct bc_manifest *manifest, uint32_t segment,
                   const struct bc_rescue_look *look, const struct bc_rescue_found *found, const struct bc_scan *scan,
                   const uint8_t *moov, size_t moov_bytes)
{
        const struct bc_attestation *service = rescue->kit->service;
        struct bc_record *record = bc_rescue_compose(rescue, BC_RECORD_RECOVERED, segment);
        int r;

        if (!record)
                return -ENOMEM;
        record->index = look->index + 1;
        record->offset = look->covered;
        record->bytes = found->kept - look->covered;
        r = bc_rescue_hash(fd, &scan->layout, look->covered, found->kept, record->sha256);
        if (r == 0)
                r = state_spans(fd, look->covered, found->kept, &scan->init, record);
        if (r < 0)
                return r;
        bc_facts_state(service->facts, bc_signer_now_ns(service->signer), record);
        if (look->index > 0)
                memcpy(record->prev, look->hash, BC_HASH_BYTES);
        else if (rescue->chained)
                memcpy(record->prev, rescue->prev, BC_HASH_BYTES);
        else
                bc_facts_ledger(service->facts, &record->ledger, record->prev);
        if (record->index == 1)
                state_beginning(rescue, manifest, scan, record);
        record->moov_bytes = moov_bytes;
        record->found.before = found->before;
        record->found.kept = found->kept;
        record->found.moved = found->moved_bytes > 0;
        record->found.moved_bytes = found->moved_bytes;
        memcpy(record->found.moved_sha256, found->moved_sha256, BC_HASH_BYTES);
        bc_rescue_state_anchor(rescue->kit, record);
        record->found.agrees = anchor_agrees(rescue, segment, look);
        if (EVP_Digest(moov, moov_bytes, record->moov_sha256, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        rescue->signing->with_chain = record->index == 1;
        return bc_rescue_ask(rescue);
}

void bc_rescue_follow(struct bc_rescue *rescue, uint32_t segment, const struct bc_rescue_look *look)
{
        rescue->segment = segment;
        rescue->continues = look->kind == BC_RECORD_CONTINUES;
        rescue->anchored |= look->anchored;
        if (!look->chained)
                return;
        if (!rescue->chained)
                rescue->first_ns = look->first_ns;
        rescue->last_ns = look->last_ns;
        memcpy(rescue->prev, look->chain_hash, BC_HASH_BYTES);
        rescue->chained = true;
}

// How much older than the last record what the tail anchor names is; of an anchor of an earlier recording, how long this one lasted at
// least. BC_RECORD_UNKNOWN: it names something that is not there.
static int64_t age_of_anchor(const struct bc_rescue *rescue)
{
        const struct bc_anchor_state *anchor = &rescue->kit->anchor;

        if (anchor->recording < rescue->recording)
                return rescue->last_ns - rescue->first_ns;
        return rescue->anchored ? rescue->last_ns - anchor->tail_ns : BC_RECORD_UNKNOWN;
}

// One of a later recording says nothing of this one.
static bool anchor_speaks(const struct bc_rescue *rescue)
{
        return bc_rescue_has_anchor(rescue->kit) && rescue->kit->anchor.recording <= rescue->recording;
}

bool bc_rescue_break_off(struct bc_rescue *rescue, uint32_t last, uint64_t tail_bytes, const uint8_t tail_sha256[BC_HASH_BYTES])
{
        const struct bc_anchor_state *anchor = &rescue->kit->anchor;
        struct bc_ledger *ledger = rescue->kit->service->ledger;
        struct bc_entry_break stated = { .recording = rescue->recording, .segment = last, .hash = rescue->prev, .medium = BC_RECORD_UNKNOWN,
                                         .age_ns = BC_RECORD_UNKNOWN, .tail_bytes = BC_RECORD_UNKNOWN };
        struct bc_ledger_entry entry;

        if (!ledger || !rescue->continues || rescue->segment != last || (rescue->past.closed && rescue->past_found))
                return false;
        if (anchor_speaks(rescue)) {
                stated.medium = bc_anchor_stated_medium(anchor);
                stated.age_ns = age_of_anchor(rescue);
        }
        if (tail_bytes > 0) {
                stated.tail_bytes = (int64_t)tail_bytes;
                stated.tail_sha256 = tail_sha256;
        }
        bc_entry_breaking_off(&entry, bc_signer_now_ns(rescue->kit->service->signer), &stated);
        bc_ledger_tell(ledger, &entry, true);
        return true;
}

bool bc_rescue_find_nothing(struct bc_rescue *rescue, uint64_t tail_bytes, const uint8_t tail_sha256[BC_HASH_BYTES])
{
        struct bc_entry_nothing stated = { .recording = rescue->recording, .medium = BC_RECORD_UNKNOWN, .tail_bytes = BC_RECORD_UNKNOWN };
        struct bc_ledger *ledger = rescue->kit->service->ledger;
        struct bc_ledger_entry entry;

        // Of one that had its end, or was recovered, by the ledger, that it is gone needs no statement.
        if (!ledger || rescue->past.closed || rescue->past.recoveries > 0)
                return false;
        if (anchor_speaks(rescue)) {
                stated.medium = bc_anchor_stated_medium(&rescue->kit->anchor);
                stated.named = rescue->kit->anchor.recording == rescue->recording;
        }
        if (tail_bytes > 0) {
                stated.tail_bytes = (int64_t)tail_bytes;
                stated.tail_sha256 = tail_sha256;
        }
        bc_entry_finding_nothing(&entry, bc_signer_now_ns(rescue->kit->service->signer), &stated);
        bc_ledger_tell(ledger, &entry, true);
        return true;
}

bool bc_rescue_is_settled(const struct bc_rescue *rescue, uint32_t segment, bool last, const struct bc_rescue_look *look)
{
        const struct bc_past *past = &rescue->past;

        if (look && look->kind == BC_RECORD_RECOVERED)
                return bc_past_has(past, segment, NULL) && !bc_past_has(past, segment, look->hash);
        if (bc_past_has(past, segment, NULL))
                return true;
        // The newest record that the ledger names is in the last segment that has one, and all before were gone through.
        return last && past->closed && past->hashed && !rescue->past_found;
}

void bc_rescue_give_up(struct bc_rescue *rescue, const char *why)
{
        struct bc_ledger *ledger = rescue->kit->service->ledger;
        struct bc_ledger_entry entry;

        if (!ledger)
                return;
        bc_entry_giving_up(&entry, bc_signer_now_ns(rescue->kit->service->signer), rescue->recording, why);
        bc_ledger_tell(ledger, &entry, false);
}

void bc_rescue_announce(struct bc_rescue *rescue, uint32_t segment, const uint8_t hash[BC_HASH_BYTES])
{
        struct bc_ledger *ledger = rescue->kit->service->ledger;
        struct bc_ledger_entry entry;

        if (!ledger || bc_past_has(&rescue->past, segment, hash))
                return;
        bc_entry_recovery(&entry, bc_signer_now_ns(rescue->kit->service->signer), rescue->recording, segment, hash);
        bc_ledger_tell(ledger, &entry, false);
        rescue->told = true;
}
