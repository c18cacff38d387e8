// SPDX-License-Identifier: EUPL-1.2
#include "simulated/indicator.h"

#include <errno.h>
#include <stdlib.h>

#define CHANGES BC_SIMULATED_INDICATOR_CHANGES

struct simulated_indicator {
        struct bc_indicator indicator;
        struct bc_clock *clock;
        struct bc_indication shown;
        struct bc_simulated_indicator_change change[CHANGES]; // by number
        uint64_t made, taken; // numbers: one after the newest, the oldest that is kept
        uint64_t lost;
};

static struct simulated_indicator *simulated(const struct bc_indicator *indicator)
{
        return (struct simulated_indicator *)(void *)((char *)(uintptr_t)indicator -
                                                      offsetof(struct simulated_indicator, indicator));
}

static int set(struct bc_indicator *indicator, const struct bc_indication *indication)
{
        struct simulated_indicator *self = simulated(indicator);
        struct bc_indication shown = *indication;

        shown.lights &= BC_LIGHT_ALL;
        if (!bc_indication_is_same(&shown, &self->shown)) {
                self->shown = shown;
                if (self->made - self->taken == CHANGES) {
                        self->taken++;
                        self->lost++;
                }
                self->change[self->made++ % CHANGES] = (struct bc_simulated_indicator_change){
                        .time_ns = bc_clock_now_ns(self->clock),
                        .indication = shown,
                };
        }
        return shown.lights == indication->lights ? 0 : -EINVAL;
}

static void free_indicator(struct bc_indicator *indicator)
{
        free(simulated(indicator));
}

static const struct bc_indicator_ops indicator_ops = { .set = set, .free = free_indicator };

int bc_simulated_indicator_open(struct bc_clock *clock, struct bc_indicator **ret_indicator)
{
        struct simulated_indicator *self = calloc(1, sizeof(*self));

        if (!self)
                return -ENOMEM;
        self->indicator = (struct bc_indicator){
                .ops = &indicator_ops,
                .driver = "simulated",
                .simulated = true,
                .lights = BC_LIGHT_ALL,
                .has_tone = true,
                .has_vibration = true,
        };
        self->clock = clock;
        *ret_indicator = &self->indicator;
        return 0;
}

struct bc_indication bc_simulated_indicator_shows(const struct bc_indicator *indicator)
{
        return simulated(indicator)->shown;
}

size_t bc_simulated_indicator_take(struct bc_indicator *indicator, struct bc_simulated_indicator_change *changes,
                                   size_t room, uint64_t *ret_lost)
{
        struct simulated_indicator *self = simulated(indicator);
        size_t n = 0;

        while (n < room && self->taken < self->made)
                changes[n++] = self->change[self->taken++ % CHANGES];
        *ret_lost = self->lost;
        self->lost = 0;
        return n;
}
