// SPDX-License-Identifier: EUPL-1.2
// A receiver on a walk: at constant speed along a circle or straight on. Where it is, is a function of media time
// alone, so a recording can be judged without having been there.
//
// The earth is a sphere of the mean radius (6371008.8 m): straight on is a great circle, and the course changes on
// it as it does on the earth. Reports are due at origin_ns and every interval_ns before and after.
#ifndef BC_TRACK_GNSS_H
#define BC_TRACK_GNSS_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "bodycam/gnss.h"
#include "bodycam/simulation.h"

#define BC_TRACK_SPEED_MAX_MM_S 1000000
#define BC_TRACK_RADIUS_MAX_MM 1000000000
#define BC_TRACK_INTERVAL_MIN_NS (10 * BC_NS_PER_MS)
#define BC_TRACK_INTERVAL_MAX_NS (3600 * BC_NS_PER_S)

struct bc_track_config {
        int64_t origin_ns; // media time, >= 0, at which it is at the place below
        int32_t lat_e7, lon_e7;
        int32_t course_cdeg;         // there: 0 .. 35999
        int32_t speed_mm_s;          // 0 .. BC_TRACK_SPEED_MAX_MM_S
        int32_t radius_mm;           // of the circle, clockwise; negative: anticlockwise; 0: straight on
        int32_t alt_mm;              // BC_FIX_UNKNOWN: reports are 2D
        int32_t accuracy_mm, dop_e2; // as reported, >= 0 or BC_FIX_UNKNOWN; the position itself is exact
        int64_t interval_ns;         // 0: one second
        int64_t utc_ns;              // at origin_ns, >= 0; BC_UTC_UNKNOWN
};

// The exact fix of a media time, whether or not a report is due then. config: one that the function below accepts.
void bc_track_gnss_position(const struct bc_track_config *config, int64_t time_ns, struct bc_fix *ret_fix);

// Borrows the loop. 0, -ENOMEM, or -EINVAL with a message in text.
int bc_track_gnss_open(struct bc_loop *loop, const struct bc_track_config *config, char *text,
                       size_t text_bytes, struct bc_gnss **ret_gnss);

// See bodycam/simulation.h and simulated/gnss.h.
void bc_track_gnss_set_fault(struct bc_gnss *gnss, enum bc_fault fault);

#endif
