// SPDX-License-Identifier: EUPL-1.2
// Recovery's work on one recording, and on one segment of it. Used by recovery alone.
#ifndef BC_EVIDENCE_PATIENT_H
#define BC_EVIDENCE_PATIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence/manifest.h"
#include "evidence/recovery.h"
#include "evidence/rescue.h"

// What is known of one number NNNN in a recording's folder.
struct bc_ward_found {
        bool file;           // there is something named NNNN.mp4
        bool sealed;         // or NNNN.mp4.sealed
        bool kept;           // it is a segment of this recording
        bool failed;         // it could not be dealt with
        bool strange_file, strange_sealed; // what is named so is no segment of it, and counts as if it were not there
        bool left_alone;     // it is not for this device to recover: what the manifest says of it stays
        bool tail;
        uint64_t tail_bytes; // of all its tails
};

// One recording while it is worked on.
struct bc_ward {
        const char *name;
        int folder_fd;
        struct bc_manifest manifest;
        struct bc_recovery_report *report;
        const atomic_bool *stop;     // NULL: never
        struct bc_ward_found *found; // by number; 0: of every name that has none
        struct bc_rescue *rescue;    // NULL: nothing is signed
};

// No file of a later segment is there.
bool bc_ward_is_last(const struct bc_ward *ward, uint32_t number);

// Opens a file of the recording's folder. 0; 1: it is no regular file, which is logged, and left alone; negative errno. The caller closes
// *ret_fd where that is not -1.
int bc_ward_open(const struct bc_ward *ward, const char *name, int flags, int *ret_fd, uint64_t *ret_size);

// Judged is what the card holds: pages that a failed sync left behind as clean may say something else. 0 or negative errno.
int bc_ward_reread(int fd);

// Whether NNNN.mp4 is no regular file, or by its label of another place: it says so, and that it is left alone. 1, 0 or negative errno.
int bc_patient_is_stranger(struct bc_ward *ward, uint32_t number);

// Recovers NNNN.mp4. 0 or negative errno.
int bc_patient_treat(struct bc_ward *ward, uint32_t number);

// What the manifest calls durable, and is not among these bytes, is noted.
void bc_ward_note_missing(const struct bc_ward *ward, struct bc_manifest_segment *entry, uint64_t bytes);

#endif
