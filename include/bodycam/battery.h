// SPDX-License-Identifier: EUPL-1.2
// Port: battery. Levels as the device tells them; what is too little, and what is done then, is decided in control.
#ifndef BODYCAM_BATTERY_H
#define BODYCAM_BATTERY_H

#include <stdbool.h>
#include <stdint.h>

#define BC_BATTERY_UNKNOWN (-1) // of any number that the device does not tell

struct bc_battery_level {
        int32_t percent; // 0 .. 100, of what it holds when full; BC_BATTERY_UNKNOWN
        int32_t minutes; // >= 0: it lasts so much longer at the present load; BC_BATTERY_UNKNOWN, also while it charges
        bool charging;   // power comes from outside
};

static inline bool bc_battery_level_is_valid(const struct bc_battery_level *level)
{
        return level->percent >= BC_BATTERY_UNKNOWN && level->percent <= 100 && level->minutes >= BC_BATTERY_UNKNOWN;
}

static inline bool bc_battery_level_is_same(const struct bc_battery_level *a, const struct bc_battery_level *b)
{
        return a->percent == b->percent && a->minutes == b->minutes && a->charging == b->charging;
}

struct bc_battery;

struct bc_battery_sink {
        // The level at the start, perhaps from within bc_battery_start(), and each one that differs from the one told
        // before. Always valid. Called on the main loop's thread. Lends level for the call.
        void (*on_level)(void *user, const struct bc_battery_level *level);
        void *user;
};

struct bc_battery_ops {
        int (*start)(struct bc_battery *battery, const struct bc_battery_sink *sink);
        void (*stop)(struct bc_battery *battery);
        void (*free)(struct bc_battery *battery);
};

struct bc_battery {
        const struct bc_battery_ops *ops;
        const char *driver; // "simulated", "power-supply"
        bool simulated;
};

// 0 or negative errno; -EALREADY. Thread-bound: the main loop's thread. May be started again after stop. A device that
// is gone tells a level of which nothing is known.
static inline int bc_battery_start(struct bc_battery *battery, const struct bc_battery_sink *sink)
{
        return battery->ops->start(battery, sink);
}

static inline void bc_battery_stop(struct bc_battery *battery)
{
        battery->ops->stop(battery);
}

// NULL is allowed.
static inline void bc_battery_free(struct bc_battery *battery)
{
        if (battery)
                battery->ops->free(battery);
}

#endif
