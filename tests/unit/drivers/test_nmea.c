// SPDX-License-Identifier: EUPL-1.2
// One sentence: what it says, and all the ways in which it may say nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bodycam/time.h"
#include "nmea/nmea.h"
#include "sentences.h"

#define HOUR_NS (3600 * BC_NS_PER_S)

// The frame is added here: $body*checksum.
static int parse(const char *body, struct bc_nmea_sentence *ret, const char **ret_reason)
{
        char line[512];

        return bc_nmea_parse(line, sentence_frame(body, line, sizeof(line)), ret, ret_reason);
}

static struct bc_nmea_sentence good(const char *body)
{
        struct bc_nmea_sentence sentence;
        const char *reason = "";

        if (parse(body, &sentence, &reason) < 0)
                fail_msg("%s: %s", body, reason);
        return sentence;
}

static void bad(const char *body, const char *expected)
{
        struct bc_nmea_sentence sentence = { .lat_e7 = 77 };
        const char *reason = "";

        if (parse(body, &sentence, &reason) != -EBADMSG)
                fail_msg("%s: taken", body);
        if (strcmp(reason, expected) != 0)
                fail_msg("%s: %s, not: %s", body, reason, expected);
        assert_int_equal(sentence.lat_e7, 77);
}

static void test_gga(void **state)
{
        struct bc_nmea_sentence s = good("GPGGA,094736.25,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,46.8,M,,");

        (void)state;
        assert_int_equal(s.kind, BC_NMEA_GGA);
        assert_true(s.has_position);
        assert_false(s.differential);
        assert_int_equal(s.time_of_day_ns, 9 * HOUR_NS + (47 * 60 + 36) * BC_NS_PER_S + BC_NS_PER_S / 4);
        assert_int_equal(s.lat_e7, 528501567); // 52 + 51.0094 / 60 = 52.85015666...
        assert_int_equal(s.lon_e7, 53136200);  // 5 + 18.8172 / 60 = 5.31362
        assert_int_equal(s.alt_mm, -4000);
        assert_int_equal(s.dop_e2, 60);
        assert_int_equal(s.day, BC_NMEA_NO_DAY);
        assert_int_equal(s.speed_mm_s, BC_FIX_UNKNOWN);
        assert_int_equal(s.course_cdeg, BC_FIX_UNKNOWN);

        s = good("GNGGA,235959.999999999,0000.0000,S,00000.0000,W,2,04,99.99,,,,M,3.2,0120");
        assert_int_equal(s.time_of_day_ns, 24 * HOUR_NS - 1);
        assert_true(s.differential);
        assert_int_equal(s.lat_e7, 0);
        assert_int_equal(s.lon_e7, 0);
        assert_int_equal(s.alt_mm, BC_FIX_UNKNOWN);
        assert_int_equal(s.dop_e2, BC_FIX_UNKNOWN);
        assert_int_equal(good("GPGGA,000000,0000,N,00000,E,1,4,0.0,1234.5678,M,,").alt_mm, 1234568);
        assert_int_equal(good("GPGGA,000000,0000,N,00000,E,1,4,0.0,-0.0005,M,,").alt_mm, -1);
}

static void test_rmc(void **state)
{
        struct bc_nmea_sentence s = good("GPRMC,094737,A,5251.0093,N,00518.8170,W,5.6,230.5,200818,1.4,E,A");

        (void)state;
        assert_int_equal(s.kind, BC_NMEA_RMC);
        assert_true(s.has_position);
        assert_int_equal(s.lon_e7, -53136167);
        assert_int_equal(s.speed_mm_s, 2881); // 5.6 * 1852 / 3.6 = 2880.888...
        assert_int_equal(s.course_cdeg, 23050);
        assert_int_equal(s.day, 17763); // date -u -d 2018-08-20 +%s / 86400
        assert_int_equal(s.alt_mm, BC_FIX_UNKNOWN);

        s = good("BDRMC,094737,A,5251.0093,S,00518.8170,E,,,200818,,"); // before version 2.3
        assert_true(s.has_position);
        assert_int_equal(s.speed_mm_s, BC_FIX_UNKNOWN);
        assert_int_equal(s.course_cdeg, BC_FIX_UNKNOWN);
}

static void test_dates(void **state)
{
        static const struct {
                const char *text;
                int day; // as of `date -u -d DATE +%s` / 86400; -1: no date
        } dates[] = {
                { "010180", 3652 },  { "311299", 10956 }, { "010100", 10957 }, { "290200", 11016 },
                { "290224", 19782 }, { "010324", 19783 }, { "311279", 40176 }, { "290223", -1 },
                { "320199", -1 },    { "310499", -1 },    { "000120", -1 },    { "011320", -1 },
                { "010020", -1 },    { "1122", -1 },      { "01012020", -1 },  { "0a0120", -1 },
                { "01 120", -1 },    { "-10120", -1 },    { "01.120", -1 },
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
                char body[128];

                snprintf(body, sizeof(body), "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,%s,,,A",
                         dates[i].text);
                if (dates[i].day < 0)
                        bad(body, "no date");
                else
                        assert_int_equal(good(body).day, dates[i].day);
        }
        assert_int_equal(good("GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,,,,A").day, BC_NMEA_NO_DAY);
}

static void test_motion(void **state)
{
        static const struct {
                const char *speed, *course, *reason;
                int speed_mm_s, course_cdeg;
        } cases[] = {
                { "0", "0.0", NULL, 0, 0 },
                { "0.001", "359.994", NULL, 1, 35999 },
                { "1", "359.995", NULL, 514, 0 },
                { "2000.", "360", NULL, 1028889, 0 },
                { "2000.1", "0", "no speed", 0, 0 },
                { "-1", "0", "no speed", 0, 0 },
                { "1e3", "0", "no speed", 0, 0 },
                { "nan", "0", "no speed", 0, 0 },
                { "inf", "0", "no speed", 0, 0 },
                { "0x10", "0", "no speed", 0, 0 },
                { ".5", "0", "no speed", 0, 0 },
                { "1.2.3", "0", "no speed", 0, 0 },
                { " 1", "0", "no speed", 0, 0 },
                { "99999999999999999999999999", "0", "no speed", 0, 0 },
                { "0.00000000000000000000000001", "0", "no speed", 0, 0 },
                { "1", "360.01", "no course", 0, 0 },
                { "1", "-0.1", "no course", 0, 0 },
                { "1", "NaN", "no course", 0, 0 },
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct bc_nmea_sentence s;
                char body[192];

                snprintf(body, sizeof(body), "GPRMC,094737,A,5251.0093,N,00518.8170,E,%s,%s,200818,,,A",
                         cases[i].speed, cases[i].course);
                if (cases[i].reason) {
                        bad(body, cases[i].reason);
                        continue;
                }
                s = good(body);
                assert_int_equal(s.speed_mm_s, cases[i].speed_mm_s);
                assert_int_equal(s.course_cdeg, cases[i].course_cdeg);
        }
}

static void test_positions(void **state)
{
        static const struct {
                const char *text, *reason;
                int lat_e7, lon_e7;
        } cases[] = {
                { "9000.0000,N,18000.0000,E", NULL, 900000000, 1800000000 },
                { "9000,S,18000,W", NULL, -900000000, -1800000000 },
                { "8959.999999999,N,17959.999999999,W", NULL, 900000000, -1800000000 },
                // 0.000003 minutes are half of 10^-7 degrees
                { "0000.000003,N,00000.000003,W", NULL, 1, -1 },
                { "0000.000002999,N,00000.000002999,W", NULL, 0, 0 },
                { "0000.000008999,N,00000.000009,W", NULL, 1, -2 },
                { "9000.0000001,N,00000,E", "no latitude", 0, 0 },
                { "9100.0000,N,00000,E", "no latitude", 0, 0 },
                { "9999.9999,N,00000,E", "no latitude", 0, 0 },
                { "5260.0000,N,00000,E", "no latitude", 0, 0 },
                { "5251.0094,E,00000,E", "no latitude", 0, 0 },
                { "5251.0094,,00000,E", "no latitude", 0, 0 },
                { "5251.0094,NN,00000,E", "no latitude", 0, 0 },
                { ",N,00000,E", "no latitude", 0, 0 },
                { ",,,", "no latitude", 0, 0 },
                { "-5251.0094,N,00000,E", "no latitude", 0, 0 },
                { "NaN,N,00000,E", "no latitude", 0, 0 },
                { "5251.00 94,N,00000,E", "no latitude", 0, 0 },
                { "251.0094,N,00000,E", "no latitude", 0, 0 },
                { "05251.0094,N,00000,E", "no latitude", 0, 0 },
                { "5251.0123456789,N,00000,E", "no latitude", 0, 0 },
                { "99999999999999999999,N,00000,E", "no latitude", 0, 0 },
                { "5251.0094,N,18000.0001,E", "no longitude", 0, 0 },
                { "5251.0094,N,19000.0000,E", "no longitude", 0, 0 },
                { "5251.0094,N,0518.8172,E", "no longitude", 0, 0 },
                { "5251.0094,N,00560.0000,E", "no longitude", 0, 0 },
                { "5251.0094,N,00518.8172,N", "no longitude", 0, 0 },
                { "5251.0094,N,,", "no longitude", 0, 0 },
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct bc_nmea_sentence s;
                char body[192];

                snprintf(body, sizeof(body), "GPRMC,094737,A,%s,1,2,200818,,,A", cases[i].text);
                if (cases[i].reason) {
                        bad(body, cases[i].reason);
                } else {
                        s = good(body);
                        assert_int_equal(s.lat_e7, cases[i].lat_e7);
                        assert_int_equal(s.lon_e7, cases[i].lon_e7);
                }
                snprintf(body, sizeof(body), "GPGGA,094737,%s,1,12,0.60,-4,M,46.8,M,,", cases[i].text);
                if (cases[i].reason)
                        bad(body, cases[i].reason);
                else
                        assert_int_equal(good(body).lon_e7, cases[i].lon_e7);
        }
}

// What stands for the position does not matter then, and is not read.
static void test_no_position(void **state)
{
        static const char *const none[] = {
                "GPGGA,,,,,,0,00,99.99,,,,,,",
                "GPGGA,094737,9100,N,0,E,0,00,,nan,M,,,,",
                "GPGGA,094737,5251.0094,N,00518.8172,E,6,12,0.60,-4,M,46.8,M,,",
                "GPGGA,094737,5251.0094,N,00518.8172,E,7,12,0.60,-4,M,46.8,M,,",
                "GPGGA,094737,5251.0094,N,00518.8172,E,8,12,0.60,-4,M,46.8,M,,",
                "GPRMC,,V,,,,,,,,,,N",
                "GPRMC,094737,V,5251.0093,N,00518.8170,E,5.6,230.5,320199,1.4,E,A",
                "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,N",
                "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,E",
                "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,M",
                "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,S",
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
                struct bc_nmea_sentence s = good(none[i]);

                assert_false(s.has_position);
                assert_int_equal(s.lat_e7, BC_FIX_UNKNOWN);
                assert_int_equal(s.lon_e7, BC_FIX_UNKNOWN);
                assert_int_equal(s.day, BC_NMEA_NO_DAY);
        }
        assert_int_equal(good(none[0]).time_of_day_ns, BC_NMEA_NO_TIME);
        assert_true(good(none[1]).time_of_day_ns > 0);
}

static void test_gsa(void **state)
{
        (void)state;
        assert_int_equal(good("GPGSA,A,3,07,08,10,16,20,21,26,27,29,76,75,70,1.10,0.60,0.90").mode,
                         BC_FIX_3D);
        assert_int_equal(good("GNGSA,M,2,07,08,,,,,,,,,,,1.10,0.60,0.90,1").mode, BC_FIX_2D);
        assert_int_equal(good("GLGSA,A,1,,,,,,,,,,,,,,,").mode, BC_FIX_NONE);
        bad("GPGSA,A,4,,,,,,,,,,,,,,,", "no mode");
        bad("GPGSA,A,0,,,,,,,,,,,,,,,", "no mode");
        bad("GPGSA,A,,,,,,,,,,,,,,,,", "no mode");
        bad("GPGSA,A,3", "too few fields");
}

static void test_nonsense(void **state)
{
        static const struct {
                const char *body, *reason;
        } cases[] = {
                { "GPGGA", "too few fields" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,0.60,-4", "too few fields" },
                { "GPGGA,,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,,M,,", "no time of day" },
                { "GPGGA,246000,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,,M,,", "no time of day" },
                { "GPGGA,096037,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,,M,,", "no time of day" },
                { "GPGGA,235960,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,,M,,", "no time of day" },
                { "GPGGA,94737,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,,M,,", "no time of day" },
                { "GPGGA,09473,,,,,0,,,,,,,,", "no time of day" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,9,12,0.60,-4,M,,M,,", "no quality" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,,12,0.60,-4,M,,M,,", "no quality" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,11,12,0.60,-4,M,,M,,", "no quality" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,-0.60,-4,M,,M,,", "no dilution of precision" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,1000.1,-4,M,,M,,", "no dilution of precision" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,0.60,-4,F,,M,,", "no altitude" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,0.60,100001,M,,M,,", "no altitude" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,0.60,-10001,M,,M,,", "no altitude" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,0.60,-,M,,M,,", "no altitude" },
                { "GPGGA,094737,5251.0094,N,00518.8172,E,1,12,0.60,--4,M,,M,,", "no altitude" },
                { "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5", "too few fields" },
                { "GPRMC,094737,,5251.0093,N,00518.8170,E,5.6,230.5,200818,,,A", "no status" },
                { "GPRMC,094737,AV,5251.0093,N,00518.8170,E,5.6,230.5,200818,,,A", "no status" },
                { "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,,,X", "no mode" },
                { "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,,,AA", "no mode" },
                { "GPGGA,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", "too many fields" },
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                bad(cases[i].body, cases[i].reason);
}

static void test_others(void **state)
{
        static const char *const others[] = {
                "SDHDG,229.8,,,1.3,E",
                "GPGSV,3,1,12,07",
                "GPGLL,5251.0093,N,00518.8170,E,094736,A,A",
                "PGRMZ,93,f,3",
                "GP",
                ",,,",
                "GPRMB,A",
                "INRMC,junk",
                "IIGGA,junk",
                "AIVDM,1,1,,A,x,0",
                "GPRMCX,094737",
                "gprmc,094737",
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                assert_int_equal(good(others[i]).kind, BC_NMEA_OTHER);
}

static void test_frames(void **state)
{
#define RMC "GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,A"
#define LINE(text) text, sizeof(text) - 1
        static const struct {
                const char *line;
                size_t bytes;
                const char *reason; // NULL: fine
        } cases[] = {
                { LINE("$" RMC "*1F"), NULL },
                { LINE("$" RMC "*1f"), NULL },
                { LINE("!AIVDM,1,1,,A,0*0A"), NULL },
                { LINE("$" RMC "*1E"), "wrong checksum" },
                { LINE("$" RMC), "no checksum" },
                { LINE("$" RMC "*"), "no checksum" },
                { LINE("$" RMC "*1"), "no checksum" },
                { LINE("$" RMC "*1G"), "no checksum" },
                { LINE("$" RMC "*1F "), "no checksum" },
                { LINE("$" RMC "*1F*1F"), "wrong checksum" },
                { LINE(""), "no sentence" },
                { LINE("$"), "no checksum" },
                { LINE("*00"), "no sentence" },
                { LINE("$*00"), NULL },
                { LINE(RMC "*1F"), "no sentence" },
                { LINE(" $" RMC "*1F"), "no sentence" },
                { LINE("\\g:1-2-73874*A8\\$" RMC "*1F"), "no sentence" },
                { LINE("$GPRMC\0,094737*00"), "a character that is not printable" },
                { LINE("\0"), "a character that is not printable" },
                { LINE("$" RMC "*1F\r"), "a character that is not printable" },
                { LINE("$\xc2\xb2*70"), "a character that is not printable" },
        };
        char endless[100000];
        struct bc_nmea_sentence s;
        const char *reason = NULL;

        (void)state;
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int r = bc_nmea_parse(cases[i].line, cases[i].bytes, &s, &reason);

                if (r != (cases[i].reason ? -EBADMSG : 0) || (r < 0 && strcmp(reason, cases[i].reason) != 0))
                        fail_msg("%s: %d %s", cases[i].line, r, reason);
        }
        memset(endless, '1', sizeof(endless));
        endless[0] = '$';
        assert_int_equal(bc_nmea_parse(endless, sizeof(endless), &s, &reason), -EBADMSG);
        assert_string_equal(reason, "too long");
        // The longest one: 251 times 1.
        memcpy(endless + BC_NMEA_LINE_MAX_BYTES - 3, "*31", 3);
        assert_int_equal(bc_nmea_parse(endless, BC_NMEA_LINE_MAX_BYTES, &s, &reason), 0);
        memcpy(endless + BC_NMEA_LINE_MAX_BYTES - 2, "*00", 3);
        assert_int_equal(bc_nmea_parse(endless, BC_NMEA_LINE_MAX_BYTES + 1, &s, &reason), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gga),       cmocka_unit_test(test_rmc),
                cmocka_unit_test(test_dates),     cmocka_unit_test(test_motion),
                cmocka_unit_test(test_positions), cmocka_unit_test(test_no_position),
                cmocka_unit_test(test_gsa),       cmocka_unit_test(test_nonsense),
                cmocka_unit_test(test_others),    cmocka_unit_test(test_frames),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
