// SPDX-License-Identifier: EUPL-1.2
// Every microphone driver that can be opened here, by the name a test program is given.
#ifndef BC_TESTS_MICS_H
#define BC_TESTS_MICS_H

#include <stdint.h>

#include "base/clock.h"
#include "bodycam/mic.h"
#include "bodycam/simulation.h"

struct mic_kind {
        const char *name;
        int (*open)(struct bc_clock *clock, struct bc_mic **ret_mic);
        void (*set_fault)(struct bc_mic *mic, enum bc_fault fault);
        void (*overrun)(struct bc_mic *mic, int64_t lost_ns);
        uint32_t rate_hz, channels;
        int64_t error_ppb; // of the true rate
        int64_t jitter_ns; // of time stamps
};

// NULL: no such name.
const struct mic_kind *mic_kind_named(const char *name);

#endif
