// SPDX-License-Identifier: EUPL-1.2
#include "control/observer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utc.h"

#define S BC_NS_PER_S
#define START_NS (100 * S)
#define FRESH_NS (3 * S)
#define UTC_NS (INT64_C(1795655534) * S)
#define U BC_FIX_UNKNOWN

struct world {
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_telemetry *telemetry;
        struct bc_observer *observer;
        struct bc_gnss_sink gnss;
        struct bc_wall_sink wall;
        unsigned changes;
};

static const struct bc_fix good = { .time_ns = START_NS, .utc_ns = UTC_NS, .mode = BC_FIX_3D, .lat_e7 = 593293000,
                                    .lon_e7 = 180686000, .alt_mm = U, .speed_mm_s = U, .course_cdeg = U, .accuracy_mm = U,
                                    .dop_e2 = U };

static void on_change(void *user)
{
        ((struct world *)user)->changes++;
}

static int set_up(void **state)
{
        static struct world world;
        const struct bc_observer_sink sink = { on_change, &world };

        world = (struct world){ 0 };
        assert_int_equal(bc_clock_new_simulated(START_NS, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        assert_int_equal(bc_telemetry_new(world.clock, FRESH_NS, &world.telemetry), 0);
        assert_int_equal(bc_observer_new(world.loop, world.telemetry, FRESH_NS, &sink, &world.observer), 0);
        world.gnss = bc_observer_gnss_sink(world.observer);
        world.wall = bc_observer_wall_sink(world.observer);
        *state = &world;
        return 0;
}

static int tear_down(void **state)
{
        struct world *world = *state;

        bc_observer_free(world->observer);
        bc_telemetry_free(world->telemetry);
        bc_loop_free(world->loop);
        bc_clock_free(world->clock);
        return 0;
}

static struct bc_moment now(struct world *world)
{
        struct bc_moment moment;

        bc_telemetry_at(world->telemetry, bc_clock_now_ns(world->clock), &moment);
        return moment;
}

static void tell(struct world *world, struct bc_fix fix)
{
        world->gnss.on_fix(world->gnss.user, &fix);
}

static void test_a_fix(void **state)
{
        struct world *world = *state;
        struct bc_fix none = { .time_ns = START_NS, .mode = BC_FIX_NONE };

        tell(world, good);
        tell(world, good);
        assert_int_equal(now(world).fix.lat_e7, good.lat_e7);
        assert_int_equal(world->changes, 1); // gained
        tell(world, none);
        tell(world, none);
        assert_int_equal(now(world).fix.mode, BC_FIX_NONE);
        assert_int_equal(world->changes, 2); // lost
}

// An old report, told late, is no position; one of the future is of now.
static void test_times_of_reports(void **state)
{
        struct world *world = *state;
        struct bc_fix fix = good;

        fix.time_ns = START_NS - FRESH_NS;
        tell(world, fix);
        assert_int_equal(now(world).fix.mode, BC_FIX_NONE);
        assert_int_equal(world->changes, 0);
        fix.time_ns = START_NS - FRESH_NS + 1;
        tell(world, fix);
        assert_int_equal(now(world).fix.mode, BC_FIX_3D);
        fix.time_ns = INT64_MAX;
        tell(world, fix);
        assert_int_equal(now(world).fix.time_ns, START_NS);
}

static void test_what_cannot_be_is_dropped(void **state)
{
        static const struct {
                size_t offset;
                int32_t value;
        } wrong[] = {
                { offsetof(struct bc_fix, lat_e7), 900000001 },   { offsetof(struct bc_fix, lat_e7), U },
                { offsetof(struct bc_fix, lon_e7), -1800000001 }, { offsetof(struct bc_fix, lon_e7), INT32_MAX },
                { offsetof(struct bc_fix, alt_mm), 100000000 },   { offsetof(struct bc_fix, alt_mm), -20000001 },
                { offsetof(struct bc_fix, speed_mm_s), -1 },      { offsetof(struct bc_fix, speed_mm_s), 100000001 },
                { offsetof(struct bc_fix, course_cdeg), 36000 },  { offsetof(struct bc_fix, course_cdeg), -1 },
                { offsetof(struct bc_fix, accuracy_mm), -1 },     { offsetof(struct bc_fix, dop_e2), -1 },
        };
        struct world *world = *state;

        tell(world, good);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
                struct bc_fix fix = good;

                fix.utc_ns = (int64_t)i; // to be told from the good one
                *(int32_t *)(void *)((char *)&fix + wrong[i].offset) = wrong[i].value;
                tell(world, fix);
                assert_int_equal(now(world).fix.utc_ns, good.utc_ns);
        }
        world->gnss.on_error(world->gnss.user, -5);
        assert_int_equal(now(world).fix.mode, BC_FIX_3D); // it is as old as it is
}

static void test_a_clock_that_cannot_be_is_not_set(void **state)
{
        static const int64_t wrong[] = { 0, BC_BUILD_UTC_S * S - 1, INT64_C(4070908800) * S /* 2099 */, INT64_MAX, INT64_MIN };
        struct world *world = *state;
        struct bc_utc_anchor anchor = { .time_ns = START_NS, .utc_ns = UTC_NS, .uncertainty_ns = S, .source = BC_UTC_NTP };

        world->wall.on_anchor(world->wall.user, &anchor);
        assert_int_equal(now(world).utc_ns, UTC_NS);
        assert_int_equal(world->changes, 1);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
                anchor.utc_ns = wrong[i];
                world->wall.on_anchor(world->wall.user, &anchor);
                assert_int_equal(now(world).source, BC_UTC_NONE);
                assert_int_equal(now(world).utc_ns, 0);
        }
        assert_int_equal(world->changes, 2); // lost once
        anchor.utc_ns = BC_BUILD_UTC_S * S;
        world->wall.on_anchor(world->wall.user, &anchor);
        assert_int_equal(now(world).utc_ns, BC_BUILD_UTC_S * S);
        anchor.uncertainty_ns = -1;
        world->wall.on_anchor(world->wall.user, &anchor);
        assert_int_equal(now(world).source, BC_UTC_NONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_fix, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_times_of_reports, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_cannot_be_is_dropped, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_clock_that_cannot_be_is_not_set, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
