// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ledger_writer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/pulse.h"
#include "evidence/ledger_file.h"
#include "evidence/room.h"

void bc_ledger_writer_init(struct bc_ledger_writer *writer)
{
        *writer = (struct bc_ledger_writer){ .fd = -1 };
}

static int begin_file(struct bc_ledger_writer *writer, int store_fd, int folder_fd, const struct bc_record *record)
{
        int r = 0;

        bc_ledger_name(record->epoch, record->boot, record->ledger, writer->name);
        // Of this run's nothing became durable. Another run's, of which nothing could be read, is not removed.
        if (strcmp(writer->name, writer->made_name) != 0)
                r = bc_ledger_put_aside(folder_fd, writer->name);
        else if (unlinkat(folder_fd, writer->name, 0) < 0)
                r = -errno;
        if (r < 0 && r != -ENOENT)
                return r;
        memcpy(writer->made_name, writer->name, sizeof(writer->made_name));
        // Its room is its own from the beginning.
        writer->fd = bc_room_create(store_fd, folder_fd, writer->name, BC_LEDGER_FILE_BYTES);
        if (writer->fd < 0)
                return writer->fd;
        writer->bytes = 0;
        writer->is_new = true;
        return 0;
}

static void leave_file(struct bc_ledger_writer *writer)
{
        bc_cleanup_fd(&writer->fd);
        writer->fd = -1;
}

int bc_ledger_writer_write(struct bc_ledger_writer *writer, int store_fd, int folder_fd, const struct bc_signing *signing)
{
        BC_IN_DEVICE;
        int r = writer->fd < 0 ? begin_file(writer, store_fd, folder_fd, &signing->record) : 0;

        if (r == 0)
                r = bc_file_write_at(writer->fd, signing->box, signing->box_bytes, writer->bytes);
        if (r == 0)
                r = bc_file_sync_data(writer->fd);
        if (r == 0 && writer->is_new)
                r = bc_folder_sync(folder_fd);
        // What a failed sync left there may be whole or not: the same bytes begin the next file.
        if (r < 0) {
                leave_file(writer);
                return r;
        }
        writer->is_new = false;
        writer->bytes += signing->box_bytes;
        if (writer->bytes >= BC_LEDGER_FILE_BYTES)
                leave_file(writer);
        return 0;
}

void bc_ledger_writer_done(struct bc_ledger_writer *writer, int store_fd)
{
        // The room that was kept for it and not used is given back, and the next run's comes first.
        if (writer->fd >= 0 && ftruncate(writer->fd, (off_t)writer->bytes) == 0)
                bc_room_keep(store_fd, BC_LEDGER_FILE_BYTES);
        bc_cleanup_fd(&writer->fd);
        writer->fd = -1;
}
