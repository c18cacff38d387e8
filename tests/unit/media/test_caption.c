// SPDX-License-Identifier: EUPL-1.2
#include "media/caption.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/utc.h"
#include "bodycam/time.h"

#define U BC_FIX_UNKNOWN
#define UTC_NS (INT64_C(1795655534) * BC_NS_PER_S + 900 * BC_NS_PER_MS) // 2026-11-26T01:12:14.9Z

static const struct bc_fix stockholm = {
        .mode = BC_FIX_3D, .lat_e7 = 593293000, .lon_e7 = 180686000, .alt_mm = 12345, .speed_mm_s = 1449, .course_cdeg = 23149,
        .accuracy_mm = 4001,
};

static const char *caption(const char *unit, bool gnss, const struct bc_moment *moment, const struct bc_moment *before)
{
        static uint8_t bytes[BC_CAPTION_BYTES_MAX + 1];
        size_t size = bc_caption_write("DEV-1", unit, gnss, moment, before, bytes);

        assert_in_range(size, 2, BC_CAPTION_BYTES_MAX);
        assert_int_equal((size_t)bytes[0] << 8 | bytes[1], size - 2);
        bytes[size] = 0;
        return (const char *)bytes + 2;
}

static struct bc_moment now(void)
{
        return (struct bc_moment){ .time_ns = 1000, .source = BC_UTC_NTP, .utc_ns = UTC_NS, .uncertainty_ns = 49 * BC_NS_PER_MS,
                                   .fix = stockholm };
}

static void test_all_of_it(void **state)
{
        struct bc_moment moment = now();

        (void)state;
        moment.marks = BC_MARK_REC | BC_MARK_EMERGENCY | BC_MARK_MUTED;
        assert_string_equal(caption("Wache 7", true, &moment, NULL),
                            "2026-11-26 011214Z within 0.050 s of ntp DEV-1 Wache 7 REC EMERGENCY MUTED\n"
                            "within 5 m, 1.4 m/s, course 231\n"
                            "Lat:59.329300 Lon:18.068600 Alt:12.3");
}

static void test_what_is_not_known(void **state)
{
        struct bc_moment moment = { .fix = { .mode = BC_FIX_NONE } };

        (void)state;
        assert_string_equal(caption("", false, &moment, NULL), "TIME NOT SET DEV-1");
        assert_string_equal(caption("", true, &moment, NULL), "TIME NOT SET DEV-1\nNO FIX");
        moment.fix = (struct bc_fix){ .mode = BC_FIX_2D, .lat_e7 = -1, .lon_e7 = -1800000000, .alt_mm = U, .speed_mm_s = U,
                                      .course_cdeg = U, .accuracy_mm = U };
        assert_string_equal(caption("", true, &moment, NULL),
                            "TIME NOT SET DEV-1\naccuracy not known\nLat:0.000000 Lon:-180.000000");
        moment.fix.alt_mm = -450;
        moment.fix.lat_e7 = -5;
        moment.fix.course_cdeg = 35999;
        assert_string_equal(caption("", true, &moment, NULL),
                            "TIME NOT SET DEV-1\naccuracy not known, course 0\nLat:-0.000001 Lon:-180.000000 Alt:-0.4");
}

static void test_a_clock_that_was_set(void **state)
{
        struct bc_moment before = now(), moment = now();

        (void)state;
        moment.fix.mode = BC_FIX_NONE;
        moment.time_ns += BC_NS_PER_S;
        moment.utc_ns += BC_NS_PER_S + 10 * BC_NS_PER_MS; // read so
        assert_null(strstr(caption("", false, &moment, &before), "CLOCK"));
        moment.utc_ns += BC_NS_PER_MS;
        assert_non_null(strstr(caption("", false, &moment, &before), "\nCLOCK SET by +0.011 s"));
        moment.utc_ns -= 3600 * BC_NS_PER_S;
        assert_non_null(strstr(caption("", false, &moment, &before), "\nCLOCK SET by -3599.989 s"));
        before.source = BC_UTC_NONE;
        assert_non_null(strstr(caption("", false, &moment, &before), "\nCLOCK SET"));
        assert_null(strstr(caption("", false, &moment, &before), "CLOCK SET by"));
        before.source = BC_UTC_NTP;
        moment.source = BC_UTC_NONE;
        assert_non_null(strstr(caption("", false, &moment, &before), "\nCLOCK LOST"));
}

// Whatever it is told: bounded, and no colon but the position's, by which programs find it.
static void test_hostile(void **state)
{
        static const int32_t numbers[] = { INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX };
        static const int64_t times[] = { INT64_MIN, -1, 0, INT64_MAX };
        char unit[400];

        (void)state;
        memset(unit, ':', sizeof(unit));
        unit[sizeof(unit) - 1] = 0;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
                for (size_t j = 0; j < sizeof(times) / sizeof(*times); j++) {
                        struct bc_moment moment = {
                                .source = BC_UTC_GNSS, .utc_ns = times[j], .uncertainty_ns = times[j], .marks = UINT32_MAX,
                                .fix = { .mode = BC_FIX_3D, .lat_e7 = numbers[i], .lon_e7 = numbers[i],
                                         .alt_mm = numbers[i] == INT32_MIN ? U : numbers[i], .speed_mm_s = numbers[i],
                                         .course_cdeg = numbers[i] == INT32_MAX ? 0 : numbers[i],
                                         .accuracy_mm = numbers[i] == INT32_MAX ? 0 : numbers[i] },
                        };
                        const char *text = caption(unit, true, &moment, NULL);
                        size_t colons = 0;

                        for (const char *c = text; *c; c++)
                                colons += *c == ':';
                        assert_int_equal(colons, moment.fix.alt_mm == U ? 2 : 3);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_of_it),
                cmocka_unit_test(test_what_is_not_known),
                cmocka_unit_test(test_a_clock_that_was_set),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
