// SPDX-License-Identifier: EUPL-1.2
// Which lights, tone and vibration are on at an instant, from the signals that are there: pure, time is passed in.
#ifndef BC_CONTROL_DISPLAY_H
#define BC_CONTROL_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "control/signal.h"

struct bc_display {
        const struct bc_pattern *patterns; // BC_SIGNAL_COUNT of them; borrowed
        int64_t since_ns[BC_SIGNAL_COUNT]; // of those that stand; BC_NS_NEVER: it is not there
        int64_t flash_ns[BC_SIGNAL_COUNT]; // when it was shown once; BC_NS_NEVER: that is over
        bool dark;                         // stealth: nothing is shown, whatever is there
        bool quiet;                        // no tone, whatever is there
};

void bc_display_init(struct bc_display *display, const struct bc_pattern patterns[BC_SIGNAL_COUNT]);

// A standing signal comes or goes; one that is there already goes on in its rhythm.
void bc_display_stand(struct bc_display *display, enum bc_signal signal, bool there, int64_t now_ns);

// Shows a signal once from now on, above all that stands: a momentary one as it happens, a standing one as a preview of
// 3 s or a little more.
void bc_display_flash(struct bc_display *display, enum bc_signal signal, int64_t now_ns);

// What is on at now_ns. Ends what is over. *ret_next_ns: when to look again; BC_NS_NEVER: not before something new comes.
struct bc_indication bc_display_at(struct bc_display *display, int64_t now_ns, int64_t *ret_next_ns);

#endif
