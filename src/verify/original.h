// SPDX-License-Identifier: EUPL-1.2
// The bytes of a file as they lie there and, hashed beside them in one pass, as they were before the patch: what records speak
// of (segment.md, 4). Memory: one buffer, however large the file.
//
// Lifetime: bc_original_init() borrows the descriptor; bc_original_done() gives back the rest, of one that was never begun too.
// Thread-bound.
#ifndef BC_VERIFY_ORIGINAL_H
#define BC_VERIFY_ORIGINAL_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/finalise.h"
#include "format/record.h"

struct bc_original {
        int fd;
        int (*read)(void *source, uint64_t offset, void *bytes, size_t n); // in place of fd; NULL: from fd
        void *source;
        uint64_t size; // bytes behind it do not exist for this file
        uint64_t at;   // hashed up to here
        EVP_MD_CTX *file, *range;
        uint8_t *buffer;
        bool restored; // then these bytes stand at header_offset in the original
        uint64_t header_offset;
        uint8_t header[BC_PATCH_BYTES];
        void (*on_bytes)(void *user, uint64_t bytes); // told of progress; may be NULL
        void *user;
};

// 0 or -ENOMEM.
int bc_original_init(struct bc_original *original, int fd, uint64_t size);
void bc_original_done(struct bc_original *original);

// Exactly n bytes at an offset, as they lie there. 0 or negative errno.
int bc_original_read(const struct bc_original *original, uint64_t offset, void *bytes, size_t n);

// From now on the original has these 8 bytes at offset. Before anything at or behind that was hashed.
void bc_original_restore(struct bc_original *original, uint64_t offset, const uint8_t header[BC_PATCH_BYTES]);

// Takes everything up to an offset into both hashes. 0 or negative errno: -ENODATA when the file has become shorter.
int bc_original_advance(struct bc_original *original, uint64_t to);

// SHA-256 of the original bytes since the last call; the next range begins here.
int bc_original_range(struct bc_original *original, uint8_t ret_sha256[BC_HASH_BYTES]);

// SHA-256 of the whole file as it lies there. Ends the use of this object.
int bc_original_file(struct bc_original *original, uint8_t ret_sha256[BC_HASH_BYTES]);

// SHA-256 of bytes in memory. 0 or -EIO.
int bc_sha256(const void *bytes, size_t n, uint8_t ret_sha256[BC_HASH_BYTES]);

#endif
