// SPDX-License-Identifier: EUPL-1.2
// Bytes of a segment that nobody vouches for, set aside beside it: NNNN.tail, then NNNN-2.tail, ... Never destroyed,
// never overwritten. Nothing here is lost by a power cut in between; doing it again ends the same way.
#ifndef BC_EVIDENCE_TAIL_H
#define BC_EVIDENCE_TAIL_H

#include <stdint.h>

#include "format/record.h"

// Copies the bytes from offset to size of the file fd, segment `number`, into a tail, durably; a tail that holds
// exactly these bytes already (of a run that was cut off) will do. 0 or negative errno; the file is not touched.
int bc_tail_save(int folder_fd, uint32_t number, int fd, uint64_t offset, uint64_t size);

// All tails of the segment, one behind the other in their order: how long they are, and their SHA-256. -ENOENT: it has none.
int bc_tail_sum(int folder_fd, uint32_t number, uint64_t *ret_bytes, uint8_t ret_sha256[BC_HASH_BYTES]);

// Removes what a run that was cut off left half copied.
void bc_tail_tidy(int folder_fd, uint32_t number);

// The whole file becomes a tail: renames it, durably.
int bc_tail_rename(int folder_fd, uint32_t number, const char *file_name);

// Which segment a file of this name is a tail of; 0: it is none.
uint32_t bc_tail_number(const char *name);

#endif
