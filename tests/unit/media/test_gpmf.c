// SPDX-License-Identifier: EUPL-1.2
// Written by the module, read by a few lines that know nothing but key, type, size and repeat.
#include "media/gpmf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define U BC_FIX_UNKNOWN

static uint32_t u32(const uint8_t *at)
{
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// Writes what is there as one line: KEY(...) for what holds others, KEY=value for the rest.
static size_t show(const uint8_t *bytes, size_t size, char *text, size_t room)
{
        size_t used = 0;

        for (size_t at = 0; at < size;) {
                const uint8_t *value = bytes + at + 8;
                size_t element = bytes[at + 5], count = (size_t)bytes[at + 6] << 8 | bytes[at + 7];
                size_t bytes_in = element * count, padded = (bytes_in + 3) / 4 * 4;
                char type = (char)bytes[at + 4];

                assert_true(at + 8 + padded <= size);
                used += (size_t)snprintf(text + used, room - used, "%s%.4s", used ? " " : "", (const char *)bytes + at);
                if (type == 0) {
                        used += (size_t)snprintf(text + used, room - used, "(");
                        used += show(value, padded, text + used, room - used);
                        used += (size_t)snprintf(text + used, room - used, ")");
                } else if (type == 'c' || type == 'U') {
                        used += (size_t)snprintf(text + used, room - used, "=");
                        for (size_t i = 0; i < bytes_in; i++)
                                used += (size_t)snprintf(text + used, room - used, "%c", value[i] ? value[i] : '_');
                } else if (type == 'S') {
                        used += (size_t)snprintf(text + used, room - used, "=%u", u32(value) >> 16);
                } else {
                        for (size_t i = 0; i < bytes_in; i += 4)
                                used += (size_t)snprintf(text + used, room - used, "%s%d", i ? "," : "=", (int32_t)u32(value + i));
                }
                at += 8 + padded;
                assert_true(used < room);
        }
        return used;
}

static const char *gpmf(const char *device, const struct bc_fix *fix)
{
        static uint8_t bytes[BC_GPMF_BYTES_MAX];
        static char text[2000];
        size_t size = bc_gpmf_write(device, fix, bytes);

        assert_in_range(size, 1, BC_GPMF_BYTES_MAX);
        assert_int_equal(size % 4, 0);
        show(bytes, size, text, sizeof(text));
        return text;
}

static void test_a_fix(void **state)
{
        const struct bc_fix fix = { .utc_ns = INT64_C(1795655534987654321), .mode = BC_FIX_3D, .lat_e7 = 593293000,
                                    .lon_e7 = -180686000, .alt_mm = -12345, .speed_mm_s = 1400, .course_cdeg = 23149,
                                    .accuracy_mm = 4000, .dop_e2 = 90 };

        (void)state;
        assert_string_equal(gpmf("DEV-1", &fix),
                            "DEVC(DVID=1 DVNM=DEV-1 STRM(STNM=GNSS GPSF=3 GPSU=261126011214.987 GPSP=90 "
                            "UNIT=deg_deg_m___m/s_m/s_ SCAL=10000000,10000000,1000,1000,1000 "
                            "GPS5=593293000,-180686000,-12345,1400,1400) "
                            "STRM(STNM=Course over ground, true SIUN=deg SCAL=100 Crse=23149) "
                            "STRM(STNM=Horizontal accuracy, 95 % SIUN=m SCAL=1000 Accu=4000))");
}

static void test_a_poor_fix(void **state)
{
        struct bc_fix fix = { .utc_ns = BC_UTC_UNKNOWN, .mode = BC_FIX_2D, .alt_mm = U, .speed_mm_s = U, .course_cdeg = U,
                              .accuracy_mm = U, .dop_e2 = U };
        const char *expected = "DEVC(DVID=1 DVNM= STRM(STNM=GNSS GPSF=2 GPSP=9999 UNIT=deg_deg_m___m/s_m/s_ "
                               "SCAL=10000000,10000000,1000,1000,1000 GPS5=0,0,0,0,0))";

        (void)state;
        assert_string_equal(gpmf("", &fix), expected);
        fix.utc_ns = INT64_MAX; // a year that it cannot say
        assert_string_equal(gpmf("", &fix), expected);
        fix.utc_ns = INT64_C(946684799) * 1000000000; // 1999
        assert_string_equal(gpmf("", &fix), expected);
}

static void test_no_fix(void **state)
{
        const struct bc_fix fix = { .mode = BC_FIX_NONE, .lat_e7 = 5 };

        (void)state;
        assert_string_equal(gpmf("D", &fix), "DEVC(DVID=1 DVNM=D STRM(STNM=GNSS GPSF=0))");
}

static void test_bounds(void **state)
{
        struct bc_fix fix = { .utc_ns = INT64_C(1795655534987654321), .mode = BC_FIX_3D, .dop_e2 = INT32_MAX };
        char device[300];

        (void)state;
        memset(device, 'D', sizeof(device));
        device[sizeof(device) - 1] = 0;
        fix.lat_e7 = fix.lon_e7 = fix.alt_mm = fix.speed_mm_s = fix.course_cdeg = fix.accuracy_mm = INT32_MAX;
        assert_non_null(strstr(gpmf(device, &fix), "GPSP=9999"));
        fix.lat_e7 = fix.lon_e7 = fix.alt_mm = fix.speed_mm_s = fix.course_cdeg = fix.accuracy_mm = -INT32_MAX;
        fix.dop_e2 = -1;
        assert_non_null(strstr(gpmf(device, &fix), "GPSP=9999"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_fix),
                cmocka_unit_test(test_a_poor_fix),
                cmocka_unit_test(test_no_fix),
                cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
