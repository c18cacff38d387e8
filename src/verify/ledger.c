// SPDX-License-Identifier: EUPL-1.2
#include "verify/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/ledger_folder.h"
#include "verify/original.h"
#include "verify/signature.h"
#include "verify/text.h"
#include "verify/witness.h"

#define FOLDER "ledger"

struct walk {
        const struct bc_judge *judge;
        struct bc_ledger_verdict *verdict;
        struct bc_certificate certificate; // under which records are read now
        int64_t first_ns, last_ns;         // UTC that its records claim; first BC_RECORD_UNKNOWN: none
        bool key_stated;                   // by the record before: from the next one on it is another
        uint8_t key[BC_HASH_BYTES];
        uint64_t epoch, boot, sequence; // of the record before; epoch 0: there was none
        uint8_t hash[BC_HASH_BYTES];
        int64_t signed_ns;
        bool damaged; // the end of the file before is no record, though as long as one
        // The file at hand.
        const struct bc_ledger_file *file;
        size_t file_records;
        struct bc_record record;
        struct bc_record_message message;
};

#define REFUSE(walk, code, at, ...)                                                                          \
        (bc_find(&(walk)->verdict->findings, code, BC_VERDICT_TAMPERED, at, __VA_ARGS__), -ECANCELED)

static void free_walk(struct walk **walk)
{
        if (!*walk)
                return;
        bc_certificate_done(&(*walk)->certificate);
        free(*walk);
}

// ---- who signed ------------------------------------------------------------------------------------------------

// What was signed with the certificate is judged by the times that its records claim.
static void judge_signer(struct walk *walk)
{
        int64_t instants[2] = { walk->first_ns, walk->last_ns };
        const struct bc_ledger_link *head = bc_ledger_head(walk->verdict);
        int64_t not_after_ns = walk->judge->witnesses && head ?
                                       bc_witnesses_not_after(walk->judge->witnesses, walk->verdict, head->epoch, head->sequence) :
                                       0;
        enum bc_instant from = BC_INSTANT_CLAIMED;
        struct bc_findings *findings = &walk->verdict->findings;

        if (!walk->certificate.key)
                return;
        if (not_after_ns > 0) { // all of it had been seen by then [16]
                from = BC_INSTANT_WITNESSED;
                instants[0] = not_after_ns;
        } else if (walk->first_ns == BC_RECORD_UNKNOWN) {
                from = BC_INSTANT_NOW;
                instants[0] = walk->judge->now_utc_ns;
        }
        bc_certificate_trust(&walk->certificate, walk->judge->trust, instants,
                             from == BC_INSTANT_CLAIMED && instants[0] != instants[1] ? 2 : 1, from, findings);
        walk->verdict->signer = walk->certificate.signer;
        if (walk->verdict->signer.test && !walk->judge->allow_test)
                bc_find(findings, BC_FINDING_TEST, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "test certificate: evidence of nothing (--allow-test)");
}

// To the certificate that the record brings. lawful: the record before it names it; else it must be another certificate of the same key,
// or an epoch begins: then the device was given a new key, without a word of the former one [17].
static int change_signer(struct walk *walk, bool lawful, uint64_t offset)
{
        struct bc_certificate former = walk->certificate;
        struct bc_findings *findings = &walk->verdict->findings;
        bool known = former.key != NULL, is_same_key = false;

        judge_signer(walk);
        bc_certificate_init(&walk->certificate);
        walk->first_ns = walk->last_ns = BC_RECORD_UNKNOWN;
        int r = bc_certificate_open(&walk->certificate, &walk->record, offset, findings);
        walk->verdict->signer = walk->certificate.signer;
        if (r == 0 && known)
                is_same_key = EVP_PKEY_eq(former.key, walk->certificate.key) == 1;
        bc_certificate_done(&former);
        if (r < 0)
                return r == -EBADMSG ? -ECANCELED : r;
        if (!known || lawful || is_same_key)
                return 0;
        if (walk->record.epoch == walk->epoch)
                return REFUSE(walk, BC_FINDING_CERTIFICATE, offset,
                              "it is signed with another key, and no entry of the former key says so");
        bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_UNPROVEN, offset,
                "epoch %" PRIu64 " is signed with another key, and no entry of the former key says so", walk->record.epoch);
        return 0;
}

// EVIDENCE 17: another key only by the word of the one before.
static int check_signer(struct walk *walk, uint64_t offset)
{
        const struct bc_record *record = &walk->record;
        bool known = walk->certificate.key != NULL;
        bool same = known && memcmp(record->x5t, walk->certificate.signer.sha256, BC_HASH_BYTES) == 0;
        uint8_t sha256[BC_HASH_BYTES];
        int r = 0;

        if (record->chain_count > 0 && walk->file_records > 0)
                return REFUSE(walk, BC_FINDING_RECORD, offset,
                              "certificates stand in a record that is not the first of its file");
        // A record that could not be written into the file before goes into the next one as it was signed.
        if (record->chain_count == 0 && (!known || (walk->file_records == 0 && record->boot != walk->boot)))
                return REFUSE(walk, BC_FINDING_RECORD, offset, "the file begins without certificates");
        bool named = walk->key_stated && memcmp(record->x5t, walk->key, BC_HASH_BYTES) == 0;
        if (walk->key_stated && !named && record->epoch == walk->epoch)
                return REFUSE(walk, BC_FINDING_CERTIFICATE, offset,
                              "it is not signed with the key that the record before it names");
        if (walk->key_stated && !named)
                bc_find(&walk->verdict->findings, BC_FINDING_CERTIFICATE, BC_VERDICT_UNPROVEN, offset,
                        "epoch %" PRIu64 " is not signed with the key that the record before it names", record->epoch);
        walk->key_stated = false;
        if (!same && record->chain_count == 0)
                return REFUSE(walk, BC_FINDING_CERTIFICATE, offset,
                              "it is signed with another key, and brings no certificate");
        if (same && record->chain_count > 0) {
                r = bc_sha256(record->chain[0].bytes, record->chain[0].n, sha256);
                if (r == 0 && memcmp(sha256, record->x5t, BC_HASH_BYTES) != 0)
                        return REFUSE(walk, BC_FINDING_CERTIFICATE, offset,
                                      "the record names another certificate (x5t) than the one it brings");
        }
        if (r == 0 && !same)
                r = change_signer(walk, named, offset);
        if (r < 0)
                return r;
        if (record->algorithm != walk->certificate.signer.algorithm)
                return REFUSE(walk, BC_FINDING_CERTIFICATE, offset,
                              "the algorithm is not the one of the device's key");
        r = bc_signature_check(walk->certificate.key, walk->certificate.signer.algorithm, &walk->message);
        if (r == -EBADMSG)
                return REFUSE(walk, BC_FINDING_SIGNATURE, offset,
                              "the signature of record %" PRIu64 " is not the device's", record->ledger);
        return r;
}

// ---- the chain -------------------------------------------------------------------------------------------------

static bool is_zero(const uint8_t hash[BC_HASH_BYTES])
{
        static const uint8_t zeros[BC_HASH_BYTES];

        return memcmp(hash, zeros, BC_HASH_BYTES) == 0;
}

// EVIDENCE 13.
static int refuse_earlier(struct walk *walk, const struct bc_ledger_link *link,
                          const uint8_t hash[BC_HASH_BYTES], uint64_t offset)
{
        char one[2 * BC_HASH_BYTES + 1], other[2 * BC_HASH_BYTES + 1];
        const struct bc_record *record = &walk->record;

        if (!link)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "record %" PRIu64 " of epoch %" PRIu64
                              " comes too late: it has come to %" PRIu64,
                              record->ledger, record->epoch, walk->sequence);
        if (memcmp(link->hash, hash, BC_HASH_BYTES) == 0)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "record %" PRIu64 " of epoch %" PRIu64 " is there again", record->ledger,
                              record->epoch);
        return REFUSE(walk, BC_FINDING_CHAIN, offset,
                      "a fork: record %" PRIu64 " of epoch %" PRIu64 " is there twice, as %s and as %s",
                      record->ledger, record->epoch, bc_text_hex(link->hash, BC_HASH_BYTES, one),
                      bc_text_hex(hash, BC_HASH_BYTES, other));
}

// The first record of an epoch hangs on what the device had still found of the one before.
static int check_epoch(struct walk *walk, uint64_t offset)
{
        const struct bc_record *record = &walk->record;
        struct bc_ledger_event event;
        const char *fault;
        bool found = false;

        if (record->ledger != 1)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "the beginning of epoch %" PRIu64
                              " is missing: it goes on with record %" PRIu64,
                              record->epoch, record->ledger);
        if (record->epoch == 1)
                return is_zero(record->prev) ? 0
                                             : REFUSE(walk, BC_FINDING_CHAIN, offset,
                                                      "the first record of all names one before it");
        if (record->events == 0 || record->event[0].event != BC_LEDGER_ROLLBACK ||
            bc_ledger_event_parse(&record->event[0], &event, &fault) < 0)
                return REFUSE(walk, BC_FINDING_LEDGER, offset,
                              "epoch %" PRIu64 " begins, and no rollback says why", record->epoch);
        const uint8_t *last = event.field[1].bytes;
        if (last ? memcmp(record->prev, last, BC_HASH_BYTES) != 0 : !is_zero(record->prev))
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "the epoch does not hang on the record that its rollback names");
        for (size_t i = walk->verdict->links; last && i-- > 0 && !found;)
                found = memcmp(walk->verdict->link[i].hash, last, BC_HASH_BYTES) == 0;
        return !last || found
                       ? 0
                       : REFUSE(walk, BC_FINDING_CHAIN, offset,
                                "the record that epoch %" PRIu64 " hangs on is not there", record->epoch);
}

// *ret_again: it is the last one once more, as a failed write leaves it.
static int check_chain(struct walk *walk, const uint8_t hash[BC_HASH_BYTES], uint64_t offset, bool *ret_again)
{
        const struct bc_record *record = &walk->record;

        *ret_again = false;
        if (walk->file_records == 0
                    ? record->epoch != walk->file->epoch || record->boot != walk->file->boot ||
                              record->ledger != walk->file->sequence
                    : record->epoch != walk->epoch || record->boot != walk->boot)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "record %" PRIu64 " of epoch %" PRIu64 ", start %" PRIu64
                              " is not of this file",
                              record->ledger, record->epoch, record->boot);
        if (record->epoch < walk->epoch ||
            (record->epoch == walk->epoch && record->ledger <= walk->sequence)) {
                *ret_again = walk->file_records == 0 && memcmp(hash, walk->hash, BC_HASH_BYTES) == 0 &&
                             record->boot == walk->boot;
                return *ret_again ? 0
                                  : refuse_earlier(
                                            walk,
                                            bc_ledger_find_link(walk->verdict, record->epoch, record->ledger),
                                            hash, offset);
        }
        if (record->boot < walk->boot || (record->epoch > walk->epoch && record->boot == walk->boot))
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "start %" PRIu64 " stands where start %" PRIu64 " had come", record->boot,
                              walk->boot);
        if (record->epoch > walk->epoch)
                return check_epoch(walk, offset);
        if (record->ledger != walk->sequence + 1)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "records %" PRIu64 " to %" PRIu64 " of epoch %" PRIu64 " are not there",
                              walk->sequence + 1, record->ledger - 1, record->epoch);
        if (memcmp(record->prev, walk->hash, BC_HASH_BYTES) != 0)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "record %" PRIu64
                              " does not follow the record before it: a fork, or one was changed",
                              record->ledger);
        if (record->boot == walk->boot && record->signed_ns < walk->signed_ns)
                return REFUSE(walk, BC_FINDING_TIME, offset, "the clock goes back at record %" PRIu64,
                              record->ledger);
        return 0;
}

// ---- a record --------------------------------------------------------------------------------------------------

static int note(struct walk *walk, const uint8_t hash[BC_HASH_BYTES])
{
        struct bc_ledger_verdict *verdict = walk->verdict;
        const struct bc_record *record = &walk->record;

        if (verdict->links == BC_LEDGER_LINKS_MAX)
                return -E2BIG;
        int r = bc_ledger_grow((void **)&verdict->link, verdict->links, &verdict->link_room,
                               sizeof(*verdict->link));
        if (r < 0)
                return r;
        if (verdict->links == 0)
                memcpy(verdict->first_prev, record->prev, BC_HASH_BYTES);
        struct bc_ledger_link *link = &verdict->link[verdict->links++];
        *link = (struct bc_ledger_link){ record->epoch, record->ledger, { 0 } };
        memcpy(link->hash, hash, BC_HASH_BYTES);
        memcpy(walk->hash, hash, BC_HASH_BYTES);
        walk->epoch = record->epoch;
        walk->boot = verdict->head_boot = record->boot;
        walk->sequence = record->ledger;
        walk->signed_ns = verdict->head_signed_ns = record->signed_ns;
        if (record->utc.source == 0)
                return 0;
        verdict->last_utc = (struct bc_claim){ true,
                                               record->signed_ns,
                                               record->utc.source,
                                               record->utc.utc_ns,
                                               record->utc.uncertainty_ns,
                                               record->utc.age_ns };
        if (!verdict->first_utc.known)
                verdict->first_utc = verdict->last_utc;
        if (walk->first_ns == BC_RECORD_UNKNOWN)
                walk->first_ns = walk->last_ns = record->utc.utc_ns;
        // A clock that was wrong at first: the certificate must hold over all that is claimed.
        walk->first_ns = record->utc.utc_ns < walk->first_ns ? record->utc.utc_ns : walk->first_ns;
        walk->last_ns = record->utc.utc_ns > walk->last_ns ? record->utc.utc_ns : walk->last_ns;
        return 0;
}

static int judge_record(struct walk *walk, const uint8_t *box, size_t bytes, uint64_t offset)
{
        struct bc_ledger_verdict *verdict = walk->verdict;
        const struct bc_record *record = &walk->record;
        uint8_t hash[BC_HASH_BYTES];
        const uint8_t *key;
        bool again, boot_began = record->boot != walk->boot, epoch_began = record->epoch != walk->epoch;
        int r = bc_sha256(box, bytes, hash);

        if (r < 0)
                return r;
        if (record->kind != BC_RECORD_LEDGER)
                return REFUSE(walk, BC_FINDING_RECORD, offset, "a record of a segment lies in the ledger");
        if (walk->epoch > 0 && strcmp(record->device, verdict->device) != 0)
                return REFUSE(walk, BC_FINDING_CHAIN, offset,
                              "record %" PRIu64 " is of another device, \"%s\"", record->ledger,
                              record->device);
        memcpy(verdict->device, record->device, sizeof(verdict->device));
        r = check_signer(walk, offset);
        if (r == 0)
                r = check_chain(walk, hash, offset, &again);
        if (r < 0)
                return r;
        walk->damaged = false; // whatever was there was never reckoned with
        walk->file_records++;
        if (again)
                return 0;
        r = bc_ledger_take_events(verdict, record, offset, boot_began, epoch_began, &key);
        if (r < 0)
                return r;
        if (key) {
                walk->key_stated = true;
                memcpy(walk->key, key, BC_HASH_BYTES);
        }
        return note(walk, hash);
}

// ---- a file ----------------------------------------------------------------------------------------------------

static bool is_record(struct walk *walk, const uint8_t *bytes, size_t n, size_t *ret_bytes)
{
        struct bc_box box;

        if (bc_box_parse(bytes, n, n, &box) < 0 || box.bytes > BC_RECORD_BYTES_MAX)
                return false;
        *ret_bytes = (size_t)box.bytes;
        return bc_record_parse(bytes, *ret_bytes, &walk->record, &walk->message, NULL, 0, NULL) == 0;
}

// What lies behind the last record: of the one write that a power cut or a bad card broke off, and nothing else.
static int judge_tail(struct walk *walk, const uint8_t *bytes, size_t n, uint64_t offset)
{
        struct bc_box box;
        size_t whole;

        if (n > BC_RECORD_BYTES_MAX)
                return REFUSE(walk, BC_FINDING_RECORD, offset,
                              "%zu bytes of %s are no records: that is more than a power cut leaves", n,
                              walk->file->name);
        for (size_t i = 1; i + BC_RECORD_HEADER_BYTES <= n; i++)
                if (memcmp(bytes + i + 4, "uuid", 4) == 0 && is_record(walk, bytes + i, n - i, &whole))
                        return REFUSE(walk, BC_FINDING_RECORD, offset,
                                      "%s is not readable here, and a whole record follows: it was changed",
                                      walk->file->name);
        walk->verdict->torn++;
        walk->damaged = bc_box_parse(bytes, n, n, &box) == 0;
        bc_find(&walk->verdict->findings, BC_FINDING_END, BC_VERDICT_NOTE, offset,
                "%s ends with %zu bytes that are no whole record", walk->file->name, n);
        return 0;
}

static int judge_bytes(struct walk *walk, const uint8_t *bytes, size_t size)
{
        size_t at = 0, n;
        int r = 0;

        walk->file_records = 0;
        while (r == 0 && at < size) {
                if (!is_record(walk, bytes + at, size - at, &n))
                        return judge_tail(walk, bytes + at, size - at, at);
                r = judge_record(walk, bytes + at, n, at);
                at += n;
        }
        return r;
}

static int judge_file(struct walk *walk, int folder_fd)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size;
        int r = bc_file_load(folder_fd, walk->file->name, BC_LEDGER_FILE_BYTES_MAX, &bytes, &size);

        if (r == -EFBIG)
                return REFUSE(walk, BC_FINDING_RECORD, BC_NO_OFFSET, "%s is larger than a file of the ledger",
                              walk->file->name);
        if (r < 0)
                return r;
        if (walk->judge->on_bytes)
                walk->judge->on_bytes(walk->judge->user, size);
        r = judge_bytes(walk, (const uint8_t *)bytes, size);
        if (r == -ECANCELED)
                bc_find(&walk->verdict->findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "that was found in %s; what comes behind it was not judged", walk->file->name);
        return r;
}

static int judge_folder(struct walk *walk, int folder_fd)
{
        struct bc_ledger_folder folder;
        struct bc_ledger_verdict *verdict = walk->verdict;
        int r = bc_ledger_folder_read(folder_fd, &folder, &verdict->findings);

        for (size_t i = 0; i < folder.files && r == 0; i++) {
                walk->file = &folder.file[i];
                verdict->files++;
                r = judge_file(walk, folder_fd);
        }
        bc_ledger_folder_done(&folder);
        if (r == 0 || r == -ECANCELED)
                judge_signer(walk);
        if (r < 0)
                return r;
        verdict->whole = verdict->links > 0;
        if (walk->damaged)
                bc_find(&verdict->findings, BC_FINDING_END, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the ledger ends with what has a record's length and is none: lost in a power cut, or changed");
        if (walk->key_stated)
                bc_find(&verdict->findings, BC_FINDING_CERTIFICATE, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "the last record names another key, which has not signed anything yet");
        if (verdict->links == 0)
                bc_find(&verdict->findings, BC_FINDING_NO_RECORD, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "no record is in the ledger");
        if (verdict->count[0] > 0)
                bc_find(&verdict->findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "%" PRIu64 " events of kinds that are not known here", verdict->count[0]);
        return 0;
}

void bc_ledger_judge(const struct bc_judge *judge, int store_fd, struct bc_ledger_verdict *ret_verdict)
{
        BC_CLEANUP(free_walk) struct walk *walk = calloc(1, sizeof(*walk));
        BC_CLEANUP(bc_cleanup_fd)
        int fd = openat(store_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        int r = fd < 0 ? -errno : walk ? 0 : -ENOMEM;

        *ret_verdict = (struct bc_ledger_verdict){ 0 };
        if (r == -ENOENT) {
                bc_find(&ret_verdict->findings, BC_FINDING_LEDGER, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "there is no ledger: whether recordings are missing as a whole is not known");
                return;
        }
        ret_verdict->there = true;
        if (r == 0) {
                walk->judge = judge;
                walk->verdict = ret_verdict;
                walk->first_ns = walk->last_ns = BC_RECORD_UNKNOWN;
                r = judge_folder(walk, fd);
        }
        if (r < 0 && r != -ECANCELED)
                bc_find(&ret_verdict->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "the ledger cannot be judged: %s",
                        r == -E2BIG ? "it is larger than can be judged" : strerror(-r));
}

void bc_ledger_verdict_done(struct bc_ledger_verdict *verdict)
{
        free(verdict->link);
        free(verdict->run);
        free(verdict->silence);
        free(verdict->note);
        free(verdict->recording);
        free(verdict->nonce);
        *verdict = (struct bc_ledger_verdict){ 0 };
}

const struct bc_ledger_link *bc_ledger_find_link(const struct bc_ledger_verdict *verdict, uint64_t epoch,
                                                 uint64_t sequence)
{
        size_t low = 0, high = verdict->links;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct bc_ledger_link *link = &verdict->link[middle];
                if (link->epoch < epoch || (link->epoch == epoch && link->sequence < sequence))
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == verdict->links || verdict->link[low].epoch != epoch ||
            verdict->link[low].sequence != sequence)
                return NULL;
        return &verdict->link[low];
}

const struct bc_ledger_link *bc_ledger_head(const struct bc_ledger_verdict *verdict)
{
        return verdict->links > 0 ? &verdict->link[verdict->links - 1] : NULL;
}
