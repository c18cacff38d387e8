// SPDX-License-Identifier: EUPL-1.2
#include "verify/original.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define BUFFER_BYTES (256 * 1024) // large enough to read fast, small enough to stay in the second cache for both hashes

int bc_original_init(struct bc_original *original, int fd, uint64_t size)
{
        *original = (struct bc_original){ .fd = fd, .size = size };
        original->file = EVP_MD_CTX_new();
        original->range = EVP_MD_CTX_new();
        original->buffer = malloc(BUFFER_BYTES);
        if (!original->file || !original->range || !original->buffer ||
            EVP_DigestInit_ex(original->file, EVP_sha256(), NULL) != 1 ||
            EVP_DigestInit_ex(original->range, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        return 0;
}

void bc_original_done(struct bc_original *original)
{
        EVP_MD_CTX_free(original->file);
        EVP_MD_CTX_free(original->range);
        free(original->buffer);
        *original = (struct bc_original){ .fd = -1 };
}

int bc_original_read(const struct bc_original *original, uint64_t offset, void *bytes, size_t n)
{
        return original->read ? original->read(original->source, offset, bytes, n) : bc_file_read_at(original->fd, bytes, n, offset);
}

void bc_original_restore(struct bc_original *original, uint64_t offset, const uint8_t header[BC_PATCH_BYTES])
{
        original->restored = true;
        original->header_offset = offset;
        memcpy(original->header, header, BC_PATCH_BYTES);
}

// Puts the original header's bytes over those of the buffer that holds [at, at + n).
static void restore(struct bc_original *original, uint64_t at, size_t n)
{
        for (size_t i = 0; original->restored && i < BC_PATCH_BYTES; i++) {
                uint64_t place = original->header_offset + i;
                if (place >= at && place - at < n)
                        original->buffer[place - at] = original->header[i];
        }
}

int bc_original_advance(struct bc_original *original, uint64_t to)
{
        while (original->at < to) {
                uint64_t left = to - original->at;
                size_t n = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
                int r = bc_original_read(original, original->at, original->buffer, n);
                if (r < 0)
                        return r;
                if (EVP_DigestUpdate(original->file, original->buffer, n) != 1)
                        return -EIO;
                restore(original, original->at, n);
                if (EVP_DigestUpdate(original->range, original->buffer, n) != 1)
                        return -EIO;
                original->at += n;
                if (original->on_bytes)
                        original->on_bytes(original->user, n);
        }
        return 0;
}

int bc_original_range(struct bc_original *original, uint8_t ret_sha256[BC_HASH_BYTES])
{
        if (EVP_DigestFinal_ex(original->range, ret_sha256, NULL) != 1 ||
            EVP_DigestInit_ex(original->range, EVP_sha256(), NULL) != 1)
                return -EIO;
        return 0;
}

int bc_original_file(struct bc_original *original, uint8_t ret_sha256[BC_HASH_BYTES])
{
        int r = bc_original_advance(original, original->size);

        if (r < 0)
                return r;
        return EVP_DigestFinal_ex(original->file, ret_sha256, NULL) == 1 ? 0 : -EIO;
}

int bc_sha256(const void *bytes, size_t n, uint8_t ret_sha256[BC_HASH_BYTES])
{
        return EVP_Digest(bytes, n, ret_sha256, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}
