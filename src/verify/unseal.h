// SPDX-License-Identifier: EUPL-1.2
// Reads a sealed file (docs/formats/sealed.md, 6): opens the envelope, checks the commitment, gives out the plain
// text chunk by chunk, each one only when it is authentic, and says how the file ends. What it says of signatures:
// nothing.
//
// Use: bc_unseal_new(); bc_unseal_next() until it returns 0; then bc_unseal_report(). Memory: about 150 KB, whatever
// the file's size. Opens no file: reads through a callback, never beyond its size. Thread-bound.
#ifndef BC_VERIFY_UNSEAL_H
#define BC_VERIFY_UNSEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "format/sealed.h"
#include "verify/opener.h"

struct bc_unseal_source {
        // Reads exactly n bytes at offset, all of them below size. 0 or negative errno.
        int (*read)(void *user, uint64_t offset, void *bytes, size_t n);
        uint64_t size;
        void *user;
};

enum bc_unseal_finding {
        BC_UNSEAL_GOING_ON,        // no end was reached
        BC_UNSEAL_WHOLE,           // final chunk, nothing behind it
        // Cut: everything that was given out is authentic, the end is missing.
        BC_UNSEAL_HEADER_CUT,      // the file ends within header or commitment
        BC_UNSEAL_CUT,             // it ends behind a chunk that is not the final one, or within a chunk
        BC_UNSEAL_ZEROS,           // from here to its end there are zeros, as a power cut leaves them
        // Tampered.
        BC_UNSEAL_KEY_ALTERED,     // what is wrapped for our certificate does not open
        BC_UNSEAL_HEADER_ALTERED,  // the commitment is not that of header and key: changed, other recipients, another file's
        BC_UNSEAL_CHUNK_MALFORMED, // its head cannot be
        BC_UNSEAL_CHUNK_ALTERED,   // it is not authentic, or one of another file
        BC_UNSEAL_CHUNK_MOVED,     // it belongs to another place of this file: chunks left out, swapped, doubled
        BC_UNSEAL_BEHIND_FINAL,    // the final chunk was there, and bytes follow it
        // Cannot be judged.
        BC_UNSEAL_FOREIGN,         // not a sealed file
        BC_UNSEAL_VERSION,         // one of another version of the format
        BC_UNSEAL_ENVELOPE,        // the envelope is not of the format's form
        BC_UNSEAL_WEAK,            // the envelope has an algorithm that the format does not allow
        BC_UNSEAL_NO_KEY,          // no recipient is ours
        BC_UNSEAL_UNREADABLE,      // reading failed, or memory
};

enum bc_unseal_verdict { // the exit statuses of the programs
        BC_UNSEAL_IS_WHOLE = 0,
        BC_UNSEAL_IS_TAMPERED = 1,
        BC_UNSEAL_IS_CUT = 2,
        BC_UNSEAL_IS_UNJUDGED = 3,
};

struct bc_unseal_report {
        enum bc_unseal_finding finding;
        uint64_t offset;      // where in the sealed file what was found begins; the file's size where bytes are missing
        uint64_t belongs;     // BC_UNSEAL_CHUNK_MOVED: the number of the chunk that stands there
        int error;            // BC_UNSEAL_UNREADABLE: negative errno
        uint64_t chunks;      // given out: their number is that of the next one, which is the one that something is wrong with
        uint64_t plain_bytes; // in them
        bool header_known;    // the three below say something
        struct bc_sealed_header header; // its envelope is not to be used
        uint8_t header_hash[BC_SEALED_HASH_BYTES]; // what the segment's first record states
        size_t recipients;    // 0: not known
        size_t recipient;     // which one we are, from 1; 0: none
        bool committed;       // the commitment is right: the header is the one this file was begun with
};

enum bc_unseal_verdict bc_unseal_verdict(enum bc_unseal_finding finding);

#define BC_UNSEAL_TEXT_BYTES 256
// The finding in a sentence.
void bc_unseal_text(const struct bc_unseal_report *report, char ret_text[BC_UNSEAL_TEXT_BYTES]);

struct bc_unseal;

// Borrows the opener for the call, copies the source. 0 even where nothing will be given out, which the report tells;
// -ENOMEM, -EIO (OpenSSL).
int bc_unseal_new(const struct bc_opener *opener, const struct bc_unseal_source *source, struct bc_unseal **ret_unseal);
void bc_unseal_free(struct bc_unseal *unseal);
BC_DEFINE_CLEANUP(unseal, struct bc_unseal, bc_unseal_free)

// The next chunk's plain text, lent until the next call. true: there is one (the final one may be empty); false: that was all.
bool bc_unseal_next(struct bc_unseal *unseal, const uint8_t **ret_bytes, size_t *ret_n);

// Where in the file the next chunk begins.
uint64_t bc_unseal_offset(const struct bc_unseal *unseal);

// Once bc_unseal_next() returned false: chunks that it gave out, once more. The first says how much plain text the chunk at offset
// has, by its head alone, and where the next one begins; the second decrypts chunk number `counter` there and lends it until the
// next call. 0; -ESTALE: it is not there any more: the file was changed; or what reading failed with.
int bc_unseal_measure(struct bc_unseal *unseal, uint64_t offset, size_t *ret_n, uint64_t *ret_next_offset);
int bc_unseal_again(struct bc_unseal *unseal, uint64_t counter, uint64_t offset, const uint8_t **ret_bytes, size_t *ret_n);

// Lent; what it says is final once bc_unseal_next() returned false.
const struct bc_unseal_report *bc_unseal_report(const struct bc_unseal *unseal);

#endif
