// SPDX-License-Identifier: EUPL-1.2
#include "evidence/anchor_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "evidence/anchor_slot.h"

static uint64_t place_of(uint64_t turn)
{
        return turn % 2 * BC_ANCHOR_BLOCK_BYTES;
}

// -EBADMSG: no slot is whole, which no power cut leaves.
static int load(struct bc_anchor_file *file, uint64_t count_max, struct bc_anchor_state *ret_state)
{
        uint8_t slots[BC_ANCHOR_BYTES];
        int r = bc_file_read_at(file->fd, slots, sizeof(slots), 0);

        if (r < 0)
                return r;
        file->turn = 0;
        for (unsigned i = 0; i < 2; i++) {
                struct bc_anchor_state state;
                uint64_t turn = bc_anchor_slot_read(slots + i * BC_ANCHOR_BLOCK_BYTES, BC_ANCHOR_SLOT_BYTES, count_max, &state);

                if (turn > file->turn) {
                        file->turn = turn;
                        *ret_state = state;
                }
        }
        return file->turn > 0 ? 0 : -EBADMSG;
}

// With a slot that says nothing: so one that is whole is always there, whatever the first write comes to.
static int make_file(const char *path)
{
        static const struct bc_anchor_state nothing;
        BC_CLEANUP(bc_cleanup_memory) char *copy = strdup(path);
        BC_CLEANUP(bc_cleanup_fd) int folder_fd = -1;
        uint8_t slots[BC_ANCHOR_BYTES] = { 0 };
        int r = copy ? bc_anchor_slot_make(&nothing, 1, slots + place_of(1), BC_ANCHOR_SLOT_BYTES) : -ENOMEM;

        if (r < 0)
                return r;
        folder_fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_fd < 0)
                return -errno;
        return bc_file_replace(folder_fd, strrchr(path, '/') + 1, slots, sizeof(slots));
}

// -EBADMSG: it is no anchor; -EINVAL: it is no file either.
static int open_file(struct bc_anchor_file *file, const char *path, uint64_t count_max, struct bc_anchor_state *ret_state)
{
        struct stat status;

        bc_cleanup_fd(&file->fd); // of the one that was put aside
        file->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (file->fd < 0 || fstat(file->fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EINVAL;
        return status.st_size == BC_ANCHOR_BYTES ? load(file, count_max, ret_state) : -EBADMSG;
}

// What is there gets a second name, so that it stays, and is what is found again where making another one fails.
static int keep_aside(const char *path)
{
        char aside[PATH_MAX];
        int n = snprintf(aside, sizeof(aside), "%s.damaged", path);

        if (n < 0 || (size_t)n >= sizeof(aside))
                return -ENAMETOOLONG;
        if (unlink(aside) < 0 && errno != ENOENT)
                return -errno;
        // A file system without links: it is said that it was damaged, and goes.
        return link(path, aside) < 0 && errno != EPERM && errno != EOPNOTSUPP ? -errno : 0;
}

int bc_anchor_file_open(struct bc_anchor_file *file, const char *path, bool only_looks, uint64_t count_max, struct bc_anchor_state *ret_state,
                        bool *ret_damaged)
{
        int r;

        file->fd = -1;
        r = open_file(file, path, count_max, ret_state);
        *ret_damaged = r == -EBADMSG;
        if (only_looks && (r == -EBADMSG || r == -ENOENT)) {
                bc_cleanup_fd(&file->fd);
                file->fd = -1;
                return 0;
        }
        if (*ret_damaged)
                r = keep_aside(path);
        if (r == -ENOENT || (r == 0 && *ret_damaged)) {
                r = make_file(path);
                if (r == 0)
                        r = open_file(file, path, count_max, ret_state);
        }
        return r;
}

uint64_t bc_anchor_file_turn_after(const struct bc_anchor_file *file, uint64_t turn)
{
        return turn + 1 + (place_of(turn + 1) == place_of(file->turn));
}

int bc_anchor_file_write(struct bc_anchor_file *file, const struct bc_anchor_state *state, uint64_t turn)
{
        uint8_t slot[BC_ANCHOR_SLOT_BYTES];
        int r = bc_anchor_slot_make(state, turn, slot, sizeof(slot));

        if (r == 0)
                r = bc_file_write_at(file->fd, slot, sizeof(slot), place_of(turn));
        if (r == 0)
                r = bc_file_sync_data(file->fd);
        if (r == 0)
                file->turn = turn;
        return r;
}

// The disk that a file system is a partition of, or lies on; as the kernel has it: "/sys/devices/.../block/sda". false: on none, or not known.
static bool find_disk(dev_t device, char ret_path[PATH_MAX])
{
        char link[64], partition[PATH_MAX + 16];

        snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(device), minor(device));
        if (!realpath(link, ret_path))
                return false;
        snprintf(partition, sizeof(partition), "%s/partition", ret_path);
        if (access(partition, F_OK) == 0)
                *strrchr(ret_path, '/') = 0;
        return true;
}

uint32_t bc_anchor_file_medium(const struct bc_anchor_file *file, int fd)
{
        char mine[PATH_MAX], other[PATH_MAX];
        struct stat anchored, stored;

        if (fstat(file->fd, &anchored) < 0 || fstat(fd, &stored) < 0 || anchored.st_dev == stored.st_dev)
                return BC_ANCHOR_BESIDE; // what is not known is not claimed
        return find_disk(anchored.st_dev, mine) && find_disk(stored.st_dev, other) && strcmp(mine, other) == 0 ? BC_ANCHOR_BESIDE :
                                                                                                             BC_ANCHOR_ELSEWHERE;
}
