// SPDX-License-Identifier: EUPL-1.2
// The end of a segment: what may lie behind the last record, and the moov that players go by.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/box.h"
#include "verify/segment_walk.h"

#define SEARCH_BYTES 65536
#define SECTOR_BYTES 512 // what a card writes whole or not at all

// Whether a whole record's box stands around an id at `id`. One that the file's end cuts off proves nothing but that.
static int is_whole(const struct bc_walk *walk, uint64_t id, bool *ret_whole)
{
        uint8_t header[BC_BOX_HEADER_BYTES_MAX];
        struct bc_box box;

        *ret_whole = false;
        if (id < 8 || walk->original.size - (id - 8) < BC_RECORD_HEADER_BYTES)
                return 0;
        int r = bc_original_read(&walk->original, id - 8, header, BC_RECORD_HEADER_BYTES);
        if (r < 0)
                return r;
        *ret_whole = bc_box_parse(header, BC_RECORD_HEADER_BYTES, walk->original.size - (id - 8), &box) == 0 &&
                     box.type == BC_BOX_TYPE('u', 'u', 'i', 'd') && box.bytes <= BC_RECORD_BYTES_MAX;
        return 0;
}

// Offset of the first whole record in a window that is in memory; the file's size when there is none.
static int find_in_window(const struct bc_walk *walk, uint64_t from, const uint8_t *bytes, size_t n, uint64_t *ret_offset)
{
        size_t at = 0;
        bool whole = false;

        *ret_offset = walk->original.size;
        while (!whole && n - at >= BC_BOX_ID_BYTES) {
                const uint8_t *found = memmem(bytes + at, n - at, bc_record_id, BC_BOX_ID_BYTES);
                if (!found)
                        break;
                at = (size_t)(found - bytes);
                int r = is_whole(walk, from + at, &whole);
                if (r < 0)
                        return r;
                if (whole)
                        *ret_offset = from + at - 8;
                at += BC_BOX_ID_BYTES;
        }
        return 0;
}

// The same at or behind `from`.
static int find_record(const struct bc_walk *walk, uint64_t from, uint64_t *ret_offset)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(SEARCH_BYTES);
        const uint64_t size = walk->original.size;

        *ret_offset = size;
        if (!bytes)
                return -ENOMEM;
        // Windows overlap by an id, less one byte.
        for (; *ret_offset == size && from < size && size - from >= BC_BOX_ID_BYTES; from += SEARCH_BYTES - BC_BOX_ID_BYTES + 1) {
                size_t n = size - from < SEARCH_BYTES ? (size_t)(size - from) : SEARCH_BYTES;
                int r = bc_original_read(&walk->original, from, bytes, n);
                if (r == 0)
                        r = find_in_window(walk, from, bytes, n, ret_offset);
                if (r < 0)
                        return r;
        }
        return 0;
}

// Time of the last key frame at or before `limit`, of the segment's first picture where there is none.
static int64_t key_before(const struct bc_scan *scan, int64_t limit)
{
        const struct bc_track_samples *picture = &scan->table.track[0];
        int64_t ticks = scan->init.label.base_ticks, key = ticks;

        for (size_t i = 0; i < picture->samples && ticks <= limit; i++) {
                if (picture->sample[i].sync)
                        key = ticks;
                ticks += picture->sample[i].duration_ticks;
        }
        return key;
}

// A successor begins with a key frame of the last GOP; where sound lagged behind, with that of the GOP in which the sound ends.
static void note_repeat(struct bc_walk *walk, const struct bc_scan *scan)
{
        int64_t base = scan->init.label.base_ticks, limit = base + (int64_t)scan->table.track[0].duration_ticks - 1;

        for (size_t i = 1; i < scan->init.tracks; i++) {
                const struct bc_track *track = &scan->init.track[i];
                int64_t end = base + track->start_ticks + (int64_t)scan->table.track[i].duration_ticks;
                if (track->kind == BC_TRACK_AAC && end < limit)
                        limit = end;
        }
        walk->verdict->repeat_ticks = key_before(scan, limit);
}

static int judge_no_end(struct bc_walk *walk, const struct bc_scan *scan)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        uint64_t later;
        int r = find_record(walk, scan->boxes_end, &later);

        if (r < 0)
                return r;
        if (later < walk->original.size)
                bc_find(&verdict->findings, BC_FINDING_COVERAGE, BC_VERDICT_TAMPERED, scan->boxes_end,
                        "what stands here is not what was written: a record lies behind it, at %" PRIu64, later);
        else if (verdict->records > 0 && scan->layout.patched)
                bc_find(&verdict->findings, BC_FINDING_MOOV, BC_VERDICT_TAMPERED, scan->layout.moov_offset,
                        "the header is that of a finished file, and no record ends it");
        else if (verdict->records == 0 && walk->plain)
                bc_walk_judge_nothing(walk);
        else if (verdict->records == 0)
                bc_find(&verdict->findings, BC_FINDING_NO_RECORD, BC_VERDICT_UNJUDGED, 0,
                        "no record in it: nothing is proven of it. That does not make it innocent");
        else if (verdict->beside)
                bc_walk_end_beside(walk);
        else
                bc_find(&verdict->findings, BC_FINDING_END, BC_VERDICT_UNPROVEN, verdict->covered,
                        "the end is not proven: no record ends the segment, and none covers the last %" PRIu64 " bytes",
                        walk->original.size - verdict->covered);
        return 0;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
        return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

// Whether what lies behind the signed end is what a power cut makes of the moov on its way to the card: any of its sectors came there, the
// others are zeros. The header still leads to none then, and the camera's next start writes it whole.
static int is_torn(const struct bc_walk *walk, const struct bc_scan *scan, const uint8_t *moov, size_t n, bool *ret_torn)
{
        uint64_t at = walk->end_offset;
        const uint64_t end = scan->file_bytes;

        *ret_torn = !walk->plain && !scan->layout.patched && end - at <= n;
        while (*ret_torn && at < end) {
                uint8_t sector[SECTOR_BYTES];
                uint64_t next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
                size_t bytes = (size_t)((next < end ? next : end) - at);
                int r = bc_original_read(&walk->original, at, sector, bytes);

                if (r < 0)
                        return r;
                *ret_torn = is_zero(sector, bytes) || memcmp(sector, moov + (at - walk->end_offset), bytes) == 0;
                at += bytes;
        }
        return 0;
}

// The final moov as these fragments call for it, against the one that was signed.
static int judge_signed_moov(struct bc_walk *walk, const struct bc_scan *scan, bool *ret_torn)
{
        uint8_t sha256[BC_HASH_BYTES];
        size_t n;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *moov = malloc((size_t)scan->moov_bytes);

        if (!moov)
                return -ENOMEM;
        int r = bc_finalise_build(&scan->init, &scan->table, moov, (size_t)scan->moov_bytes, &n);
        if (r == 0)
                r = bc_sha256(moov, n, sha256);
        if (r < 0)
                return r;
        if (n != walk->moov_bytes || memcmp(sha256, walk->moov_sha256, BC_HASH_BYTES) != 0)
                bc_find(&walk->verdict->findings, BC_FINDING_MOOV, BC_VERDICT_TAMPERED, walk->end_offset,
                        "the fragments call for another final moov than the one that was signed");
        return is_torn(walk, scan, moov, n, ret_torn);
}

static int judge_end(struct bc_walk *walk, const struct bc_scan *scan)
{
        struct bc_findings *findings = &walk->verdict->findings;
        bool torn;
        int r = judge_signed_moov(walk, scan, &torn);

        if (r < 0)
                return r;
        if (torn && scan->moov != BC_MOOV_WHOLE && scan->moov != BC_MOOV_CUT && scan->file_bytes > walk->end_offset) {
                bc_find(findings, BC_FINDING_END, BC_VERDICT_UNPROVEN, walk->end_offset,
                        "the final moov is torn, as where the power goes while it is written; all that was recorded is there");
        } else if (scan->moov == BC_MOOV_FOREIGN || (scan->moov != BC_MOOV_NONE && scan->moov_offset != walk->end_offset)) {
                bc_find(findings, BC_FINDING_MOOV, BC_VERDICT_TAMPERED, scan->moov_offset,
                        "the moov is not the one that was signed: players show something else");
        } else if (scan->rest_offset != scan->file_bytes) {
                bc_find(findings, BC_FINDING_END, BC_VERDICT_TAMPERED, scan->rest_offset,
                        "%" PRIu64 " bytes lie behind the signed end", scan->file_bytes - scan->rest_offset);
        } else if (scan->layout.patched && !bc_scan_finished(scan)) {
                bc_find(findings, BC_FINDING_MOOV, BC_VERDICT_TAMPERED, scan->layout.moov_offset,
                        "the patched header does not lead to the final moov");
        } else if (scan->moov == BC_MOOV_CUT) {
                bc_find(findings, BC_FINDING_END, BC_VERDICT_UNPROVEN, scan->moov_offset,
                        "the file ends within its final moov; all that was recorded is there");
        } else if (scan->moov == BC_MOOV_NONE && !walk->plain) {
                bc_find(findings, BC_FINDING_END, BC_VERDICT_NOTE, walk->end_offset,
                        "the final moov was not written, as after a power cut; all that was recorded is there");
        }
        if (walk->verdict->end == BC_RECORD_RECOVERED && walk->verdict->kept != walk->verdict->covered)
                bc_find(findings, BC_FINDING_COVERAGE, BC_VERDICT_TAMPERED, walk->verdict->covered,
                        "recovery states that it kept %" PRIu64 " bytes", walk->verdict->kept);
        return 0;
}

// The successor's word on what lies behind the last record's range, up to where the abandoned segment counts.
static int judge_vouched(struct bc_walk *walk)
{
        struct bc_segment_verdict *verdict = walk->verdict;
        const struct bc_record_abandoned *vouched = walk->vouched;
        uint8_t sha256[BC_HASH_BYTES], header[BC_PATCH_BYTES];

        if (walk->original.size < vouched->end) {
                bc_find(&verdict->findings, BC_FINDING_COVERAGE, BC_VERDICT_TAMPERED, walk->original.size,
                        "its successor states that it has %" PRIu64 " bytes", vouched->end);
                return 0;
        }
        if (verdict->covered != vouched->offset || verdict->end != 0) {
                bc_find(&verdict->findings, BC_FINDING_COVERAGE, BC_VERDICT_TAMPERED, verdict->covered,
                        "its successor states that records cover it up to %" PRIu64, vouched->offset);
                return 0;
        }
        if (verdict->records == 0) { // nothing of it was signed then: its head was not restored yet
                bc_finalise_unpatch(&walk->layout, header);
                bc_original_restore(&walk->original, walk->layout.moov_offset, header);
        }
        int r = bc_original_advance(&walk->original, vouched->end);
        if (r == 0)
                r = bc_original_range(&walk->original, sha256);
        if (r == 0 && memcmp(sha256, vouched->sha256, BC_HASH_BYTES) != 0)
                bc_find(&verdict->findings, BC_FINDING_HASH, BC_VERDICT_TAMPERED, vouched->offset,
                        "of the %" PRIu64 " bytes from here on at least one is not as its successor states",
                        vouched->end - vouched->offset);
        return r;
}

int bc_walk_end(struct bc_walk *walk, const struct bc_scan *scan)
{
        note_repeat(walk, scan);
        // Its last record ends it; whether anything followed the anchor tells.
        if (walk->verdict->beside && walk->verdict->end != 0)
                bc_walk_find_anchor(walk);
        if (!walk->vouched)
                return walk->verdict->end != 0 ? judge_end(walk, scan) : judge_no_end(walk, scan);
        int r = judge_vouched(walk);
        if (r < 0)
                return r;
        if (scan->boxes_end != walk->original.size)
                bc_find(&walk->verdict->findings, BC_FINDING_COVERAGE, BC_VERDICT_TAMPERED, scan->boxes_end,
                        "what its successor counts to the segment is not of this format");
        // Up to there all is proven, and its tracks with it.
        for (size_t i = 0; i < scan->init.tracks; i++) {
                int64_t first = scan->init.label.base_ticks + scan->init.track[i].start_ticks;
                if (scan->table.track[i].samples > 0)
                        walk->verdict->track[i] = (struct bc_track_span){ scan->init.track[i].kind, first,
                                                                          first + (int64_t)scan->table.track[i].duration_ticks };
        }
        walk->verdict->covered = walk->vouched->end;
        return 0;
}
