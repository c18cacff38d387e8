// SPDX-License-Identifier: EUPL-1.2
// Finalising a segment: a moov with all samples is appended, made durable, and then the 8-byte header of the init
// moov becomes the header of an mdat that spans everything up to it. Readable at every step.
#ifndef BC_FORMAT_FINALISE_H
#define BC_FORMAT_FINALISE_H

#include <stddef.h>
#include <stdint.h>

#include "format/init.h"
#include "format/samples.h"

#define BC_PATCH_BYTES 8

// Size of the moov for this table; quick enough to be asked before each fragment.
size_t bc_finalise_bytes(const struct bc_init *init, const struct bc_sample_table *table);

// Writes the moov: a function of init and table alone. 0, -EINVAL (they do not fit each other), -ENOBUFS.
int bc_finalise_build(const struct bc_init *init, const struct bc_sample_table *table, uint8_t *bytes, size_t room,
                      size_t *ret_bytes);

// The 8 bytes that overwrite those at layout->moov_offset when the appended moov begins at moov_offset of the file.
// 0, or -EFBIG: the segment is too long for them, -EINVAL: the offset lies within the head.
int bc_finalise_patch(const struct bc_init_layout *layout, uint64_t moov_offset, uint8_t ret_patch[BC_PATCH_BYTES]);

// The 8 bytes that stood there before: the way back.
void bc_finalise_unpatch(const struct bc_init_layout *layout, uint8_t ret_patch[BC_PATCH_BYTES]);

#endif
