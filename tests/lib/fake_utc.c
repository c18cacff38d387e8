// SPDX-License-Identifier: EUPL-1.2
#include "lib/fake_utc.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __real_adjtimex(struct timex *status);
int __wrap_adjtimex(struct timex *status);
int __real_timerfd_create(int id, int flags);
int __wrap_timerfd_create(int id, int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

static struct bc_fake_utc fake = { .timer_fd = -1 };

struct bc_fake_utc *bc_fake_utc(void)
{
        return &fake;
}

void bc_fake_utc_reset(void)
{
        fake = (struct bc_fake_utc){ .timer_fd = -1 };
}

void bc_fake_utc_fire(void)
{
        (void)eventfd_write(fake.timer_fd, 1);
}

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
        int64_t ns;

        if (!fake.on || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
                return __real_clock_gettime(id, now);
        if (id == CLOCK_BOOTTIME && fake.media_ns == 0)
                return __real_clock_gettime(id, now);
        ns = id == CLOCK_REALTIME ? fake.utc_ns + fake.media_ns : fake.media_ns;
        fake.media_ns += fake.step_ns[fake.reads++ % (sizeof(fake.step_ns) / sizeof(fake.step_ns[0]))];
        now->tv_sec = ns / NS_PER_S;
        now->tv_nsec = ns % NS_PER_S;
        return 0;
}

int __wrap_adjtimex(struct timex *status)
{
        if (!fake.on)
                return __real_adjtimex(status);
        if (status->modes != 0)
                fake.armed_wrongly = true; // nothing here may change the clock
        *status = fake.status;
        errno = fake.error;
        return fake.error ? -1 : fake.state;
}

int __wrap_timerfd_create(int id, int flags)
{
        if (!fake.on)
                return __real_timerfd_create(id, flags);
        if (fake.create_error) {
                errno = fake.create_error;
                return -1;
        }
        if (id != CLOCK_REALTIME)
                fake.armed_wrongly = true;
        fake.timer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return fake.timer_fd;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old)
{
        if (!fake.on || fd != fake.timer_fd)
                return __real_timerfd_settime(fd, flags, value, old);
        if (flags != (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || value->it_value.tv_sec == 0)
                fake.armed_wrongly = true;
        fake.armed++;
        return 0;
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
        ssize_t n = __real_read(fd, bytes, size);

        if (!fake.on || fd != fake.timer_fd || n < 0)
                return n;
        errno = ECANCELED;
        return -1;
}
