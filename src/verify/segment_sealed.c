// SPDX-License-Identifier: EUPL-1.2
// A segment that lies sealed: its file, the record that recovery put beside it, and what of it can be opened (sealed.md, 6 and 7).
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/segment_walk.h"
#include "verify/signature.h"

#define BOOT_UNKNOWN 1 // of a header that was written before the ledger could be opened (sealed.md, 2)
#define RECOVERED_SUFFIX ".recovered"

// ---- the file from outside -------------------------------------------------------------------------------------

static int hash_file(struct bc_walk *walk, int fd)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        struct bc_original file;
        int r = bc_original_init(&file, fd, verdict->bytes);

        file.on_bytes = walk->judge->on_bytes;
        file.user = walk->judge->user;
        if (r == 0)
                r = bc_original_file(&file, verdict->sha256);
        bc_original_done(&file);
        verdict->hashed = r == 0;
        return r;
}

// Without a key that is all there is. 1: it has none, as far as it goes or at all.
static int read_header(struct bc_walk *walk, int fd, bool *ret_cut)
{
        struct bc_sealed_header *header = &walk->header;
        size_t n = walk->verdict->bytes < sizeof(walk->bytes) ? (size_t)walk->verdict->bytes : sizeof(walk->bytes), header_bytes;
        int r = bc_file_read_at(fd, walk->bytes, n, 0);

        _Static_assert(sizeof(walk->bytes) >= BC_SEALED_HEADER_BYTES_MAX, "a sealed file's header has room where a record has");
        if (r < 0)
                return r;
        r = bc_sealed_header_parse(walk->bytes, n, header, &header_bytes);
        header->envelope = NULL;
        *ret_cut = r == -ENODATA;
        walk->headed = r == 0;
        return r < 0 ? 1 : bc_sha256(walk->bytes, header_bytes, walk->header_hash);
}

// ---- the record beside it --------------------------------------------------------------------------------------

// Its box; 0 bytes: there is none.
static int load_beside(int folder_fd, const char *name, uint8_t *box, size_t *ret_bytes)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        char beside[BC_SEGMENT_FILE_BYTES];
        size_t n;
        int r;

        *ret_bytes = 0;
        if (folder_fd < 0 || strlen(name) < 4)
                return 0;
        snprintf(beside, sizeof(beside), "%.4s" RECOVERED_SUFFIX, name);
        r = bc_file_load(folder_fd, beside, BC_RECORD_BYTES_MAX, &bytes, &n);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        memcpy(box, bytes, n);
        *ret_bytes = n;
        return 0;
}

static void find_beside(struct bc_walk *walk, enum bc_finding_code code, const char *what)
{
        bc_find(&walk->verdict->findings, code, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "the record beside it, %.4s" RECOVERED_SUFFIX ", %s",
                walk->verdict->file, what);
}

static bool is_of_this_file(struct bc_walk *walk)
{
        const struct bc_record *record = &walk->record;
        const struct bc_segment_verdict *verdict = walk->verdict;

        if (record->stored.bytes != verdict->bytes || memcmp(record->stored.sha256, verdict->sha256, BC_HASH_BYTES) != 0)
                find_beside(walk, BC_FINDING_HASH, "states another size or hash: the sealed file is not as recovery found it");
        else if (!walk->headed && !record->stored.headed && record->segment == strtoul(verdict->file, NULL, 10))
                return true; // of which recording it is says whoever names it: the ledger
        else if (!walk->headed || !record->stored.headed || memcmp(record->stored.seal, walk->header_hash, BC_HASH_BYTES) != 0)
                find_beside(walk, BC_FINDING_HASH, "states another header");
        else if (strcmp(record->device, walk->header.device) != 0 || record->recording != walk->header.recording ||
                 record->segment != walk->header.segment)
                find_beside(walk, BC_FINDING_LABEL, "is of another segment");
        else
                return true;
        return false;
}

static int judge_beside(struct bc_walk *walk, struct bc_certificate *certificate, const uint8_t *box, size_t n)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        struct bc_findings *findings = &verdict->findings;
        const struct bc_record *record = &walk->record;
        int64_t instant = walk->judge->now_utc_ns;
        char text[160];
        int r;

        if (bc_record_parse(box, n, &walk->record, &walk->message, text, sizeof(text), NULL) < 0 || record->kind != BC_RECORD_SEALED) {
                find_beside(walk, BC_FINDING_RECORD, "is not a lawful record of its kind");
                return 0;
        }
        r = bc_certificate_open(certificate, record, BC_NO_OFFSET, findings);
        if (r < 0)
                return r == -EBADMSG ? 0 : r;
        if (record->algorithm != certificate->signer.algorithm ||
            bc_signature_check(certificate->key, certificate->signer.algorithm, &walk->message) < 0) {
                find_beside(walk, BC_FINDING_SIGNATURE, "is not signed by the device that it names");
                return 0;
        }
        if (record->utc.source != 0)
                instant = record->utc.utc_ns;
        bc_certificate_trust(certificate, walk->judge->trust, &instant, 1,
                             record->utc.source != 0 ? BC_INSTANT_CLAIMED : BC_INSTANT_NOW, findings);
        if (!is_of_this_file(walk))
                return 0;
        verdict->beside = true;
        verdict->beside_recording = record->recording;
        verdict->before = record->stored.bytes;
        verdict->reset = record->found.reset;
        verdict->anchor = record->found.anchor;
        memcpy(verdict->beside_key, certificate->signer.key_sha256, BC_HASH_BYTES);
        return bc_sha256(box, n, verdict->beside_hash);
}

static int look_beside(struct bc_walk *walk)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *box = malloc(BC_RECORD_BYTES_MAX);
        BC_CLEANUP(bc_certificate_done) struct bc_certificate certificate;
        size_t n;
        int r;

        bc_certificate_init(&certificate);
        if (!box)
                return -ENOMEM;
        r = load_beside(walk->folder_fd, walk->verdict->file, box, &n);
        return r < 0 || n == 0 ? r : judge_beside(walk, &certificate, box, n);
}

// ---- what can be opened ----------------------------------------------------------------------------------------

// What a power cut may make of a file's first write: it has any of its sectors, and lacks any other. By the record beside it the file was
// so when the device started again; which records were in it the anchor tells.
static bool is_torn_at_once(const struct bc_segment_verdict *verdict, const struct bc_unseal_report *report)
{
        switch (report->finding) {
        case BC_UNSEAL_WHOLE:
        case BC_UNSEAL_GOING_ON:
        case BC_UNSEAL_WEAK:
        case BC_UNSEAL_NO_KEY:
        case BC_UNSEAL_UNREADABLE:
                return false;
        default:
                return verdict->beside && report->plain_bytes == 0;
        }
}

// How the sealed file ends. Bytes at its end that are no chunk were there when the device started again, by the record beside it:
// they are what any power cut may leave, and count for nothing.
static void judge_unsealed(struct bc_walk *walk, const struct bc_unseal_report *report)
{
        static const enum bc_verdict verdicts[] = { [BC_UNSEAL_IS_WHOLE] = BC_VERDICT_NOTE, [BC_UNSEAL_IS_CUT] = BC_VERDICT_NOTE,
                                                    [BC_UNSEAL_IS_TAMPERED] = BC_VERDICT_TAMPERED,
                                                    [BC_UNSEAL_IS_UNJUDGED] = BC_VERDICT_UNJUDGED };
        enum bc_verdict verdict = verdicts[bc_unseal_verdict(report->finding)];
        char text[BC_UNSEAL_TEXT_BYTES];

        if (report->finding == BC_UNSEAL_WHOLE)
                return;
        if (is_torn_at_once(walk->verdict, report) ||
            (walk->verdict->beside && report->committed && verdict == BC_VERDICT_TAMPERED && report->finding != BC_UNSEAL_BEHIND_FINAL))
                verdict = BC_VERDICT_NOTE;
        bc_unseal_text(report, text);
        bc_find(&walk->verdict->findings, BC_FINDING_SEALED, verdict, report->offset, "%s", text);
}

void bc_walk_judge_nothing(struct bc_walk *walk)
{
        struct bc_segment_verdict *verdict = walk->verdict;

        verdict->blank = verdict->beside && verdict->plain_bytes == 0;
        if (verdict->beside && verdict->anchor.medium != 0 && verdict->anchor.recording == verdict->beside_recording &&
            verdict->anchor.segment == strtoul(verdict->file, NULL, 10))
                bc_find(&verdict->findings, BC_FINDING_ANCHOR, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "recovery found less than the device had already written: the tail anchor names record %" PRIu32
                        " of it, and no record is in it", verdict->anchor.index);
        else
                bc_find(&verdict->findings, BC_FINDING_NO_RECORD, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "no record is in it%s: nothing is proven of it", verdict->blank ? ", nor anything else that could be opened" : "");
}

// Not even a header: as the power cut left it, where the record beside it says so.
static void judge_headless(struct bc_walk *walk, bool cut)
{
        struct bc_segment_verdict *verdict = walk->verdict;

        bc_find(&verdict->findings, BC_FINDING_SEALED, verdict->beside ? BC_VERDICT_NOTE : cut ? BC_VERDICT_UNPROVEN : BC_VERDICT_UNJUDGED,
                cut ? verdict->bytes : 0, "%s",
                cut ? "cut off within its header: nothing of it can be opened" : "not a sealed file of this version");
        if (verdict->beside)
                bc_walk_judge_nothing(walk);
}

int bc_walk_unseal(struct bc_walk *walk, int fd, uint64_t *ret_plain_bytes)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_unseal_report *report;
        bool cut = false, torn;
        int r = hash_file(walk, fd), headless = 0;

        verdict->stored_sealed = true;
        verdict->plain_bytes = 0;
        if (r == 0)
                headless = read_header(walk, fd, &cut);
        if (r == 0)
                r = headless < 0 ? headless : look_beside(walk);
        if (r < 0)
                return r;
        if (headless) {
                judge_headless(walk, cut);
                return -ECANCELED;
        }
        if (!walk->judge->opener) {
                verdict->shut = true;
                bc_find(&verdict->findings, BC_FINDING_SEALED, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "sealed, and no key to open it with (--key)%s",
                        verdict->beside ? "; it is as the device found it at its next start" : "");
                return -ECANCELED;
        }
        r = bc_plain_open(walk->judge->opener, fd, verdict->bytes, &walk->plain);
        if (r < 0)
                return r;
        report = bc_plain_report(walk->plain);
        judge_unsealed(walk, report);
        torn = is_torn_at_once(verdict, report);
        verdict->shut = !torn && bc_unseal_verdict(report->finding) == BC_UNSEAL_IS_UNJUDGED;
        *ret_plain_bytes = verdict->plain_bytes = report->plain_bytes;
        if (report->plain_bytes > 0)
                return 0;
        if (report->committed || torn || report->finding == BC_UNSEAL_HEADER_CUT)
                bc_walk_judge_nothing(walk);
        return -ECANCELED;
}

void bc_walk_judge_header(struct bc_walk *walk)
{
        const struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_sealed_header *header = &walk->header;
        struct bc_findings *findings = &walk->verdict->findings;

        if (verdict->records == 0)
                return;
        if (!verdict->sealed || memcmp(verdict->seal, walk->header_hash, BC_HASH_BYTES) != 0)
                bc_find(findings, BC_FINDING_SEALED, BC_VERDICT_TAMPERED, 0,
                        "the first record states %s: it was sealed anew by somebody", verdict->sealed ? "another header" : "no header");
        else if (strcmp(header->device, verdict->device) != 0 || header->recording != verdict->recording ||
                 header->segment != verdict->segment || (header->boot != verdict->boot && header->boot != BOOT_UNKNOWN) ||
                 memcmp(header->boot_id, verdict->boot_id, BC_BOOT_ID_BYTES) != 0)
                bc_find(findings, BC_FINDING_LABEL, BC_VERDICT_TAMPERED, 0, "the header is of another segment or boot than its records");
        if (verdict->beside && memcmp(verdict->beside_key, verdict->signer.key_sha256, BC_HASH_BYTES) != 0)
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "the record beside it is signed with another key");
}

void bc_walk_find_anchor(struct bc_walk *walk)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        bool here = verdict->anchor.recording == verdict->recording && verdict->anchor.segment == verdict->segment;

        verdict->anchor_here = verdict->anchor.index >= 1 && verdict->anchor.index <= verdict->records &&
                               verdict->records - verdict->anchor.index < BC_WALK_HASHES &&
                               memcmp(walk->hash[verdict->anchor.index % BC_WALK_HASHES], verdict->anchor.hash, BC_HASH_BYTES) == 0;
        verdict->agrees = verdict->anchor_here || !here;
}

void bc_walk_end_beside(struct bc_walk *walk)
{
        struct bc_segment_verdict *verdict = walk->verdict;

        bc_walk_find_anchor(walk);
        verdict->end = BC_RECORD_RECOVERED;
        verdict->kept = verdict->covered;
        if (walk->original.size > verdict->covered)
                bc_find(&verdict->findings, BC_FINDING_UNSIGNED, BC_VERDICT_NOTE, verdict->covered,
                        "%" PRIu64 " bytes behind the last record are in it; nothing proves what they are",
                        walk->original.size - verdict->covered);
}
