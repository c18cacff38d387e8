// SPDX-License-Identifier: EUPL-1.2
#include "verify/recording_end.h"

#include <inttypes.h>
#include <string.h>

#include "verify/ledger_event.h"

#define SOUND_UNIT_TICKS 1024

const struct bc_segment_verdict *bc_recording_before(const struct bc_recording_verdict *verdict, size_t i)
{
        while (i-- > 0)
                if (verdict->segment[i].chain_records > 0)
                        return &verdict->segment[i];
        return NULL;
}

bool bc_recording_goes_on(const struct bc_recording_verdict *verdict, size_t i)
{
        const struct bc_segment_verdict *segment = &verdict->segment[i], *before = bc_recording_before(verdict, i);

        if (verdict->folder.segment[i] == verdict->folder.segment[i - 1] + 1)
                return true;
        // Recovery signs what it found: that is no word on what was between.
        return before && segment->chain_records > 0 && memcmp(segment->first_prev, before->chain_hash, BC_HASH_BYTES) == 0;
}

static const char *track_name(enum bc_track_kind kind)
{
        static const char *const names[] = { "picture", "sound", "text", "position" };

        return names[kind];
}

// The last segment before i in which a track has samples; i: there is none.
static size_t last_with(const struct bc_recording_verdict *verdict, size_t i, size_t track)
{
        for (size_t k = i; k-- > 0;)
                if (track < verdict->segment[k].tracks && verdict->segment[k].track[track].first_ticks != BC_RECORD_UNKNOWN)
                        return k;
        return i;
}

// Whether a segment may begin before the end of the one before, and how early a picture of it may be.
static bool may_repeat(const struct bc_recording_verdict *verdict, size_t i, bool sound, int64_t *ret_earliest)
{
        const struct bc_segment_verdict *before = &verdict->segment[i - 1];

        *ret_earliest = before->repeat_ticks;
        if (verdict->segment[i].follows_abandoned || sound)
                return verdict->segment[i].follows_abandoned;
        // A hole in the sound alone costs no picture: the next segment begins at the key frame before it.
        for (size_t track = 0; track < before->tracks; track++) {
                size_t last = before->track[track].kind == BC_TRACK_AAC ? last_with(verdict, i, track) : i;
                if (last < i && bc_news_sound_ends(&verdict->news, verdict->segment[last].track[track].end_ticks))
                        return true;
        }
        return false;
}

// Whether there may have been more of these segments than is proven: then what is missing behind it may be that.
static bool open_before(const struct bc_recording_verdict *verdict, size_t from, size_t to)
{
        for (size_t k = from; k < to; k++) {
                const struct bc_segment_verdict *segment = &verdict->segment[k];
                if (!segment->vouched && (segment->end == 0 || segment->end == BC_RECORD_RECOVERED))
                        return true;
        }
        return false;
}

// A text or a position is written when the next one is known: a picture that breaks off leaves the last of them behind.
static int64_t lag_end(const struct bc_recording_verdict *verdict, size_t i, enum bc_track_kind kind, int64_t end_ticks)
{
        size_t last = last_with(verdict, i, 0);

        if ((kind == BC_TRACK_TEXT || kind == BC_TRACK_POSITION) && last != i && verdict->segment[last].track[0].end_ticks > end_ticks)
                return verdict->segment[last].track[0].end_ticks;
        return end_ticks;
}

static void judge_track(struct bc_recording_verdict *verdict, size_t i, size_t track)
{
        struct bc_segment_verdict *segment = &verdict->segment[i];
        const struct bc_track_span *span = &segment->track[track];
        size_t last = last_with(verdict, i, track);
        int64_t first = span->first_ticks, earliest = INT64_MAX;
        bool sound = span->kind == BC_TRACK_AAC, repeats = false;

        if (first == BC_RECORD_UNKNOWN || last == i || first == verdict->segment[last].track[track].end_ticks)
                return;
        int64_t end = verdict->segment[last].track[track].end_ticks;
        int64_t from = lag_end(verdict, i, span->kind, end);
        if (first > from && !bc_news_covers(&verdict->news, span->kind, from, first))
                bc_find(&segment->findings, BC_FINDING_TIME,
                        open_before(verdict, last, i) ? BC_VERDICT_UNPROVEN : BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "%s is missing from tick %" PRId64 " to %" PRId64 ", and no gap says so", track_name(span->kind), end,
                        first);
        if (first > end)
                return;
        for (size_t k = last + 1; k <= i; k++) { // those between have no sample of the track
                int64_t limit;
                if (may_repeat(verdict, k, sound, &limit)) {
                        repeats = true;
                        earliest = limit < earliest ? limit : earliest;
                }
        }
        if (sound && repeats)
                earliest -= SOUND_UNIT_TICKS; // a unit lies on both sides of a key frame
        if (repeats && first >= earliest)
                return;
        // Where nothing of a segment was signed, what it succeeds was not either.
        bool unsaid = segment->records == 0 && first >= verdict->segment[i - 1].repeat_ticks - SOUND_UNIT_TICKS;
        bc_find(&segment->findings, BC_FINDING_TIME, unsaid ? BC_VERDICT_UNPROVEN : BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                "%s from tick %" PRId64 " on was there already: it had come to %" PRId64, track_name(span->kind), first, end);
}

void bc_recording_judge_time(struct bc_recording_verdict *verdict, size_t i)
{
        struct bc_segment_verdict *segment = &verdict->segment[i], *before = &verdict->segment[i - 1];

        if (!segment->ours || !before->ours || !bc_recording_goes_on(verdict, i))
                return;
        if (segment->tracks != before->tracks) {
                bc_find(&segment->findings, BC_FINDING_TIME, BC_VERDICT_TAMPERED, BC_NO_OFFSET, "it has other tracks than %s",
                        before->file);
                return;
        }
        for (size_t track = 0; track < segment->tracks; track++)
                judge_track(verdict, i, track);
}

// How much the device signed after the record that the anchor names: all of this recording, where that is of an earlier one.
static int64_t anchor_age_ns(const struct bc_recording_verdict *verdict, const struct bc_segment_verdict *last)
{
        // What recovery alone signed is of a later start, and another clock.
        const struct bc_segment_verdict *newest = bc_recording_before(verdict, (size_t)(last - verdict->segment) + 1);
        const struct bc_segment_verdict *first = verdict->segment;

        if (!newest)
                return last->anchor.recording < last->beside_recording ? 0 : BC_RECORD_UNKNOWN; // nothing of it was signed
        while (first->chain_records == 0)
                first++;
        return newest->last_signed_ns - (last->anchor.recording < newest->recording ? first->first_signed_ns : last->anchor.signed_ns);
}

// By the name of its file.
static uint32_t number_of(const struct bc_recording_verdict *verdict, const struct bc_segment_verdict *segment)
{
        return verdict->lone ? 0 : verdict->folder.segment[segment - verdict->segment];
}

// EVIDENCE: a cut tail that the device then "recovered" must not pass. The anchor was kept elsewhere, and was never older
// than 2 s, but for one in a TPM alone.
bool bc_recording_judge_anchor(struct bc_recording_verdict *verdict, const struct bc_segment_verdict *last)
{
        struct bc_findings *findings = &verdict->findings;
        uint64_t recording = last->blank ? last->beside_recording : last->recording;
        bool here = last->anchor.recording == recording && !last->blank && last->anchor.segment == last->segment;
        int64_t age_ns = anchor_age_ns(verdict, last);

        if (last->anchor.medium == 0)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the end is as recovery found it, and there was no tail anchor: it may have been cut off before");
        else if (!last->agrees && !last->blank)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "recovery found less than the device had already written: the tail anchor names record %" PRIu32
                        " of segment %" PRIu32 " of recording %" PRIu64,
                        last->anchor.index, last->anchor.segment, last->anchor.recording);
        else if (last->anchor.recording == recording &&
                 last->anchor.segment > (last->blank ? number_of(verdict, last) : last->segment))
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "the tail anchor names segment %" PRIu32 ", which is not there", last->anchor.segment);
        else if (here && !last->anchor_here)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                        "the record that the tail anchor names is not at the end of %s", last->file);
        else if (!bc_ledger_anchor_is_timely(last->anchor.medium))
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the tail anchor is in %s alone, minutes behind what is recorded: what came after it may have been cut off",
                        bc_ledger_anchor_name(last->anchor.medium));
        else if (last->anchor.recording > recording || age_ns < 0 || age_ns > BC_RECORDING_ANCHOR_AGE_NS)
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the tail anchor is not of the last 2 s of this recording: what came after it may have been cut off");
        else
                bc_find(findings, BC_FINDING_ANCHOR, BC_VERDICT_NOTE, BC_NO_OFFSET,
                        "power was lost; the tail anchor (%s) agrees: at most the last 2 s before that are missing",
                        bc_ledger_anchor_name(last->anchor.medium));
        return findings->count > 0 && findings->finding[findings->count - 1].code == BC_FINDING_ANCHOR &&
               findings->finding[findings->count - 1].verdict == BC_VERDICT_NOTE;
}

// Whoever cuts a segment off may put another one behind it: what the anchor said of the one that was cut stands all the same.
static void judge_earlier_ends(struct bc_recording_verdict *verdict)
{
        for (size_t i = 0; i + 1 < verdict->segments; i++) {
                struct bc_segment_verdict *segment = &verdict->segment[i];
                bool here = segment->anchor.recording == segment->recording && segment->anchor.segment == segment->segment;

                if (segment->end == BC_RECORD_RECOVERED && segment->anchor.medium != 0 && (!segment->agrees || (here && !segment->anchor_here)))
                        bc_find(&segment->findings, BC_FINDING_ANCHOR, BC_VERDICT_TAMPERED, BC_NO_OFFSET,
                                "recovery found less of it than the device had already written: the tail anchor names record %" PRIu32,
                                segment->anchor.index);
        }
}

void bc_recording_judge_end(struct bc_recording_verdict *verdict)
{
        const struct bc_segment_verdict *last = &verdict->segment[verdict->segments - 1];
        struct bc_findings *findings = &verdict->findings;

        judge_earlier_ends(verdict);
        if (last->end == BC_RECORD_CONTINUES)
                bc_find(findings, BC_FINDING_MISSING, BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "%s states that another segment follows it", last->file);
        else if (last->end == BC_RECORD_RECOVERED)
                (void)bc_recording_judge_anchor(verdict, last);
        else if (last->end == BC_RECORD_CLOSE && last->segments != verdict->segments)
                // Of more than the numbers tell of: files were added, or left out in front.
                bc_find(findings, BC_FINDING_MISSING,
                        last->segments < verdict->segments ? BC_VERDICT_TAMPERED : BC_VERDICT_UNPROVEN, BC_NO_OFFSET,
                        "the recording has %" PRIu32 " segments, by its last record; %zu %s there", last->segments,
                        verdict->segments, verdict->segments == 1 ? "is" : "are");
}
