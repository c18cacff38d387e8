// SPDX-License-Identifier: EUPL-1.2
#include "media/telemetry.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"

#define S BC_NS_PER_S
#define START_NS (100 * S)
#define FRESH_NS (3 * S)

struct world {
        struct bc_clock *clock;
        struct bc_telemetry *telemetry;
};

static int set_up(void **state)
{
        static struct world world;

        assert_int_equal(bc_clock_new_simulated(START_NS, &world.clock), 0);
        assert_int_equal(bc_telemetry_new(world.clock, FRESH_NS, &world.telemetry), 0);
        *state = &world;
        return 0;
}

static int tear_down(void **state)
{
        struct world *world = *state;

        bc_telemetry_free(world->telemetry);
        bc_clock_free(world->clock);
        return 0;
}

static struct bc_moment at(struct world *world, int64_t time_ns)
{
        struct bc_moment moment;

        bc_telemetry_at(world->telemetry, time_ns, &moment);
        assert_int_equal(moment.time_ns, time_ns);
        return moment;
}

static void set_fix(struct world *world, int64_t now_ns, enum bc_fix_mode mode, int32_t lat_e7)
{
        const struct bc_fix fix = { .time_ns = now_ns, .mode = mode, .lat_e7 = lat_e7 };

        bc_clock_run_until(world->clock, now_ns);
        bc_telemetry_set_fix(world->telemetry, &fix);
}

static void set_anchor(struct world *world, int64_t now_ns, int64_t utc_ns, enum bc_utc_source source)
{
        const struct bc_utc_anchor anchor = { .time_ns = now_ns, .utc_ns = utc_ns, .uncertainty_ns = 7, .source = source };

        bc_clock_run_until(world->clock, now_ns);
        bc_telemetry_set_anchor(world->telemetry, &anchor);
}

static void test_nothing_is_known_at_first(void **state)
{
        struct bc_moment moment = at(*state, START_NS);

        assert_int_equal(moment.source, BC_UTC_NONE);
        assert_int_equal(moment.fix.mode, BC_FIX_NONE);
        assert_int_equal(moment.marks, 0);
        at(*state, 0);
        at(*state, INT64_MAX);
}

// A frame that was captured before the change, and is asked for after it, is of before.
static void test_marks_change_between_two_frames(void **state)
{
        struct world *world = *state;

        bc_clock_run_until(world->clock, 110 * S);
        bc_telemetry_set_marks(world->telemetry, BC_MARK_REC);
        bc_clock_run_until(world->clock, 120 * S);
        bc_telemetry_set_marks(world->telemetry, BC_MARK_REC | BC_MARK_EMERGENCY);
        bc_telemetry_set_marks(world->telemetry, BC_MARK_MUTED); // in the same instant: the last one counts
        assert_int_equal(at(world, 110 * S - 1).marks, 0);
        assert_int_equal(at(world, 110 * S).marks, BC_MARK_REC);
        assert_int_equal(at(world, 120 * S - 1).marks, BC_MARK_REC);
        assert_int_equal(at(world, 120 * S).marks, BC_MARK_MUTED);
        assert_int_equal(at(world, 999 * S).marks, BC_MARK_MUTED);
}

static void test_a_position_is_never_repeated_when_it_is_old(void **state)
{
        struct world *world = *state;

        set_fix(world, 110 * S, BC_FIX_3D, 1);
        set_fix(world, 111 * S, BC_FIX_2D, 2);
        assert_int_equal(at(world, 110 * S - 1).fix.mode, BC_FIX_NONE);
        assert_int_equal(at(world, 110 * S).fix.lat_e7, 1);
        assert_int_equal(at(world, 111 * S - 1).fix.lat_e7, 1);
        assert_int_equal(at(world, 111 * S).fix.lat_e7, 2);
        assert_int_equal(at(world, 111 * S + FRESH_NS - 1).fix.mode, BC_FIX_2D);
        assert_int_equal(at(world, 111 * S + FRESH_NS).fix.mode, BC_FIX_NONE);
        assert_int_equal(at(world, 111 * S + FRESH_NS).fix.lat_e7, 0); // nothing of it is left
        set_fix(world, 112 * S, BC_FIX_NONE, 3);
        assert_int_equal(at(world, 112 * S).fix.mode, BC_FIX_NONE); // the receiver said so
        assert_int_equal(at(world, 112 * S - 1).fix.lat_e7, 2);
}

static void test_utc_goes_on_from_the_newest_anchor(void **state)
{
        struct world *world = *state;

        set_anchor(world, 110 * S, 1000 * S, BC_UTC_NTP);
        assert_int_equal(at(world, 110 * S - 1).source, BC_UTC_NONE);
        assert_int_equal(at(world, 115 * S).utc_ns, 1005 * S);
        assert_int_equal(at(world, 115 * S).uncertainty_ns, 7);
        set_anchor(world, 120 * S, 5000 * S, BC_UTC_RTC);
        assert_int_equal(at(world, 120 * S - 1).utc_ns, 1010 * S - 1);
        assert_int_equal(at(world, 121 * S).utc_ns, 5001 * S);
        set_anchor(world, 130 * S, 77, BC_UTC_NONE);
        assert_int_equal(at(world, 130 * S).source, BC_UTC_NONE);
        assert_int_equal(at(world, 130 * S).utc_ns, 0);
}

static void test_what_is_forgotten(void **state)
{
        struct world *world = *state;

        for (int i = 0; i < 3 * BC_TELEMETRY_FIXES; i++)
                set_fix(world, START_NS + i * S / 10, BC_FIX_3D, i);
        for (int i = 2 * BC_TELEMETRY_FIXES; i < 3 * BC_TELEMETRY_FIXES; i++)
                assert_int_equal(at(world, START_NS + i * S / 10).fix.lat_e7, i);
        // Before the oldest one that is remembered: a fix of later must not be shown as one of then.
        assert_int_equal(at(world, START_NS).fix.mode, BC_FIX_NONE);
}

struct race {
        struct world *world;
        int64_t rounds;
};

static void tell(void *user)
{
        struct race *race = user;

        for (int64_t i = 1; i <= race->rounds; i++) {
                const struct bc_utc_anchor anchor = { .utc_ns = i, .uncertainty_ns = i, .source = BC_UTC_NTP };
                const struct bc_fix fix = { .time_ns = START_NS, .mode = BC_FIX_3D, .lat_e7 = (int32_t)i, .lon_e7 = (int32_t)i };

                bc_telemetry_set_anchor(race->world->telemetry, &anchor);
                bc_telemetry_set_fix(race->world->telemetry, &fix);
        }
}

// Two threads: what is read belongs together.
static void test_threads(void **state)
{
        struct race race = { *state, 20000 };
        struct bc_thread *thread;
        int64_t seen = 0;

        assert_int_equal(bc_thread_start(race.world->clock, "tell", tell, &race, &thread), 0);
        while (seen < race.rounds) {
                struct bc_moment moment = at(race.world, START_NS);

                if (moment.source == BC_UTC_NONE)
                        continue;
                assert_int_equal(moment.utc_ns - START_NS, moment.uncertainty_ns);
                assert_int_equal(moment.fix.lat_e7, moment.fix.lon_e7);
                assert_true(moment.uncertainty_ns >= seen);
                seen = moment.uncertainty_ns;
        }
        bc_thread_join(thread);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing_is_known_at_first, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_marks_change_between_two_frames, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_position_is_never_repeated_when_it_is_old, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_utc_goes_on_from_the_newest_anchor, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_is_forgotten, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_threads, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
