// SPDX-License-Identifier: EUPL-1.2
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

struct bc_timer {
        struct bc_loop *loop;
        bool armed;
        int64_t due_ns;
        void (*on_timer)(void *user, int64_t due_ns);
        void *user;
        struct bc_timer *next; // armed ones, by due time, then by the order they were set in
};

struct bc_watch {
        sd_event_source *source;
        void (*on_ready)(void *user, uint32_t events);
        void *user;
};

struct signal_handler {
        void (*on_signal)(void *user, int signal);
        void *user;
        sd_event_source *source;
        struct signal_handler *next;
};

struct receiver {
        void (*on_message)(void *user, const struct bc_message *message);
        void *user;
};

struct bc_loop {
        struct bc_clock *clock;
        sd_event *event;
        sd_event_source *wake_source, *time_source;
        int wake_fd;
        struct bc_timer *timers;
        struct signal_handler *signals;
        struct bc_outside_wait outside;

        atomic_bool quit;
        atomic_int status;

        pthread_mutex_t inbox_mutex;
        struct bc_message inbox[BC_LOOP_INBOX_KINDS_MAX];
        struct receiver receiver, of_kind[BC_LOOP_INBOX_KINDS_MAX]; // of_kind: on_message NULL for most
};

// ---- inbox ---------------------------------------------------------------------------------------------------

static void wake(void *user)
{
        struct bc_loop *loop = user;

        // Can only fail by being full, and then the loop wakes anyway.
        (void)eventfd_write(loop->wake_fd, 1);
}

// In this order: the loop may look for the event as soon as the clock knows of it, and finding none would let simulated
// time pass before the message is read.
static void announce(struct bc_loop *loop)
{
        wake(loop);
        bc_clock_wake_outside(loop->clock, &loop->outside);
}

void bc_loop_post(struct bc_loop *loop, unsigned kind, int64_t value)
{
        struct bc_message *slot = &loop->inbox[kind % BC_LOOP_INBOX_KINDS_MAX];

        pthread_mutex_lock(&loop->inbox_mutex);
        if (slot->count++ == 0) {
                slot->kind = kind % BC_LOOP_INBOX_KINDS_MAX;
                slot->first_ns = bc_clock_now_ns(loop->clock);
                slot->least = value;
        }
        slot->value = value;
        slot->least = value < slot->least ? value : slot->least;
        slot->latest_ns = bc_clock_now_ns(loop->clock);
        pthread_mutex_unlock(&loop->inbox_mutex);
        announce(loop);
}

void bc_loop_on_message(struct bc_loop *loop, void (*on_message)(void *user, const struct bc_message *message),
                        void *user)
{
        loop->receiver = (struct receiver){ on_message, user };
}

void bc_loop_on_kind(struct bc_loop *loop, unsigned kind,
                     void (*on_message)(void *user, const struct bc_message *message), void *user)
{
        loop->of_kind[kind % BC_LOOP_INBOX_KINDS_MAX] = (struct receiver){ on_message, user };
}

static void deliver_messages(struct bc_loop *loop)
{
        struct bc_message unread[BC_LOOP_INBOX_KINDS_MAX];

        pthread_mutex_lock(&loop->inbox_mutex);
        memcpy(unread, loop->inbox, sizeof(unread));
        memset(loop->inbox, 0, sizeof(loop->inbox));
        pthread_mutex_unlock(&loop->inbox_mutex);
        for (unsigned i = 0; i < BC_LOOP_INBOX_KINDS_MAX; i++) {
                const struct receiver *to = loop->of_kind[i].on_message ? &loop->of_kind[i] : &loop->receiver;

                if (unread[i].count > 0 && to->on_message)
                        to->on_message(to->user, &unread[i]);
        }
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *user)
{
        eventfd_t count;

        (void)source;
        (void)events;
        (void)eventfd_read(fd, &count);
        deliver_messages(user);
        return 0;
}

// ---- timers --------------------------------------------------------------------------------------------------

static int on_time(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source;
        (void)usec;
        (void)user;
        return 0; // the loop looks at its timers after every turn
}

static void unlink_timer(struct bc_timer *timer)
{
        for (struct bc_timer **at = &timer->loop->timers; *at; at = &(*at)->next)
                if (*at == timer) {
                        *at = timer->next;
                        break;
                }
        timer->armed = false;
}

int bc_timer_new(struct bc_loop *loop, void (*on_timer)(void *user, int64_t due_ns), void *user,
                 struct bc_timer **ret_timer)
{
        struct bc_timer *timer = calloc(1, sizeof(*timer));

        if (!timer)
                return -ENOMEM;
        timer->loop = loop;
        timer->on_timer = on_timer;
        timer->user = user;
        *ret_timer = timer;
        return 0;
}

void bc_timer_free(struct bc_timer *timer)
{
        if (!timer)
                return;
        bc_timer_clear(timer);
        free(timer);
}

void bc_timer_clear(struct bc_timer *timer)
{
        if (timer->armed)
                unlink_timer(timer);
}

void bc_timer_set(struct bc_timer *timer, int64_t due_ns)
{
        struct bc_timer **at = &timer->loop->timers;

        bc_timer_clear(timer);
        timer->due_ns = due_ns;
        timer->armed = true;
        while (*at && (*at)->due_ns <= due_ns)
                at = &(*at)->next;
        timer->next = *at;
        *at = timer;
}

static void run_due_timers(struct bc_loop *loop)
{
        int64_t now_ns = bc_clock_now_ns(loop->clock);

        while (loop->timers && loop->timers->due_ns <= now_ns && !atomic_load(&loop->quit)) {
                struct bc_timer *timer = loop->timers;

                unlink_timer(timer);
                timer->on_timer(timer->user, timer->due_ns);
        }
}

// Real time: one sd-event source stands for all timers. CLOCK_BOOTTIME goes on through suspend.
static int arm_time_source(struct bc_loop *loop)
{
        int r;

        if (!loop->timers)
                return sd_event_source_set_enabled(loop->time_source, SD_EVENT_OFF);
        r = sd_event_source_set_time(loop->time_source,
                                     (uint64_t)((loop->timers->due_ns + BC_NS_PER_US - 1) / BC_NS_PER_US));
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(loop->time_source, SD_EVENT_ONESHOT);
}

// ---- file descriptors and signals ----------------------------------------------------------------------------

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
        struct bc_watch *watch = user;

        (void)source;
        (void)fd;
        watch->on_ready(watch->user, events);
        return 0;
}

int bc_watch_new(struct bc_loop *loop, int fd, uint32_t events, void (*on_ready)(void *user, uint32_t events),
                 void *user, struct bc_watch **ret_watch)
{
        struct bc_watch *watch = calloc(1, sizeof(*watch));
        int r;

        if (!watch)
                return -ENOMEM;
        watch->on_ready = on_ready;
        watch->user = user;
        r = sd_event_add_io(loop->event, &watch->source, fd, events, on_io, watch);
        if (r < 0) {
                free(watch);
                return r;
        }
        *ret_watch = watch;
        return 0;
}

void bc_watch_free(struct bc_watch *watch)
{
        if (!watch)
                return;
        sd_event_source_disable_unref(watch->source);
        free(watch);
}

static int on_event_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
        struct signal_handler *handler = user;

        (void)info;
        handler->on_signal(handler->user, sd_event_source_get_signal(source));
        return 0;
}

int bc_loop_on_signal(struct bc_loop *loop, int signal, void (*on_signal)(void *user, int signal), void *user)
{
        struct signal_handler *handler = calloc(1, sizeof(*handler));
        sigset_t set;
        int r;

        if (!handler)
                return -ENOMEM;
        handler->on_signal = on_signal;
        handler->user = user;
        sigemptyset(&set);
        sigaddset(&set, signal);
        r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
        if (r == 0)
                r = sd_event_add_signal(loop->event, &handler->source, signal, on_event_signal, handler);
        if (r < 0) {
                free(handler);
                return r;
        }
        handler->next = loop->signals;
        loop->signals = handler;
        return 0;
}

// ---- the loop ------------------------------------------------------------------------------------------------

BC_DEFINE_CLEANUP(loop, struct bc_loop, bc_loop_free)

int bc_loop_new(struct bc_clock *clock, struct bc_loop **ret_loop)
{
        BC_CLEANUP(bc_cleanup_loop) struct bc_loop *loop = calloc(1, sizeof(*loop));
        int r;

        if (!loop)
                return -ENOMEM;
        loop->clock = clock;
        loop->outside.wake = wake;
        loop->outside.user = loop;
        pthread_mutex_init(&loop->inbox_mutex, NULL);
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (loop->wake_fd < 0)
                return -errno;
        r = sd_event_new(&loop->event);
        if (r < 0)
                return r;
        r = sd_event_add_io(loop->event, &loop->wake_source, loop->wake_fd, EPOLLIN, on_wake, loop);
        if (r < 0)
                return r;
        if (!bc_clock_is_simulated(clock)) {
                r = sd_event_add_time(loop->event, &loop->time_source, CLOCK_BOOTTIME, 0, 1, on_time, loop);
                if (r < 0)
                        return r;
        }
        *ret_loop = BC_TAKE(loop);
        return 0;
}

void bc_loop_free(struct bc_loop *loop)
{
        if (!loop)
                return;
        for (struct signal_handler *handler = loop->signals, *next; handler; handler = next) {
                next = handler->next;
                sd_event_source_disable_unref(handler->source);
                free(handler);
        }
        sd_event_source_disable_unref(loop->time_source);
        sd_event_source_disable_unref(loop->wake_source);
        sd_event_unref(loop->event);
        if (loop->wake_fd >= 0)
                close(loop->wake_fd);
        pthread_mutex_destroy(&loop->inbox_mutex);
        free(loop);
}

struct bc_clock *bc_loop_clock(struct bc_loop *loop)
{
        return loop->clock;
}

struct sd_event *bc_loop_event(struct bc_loop *loop)
{
        return loop->event;
}

void bc_loop_quit(struct bc_loop *loop, int status)
{
        atomic_store(&loop->status, status);
        atomic_store(&loop->quit, true);
        announce(loop);
}

static int wait_for_events(struct bc_loop *loop)
{
        int r;

        if (!bc_clock_is_simulated(loop->clock))
                return sd_event_wait(loop->event, UINT64_MAX);
        loop->outside.deadline_ns = loop->timers ? loop->timers->due_ns : BC_NS_NEVER;
        if (!bc_clock_begin_outside(loop->clock, &loop->outside))
                return sd_event_wait(loop->event, 0);
        r = sd_event_wait(loop->event, UINT64_MAX);
        bc_clock_end_outside(loop->clock, &loop->outside);
        return r;
}

static int turn(struct bc_loop *loop)
{
        int r;

        if (loop->time_source) {
                r = arm_time_source(loop);
                if (r < 0)
                        return r;
        }
        r = sd_event_prepare(loop->event);
        if (r == 0)
                r = wait_for_events(loop);
        if (r > 0)
                r = sd_event_dispatch(loop->event);
        if (r < 0)
                return r;
        run_due_timers(loop);
        return 0;
}

int bc_loop_run(struct bc_loop *loop)
{
        int r = 0;

        bc_clock_enter(loop->clock);
        while (!atomic_load(&loop->quit)) {
                r = turn(loop);
                if (r < 0)
                        break;
        }
        bc_clock_leave(loop->clock);
        return r < 0 ? r : atomic_load(&loop->status);
}
