// SPDX-License-Identifier: EUPL-1.2
#include "verify/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/segment_walk.h"
#include "verify/signature.h"

static void free_walk(struct bc_walk **walk)
{
        if (!*walk)
                return;
        bc_original_done(&(*walk)->original);
        bc_certificate_done(&(*walk)->certificate);
        bc_plain_free((*walk)->plain);
        free((*walk)->box);
        free(*walk);
}

// What is wrong with a record ends the walk: what comes behind it hangs on it.
#define REFUSE(walk, code, at, ...) \
        (bc_find(&(walk)->verdict->findings, code, BC_VERDICT_TAMPERED, at, __VA_ARGS__), -ECANCELED)

static int push_box(struct bc_walk *walk, const struct bc_walk_box *box)
{
        if (walk->first == walk->boxes)
                walk->first = walk->boxes = 0;
        if (walk->boxes == BC_WALK_BOXES_MAX)
                return -EFBIG;
        if (walk->boxes == walk->room) {
                size_t want = walk->room ? 2 * walk->room : 64;
                struct bc_walk_box *grown = reallocarray(walk->box, want, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                walk->box = grown;
                walk->room = want;
        }
        walk->box[walk->boxes++] = *box;
        return 0;
}

static int on_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct bc_walk *walk = user;
        uint64_t end = offset + fragment->header_bytes + fragment->payload_bytes;

        if (walk->verdict->end != 0)
                return REFUSE(walk, BC_FINDING_END, offset, "a fragment lies behind the record that ends the segment");
        for (size_t i = 0; i < fragment->runs; i++) {
                const struct bc_run *run = &fragment->run[i];
                const struct bc_track *track = &walk->init.track[run->track];
                int64_t first = walk->init.label.base_ticks + track->start_ticks + (int64_t)run->decode_ticks, ticks = first;
                for (size_t k = 0; k < run->samples; k++)
                        ticks += run->sample[k].duration_ticks;
                int r = push_box(walk, &(struct bc_walk_box){ end, run->track, first, ticks });
                if (r < 0)
                        return r;
        }
        walk->verdict->fragments++;
        return 0;
}

// Recovery is of a later start, or of a later epoch, in which counters may begin anew.
static bool goes_back(const struct bc_segment_verdict *verdict, const struct bc_record *record)
{
        if (record->kind == BC_RECORD_RECOVERED)
                return record->epoch < verdict->epoch ||
                       (record->epoch == verdict->epoch &&
                        (record->boot <= verdict->boot || record->ledger < verdict->last_ledger));
        return record->epoch != verdict->epoch || record->boot != verdict->boot || record->ledger < verdict->last_ledger ||
               record->signed_ns < verdict->last_signed_ns || record->captured < verdict->captured ||
               record->dropped < verdict->dropped;
}

// What all records of a segment have in common; of the first one nothing is known yet.
static int check_same(struct bc_walk *walk, uint64_t offset)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_record *record = &walk->record;

        if (record->kind == BC_RECORD_LEDGER || record->kind == BC_RECORD_SEALED)
                return REFUSE(walk, BC_FINDING_RECORD, offset, "a record lies in a segment that belongs %s",
                              record->kind == BC_RECORD_LEDGER ? "into the ledger" : "beside a sealed one");
        if (record->index != verdict->records + 1)
                return REFUSE(walk, BC_FINDING_CHAIN, offset, "record %" PRIu32 " stands where %" PRIu32 " belongs",
                              record->index, verdict->records + 1);
        if (verdict->records == 0)
                return 0;
        if (strcmp(record->device, verdict->device) != 0 || record->recording != verdict->recording ||
            record->segment != verdict->segment)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "record %" PRIu32 " is of segment %" PRIu32 " of recording %" PRIu64 " of \"%s\"", record->index,
                              record->segment, record->recording, record->device);
        if (record->algorithm != verdict->signer.algorithm || memcmp(record->x5t, verdict->signer.sha256, BC_HASH_BYTES) != 0)
                return REFUSE(walk, BC_FINDING_CERTIFICATE, offset,
                              "record %" PRIu32 " is signed with another key than the first", record->index);
        if (memcmp(record->prev, verdict->last_hash, BC_HASH_BYTES) != 0)
                return REFUSE(walk, BC_FINDING_CHAIN, offset, "record %" PRIu32 " does not follow the record before it",
                              record->index);
        if (goes_back(verdict, record))
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "a counter or clock of record %" PRIu32 " does not go on from the one before", record->index);
        return 0;
}

// The file's label and head are those that the first record was signed for.
static int check_label(struct bc_walk *walk, uint64_t offset)
{
        const struct bc_label *label = &walk->init.label;
        const struct bc_record *record = &walk->record;
        char name[BC_LABEL_TEXT_BYTES_MAX + 1];

        snprintf(name, sizeof(name), "%s-%06" PRIu64, record->device, record->recording);
        if (strcmp(label->device, record->device) != 0 || strcmp(label->recording, name) != 0 ||
            label->segment != record->segment)
                return REFUSE(walk, BC_FINDING_LABEL, offset,
                              "the label says segment %" PRIu32 " of \"%s\", the record segment %" PRIu32 " of \"%s\"",
                              label->segment, label->recording, record->segment, name);
        if (label->base_ticks != record->base_ticks || memcmp(label->boot_id, record->boot_id, BC_BOOT_ID_BYTES) != 0)
                return REFUSE(walk, BC_FINDING_LABEL, offset, "the label says another media time or boot than the first record");
        if (record->head_bytes != walk->layout.bytes)
                return REFUSE(walk, BC_FINDING_LABEL, offset, "the head has %zu bytes, by the first record %" PRIu64,
                              walk->layout.bytes, record->head_bytes);
        return 0;
}

static void note_first(struct bc_walk *walk)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_record *record = &walk->record;

        memcpy(verdict->device, record->device, sizeof(verdict->device));
        verdict->recording = record->recording;
        verdict->segment = record->segment;
        verdict->epoch = record->epoch;
        verdict->boot = record->boot;
        verdict->first_ledger = record->ledger;
        memcpy(verdict->first_prev, record->prev, BC_HASH_BYTES);
        memcpy(verdict->firmware, record->firmware, BC_HASH_BYTES);
        memcpy(verdict->settings, record->settings, BC_HASH_BYTES);
        memcpy(verdict->boot_id, record->boot_id, BC_BOOT_ID_BYTES);
        verdict->base_ticks = record->base_ticks;
        verdict->first_signed_ns = record->signed_ns;
        verdict->first_captured = record->captured;
        verdict->first_dropped = record->dropped;
        verdict->drivers = record->drivers;
        memcpy(verdict->driver, record->driver, sizeof(verdict->driver));
        for (size_t i = 0; i < record->drivers; i++)
                verdict->simulated |= record->driver[i].simulated;
        verdict->sealed = record->sealed;
        memcpy(verdict->seal, record->seal, BC_HASH_BYTES);
        memcpy(verdict->begun_reason, record->begun.reason, sizeof(verdict->begun_reason));
        verdict->press_ticks = record->begun.press_ticks;
        verdict->pre_event_ticks = record->begun.pre_event_ticks;
        memcpy(verdict->abandoned, record->succeeds, sizeof(verdict->abandoned));
        verdict->abandoned_count = record->succeeds_count;
}

// The first record brings the certificate; the head that was signed is put in place of a patched one.
static int begin(struct bc_walk *walk, uint64_t offset)
{
        uint8_t header[BC_PATCH_BYTES];
        struct bc_init_layout signed_layout = walk->layout;
        int r = check_label(walk, offset);

        if (r < 0)
                return r;
        r = bc_certificate_open(&walk->certificate, &walk->record, offset, &walk->verdict->findings);
        walk->verdict->signer = walk->certificate.signer;
        if (r < 0)
                return r == -EBADMSG ? -ECANCELED : r;
        if (walk->record.algorithm != walk->certificate.signer.algorithm)
                return REFUSE(walk, BC_FINDING_CERTIFICATE, offset, "the algorithm is not the one of the device's key");
        signed_layout.bytes = (size_t)walk->record.head_bytes;
        bc_finalise_unpatch(&signed_layout, header);
        bc_original_restore(&walk->original, walk->layout.moov_offset, header);
        return 0;
}

// Where the record's range lies, and which boxes are in it; walk->span becomes what their tracks hold.
static int check_range(struct bc_walk *walk, uint64_t offset)
{
        const struct bc_record *record = &walk->record;
        uint64_t covered = walk->verdict->covered, end = covered;

        if (record->offset != covered)
                return REFUSE(walk, BC_FINDING_COVERAGE, offset,
                              "the range of record %" PRIu32 " begins at %" PRIu64 ", not at %" PRIu64, record->index,
                              record->offset, covered);
        if (record->bytes > offset - covered || (record->kind != BC_RECORD_FRAGMENT && record->bytes != offset - covered))
                return REFUSE(walk, BC_FINDING_COVERAGE, offset, "the range of record %" PRIu32 " does not end where it may",
                              record->index);
        for (size_t i = 0; i < BC_TRACKS_MAX; i++)
                walk->span[i] = (struct bc_record_span){ BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
        for (; walk->first < walk->boxes && walk->box[walk->first].end <= covered + record->bytes; walk->first++) {
                const struct bc_walk_box *box = &walk->box[walk->first];
                end = box->end;
                if (box->track == BC_WALK_NO_TRACK)
                        continue;
                if (walk->span[box->track].first_ticks == BC_RECORD_UNKNOWN)
                        walk->span[box->track].first_ticks = box->first_ticks;
                walk->span[box->track].end_ticks = box->end_ticks;
        }
        if (end != covered + record->bytes)
                return REFUSE(walk, BC_FINDING_COVERAGE, offset, "the range of record %" PRIu32 " ends within a box",
                              record->index);
        bool same = record->tracks == walk->init.tracks;
        for (size_t i = 0; same && i < record->tracks; i++)
                same = record->track[i].first_ticks == walk->span[i].first_ticks &&
                       (walk->span[i].first_ticks == BC_RECORD_UNKNOWN || record->track[i].end_ticks == walk->span[i].end_ticks);
        if (!same)
                return REFUSE(walk, BC_FINDING_TIME, offset, "record %" PRIu32 " states other times than its fragments have",
                              record->index);
        return 0;
}

static int check_hash(struct bc_walk *walk, uint64_t offset)
{
        const struct bc_record *record = &walk->record;
        uint8_t sha256[BC_HASH_BYTES];
        int r = bc_original_advance(&walk->original, record->offset + record->bytes);

        if (r == 0)
                r = bc_original_range(&walk->original, sha256);
        if (r < 0)
                return r;
        if (memcmp(sha256, record->sha256, BC_HASH_BYTES) != 0)
                bc_find(&walk->verdict->findings, BC_FINDING_HASH, BC_VERDICT_TAMPERED, record->offset,
                        "of the %" PRIu64 " bytes from here on at least one is not as it was when record %" PRIu32 " (at %" PRIu64
                        ") was signed", record->bytes, record->index, offset);
        return 0;
}

static void note_end(struct bc_walk *walk, uint64_t box_end)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_record *record = &walk->record;

        verdict->end = record->kind;
        walk->end_offset = box_end;
        walk->moov_bytes = record->moov_bytes;
        memcpy(walk->moov_sha256, record->moov_sha256, BC_HASH_BYTES);
        if (record->kind == BC_RECORD_CLOSE) {
                memcpy(verdict->ended_reason, record->ended.reason, sizeof(verdict->ended_reason));
                verdict->stop_ticks = record->ended.stop_ticks;
                verdict->segments = record->ended.segments;
        }
        if (record->kind != BC_RECORD_RECOVERED)
                return;
        verdict->before = record->found.before;
        verdict->kept = record->found.kept;
        verdict->moved = record->found.moved;
        verdict->moved_bytes = record->found.moved_bytes;
        memcpy(verdict->moved_sha256, record->found.moved_sha256, BC_HASH_BYTES);
        verdict->agrees = record->found.agrees;
        verdict->reset = record->found.reset;
        verdict->anchor = record->found.anchor;
        verdict->anchor_here = verdict->anchor.index >= 1 && verdict->anchor.index < record->index &&
                               record->index - verdict->anchor.index < BC_WALK_HASHES &&
                               memcmp(walk->hash[verdict->anchor.index % BC_WALK_HASHES], verdict->anchor.hash,
                                      BC_HASH_BYTES) == 0;
}

static void note_spans(struct bc_walk *walk)
{
        for (size_t i = 0; i < walk->init.tracks; i++) {
                struct bc_track_span *track = &walk->verdict->track[i];
                if (walk->span[i].first_ticks == BC_RECORD_UNKNOWN)
                        continue;
                if (track->first_ticks == BC_RECORD_UNKNOWN)
                        track->first_ticks = walk->span[i].first_ticks;
                track->end_ticks = walk->span[i].end_ticks;
        }
}

// Recovery signs what it found, not what was recorded: fragments that it alone covers may have been changed before.
static void note_recovered_range(struct bc_walk *walk)
{
        const struct bc_record *record = &walk->record;
        bool fragments = record->index == 1;

        for (size_t i = 0; i < walk->init.tracks; i++)
                fragments |= walk->span[i].first_ticks != BC_RECORD_UNKNOWN;
        if (fragments)
                bc_find(&walk->verdict->findings, BC_FINDING_UNSIGNED, BC_VERDICT_UNPROVEN, record->offset,
                        "%" PRIu64 " bytes were signed by recovery alone: nothing proves that they are as they were recorded",
                        record->bytes);
}

static int note(struct bc_walk *walk, uint64_t box_end)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_record *record = &walk->record;
        bool recovered = record->kind == BC_RECORD_RECOVERED;

        if (verdict->records == 0)
                note_first(walk);
        verdict->records++;
        verdict->covered = record->offset + record->bytes;
        verdict->last_ledger = record->ledger;
        if (recovered) {
                note_recovered_range(walk);
        } else {
                verdict->changed_programs |= memcmp(verdict->firmware, record->firmware, BC_HASH_BYTES) != 0 ||
                                             memcmp(verdict->settings, record->settings, BC_HASH_BYTES) != 0;
                verdict->captured = record->captured;
                verdict->dropped = record->dropped;
                verdict->last_signed_ns = record->signed_ns;
                if (record->utc.source != 0) {
                        verdict->last_utc = (struct bc_claim){ true, record->signed_ns, record->utc.source, record->utc.utc_ns,
                                                               record->utc.uncertainty_ns, record->utc.age_ns };
                        if (!verdict->first_utc.known)
                                verdict->first_utc = verdict->last_utc;
                }
                note_spans(walk);
        }
        if (record->kind != BC_RECORD_FRAGMENT)
                note_end(walk, box_end);
        return recovered ? 0 : bc_news_add_record(&verdict->news, record);
}

static int on_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct bc_walk *walk = user;
        struct bc_segment_verdict *verdict = walk->verdict;
        uint8_t hash[BC_HASH_BYTES];
        char text[160];
        size_t at = 0;
        int r = bc_original_read(&walk->original, offset, walk->bytes, bytes);

        if (r == 0)
                r = bc_sha256(walk->bytes, bytes, hash);
        if (r < 0)
                return r;
        if (verdict->end != 0)
                return REFUSE(walk, BC_FINDING_END, offset, "a record lies behind the one that ends the segment");
        if (bc_record_parse(walk->bytes, bytes, &walk->record, &walk->message, text, sizeof(text), &at) < 0)
                return REFUSE(walk, BC_FINDING_RECORD, offset + at, "not a lawful record: %s", text);
        r = check_same(walk, offset);
        if (r == 0 && verdict->records == 0)
                r = begin(walk, offset);
        if (r < 0)
                return r;
        r = bc_signature_check(walk->certificate.key, walk->certificate.signer.algorithm, &walk->message);
        if (r == -EBADMSG)
                return REFUSE(walk, BC_FINDING_SIGNATURE, offset, "the signature of record %" PRIu32 " is not the device's",
                              walk->record.index);
        if (r == 0)
                r = check_range(walk, offset);
        if (r == 0)
                r = check_hash(walk, offset);
        if (r == 0)
                r = note(walk, offset + bytes);
        if (r < 0)
                return r;
        memcpy(verdict->last_hash, hash, BC_HASH_BYTES);
        if (walk->record.kind != BC_RECORD_RECOVERED) {
                memcpy(verdict->chain_hash, hash, BC_HASH_BYTES);
                memcpy(verdict->chain_prev, walk->record.prev, BC_HASH_BYTES);
                verdict->chain_records++;
                verdict->chain_ledger = walk->record.ledger;
        }
        memcpy(walk->hash[walk->record.index % BC_WALK_HASHES], hash, BC_HASH_BYTES);
        return push_box(walk, &(struct bc_walk_box){ .end = offset + bytes, .track = BC_WALK_NO_TRACK });
}

static int read_at(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct bc_walk *walk = user;

        return bc_original_read(&walk->original, offset, bytes, n);
}

static int read_head(struct bc_walk *walk)
{
        uint8_t *bytes = walk->bytes;
        size_t n = walk->original.size < BC_INIT_BYTES_MAX ? (size_t)walk->original.size : BC_INIT_BYTES_MAX;
        int r = bc_original_read(&walk->original, 0, bytes, n);

        _Static_assert(sizeof(walk->bytes) >= BC_INIT_BYTES_MAX, "a head has room where a record has");
        if (r == 0)
                r = bc_init_parse(bytes, n, &walk->init, &walk->layout);
        if (r < 0)
                return r;
        struct bc_segment_verdict *verdict = walk->verdict;
        verdict->ours = true;
        verdict->label = walk->init.label;
        verdict->tracks = walk->init.tracks;
        for (size_t i = 0; i < walk->init.tracks; i++)
                verdict->track[i] = (struct bc_track_span){ walk->init.track[i].kind, BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
        return push_box(walk, &(struct bc_walk_box){ .end = walk->layout.bytes, .track = BC_WALK_NO_TRACK });
}

static int walk_file(struct bc_walk *walk)
{
        struct bc_scan_source source = { .read = read_at, .size = walk->original.size, .on_record = on_record,
                                         .on_fragment = on_fragment, .user = walk };
        struct bc_scan scan;
        int r = read_head(walk);

        if (r == -EBADMSG || r == -ENODATA) {
                bc_find(&walk->verdict->findings, BC_FINDING_FOREIGN, BC_VERDICT_UNJUDGED, 0,
                        "not a segment of this format: another writer's file, a sealed one, or its head was changed or cut. "
                        "That does not make it innocent");
                return 0;
        }
        if (r < 0)
                return r;
        r = bc_scan_file(&source, &scan);
        if (r != 0)
                return r == -ECANCELED ? 0 : r;
        r = bc_walk_end(walk, &scan);
        bc_scan_done(&scan);
        return r;
}

static void judge_signer(struct bc_walk *walk)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        int64_t instants[2] = { verdict->first_utc.utc_ns, verdict->last_utc.utc_ns };
        size_t n = instants[0] == instants[1] ? 1 : 2;
        enum bc_instant from = BC_INSTANT_CLAIMED;

        if (verdict->records == 0)
                return;
        if (walk->judge->not_after_ns > 0) { // others' word counts for more than its own [16]
                from = BC_INSTANT_WITNESSED;
                instants[0] = walk->judge->not_after_ns;
        } else if (!verdict->first_utc.known) {
                from = BC_INSTANT_NOW;
                instants[0] = walk->judge->now_utc_ns;
        }
        bc_certificate_trust(&walk->certificate, walk->judge->trust, instants, from == BC_INSTANT_CLAIMED ? n : 1, from,
                             &verdict->findings);
        verdict->signer = walk->certificate.signer;
        if (verdict->simulated && !verdict->signer.test && verdict->signer.trusted)
                bc_find(&verdict->findings, BC_FINDING_TEST, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "SIMULATED devices under a certificate that is not for tests: no camera does that");
        else if ((verdict->simulated || verdict->signer.test) && !walk->judge->allow_test)
                bc_find(&verdict->findings, BC_FINDING_TEST, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "%s%s: evidence of nothing (--allow-test)", verdict->simulated ? "SIMULATED devices" : "",
                        verdict->signer.test ? verdict->simulated ? ", test certificate" : "test certificate" : "");
}

static bool same_file(const struct stat *a, const struct stat *b)
{
        return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

// Walks over the segment's bytes, wherever they come from.
static int judge_bytes(struct bc_walk *walk, int fd, uint64_t size)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        uint8_t sha256[BC_HASH_BYTES];
        bool all = !walk->vouched || walk->vouched->end >= size;

        int r = bc_original_init(&walk->original, fd, all ? size : walk->vouched->end);
        if (r < 0)
                return r;
        if (walk->plain) {
                walk->original.read = bc_plain_read;
                walk->original.source = walk->plain;
        } else {
                walk->original.on_bytes = walk->judge->on_bytes;
                walk->original.user = walk->judge->user;
        }
        r = walk_file(walk);
        if (r < 0)
                return r;
        judge_signer(walk);
        if (walk->plain)
                bc_walk_judge_header(walk);
        r = bc_original_file(&walk->original, sha256);
        if (r < 0 || walk->plain)
                return r;
        memcpy(verdict->sha256, sha256, BC_HASH_BYTES);
        verdict->hashed = all;
        return 0;
}

static int judge(struct bc_walk *walk, int fd)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        struct stat before, after;
        bool sealed;

        if (fstat(fd, &before) < 0)
                return -errno;
        if (!S_ISREG(before.st_mode))
                return -EINVAL;
        verdict->bytes = verdict->plain_bytes = (uint64_t)before.st_size;
        uint64_t size = verdict->bytes;
        int r = bc_plain_is_sealed(fd, size, &sealed);
        // A power cut may have left nothing in it that tells.
        const char *end = walk->folder_fd >= 0 ? strrchr(verdict->file, '.') : NULL;
        if (r == 0 && (sealed || (end && strcmp(end, ".sealed") == 0)))
                r = bc_walk_unseal(walk, fd, &size);
        if (r == 0)
                r = judge_bytes(walk, fd, size);
        if (r < 0 && r != -ECANCELED)
                return r;
        if (fstat(fd, &after) < 0)
                return -errno;
        return same_file(&before, &after) ? 0 : -ESTALE;
}

static void judge_file(const struct bc_judge *how, int folder_fd, int fd, const char *file, const struct bc_record_abandoned *vouched,
                       struct bc_segment_verdict *ret_verdict)
{
        __attribute__((cleanup(free_walk))) struct bc_walk *walk = calloc(1, sizeof(*walk));
        int r = -ENOMEM;

        *ret_verdict = (struct bc_segment_verdict){ 0 };
        snprintf(ret_verdict->file, sizeof(ret_verdict->file), "%s", file);
        if (walk) {
                walk->judge = how;
                walk->folder_fd = folder_fd;
                walk->vouched = vouched;
                walk->verdict = ret_verdict;
                r = judge(walk, fd);
        }
        if (r < 0)
                bc_find(&ret_verdict->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET, "cannot be read: %s",
                        r == -ESTALE ? "it changed meanwhile" : r == -EINVAL ? "not a regular file" : strerror(-r));
}

void bc_segment_judge(const struct bc_judge *how, int fd, const char *file, const struct bc_record_abandoned *vouched,
                      struct bc_segment_verdict *ret_verdict)
{
        judge_file(how, -1, fd, file, vouched, ret_verdict);
}

void bc_segment_judge_at(const struct bc_judge *how, int folder_fd, const char *name, const char *file,
                         const struct bc_record_abandoned *vouched, struct bc_segment_verdict *ret_verdict)
{
        // O_NONBLOCK: a pipe of that name does not hold us up.
        int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

        if (fd < 0) {
                *ret_verdict = (struct bc_segment_verdict){ 0 };
                snprintf(ret_verdict->file, sizeof(ret_verdict->file), "%s", file);
                bc_find(&ret_verdict->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET, "cannot be opened: %s",
                        errno == ELOOP ? "it is a link" : strerror(errno));
                return;
        }
        judge_file(how, folder_fd, fd, file, vouched, ret_verdict);
        close(fd);
}

void bc_segment_verdict_done(struct bc_segment_verdict *verdict)
{
        bc_news_done(&verdict->news);
}
