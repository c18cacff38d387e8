// SPDX-License-Identifier: EUPL-1.2
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/pulse.h"

// A thread in bc_monitor_wait() of a simulated clock; lives on its stack, in the clock's list.
struct waiter {
        struct bc_monitor *monitor;
        int64_t deadline_ns;
        bool member; // counted in running when it goes on
        bool woken, timed_out;
        pthread_cond_t cond;
        struct waiter *next;
};

struct bc_clock {
        bool simulated;
        struct bc_pulses pulses;

        // Simulated only; all but now_ns under the mutex. Lock order: a monitor's mutex, then this one.
        pthread_mutex_t mutex;
        pthread_cond_t settled;
        atomic_llong now_ns;
        int64_t limit_ns;
        unsigned running;
        bool standing;  // nothing runs and nothing is due up to the limit
        bool announced; // settled_fd was written for this limit
        int settled_fd;
        struct waiter *waiters;
        struct bc_outside_wait *outside;
};

// Which simulated clock counts the calling thread. A property of the thread, hence thread-local.
static _Thread_local const struct bc_clock *entered;

static int64_t boottime_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_BOOTTIME, &now);
        return (int64_t)now.tv_sec * BC_NS_PER_S + now.tv_nsec;
}

int bc_clock_new_real(struct bc_clock **ret_clock)
{
        struct bc_clock *clock = calloc(1, sizeof(*clock));

        if (!clock)
                return -ENOMEM;
        clock->settled_fd = -1;
        bc_pulses_init(&clock->pulses);
        *ret_clock = clock;
        return 0;
}

int bc_clock_new_simulated(int64_t start_ns, struct bc_clock **ret_clock)
{
        struct bc_clock *clock = calloc(1, sizeof(*clock));

        if (!clock)
                return -ENOMEM;
        clock->settled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (clock->settled_fd < 0) {
                free(clock);
                return -errno;
        }
        clock->simulated = true;
        bc_pulses_init(&clock->pulses);
        pthread_mutex_init(&clock->mutex, NULL);
        pthread_cond_init(&clock->settled, NULL);
        atomic_init(&clock->now_ns, start_ns);
        clock->limit_ns = start_ns;
        clock->announced = true;
        *ret_clock = clock;
        return 0;
}

void bc_clock_free(struct bc_clock *clock)
{
        if (!clock)
                return;
        if (clock->simulated) {
                pthread_cond_destroy(&clock->settled);
                pthread_mutex_destroy(&clock->mutex);
                close(clock->settled_fd);
        }
        bc_pulses_done(&clock->pulses);
        free(clock);
}

struct bc_pulses *bc_clock_pulses(struct bc_clock *clock)
{
        return &clock->pulses;
}

bool bc_clock_is_simulated(const struct bc_clock *clock)
{
        return clock->simulated;
}

int64_t bc_clock_now_ns(struct bc_clock *clock)
{
        return clock->simulated ? atomic_load(&clock->now_ns) : boottime_ns();
}

static int64_t earliest_deadline(const struct bc_clock *clock)
{
        int64_t earliest_ns = BC_NS_NEVER;

        for (const struct waiter *w = clock->waiters; w; w = w->next)
                if (w->deadline_ns < earliest_ns)
                        earliest_ns = w->deadline_ns;
        for (const struct bc_outside_wait *o = clock->outside; o; o = o->next)
                if (o->deadline_ns < earliest_ns)
                        earliest_ns = o->deadline_ns;
        return earliest_ns;
}

static void wake_waiter(struct bc_clock *clock, struct waiter *waiter)
{
        if (waiter->woken)
                return;
        waiter->woken = true;
        if (waiter->member)
                clock->running++;
        pthread_cond_signal(&waiter->cond);
}

static void wake_outside(struct bc_clock *clock, struct bc_outside_wait *wait)
{
        if (wait->woken)
                return;
        wait->woken = true;
        clock->running++;
        wait->wake(wait->user);
}

static bool anyone_woken(const struct bc_clock *clock)
{
        for (const struct waiter *w = clock->waiters; w; w = w->next)
                if (w->woken)
                        return true;
        return false;
}

// The heart of simulated time. Locked. Called whenever a thread stops running or the limit moves.
static void advance(struct bc_clock *clock)
{
        // A woken waiter that is no member still has its turn before time passes.
        while (clock->running == 0 && !anyone_woken(clock)) {
                int64_t due_ns = earliest_deadline(clock);

                if (due_ns == BC_NS_NEVER || due_ns > clock->limit_ns) {
                        if (clock->limit_ns != BC_NS_NEVER && atomic_load(&clock->now_ns) < clock->limit_ns)
                                atomic_store(&clock->now_ns, clock->limit_ns);
                        clock->standing = true;
                        pthread_cond_broadcast(&clock->settled);
                        if (!clock->announced) {
                                clock->announced = true;
                                eventfd_write(clock->settled_fd, 1);
                        }
                        return;
                }
                if (due_ns > atomic_load(&clock->now_ns))
                        atomic_store(&clock->now_ns, due_ns);
                for (struct waiter *w = clock->waiters; w; w = w->next)
                        if (w->deadline_ns <= due_ns && !w->woken) {
                                w->timed_out = true;
                                wake_waiter(clock, w);
                        }
                for (struct bc_outside_wait *o = clock->outside; o; o = o->next)
                        if (o->deadline_ns <= due_ns)
                                wake_outside(clock, o);
        }
        clock->standing = false;
}

static void set_limit(struct bc_clock *clock, int64_t time_ns)
{
        clock->limit_ns = time_ns;
        clock->announced = false;
        clock->standing = false;
        advance(clock);
}

void bc_clock_release(struct bc_clock *clock, int64_t time_ns)
{
        pthread_mutex_lock(&clock->mutex);
        set_limit(clock, time_ns);
        pthread_mutex_unlock(&clock->mutex);
}

void bc_clock_run_until(struct bc_clock *clock, int64_t time_ns)
{
        pthread_mutex_lock(&clock->mutex);
        set_limit(clock, time_ns);
        while (!clock->standing)
                pthread_cond_wait(&clock->settled, &clock->mutex);
        pthread_mutex_unlock(&clock->mutex);
}

int bc_clock_settled_fd(struct bc_clock *clock)
{
        return clock->settled_fd;
}

void bc_clock_count(struct bc_clock *clock, int change)
{
        if (!clock->simulated)
                return;
        pthread_mutex_lock(&clock->mutex);
        clock->running += (unsigned)change;
        advance(clock);
        pthread_mutex_unlock(&clock->mutex);
}

void bc_clock_enter(struct bc_clock *clock)
{
        if (entered == clock)
                return;
        bc_clock_count(clock, +1);
        bc_clock_adopt(clock);
}

void bc_clock_adopt(struct bc_clock *clock)
{
        entered = clock->simulated ? clock : NULL;
}

void bc_clock_leave(struct bc_clock *clock)
{
        if (entered != clock)
                return;
        entered = NULL;
        bc_clock_count(clock, -1);
}

bool bc_clock_is_entered(const struct bc_clock *clock)
{
        return entered == clock;
}

// ---- monitor -------------------------------------------------------------------------------------------------

int bc_monitor_init(struct bc_monitor *monitor, struct bc_clock *clock)
{
        pthread_mutexattr_t attributes;

        // A low-priority reader that holds the ring must not keep an encoder waiting longer than its own work.
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        monitor->clock = clock;
        pthread_mutex_init(&monitor->mutex, &attributes);
        pthread_cond_init(&monitor->cond, NULL);
        pthread_mutexattr_destroy(&attributes);
        return 0;
}

void bc_monitor_done(struct bc_monitor *monitor)
{
        pthread_cond_destroy(&monitor->cond);
        pthread_mutex_destroy(&monitor->mutex);
}

void bc_monitor_lock(struct bc_monitor *monitor)
{
        pthread_mutex_lock(&monitor->mutex);
}

void bc_monitor_unlock(struct bc_monitor *monitor)
{
        pthread_mutex_unlock(&monitor->mutex);
}

static int wait_simulated(struct bc_monitor *monitor, int64_t deadline_ns)
{
        struct bc_clock *clock = monitor->clock;
        struct waiter waiter = {
                .monitor = monitor,
                .deadline_ns = deadline_ns,
                .member = entered == clock,
        };

        pthread_cond_init(&waiter.cond, NULL);
        pthread_mutex_lock(&clock->mutex);
        waiter.next = clock->waiters;
        clock->waiters = &waiter;
        if (waiter.member)
                clock->running--;
        // Whoever wakes this monitor needs the clock's mutex for it, so no wake is lost between these two lines.
        pthread_mutex_unlock(&monitor->mutex);
        advance(clock);
        while (!waiter.woken)
                pthread_cond_wait(&waiter.cond, &clock->mutex);
        for (struct waiter **at = &clock->waiters; *at; at = &(*at)->next)
                if (*at == &waiter) {
                        *at = waiter.next;
                        break;
                }
        if (!waiter.member)
                advance(clock);
        pthread_mutex_unlock(&clock->mutex);
        pthread_cond_destroy(&waiter.cond);
        pthread_mutex_lock(&monitor->mutex);
        return waiter.timed_out ? -ETIMEDOUT : 0;
}

// Waits for so long on CLOCK_MONOTONIC. 0: it was woken.
static int wait_for(struct bc_monitor *monitor, int64_t left_ns)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        left_ns += until.tv_nsec;
        until.tv_sec += left_ns / BC_NS_PER_S;
        until.tv_nsec = left_ns % BC_NS_PER_S;
        return pthread_cond_clockwait(&monitor->cond, &monitor->mutex, CLOCK_MONOTONIC, &until);
}

static int wait_real(struct bc_monitor *monitor, int64_t deadline_ns)
{
        int64_t left_ns = deadline_ns == BC_NS_NEVER ? BC_NS_PER_S : deadline_ns - boottime_ns();

        if (left_ns <= 0)
                return -ETIMEDOUT;
        // A condition variable cannot wait on CLOCK_BOOTTIME and stands still in suspend: look again each second.
        if (wait_for(monitor, left_ns > BC_NS_PER_S ? BC_NS_PER_S : left_ns) == 0)
                return 0;
        return deadline_ns != BC_NS_NEVER && boottime_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

int bc_monitor_wait(struct bc_monitor *monitor, int64_t deadline_ns)
{
        enum bc_doing before = bc_pulse_set(BC_DOING_WAIT);
        int r = monitor->clock->simulated ? wait_simulated(monitor, deadline_ns) : wait_real(monitor, deadline_ns);

        bc_pulse_set(before);
        return r;
}

int bc_monitor_wait_monotonic(struct bc_monitor *monitor, int64_t deadline_ns)
{
        enum bc_doing before = bc_pulse_set(BC_DOING_WAIT);
        int64_t left_ns = deadline_ns - bc_pulse_now_ns();
        int r = -ETIMEDOUT;

        if (left_ns > 0 && wait_for(monitor, left_ns > BC_NS_PER_S ? BC_NS_PER_S : left_ns) == 0)
                r = 0;
        else if (bc_pulse_now_ns() < deadline_ns)
                r = 0; // a long one: looked again, as ever
        bc_pulse_set(before);
        return r;
}

void bc_monitor_wake(struct bc_monitor *monitor)
{
        struct bc_clock *clock = monitor->clock;

        pthread_cond_broadcast(&monitor->cond);
        if (!clock->simulated)
                return;
        pthread_mutex_lock(&clock->mutex);
        for (struct waiter *w = clock->waiters; w; w = w->next)
                if (w->monitor == monitor)
                        wake_waiter(clock, w);
        pthread_mutex_unlock(&clock->mutex);
}

// ---- waits that something outside may end ----------------------------------------------------------------------

bool bc_clock_begin_outside(struct bc_clock *clock, struct bc_outside_wait *wait)
{
        bool begun;

        if (!clock->simulated)
                return true;
        pthread_mutex_lock(&clock->mutex);
        begun = !wait->pending;
        wait->pending = false;
        if (begun) {
                wait->waiting = true;
                wait->woken = false;
                wait->next = clock->outside;
                clock->outside = wait;
                clock->running--;
                advance(clock);
        }
        pthread_mutex_unlock(&clock->mutex);
        return begun;
}

void bc_clock_end_outside(struct bc_clock *clock, struct bc_outside_wait *wait)
{
        if (!clock->simulated)
                return;
        pthread_mutex_lock(&clock->mutex);
        for (struct bc_outside_wait **at = &clock->outside; *at; at = &(*at)->next)
                if (*at == wait) {
                        *at = wait->next;
                        break;
                }
        wait->waiting = false;
        if (!wait->woken)
                clock->running++;
        clock->standing = false;
        pthread_mutex_unlock(&clock->mutex);
}

void bc_clock_wake_outside(struct bc_clock *clock, struct bc_outside_wait *wait)
{
        if (!clock->simulated)
                return;
        pthread_mutex_lock(&clock->mutex);
        if (wait->waiting)
                wake_outside(clock, wait);
        else
                wait->pending = true;
        pthread_mutex_unlock(&clock->mutex);
}
