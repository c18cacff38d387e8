// SPDX-License-Identifier: EUPL-1.2
// What can be done to simulated devices; the application, which knows them, fills it in.
#ifndef BC_CONTROL_SIMULATION_H
#define BC_CONTROL_SIMULATION_H

#include <stdbool.h>

#include "bodycam/button.h"
#include "bodycam/simulation.h"
#include "bodycam/wall.h"

enum bc_sensor {
        BC_SENSOR_CAMERA,
        BC_SENSOR_MICROPHONE,
        BC_SENSOR_GNSS,
        BC_SENSOR_COUNT,
};

struct bc_simulation {
        // 0, -EALREADY: it is in that position already, or another negative errno.
        int (*press)(void *user, enum bc_button button, bool pressed);
        // 0, or -ENODEV: there is no such sensor.
        int (*set_fault)(void *user, enum bc_sensor sensor, enum bc_fault fault);
        // Sets the wall clock; time_ns is not used. 0, -EINVAL, or -ENODEV: it is a real one.
        int (*set_utc)(void *user, const struct bc_utc_anchor *anchor);
        void *user;
};

#endif
