// SPDX-License-Identifier: EUPL-1.2
// leak.so, for LD_PRELOAD: plants one leak, so that a test that looks for leaks is known to see it. BC_LEAK says which:
//   memory      4 KiB with each fdatasync(), touched and forgotten
//   descriptor  one with each fsync()
//   frame       nothing is lost, but a few bytes are allocated and freed with each frame or unit sent to an encoder
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEAK_BYTES 4096

int avcodec_send_frame(void *context, const void *frame);

static bool is_planted(const char *fault)
{
        const char *planted = getenv("BC_LEAK");

        return planted && strcmp(planted, fault) == 0;
}

// Where the compiler cannot see that nothing becomes of it.
static void touch(void *memory, size_t bytes)
{
        for (volatile char *at = memory; memory && bytes > 0; bytes--)
                *at++ = 1;
}

int fdatasync(int fd)
{
        if (is_planted("memory"))
                touch(malloc(LEAK_BYTES), LEAK_BYTES);
        return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
        if (is_planted("descriptor") && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
                abort();
        return (int)syscall(SYS_fsync, fd);
}

int avcodec_send_frame(void *context, const void *frame)
{
        int (*real)(void *, const void *);
        void *found = dlsym(RTLD_NEXT, "avcodec_send_frame");

        if (!found)
                abort();
        memcpy(&real, &found, sizeof(real)); // ISO C has no conversion of a pointer to a function
        if (is_planted("frame")) {
                void *memory = malloc(16);

                touch(memory, 16);
                free(memory);
        }
        return real(context, frame);
}
