// SPDX-License-Identifier: EUPL-1.2
#include "format/box.h"

#include <errno.h>
#include <string.h>

#define TYPE_UUID BC_BOX_TYPE('u', 'u', 'i', 'd')

int bc_box_parse(const uint8_t *bytes, size_t n, uint64_t room, struct bc_box *ret_box)
{
        struct bc_reader reader = bc_reader_on(bytes, n < room ? n : (size_t)room);
        struct bc_box box = { .header_bytes = 8 };

        box.bytes = bc_get_u32(&reader);
        box.type = bc_get_u32(&reader);
        if (box.bytes == 1) {
                box.header_bytes += 8;
                box.bytes = bc_get_u64(&reader);
        } else if (box.bytes == 0)
                box.bytes = room;
        if (box.type == TYPE_UUID) {
                box.header_bytes += BC_BOX_ID_BYTES;
                const uint8_t *id = bc_get_bytes(&reader, BC_BOX_ID_BYTES);
                if (id)
                        memcpy(box.id, id, BC_BOX_ID_BYTES);
        }
        if (reader.failed)
                return n < room ? -ENOBUFS : -ENODATA;
        if (box.bytes < box.header_bytes)
                return -EBADMSG;
        if (box.bytes > room)
                return -ENODATA;
        *ret_box = box;
        return 0;
}

size_t bc_box_open(struct bc_writer *writer, uint32_t type)
{
        size_t opened = writer->used;
        bc_put_u32(writer, 0);
        bc_put_u32(writer, type);
        return opened;
}

// 14496-12, 4.2: a FullBox adds a version and flags.
size_t bc_fullbox_open(struct bc_writer *writer, uint32_t type, uint8_t version, uint32_t flags)
{
        size_t opened = bc_box_open(writer, type);
        bc_put_u8(writer, version);
        bc_put_u24(writer, flags);
        return opened;
}

void bc_box_close(struct bc_writer *writer, size_t opened)
{
        if (writer->failed)
                return;
        size_t bytes = writer->used - opened;
        if (bytes > UINT32_MAX)
                writer->failed = true;
        else
                bc_put_u32_at(writer, opened, (uint32_t)bytes);
}
