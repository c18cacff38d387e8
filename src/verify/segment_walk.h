// SPDX-License-Identifier: EUPL-1.2
// Within the part: a segment on its way through bc_segment_judge().
#ifndef BC_VERIFY_SEGMENT_WALK_H
#define BC_VERIFY_SEGMENT_WALK_H

#include "format/scan.h"
#include "verify/original.h"
#include "verify/plain.h"
#include "verify/segment.h"

#define BC_WALK_NO_TRACK UINT32_MAX
#define BC_WALK_BOXES_MAX (1u << 22) // days of fragments without a record
#define BC_WALK_HASHES 64 // of the last records: an anchor that is older than those does not prove an end

// A box that no record has covered yet, or a fragment's run of one track.
struct bc_walk_box {
        uint64_t end; // of the box, in the file
        uint32_t track;
        int64_t first_ticks, end_ticks;
};

struct bc_walk {
        const struct bc_judge *judge;
        const struct bc_record_abandoned *vouched;
        struct bc_segment_verdict *verdict;
        struct bc_original original;
        struct bc_certificate certificate;
        struct bc_init init;
        struct bc_init_layout layout;
        struct bc_walk_box *box; // [first, boxes) wait for a record
        size_t first, boxes, room;
        uint8_t hash[BC_WALK_HASHES][BC_HASH_BYTES]; // of the record with index i at i % BC_WALK_HASHES
        uint64_t end_offset;  // of the box behind which nothing but the moov may lie
        uint64_t moov_bytes;  // as signed there
        uint8_t moov_sha256[BC_HASH_BYTES];
        uint8_t bytes[BC_RECORD_BYTES_MAX];
        struct bc_record record;
        struct bc_record_message message;
        struct bc_record_span span[BC_TRACKS_MAX]; // of the range at hand
        // Of one that lies sealed.
        int folder_fd;          // in which there may be a record beside it; -1: not known
        struct bc_plain *plain; // NULL: it lies in the clear
        bool headed;            // header is its
        struct bc_sealed_header header;
        uint8_t header_hash[BC_HASH_BYTES];
};

// Judges what lies behind the last record, and the moov. 0 or negative errno.
int bc_walk_end(struct bc_walk *walk, const struct bc_scan *scan);

// A sealed file: hashes it, judges the record beside it, opens it. 0: the walk goes over walk->plain, *ret_plain_bytes of it; -ECANCELED:
// nothing of it can be walked over, and why is found; another negative errno.
int bc_walk_unseal(struct bc_walk *walk, int fd, uint64_t *ret_plain_bytes);

// Whether the sealed file is the one that its records were written into.
void bc_walk_judge_header(struct bc_walk *walk);

// No record is in it.
void bc_walk_judge_nothing(struct bc_walk *walk);

// Whether the record that the anchor in the record beside it names is among its last ones.
void bc_walk_find_anchor(struct bc_walk *walk);

// It has no end, and the record beside it says how it was found.
void bc_walk_end_beside(struct bc_walk *walk);

#endif
