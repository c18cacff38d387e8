// SPDX-License-Identifier: EUPL-1.2
// Port: indicator. What the officer sees, hears and feels, as levels: an indication stands until the next one. Patterns
// (blinking, beeps, pulses) are a matter of control and of time, not of the device.
#ifndef BODYCAM_INDICATOR_H
#define BODYCAM_INDICATOR_H

#include <stdbool.h>
#include <stdint.h>

enum bc_light {
        BC_LIGHT_RED = 1 << 0,
        BC_LIGHT_RED_2 = 1 << 1, // a second red one, that others see
        BC_LIGHT_YELLOW = 1 << 2,
        BC_LIGHT_GREEN = 1 << 3,
        BC_LIGHT_BLUE = 1 << 4,
        BC_LIGHT_ALL = (1 << 5) - 1,
};

// All zero: dark, silent and still.
struct bc_indication {
        uint32_t lights;  // enum bc_light: those that are on
        uint16_t tone_hz; // 0: silent
        bool vibration;
};

static inline bool bc_indication_is_same(const struct bc_indication *a, const struct bc_indication *b)
{
        return a->lights == b->lights && a->tone_hz == b->tone_hz && a->vibration == b->vibration;
}

struct bc_indicator;

struct bc_indicator_ops {
        int (*set)(struct bc_indicator *indicator, const struct bc_indication *indication);
        void (*free)(struct bc_indicator *indicator);
};

struct bc_indicator {
        const struct bc_indicator_ops *ops;
        const char *driver; // "simulated", "leds"
        bool simulated;
        uint32_t lights; // enum bc_light: those it has
        bool has_tone;
        bool has_vibration;
};

// Shows all of the indication that the device has; the rest is left out without an error. Returns at once: a slow
// device is set by a thread of the driver, which leaves out what was replaced meanwhile. 0, -EINVAL: no such light, or
// the device's negative errno; whatever part can be shown is. Thread-bound: the main loop's thread.
static inline int bc_indicator_set(struct bc_indicator *indicator, const struct bc_indication *indication)
{
        return indicator->ops->set(indicator, indication);
}

// Dark, silent and still afterwards. NULL is allowed.
static inline void bc_indicator_free(struct bc_indicator *indicator)
{
        if (indicator)
                indicator->ops->free(indicator);
}

#endif
