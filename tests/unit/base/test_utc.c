// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/utc.h"
#include "bodycam/time.h"

static void assert_utc(int64_t utc_ns, const char *expected)
{
        char text[BC_UTC_TEXT_BYTES];
        int64_t second_ns;

        assert_int_equal(bc_utc_format(utc_ns, text), 0);
        assert_string_equal(text, expected);
        assert_int_equal(bc_utc_parse(text, &second_ns), 0);
        assert_int_equal(second_ns, utc_ns / BC_NS_PER_S * BC_NS_PER_S);
}

static void test_known_instants(void **state)
{
        (void)state;
        assert_utc(0, "1970-01-01T00:00:00Z");
        assert_utc(INT64_C(951782399) * BC_NS_PER_S, "2000-02-28T23:59:59Z");
        assert_utc(INT64_C(951782400) * BC_NS_PER_S, "2000-02-29T00:00:00Z");
        assert_utc(INT64_C(1234567890) * BC_NS_PER_S, "2009-02-13T23:31:30Z");
        assert_utc(INT64_C(1795655534) * BC_NS_PER_S, "2026-11-26T01:12:14Z");
        assert_utc(INT64_C(4107542400) * BC_NS_PER_S, "2100-03-01T00:00:00Z"); // 2100 is no leap year
        assert_utc(INT64_MAX, "2262-04-11T23:47:16Z");
}

// A time is that of the second it lies in: a clock never shows what is still to come.
static void test_a_second_lasts_until_the_next(void **state)
{
        (void)state;
        assert_utc(1, "1970-01-01T00:00:00Z");
        assert_utc(BC_NS_PER_S - 1, "1970-01-01T00:00:00Z");
        assert_utc(BC_NS_PER_S, "1970-01-01T00:00:01Z");
}

static void test_every_day_as_the_c_library_has_it(void **state)
{
        int64_t last_day = INT64_MAX / BC_NS_PER_S / 86400;

        (void)state;
        for (int64_t day = 0; day <= last_day; day++) {
                time_t second = (time_t)(day * 86400 + day * 7919 % 86400);
                char expected[64];
                struct tm tm;

                if (second > INT64_MAX / BC_NS_PER_S)
                        break;
                assert_non_null(gmtime_r(&second, &tm));
                assert_int_equal(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm), BC_UTC_TEXT_BYTES - 1);
                assert_utc((int64_t)second * BC_NS_PER_S, expected);
        }
}

static void test_what_is_no_time(void **state)
{
        static const char *const wrong[] = {
                "", "2", "2026-11-26", "2026-11-26T01:12:14", "2026-11-26T01:12:14z", "2026-11-26 01:12:14Z", "2026-11-26T01:12:14ZZ",
                "2026-11-26T01:12:14.5Z", "2026-11-26T01:12:14+00:00", "2026-13-26T01:12:14Z", "2026-00-26T01:12:14Z",
                "2026-11-00T01:12:14Z", "2026-11-31T01:12:14Z", "2026-02-29T01:12:14Z", "2026-11-26T24:00:00Z",
                "2026-11-26T01:60:14Z", "2016-12-31T23:59:60Z", "1969-12-31T23:59:59Z", "+026-11-26T01:12:14Z", "2026-1a-26T01:12:14Z",
        };
        int64_t utc_ns = 77;

        (void)state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
                assert_int_equal(bc_utc_parse(wrong[i], &utc_ns), -EINVAL);
        assert_int_equal(bc_utc_parse("2262-04-11T23:47:17Z", &utc_ns), -ERANGE);
        assert_int_equal(bc_utc_parse("9999-12-31T23:59:59Z", &utc_ns), -ERANGE);
        assert_int_equal(utc_ns, 77);
}

static void test_before_1970_there_is_nothing(void **state)
{
        char text[BC_UTC_TEXT_BYTES] = "untouched";

        (void)state;
        assert_int_equal(bc_utc_format(-1, text), -ERANGE);
        assert_int_equal(bc_utc_format(INT64_MIN, text), -ERANGE);
        assert_string_equal(text, "untouched");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_instants),
                cmocka_unit_test(test_a_second_lasts_until_the_next),
                cmocka_unit_test(test_every_day_as_the_c_library_has_it),
                cmocka_unit_test(test_what_is_no_time),
                cmocka_unit_test(test_before_1970_there_is_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
