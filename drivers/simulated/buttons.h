// SPDX-License-Identifier: EUPL-1.2
// Buttons that are pressed by a function call. Thread-bound: the main loop's thread, as the port asks for.
#ifndef BC_SIMULATED_BUTTONS_H
#define BC_SIMULATED_BUTTONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/button.h"

// 0 or -ENOMEM.
int bc_simulated_buttons_open(struct bc_buttons **ret_buttons);

// Presses or releases a button at a media time; the sink is called before this returns. 0, -EINVAL: no such
// button, -EALREADY: it is in that position already, so there is no edge; -ENODEV: not started.
int bc_simulated_button_set(struct bc_buttons *buttons, enum bc_button button, bool pressed, int64_t time_ns);

#endif
