// SPDX-License-Identifier: EUPL-1.2
#include "simulated/wall.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct simulated_wall {
        struct bc_wall wall;
        struct bc_clock *clock;
        struct bc_timer *timer;
        struct bc_utc_anchor set; // when it was set last, to what
        struct bc_wall_sink sink; // on_anchor NULL: not started
};

static struct simulated_wall *simulated(struct bc_wall *wall)
{
        return (struct simulated_wall *)(void *)((char *)wall - offsetof(struct simulated_wall, wall));
}

// Nothing of self is touched after the sink's call: it may free the wall.
static void tell(struct simulated_wall *self)
{
        int64_t now_ns = bc_clock_now_ns(self->clock);
        struct bc_utc_anchor anchor = self->set;

        anchor.time_ns = now_ns;
        if (__builtin_add_overflow(self->set.utc_ns, now_ns - self->set.time_ns, &anchor.utc_ns))
                anchor.utc_ns = INT64_MAX;
        bc_timer_set(self->timer, now_ns + BC_WALL_EVERY_NS);
        self->sink.on_anchor(self->sink.user, &anchor);
}

static void on_timer(void *user, int64_t due_ns)
{
        (void)due_ns;
        tell(user);
}

static int start(struct bc_wall *wall, const struct bc_wall_sink *sink)
{
        struct simulated_wall *self = simulated(wall);

        if (self->sink.on_anchor)
                return -EALREADY;
        self->sink = *sink;
        tell(self);
        return 0;
}

static void stop(struct bc_wall *wall)
{
        struct simulated_wall *self = simulated(wall);

        bc_timer_clear(self->timer);
        self->sink = (struct bc_wall_sink){ 0 };
}

static void free_wall(struct bc_wall *wall)
{
        struct simulated_wall *self = simulated(wall);

        bc_timer_free(self->timer);
        free(self);
}

static const struct bc_wall_ops wall_ops = { .start = start, .stop = stop, .free = free_wall };

static int set(struct simulated_wall *self, const struct bc_simulated_wall_config *config)
{
        if ((unsigned)config->source >= BC_UTC_SOURCES || config->uncertainty_ns < 0)
                return -EINVAL;
        self->set = (struct bc_utc_anchor){
                .time_ns = bc_clock_now_ns(self->clock),
                .utc_ns = config->utc_ns,
                .uncertainty_ns = config->uncertainty_ns,
                .source = config->source,
        };
        return 0;
}

int bc_simulated_wall_open(struct bc_loop *loop, const struct bc_simulated_wall_config *config,
                           struct bc_wall **ret_wall)
{
        struct simulated_wall *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return -ENOMEM;
        self->wall = (struct bc_wall){ .ops = &wall_ops, .driver = "simulated", .simulated = true };
        self->clock = bc_loop_clock(loop);
        r = set(self, config);
        if (r == 0)
                r = bc_timer_new(loop, on_timer, self, &self->timer);
        if (r < 0) {
                free_wall(&self->wall);
                return r;
        }
        *ret_wall = &self->wall;
        return 0;
}

int bc_simulated_wall_step(struct bc_wall *wall, const struct bc_simulated_wall_config *config)
{
        struct simulated_wall *self = simulated(wall);
        int r = set(self, config);

        if (r == 0 && self->sink.on_anchor)
                tell(self);
        return r;
}
