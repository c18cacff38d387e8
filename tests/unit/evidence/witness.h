// SPDX-License-Identifier: EUPL-1.2
// A small reader of signed recordings that shares no judgement with the product: walks through the files of a recording's folder and
// fails the test where a record does not say what lies there (docs/formats/record.md, 7 and 9).
#ifndef WITNESS_H
#define WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/manifest.h"
#include "format/record.h"
#include "notary.h"

#define WITNESS_RECORDS_MAX 400 // of a segment
#define WITNESS_SEGMENTS_MAX 64
#define WITNESS_GAPS_MAX 1000

struct witness_record {
        uint64_t at, end, covered; // box from at to end; its range ends at covered
        enum bc_record_kind kind;
        uint8_t hash[BC_HASH_BYTES], prev[BC_HASH_BYTES];
        struct bc_record_span track[BC_TRACKS_MAX];
        int64_t signed_ns;
};

struct witness_segment {
        uint32_t number;
        uint8_t *bytes; // as they were written: without the patch
        size_t size;
        uint64_t boxes_end;
        bool finished;
        struct witness_record record[WITNESS_RECORDS_MAX];
        size_t records;
        struct witness_extent { // a fragment
                uint64_t offset;
                struct bc_record_span track[BC_TRACKS_MAX]; // media time
        } extent[WITNESS_RECORDS_MAX];
        size_t extents;
        bool abandoned; // by what its successor states, up to here:
        uint64_t end;
};

struct witness {
        struct witness_segment *segment[WITNESS_SEGMENTS_MAX];
        size_t segments;
        struct bc_record_gap gap[WITNESS_GAPS_MAX];
        struct bc_record_mark mark[WITNESS_GAPS_MAX];
        struct bc_record_clock clock[WITNESS_GAPS_MAX];
        struct witness_place { // of the record that states it
                const struct witness_segment *segment;
                uint64_t at;
        } mark_place[WITNESS_GAPS_MAX], clock_place[WITNESS_GAPS_MAX];
        size_t gaps, marks, clocks;
        unsigned records, by_kind[5], covers; // covers: records whose range ends at their own box
        struct bc_record last;                 // the newest record; its borrowed parts are not to be used
        struct bc_record *recovered[WITNESS_SEGMENTS_MAX]; // by place in segment[]; NULL: not of that kind
};

enum witness_rule {
        WITNESS_CLOSED = 1 << 0, // ends with CLOSE; every segment is finished, but abandoned ones
        WITNESS_GAPS = 1 << 1,   // every gap, mark and clock entry of the manifest is stated
        WITNESS_ENDED = 1 << 2,  // every segment has its end, abandoned ones by recovery
};

// first: what the first record hangs on; NULL: whatever.
struct witness *witness_read(int recordings_fd, const char *name, const struct notary *notary, uint64_t recording, const uint8_t *first,
                             unsigned rules);
void witness_free(struct witness *witness);

// Whether the record was signed with this key.
bool witness_recognises(const struct notary *notary, const struct bc_record *record, const struct bc_record_message *message);

#endif
