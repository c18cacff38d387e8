// SPDX-License-Identifier: EUPL-1.2
// Every camera driver that can be opened here, by the name a test program is given, and a sink that writes
// down what it is told.
#ifndef BC_TESTS_CAMERAS_H
#define BC_TESTS_CAMERAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"
#include "bodycam/simulation.h"

struct camera_kind {
        const char *name;
        int (*open)(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                    struct bc_camera **ret_camera);
        void (*set_fault)(struct bc_camera *camera, enum bc_fault fault);
        enum bc_pixel_format format;
        // Furthest that the time between two frames is from info.interval_ns; INT64_MAX: it varies freely.
        int64_t unevenness_ns;
};

// NULL: no such name.
const struct camera_kind *camera_kind_named(const char *name);

#define SEEN_MAX 20000

struct seen {
        int64_t time_ns, when_ns; // of the frame, of its delivery
        uint32_t lost;
};

struct witness {
        struct bc_monitor monitor;
        struct bc_clock *clock;
        const struct camera_kind *kind;
        const struct bc_camera_info *info;
        bool hold;             // keeps frames instead of giving them back
        int64_t dwell_ns;      // stays this long in on_frame, once
        bool complain;         // a frame was not what was asked for
        unsigned count, errors;
        int error;             // the last one
        struct bc_frame *held[16];
        unsigned held_count;
        struct seen seen[SEEN_MAX];
};

void witness_init(struct witness *witness, struct bc_clock *clock, const struct camera_kind *kind,
                  const struct bc_camera *camera);
void witness_done(struct witness *witness);
struct bc_camera_sink witness_sink(struct witness *witness);
unsigned witness_count(struct witness *witness);
void witness_hold(struct witness *witness, bool hold);
void witness_release_held(struct witness *witness);

// Waits in real time for that many frames. False: they did not come within 20 s.
bool witness_wait(struct witness *witness, unsigned count);

#endif
