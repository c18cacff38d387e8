// SPDX-License-Identifier: EUPL-1.2
#include "verify/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "verify/recording_end.h"

int bc_recording_open_at(int parent_fd, const char *name, const char *path, struct bc_recording_verdict *ret_verdict)
{
        struct bc_recording_verdict verdict = { .fd = -1, .first_ticks = BC_RECORD_UNKNOWN };
        struct stat stat;

        verdict.fd = openat(parent_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
        if (verdict.fd < 0)
                return -errno;
        verdict.path = strdup(path);
        int r = verdict.path ? 0 : -ENOMEM;
        if (r == 0 && fstat(verdict.fd, &stat) < 0)
                r = -errno;
        if (r == 0 && S_ISDIR(stat.st_mode)) {
                r = bc_folder_read(verdict.fd, &verdict.folder, &verdict.findings);
                verdict.segments = verdict.folder.segments;
        } else if (r == 0) {
                verdict.lone = true;
                verdict.segments = 1;
        }
        if (r == 0) {
                verdict.segment = calloc(verdict.segments + 1, sizeof(*verdict.segment));
                r = verdict.segment ? 0 : -ENOMEM;
        }
        if (r < 0) {
                verdict.segments = 0;
                bc_recording_verdict_done(&verdict);
                return r;
        }
        *ret_verdict = verdict;
        return 0;
}

int bc_recording_open(const char *path, struct bc_recording_verdict *ret_verdict)
{
        return bc_recording_open_at(AT_FDCWD, path, path, ret_verdict);
}

void bc_recording_verdict_done(struct bc_recording_verdict *verdict)
{
        for (size_t i = 0; i < verdict->segments; i++)
                bc_segment_verdict_done(&verdict->segment[i]);
        free(verdict->segment);
        bc_news_done(&verdict->news);
        bc_folder_done(&verdict->folder);
        free(verdict->path);
        if (verdict->fd >= 0)
                close(verdict->fd);
        *verdict = (struct bc_recording_verdict){ .fd = -1 };
}

// Their numbers ascend, and are what their names begin with.
static int compare_files(const void *file, const void *segment)
{
        return strncmp(file, ((const struct bc_segment_verdict *)segment)->file, BC_SEGMENT_DIGITS);
}

const struct bc_segment_verdict *bc_recording_find_segment(const struct bc_recording_verdict *verdict, const char *file)
{
        const struct bc_segment_verdict *segment =
                bsearch(file, verdict->segment, verdict->segments, sizeof(*verdict->segment), compare_files);

        return segment && strcmp(segment->file, file) == 0 ? segment : NULL;
}

static struct bc_judge judge_of(const struct bc_judge *judge, const struct bc_recording_verdict *verdict)
{
        struct bc_judge own = *judge;

        own.not_after_ns = verdict->not_after_ns;
        return own;
}

void bc_recording_judge_segment(const struct bc_judge *judge, struct bc_recording_verdict *verdict, size_t i)
{
        const struct bc_judge own = judge_of(judge, verdict);
        char name[BC_FOLDER_NAME_BYTES];

        if (verdict->lone) {
                const char *slash = strrchr(verdict->path, '/');
                bc_segment_judge(&own, verdict->fd, slash ? slash + 1 : verdict->path, NULL, &verdict->segment[i]);
                return;
        }
        bc_folder_segment_name(&verdict->folder, verdict->folder.segment[i], name);
        bc_segment_judge_at(&own, verdict->fd, name, name, NULL, &verdict->segment[i]);
}

// What a successor states of an abandoned segment is judged with that statement; what recovery appended later stays as it
// was found.
static void judge_abandoned(const struct bc_judge *judge, struct bc_recording_verdict *verdict, size_t i,
                            const struct bc_segment_verdict *successor, const struct bc_record_abandoned *vouched)
{
        struct bc_segment_verdict *whole = &verdict->segment[i], limited;
        const struct bc_judge own = judge_of(judge, verdict);
        char name[BC_FOLDER_NAME_BYTES];

        bc_folder_segment_name(&verdict->folder, verdict->folder.segment[i], name);
        bc_segment_judge_at(&own, verdict->fd, name, name, vouched, &limited);
        // The record beside a sealed one says of all of it how it was found.
        bool recovered = whole->end == BC_RECORD_RECOVERED && (whole->kept == vouched->end || whole->beside);
        if (recovered) {
                // All up to `kept` is vouched for, so recovery does not have to be believed.
                bc_findings_settle(&whole->findings, BC_FINDING_UNSIGNED);
        } else {
                uint64_t bytes = whole->bytes, plain_bytes = whole->plain_bytes;
                bool hashed = whole->hashed;
                uint8_t sha256[BC_HASH_BYTES];
                memcpy(sha256, whole->sha256, sizeof(sha256));
                struct bc_findings ended = { 0 };
                // The sync of its end failed, and its bytes are there all the same: the device could not know.
                bool landed = whole->end == BC_RECORD_CONTINUES && whole->covered == vouched->end;
                if (whole->end != 0 && !landed)
                        bc_find(&ended, BC_FINDING_END, BC_VERDICT_TAMPERED, whole->covered,
                                "it has an end of its own, and its successor says that it was abandoned");
                if (plain_bytes > vouched->end)
                        bc_find(&ended, BC_FINDING_END, BC_VERDICT_UNPROVEN, vouched->end,
                                "%" PRIu64 " bytes lie behind the end that its successor states, and no record covers them",
                                plain_bytes - vouched->end);
                bc_segment_verdict_done(whole);
                *whole = limited;
                limited = (struct bc_segment_verdict){ 0 };
                whole->bytes = bytes;
                whole->plain_bytes = plain_bytes;
                whole->hashed = hashed;
                memcpy(whole->sha256, sha256, sizeof(sha256));
                for (size_t k = 0; k < ended.count; k++)
                        bc_find(&whole->findings, ended.finding[k].code, ended.finding[k].verdict, ended.finding[k].offset,
                                "%s", ended.finding[k].text);
        }
        if (recovered) {
                memcpy(whole->track, limited.track, sizeof(whole->track));
                whole->repeat_ticks = limited.repeat_ticks;
                for (size_t k = 0; k < limited.findings.count; k++)
                        if (limited.findings.finding[k].code == BC_FINDING_HASH ||
                            limited.findings.finding[k].code == BC_FINDING_COVERAGE)
                                bc_find(&whole->findings, limited.findings.finding[k].code, limited.findings.finding[k].verdict,
                                        limited.findings.finding[k].offset, "%s", limited.findings.finding[k].text);
        }
        whole->vouched = true;
        // Of one of which nothing was signed only the label tells, and the successor vouches for that.
        if (whole->records == 0 && whole->ours &&
            (strcmp(whole->label.device, successor->device) != 0 || whole->label.segment != verdict->folder.segment[i] ||
             strcmp(whole->label.recording, successor->label.recording) != 0 ||
             memcmp(whole->label.boot_id, successor->boot_id, BC_BOOT_ID_BYTES) != 0))
                bc_find(&whole->findings, BC_FINDING_LABEL, BC_VERDICT_TAMPERED, 0,
                        "the label is not of its place in the recording");
        bc_segment_verdict_done(&limited);
}

// Nothing of it was signed while it was recorded.
static bool is_unsigned(const struct bc_segment_verdict *segment)
{
        return segment->records == 0 || (segment->records == 1 && segment->end == BC_RECORD_RECOVERED);
}

// A segment against the one before it.
static void judge_pair(struct bc_recording_verdict *verdict, size_t i)
{
        const struct bc_segment_verdict *before = &verdict->segment[i - 1];
        struct bc_segment_verdict *segment = &verdict->segment[i];
        struct bc_findings *findings = &segment->findings;

        const struct bc_segment_verdict *anchor = bc_recording_before(verdict, i);
        if (segment->records == 0 || !anchor)
                return;
        if (strcmp(segment->device, anchor->device) != 0 || segment->recording != anchor->recording ||
            memcmp(segment->boot_id, anchor->boot_id, BC_BOOT_ID_BYTES) != 0)
                bc_find(findings, BC_FINDING_CHAIN, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it is of another recording or boot than %s", anchor->file);
        else if (memcmp(segment->signer.sha256, anchor->signer.sha256, BC_HASH_BYTES) != 0)
                bc_find(findings, BC_FINDING_CERTIFICATE, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it is signed with another key than %s", anchor->file);
        if (!bc_recording_goes_on(verdict, i))
                return; // what is missing between is said; no chain to follow
        if (memcmp(segment->first_prev, anchor->chain_hash, BC_HASH_BYTES) != 0)
                bc_find(findings, BC_FINDING_CHAIN, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it does not follow the last record of %s: records are missing there, or it is not of this recording",
                        anchor->file);
        // What recovery alone signed is of a later start, whose counters and clock begin anew.
        if (segment->records == 1 && segment->end == BC_RECORD_RECOVERED && segment->epoch >= anchor->epoch && segment->boot > anchor->boot)
                return;
        if (segment->epoch < anchor->epoch || segment->boot != anchor->boot || segment->first_ledger < anchor->chain_ledger ||
            segment->first_signed_ns < anchor->last_signed_ns || segment->first_captured < anchor->captured ||
            segment->first_dropped < anchor->dropped)
                bc_find(findings, BC_FINDING_CHAIN, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "a counter or clock goes back after %s",
                        anchor->file);
        if (before->end == BC_RECORD_CLOSE)
                bc_find(findings, BC_FINDING_END, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "%s states that the recording ends there",
                        before->file);
}

// What segment i states of one that lies before it.
static void judge_succession(const struct bc_judge *judge, struct bc_recording_verdict *verdict, size_t i,
                             const struct bc_record_abandoned *stated)
{
        struct bc_segment_verdict *segment = &verdict->segment[i];
        size_t before = i;

        // Between the two there is none but of which nothing was signed: else that one would have stated it.
        do
                before--;
        while (before < i && verdict->folder.segment[before] > stated->segment && is_unsigned(&verdict->segment[before]));
        if (before >= i || verdict->folder.segment[before] < stated->segment) {
                bc_find(&verdict->findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "segment %" PRIu32 ", which was abandoned after %" PRIu64 " bytes, is not there", stated->segment, stated->end);
        } else if (verdict->folder.segment[before] > stated->segment) {
                bc_find(&segment->findings, BC_FINDING_CHAIN, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "it states that segment %" PRIu32 " was abandoned, and records of %s lie between", stated->segment,
                        verdict->segment[before].file);
        } else {
                judge_abandoned(judge, verdict, before, segment, stated);
                verdict->segment[before + 1].follows_abandoned = true;
        }
}

static void judge_successions(const struct bc_judge *judge, struct bc_recording_verdict *verdict)
{
        // From the end: what a segment states of those before does not depend on what becomes of it.
        for (size_t i = verdict->segments; i-- > 0;)
                for (size_t k = verdict->segment[i].records > 0 ? verdict->segment[i].abandoned_count : 0; k-- > 0;)
                        judge_succession(judge, verdict, i, &verdict->segment[i].abandoned[k]);
}

// A number that nothing has. What the recorder signed next follows what it had signed before: then it was given up, for nothing could be
// written under it, and nothing is missing.
static void judge_skip(struct bc_recording_verdict *verdict, size_t i, uint32_t from, uint32_t to)
{
        bool given_up = i > 0 && bc_recording_goes_on(verdict, i);
        enum bc_verdict missing = given_up ? BC_VERDICT_NOTE : BC_VERDICT_UNPROVEN;
        const char *why = given_up ? ": the chain goes on without, nothing was signed there" : "";

        if (from == to)
                bc_find(&verdict->findings, BC_FINDING_MISSING, missing, BC_NO_OFFSET, "segment %" PRIu32 " is not there%s", from, why);
        else
                bc_find(&verdict->findings, BC_FINDING_MISSING, missing, BC_NO_OFFSET,
                        "segments %" PRIu32 " to %" PRIu32 " are not there%s", from, to, why);
}

static void judge_numbers(struct bc_recording_verdict *verdict)
{
        uint32_t expected = 1;

        for (size_t i = 0; i < verdict->segments; i++) {
                struct bc_segment_verdict *segment = &verdict->segment[i];
                uint32_t number = verdict->lone ? segment->label.segment : verdict->folder.segment[i];
                if (segment->ours && segment->label.segment != number)
                        bc_find(&segment->findings, BC_FINDING_LABEL, BC_VERDICT_TAMPERED, 0,
                                "the file has the name of segment %" PRIu32 ", its label says %" PRIu32, number,
                                segment->label.segment);
                if (segment->ours && number > expected)
                        judge_skip(verdict, i, expected, number - 1);
                expected = number + 1;
        }
}

static void gather(struct bc_recording_verdict *verdict)
{
        for (size_t i = 0; i < verdict->segments; i++) {
                const struct bc_segment_verdict *segment = &verdict->segment[i];
                if (bc_news_add(&verdict->news, &segment->news) < 0)
                        bc_find(&verdict->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                                "no memory for the gaps and marks");
                if (segment->tracks == 0 || segment->track[0].first_ticks == BC_RECORD_UNKNOWN)
                        continue;
                if (verdict->first_ticks == BC_RECORD_UNKNOWN)
                        verdict->first_ticks = segment->track[0].first_ticks;
                verdict->end_ticks = segment->track[0].end_ticks;
        }
        if (verdict->news.left_out > 0)
                bc_find(&verdict->findings, BC_FINDING_UNREADABLE, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "more gaps, marks or clock changes than can be judged");
}

void bc_recording_judge(const struct bc_judge *judge, struct bc_recording_verdict *verdict)
{
        struct bc_findings *findings = &verdict->findings;

        if (verdict->segments == 0)
                bc_find(findings, BC_FINDING_NO_RECORD, BC_VERDICT_UNJUDGED, BC_NO_OFFSET,
                        "no segment: nothing here is signed. Whether there ever was one only the device's ledger tells");
        if (!verdict->lone)
                judge_successions(judge, verdict);
        judge_numbers(verdict);
        gather(verdict);
        for (size_t i = 1; i < verdict->segments; i++) {
                judge_pair(verdict, i);
                bc_recording_judge_time(verdict, i);
        }
        if (verdict->segments > 0)
                bc_recording_judge_end(verdict);
        if (!verdict->lone) {
                bc_recording_judge_tails(verdict);
                bc_summary_judge(judge, verdict);
        }
        verdict->verdict = findings->verdict;
        for (size_t i = 0; i < verdict->segments; i++)
                verdict->verdict = bc_verdict_worse(verdict->verdict, verdict->segment[i].findings.verdict);
        verdict->whole = verdict->verdict == BC_VERDICT_AUTHENTIC;
}
