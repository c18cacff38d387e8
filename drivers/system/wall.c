// SPDX-License-Identifier: EUPL-1.2
#include "system/wall.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/utc.h"
#include "base/utc_clock.h"

struct system_wall {
        struct bc_wall wall;
        struct bc_loop *loop;
        struct bc_timer *timer;
        struct bc_utc_watch *watch; // while started
        struct bc_wall_sink sink;
        enum bc_utc_source source; // as told last
        int64_t due_ns;            // of the next anchor
};

static struct system_wall *system_of(struct bc_wall *wall)
{
        return (struct system_wall *)(void *)((char *)wall - offsetof(struct system_wall, wall));
}

static struct bc_utc_anchor look(struct system_wall *self)
{
        struct bc_utc_reading reading;
        struct bc_utc_anchor anchor;

        bc_utc_read(bc_loop_clock(self->loop), &reading);
        anchor = (struct bc_utc_anchor){ .time_ns = reading.time_ns, .utc_ns = reading.utc_ns };
        if (!bc_utc_is_possible(reading.utc_ns)) {
                anchor.source = BC_UTC_NONE;
                anchor.uncertainty_ns = INT64_MAX;
        } else if (reading.synchronised) {
                anchor.source = BC_UTC_NTP;
                anchor.uncertainty_ns = reading.reading_error_ns +
                                        (reading.max_error_ns > BC_SYSTEM_WALL_NTP_ERROR_NS
                                                 ? reading.max_error_ns
                                                 : BC_SYSTEM_WALL_NTP_ERROR_NS);
        } else {
                anchor.source = BC_UTC_RTC;
                anchor.uncertainty_ns = reading.reading_error_ns + BC_SYSTEM_WALL_RTC_ERROR_NS;
        }
        return anchor;
}

// Nothing of self is touched after the sink's call: it may free the wall.
static void tell(struct system_wall *self, const struct bc_utc_anchor *anchor)
{
        self->source = anchor->source;
        self->due_ns = anchor->time_ns + BC_WALL_EVERY_NS - BC_SYSTEM_WALL_LOOK_NS; // a look may be late
        bc_timer_set(self->timer, anchor->time_ns + BC_SYSTEM_WALL_LOOK_NS);
        self->sink.on_anchor(self->sink.user, anchor);
}

static void on_timer(void *user, int64_t due_ns)
{
        struct system_wall *self = user;
        struct bc_utc_anchor anchor = look(self);

        (void)due_ns;
        if (anchor.source != self->source || anchor.time_ns >= self->due_ns)
                tell(self, &anchor);
        else
                bc_timer_set(self->timer, anchor.time_ns + BC_SYSTEM_WALL_LOOK_NS);
}

static void on_set(void *user)
{
        struct system_wall *self = user;
        struct bc_utc_anchor anchor = look(self);

        tell(self, &anchor);
}

static int start(struct bc_wall *wall, const struct bc_wall_sink *sink)
{
        struct system_wall *self = system_of(wall);
        int r;

        if (self->sink.on_anchor)
                return -EALREADY;
        // Watched before it is looked at, so that no change falls between.
        r = bc_utc_watch_new(self->loop, on_set, self, &self->watch);
        if (r < 0)
                return r;
        self->sink = *sink;
        on_set(self);
        return 0;
}

static void stop(struct bc_wall *wall)
{
        struct system_wall *self = system_of(wall);

        bc_timer_clear(self->timer);
        bc_utc_watch_free(self->watch);
        self->watch = NULL;
        self->sink = (struct bc_wall_sink){ 0 };
}

static void free_wall(struct bc_wall *wall)
{
        struct system_wall *self = system_of(wall);

        bc_utc_watch_free(self->watch);
        bc_timer_free(self->timer);
        free(self);
}

static const struct bc_wall_ops wall_ops = { .start = start, .stop = stop, .free = free_wall };

int bc_system_wall_open(struct bc_loop *loop, struct bc_wall **ret_wall)
{
        struct system_wall *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return -ENOMEM;
        r = bc_timer_new(loop, on_timer, self, &self->timer);
        if (r < 0) {
                free(self);
                return r;
        }
        self->wall = (struct bc_wall){ .ops = &wall_ops, .driver = "system", .simulated = false };
        self->loop = loop;
        *ret_wall = &self->wall;
        return 0;
}
