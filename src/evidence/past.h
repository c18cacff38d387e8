// SPDX-License-Identifier: EUPL-1.2
// What the ledger states already of the end of a recording: what was closed or recovered once is not for recovery to sign again
// (EVIDENCE 10). Reads the ledger's files from the newest one back to where the recording began; no more than one of them is in memory.
// Thread-bound; the ledger may be written meanwhile.
#ifndef BC_EVIDENCE_PAST_H
#define BC_EVIDENCE_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

struct bc_past_recovery {
        uint32_t segment;
        uint8_t hash[BC_HASH_BYTES]; // of its record of kind 4
};

struct bc_past {
        bool closed, hashed;         // closed: by its recorder, or found to end so, or to be nothing; hashed: it has a record, whose hash follows
        uint8_t hash[BC_HASH_BYTES]; // of its newest record then
        bool begun;                  // it is said to have begun
        bool former;                 // by a former key, of this certificate
        uint8_t former_x5t[BC_HASH_BYTES];
        bool torn;                   // the chain could not be followed: a former key may have said more
        struct bc_past_recovery *recovery;
        size_t recoveries, room;
};

// folder_fd: of the ledger. Records count that this key signed; and those of a former key of the device in the chain that ends with the
// record of this hash, where the ledger was gone on from: what ended under that key has ended. All zeros: there was none. What cannot be
// read is passed over. 0 or negative errno; bc_past_done() in any case.
int bc_past_read(int folder_fd, const struct bc_record_bytes *public_key, const uint8_t head[BC_HASH_BYTES], uint64_t recording,
                 struct bc_past *ret_past);
void bc_past_done(struct bc_past *past);

// Whether it was recovered; hash: with this record of kind 4, NULL: with any.
bool bc_past_has(const struct bc_past *past, uint32_t segment, const uint8_t *hash);

#endif
