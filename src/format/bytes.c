// SPDX-License-Identifier: EUPL-1.2
#include "format/bytes.h"

#include <string.h>

// The next n bytes to store into; NULL when measuring or when they do not fit.
static uint8_t *claim(struct bc_writer *writer, size_t n)
{
        if (writer->failed || n > writer->room - writer->used) {
                writer->failed = true;
                return NULL;
        }
        uint8_t *at = writer->bytes ? writer->bytes + writer->used : NULL;
        writer->used += n;
        return at;
}

static void put(struct bc_writer *writer, uint64_t value, unsigned n)
{
        uint8_t *at = claim(writer, n);
        if (!at)
                return;
        for (unsigned i = 0; i < n; i++)
                at[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

void bc_put_u8(struct bc_writer *writer, uint8_t value)
{
        put(writer, value, 1);
}

void bc_put_u16(struct bc_writer *writer, uint16_t value)
{
        put(writer, value, 2);
}

void bc_put_u24(struct bc_writer *writer, uint32_t value)
{
        put(writer, value, 3);
}

void bc_put_u32(struct bc_writer *writer, uint32_t value)
{
        put(writer, value, 4);
}

void bc_put_u64(struct bc_writer *writer, uint64_t value)
{
        put(writer, value, 8);
}

void bc_put_bytes(struct bc_writer *writer, const void *bytes, size_t n)
{
        uint8_t *at = claim(writer, n);
        if (at && n > 0)
                memcpy(at, bytes, n);
}

void bc_put_zeros(struct bc_writer *writer, size_t n)
{
        uint8_t *at = claim(writer, n);
        if (at && n > 0)
                memset(at, 0, n);
}

void bc_put_u32_at(struct bc_writer *writer, size_t at, uint32_t value)
{
        if (writer->failed || !writer->bytes)
                return;
        if (at > writer->used || writer->used - at < 4) {
                writer->failed = true;
                return;
        }
        struct bc_writer patch = bc_writer_on(writer->bytes + at, 4);
        bc_put_u32(&patch, value);
}

static uint64_t get(struct bc_reader *reader, unsigned n)
{
        const uint8_t *at = bc_get_bytes(reader, n);
        uint64_t value = 0;
        for (unsigned i = 0; at && i < n; i++)
                value = value << 8 | at[i];
        return value;
}

uint8_t bc_get_u8(struct bc_reader *reader)
{
        return (uint8_t)get(reader, 1);
}

uint16_t bc_get_u16(struct bc_reader *reader)
{
        return (uint16_t)get(reader, 2);
}

uint32_t bc_get_u32(struct bc_reader *reader)
{
        return (uint32_t)get(reader, 4);
}

uint64_t bc_get_u64(struct bc_reader *reader)
{
        return get(reader, 8);
}

const uint8_t *bc_get_bytes(struct bc_reader *reader, size_t n)
{
        if (reader->failed)
                return NULL;
        if (n > reader->left) {
                reader->failed = reader->ended = true;
                return NULL;
        }
        const uint8_t *at = reader->bytes;
        reader->bytes += n;
        reader->left -= n;
        return at;
}

void bc_expect_u32(struct bc_reader *reader, uint32_t value)
{
        if (bc_get_u32(reader) != value)
                reader->failed = true;
}
