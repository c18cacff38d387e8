// SPDX-License-Identifier: EUPL-1.2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bodycam/time.h"
#include "media/overlay_text.h"

static void assert_time(enum bc_utc_source source, int64_t utc_ns, const char *expected)
{
        struct bc_moment moment = { .source = source, .utc_ns = utc_ns };
        char text[BC_OVERLAY_TEXT_BYTES];

        bc_overlay_text_time(&moment, text);
        assert_string_equal(text, expected);
}

static void test_time(void **state)
{
        int64_t instant_ns = INT64_C(1795655534) * BC_NS_PER_S;

        (void)state;
        assert_time(BC_UTC_GNSS, instant_ns, "2026-11-26T01:12:14Z");
        assert_time(BC_UTC_RTC, instant_ns + BC_NS_PER_S - 1, "2026-11-26T01:12:14Z");
        assert_time(BC_UTC_NONE, instant_ns, "TIME NOT SET");
        assert_time(BC_UTC_NTP, -1, "TIME NOT SET");
        assert_time(BC_UTC_NTP, BC_UTC_UNKNOWN, "TIME NOT SET");
}

static void assert_position(enum bc_fix_mode mode, int32_t lat_e7, int32_t lon_e7, int32_t accuracy_mm,
                            const char *expected)
{
        struct bc_moment moment = {
                .fix = { .mode = mode, .lat_e7 = lat_e7, .lon_e7 = lon_e7, .accuracy_mm = accuracy_mm },
        };
        char text[BC_OVERLAY_TEXT_BYTES];

        bc_overlay_text_position(&moment, text);
        assert_string_equal(text, expected);
        assert_true(strlen(text) <= strlen(BC_OVERLAY_POSITION_WIDEST));
}

static void test_position(void **state)
{
        (void)state;
        assert_position(BC_FIX_3D, 593293000, 180686000, 5000, "59.329300 18.068600 ±5 m");
        assert_position(BC_FIX_2D, -338568000, 1512153000, 12000, "-33.856800 151.215300 ±12 m");
        assert_position(BC_FIX_3D, 407127750, -740059730, BC_FIX_UNKNOWN, "40.712775 -74.005973 ±?");
        assert_position(BC_FIX_NONE, 593293000, 180686000, 5000, "NO FIX");
}

static void test_degrees_are_the_nearest_millionth(void **state)
{
        (void)state;
        assert_position(BC_FIX_3D, 4, -4, 1000, "0.000000 0.000000 ±1 m"); // no minus nothing
        assert_position(BC_FIX_3D, 5, -5, 1000, "0.000001 -0.000001 ±1 m");
        assert_position(BC_FIX_3D, 9999994, -9999995, 1000, "0.999999 -1.000000 ±1 m");
        assert_position(BC_FIX_3D, 900000000, -1800000000, 1000, "90.000000 -180.000000 ±1 m");
        assert_position(BC_FIX_3D, INT32_MIN, INT32_MAX, INT32_MAX, "-214.748365 214.748365 ±2147484 m");
}

static void test_accuracy_never_promises_more(void **state)
{
        (void)state;
        assert_position(BC_FIX_3D, 0, 0, 0, "0.000000 0.000000 ±1 m");
        assert_position(BC_FIX_3D, 0, 0, 1, "0.000000 0.000000 ±1 m");
        assert_position(BC_FIX_3D, 0, 0, 1001, "0.000000 0.000000 ±2 m");
        assert_position(BC_FIX_3D, 0, 0, -1, "0.000000 0.000000 ±?");
}

static void test_marks(void **state)
{
        (void)state;
        assert_string_equal(bc_overlay_text_mark(0), "REC");
        assert_string_equal(bc_overlay_text_mark(1), "EMERGENCY");
        assert_string_equal(bc_overlay_text_mark(2), "MUTED");
        assert_int_equal(BC_MARK_BITS, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_position),
                cmocka_unit_test(test_degrees_are_the_nearest_millionth),
                cmocka_unit_test(test_accuracy_never_promises_more),
                cmocka_unit_test(test_marks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
