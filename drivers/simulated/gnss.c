// SPDX-License-Identifier: EUPL-1.2
#include "simulated/gnss.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct simulated_gnss {
        struct bc_gnss gnss;
        struct bc_clock *clock;
        struct bc_timer *timer;
        const struct bc_route_ops *ops;
        void *route;
        bool begun;
        enum bc_fault fault;
        struct bc_gnss_sink sink; // on_fix NULL: not started
};

static struct simulated_gnss *simulated(struct bc_gnss *gnss)
{
        return (struct simulated_gnss *)(void *)((char *)gnss - offsetof(struct simulated_gnss, gnss));
}

static void await(struct simulated_gnss *self, int64_t from_ns)
{
        int64_t due_ns = self->ops->next(self->route, from_ns);

        if (due_ns != BC_NS_NEVER)
                bc_timer_set(self->timer, due_ns);
}

// Nothing of self is touched after the sink's call: it may free the receiver.
static void on_timer(void *user, int64_t due_ns)
{
        struct simulated_gnss *self = user;
        int64_t now_ns = bc_clock_now_ns(self->clock);
        struct bc_fix fix;

        (void)due_ns;
        if (self->fault == BC_FAULT_UNPLUG) {
                self->sink.on_error(self->sink.user, -ENODEV);
                return;
        }
        self->ops->report(self->route, now_ns, &fix);
        await(self, now_ns + 1);
        self->sink.on_fix(self->sink.user, &fix);
}

static void go_on(struct simulated_gnss *self)
{
        int64_t now_ns = bc_clock_now_ns(self->clock);

        bc_timer_clear(self->timer);
        if (self->fault == BC_FAULT_UNPLUG)
                bc_timer_set(self->timer, now_ns);
        else if (self->fault == BC_FAULT_NONE)
                await(self, now_ns);
}

static int start(struct bc_gnss *gnss, const struct bc_gnss_sink *sink)
{
        struct simulated_gnss *self = simulated(gnss);

        if (self->sink.on_fix)
                return -EALREADY;
        self->sink = *sink;
        if (!self->begun)
                self->ops->begin(self->route, bc_clock_now_ns(self->clock));
        self->begun = true;
        go_on(self);
        return 0;
}

static void stop(struct bc_gnss *gnss)
{
        struct simulated_gnss *self = simulated(gnss);

        bc_timer_clear(self->timer);
        self->sink = (struct bc_gnss_sink){ 0 };
}

static void free_gnss(struct bc_gnss *gnss)
{
        struct simulated_gnss *self = simulated(gnss);

        bc_timer_free(self->timer);
        self->ops->free(self->route);
        free(self);
}

static const struct bc_gnss_ops gnss_ops = { .start = start, .stop = stop, .free = free_gnss };

int bc_simulated_gnss_new(struct bc_loop *loop, const char *driver, const struct bc_route_ops *ops,
                          void *route, struct bc_gnss **ret_gnss)
{
        struct simulated_gnss *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return -ENOMEM;
        r = bc_timer_new(loop, on_timer, self, &self->timer);
        if (r < 0) {
                free(self);
                return r;
        }
        self->gnss = (struct bc_gnss){ .ops = &gnss_ops, .driver = driver, .simulated = true };
        self->clock = bc_loop_clock(loop);
        self->ops = ops;
        self->route = route;
        *ret_gnss = &self->gnss;
        return 0;
}

void bc_simulated_gnss_set_fault(struct bc_gnss *gnss, enum bc_fault fault)
{
        struct simulated_gnss *self = simulated(gnss);

        if (fault == self->fault)
                return;
        self->fault = fault;
        if (self->sink.on_fix)
                go_on(self);
}
