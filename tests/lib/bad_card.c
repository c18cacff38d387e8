// SPDX-License-Identifier: EUPL-1.2
// bad-card.so, for LD_PRELOAD: makes the files below one folder lie on a card that stalls, fails and fills up.
//
// BC_CARD_STORE names the folder. BC_CARD names a file that holds struct card and that the test has mapped: it says
// what goes wrong from now on, and counts. While somebody else holds an exclusive flock() on that file, the card
// stands still: every write, sync and change of a name waits. Nothing is remembered in here.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

// The next `skip` calls are well, then `times` calls fail with `error`.
struct fault {
        int64_t skip, times, error;
};

// Of this machine's byte order; tests/scenario/card.py knows it too.
struct card {
        int64_t space_bytes; // that can still be written; negative: no end
        struct fault write, sync;
        int64_t writes, syncs;
};

static bool is_on_card(int fd)
{
        const char *store = getenv("BC_CARD_STORE");
        char link[64], path[4096];
        ssize_t n;

        if (!store)
                return false;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return false;
        path[n] = 0;
        return strncmp(path, store, strlen(store)) == 0;
}

// Waits until the card moves. NULL: there is none, so all is well.
static struct card *take_card(int fd)
{
        const char *name = getenv("BC_CARD");
        struct card *card;
        int card_fd;

        if (!name || !is_on_card(fd))
                return NULL;
        card_fd = open(name, O_RDWR | O_CLOEXEC);
        if (card_fd < 0)
                return NULL;
        while (flock(card_fd, LOCK_SH) < 0 && errno == EINTR)
                ;
        card = mmap(NULL, sizeof(*card), PROT_READ | PROT_WRITE, MAP_SHARED, card_fd, 0);
        close(card_fd);
        return card == MAP_FAILED ? NULL : card;
}

static void give_back(struct card *card)
{
        int error = errno;

        if (card)
                munmap(card, sizeof(*card));
        errno = error;
}

// 0 or the error that is due. Several threads may write at once.
static int due_error(struct fault *fault)
{
        if (__atomic_load_n(&fault->times, __ATOMIC_SEQ_CST) == 0)
                return 0;
        if (__atomic_fetch_sub(&fault->skip, 1, __ATOMIC_SEQ_CST) > 0)
                return 0;
        return __atomic_fetch_sub(&fault->times, 1, __ATOMIC_SEQ_CST) > 0 ? (int)fault->error : 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        struct card *card = take_card(fd);
        ssize_t n = -1;

        if (card) {
                card->writes++;
                errno = due_error(&card->write);
                if (errno == 0 && card->space_bytes == 0)
                        errno = ENOSPC;
                if (errno != 0) {
                        give_back(card);
                        return -1;
                }
                // As on a real one: what fits is written, and only the rest fails.
                if (card->space_bytes > 0 && size > (size_t)card->space_bytes)
                        size = (size_t)card->space_bytes;
        }
        n = syscall(SYS_pwrite64, fd, bytes, size, offset);
        if (n > 0 && card && card->space_bytes > 0)
                card->space_bytes -= n;
        give_back(card);
        return n;
}

// Only what this project reads of it; no free files, as vfat has it.
int fstatvfs(int fd, struct statvfs *status)
{
        struct card *card = take_card(fd);
        struct statfs own;
        int r = (int)syscall(SYS_fstatfs, fd, &own);

        if (r == 0) {
                *status = (struct statvfs){ .f_bsize = (unsigned long)own.f_bsize, .f_frsize = (unsigned long)own.f_frsize,
                                            .f_blocks = own.f_blocks, .f_bfree = own.f_bfree, .f_bavail = own.f_bavail };
                if (card && card->space_bytes >= 0)
                        status->f_bavail = status->f_bfree = (fsblkcnt_t)card->space_bytes / status->f_frsize;
        }
        give_back(card);
        return r;
}

static int sync_with(long call, int fd)
{
        struct card *card = take_card(fd);

        if (card) {
                card->syncs++;
                errno = due_error(&card->sync);
                if (errno != 0) {
                        give_back(card);
                        return -1;
                }
        }
        give_back(card);
        return (int)syscall(call, fd);
}

int fdatasync(int fd)
{
        return sync_with(SYS_fdatasync, fd);
}

int fsync(int fd)
{
        return sync_with(SYS_fsync, fd);
}

// New names need room as well.
static int refuse_name(int folder_fd, const char *name)
{
        struct card *card = take_card(folder_fd);
        bool full = card && card->space_bytes == 0 && faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;

        give_back(card);
        if (full)
                errno = ENOSPC;
        return full ? -1 : 0;
}

int mkdirat(int folder_fd, const char *name, mode_t mode)
{
        if (refuse_name(folder_fd, name) < 0)
                return -1;
        return (int)syscall(SYS_mkdirat, folder_fd, name, mode);
}

static void stand_still(int fd)
{
        give_back(take_card(fd));
}

int unlinkat(int folder_fd, const char *name, int flags)
{
        stand_still(folder_fd);
        return (int)syscall(SYS_unlinkat, folder_fd, name, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        stand_still(to_fd);
        return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int ftruncate(int fd, off_t size)
{
        stand_still(fd);
        return (int)syscall(SYS_ftruncate, fd, size);
}

int openat(int folder_fd, const char *name, int flags, ...)
{
        mode_t mode = 0;
        va_list arguments;

        va_start(arguments, flags);
        if (flags & (O_CREAT | __O_TMPFILE))
                mode = va_arg(arguments, mode_t);
        va_end(arguments);
        if (flags & O_CREAT && refuse_name(folder_fd, name) < 0)
                return -1;
        return (int)syscall(SYS_openat, folder_fd, name, flags, mode);
}
