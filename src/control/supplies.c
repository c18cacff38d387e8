// SPDX-License-Identifier: EUPL-1.2
#include "control/supplies.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define LOOK_EVERY_NS BC_RECORDER_ROOM_EVERY_NS

// A figure that runs down, and what was said of it.
struct supply {
        int64_t minutes;
        int warned_min; // the lowest threshold that was warned of; INT_MAX: none
};

struct bc_supplies {
        struct bc_loop *loop;
        struct bc_controller *controller;
        struct bc_recorder *recorder;
        struct bc_minutes_rate rate;
        struct bc_timer *look;
        uint32_t reserve_min;
        bool reserve_only;
        struct supply storage, emergency, battery; // emergency: the reserve, while nothing else is left
        struct bc_battery_level level;
};

// what: "there is room for", more: "more"
static void warn(struct bc_supplies *supplies, struct supply *supply, const char *what, const char *more)
{
        static const int thresholds[] = { BC_SUPPLIES_FIRST_MIN, BC_SUPPLIES_LAST_MIN, 0 };
        char text[100];
        int lowest = INT32_MAX;

        for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++)
                if (supply->minutes <= thresholds[i])
                        lowest = thresholds[i];
        if (lowest < supply->warned_min) {
                if (supply->minutes > 0)
                        snprintf(text, sizeof(text), "%s %" PRId64 " min %s", what, supply->minutes, more);
                else
                        snprintf(text, sizeof(text), "%s less than a minute %s", what, more);
                supply->warned_min = lowest;
                bc_controller_alarm(supplies->controller, BC_ALARM_WARNING, text);
        } else if (supply->warned_min < INT32_MAX && supply->minutes > supply->warned_min + BC_SUPPLIES_WELL_ABOVE_MIN) {
                supply->warned_min = lowest;
        }
}

static void look_at_reserve(struct bc_supplies *supplies, uint64_t room_bytes)
{
        int64_t now_ns = bc_clock_now_ns(bc_loop_clock(supplies->loop));
        bool only = supplies->storage.minutes < (supplies->reserve_only ? BC_SUPPLIES_WELL_ABOVE_MIN : 1);

        if (supplies->reserve_min == 0)
                return;
        if (only != supplies->reserve_only) {
                supplies->reserve_only = only;
                supplies->emergency.warned_min = INT32_MAX;
                (void)bc_controller_handle(supplies->controller, only ? BC_EVENT_RESERVE_REACHED : BC_EVENT_RESERVE_LEFT, now_ns,
                                           BC_ORIGIN_DEVICE, "store");
        }
        supplies->emergency.minutes = bc_minutes_left(&supplies->rate, room_bytes, 0);
        if (only)
                warn(supplies, &supplies->emergency, "there is room for", "of emergency");
}

static void look_at_storage(struct bc_supplies *supplies)
{
        struct bc_recorder_status status;
        struct supply *storage = &supplies->storage;
        int64_t before;

        bc_recorder_status(supplies->recorder, &status);
        if (status.room_bytes == UINT64_MAX)
                return;
        before = storage->minutes;
        storage->minutes = bc_minutes_left(&supplies->rate, status.room_bytes, supplies->reserve_min);
        warn(supplies, storage, "there is room for", "more");
        look_at_reserve(supplies, status.room_bytes);
        bc_controller_set_flag(supplies->controller, BC_FLAG_STORAGE_FULL, storage->minutes == 0);
        bc_controller_set_flag(supplies->controller, BC_FLAG_STORAGE_LOW,
                               storage->minutes > 0 && storage->minutes <= BC_SUPPLIES_FIRST_MIN);
        if (storage->minutes != before)
                bc_controller_refresh(supplies->controller);
}

static void on_look(void *user, int64_t due_ns)
{
        struct bc_supplies *supplies = user;
        int64_t now_ns = bc_clock_now_ns(bc_loop_clock(supplies->loop));

        look_at_storage(supplies);
        // After a suspend one look is enough.
        bc_timer_set(supplies->look, due_ns + LOOK_EVERY_NS > now_ns ? due_ns + LOOK_EVERY_NS : now_ns + LOOK_EVERY_NS);
}

static void on_level(void *user, const struct bc_battery_level *level)
{
        struct bc_supplies *supplies = user;
        bool low = !level->charging && level->minutes >= 0 && level->minutes <= BC_SUPPLIES_FIRST_MIN;

        supplies->level = *level;
        if (!level->charging && level->minutes >= 0) {
                supplies->battery.minutes = level->minutes;
                warn(supplies, &supplies->battery, "the battery lasts for", "more");
        } else if (level->charging) {
                supplies->battery.warned_min = INT32_MAX;
        }
        bc_controller_set_flag(supplies->controller, BC_FLAG_BATTERY_LOW, low);
        bc_controller_refresh(supplies->controller);
}

struct bc_battery_sink bc_supplies_battery_sink(struct bc_supplies *supplies)
{
        return (struct bc_battery_sink){ on_level, supplies };
}

int64_t bc_supplies_storage_minutes(const struct bc_supplies *supplies)
{
        return supplies->storage.minutes;
}

const struct bc_battery_level *bc_supplies_battery(const struct bc_supplies *supplies)
{
        return &supplies->level;
}

BC_DEFINE_CLEANUP(supplies, struct bc_supplies, bc_supplies_free)

int bc_supplies_new(struct bc_loop *loop, struct bc_controller *controller, struct bc_recorder *recorder,
                    const struct bc_minutes_rate *rate, uint32_t reserve_min, struct bc_supplies **ret_supplies)
{
        BC_CLEANUP(bc_cleanup_supplies) struct bc_supplies *supplies = calloc(1, sizeof(*supplies));
        int r;

        if (!supplies)
                return -ENOMEM;
        supplies->loop = loop;
        supplies->controller = controller;
        supplies->recorder = recorder;
        supplies->rate = *rate;
        supplies->reserve_min = reserve_min;
        supplies->storage = supplies->emergency = supplies->battery = (struct supply){ BC_SUPPLIES_UNKNOWN, INT32_MAX };
        supplies->level = (struct bc_battery_level){ .percent = BC_BATTERY_UNKNOWN, .minutes = BC_BATTERY_UNKNOWN };
        r = bc_timer_new(loop, on_look, supplies, &supplies->look);
        if (r < 0)
                return r;
        bc_timer_set(supplies->look, bc_clock_now_ns(bc_loop_clock(loop)) + BC_NS_PER_S);
        *ret_supplies = BC_TAKE(supplies);
        return 0;
}

void bc_supplies_free(struct bc_supplies *supplies)
{
        if (!supplies)
                return;
        bc_timer_free(supplies->look);
        free(supplies);
}
