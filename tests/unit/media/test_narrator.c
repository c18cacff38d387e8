// SPDX-License-Identifier: EUPL-1.2
// Pictures as a string: I a key frame, P another one, 100 ms apart; what the telemetry lanes hold then.
#include "media/narrator.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utc.h"

#define STEP_NS (100 * BC_NS_PER_MS)
#define START_NS (50 * BC_NS_PER_S)

struct world {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_narrator narrator;
        struct bc_moment moment; // of the next picture
        struct bc_cursor cursor;
        char told[4000];
};

static struct world *make(void)
{
        static struct world world;
        const struct bc_ring_config config = {
                .lane_bytes = { 100000, 0, 100000, 100000 },
                .lane_units = { 1000, 0, 1000, 1000 },
                .pre_event_ns = 1000 * BC_NS_PER_S,
        };
        const struct bc_telemetry_stream lanes = { .text = true, .position = true };

        world = (struct world){ .moment = { .time_ns = START_NS } };
        assert_int_equal(bc_clock_new_simulated(START_NS, &world.clock), 0);
        assert_int_equal(bc_ring_new(world.clock, &config, &world.ring), 0);
        bc_narrator_init(&world.narrator, world.ring, &lanes, "D", "");
        return &world;
}

static void done(struct world *world)
{
        bc_ring_free(world->ring);
        bc_clock_free(world->clock);
}

// The pictures of the string; then what is new in the lane since the last call: the tenth of a second at which each unit
// starts, behind it ! for a text whose clock does not go on, + for a position, - for no position.
static const char *told(struct world *world, const char *pictures, enum bc_lane lane)
{
        static char text[4000];
        uint8_t bytes[1000];
        struct bc_unit unit;
        size_t used = 0;

        for (; *pictures; pictures++, world->moment.time_ns += STEP_NS) {
                bc_narrator_tell(&world->narrator, &world->moment, *pictures == 'I');
                world->moment.utc_ns += STEP_NS;
        }
        text[0] = 0;
        while (bc_ring_read(world->ring, &world->cursor, lane, bytes, sizeof(bytes), &unit) == 0) {
                bytes[unit.size_bytes] = 0;
                assert_true(unit.flags & BC_UNIT_KEY);
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lld%s", used ? " " : "",
                                         (long long)((unit.time_ns - START_NS) / STEP_NS), unit.flags & BC_UNIT_CLOCK ? "!" : "");
                if (lane == BC_LANE_POSITION)
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s",
                                                 memmem(bytes, unit.size_bytes, "GPS5", 4) ? "+" : "-");
        }
        return text;
}

static void test_texts(void **state)
{
        struct world *world = make();

        (void)state;
        assert_string_equal(told(world, "IPPPPIPPP", BC_LANE_TEXT), "0 5");
        world->moment.marks = BC_MARK_REC; // at once, and once
        assert_string_equal(told(world, "PPPIPP", BC_LANE_TEXT), "9 12");
        assert_string_equal(told(world, "PPPPPPPPPPPPPPPPPPPPP", BC_LANE_TEXT), "22 32"); // every second, key frame or not
        done(world);
}

static void test_the_clock(void **state)
{
        struct world *world = make();

        (void)state;
        assert_string_equal(told(world, "IPP", BC_LANE_TEXT), "0");
        world->moment.source = BC_UTC_NTP;
        world->moment.utc_ns = 1000 * BC_NS_PER_S;
        assert_string_equal(told(world, "PPP", BC_LANE_TEXT), "3!");
        world->moment.utc_ns += BC_UTC_STEP_NS + 1;
        assert_string_equal(told(world, "PPIP", BC_LANE_TEXT), "6! 8");
        world->moment.source = BC_UTC_RTC;
        assert_string_equal(told(world, "IP", BC_LANE_TEXT), "10!");
        world->moment.source = BC_UTC_NONE;
        assert_string_equal(told(world, "PP", BC_LANE_TEXT), "12!");
        done(world);
}

static void test_positions(void **state)
{
        struct world *world = make();

        (void)state;
        assert_string_equal(told(world, "IPPPPIPP", BC_LANE_POSITION), "0- 5-");
        world->moment.fix = (struct bc_fix){ .mode = BC_FIX_3D, .time_ns = 1 };
        assert_string_equal(told(world, "PPIPP", BC_LANE_POSITION), "8+ 10+");
        world->moment.fix.time_ns = 2;
        assert_string_equal(told(world, "IPP", BC_LANE_POSITION), "13+");
        world->moment.fix.mode = BC_FIX_NONE;
        assert_string_equal(told(world, "PPIP", BC_LANE_POSITION), "16- 18-");
        world->moment.fix.mode = BC_FIX_2D; // the same again: it was gone
        assert_string_equal(told(world, "PIP", BC_LANE_POSITION), "20+ 21+");
        done(world);
}

static void test_position_gained_and_lost_is_a_text(void **state)
{
        struct world *world = make();

        (void)state;
        assert_string_equal(told(world, "IPP", BC_LANE_TEXT), "0");
        world->moment.fix = (struct bc_fix){ .mode = BC_FIX_3D, .time_ns = 1 };
        assert_string_equal(told(world, "PP", BC_LANE_TEXT), "3");
        world->moment.fix.time_ns = 2;
        assert_string_equal(told(world, "PP", BC_LANE_TEXT), "");
        world->moment.fix.mode = BC_FIX_NONE;
        assert_string_equal(told(world, "PP", BC_LANE_TEXT), "7");
        done(world);
}

// Trouble stops nothing and is over when it is over.
static void test_a_lane_that_takes_nothing(void **state)
{
        struct world *world = make();

        (void)state;
        assert_string_equal(told(world, "IPP", BC_LANE_TEXT), "0");
        bc_narrator_end(&world->narrator, world->moment.time_ns);
        assert_string_equal(told(world, "IPP", BC_LANE_TEXT), "");
        assert_true(world->narrator.failed[BC_LANE_TEXT]);
        bc_ring_restart(world->ring);
        assert_string_equal(told(world, "IPP", BC_LANE_TEXT), "6");
        assert_false(world->narrator.failed[BC_LANE_TEXT]);
        done(world);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_the_clock),
                cmocka_unit_test(test_positions),
                cmocka_unit_test(test_position_gained_and_lost_is_a_text),
                cmocka_unit_test(test_a_lane_that_takes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
