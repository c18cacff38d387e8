// SPDX-License-Identifier: EUPL-1.2
// The segment writer: one MP4 file, valid at every instant (docs/formats/segment.md).
//
// Each call that returns 0 has made durable what it wrote (fdatasync; for the first write the folder too). After a
// failed write the file may hold anything behind `durable_bytes`: it must be abandoned, for Linux may call pages
// clean that never reached the card. Thread-bound to the recorder.
#ifndef BC_EVIDENCE_SEGMENT_H
#define BC_EVIDENCE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/sealing.h"
#include "format/fragment.h"
#include "format/init.h"
#include "format/record.h"
#include "format/samples.h"

struct bc_segment {
        int fd, folder_fd; // folder_fd borrowed
        char name[16];
        struct bc_init init;
        struct bc_init_layout layout;
        struct bc_sample_table table;
        uint64_t durable_bytes;     // of the segment: in a sealed file its plain text
        uint64_t final_moov_offset; // once it has ended

        struct bc_sealing *sealing; // borrowed; NULL: it is not sealed
        struct bc_sealer *sealer;   // its own, of sealing
        struct bc_sealed_header about;
        uint8_t seal[BC_SEALED_HASH_BYTES]; // of its header, once the first fragment is on its way
        uint64_t file_bytes;        // durable, of a sealed file
        bool broken;                // sealed, and a write failed
        struct evp_md_ctx_st *stored; // OpenSSL's: hash of what was written of a sealed file
};

// Room in front of a fragment's samples that the writer fills with head and fragment header.
size_t bc_segment_room(size_t samples);

// Prepares a segment; nothing is on the disk yet. 0 or -EINVAL.
int bc_segment_init(struct bc_segment *segment, int folder_fd, const char *name, const struct bc_init *init);

// From now on what is written is sealed; before the first write. about: all but the envelope. 0; -ENOBUFS: too many are open.
int bc_segment_seal(struct bc_segment *segment, struct bc_sealing *sealing, const struct bc_sealed_header *about);

// How much of the file is durable: more than of the segment, where it is sealed.
uint64_t bc_segment_file_bytes(const struct bc_segment *segment);

// SHA-256 of a sealed file, of what was written: nothing is read back. 0; -ENODATA: it is not sealed, or not whole; -EIO.
int bc_segment_stored_hash(struct bc_segment *segment, uint8_t ret_sha256[BC_HASH_BYTES]); // once

// Closes the file descriptor and frees; the file stays.
void bc_segment_done(struct bc_segment *segment);

// What goes into the write of a fragment, behind it. Told of all the bytes before they are written; returns how many it put to
// `behind`, which has room for BC_SEGMENT_BEHIND_BYTES.
struct bc_segment_company {
        size_t (*join)(void *user, const uint8_t *bytes, size_t n, uint8_t *behind);
        void *user;
};
#define BC_SEGMENT_BEHIND_BYTES BC_RECORD_BYTES_MAX

// Writes one fragment with one write: `bytes` holds `room` bytes of free room and then the samples of the runs, in
// order, payload_bytes of them, and room for company behind them. The first call makes the file, exclusively, and writes the head
// with it. company may be NULL.
// 0; -EEXIST the file is there already; -EFBIG the segment is full, nothing was written; -ENOKEY it could not be sealed, nothing was
// written; else a failed write.
int bc_segment_append(struct bc_segment *segment, const struct bc_run *run, size_t runs, uint8_t *bytes,
                      size_t room, size_t payload_bytes, const struct bc_segment_company *company);

// Writes a record by itself.
int bc_segment_append_record(struct bc_segment *segment, const uint8_t *box, size_t n);

// The final moov behind `room` bytes of free room; the caller frees *ret_bytes. -ENODATA: there is no fragment.
int bc_segment_build_moov(const struct bc_segment *segment, size_t room, uint8_t **ret_bytes, size_t *ret_moov_bytes);

// Writes the record that ends the segment (0 bytes: none) and the moov, which lie one behind the other; a sealed one ends with the
// record, for whoever decrypts it appends the moov. On failure the fragments are as durable as before, and what follows them may be
// anything.
int bc_segment_end(struct bc_segment *segment, const uint8_t *bytes, size_t record_bytes, size_t moov_bytes);

// Once more, with the same bytes, behind one that failed with `error`: to the same place, so that nothing is left of which Linux
// believes what the card does not know. *ret_error becomes `error`: it is to be told, whatever comes of it. A sealed one, which nobody
// goes back in, fails with it, untold.
int bc_segment_end_again(struct bc_segment *segment, const uint8_t *bytes, size_t record_bytes, size_t moov_bytes, int error,
                         int *ret_error);

// Patches the head of one that has ended: a plain MP4. On failure the next start does it. A sealed one is left as it is.
int bc_segment_patch(struct bc_segment *segment);

// Ends one without a record, and patches it.
int bc_segment_finalise(struct bc_segment *segment);

#endif
