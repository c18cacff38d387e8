// SPDX-License-Identifier: EUPL-1.2
// Signed recordings as a power cut leaves them, and a start of the daemon that recovers them, on a card that can be made to fail. Needs
// WRAPS fdatasync fsync ftruncate pwrite openat renameat.
#ifndef SCENE_H
#define SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/rescue.h"
#include "notary.h"
#include "specimen.h"
#include "witness.h"

// The records of a segment.
struct scene_marks {
        uint64_t at[200], end[200], covered[200];
        uint8_t hash[200][BC_HASH_BYTES];
        enum bc_record_kind kind[200];
        int64_t signed_ns[200];
        size_t records;
        uint64_t edge[600]; // each place where a box begins or ends, about
        size_t edges;
        const uint8_t *bytes;
        struct bc_record record;
        struct bc_record_message message;
};

enum anchoring { ANCHOR_ABSENT, ANCHOR_AGREES, ANCHOR_BEHIND, ANCHOR_EARLIER, ANCHOR_AHEAD, ANCHOR_FALSE, ANCHORINGS };

extern struct notary scene_notary; // the tests make it
extern const struct bc_anchor_state scene_no_anchor;
extern const struct bc_agency *scene_agency; // whom recordings are sealed for; NULL: they lie in the clear

enum scene_fault {
        SCENE_WELL,
        SCENE_WRITE, // a fragment's write fails: nothing of it is there
        SCENE_END,   // the sync of a segment's end fails: all of it is there
};

// A closed recording of three segments; with a fault: of four, the first one abandoned, by SCENE_WRITE with a fragment behind its last
// record.
void scene_record(int64_t pace_ns, enum scene_fault fault, struct specimen *ret_specimen);
// Segments 1 to 3 of it, the last one as while it was written.
void scene_on_the_way(const struct specimen *recorded, struct specimen *ret_specimen);
// The recorder's own manifest as it was then: a state for each segment, as for specimen_set_manifest(); sizes are those of the files.
void scene_set_manifest(struct specimen *before, const struct specimen *recorded, const char *states);
void scene_marks(const struct specimen_file *file, struct scene_marks *ret_marks);

// A start; the card fails from the nth call on, that often.
struct bc_recovery_report scene_start(const struct clinic *clinic, const struct bc_anchor_state *anchor, int nth, int failures);
unsigned scene_struck(void);
// From now on any sectors of a write that is struck land, other ones each time; 0: its first half.
void scene_tear(uint32_t seed);
// From now on recovery is told to stop at the call that is struck, which does not fail.
void scene_stops(bool stops);
struct witness *scene_look(const struct clinic *clinic, unsigned rules);

// whole: so many of the records were left.
struct bc_anchor_state scene_anchor(enum anchoring anchoring, const struct scene_marks *marks, size_t whole);
void scene_check_found(const struct bc_record *record, const struct bc_anchor_state *anchor, uint64_t before, uint64_t kept, bool agrees);
// The tail holds exactly these bytes, and the record (may be NULL) says so.
void scene_check_tail(const struct clinic *clinic, const char *name, const struct bc_record *record, const uint8_t *bytes, size_t n);

#endif
