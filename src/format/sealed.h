// SPDX-License-Identifier: EUPL-1.2
// The bytes of a sealed file (docs/formats/sealed.md has every field): header, commitment, chunks. Here is the
// framing alone, both ways: nothing is encrypted, no file is opened; the envelope inside the header is
// format/envelope.h's.
//
// Pure; any thread; allocates nothing. All numbers are big-endian.
#ifndef BC_FORMAT_SEALED_H
#define BC_FORMAT_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BC_SEALED_VERSION 1
#define BC_SEALED_MAGIC_BYTES 8
#define BC_SEALED_HEADER_BYTES_MAX 16384
#define BC_SEALED_ENVELOPE_BYTES_MAX (BC_SEALED_HEADER_BYTES_MAX - 128) // what is in front of it has room in the rest
#define BC_SEALED_DEVICE_BYTES_MAX 32
#define BC_SEALED_BOOT_ID_BYTES 16
#define BC_SEALED_SEGMENT_MAX 9999
#define BC_SEALED_KEY_BYTES 32        // file key, chunk key
#define BC_SEALED_COMMITMENT_BYTES 32
#define BC_SEALED_HASH_BYTES 32       // SHA-256 of the header
#define BC_SEALED_NONCE_BYTES 12
#define BC_SEALED_HEAD_BYTES 4        // in front of a chunk's ciphertext
#define BC_SEALED_TAG_BYTES 16        // behind it
#define BC_SEALED_CHUNK_BYTES_MAX 65536 // of plain text in one chunk
#define BC_SEALED_PLAIN_BYTES_MAX UINT32_MAX // of plain text in one file: a segment is shorter than 4 GiB
#define BC_SEALED_INFO_BYTES_MAX 128

extern const uint8_t bc_sealed_magic[BC_SEALED_MAGIC_BYTES];

struct bc_sealed_header {
        char device[BC_SEALED_DEVICE_BYTES_MAX + 1]; // 1 to 32 printable ASCII characters
        uint8_t boot_id[BC_SEALED_BOOT_ID_BYTES];    // as in the segment's label; zeros: not known
        uint64_t boot;                               // counts the daemon's starts, from 1
        uint64_t recording;                          // from 1
        uint32_t segment;                            // 1 to BC_SEALED_SEGMENT_MAX
        const uint8_t *envelope;                     // DER; borrowed
        size_t envelope_bytes;                       // 1 to BC_SEALED_ENVELOPE_BYTES_MAX
};

// Writes the header. 0; -EINVAL a field is out of its range; -ENOBUFS; BC_SEALED_HEADER_BYTES_MAX always suffices.
int bc_sealed_header_write(const struct bc_sealed_header *header, uint8_t *bytes, size_t room, size_t *ret_bytes);

// Reads the header from the first n bytes of a file; *ret_bytes is its length. The envelope is lent out of bytes. 0;
// -ENODATA: n is too small (with BC_SEALED_HEADER_BYTES_MAX bytes or the whole file: the file ends within the
// header); -EBADMSG: not a sealed file; -EPROTONOSUPPORT: one of another version. On failure nothing is set.
int bc_sealed_header_parse(const uint8_t *bytes, size_t n, struct bc_sealed_header *ret_header, size_t *ret_bytes);

// What HKDF is told besides key and salt, for each of the two things it derives.
enum bc_sealed_purpose {
        BC_SEALED_FOR_CHUNKS,
        BC_SEALED_FOR_COMMITMENT,
};
size_t bc_sealed_info(const struct bc_sealed_header *header, enum bc_sealed_purpose purpose,
                      uint8_t ret_info[BC_SEALED_INFO_BYTES_MAX]);

// The nonce of chunk `counter`, from 0.
void bc_sealed_nonce(uint64_t counter, bool final, uint8_t ret_nonce[BC_SEALED_NONCE_BYTES]);

// A chunk's head, which is also what its tag authenticates besides. plain_bytes: 1 to BC_SEALED_CHUNK_BYTES_MAX; 0 in
// the final one alone.
void bc_sealed_head_write(size_t plain_bytes, bool final, uint8_t ret_head[BC_SEALED_HEAD_BYTES]);
// 0 or -EBADMSG.
int bc_sealed_head_parse(const uint8_t head[BC_SEALED_HEAD_BYTES], size_t *ret_plain_bytes, bool *ret_final);

// How many bytes of a sealed file so much plain text becomes when it is sealed at once: whole chunks and one for the
// rest. final: the last of them is the final one, which is there even for nothing.
size_t bc_sealed_bytes(size_t plain_bytes, bool final);

#endif
