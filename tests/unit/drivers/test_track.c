// SPDX-License-Identifier: EUPL-1.2
// Where the walk is: known points of circles and great circles, and how far it went.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "track/gnss.h"

#define EARTH_MM 6371008800.0
#define QUARTER_MM (EARTH_MM * M_PI / 2)
#define DEG_E7 10000000

static struct bc_fix at(const struct bc_track_config *config, double seconds)
{
        struct bc_fix fix;

        bc_track_gnss_position(config, config->origin_ns + llround(seconds * 1e9), &fix);
        return fix;
}

static void near(int64_t value, int64_t expected, int64_t within)
{
        if (llabs(value - expected) > within)
                fail_msg("%lld is not within %lld of %lld", (long long)value, (long long)within,
                         (long long)expected);
}

// Haversine formula: another way than the driver's.
static double distance_mm(const struct bc_fix *a, const struct bc_fix *b)
{
        double scale = M_PI / 180e7, lat_a = a->lat_e7 * scale, lat_b = b->lat_e7 * scale;
        double north = sin((lat_b - lat_a) / 2), east = sin(((double)b->lon_e7 - a->lon_e7) * scale / 2);

        return 2 * EARTH_MM * asin(sqrt(north * north + cos(lat_a) * cos(lat_b) * east * east));
}

static void test_start(void **state)
{
        struct bc_track_config config = { .origin_ns = 12345,
                                          .lat_e7 = 528501567,
                                          .lon_e7 = -53136200,
                                          .course_cdeg = 23050,
                                          .speed_mm_s = 1400,
                                          .radius_mm = 50000,
                                          .alt_mm = -4000,
                                          .accuracy_mm = 9000,
                                          .dop_e2 = 60,
                                          .utc_ns = 1700000000 * BC_NS_PER_S };
        struct bc_fix fix = at(&config, 0);

        (void)state;
        assert_int_equal(fix.time_ns, 12345);
        assert_int_equal(fix.utc_ns, 1700000000 * BC_NS_PER_S);
        assert_int_equal(fix.mode, BC_FIX_3D);
        assert_int_equal(fix.lat_e7, 528501567);
        assert_int_equal(fix.lon_e7, -53136200);
        assert_int_equal(fix.alt_mm, -4000);
        assert_int_equal(fix.speed_mm_s, 1400);
        assert_int_equal(fix.course_cdeg, 23050);
        assert_int_equal(fix.accuracy_mm, 9000);
        assert_int_equal(fix.dop_e2, 60);
        assert_int_equal(at(&config, 1.5).utc_ns, 1700000001 * BC_NS_PER_S + BC_NS_PER_S / 2);
        config.alt_mm = BC_FIX_UNKNOWN;
        config.utc_ns = BC_UTC_UNKNOWN;
        assert_int_equal(at(&config, 1).mode, BC_FIX_2D);
        assert_int_equal(at(&config, 1).utc_ns, BC_UTC_UNKNOWN);
        config.utc_ns = INT64_MAX - 5;
        assert_int_equal(at(&config, 1).utc_ns, BC_UTC_UNKNOWN);
}

static void test_straight_on(void **state)
{
        struct bc_track_config config = { .speed_mm_s = 1000000 };
        double quarter_s = QUARTER_MM / config.speed_mm_s;
        struct bc_fix fix;

        (void)state;
        near(at(&config, quarter_s / 2).lat_e7, 45 * DEG_E7, 1); // north
        assert_int_equal(at(&config, quarter_s / 2).lon_e7, 0);
        near(at(&config, quarter_s).lat_e7, 90 * DEG_E7, 1);
        fix = at(&config, quarter_s * 1.5); // over the pole and down the other side
        near(fix.lat_e7, 45 * DEG_E7, 1);
        near(llabs(fix.lon_e7), 180 * DEG_E7, 1);
        near(fix.course_cdeg, 18000, 0);
        near(at(&config, -quarter_s / 3).lat_e7, -30 * DEG_E7, 1); // where it came from

        config.course_cdeg = 9000; // east along the equator, over the date line
        near(at(&config, quarter_s).lon_e7, 90 * DEG_E7, 1);
        near(at(&config, quarter_s * 2.5).lon_e7, -135 * DEG_E7, 1);
        near(at(&config, quarter_s * 2.5).lat_e7, 0, 0);
        near(at(&config, quarter_s * 2.5).course_cdeg, 9000, 0);

        config.course_cdeg = 4500; // its highest point is at 45 N, a quarter on, where it goes east
        fix = at(&config, quarter_s);
        near(fix.lat_e7, 45 * DEG_E7, 1);
        near(fix.lon_e7, 90 * DEG_E7, 1);
        near(fix.course_cdeg, 9000, 0);
}

static void test_circle(void **state)
{
        struct bc_track_config config = {
                .lat_e7 = 528500000, .lon_e7 = 53000000, .speed_mm_s = 1400, .radius_mm = 50000
        };
        double round_s = 2 * M_PI * 50000 / 1400;
        struct bc_fix start = at(&config, 0), quarter = at(&config, round_s / 4),
                      half = at(&config, round_s / 2);

        (void)state;
        near(quarter.course_cdeg, 9000, 1);
        assert_true(quarter.lat_e7 > start.lat_e7 && quarter.lon_e7 > start.lon_e7); // clockwise
        near(half.course_cdeg, 18000, 1);
        near(half.lat_e7, start.lat_e7, 1);
        near(llround(distance_mm(&start, &half)), 100000, 10); // 10^-7 degrees are 11 mm
        near(at(&config, round_s * 1000).lat_e7, start.lat_e7, 1);
        near(at(&config, round_s * 1000).lon_e7, start.lon_e7, 1);

        config.radius_mm = -50000;
        quarter = at(&config, round_s / 4);
        near(quarter.course_cdeg, 27000, 1);
        assert_true(quarter.lat_e7 > start.lat_e7 && quarter.lon_e7 < start.lon_e7);
}

// The same speed everywhere, also across poles and the date line.
static void test_speed(void **state)
{
        static const struct {
                int lat_deg, lon_deg, radius_mm;
        } walks[] = { { 0, 180, 0 }, { 90, 0, 0 },         { -90, 77, 100000 },    { 89, 180, 200000000 },
                      { 52, 5, 0 },  { -45, -180, -1000 }, { 10, 10, 1000000000 }, { 0, 0, -1000000000 } };

        (void)state;
        for (unsigned i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
                struct bc_track_config config = { .lat_e7 = walks[i].lat_deg * DEG_E7,
                                                  .lon_e7 = walks[i].lon_deg * DEG_E7,
                                                  .course_cdeg = 1234,
                                                  .speed_mm_s = walks[i].radius_mm == -1000 ? 10 : 900000,
                                                  .radius_mm = walks[i].radius_mm };
                double step_s = walks[i].radius_mm == 100000 ? 0.001 : 1;

                for (int k = -50; k < 500; k++) {
                        struct bc_fix one = at(&config, k * step_s), two = at(&config, (k + 1) * step_s);

                        near(llround(distance_mm(&one, &two)), llround(config.speed_mm_s * step_s), 25);
                        assert_true(llabs(one.lat_e7) <= 90 * DEG_E7 && llabs(one.lon_e7) <= 180 * DEG_E7);
                        assert_in_range(one.course_cdeg, 0, 35999);
                }
        }
}

static void test_refuses(void **state)
{
        static const struct {
                struct bc_track_config config;
                const char *reason;
        } cases[] = {
                { { .origin_ns = -1 }, "origin of -1" },
                { { .lat_e7 = 900000001 }, "latitude of 900000001" },
                { { .lon_e7 = -1800000001 }, "longitude of -1800000001" },
                { { .course_cdeg = 36000 }, "course of 36000" },
                { { .speed_mm_s = -1 }, "speed of -1" },
                { { .speed_mm_s = 1000001 }, "speed of 1000001" },
                { { .radius_mm = 999 }, "radius of 999" },
                { { .radius_mm = INT32_MIN }, "radius of 2147483648" },
                { { .accuracy_mm = -1 }, "accuracy of -1" },
                { { .dop_e2 = -1 }, "dilution of precision of -1" },
                { { .interval_ns = 1 }, "interval of 1" },
                { { .interval_ns = INT64_MAX }, "interval of" },
                { { .utc_ns = -1 }, "UTC of -1" },
        };
        struct bc_clock *clock;
        struct bc_loop *loop;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        assert_int_equal(bc_loop_new(clock, &loop), 0);
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct bc_gnss *gnss;
                char text[256] = "";

                assert_int_equal(bc_track_gnss_open(loop, &cases[i].config, text, sizeof(text), &gnss),
                                 -EINVAL);
                if (!strstr(text, cases[i].reason))
                        fail_msg("%s", text);
        }
        bc_loop_free(loop);
        bc_clock_free(clock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start),   cmocka_unit_test(test_straight_on),
                cmocka_unit_test(test_circle),  cmocka_unit_test(test_speed),
                cmocka_unit_test(test_refuses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
