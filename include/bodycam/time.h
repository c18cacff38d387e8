// SPDX-License-Identifier: EUPL-1.2
// Media time: what every time stamp in this tree means.
//
// Media time is CLOCK_BOOTTIME in nanoseconds (it goes on through suspend and is never set). In files it is
// counted in ticks of 1/48000 s since boot: one tick is one sound sample, so picture and sound share one
// exact scale and a segment boundary is the same number on every track. 30, 25, 24 and 60 fps are whole ticks.
// UTC never orders media; it is an observation (see DESIGN, Time).
#ifndef BODYCAM_TIME_H
#define BODYCAM_TIME_H

#include <stdint.h>

#define BC_NS_PER_S INT64_C(1000000000)
#define BC_NS_PER_MS INT64_C(1000000)
#define BC_NS_PER_US INT64_C(1000)
#define BC_TICKS_PER_S INT64_C(48000)
#define BC_NS_NEVER INT64_MAX // a deadline that does not come

// Of two times, deadlines among them.
static inline int64_t bc_ns_earlier(int64_t a_ns, int64_t b_ns)
{
        return a_ns < b_ns ? a_ns : b_ns;
}

static inline int64_t bc_ns_later(int64_t a_ns, int64_t b_ns)
{
        return a_ns > b_ns ? a_ns : b_ns;
}

// Nearest tick of a media time in ns >= 0. 6 ticks are exactly 125000 ns; no overflow below 48 years of uptime.
static inline int64_t bc_ticks_from_ns(int64_t time_ns)
{
        return (time_ns * 6 + 62500) / 125000;
}

// Media time in ns of a tick, rounded to nearest; bc_ticks_from_ns() of the result is the tick again.
static inline int64_t bc_ns_from_ticks(int64_t ticks)
{
        return (ticks * 125000 + 3) / 6;
}

#endif
