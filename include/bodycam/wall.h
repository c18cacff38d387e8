// SPDX-License-Identifier: EUPL-1.2
// Port: the wall clock. It tells anchors, pairs of media time and UTC, with where they come from and how wrong they may
// be. Nothing is ordered by it.
#ifndef BODYCAM_WALL_H
#define BODYCAM_WALL_H

#include <stdbool.h>
#include <stdint.h>

enum bc_utc_source {
        BC_UTC_NONE, // the clock was never set: utc_ns says nothing
        BC_UTC_RTC,  // set by a battery-backed clock or by hand; nobody has checked it since
        BC_UTC_NTP,  // disciplined by the network
        BC_UTC_GNSS, // disciplined by a receiver
        BC_UTC_SOURCES,
};

// "none", "rtc", "ntp", "gnss"; NULL when it is none of them.
static inline const char *bc_utc_source_name(enum bc_utc_source source)
{
        switch (source) {
        case BC_UTC_NONE:
                return "none";
        case BC_UTC_RTC:
                return "rtc";
        case BC_UTC_NTP:
                return "ntp";
        case BC_UTC_GNSS:
                return "gnss";
        case BC_UTC_SOURCES:
                break;
        }
        return 0;
}

// At media time time_ns it was utc_ns, give or take uncertainty_ns.
struct bc_utc_anchor {
        int64_t time_ns;
        int64_t utc_ns; // since 1970-01-01Z, leap seconds not counted
        int64_t uncertainty_ns;
        enum bc_utc_source source;
};

struct bc_wall;

// Called on the main loop's thread.
struct bc_wall_sink {
        // At start, then at least every BC_WALL_EVERY_NS, and at once when the clock is set or its source changes.
        // Lends the anchor for the call.
        void (*on_anchor)(void *user, const struct bc_utc_anchor *anchor);
        void *user;
};

#define BC_WALL_EVERY_NS INT64_C(60000000000)

struct bc_wall_ops {
        int (*start)(struct bc_wall *wall, const struct bc_wall_sink *sink);
        void (*stop)(struct bc_wall *wall);
        void (*free)(struct bc_wall *wall);
};

struct bc_wall {
        const struct bc_wall_ops *ops;
        const char *driver; // "system", "simulated"
        bool simulated;
};

// 0 or negative errno; on_anchor() was called once then. Thread-bound: the main loop's thread.
static inline int bc_wall_start(struct bc_wall *wall, const struct bc_wall_sink *sink)
{
        return wall->ops->start(wall, sink);
}

static inline void bc_wall_stop(struct bc_wall *wall)
{
        wall->ops->stop(wall);
}

// NULL is allowed.
static inline void bc_wall_free(struct bc_wall *wall)
{
        if (wall)
                wall->ops->free(wall);
}

#endif
