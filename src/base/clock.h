// SPDX-License-Identifier: EUPL-1.2
// The clock everything waits on, real or simulated.
//
// Real: CLOCK_BOOTTIME. Simulated: a discrete-event clock. It counts the threads that run; when all of them wait
// (in a monitor, a loop or a join of this tree), media time jumps to the earliest deadline. A thread inside a
// system call counts as running, so no simulated second passes while the card writes, and hours of media run as
// fast as the machine can and end the same way every time.
//
// The clock's threads are those started by bc_thread_start(), or between bc_clock_enter() and bc_clock_leave().
// Others (a test's main thread) may wait too, but time does not stand still for them while they run.
#ifndef BC_BASE_CLOCK_H
#define BC_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bodycam/time.h"

struct bc_clock;
struct bc_pulses;

// 0 or -ENOMEM.
int bc_clock_new_real(struct bc_clock **ret_clock);

// Starts at start_ns and stands still there until bc_clock_run_until() or bc_clock_release().
int bc_clock_new_simulated(int64_t start_ns, struct bc_clock **ret_clock);
void bc_clock_free(struct bc_clock *clock);

bool bc_clock_is_simulated(const struct bc_clock *clock);

// Media time. Any thread.
int64_t bc_clock_now_ns(struct bc_clock *clock);

// Makes the calling thread one of the clock's. No effect on a real clock.
void bc_clock_enter(struct bc_clock *clock);
void bc_clock_leave(struct bc_clock *clock);
bool bc_clock_is_entered(const struct bc_clock *clock);

// What its threads are doing (base/pulse.h).
struct bc_pulses *bc_clock_pulses(struct bc_clock *clock);

// For base/thread: counts a thread that is being made as running (+1) or not (-1); the new thread then adopts that
// count as its own, as if it had entered.
void bc_clock_count(struct bc_clock *clock, int change);
void bc_clock_adopt(struct bc_clock *clock);

// ---- simulated only ------------------------------------------------------------------------------------------

// Lets time run up to and including time_ns. Does not wait. BC_NS_NEVER: free run.
void bc_clock_release(struct bc_clock *clock, int64_t time_ns);

// As bc_clock_release(), and waits until the clock stands at time_ns with every thread waiting. The caller must
// not be one of the clock's threads.
void bc_clock_run_until(struct bc_clock *clock, int64_t time_ns);

// A file descriptor that becomes readable (eventfd) each time the clock has come to stand at its limit.
int bc_clock_settled_fd(struct bc_clock *clock);

// ---- monitor: a mutex with one condition ---------------------------------------------------------------------

struct bc_monitor {
        struct bc_clock *clock;
        pthread_mutex_t mutex;
        pthread_cond_t cond;
};

int bc_monitor_init(struct bc_monitor *monitor, struct bc_clock *clock);
void bc_monitor_done(struct bc_monitor *monitor);
void bc_monitor_lock(struct bc_monitor *monitor);
void bc_monitor_unlock(struct bc_monitor *monitor);

// Locked by the caller. Waits for bc_monitor_wake() or deadline_ns; may also return early, so loop on the state.
// 0 or -ETIMEDOUT.
int bc_monitor_wait(struct bc_monitor *monitor, int64_t deadline_ns);

// The same until a moment of CLOCK_MONOTONIC (bc_pulse_now_ns()), whatever the clock: for who waits for a device that may never answer. A
// simulated clock counts the caller as running meanwhile.
int bc_monitor_wait_monotonic(struct bc_monitor *monitor, int64_t deadline_ns);

// Wakes all that wait. Locked by the caller.
void bc_monitor_wake(struct bc_monitor *monitor);

// For base/loop: a wait that may also end by something the clock does not know (a file descriptor). The wake
// function is called, under the clock's lock, when deadline_ns has come or bc_clock_wake_outside() was called.
struct bc_outside_wait {
        int64_t deadline_ns;
        void (*wake)(void *user);
        void *user;
        struct bc_outside_wait *next;
        bool waiting, woken, pending;
};
// false: it was woken since the last wait, so there is something to do first and no time may pass: do not wait.
bool bc_clock_begin_outside(struct bc_clock *clock, struct bc_outside_wait *wait);
void bc_clock_end_outside(struct bc_clock *clock, struct bc_outside_wait *wait);
void bc_clock_wake_outside(struct bc_clock *clock, struct bc_outside_wait *wait);

#endif
