// SPDX-License-Identifier: EUPL-1.2
// The controller on a real pipeline, ring, recorder and store, in simulated time, with a card that stalls or fails and
// an encoder that fails. What is to happen when is a script; it runs on the loop's own timer.
//
// Programs with this wrap fdatasync, fsync and avcodec_send_frame.
#ifndef CONTROLLER_WORLD_H
#define CONTROLLER_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "control/controller.h"

#define START_NS (100 * BC_NS_PER_S)

extern struct broken {
        struct bc_clock *clock; // NULL: nothing is wrapped
        struct bc_monitor monitor;
        int64_t stall_until_ns; // of the card
        atomic_bool fails;      // the card
        atomic_int encoder_error; // of every picture
} broken;

struct world;
struct step {
        int64_t at_ns; // since START_NS
        void (*run)(struct world *world); // NULL: the end of the script
};

struct world {
        char path[64];
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_store *store;
        struct bc_ring *ring;
        struct bc_telemetry *telemetry;
        struct bc_camera *camera;
        struct bc_controller *controller;
        struct bc_pipeline *pipeline;
        struct bc_recorder *recorder;
        struct bc_timer *timer;
        const struct step *step;
        int64_t stall_at_start_ns; // the card, while recovery begins
        int camera_errors;         // so many of its starts fail
        int64_t held_at_ns;        // where the clock stands; 0: it runs for ever
        char alarms[1024];
};

// A world in *state, with a store that lasts from one life to the next.
int world_setup(void **state);
int world_teardown(void **state);

// Lives through a script; returns what the loop ended with.
int world_live(struct world *world, const struct step *steps);

// For the steps.
struct bc_status world_status(struct world *world);
struct bc_outcome world_tell(struct world *world, enum bc_event event);
void world_stall_until(int64_t time_ns);

// The recordings of the store, one line: "1:closed -3.9..+5.1 " (from its press, in tenths of a second), "2:open" ...
void world_tell_store(const struct world *world, char *text, size_t bytes);

#endif
