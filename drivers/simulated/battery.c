// SPDX-License-Identifier: EUPL-1.2
#include "simulated/battery.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct simulated_battery {
        struct bc_battery battery;
        struct bc_battery_level level;
        struct bc_battery_sink sink; // on_level NULL: not started
};

static struct simulated_battery *simulated(struct bc_battery *battery)
{
        return (struct simulated_battery *)(void *)((char *)battery - offsetof(struct simulated_battery, battery));
}

// Nothing of self is touched after the sink's call: it may free the battery.
static void tell(struct simulated_battery *self)
{
        struct bc_battery_level level = self->level;

        self->sink.on_level(self->sink.user, &level);
}

static int start(struct bc_battery *battery, const struct bc_battery_sink *sink)
{
        struct simulated_battery *self = simulated(battery);

        if (self->sink.on_level)
                return -EALREADY;
        self->sink = *sink;
        tell(self);
        return 0;
}

static void stop(struct bc_battery *battery)
{
        simulated(battery)->sink = (struct bc_battery_sink){ 0 };
}

static void free_battery(struct bc_battery *battery)
{
        free(simulated(battery));
}

static const struct bc_battery_ops battery_ops = { .start = start, .stop = stop, .free = free_battery };

int bc_simulated_battery_open(const struct bc_battery_level *level, struct bc_battery **ret_battery)
{
        struct simulated_battery *self;

        if (!bc_battery_level_is_valid(level))
                return -EINVAL;
        self = calloc(1, sizeof(*self));
        if (!self)
                return -ENOMEM;
        self->battery = (struct bc_battery){ .ops = &battery_ops, .driver = "simulated", .simulated = true };
        self->level = *level;
        *ret_battery = &self->battery;
        return 0;
}

int bc_simulated_battery_set(struct bc_battery *battery, const struct bc_battery_level *level)
{
        struct simulated_battery *self = simulated(battery);

        if (!bc_battery_level_is_valid(level))
                return -EINVAL;
        if (!self->sink.on_level)
                return -ENODEV;
        if (bc_battery_level_is_same(level, &self->level))
                return 0;
        self->level = *level;
        tell(self);
        return 0;
}
