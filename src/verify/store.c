// SPDX-License-Identifier: EUPL-1.2
#include "verify/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "verify/recording_end.h"

// ---- one recording ---------------------------------------------------------------------------------------------

static const struct bc_segment_verdict *first_signed(const struct bc_recording_verdict *recording)
{
        for (size_t i = 0; i < recording->segments; i++)
                if (recording->segment[i].records > 0)
                        return &recording->segment[i];
        return NULL;
}

// The last one in which the recorder, not recovery, signed something.
static const struct bc_segment_verdict *last_signed(const struct bc_recording_verdict *recording)
{
        return bc_recording_before(recording, recording->segments);
}

static const char *name_of(const struct bc_recording_verdict *recording)
{
        const char *slash = strrchr(recording->path, '/');

        return slash ? slash + 1 : recording->path;
}

// DEVICE-NNNNNN, which the folder's listing has seen to.
static uint64_t number_of(const struct bc_recording_verdict *recording)
{
        const char *dash = strrchr(name_of(recording), '-');

        return dash ? strtoull(dash + 1, NULL, 10) : 0;
}

static bool is_of(const struct bc_recording_verdict *recording, const char *device)
{
        const char *name = name_of(recording), *dash = strrchr(name, '-');

        return dash && (size_t)(dash - name) == strlen(device) && memcmp(name, device, strlen(device)) == 0;
}

static uint64_t last_sequence(const struct bc_ledger_verdict *ledger, uint64_t epoch)
{
        for (size_t i = ledger->links; i-- > 0;)
                if (ledger->link[i].epoch == epoch)
                        return ledger->link[i].sequence;
        return 0;
}

// A record that a recording names and that is not there. Where the device itself states that its ledger was rolled back, that
// is why.
static void find_no_link(const struct bc_ledger_verdict *ledger, uint64_t epoch, uint64_t sequence,
                         struct bc_findings *findings)
{
        bool lost = epoch < bc_ledger_head(ledger)->epoch && sequence > last_sequence(ledger, epoch);

        bc_find(findings, BC_FINDING_LEDGER, lost ? BC_VERDICT_UNPROVEN : BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                "it names record %" PRIu64 " of epoch %" PRIu64
                " of the ledger, which is not there: the ledger %s",
                sequence, epoch, lost ? "was rolled back" : "was cut, or is another one");
}

// Before an epoch's first record is durable recordings hang on the newest record of the one before; where there is none, on
// zeros.
static bool hangs_before(const struct bc_ledger_verdict *ledger, uint64_t epoch,
                         const uint8_t prev[BC_HASH_BYTES])
{
        static const uint8_t zeros[BC_HASH_BYTES];

        if (memcmp(prev, zeros, BC_HASH_BYTES) == 0)
                return true;
        for (size_t i = 0; i < ledger->links && ledger->link[i].epoch < epoch; i++)
                if (memcmp(ledger->link[i].hash, prev, BC_HASH_BYTES) == 0)
                        return true;
        return false;
}

static size_t count_missing(const struct bc_findings *findings)
{
        size_t missing = 0;

        for (size_t i = 0; i < findings->count; i++)
                missing += findings->finding[i].code == BC_FINDING_MISSING && findings->finding[i].verdict != BC_VERDICT_NOTE;
        return missing;
}

// Its first numbers are those of nothing, and what it begins with hangs on the ledger itself: nothing was signed before.
static void settle_beginning(const struct bc_segment_verdict *first, const struct bc_ledger_link *link, struct bc_recording_verdict *recording)
{
        struct bc_findings *findings = &recording->findings;

        if (first->segment == 1 || first != recording->segment || first->chain_records == 0 || !link ||
            memcmp(link->hash, first->first_prev, BC_HASH_BYTES) != 0 || count_missing(findings) != 1)
                return;
        bc_findings_settle(findings, BC_FINDING_MISSING);
        bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                "%s hangs on the ledger: nothing was signed under the numbers before", first->file);
}

static void judge_hanging(const struct bc_ledger_verdict *ledger, struct bc_recording_verdict *recording)
{
        const struct bc_segment_verdict *first = first_signed(recording), *last = last_signed(recording);
        const struct bc_ledger_link *link = bc_ledger_find_link(ledger, first->epoch, first->first_ledger);
        struct bc_findings *findings = &recording->findings;
        // Of a later segment the first record follows the one before.
        bool hangs = first->segment == 1;

        if (first->first_ledger == 0 && hangs && !hangs_before(ledger, first->epoch, first->first_prev))
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it does not hang on this ledger");
        else if (first->first_ledger > 0 && !link)
                find_no_link(ledger, first->epoch, first->first_ledger, findings);
        else if (link && hangs && memcmp(link->hash, first->first_prev, BC_HASH_BYTES) != 0)
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it hangs on another record %" PRIu64 " of epoch %" PRIu64
                        " than the ledger has: a fork",
                        first->first_ledger, first->epoch);
        else if (last && last->chain_ledger > first->first_ledger &&
                 !bc_ledger_find_link(ledger, last->epoch, last->chain_ledger))
                find_no_link(ledger, last->epoch, last->chain_ledger, findings);
        else
                settle_beginning(first, link, recording);
}

// A recording that the recorder ended where one segment was over and the next one had not begun: its last record says
// "continues", and the ledger names exactly that as its newest one.
static void settle_end(const struct bc_segment_verdict *last, struct bc_recording_verdict *recording)
{
        struct bc_findings *findings = &recording->findings;

        if (last->end != BC_RECORD_CONTINUES || last != &recording->segment[recording->segments - 1] ||
            count_missing(findings) != 1)
                return;
        bc_findings_settle(findings, BC_FINDING_MISSING);
        bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                "%s states that another segment follows; by the ledger that was its newest record: none was begun",
                last->file);
}

// Whether it holds records that nobody could read.
static bool is_shut(const struct bc_recording_verdict *recording)
{
        for (size_t i = 0; i < recording->segments; i++)
                if (recording->segment[i].shut)
                        return true;
        return false;
}

static void judge_closed(const struct bc_ledger_recording *stated, struct bc_recording_verdict *recording)
{
        const struct bc_segment_verdict *last = last_signed(recording);
        struct bc_findings *findings = &recording->findings;
        bool shut = is_shut(recording);

        if (stated->hashed && last && memcmp(stated->hash, last->chain_prev, BC_HASH_BYTES) == 0)
                // Nobody but the device can have signed it, as the very next one: its sync failed, and its bytes are there all the same.
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "by the ledger the record before its last one was its newest: that one was never known to be durable");
        else if (stated->hashed && !shut && (!last || memcmp(stated->hash, last->chain_hash, BC_HASH_BYTES) != 0))
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "the ledger names another newest record of it: something was cut off, or put behind");
        else if (stated->segments != recording->segments)
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it has %" PRIu32 " segments, by the ledger; %zu are there", stated->segments,
                        recording->segments);
        else if (stated->hashed && !shut)
                settle_end(last, recording);
        else if (last && !stated->hashed)
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "by the ledger nothing of it was signed");
}

static size_t count_names(const struct bc_findings *findings)
{
        size_t names = 0;

        for (size_t i = 0; i < findings->count; i++)
                names += findings->finding[i].code == BC_FINDING_NAME && findings->finding[i].verdict != BC_VERDICT_NOTE;
        return names;
}

// The tail anchor's word on a recording that breaks off between two segments (EVIDENCE 8).
static void judge_anchor(const struct bc_ledger_recording *stated, const struct bc_segment_verdict *last, struct bc_recording_verdict *recording)
{
        struct bc_findings *findings = &recording->findings;
        int64_t age_ns = stated->off_age_ns;

        if (stated->off_medium == BC_RECORD_UNKNOWN)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "by the ledger nothing followed %s when recovery looked, and there was no tail anchor: it may have been taken away before",
                        last->file);
        else if (age_ns == BC_RECORD_UNKNOWN)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "recovery found less than the device had already written: the tail anchor names a record that is not there");
        else if (!bc_ledger_anchor_is_timely((uint32_t)stated->off_medium))
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the tail anchor is in %s alone, minutes behind what is recorded: what came after it may have been taken away",
                        bc_ledger_anchor_name((uint32_t)stated->off_medium));
        else if (age_ns < 0 || age_ns > BC_RECORDING_ANCHOR_AGE_NS)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the tail anchor is not of the last 2 s of this recording: what came after it may have been taken away");
        else if (count_missing(findings) == 1) {
                bc_findings_settle(findings, BC_FINDING_MISSING);
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "power was lost behind %s; the tail anchor (%s) agrees: at most the last 2 s before that are missing", last->file,
                        bc_ledger_anchor_name((uint32_t)stated->off_medium));
        }
}

// What the power cut left of the next segment was set aside as a whole, and is stated.
static void settle_tails(const struct bc_ledger_recording *stated, struct bc_recording_verdict *recording)
{
        struct bc_findings *findings = &recording->findings;
        size_t tails = stated->off_tail_bytes == BC_RECORD_UNKNOWN ? 0
                                                                  : bc_recording_tails_behind(recording, stated->off_segment,
                                                                                              (uint64_t)stated->off_tail_bytes,
                                                                                              stated->off_tail_sha256);

        if (tails == 0 && stated->off_tail_bytes != BC_RECORD_UNKNOWN) {
                bool there = recording->folder.tails > 0 && recording->folder.tail[recording->folder.tails - 1].segment > stated->off_segment;
                bc_find(findings, there ? BC_FINDING_NAME : BC_FINDING_MISSING, there ? BC_VERDICT_TAMPERED : BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        there ? "what lies behind segment %" PRIu32 " is not what the ledger states that recovery set aside"
                              : "what recovery set aside behind segment %" PRIu32 ", by the ledger, is not there",
                        stated->off_segment);
        }
        if (tails == 0 || count_names(findings) != tails)
                return;
        bc_findings_settle(findings, BC_FINDING_NAME);
        bc_find(findings, BC_FINDING_NAME, BC_VERDICT_NOTE, BC_NO_OFFSET,
                "%" PRId64 " bytes behind segment %" PRIu32 " were set aside by recovery as it found them; nothing proves what they are",
                stated->off_tail_bytes, stated->off_segment);
}

static void judge_break(const struct bc_ledger_recording *stated, struct bc_recording_verdict *recording)
{
        const struct bc_segment_verdict *last = last_signed(recording);

        if (is_shut(recording))
                return;
        if (!last || last != &recording->segment[recording->segments - 1] || last->end != BC_RECORD_CONTINUES ||
            last->segment != stated->off_segment || memcmp(last->last_hash, stated->off_hash, BC_HASH_BYTES) != 0) {
                bc_find(&recording->findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "by the ledger recovery found it to end with segment %" PRIu32 ", and with another record: something was cut off, or put behind",
                        stated->off_segment);
                return;
        }
        judge_anchor(stated, last, recording);
        settle_tails(stated, recording);
}

// ---- a recording that came to nothing --------------------------------------------------------------------------

static bool is_without_segments(const struct bc_ledger_recording *stated)
{
        return stated->closed && !stated->hashed && stated->segments == 0;
}

// How long the device went on, by its ledger, after it began the recording; 0: not known.
static int64_t outlived_ns(const struct bc_ledger_verdict *ledger, const struct bc_ledger_recording *stated)
{
        for (size_t i = 0; stated->begun && i < ledger->runs; i++)
                if (ledger->run[i].epoch == stated->begun_epoch && ledger->run[i].from.boot == stated->begun_boot)
                        return ledger->run[i].to.boot_ns - stated->begun_ns;
        return 0;
}

// The device's word that it found no segment of it, with its anchor's (EVIDENCE 8): who empties a folder, or takes it away, does so before
// the device looks, too.
static enum bc_verdict judge_nothing(const struct bc_ledger_verdict *ledger, const struct bc_ledger_recording *stated, const char **ret_why)
{
        *ret_why = "by the ledger recovery found nothing of it, and the tail anchor names a record of it: it was taken away";
        if (stated->named)
                return BC_VERDICT_TAMPERED;
        *ret_why = "by the ledger recovery found nothing of it, and no tail anchor tells whether there was: it may have been taken away before";
        if (stated->off_medium == BC_RECORD_UNKNOWN)
                return BC_VERDICT_UNPROVEN;
        *ret_why = "by the ledger recovery found nothing of it, and the tail anchor, in a TPM's memory alone, is minutes behind: it may have been taken away";
        if (!bc_ledger_anchor_is_timely((uint32_t)stated->off_medium))
                return BC_VERDICT_UNPROVEN;
        *ret_why = "by the ledger recovery found nothing of it, and the device had gone on for more than 2 s since it began: it may have been taken away";
        if (outlived_ns(ledger, stated) > BC_RECORDING_ANCHOR_AGE_NS)
                return BC_VERDICT_UNPROVEN;
        *ret_why = "power was lost before anything of it was durable: recovery found nothing, and the tail anchor agrees; at most 2 s are missing";
        return BC_VERDICT_NOTE;
}

// Where no record can tell what manifest.json may say: then it has to be of this recording and to name no segment but what is there.
static void judge_manifest(const struct bc_ledger_verdict *ledger, struct bc_recording_verdict *recording)
{
        bool one_key = ledger->count[BC_LEDGER_KEY] == 0 && ledger->count[BC_LEDGER_ROLLBACK] == 0;

        bc_summary_judge_alone(recording, ledger->device, number_of(recording), one_key ? ledger->signer.key_sha256 : NULL);
}

// Nothing of it is there, and the ledger says why.
static void judge_empty(const struct bc_ledger_verdict *ledger, const struct bc_ledger_recording *stated, struct bc_recording_verdict *recording)
{
        struct bc_findings *findings = &recording->findings;
        const char *why = "by the ledger it was closed without a segment: there was nothing to record";
        enum bc_verdict verdict = stated->nothing ? judge_nothing(ledger, stated, &why) : BC_VERDICT_NOTE;

        if (recording->segments > 0) {
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "by the ledger recovery found nothing of it: what lies there was put there afterwards");
                return;
        }
        bc_findings_settle(findings, BC_FINDING_NO_RECORD);
        bc_find(findings, stated->nothing ? BC_FINDING_ANCHOR : BC_FINDING_LEDGER, verdict, BC_NO_OFFSET, "%s", why);
        if (stated->nothing)
                settle_tails(stated, recording);
        judge_manifest(ledger, recording);
}

// ---- what the ledger says --------------------------------------------------------------------------------------

static void judge_recovered(const struct bc_ledger_recording *stated, struct bc_recording_verdict *recording)
{
        const struct bc_segment_verdict *segment = NULL;

        for (size_t i = 0; i < recording->segments; i++)
                if (recording->folder.segment[i] == stated->recovered_segment)
                        segment = &recording->segment[i];
        if (!segment)
                bc_find(&recording->findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "by the ledger segment %" PRIu32 " was recovered, and it is not there",
                        stated->recovered_segment);
        else if (segment->stored_sealed ? !segment->beside || memcmp(segment->beside_hash, stated->recovered_hash, BC_HASH_BYTES) != 0
                                        : segment->end != BC_RECORD_RECOVERED ||
                                                  memcmp(segment->last_hash, stated->recovered_hash, BC_HASH_BYTES) != 0)
                bc_find(&recording->findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "the ledger names another record of the recovery of segment %" PRIu32,
                        stated->recovered_segment);
}

// Of a sealed recording the device cannot say which record ends it. It puts a record beside the last file that it finds, and the ledger
// names that one as the newest recovery: nothing lay behind. Complete it is where that file ends as a segment does that another one
// follows, or nothing was in it yet and the one before ends so.
static void settle_sealed_end(const struct bc_ledger_verdict *ledger, const struct bc_ledger_recording *stated, struct bc_recording_verdict *recording)
{
        struct bc_segment_verdict *last = recording->segments > 0 ? &recording->segment[recording->segments - 1] : NULL;
        const struct bc_segment_verdict *end = last && last->blank ? last_signed(recording) : last;
        uint32_t number = last ? recording->folder.segment[recording->segments - 1] : 0;

        if (!last || !last->beside || is_shut(recording) || last->beside_recording != stated->number ||
            number != stated->recovered_segment || memcmp(last->beside_hash, stated->recovered_hash, BC_HASH_BYTES) != 0)
                return;
        if (end && (end->end != BC_RECORD_CONTINUES || end->segment + last->blank != number))
                return;
        if (!end && number != 1)
                return;
        if ((last->blank ? 1 : count_missing(&recording->findings)) != 1 || !bc_recording_judge_anchor(recording, last))
                return;
        if (!last->blank) {
                bc_findings_settle(&recording->findings, BC_FINDING_MISSING);
                bc_find(&recording->findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "%s states that another segment follows; by the ledger recovery found none", last->file);
        } else {
                bc_findings_settle(&last->findings, BC_FINDING_NO_RECORD);
                bc_find(&last->findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "nothing of it was durable yet: recovery found these %" PRIu64 " bytes, which nobody can open", last->bytes);
        }
        if (!end)
                judge_manifest(ledger, recording);
}

static void judge_one(const struct bc_ledger_verdict *ledger, struct bc_recording_verdict *recording)
{
        const struct bc_segment_verdict *first = first_signed(recording);
        const struct bc_ledger_recording *stated = bc_ledger_find_recording(ledger, number_of(recording));
        struct bc_findings *findings = &recording->findings;

        if ((first && strcmp(first->device, ledger->device) != 0) || !is_of(recording, ledger->device)) {
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it is not of the ledger's device, \"%s\"", ledger->device);
                return;
        }
        if (first && first->recording != number_of(recording)) {
                bc_find(findings, BC_FINDING_NAME, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "the folder has another number than its recording, %" PRIu64, first->recording);
                return;
        }
        if (first)
                judge_hanging(ledger, recording);
        if (!stated) {
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the ledger does not name it");
                return;
        }
        if (!stated->begun)
                bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "the ledger does not state its beginning");
        if (stated->recovered)
                judge_recovered(stated, recording);
        if (stated->nothing || (is_without_segments(stated) && recording->segments == 0))
                judge_empty(ledger, stated, recording);
        if (stated->closed)
                judge_closed(stated, recording);
        else if (stated->broke_off)
                judge_break(stated, recording);
        else if (stated->recovered)
                settle_sealed_end(ledger, stated, recording);
}

static void sum_up(struct bc_recording_verdict *recording)
{
        recording->verdict = recording->findings.verdict;
        for (size_t i = 0; i < recording->segments; i++)
                recording->verdict = bc_verdict_worse(recording->verdict,
                                                      recording->segment[i].findings.verdict);
        recording->whole = recording->verdict == BC_VERDICT_AUTHENTIC;
}

// ---- what is missing -------------------------------------------------------------------------------------------

struct range {             // of numbers that are missing for the same reason
        uint64_t from, to; // 0: none yet
        enum bc_verdict verdict;
        const char *why;
        struct bc_findings *findings;
};

static void tell(struct range *range)
{
        if (range->from == range->to && range->from > 0)
                bc_find(range->findings, BC_FINDING_MISSING, range->verdict, BC_NO_OFFSET,
                        "recording %" PRIu64 " is not there: %s", range->from, range->why);
        else if (range->from > 0)
                bc_find(range->findings, BC_FINDING_MISSING, range->verdict, BC_NO_OFFSET,
                        "recordings %" PRIu64 " to %" PRIu64 " are not there: %s", range->from, range->to,
                        range->why);
        range->from = 0;
}

static void miss(struct range *range, uint64_t from, uint64_t to, enum bc_verdict verdict, const char *why)
{
        if (range->from == 0 || range->to + 1 != from || strcmp(range->why, why) != 0) {
                tell(range);
                range->from = from;
        }
        range->to = to;
        range->verdict = verdict;
        range->why = why;
}

// The device deletes nothing without saying so: what it closed or recovered, and what is gone without its word, was taken from
// it. What was only begun may never have reached the disk.
static void miss_stated(const struct bc_ledger_verdict *ledger, struct range *range, const struct bc_ledger_recording *stated)
{
        const char *why;

        if ((stated->closed && stated->hashed) || stated->recovered || stated->broke_off)
                miss(range, stated->number, stated->number, BC_VERDICT_TAMPERED,
                     "the ledger states that it was ended, and nothing says that the device deleted it");
        else if (stated->nothing) {
                enum bc_verdict verdict = judge_nothing(ledger, stated, &why);
                bool set_aside = verdict == BC_VERDICT_NOTE && stated->off_tail_bytes != BC_RECORD_UNKNOWN;
                miss(range, stated->number, stated->number, set_aside ? BC_VERDICT_UNPROVEN : verdict,
                     set_aside ? "by the ledger recovery had set aside what there was of it" : why);
        } else
                miss(range, stated->number, stated->number, BC_VERDICT_UNPROVEN,
                     "the ledger states that it was begun, and no end of it");
}

static int compare_numbers(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static void judge_missing(const struct bc_ledger_verdict *ledger, const uint64_t *there, size_t n,
                          struct bc_findings *findings)
{
        struct range range = { .findings = findings };
        uint64_t before = 0;
        size_t k = 0;

        for (size_t i = 0; i < ledger->recordings; i++) {
                const struct bc_ledger_recording *stated = &ledger->recording[i];

                for (; k < n && there[k] < stated->number; k++) {
                        if (before > 0 && there[k] > before + 1)
                                miss(&range, before + 1, there[k] - 1, BC_VERDICT_UNPROVEN,
                                     "the ledger does not name such a number");
                        before = before > 0 && there[k] > before ? there[k] : before;
                }
                if (before > 0 && stated->number > before + 1)
                        miss(&range, before + 1, stated->number - 1, BC_VERDICT_UNPROVEN,
                             "the ledger does not name such a number");
                before = stated->number;
                if (k == n || there[k] != stated->number)
                        miss_stated(ledger, &range, stated);
        }
        tell(&range);
}

void bc_store_judge(const struct bc_ledger_verdict *ledger, struct bc_recording_verdict *recording,
                    size_t recordings, struct bc_findings *findings)
{
        BC_CLEANUP(bc_cleanup_memory) uint64_t *there = calloc(recordings + 1, sizeof(*there));
        size_t n = 0;

        if (!ledger->whole) {
                if (ledger->there)
                        bc_find(findings, BC_FINDING_LEDGER, BC_VERDICT_NOTE, BC_NO_OFFSET,
                                "the recordings are not held against the ledger, which is not whole");
                return;
        }
        if (!there) {
                bc_find(findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "no memory for the recordings");
                return;
        }
        for (size_t i = 0; i < recordings; i++) {
                judge_one(ledger, &recording[i]);
                sum_up(&recording[i]);
                if (is_of(&recording[i], ledger->device))
                        there[n++] = number_of(&recording[i]);
        }
        qsort(there, n, sizeof(*there), compare_numbers);
        judge_missing(ledger, there, n, findings);
}

bool bc_store_find_fork(const struct bc_ledger_verdict *one, const struct bc_ledger_verdict *other,
                        const struct bc_ledger_link **ret_one, const struct bc_ledger_link **ret_other)
{
        if (strcmp(one->device, other->device) != 0)
                return false;
        for (size_t i = 0; i < one->links; i++) {
                const struct bc_ledger_link *link = bc_ledger_find_link(other, one->link[i].epoch,
                                                                        one->link[i].sequence);
                if (link && memcmp(link->hash, one->link[i].hash, BC_HASH_BYTES) != 0) {
                        *ret_one = &one->link[i];
                        *ret_other = link;
                        return true;
                }
        }
        return false;
}
