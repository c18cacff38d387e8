// SPDX-License-Identifier: EUPL-1.2
// bad-card.so, for LD_PRELOAD: makes the files below some folders lie on a card that stalls, fails and fills up.
//
// BC_CARD_FOLDERS names the folders, with ':' between them. BC_CARD names a file that holds struct card and that the test has mapped:
// it says what goes wrong from now on, and counts. While somebody else holds an exclusive flock() on that file, the card stands
// still: every write, sync and change of a name waits. Nothing is remembered in here but what a failed sync takes back.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

#define PATH_BYTES 256
#define UNDOS 32

// OPEN: of what is there; CREATE: with O_CREAT. REMOVE, LINK and RENAME are of names, FOLDER makes one, CUT truncates, RESERVE allocates.
enum kind { WRITE, SYNC, OPEN, CREATE, RENAME, REMOVE, FOLDER, CUT, RESERVE, LINK, KINDS };

// The next `skip` calls are well, then `times` calls fail with `error`. Of writes: half of it, in whole sectors, is on the card then;
// 0: half of it is written, which is no failure.
struct fault {
        int64_t skip, times, error;
        int64_t calls; // that there were, whatever became of them
};

// Of this machine's byte order; tests/scenario/card.py knows it too.
struct card {
        int64_t space_bytes; // that can still be written; negative: no end
        int64_t forgetful;   // a sync that fails takes back what was written to the file since the last one that did not
        int64_t struck;      // calls that failed, and the last one of them
        struct fault fault[KINDS];
        char struck_path[PATH_BYTES];
};

// ---- where -----------------------------------------------------------------------------------------------------

static bool is_below(const char *path, const char *folders)
{
        for (size_t n; *folders; folders += n + (folders[n] == ':')) {
                n = strcspn(folders, ":");
                if (n > 0 && strncmp(path, folders, n) == 0 && (path[n] == '/' || path[n] == 0))
                        return true;
        }
        return false;
}

// Where `name` in the folder lies, or what fd is (name NULL). false: not on the card.
static bool find_on_card(int fd, const char *name, char ret_path[PATH_BYTES])
{
        const char *folders = getenv("BC_CARD_FOLDERS");
        char link[64];
        ssize_t n = 0;

        if (!folders)
                return false;
        if (!name || name[0] != '/') {
                snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
                n = readlink(link, ret_path, PATH_BYTES - 1);
                if (n < 0)
                        return false;
        }
        snprintf(ret_path + n, (size_t)(PATH_BYTES - n), "%s%s", name && n > 0 ? "/" : "", name ? name : "");
        return is_below(ret_path, folders);
}

// Waits until the card moves. NULL: there is none, so all is well.
static struct card *take_card(void)
{
        const char *name = getenv("BC_CARD");
        struct card *card;
        int card_fd;

        if (!name)
                return NULL;
        card_fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC, 0);
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

// ---- what goes wrong -------------------------------------------------------------------------------------------

// Whether this call is to go wrong; *ret_error: how. Several threads may call at once.
static bool is_due(struct card *card, enum kind kind, const char *path, int *ret_error)
{
        struct fault *fault = &card->fault[kind];

        __atomic_fetch_add(&fault->calls, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&fault->times, __ATOMIC_SEQ_CST) <= 0)
                return false;
        if (__atomic_fetch_sub(&fault->skip, 1, __ATOMIC_SEQ_CST) > 0)
                return false;
        if (__atomic_fetch_sub(&fault->times, 1, __ATOMIC_SEQ_CST) <= 0)
                return false;
        *ret_error = (int)fault->error;
        snprintf(card->struck_path, sizeof(card->struck_path), "%s", path);
        __atomic_fetch_add(&card->struck, 1, __ATOMIC_SEQ_CST);
        return true;
}

// For calls that do all or nothing. -1 with errno, or 0.
static int refuse(enum kind kind, int fd, const char *name)
{
        char path[PATH_BYTES];
        struct card *card = find_on_card(fd, name, path) ? take_card() : NULL;
        int error = 0;

        if (card && !is_due(card, kind, path, &error))
                error = 0;
        // New names need room as well.
        if (card && error == 0 && card->space_bytes == 0 && (kind == CREATE || kind == FOLDER) &&
            faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                error = ENOSPC;
        give_back(card);
        errno = error;
        return error ? -1 : 0;
}

// ---- what a failed sync takes back -----------------------------------------------------------------------------

static struct {
        pthread_mutex_t mutex;
        struct undo {
                dev_t device;
                ino_t file;
                off_t offset, size_before;
                uint8_t *before; // of the bytes written over
                size_t bytes;
        } undo[UNDOS]; // the oldest first
        size_t count;
} written = { .mutex = PTHREAD_MUTEX_INITIALIZER };

// Locked.
static void forget(size_t at)
{
        free(written.undo[at].before);
        written.count--;
        memmove(&written.undo[at], &written.undo[at + 1], (written.count - at) * sizeof(written.undo[0]));
}

// Before it is written.
static void remember(int fd, size_t size, off_t offset)
{
        char link[64];
        struct stat status;
        struct undo undo;
        int reader;

        if (fstat(fd, &status) < 0)
                return;
        undo = (struct undo){ .device = status.st_dev, .file = status.st_ino, .offset = offset, .size_before = status.st_size };
        if (offset < status.st_size && !(fcntl(fd, F_GETFL) & O_APPEND)) {
                undo.bytes = size < (size_t)(status.st_size - offset) ? size : (size_t)(status.st_size - offset);
                snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
                reader = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
                undo.before = malloc(undo.bytes);
                if (reader < 0 || !undo.before || pread(reader, undo.before, undo.bytes, offset) != (ssize_t)undo.bytes)
                        undo.bytes = 0;
                if (reader >= 0)
                        close(reader);
        }
        pthread_mutex_lock(&written.mutex);
        if (written.count == UNDOS)
                forget(0);
        written.undo[written.count++] = undo;
        pthread_mutex_unlock(&written.mutex);
}

static void settle(int fd, bool lost)
{
        struct stat status;

        if (fstat(fd, &status) < 0)
                return;
        pthread_mutex_lock(&written.mutex);
        for (size_t i = written.count; i-- > 0;) {
                const struct undo *undo = &written.undo[i];

                if (undo->device != status.st_dev || undo->file != status.st_ino)
                        continue;
                if (lost && undo->bytes > 0)
                        (void)!syscall(SYS_pwrite64, fd, undo->before, undo->bytes, undo->offset);
                if (lost)
                        (void)!syscall(SYS_ftruncate, fd, undo->size_before);
                forget(i);
        }
        pthread_mutex_unlock(&written.mutex);
}

// ---- the calls -------------------------------------------------------------------------------------------------

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        char path[PATH_BYTES];
        struct card *card = find_on_card(fd, NULL, path) ? take_card() : NULL;
        int error = 0;
        ssize_t n;

        if (!card)
                return syscall(SYS_pwrite64, fd, bytes, size, offset);
        if (card->forgetful)
                remember(fd, size, offset);
        if (is_due(card, WRITE, path, &error)) {
                size = error ? size / 1024 * 512 : size / 2 + 1;
        } else if (card->space_bytes == 0) {
                error = ENOSPC;
                size = 0;
        } else if (card->space_bytes > 0 && size > (size_t)card->space_bytes) {
                // As on a real one: what fits is written, and only the rest fails.
                size = (size_t)card->space_bytes;
        }
        n = size > 0 ? syscall(SYS_pwrite64, fd, bytes, size, offset) : 0;
        if (n > 0 && card->space_bytes > 0)
                card->space_bytes -= n;
        give_back(card);
        if (error == 0)
                return n;
        errno = error;
        return -1;
}

// Only what this project reads of it; no free files, as vfat has it.
int fstatvfs(int fd, struct statvfs *status)
{
        char path[PATH_BYTES];
        struct card *card = find_on_card(fd, NULL, path) ? take_card() : NULL;
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
        if (refuse(SYNC, fd, NULL) < 0) {
                int error = errno;

                settle(fd, true);
                errno = error;
                return -1;
        }
        settle(fd, false);
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

int ftruncate(int fd, off_t size)
{
        return refuse(CUT, fd, NULL) < 0 ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
        return refuse(RESERVE, fd, NULL) < 0 ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int mkdirat(int folder_fd, const char *name, mode_t mode)
{
        return refuse(FOLDER, folder_fd, name) < 0 ? -1 : (int)syscall(SYS_mkdirat, folder_fd, name, mode);
}

int unlinkat(int folder_fd, const char *name, int flags)
{
        return refuse(REMOVE, folder_fd, name) < 0 ? -1 : (int)syscall(SYS_unlinkat, folder_fd, name, flags);
}

int unlink(const char *path)
{
        return unlinkat(AT_FDCWD, path, 0);
}

int link(const char *from, const char *to)
{
        return refuse(LINK, AT_FDCWD, to) < 0 ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
        return refuse(RENAME, to_fd, to) < 0 ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return renameat2(from_fd, from, to_fd, to, 0);
}

static int open_at(int folder_fd, const char *name, int flags, mode_t mode)
{
        if (refuse(flags & O_CREAT ? CREATE : OPEN, folder_fd, name) < 0)
                return -1;
        return (int)syscall(SYS_openat, folder_fd, name, flags, mode);
}

int openat(int folder_fd, const char *name, int flags, ...)
{
        mode_t mode = 0;
        va_list arguments;

        va_start(arguments, flags);
        if (flags & (O_CREAT | __O_TMPFILE))
                mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return open_at(folder_fd, name, flags, mode);
}

int open(const char *path, int flags, ...)
{
        mode_t mode = 0;
        va_list arguments;

        va_start(arguments, flags);
        if (flags & (O_CREAT | __O_TMPFILE))
                mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return open_at(AT_FDCWD, path, flags, mode);
}
