// SPDX-License-Identifier: EUPL-1.2
// The head of a segment: ftyp, label, init moov.
#ifndef BC_FORMAT_INIT_H
#define BC_FORMAT_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/track.h"

#define BC_INIT_BYTES_MAX 16384

// 0 when the description can be written: -EINVAL otherwise (tracks, sizes, texts or configurations out of range).
int bc_init_check(const struct bc_init *init);

// Writes the head into room bytes; BC_INIT_BYTES_MAX always suffices. 0, -EINVAL as above, -ENOBUFS.
int bc_init_write(const struct bc_init *init, uint8_t *bytes, size_t room, size_t *ret_bytes);

// Where things lie in a parsed head.
struct bc_init_layout {
        size_t bytes;       // the head ends here, fragments begin
        size_t moov_offset; // of the 8-byte header that finalising overwrites
        bool patched;       // it is overwritten, and then...
        uint64_t span;      // ...the size that the mdat header in its place gives
};

// Reads a head from the first n bytes of a file. Accepts exactly what bc_init_write() makes, with the moov header as
// written or overwritten: whatever else a player might see in it is refused. -ENODATA: cut off (or n below
// BC_INIT_BYTES_MAX and too small); -EBADMSG: anything else.
int bc_init_parse(const uint8_t *bytes, size_t n, struct bc_init *ret_init, struct bc_init_layout *ret_layout);

#endif
