// SPDX-License-Identifier: EUPL-1.2
// A sealed recording of three segments, closed, and what is needed to cut it off and to have a start find it so.
#ifndef VAULT_H
#define VAULT_H

#include "seal.h"
#include "start.h"

#define FIRST "0001.mp4.sealed"
#define SECOND "0002.mp4.sealed"
#define THIRD "0003.mp4.sealed"

extern struct vault {
        struct specimen sealed;
        struct scene_marks *marks; // of the segment that was last asked for
        struct seal seal;
} vault;

// For a group of tests.
int vault_make(void **state);
int vault_forget(void **state);

// What lies in a sealed file.
struct vault_parts {
        size_t header, begin;         // where the header ends; and the commitment behind it
        size_t chunk[400], plain[400]; // where each chunk ends, in the file and in its plain text
        size_t chunks;
};

void vault_parts(const struct specimen_file *file, struct vault_parts *ret_parts);
void vault_marks(const struct specimen_file *file);
// Where the file ends once its nth record was durable.
size_t vault_end(const struct specimen_file *file, size_t nth);

// Where manifest.json calls every file there is closed, as if its recorder had, or none, as a power cut leaves it.
void vault_write_manifest(const struct clinic *clinic, bool closed);
// A store in which it lies so, listed as open, and begun by the ledger.
void vault_open(struct clinic *clinic, const struct specimen *before, bool closed, bool another);
// The nth record of a segment.
struct bc_anchor_state vault_anchor(uint32_t segment, size_t nth);
// Two starts: the recording is listed until the ledger has what the first one found.
void vault_recover(const struct clinic *clinic, const struct bc_anchor_state *anchor);

#endif
