// SPDX-License-Identifier: EUPL-1.2
#include "base/utc_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define TRIES 5 // one that was interrupted between its reads is much wider than the others

struct bc_utc_watch {
        int fd;
        struct bc_watch *watch;
        void (*on_set)(void *user);
        void *user;
};

// ---- reading -------------------------------------------------------------------------------------------------

static int64_t realtime_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now); // the kernel keeps it within 64 bits of ns
        return (int64_t)now.tv_sec * BC_NS_PER_S + now.tv_nsec;
}

static void read_pair(struct bc_clock *clock, struct bc_utc_reading *reading)
{
        int64_t tightest_ns = INT64_MAX;

        for (unsigned i = 0; i < TRIES; i++) {
                int64_t before_ns = bc_clock_now_ns(clock), utc_ns = realtime_ns();
                int64_t width_ns = bc_clock_now_ns(clock) - before_ns;

                if (width_ns >= tightest_ns)
                        continue;
                tightest_ns = width_ns;
                reading->time_ns = before_ns + width_ns / 2;
                reading->utc_ns = utc_ns;
                reading->reading_error_ns = (width_ns + 1) / 2;
        }
}

void bc_utc_read(struct bc_clock *clock, struct bc_utc_reading *ret_reading)
{
        struct timex status = { .modes = 0 };
        struct bc_utc_reading reading = { 0 };
        int r = adjtimex(&status);

        read_pair(clock, &reading);
        if (r >= 0 && r != TIME_ERROR && !(status.status & STA_UNSYNC)) {
                int64_t offset_ns = llabs(status.offset) * (status.status & STA_NANO ? 1 : BC_NS_PER_US);

                reading.synchronised = true;
                reading.max_error_ns = status.maxerror * BC_NS_PER_US + offset_ns;
        }
        *ret_reading = reading;
}

// ---- being set -----------------------------------------------------------------------------------------------

// A timer that never comes, but is cancelled when the clock jumps (timerfd_create(2)).
static int arm(int fd)
{
        struct itimerspec never = { .it_value.tv_sec = INT64_MAX / BC_NS_PER_S };

        return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno
                                                                                                  : 0;
}

static void on_ready(void *user, uint32_t events)
{
        struct bc_utc_watch *watch = user;
        uint64_t expirations;
        int r;

        (void)events;
        if (read(watch->fd, &expirations, sizeof(expirations)) < 0 && errno != ECANCELED)
                return;
        // Before the call, so that a clock that is set during it is not missed.
        r = arm(watch->fd);
        if (r < 0)
                bc_log_error("no longer told when the clock is set: %s", strerror(-r));
        watch->on_set(watch->user);
}

BC_DEFINE_CLEANUP(utc_watch, struct bc_utc_watch, bc_utc_watch_free)

int bc_utc_watch_new(struct bc_loop *loop, void (*on_set)(void *user), void *user,
                     struct bc_utc_watch **ret_watch)
{
        BC_CLEANUP(bc_cleanup_utc_watch) struct bc_utc_watch *watch = calloc(1, sizeof(*watch));
        int r;

        if (!watch)
                return -ENOMEM;
        watch->on_set = on_set;
        watch->user = user;
        watch->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (watch->fd < 0)
                return -errno;
        r = arm(watch->fd);
        if (r < 0)
                return r;
        r = bc_watch_new(loop, watch->fd, EPOLLIN, on_ready, watch, &watch->watch);
        if (r < 0)
                return r;
        *ret_watch = BC_TAKE(watch);
        return 0;
}

void bc_utc_watch_free(struct bc_utc_watch *watch)
{
        if (!watch)
                return;
        bc_watch_free(watch->watch);
        if (watch->fd >= 0)
                close(watch->fd);
        free(watch);
}
