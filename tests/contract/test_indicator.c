// SPDX-License-Identifier: EUPL-1.2
// Indicator: it shows the newest level, and the simulated one tells what it showed, and when.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "simulated/indicator.h"

struct world {
        struct bc_clock *clock;
        struct bc_indicator *indicator;
};

static int setup(void **state)
{
        static struct world world;

        assert_int_equal(bc_clock_new_simulated(BC_NS_PER_S, &world.clock), 0);
        assert_int_equal(bc_simulated_indicator_open(world.clock, &world.indicator), 0);
        *state = &world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        bc_indicator_free(world->indicator);
        bc_indicator_free(NULL);
        bc_clock_free(world->clock);
        return 0;
}

static int show(const struct world *world, int64_t time_ns, uint32_t lights, uint16_t tone_hz, bool vibration)
{
        bc_clock_run_until(world->clock, time_ns);
        return bc_indicator_set(world->indicator, &(struct bc_indication){ lights, tone_hz, vibration });
}

static void assert_change(const struct bc_simulated_indicator_change *change, int64_t time_ns, uint32_t lights,
                          uint16_t tone_hz, bool vibration)
{
        assert_int_equal(change->time_ns, time_ns);
        assert_int_equal(change->indication.lights, lights);
        assert_int_equal(change->indication.tone_hz, tone_hz);
        assert_int_equal(change->indication.vibration, vibration);
}

static void test_levels(void **state)
{
        const struct world *world = *state;
        struct bc_simulated_indicator_change change[8];
        struct bc_indication shown;
        uint64_t lost = 99;

        assert_true(world->indicator->simulated);
        assert_string_equal(world->indicator->driver, "simulated");
        assert_int_equal(world->indicator->lights, BC_LIGHT_ALL);
        assert_true(world->indicator->has_tone);
        assert_true(world->indicator->has_vibration);
        assert_int_equal(bc_simulated_indicator_take(world->indicator, change, 8, &lost), 0);
        assert_int_equal(lost, 0);

        assert_int_equal(show(world, 2 * BC_NS_PER_S, 0, 0, false), 0); // what it shows already
        assert_int_equal(show(world, 3 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 0, false), 0);
        assert_int_equal(show(world, 4 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 880, false), 0);
        assert_int_equal(show(world, 5 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 880, false), 0);
        assert_int_equal(show(world, 6 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 880, true), 0);
        // A light that no device has; the others are shown.
        assert_int_equal(show(world, 7 * BC_NS_PER_S, BC_LIGHT_GREEN | 1u << 5, 0, false), -EINVAL);
        shown = bc_simulated_indicator_shows(world->indicator);
        assert_int_equal(shown.lights, BC_LIGHT_GREEN);

        assert_int_equal(bc_simulated_indicator_take(world->indicator, change, 3, &lost), 3);
        assert_change(&change[0], 3 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 0, false);
        assert_change(&change[1], 4 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 880, false);
        assert_change(&change[2], 6 * BC_NS_PER_S, BC_LIGHT_RED | BC_LIGHT_BLUE, 880, true);
        assert_int_equal(bc_simulated_indicator_take(world->indicator, change, 3, &lost), 1);
        assert_change(&change[0], 7 * BC_NS_PER_S, BC_LIGHT_GREEN, 0, false);
        assert_int_equal(bc_simulated_indicator_take(world->indicator, change, 3, &lost), 0);
        assert_int_equal(lost, 0);
}

static void test_newest_are_kept(void **state)
{
        const struct world *world = *state;
        struct bc_simulated_indicator_change change[BC_SIMULATED_INDICATOR_CHANGES + 1];
        uint64_t lost;

        for (int i = 1; i <= BC_SIMULATED_INDICATOR_CHANGES + 10; i++)
                assert_int_equal(show(world, (i + 1) * BC_NS_PER_S, 0, (uint16_t)i, false), 0);
        assert_int_equal(bc_simulated_indicator_take(world->indicator, change, BC_SIMULATED_INDICATOR_CHANGES + 1, &lost),
                         BC_SIMULATED_INDICATOR_CHANGES);
        assert_int_equal(lost, 10);
        for (int i = 0; i < BC_SIMULATED_INDICATOR_CHANGES; i++)
                assert_change(&change[i], (i + 12) * BC_NS_PER_S, 0, (uint16_t)(i + 11), false);
        assert_int_equal(show(world, 999 * BC_NS_PER_S, 0, 0, false), 0);
        assert_int_equal(bc_simulated_indicator_take(world->indicator, change, 1, &lost), 1);
        assert_int_equal(lost, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
                cmocka_unit_test_setup_teardown(test_newest_are_kept, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
