// SPDX-License-Identifier: EUPL-1.2
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pulse.h"

struct bc_thread {
        struct bc_clock *clock;
        struct bc_monitor monitor;
        bool done;
        char name[16];
        struct bc_pulse pulse; // the thread's own
        void (*run)(void *user);
        void *user;
        pthread_t id;
};

static void *run(void *user)
{
        struct bc_thread *thread = user;
        struct bc_clock *clock = thread->clock;

        bc_clock_adopt(clock);
        pthread_setname_np(pthread_self(), thread->name);
        bc_pulse_begin(bc_clock_pulses(clock), &thread->pulse, thread->name);
        thread->run(thread->user);
        bc_pulse_end(bc_clock_pulses(clock), &thread->pulse);
        bc_monitor_lock(&thread->monitor);
        thread->done = true;
        bc_monitor_wake(&thread->monitor);
        bc_monitor_unlock(&thread->monitor);
        bc_clock_leave(clock);
        return NULL;
}

// Counts the new thread as running before it exists, so that time cannot pass between its making and its start.
static int create(struct bc_thread *thread)
{
        sigset_t all, before;
        int r;

        // Signals belong to the main loop.
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        bc_clock_count(thread->clock, +1);
        r = pthread_create(&thread->id, NULL, run, thread);
        if (r != 0)
                bc_clock_count(thread->clock, -1);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int bc_thread_start(struct bc_clock *clock, const char *name, void (*run_function)(void *user), void *user,
                    struct bc_thread **ret_thread)
{
        struct bc_thread *thread = calloc(1, sizeof(*thread));
        int r;

        if (!thread)
                return -ENOMEM;
        thread->clock = clock;
        thread->run = run_function;
        thread->user = user;
        snprintf(thread->name, sizeof(thread->name), "%s", name);
        bc_monitor_init(&thread->monitor, clock);
        r = create(thread);
        if (r < 0) {
                bc_monitor_done(&thread->monitor);
                free(thread);
                return r;
        }
        *ret_thread = thread;
        return 0;
}

void bc_thread_join(struct bc_thread *thread)
{
        if (!thread)
                return;
        // A member must wait in a way the clock sees; anyone else just joins.
        if (bc_clock_is_entered(thread->clock)) {
                bc_monitor_lock(&thread->monitor);
                while (!thread->done)
                        bc_monitor_wait(&thread->monitor, BC_NS_NEVER);
                bc_monitor_unlock(&thread->monitor);
        }
        pthread_join(thread->id, NULL);
        bc_monitor_done(&thread->monitor);
        free(thread);
}
