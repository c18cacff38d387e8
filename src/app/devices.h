// SPDX-License-Identifier: EUPL-1.2
// The devices that the settings name. The one place that knows concrete drivers.
#ifndef BC_APP_DEVICES_H
#define BC_APP_DEVICES_H

#include <stddef.h>

#include "base/clock.h"
#include "base/loop.h"
#include "bodycam/battery.h"
#include "bodycam/button.h"
#include "bodycam/camera.h"
#include "bodycam/gnss.h"
#include "bodycam/indicator.h"
#include "bodycam/mic.h"
#include "bodycam/wall.h"
#include "control/settings.h"
#include "control/simulation.h"

struct bc_devices {
        struct bc_clock *clock;
        struct bc_camera *camera;
        struct bc_mic *mic;         // NULL: no microphone
        struct bc_buttons *buttons; // NULL: no buttons
        struct bc_gnss *gnss;       // NULL: no receiver
        struct bc_wall *wall;
        struct bc_battery *battery;     // NULL: nothing is known of it
        struct bc_indicator *indicator; // NULL: nothing is told
        void (*set_camera_fault)(struct bc_camera *camera, enum bc_fault fault); // NULL: not simulated
        void (*set_mic_fault)(struct bc_mic *mic, enum bc_fault fault);
        void (*set_gnss_fault)(struct bc_gnss *gnss, enum bc_fault fault);
};

// Opens all of them or none. On failure a negative errno, and in text what and why.
int bc_devices_open(struct bc_loop *loop, const struct bc_settings *settings, char *text, size_t text_bytes,
                    struct bc_devices *ret_devices);
void bc_devices_close(struct bc_devices *devices);

// What can be done to them from outside. Borrows devices.
struct bc_simulation bc_devices_simulation(struct bc_devices *devices);

#endif
