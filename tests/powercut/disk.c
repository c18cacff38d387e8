// SPDX-License-Identifier: EUPL-1.2
// A disk that remembers the order of everything: a FUSE folder with two files.
//
//   disk   the medium, backed by an image file. Every write and every flush is appended to a log before it is answered,
//          so the log is what a disk with a volatile cache was told, in order.
//   mark   whatever is written into it goes into the log as a mark: "what I acknowledged by now".
//
// A power cut is then any prefix of the log: writes before its last flush are on the medium, of those behind it any
// subset of sectors. disk.py makes such states. Single-threaded, so the order of the log is the order of the answers.
//
// Log: events of {type: 'W', 'F' or 'M'; 8 bytes offset; 4 bytes length; the bytes}, numbers big-endian.
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fuse.h>

#include "base/file.h"
#include "format/bytes.h"

#define EVENT_HEADER_BYTES 13

struct disk {
        int image_fd, log_fd;
        uint64_t log_size;
        off_t size;
};

static struct disk *this_disk(void)
{
        return fuse_get_context()->private_data;
}

static int record(struct disk *disk, char type, uint64_t offset, const void *bytes, size_t size)
{
        uint8_t header[EVENT_HEADER_BYTES];
        struct bc_writer w = bc_writer_on(header, sizeof(header));
        bc_put_u8(&w, (uint8_t)type);
        bc_put_u64(&w, offset);
        bc_put_u32(&w, (uint32_t)size);
        int r = bc_file_write_at(disk->log_fd, header, sizeof(header), disk->log_size);
        if (r == 0 && size > 0)
                r = bc_file_write_at(disk->log_fd, bytes, size, disk->log_size + sizeof(header));
        if (r == 0)
                disk->log_size += sizeof(header) + size;
        return r;
}

static int on_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
        (void)file;
        *status = (struct stat){ .st_nlink = 1, .st_mode = S_IFREG | 0600 };
        if (strcmp(path, "/") == 0)
                *status = (struct stat){ .st_nlink = 2, .st_mode = S_IFDIR | 0700 };
        else if (strcmp(path, "/disk") == 0)
                status->st_size = this_disk()->size;
        else if (strcmp(path, "/mark") != 0)
                return -ENOENT;
        return 0;
}

static int on_readdir(const char *path, void *entries, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *file,
                      enum fuse_readdir_flags flags)
{
        (void)path;
        (void)offset;
        (void)file;
        (void)flags;
        fill(entries, "disk", NULL, 0, 0);
        fill(entries, "mark", NULL, 0, 0);
        return 0;
}

// Without the page cache, so that a write arrives when it is made.
static int on_open(const char *path, struct fuse_file_info *file)
{
        (void)path;
        file->direct_io = 1;
        return 0;
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
        (void)size;
        (void)file;
        return strcmp(path, "/mark") == 0 ? 0 : -EPERM;
}

static int on_read(const char *path, char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
        (void)file;
        if (strcmp(path, "/disk") != 0)
                return 0;
        ssize_t n = pread(this_disk()->image_fd, bytes, size, offset);
        return n < 0 ? -errno : (int)n;
}

static int on_write(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
        struct disk *disk = this_disk();
        (void)file;
        bool mark = strcmp(path, "/mark") == 0;
        if (!mark && (offset < 0 || size > (uint64_t)disk->size || offset > disk->size - (off_t)size))
                return -ENOSPC;
        int r = mark ? 0 : bc_file_write_at(disk->image_fd, bytes, size, (uint64_t)offset);
        if (r == 0)
                r = record(disk, mark ? 'M' : 'W', (uint64_t)offset, bytes, size);
        return r < 0 ? r : (int)size;
}

static int on_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
        (void)data_only;
        (void)file;
        return strcmp(path, "/disk") == 0 ? record(this_disk(), 'F', 0, NULL, 0) : 0;
}

// The kernel's first word: the folder is mounted. Whoever started the program waits for this line.
static void *on_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
        (void)connection;
        (void)config;
        printf("mounted\n");
        fflush(stdout);
        return this_disk();
}

int main(int argc, char **argv)
{
        static const struct fuse_operations operations = {
                .init = on_init,
                .getattr = on_getattr, .readdir = on_readdir, .open = on_open,   .truncate = on_truncate,
                .read = on_read,       .write = on_write,     .fsync = on_fsync,
        };
        struct disk disk;
        struct stat status;
        if (argc != 4) {
                fprintf(stderr, "usage: powercut_disk IMAGE LOG MOUNTPOINT   (in the foreground, until unmounted)\n");
                return 2;
        }
        disk.image_fd = open(argv[1], O_RDWR | O_CLOEXEC);
        disk.log_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        disk.log_size = 0;
        if (disk.image_fd < 0 || disk.log_fd < 0 || fstat(disk.image_fd, &status) < 0) {
                fprintf(stderr, "%s, %s: %s\n", argv[1], argv[2], strerror(errno));
                return 1;
        }
        disk.size = status.st_size;
        char foreground[] = "-f", single_threaded[] = "-s";
        char *arguments[] = { argv[0], foreground, single_threaded, argv[3], NULL };
        return fuse_main(4, arguments, &operations, &disk);
}
