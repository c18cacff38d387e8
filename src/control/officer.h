// SPDX-License-Identifier: EUPL-1.2
// The officer's side of the camera: what buttons mean, and what lights, sound and vibration tell.
//
// Every press is answered before anything is done about it. What is to be told follows from the controller's mode and
// flags and from what happens: signal.h. Pure parts: grammar.h, display.h; this one has the timers and the port.
//
// Thread-bound: the main loop's thread.
#ifndef BC_CONTROL_OFFICER_H
#define BC_CONTROL_OFFICER_H

#include <stdint.h>

#include "base/loop.h"
#include "bodycam/button.h"
#include "bodycam/indicator.h"
#include "control/controller.h"
#include "control/grammar.h"
#include "control/signal.h"

struct bc_officer;

struct bc_officer_config {
        struct bc_grammar_config grammar;
        int64_t reminder_ns; // while recording, so often; 0: never
        bool sound;          // there is a microphone
        struct bc_pattern patterns[BC_SIGNAL_COUNT];
};

// indicator NULL: nothing is told. Borrows all but the config. 0, -ENOMEM, or -ENOSPC: too many watch the controller.
int bc_officer_new(struct bc_loop *loop, struct bc_controller *controller, struct bc_indicator *indicator,
                   const struct bc_officer_config *config, struct bc_officer **ret_officer);
void bc_officer_free(struct bc_officer *officer);

// Other settings from now on. What a button that is held was to become is forgotten.
void bc_officer_set_config(struct bc_officer *officer, const struct bc_officer_config *config);

// For bc_buttons_start().
struct bc_buttons_sink bc_officer_buttons_sink(struct bc_officer *officer);

// Shows a signal once, for whoever wants to know what it looks like. 0, or -ENODEV: there is no indicator; -EPERM: stealth.
int bc_officer_preview(struct bc_officer *officer, enum bc_signal signal);

#endif
