// SPDX-License-Identifier: EUPL-1.2
// Boxes of ISO/IEC 14496-12, clause 4.2: writing them nested, and reading headers that nobody vouches for.
#ifndef BC_FORMAT_BOX_H
#define BC_FORMAT_BOX_H

#include <stdint.h>

#include "format/bytes.h"

#define BC_BOX_TYPE(a, b, c, d) \
        ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define BC_BOX_ID_BYTES 16
#define BC_BOX_HEADER_BYTES_MAX (8 + 8 + BC_BOX_ID_BYTES)

struct bc_box {
        uint32_t type;
        uint8_t id[BC_BOX_ID_BYTES]; // of a uuid box, else zeros
        uint32_t header_bytes;       // 8, 16, 24 or 32
        uint64_t bytes;              // header and payload
};

// Reads a box header. n: bytes at hand; room: bytes from the box's start to the end of what it lies in. A size of 0
// means up to there. -ENODATA: the header or the box does not fit into room (it was cut off, or lies about its
// size); -ENOBUFS: it may fit, n is just too small (BC_BOX_HEADER_BYTES_MAX is enough); -EBADMSG: smaller than its
// own header.
int bc_box_parse(const uint8_t *bytes, size_t n, uint64_t room, struct bc_box *ret_box);

// Opens a box whose size is filled in by the matching close. Boxes nest.
size_t bc_box_open(struct bc_writer *writer, uint32_t type);
size_t bc_fullbox_open(struct bc_writer *writer, uint32_t type, uint8_t version, uint32_t flags);
void bc_box_close(struct bc_writer *writer, size_t opened);

#endif
