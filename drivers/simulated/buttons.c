// SPDX-License-Identifier: EUPL-1.2
#include "simulated/buttons.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct simulated_buttons {
        struct bc_buttons buttons;
        struct bc_buttons_sink sink; // on_button NULL: not started
        bool pressed[BC_BUTTON_COUNT];
};

static struct simulated_buttons *simulated(struct bc_buttons *buttons)
{
        return (struct simulated_buttons *)(void *)((char *)buttons -
                                                    offsetof(struct simulated_buttons, buttons));
}

static int start(struct bc_buttons *buttons, const struct bc_buttons_sink *sink)
{
        struct simulated_buttons *self = simulated(buttons);

        if (self->sink.on_button)
                return -EALREADY;
        self->sink = *sink;
        return 0;
}

static void stop(struct bc_buttons *buttons)
{
        simulated(buttons)->sink = (struct bc_buttons_sink){ 0 };
}

static void free_buttons(struct bc_buttons *buttons)
{
        free(simulated(buttons));
}

static const struct bc_buttons_ops buttons_ops = { .start = start, .stop = stop, .free = free_buttons };

int bc_simulated_buttons_open(struct bc_buttons **ret_buttons)
{
        struct simulated_buttons *self = calloc(1, sizeof(*self));

        if (!self)
                return -ENOMEM;
        self->buttons = (struct bc_buttons){ .ops = &buttons_ops, .driver = "simulated", .simulated = true };
        *ret_buttons = &self->buttons;
        return 0;
}

int bc_simulated_button_set(struct bc_buttons *buttons, enum bc_button button, bool pressed, int64_t time_ns)
{
        struct simulated_buttons *self = simulated(buttons);

        if ((unsigned)button >= BC_BUTTON_COUNT)
                return -EINVAL;
        if (!self->sink.on_button)
                return -ENODEV;
        if (self->pressed[button] == pressed)
                return -EALREADY;
        self->pressed[button] = pressed;
        self->sink.on_button(self->sink.user, button, pressed, time_ns);
        return 0;
}
