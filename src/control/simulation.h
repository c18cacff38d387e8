// SPDX-License-Identifier: EUPL-1.2
// What can be done to simulated devices; the application, which knows them, fills it in.
#ifndef BC_CONTROL_SIMULATION_H
#define BC_CONTROL_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>

#include "bodycam/battery.h"
#include "bodycam/button.h"
#include "bodycam/indicator.h"
#include "bodycam/simulation.h"
#include "bodycam/wall.h"

enum bc_sensor {
        BC_SENSOR_CAMERA,
        BC_SENSOR_MICROPHONE,
        BC_SENSOR_GNSS,
        BC_SENSOR_COUNT,
};

struct bc_simulated_indication {
        int64_t time_ns; // from when on
        struct bc_indication indication;
};

struct bc_simulation {
        // 0, -EALREADY: it is in that position already, or another negative errno.
        int (*press)(void *user, enum bc_button button, bool pressed);
        // 0, or -ENODEV: there is no such sensor.
        int (*set_fault)(void *user, enum bc_sensor sensor, enum bc_fault fault);
        // Sets the wall clock; time_ns is not used. 0, -EINVAL, or -ENODEV: it is a real one.
        int (*set_utc)(void *user, const struct bc_utc_anchor *anchor);
        // 0, -EINVAL: no such level, or -ENODEV.
        int (*set_battery)(void *user, const struct bc_battery_level *level);
        // Takes out what the indicator showed since the last call, the oldest first; returns how many there are, or -ENODEV.
        int (*take_indications)(void *user, struct bc_simulated_indication *indications, size_t room);
        void *user;
};

#endif
