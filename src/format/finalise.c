// SPDX-License-Identifier: EUPL-1.2
#include "format/finalise.h"

#include <errno.h>

#include "format/moov.h"

size_t bc_finalise_bytes(const struct bc_init *init, const struct bc_sample_table *table)
{
        // The boxes are measured with tables that have no samples, the tables' entries counted beside them.
        struct bc_sample_table empty = { .tracks = table->tracks };
        for (size_t i = 0; i < table->tracks; i++)
                empty.track[i].duration_ticks = table->track[i].duration_ticks;
        struct bc_writer w = bc_writer_measuring();
        bc_moov_write(&w, init, &empty);
        size_t bytes = w.used;
        for (size_t i = 0; i < init->tracks && i < table->tracks; i++) {
                const struct bc_track_samples *track = &table->track[i];
                bytes += 8 * track->stts_entries + 12 * track->stsc_entries + 4 * track->samples + 4 * track->chunks;
                if (track->sync_samples != track->samples)
                        bytes += 16 + 4 * track->sync_samples;
        }
        return bytes;
}

int bc_finalise_build(const struct bc_init *init, const struct bc_sample_table *table, uint8_t *bytes, size_t room,
                      size_t *ret_bytes)
{
        if (table->tracks != init->tracks || bc_init_check(init) < 0)
                return -EINVAL;
        struct bc_writer w = bc_writer_on(bytes, room);
        bc_moov_write(&w, init, table);
        if (w.failed)
                return -ENOBUFS;
        *ret_bytes = w.used;
        return 0;
}

static void put_header(uint64_t bytes, uint32_t type, uint8_t ret_patch[BC_PATCH_BYTES])
{
        struct bc_writer w = bc_writer_on(ret_patch, BC_PATCH_BYTES);
        bc_put_u32(&w, (uint32_t)bytes);
        bc_put_u32(&w, type);
}

int bc_finalise_patch(const struct bc_init_layout *layout, uint64_t moov_offset, uint8_t ret_patch[BC_PATCH_BYTES])
{
        if (moov_offset < layout->bytes)
                return -EINVAL;
        if (moov_offset > BC_SEGMENT_BYTES_MAX)
                return -EFBIG;
        put_header(moov_offset - layout->moov_offset, BC_BOX_TYPE('m', 'd', 'a', 't'), ret_patch);
        return 0;
}

void bc_finalise_unpatch(const struct bc_init_layout *layout, uint8_t ret_patch[BC_PATCH_BYTES])
{
        put_header(layout->bytes - layout->moov_offset, BC_BOX_TYPE('m', 'o', 'o', 'v'), ret_patch);
}
