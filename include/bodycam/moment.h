// SPDX-License-Identifier: EUPL-1.2
// What is known of one instant of media time: when it was, where, and what the camera was doing. The overlay draws it
// into the picture of that instant; text and position track carry it. Plain data.
#ifndef BODYCAM_MOMENT_H
#define BODYCAM_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/gnss.h"
#include "bodycam/wall.h"

enum bc_mark {
        BC_MARK_REC = 1 << 0,
        BC_MARK_EMERGENCY = 1 << 1,
        BC_MARK_MUTED = 1 << 2,
};
#define BC_MARK_BITS 3

struct bc_moment {
        int64_t time_ns;
        enum bc_utc_source source;
        int64_t utc_ns;         // of this instant, carried on from the newest anchor; nothing with source BC_UTC_NONE
        int64_t uncertainty_ns; // of utc_ns
        int64_t anchor_ns;      // when the clock was last looked at
        struct bc_fix fix;      // the newest fix if it is fresh; mode BC_FIX_NONE: no position
        uint32_t marks;         // enum bc_mark
};

// The kernel slews its two clocks together, so what UTC and media time are apart changes only when UTC is set. Less than this is
// the reading's own error.
#define BC_UTC_STEP_NS INT64_C(10000000)

// How far UTC at `later` is off what it would be, had the clock of `earlier` gone on. Both have a source.
static inline int64_t bc_moment_utc_step_ns(const struct bc_moment *earlier, const struct bc_moment *later)
{
        return (later->utc_ns - earlier->utc_ns) - (later->time_ns - earlier->time_ns);
}

// Whether the clock of `earlier` has gone on to `later`: neither set nor of another source.
static inline bool bc_moment_clock_goes_on(const struct bc_moment *earlier, const struct bc_moment *later)
{
        int64_t step_ns;

        if (earlier->source != later->source)
                return false;
        if (later->source == BC_UTC_NONE)
                return true;
        step_ns = bc_moment_utc_step_ns(earlier, later);
        return step_ns <= BC_UTC_STEP_NS && step_ns >= -BC_UTC_STEP_NS;
}

#endif
