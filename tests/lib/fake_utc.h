// SPDX-License-Identifier: EUPL-1.2
// The kernel's UTC as a test wants it: the clock, who keeps it, and that it was set. Setting the real one would take
// a privilege and touch everything else on the machine; there is no namespace for it. What is not tested so is the
// kernel's own part: that it cancels a timer when the clock is set, as timerfd_create(2) says.
#ifndef BC_TESTS_FAKE_UTC_H
#define BC_TESTS_FAKE_UTC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/timex.h>

struct bc_fake_utc {
        bool on; // else the real kernel answers
        int64_t utc_ns;
        // What reads of either clock cost, one after the other, over and over: a step of media time each. Only with a
        // real bc_clock, whose media time is then media_ns.
        int64_t media_ns;
        int64_t step_ns[12];
        unsigned reads;
        // adjtimex()
        int state, error;
        struct timex status;
        // timerfd
        int timer_fd;     // of the last one made; an eventfd
        int create_error; // fails with this
        unsigned armed;   // how often
        bool armed_wrongly;
};

struct bc_fake_utc *bc_fake_utc(void);

// Back to the real kernel.
void bc_fake_utc_reset(void);

// The clock was set.
void bc_fake_utc_fire(void);

#endif
