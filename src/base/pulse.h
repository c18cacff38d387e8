// SPDX-License-Identifier: EUPL-1.2
// What each thread of a clock is doing, and since when: for a watchdog that can tell a thread that is stuck from one that
// waits for its turn, or for a card.
//
// A thread that waits in a monitor of base/clock.h looks again, on the real clock, after a second at most; one in a call on
// a device says so itself; all else is work, and none of it lasts for seconds. Kept by base alone: whoever starts threads by
// bc_thread_start() and waits by monitors has nothing to do for it.
//
// Threading: a pulse is its thread's own; looking is for any thread. Times are CLOCK_MONOTONIC, whatever the clock: a thread
// that is stuck is stuck in simulated time, too.
#ifndef BC_BASE_PULSE_H
#define BC_BASE_PULSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define BC_PULSE_NAME_BYTES 16

enum bc_doing {
        BC_DOING_WORK,
        BC_DOING_WAIT,   // in a monitor
        BC_DOING_DEVICE, // in a call on a device (a card that syncs), which may take as long as the device likes
};

struct bc_pulse {
        char name[BC_PULSE_NAME_BYTES];
        atomic_int doing; // enum bc_doing
        atomic_llong since_ns;
        struct bc_pulse *next;
};

// Those of one clock's threads.
struct bc_pulses {
        pthread_mutex_t mutex;
        struct bc_pulse *first;
};

// CLOCK_MONOTONIC, by which systemd goes, too.
int64_t bc_pulse_now_ns(void);

void bc_pulses_init(struct bc_pulses *pulses);
void bc_pulses_done(struct bc_pulses *pulses);

// The calling thread's life: it works from here on. name: at most 15 characters are kept.
void bc_pulse_begin(struct bc_pulses *pulses, struct bc_pulse *pulse, const char *name);
void bc_pulse_end(struct bc_pulses *pulses, struct bc_pulse *pulse);

// What the calling thread is doing from now on; returns what it was doing. Without a pulse nothing happens.
enum bc_doing bc_pulse_set(enum bc_doing doing);

static inline void bc_pulse_restore(const enum bc_doing *before)
{
        bc_pulse_set(*before);
}

// A declaration: up to the end of the block the thread is in a call on a device, or waits for a lock of one who is.
#define BC_IN_DEVICE BC_CLEANUP(bc_pulse_restore) enum bc_doing bc_doing_before_ = bc_pulse_set(BC_DOING_DEVICE)

struct bc_pulse_look {
        char name[BC_PULSE_NAME_BYTES];
        enum bc_doing doing;
        int64_t for_ns;
};

// Fills at most room entries; returns how many.
size_t bc_pulses_look(struct bc_pulses *pulses, struct bc_pulse_look *ret_looks, size_t room);

#endif
