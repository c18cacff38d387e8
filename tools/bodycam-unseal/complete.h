// SPDX-License-Identifier: EUPL-1.2
// Finalises a decrypted segment, which the camera may not do with a sealed one (rule 19).
#ifndef TOOLS_BODYCAM_UNSEAL_COMPLETE_H
#define TOOLS_BODYCAM_UNSEAL_COMPLETE_H

#include <stdbool.h>
#include <stdint.h>

// Appends the final moov to the size bytes of fd and patches the head (docs/formats/segment.md, 5 and 6), or leaves a
// file be that has them. Memory: the sample table, 12 bytes a sample, and the moov. 0; -EBADMSG: not a segment that
// is whole to its last byte; -EFBIG: no room below 4 GiB; -ENOMEM; or what reading and writing failed with.
int bc_complete(int fd, uint64_t size, bool *ret_finalised);

#endif
