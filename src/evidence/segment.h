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

#include "format/fragment.h"
#include "format/init.h"
#include "format/samples.h"

struct bc_segment {
        int fd, folder_fd; // folder_fd borrowed
        char name[16];
        struct bc_init init;
        struct bc_init_layout layout;
        struct bc_sample_table table;
        uint64_t durable_bytes;
};

// Room in front of a fragment's samples that the writer fills with head and fragment header.
size_t bc_segment_room(size_t samples);

// Prepares a segment; nothing is on the disk yet. 0 or -EINVAL.
int bc_segment_init(struct bc_segment *segment, int folder_fd, const char *name, const struct bc_init *init);

// Closes the file descriptor and frees; the file stays.
void bc_segment_done(struct bc_segment *segment);

// Writes one fragment with one write: `bytes` holds `room` bytes of free room and then the samples of the runs, in
// order, payload_bytes of them. The first call makes the file, exclusively, and writes the head with it.
// 0; -EEXIST the file is there already; -EFBIG the segment is full, nothing was written; else a failed write.
int bc_segment_append(struct bc_segment *segment, const struct bc_run *run, size_t runs, uint8_t *bytes,
                      size_t room, size_t payload_bytes);

// Appends the moov, then patches the head: a plain MP4. On failure the fragments are as durable as before and the
// next start finalises.
int bc_segment_finalise(struct bc_segment *segment);

#endif
