// SPDX-License-Identifier: EUPL-1.2
// The main event loop: timers on the clock, file descriptors, signals, and an inbox for other threads.
//
// sd-event underneath, so sd-bus and sd-device attach to it. Thread-bound, but for bc_loop_post() and
// bc_loop_quit(). Timers run on the clock given: simulated time drives the same code.
#ifndef BC_BASE_LOOP_H
#define BC_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct bc_loop;
struct bc_timer;
struct bc_watch;
struct sd_event;

#define BC_LOOP_INBOX_KINDS_MAX 32

// What other threads tell the main thread. One slot per kind, so nothing is ever lost for want of room and no
// flood can push a rarer message out: posting a kind that is still unread adds to its count and replaces value.
// Kinds are delivered in ascending order: the most urgent has the lowest number.
struct bc_message {
        unsigned kind;
        uint64_t count;   // posts since the last delivery, at least 1
        int64_t value;    // of the latest post
        int64_t least;    // of all of them: what was posted and taken back since can still be told
        int64_t first_ns, latest_ns; // when the first and the latest of them were posted
};

// 0 or negative errno. Borrows the clock.
int bc_loop_new(struct bc_clock *clock, struct bc_loop **ret_loop);
void bc_loop_free(struct bc_loop *loop);
struct bc_clock *bc_loop_clock(struct bc_loop *loop);

// For sd_bus_attach_event() and the like; stays the loop's.
struct sd_event *bc_loop_event(struct bc_loop *loop);

// Runs until bc_loop_quit(); returns its status, or negative errno. The calling thread becomes one of the clock's
// threads for the duration (and must not be one already).
int bc_loop_run(struct bc_loop *loop);
void bc_loop_quit(struct bc_loop *loop, int status);

// The inbox. on_message runs on the loop's thread.
void bc_loop_on_message(struct bc_loop *loop, void (*on_message)(void *user, const struct bc_message *message),
                        void *user);
// The same for one kind, which then goes there alone. on_message NULL: to where all others go. Before anything posts it.
void bc_loop_on_kind(struct bc_loop *loop, unsigned kind,
                     void (*on_message)(void *user, const struct bc_message *message), void *user);
void bc_loop_post(struct bc_loop *loop, unsigned kind, int64_t value);

// A timer, off until set. Setting it again moves it. on_timer runs on the loop's thread, with the time it was
// set for. 0 or -ENOMEM.
int bc_timer_new(struct bc_loop *loop, void (*on_timer)(void *user, int64_t due_ns), void *user,
                 struct bc_timer **ret_timer);
void bc_timer_free(struct bc_timer *timer);
void bc_timer_set(struct bc_timer *timer, int64_t due_ns);
void bc_timer_clear(struct bc_timer *timer);

// Calls on_ready with the epoll events (EPOLLIN, ...) of fd. The fd stays the caller's.
int bc_watch_new(struct bc_loop *loop, int fd, uint32_t events, void (*on_ready)(void *user, uint32_t events),
                 void *user, struct bc_watch **ret_watch);
void bc_watch_free(struct bc_watch *watch);

// Calls on_signal on the loop's thread. Blocks the signal in the calling thread: call before starting others.
int bc_loop_on_signal(struct bc_loop *loop, int signal, void (*on_signal)(void *user, int signal), void *user);

#endif
