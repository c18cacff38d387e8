// SPDX-License-Identifier: EUPL-1.2
#include "faulty_card.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/wrapped.h"

static struct {
        pthread_mutex_t mutex;
        struct fault fault[4];
        enum what written;
        unsigned struck;
        const char *put_in_the_way; // a name that is suddenly taken when it is to be made
        const char *called_for; // by on_making
        void (*on_making)(void *user);
        void *user;
        int abandoned_when_opened;  // the state of segment 1 in the manifest when 0002.mp4 is made; -1: never made
        bool watched;
} card = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool strikes(enum call call, const char *name)
{
        bool strikes = false;

        if (!card.watched)
                return false;
        pthread_mutex_lock(&card.mutex);
        for (size_t i = 0; i < sizeof(card.fault) / sizeof(*card.fault); i++) {
                struct fault *fault = &card.fault[i];

                if (fault->times == 0 || fault->call != call || strcmp(fault->name, name) != 0 ||
                    (fault->what != WHAT_ANY && fault->what != card.written))
                        continue;
                if (fault->skip > 0) {
                        fault->skip--;
                        continue;
                }
                fault->times--;
                card.struck++;
                errno = fault->error;
                strikes = true;
                break;
        }
        pthread_mutex_unlock(&card.mutex);
        return strikes;
}

static void name_of(int fd, char ret_name[256])
{
        char link[32], path[256];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
        snprintf(ret_name, 256, "%s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
}

int __wrap_fdatasync(int fd)
{
        char name[256];

        name_of(fd, name);
        return strikes(CALL_SYNC, name) ? -1 : __real_fdatasync(fd);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        char name[256];

        name_of(fd, name);
        if (strstr(name, ".mp4"))
                card.written = size == 8                                               ? WHAT_PATCH :
                               size > 8 && memcmp((const char *)bytes + 4, "moov", 4) == 0 ? WHAT_MOOV :
                                                                                         WHAT_ANY;
        return strikes(CALL_WRITE, name) ? -1 : __real_pwrite(fd, bytes, size, offset);
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        if (!(flags & O_CREAT) || !card.watched)
                return __real_openat(fd, name, flags, mode);
        if (card.put_in_the_way && !strcmp(name, card.put_in_the_way)) {
                card.put_in_the_way = NULL;
                folder_write_text(fd, name, "somebody's");
        }
        if (card.called_for && !strcmp(name, card.called_for)) {
                card.called_for = NULL;
                card.on_making(card.user);
        }
        if (!strcmp(name, "0002.mp4")) {
                struct bc_manifest manifest;

                bc_manifest_init(&manifest);
                if (bc_manifest_load(&manifest, fd) == 0 && manifest.segments > 0)
                        card.abandoned_when_opened = (int)manifest.segment[0].state;
                bc_manifest_done(&manifest);
        }
        return strikes(CALL_OPEN, name) ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
        return strikes(CALL_UNLINK, name) ? -1 : __real_unlinkat(fd, name, flags);
}

void card_is_well(void)
{
        pthread_mutex_lock(&card.mutex);
        for (size_t i = 0; i < sizeof(card.fault) / sizeof(*card.fault); i++)
                card.fault[i].times = 0;
        pthread_mutex_unlock(&card.mutex);
}

void card_fails(size_t i, struct fault fault)
{
        pthread_mutex_lock(&card.mutex);
        card.fault[i] = fault;
        pthread_mutex_unlock(&card.mutex);
}

unsigned card_struck(void)
{
        return card.struck;
}

void card_puts_in_the_way(const char *name)
{
        card.put_in_the_way = name;
}

void card_calls(const char *name, void (*on_making)(void *user), void *user)
{
        card.on_making = on_making;
        card.user = user;
        card.called_for = name;
}

int card_abandoned_when_opened(void)
{
        return card.abandoned_when_opened;
}

void card_watch(void)
{
        card_is_well();
        card.struck = 0;
        card.put_in_the_way = card.called_for = NULL;
        card.abandoned_when_opened = -1;
        card.watched = true;
}

void card_bench(struct bench *bench)
{
        bench_defaults(bench);
        bench->config.pre_event_ns = 4 * BC_NS_PER_S;
        bench->config.segment_ns = 4 * BC_NS_PER_S;
        bench_make(bench);
        bench_run_until(bench, 130 * BC_NS_PER_S);
        card_watch();
}

void card_bench_done(struct bench *bench)
{
        card.watched = false;
        bench_done(bench);
}

void press(struct bench *bench, int64_t at_ns)
{
        bench_run_until(bench, at_ns);
        assert_int_equal(bc_recorder_start(bench->recorder, at_ns, "button"), 0);
}

void release(struct bench *bench, int64_t at_ns)
{
        bench_run_until(bench, at_ns);
        assert_int_equal(bc_recorder_stop(bench->recorder, at_ns, "button"), 0);
}
