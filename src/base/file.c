// SPDX-License-Identifier: EUPL-1.2
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pulse.h"

#define ASIDE_IN_ORDER 99
#define ASIDE_RANDOM (UINT32_C(1) << 31) // and larger

int bc_file_write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
        BC_IN_DEVICE;
        const char *at = bytes;

        while (size > 0) {
                ssize_t n = pwrite(fd, at, size, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                at += n;
                offset += (uint64_t)n;
                size -= (size_t)n;
        }
        return 0;
}

int bc_file_read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
        BC_IN_DEVICE;
        char *at = bytes;

        while (size > 0) {
                ssize_t n = pread(fd, at, size, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ENODATA;
                at += n;
                offset += (uint64_t)n;
                size -= (size_t)n;
        }
        return 0;
}

static int create(int folder_fd, const char *name, int flags)
{
        BC_IN_DEVICE;
        int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | flags, 0640);

        return fd < 0 ? -errno : fd;
}

int bc_file_create(int folder_fd, const char *name)
{
        return create(folder_fd, name, 0);
}

int bc_file_create_appending(int folder_fd, const char *name)
{
        return create(folder_fd, name, O_APPEND);
}

int bc_file_sync(int fd)
{
        BC_IN_DEVICE;

        return fsync(fd) < 0 ? -errno : 0;
}

int bc_file_sync_data(int fd)
{
        BC_IN_DEVICE;

        return fdatasync(fd) < 0 ? -errno : 0;
}

int bc_folder_sync(int folder_fd)
{
        return bc_file_sync(folder_fd);
}

static void close_listing(DIR **listing)
{
        if (*listing)
                closedir(*listing);
}

int bc_folder_each(int folder_fd, int (*take)(void *user, const struct dirent *entry), void *user)
{
        // Opened anew: a listing has a position, and the folder's own descriptor may be in use.
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        BC_CLEANUP(close_listing) DIR *listing = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;
        int r = 0;

        if (!listing) {
                r = -errno;
                bc_cleanup_fd(&fd);
                return r;
        }
        while (r == 0 && (errno = 0, entry = readdir(listing)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        r = take(user, entry);
        return r != 0 ? r : -errno;
}

int bc_folder_make(int parent_fd, const char *name, int exist_ok)
{
        BC_IN_DEVICE;
        if (mkdirat(parent_fd, name, 0750) < 0) {
                struct stat status;

                if (errno != EEXIST || !exist_ok)
                        return -errno;
                if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                        return -errno;
                if (!S_ISDIR(status.st_mode))
                        return -ENOTDIR;
        }
        return bc_folder_sync(parent_fd);
}

int bc_file_replace(int folder_fd, const char *name, const void *bytes, size_t size)
{
        BC_IN_DEVICE;
        BC_CLEANUP(bc_cleanup_fd) int fd = -1;
        char temporary[256];
        int r;

        r = snprintf(temporary, sizeof(temporary), "%s.new", name);
        if (r < 0 || (size_t)r >= sizeof(temporary))
                return -ENAMETOOLONG;
        // One left behind by a power cut is nobody's.
        if (unlinkat(folder_fd, temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = bc_file_create(folder_fd, temporary);
        if (fd < 0)
                return fd;
        r = bc_file_write_at(fd, bytes, size, 0);
        if (r == 0)
                r = bc_file_sync(fd);
        if (r == 0 && renameat(folder_fd, temporary, folder_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(folder_fd, temporary, 0); // the error to report is the first one
                return r;
        }
        return bc_folder_sync(folder_fd);
}

int bc_file_put_aside(int folder_fd, const char *name, char *ret_name, size_t bytes)
{
        BC_IN_DEVICE;
        int r = -1;

        errno = EEXIST;
        for (uint32_t n = 1; r < 0 && errno == EEXIST; n++) {
                uint32_t number = n;

                // Whoever takes all the small numbers first is not to keep us from it.
                if (n > ASIDE_IN_ORDER && getrandom(&number, sizeof(number), 0) != sizeof(number))
                        return -errno;
                snprintf(ret_name, bytes, "%s.foreign%" PRIu32, name, n > ASIDE_IN_ORDER ? number | ASIDE_RANDOM : number);
                r = renameat2(folder_fd, name, folder_fd, ret_name, RENAME_NOREPLACE);
        }
        return r < 0 ? -errno : bc_folder_sync(folder_fd);
}

int bc_file_load(int folder_fd, const char *name, size_t size_max, char **ret_bytes, size_t *ret_size)
{
        BC_IN_DEVICE;
        BC_CLEANUP(bc_cleanup_fd) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        struct stat status;
        size_t size;
        int r;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EINVAL;
        if ((uint64_t)status.st_size > size_max)
                return -EFBIG;
        size = (size_t)status.st_size;
        bytes = malloc(size + 1);
        if (!bytes)
                return -ENOMEM;
        r = bc_file_read_at(fd, bytes, size, 0);
        if (r < 0)
                return r;
        bytes[size] = 0;
        *ret_bytes = BC_TAKE(bytes);
        *ret_size = size;
        return 0;
}
