// SPDX-License-Identifier: EUPL-1.2
// Battery: the level at the start, and then each one that is new, once.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "simulated/battery.h"

#define UNKNOWN BC_BATTERY_UNKNOWN

struct levels {
        unsigned count;
        struct bc_battery_level newest;
};

static void on_level(void *user, const struct bc_battery_level *level)
{
        struct levels *levels = user;

        levels->count++;
        levels->newest = *level;
}

static int set(struct bc_battery *battery, int32_t percent, int32_t minutes, bool charging)
{
        return bc_simulated_battery_set(battery, &(struct bc_battery_level){ percent, minutes, charging });
}

static void assert_newest(const struct levels *levels, unsigned count, int32_t percent, int32_t minutes, bool charging)
{
        assert_int_equal(levels->count, count);
        assert_int_equal(levels->newest.percent, percent);
        assert_int_equal(levels->newest.minutes, minutes);
        assert_int_equal(levels->newest.charging, charging);
}

static void test_levels(void **state)
{
        struct levels levels = { 0 };
        struct bc_battery_sink sink = { .on_level = on_level, .user = &levels };
        struct bc_battery *battery;

        (void)state;
        assert_int_equal(bc_simulated_battery_open(&(struct bc_battery_level){ 90, UNKNOWN, false }, &battery), 0);
        assert_true(battery->simulated);
        assert_string_equal(battery->driver, "simulated");
        assert_int_equal(set(battery, 80, 100, false), -ENODEV);

        assert_int_equal(bc_battery_start(battery, &sink), 0);
        assert_newest(&levels, 1, 90, UNKNOWN, false);
        assert_int_equal(bc_battery_start(battery, &sink), -EALREADY);
        assert_int_equal(set(battery, 89, 240, false), 0);
        assert_newest(&levels, 2, 89, 240, false);
        assert_int_equal(set(battery, 89, 240, false), 0); // no change, nothing told
        assert_int_equal(levels.count, 2);
        // Each of the three is a change of its own, and nothing at all may be known.
        assert_int_equal(set(battery, 89, 239, false), 0);
        assert_int_equal(set(battery, 89, 239, true), 0);
        assert_newest(&levels, 4, 89, 239, true);
        assert_int_equal(set(battery, 0, 0, false), 0);
        assert_int_equal(set(battery, 100, INT32_MAX, true), 0);
        assert_int_equal(set(battery, UNKNOWN, UNKNOWN, false), 0);
        assert_newest(&levels, 7, UNKNOWN, UNKNOWN, false);

        bc_battery_stop(battery);
        assert_int_equal(set(battery, 50, 60, false), -ENODEV);
        assert_int_equal(levels.count, 7);
        assert_int_equal(bc_battery_start(battery, &sink), 0);
        assert_newest(&levels, 8, UNKNOWN, UNKNOWN, false);
        bc_battery_free(battery);
        bc_battery_free(NULL);
}

static void test_nonsense(void **state)
{
        static const struct bc_battery_level nonsense[] = {
                { 101, 1, false }, { -2, 1, false }, { INT32_MAX, 1, true }, { INT32_MIN, 1, true }, { 50, -2, false },
                { 50, INT32_MIN, false },
        };
        struct levels levels = { 0 };
        struct bc_battery_sink sink = { .on_level = on_level, .user = &levels };
        struct bc_battery *battery;

        (void)state;
        assert_int_equal(bc_simulated_battery_open(&(struct bc_battery_level){ 50, 60, true }, &battery), 0);
        assert_int_equal(bc_battery_start(battery, &sink), 0);
        for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
                struct bc_battery *other = NULL;

                assert_int_equal(bc_simulated_battery_set(battery, &nonsense[i]), -EINVAL);
                assert_int_equal(bc_simulated_battery_open(&nonsense[i], &other), -EINVAL);
                assert_null(other);
        }
        assert_newest(&levels, 1, 50, 60, true);
        bc_battery_free(battery);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_levels), cmocka_unit_test(test_nonsense) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
