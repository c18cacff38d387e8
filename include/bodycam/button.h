// SPDX-License-Identifier: EUPL-1.2
// Port: buttons. Edges only; what a press means is decided in control.
#ifndef BODYCAM_BUTTON_H
#define BODYCAM_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

enum bc_button {
        BC_BUTTON_RECORD,
        BC_BUTTON_EMERGENCY,
        BC_BUTTON_COUNT,
};

struct bc_buttons;

struct bc_buttons_sink {
        // One edge of one button at a media time. Called on the main loop's thread.
        void (*on_button)(void *user, enum bc_button button, bool pressed, int64_t time_ns);
        void *user;
};

struct bc_buttons_ops {
        int (*start)(struct bc_buttons *buttons, const struct bc_buttons_sink *sink);
        void (*stop)(struct bc_buttons *buttons);
        void (*free)(struct bc_buttons *buttons);
};

struct bc_buttons {
        const struct bc_buttons_ops *ops;
        const char *driver; // "simulated", "evdev"
        bool simulated;
};

static inline int bc_buttons_start(struct bc_buttons *buttons, const struct bc_buttons_sink *sink)
{
        return buttons->ops->start(buttons, sink);
}

static inline void bc_buttons_stop(struct bc_buttons *buttons)
{
        buttons->ops->stop(buttons);
}

// NULL is allowed.
static inline void bc_buttons_free(struct bc_buttons *buttons)
{
        if (buttons)
                buttons->ops->free(buttons);
}

#endif
