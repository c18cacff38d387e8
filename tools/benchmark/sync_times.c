// SPDX-License-Identifier: EUPL-1.2
// sync-times.so, for LD_PRELOAD: notes when each file of a recording became durable.
//
// SYNC_TIMES names a file that gets a line for each fdatasync() and fsync() that succeeded: media time before and after
// the call in ns, the file's size, its path. One write per line, with O_APPEND.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t boottime_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_BOOTTIME, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note(int synced_fd, int64_t before_ns, int64_t after_ns)
{
        const char *name = getenv("SYNC_TIMES");
        char link[64], path[3000], line[3200];
        struct stat status;
        ssize_t length;
        int fd, n;

        if (!name)
                return;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", synced_fd);
        length = readlink(link, path, sizeof(path) - 1);
        if (length < 0 || fstat(synced_fd, &status) < 0)
                return;
        path[length] = 0;
        n = snprintf(line, sizeof(line), "%lld %lld %lld %s\n", (long long)before_ns, (long long)after_ns,
                     (long long)status.st_size, path);
        fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return;
        if (write(fd, line, (size_t)n) != n)
                fputs("sync-times: a line was lost\n", stderr);
        close(fd);
}

static int sync_with(long call, int fd)
{
        int64_t before_ns = boottime_ns();
        int r = (int)syscall(call, fd);
        int error = errno;

        if (r == 0)
                note(fd, before_ns, boottime_ns());
        errno = error;
        return r;
}

int fdatasync(int fd)
{
        return sync_with(SYS_fdatasync, fd);
}

int fsync(int fd)
{
        return sync_with(SYS_fsync, fd);
}
