// SPDX-License-Identifier: EUPL-1.2
// What is known of one instant of media time: when it was, where, and what the camera was doing. The overlay draws it
// into the picture of that instant; text and position track carry it. Plain data.
#ifndef BC_MEDIA_MOMENT_H
#define BC_MEDIA_MOMENT_H

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
        struct bc_fix fix;      // the newest fix if it is fresh; mode BC_FIX_NONE: no position
        uint32_t marks;         // enum bc_mark
};

#endif
