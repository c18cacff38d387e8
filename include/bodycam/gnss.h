// SPDX-License-Identifier: EUPL-1.2
// Port: position. A receiver reports fixes; what a fix is worth, and for how long, is decided in control.
#ifndef BODYCAM_GNSS_H
#define BODYCAM_GNSS_H

#include <stdbool.h>
#include <stdint.h>

#define BC_UTC_UNKNOWN INT64_MIN
#define BC_FIX_UNKNOWN INT32_MIN // of any number of a fix that the receiver does not tell

enum bc_fix_mode {
        BC_FIX_NONE, // the receiver is there and has no position
        BC_FIX_2D,
        BC_FIX_3D,
};

// One position, WGS 84. With mode BC_FIX_NONE only time_ns counts.
struct bc_fix {
        int64_t time_ns;       // media time at which the report was there
        int64_t utc_ns;        // the receiver's own time of the fix, ns since 1970-01-01Z; BC_UTC_UNKNOWN. An
                               // observation, never what the camera's clock is set by
        enum bc_fix_mode mode;
        int32_t lat_e7, lon_e7; // degrees * 10^7: -90..90 north, -180..180 east; always known
        int32_t alt_mm;         // above mean sea level
        int32_t speed_mm_s;     // over ground
        int32_t course_cdeg;    // over ground, true, degrees * 100: 0 .. 35999
        int32_t accuracy_mm;    // horizontal: the position is as near as this in 95 of 100 cases, by the receiver's word
        int32_t dop_e2;         // horizontal dilution of precision * 100
};

// Degrees * 10^6, as they are shown, rounded to nearest: half a unit is 6 cm.
static inline int32_t bc_fix_e6(int32_t e7)
{
        return (int32_t)(((int64_t)e7 + (e7 < 0 ? -5 : 5)) / 10);
}

// The accuracy in whole metres as it is shown, rounded up; nobody is better than one. -1: not known.
static inline int32_t bc_fix_accuracy_m(const struct bc_fix *fix)
{
        if (fix->accuracy_mm < 0)
                return -1;
        return fix->accuracy_mm == 0 ? 1 : (int32_t)(((int64_t)fix->accuracy_mm + 999) / 1000);
}

struct bc_gnss;

// Called on the main loop's thread.
struct bc_gnss_sink {
        // One report, also when it says that there is no position. Lends fix for the call.
        void (*on_fix)(void *user, const struct bc_fix *fix);
        // The receiver is gone or failed (negative errno). Reports may come again later without a further call.
        void (*on_error)(void *user, int error);
        void *user;
};

struct bc_gnss_ops {
        int (*start)(struct bc_gnss *gnss, const struct bc_gnss_sink *sink);
        void (*stop)(struct bc_gnss *gnss);
        void (*free)(struct bc_gnss *gnss);
};

struct bc_gnss {
        const struct bc_gnss_ops *ops;
        const char *driver; // "track", "nmea", "gpsd"
        bool simulated;
};

// 0 or negative errno. Thread-bound: the main loop's thread. May be started again after stop.
static inline int bc_gnss_start(struct bc_gnss *gnss, const struct bc_gnss_sink *sink)
{
        return gnss->ops->start(gnss, sink);
}

static inline void bc_gnss_stop(struct bc_gnss *gnss)
{
        gnss->ops->stop(gnss);
}

// NULL is allowed.
static inline void bc_gnss_free(struct bc_gnss *gnss)
{
        if (gnss)
                gnss->ops->free(gnss);
}

#endif
