// SPDX-License-Identifier: EUPL-1.2
#include "evidence/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

#define STEP_BYTES 65536

static int reserve(int fd, size_t bytes)
{
        return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) < 0 ? -errno : 0;
}

void bc_room_keep(int store_fd, size_t bytes)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = bc_file_create(store_fd, BC_ROOM_NAME);

        // What a run has used of it is missing on a card that stays full: the rest is kept all the same.
        while (fd >= 0 && reserve(fd, bytes) < 0) {
                if (bytes < 2 * STEP_BYTES) {
                        (void)unlinkat(store_fd, BC_ROOM_NAME, 0);
                        return;
                }
                bytes -= STEP_BYTES;
        }
}

// What lies there may be a stranger's.
static int take(int store_fd, int folder_fd, const char *name)
{
        struct stat status;
        int fd;

        if (fstatat(store_fd, BC_ROOM_NAME, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode) || status.st_size != 0 || status.st_nlink != 1)
                return -ENOENT;
        if (renameat(store_fd, BC_ROOM_NAME, folder_fd, name) < 0)
                return -errno;
        fd = openat(folder_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

static bool is_full(int error)
{
        return error == -ENOSPC || error == -EDQUOT;
}

int bc_room_create(int store_fd, int folder_fd, const char *name, size_t bytes)
{
        int fd = bc_file_create(folder_fd, name), r = fd < 0 ? fd : reserve(fd, bytes), taken;

        if (!is_full(r)) {
                if (fd >= 0)
                        bc_room_keep(store_fd, bytes);
                return fd;
        }
        // With the name the room that was kept is to have.
        if (fd >= 0 && unlinkat(folder_fd, name, 0) < 0)
                return fd;
        taken = take(store_fd, folder_fd, name);
        if (taken >= 0)
                bc_log_notice("the store is full: the ledger takes the room that was kept for it");
        if (taken >= 0 || fd < 0) {
                bc_cleanup_fd(&fd);
                return taken >= 0 ? taken : r;
        }
        // Nothing is kept; perhaps a record fits all the same.
        close(fd);
        return bc_file_create(folder_fd, name);
}
