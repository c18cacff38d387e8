// SPDX-License-Identifier: EUPL-1.2
// Bounded big-endian writing and reading. Both remember their first failure, so that a box is written or read
// straight through and checked once at its end.
#ifndef BC_FORMAT_BYTES_H
#define BC_FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Borrows bytes. With bytes NULL nothing is stored and only `used` grows: a measuring run.
struct bc_writer {
        uint8_t *bytes;
        size_t room, used;
        bool failed; // something did not fit; `used` then says nothing
};

static inline struct bc_writer bc_writer_on(uint8_t *bytes, size_t room)
{
        return (struct bc_writer){ .bytes = bytes, .room = room };
}

static inline struct bc_writer bc_writer_measuring(void)
{
        return (struct bc_writer){ .room = SIZE_MAX };
}

void bc_put_u8(struct bc_writer *writer, uint8_t value);
void bc_put_u16(struct bc_writer *writer, uint16_t value);
void bc_put_u24(struct bc_writer *writer, uint32_t value);
void bc_put_u32(struct bc_writer *writer, uint32_t value);
void bc_put_u64(struct bc_writer *writer, uint64_t value);
void bc_put_bytes(struct bc_writer *writer, const void *bytes, size_t n);
void bc_put_zeros(struct bc_writer *writer, size_t n);
// Overwrites four bytes written earlier.
void bc_put_u32_at(struct bc_writer *writer, size_t at, uint32_t value);

// Borrows bytes. A read beyond the end fails and gives 0.
struct bc_reader {
        const uint8_t *bytes;
        size_t left;
        bool failed; // by either of: a read beyond the end, an unexpected value
        bool ended;  // the first failure was a read beyond the end
};

static inline struct bc_reader bc_reader_on(const uint8_t *bytes, size_t n)
{
        return (struct bc_reader){ .bytes = bytes, .left = n };
}

uint8_t bc_get_u8(struct bc_reader *reader);
uint16_t bc_get_u16(struct bc_reader *reader);
uint32_t bc_get_u32(struct bc_reader *reader);
uint64_t bc_get_u64(struct bc_reader *reader);
// Lends n bytes of the input, NULL (and failed) when they are not there.
const uint8_t *bc_get_bytes(struct bc_reader *reader, size_t n);
// Fails unless the next value is exactly this one.
void bc_expect_u32(struct bc_reader *reader, uint32_t value);

#endif
