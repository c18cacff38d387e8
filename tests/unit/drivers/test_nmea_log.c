// SPDX-License-Identifier: EUPL-1.2
// A whole log: epochs, times, what is dropped and what is refused.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/time.h"
#include "nmea/log.h"
#include "sentences.h"

#define DAY_NS (24 * 3600 * BC_NS_PER_S)
#define MIDNIGHT_NS (17763 * DAY_NS) // 2018-08-20

// A log in the making: one body after the other, with the frame added.
struct text {
        char bytes[65536];
        size_t size;
};

static void add_raw(struct text *text, const char *raw)
{
        size_t size = strlen(raw);

        assert_true(text->size + size <= sizeof(text->bytes));
        memcpy(text->bytes + text->size, raw, size);
        text->size += size;
}

static void add(struct text *text, const char *body)
{
        char line[512];

        sentence_frame(body, line, sizeof(line));
        add_raw(text, line);
        add_raw(text, "\r\n");
}

// Fixes of a place by which they are told apart: minutes is of latitude 52 N.
static void add_gga(struct text *text, const char *time, int minutes)
{
        char body[128];

        snprintf(body, sizeof(body), "GPGGA,%s,52%02d.0000,N,00500.0000,E,1,12,0.60,-4,M,46.8,M,,", time,
                 minutes);
        add(text, body);
}

static void add_rmc(struct text *text, const char *time, const char *date, int minutes)
{
        char body[128];

        snprintf(body, sizeof(body), "GPRMC,%s,A,52%02d.0000,N,00500.0000,E,1.0,90.0,%s,,,A", time, minutes,
                 date);
        add(text, body);
}

static struct bc_nmea_log read_good(const struct text *text)
{
        struct bc_nmea_log log;
        char message[256] = "";

        if (bc_nmea_log_read(text->bytes, text->size, "x.nmea", message, sizeof(message), &log) < 0)
                fail_msg("%s", message);
        return log;
}

static void read_bad(const struct text *text, int expected, const char *expected_message)
{
        struct bc_nmea_log log;
        char message[256] = "";

        assert_int_equal(bc_nmea_log_read(text->bytes, text->size, "x.nmea", message, sizeof(message), &log),
                         expected);
        assert_string_equal(message, expected_message);
}

// A string of fixes: place in minutes and time in seconds of each, "-" for none.
static void check(const struct text *text, const char *expected)
{
        struct bc_nmea_log log = read_good(text);
        char story[1024] = "";
        size_t used = 0;

        for (size_t i = 0; i < log.count; i++) {
                const struct bc_fix *fix = &log.fixes[i];

                if (fix->mode == BC_FIX_NONE)
                        used += (size_t)snprintf(story + used, sizeof(story) - used, "-@%g ",
                                                 (double)fix->time_ns / 1e9);
                else
                        used += (size_t)snprintf(
                                story + used, sizeof(story) - used, "%d@%g ",
                                (int)(((fix->lat_e7 - 520000000) * 60LL + 5000000) / 10000000),
                                (double)fix->time_ns / 1e9);
        }
        assert_string_equal(story, expected);
        bc_nmea_log_done(&log);
}

static void test_the_boat(void **state)
{
        struct bc_nmea_log log;
        char message[256] = "";
        size_t size;
        char *bytes = sentences_of_boat(&size);

        (void)state;
        assert_int_equal(bc_nmea_log_read(bytes, size, "boat", message, sizeof(message), &log), 0);
        assert_int_equal(log.lines, 5007);
        assert_int_equal(log.bad_reports, 0);
        assert_in_range(log.count, 138, 148); // 09:47:36 to 09:50:03, a few are missing
        for (size_t i = 0; i < log.count; i++) {
                const struct bc_fix *fix = &log.fixes[i];

                assert_int_equal(fix->time_ns % BC_NS_PER_S, 0);
                if (i > 0) {
                        assert_true(fix->time_ns > fix[-1].time_ns);
                        // The first GGA comes before any date.
                        assert_int_equal(fix->utc_ns, MIDNIGHT_NS + ((9 * 60 + 47) * 60 + 36) * BC_NS_PER_S +
                                                              fix->time_ns);
                }
                assert_int_not_equal(fix->mode, BC_FIX_NONE);
                assert_in_range(fix->lat_e7, 528400000,
                                528502000); // IJsselmeer, 52,51N 005,18E, says the log
                assert_in_range(fix->lon_e7, 53000000, 53137000);
                if (fix->speed_mm_s != BC_FIX_UNKNOWN)                // an epoch without RMC
                        assert_in_range(fix->speed_mm_s, 2000, 4000); // up to 6.7 knots
        }
        assert_int_equal(log.fixes[0].utc_ns, BC_UTC_UNKNOWN);
        assert_int_equal(log.fixes[0].lat_e7, 528501567);
        assert_int_equal(log.fixes[0].alt_mm, -4000);
        assert_int_equal(log.fixes[0].dop_e2, 60);
        assert_int_equal(log.fixes[0].accuracy_mm, 9000); // 0.60 * 15 m
        assert_int_equal(log.fixes[0].mode, BC_FIX_3D);
        assert_int_equal(log.fixes[1].course_cdeg, 23050);
        assert_int_equal(log.fixes[log.count - 1].time_ns, 147 * BC_NS_PER_S);
        bc_nmea_log_done(&log);
        free(bytes);
}

static void test_an_epoch(void **state)
{
        struct text text = { .size = 0 };
        struct bc_nmea_log log;

        (void)state;
        add_rmc(&text, "120000", "200818", 1);
        add_gga(&text, "120000", 2);
        add_gga(&text, "120000", 3); // the last one counts
        add(&text, "GPGSA,A,1,,,,,,,,,,,,,1,1,1");
        add(&text, "GLGSA,A,3,,,,,,,,,,,,,1,1,1"); // the best one counts
        add(&text, "IIGGA,120000,,,,,0,,,,,,,,");  // not a receiver
        add_rmc(&text, "120001.5", "200818", 4);   // RMC alone
        add(&text, "GPGGA,120002,5205.0000,N,00500.0000,E,2,12,2.01,7.5,M,46.8,M,,");
        add(&text, "GPGSA,A,2,,,,,,,,,,,,,1,1,1");
        check(&text, "3@0 4@1.5 5@2 ");
        log = read_good(&text);
        assert_int_equal(log.fixes[0].mode, BC_FIX_3D);
        assert_int_equal(log.fixes[0].speed_mm_s, 514);
        assert_int_equal(log.fixes[0].course_cdeg, 9000);
        assert_int_equal(log.fixes[0].utc_ns, MIDNIGHT_NS + 12 * 3600 * BC_NS_PER_S);
        assert_int_equal(log.fixes[1].mode, BC_FIX_2D);
        assert_int_equal(log.fixes[1].alt_mm, BC_FIX_UNKNOWN);
        assert_int_equal(log.fixes[1].accuracy_mm, BC_FIX_UNKNOWN);
        assert_int_equal(log.fixes[2].mode, BC_FIX_2D);
        assert_int_equal(log.fixes[2].alt_mm, BC_FIX_UNKNOWN);
        assert_int_equal(log.fixes[2].accuracy_mm, 7538); // 2.01 * 3.75 m
        assert_int_equal(log.fixes[2].utc_ns, MIDNIGHT_NS + 12 * 3600 * BC_NS_PER_S + 2 * BC_NS_PER_S);
        bc_nmea_log_done(&log);
        bc_nmea_log_done(&log);
}

static void test_no_position(void **state)
{
        struct text text = { .size = 0 };
        struct bc_nmea_log log;

        (void)state;
        for (unsigned i = 0; i < 3; i++) { // switched on: no time yet
                add(&text, "GPRMC,,V,,,,,,,,,,N");
                add(&text, "GPGGA,,,,,,0,00,99.99,,,,,,");
                add(&text, "GPGSA,A,1,,,,,,,,,,,,,,,");
        }
        add(&text, "GPRMC,120000,V,,,,,,,060180,,,N");
        add(&text, "GPGGA,120000,5209.0000,N,00500.0000,E,1,12,0.60,-4,M,46.8,M,,"); // RMC says no
        add_gga(&text, "120001", 1);
        add_rmc(&text, "120002", "200818", 2);
        add(&text, "GPGSA,A,1,,,,,,,,,,,,,,,"); // GSA says no
        add_gga(&text, "120003", 3);
        add(&text, "GPGGA,,,,,,0,00,99.99,,,,,,");
        add(&text, "GPGGA,,,,,,0,00,99.99,,,,,,");
        add(&text, "GPGGA,,,,,,0,00,99.99,,,,,,");
        add_gga(&text, "120005", 5); // the three were nearer together
        add_gga(&text, "120010", 6);
        check(&text, "-@0 -@1 -@2 -@3 1@4 -@5 3@6 -@7 -@8 -@9 5@9 6@13 ");
        log = read_good(&text);
        assert_int_equal(log.fixes[3].utc_ns, BC_UTC_UNKNOWN);
        assert_int_equal(log.fixes[3].lat_e7, BC_FIX_UNKNOWN);
        assert_int_equal(log.fixes[3].dop_e2, BC_FIX_UNKNOWN);
        assert_int_equal(log.fixes[6].utc_ns, MIDNIGHT_NS + (12 * 3600 + 3) * BC_NS_PER_S);
        bc_nmea_log_done(&log);
}

static void test_midnight(void **state)
{
        struct text text = { .size = 0 };
        struct bc_nmea_log log;

        (void)state;
        add_rmc(&text, "235958", "190818", 1);
        add_gga(&text, "235959", 2); // no date of its own
        add_gga(&text, "000000", 3);
        add_rmc(&text, "000001", "200818", 4);
        add_rmc(&text, "000000", "210818", 5);   // a day less a second later
        add_rmc(&text, "000000.5", "220818", 6); // more than a day later
        check(&text, "1@0 2@1 3@2 4@3 5@86402 ");
        log = read_good(&text);
        assert_int_equal(log.fixes[2].utc_ns, MIDNIGHT_NS);
        assert_int_equal(log.fixes[3].utc_ns, MIDNIGHT_NS + BC_NS_PER_S);
        bc_nmea_log_done(&log);
}

static void test_wrong_times(void **state)
{
        struct text text = { .size = 0 };
        struct bc_nmea_log log;

        (void)state;
        add_rmc(&text, "120000", "200818", 1);
        add_rmc(&text, "120001", "200818", 2);
        add_rmc(&text, "115959", "200818", 3); // back
        add_rmc(&text, "120001", "200818", 4); // again
        add_rmc(&text, "120002", "200818", 5);
        add_rmc(&text, "170003", "200818", 6); // ahead
        add_rmc(&text, "120003", "200818", 7);
        add_rmc(&text, "120004", "200899", 8); // back by years
        add_rmc(&text, "120005", "200838", 9); // ahead by years
        add_gga(&text, "120004", 10);
        add_gga(&text, "115900", 11); // back, without a date
        add_gga(&text, "120006", 12);
        add_gga(&text, "130006", 13); // the receiver was off for an hour
        check(&text, "1@0 2@1 5@2 7@3 10@4 12@6 13@3606 ");
        log = read_good(&text);
        assert_int_equal(log.bad_reports, 6);
        assert_int_equal(log.bad_lines, 0);
        assert_int_equal(log.bad_at, 3);
        assert_string_equal(log.reason, "its time goes back");
        bc_nmea_log_done(&log);

        // A first report that is wrong makes all others wrong: better nothing than that.
        text.size = 0;
        add_rmc(&text, "115959", "200838", 1);
        add_rmc(&text, "120000", "200818", 2);
        add_rmc(&text, "120001", "200818", 3);
        read_bad(&text, -EBADMSG, "x.nmea:2: its time goes back; 0 of 3 lines dropped, 2 of 3 reports");
}

static void test_lines(void **state)
{
        static const char *const ends[] = { "\n", "\r\n", "\r" };
        struct text text = { .size = 0 };
        struct bc_nmea_log log;
        char line[512];

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                text.size = 0;
                for (int k = 0; k < 3; k++) {
                        char time[8], body[128];

                        snprintf(time, sizeof(time), "12000%d", k);
                        snprintf(body, sizeof(body),
                                 "GPRMC,%s,A,520%d.0000,N,00500.0000,E,1.0,90.0,200818,,,A", time, k);
                        sentence_frame(body, line, sizeof(line));
                        add_raw(&text, line);
                        if (k < 2 || i < 2) // the last line may have no end
                                add_raw(&text, ends[i]);
                        if (k == 1)
                                add_raw(&text, ends[i]); // an empty line
                }
                check(&text, "0@0 1@1 2@2 ");
                log = read_good(&text);
                assert_int_equal(log.lines, 4);
                assert_int_equal(log.bad_lines, 0);
                bc_nmea_log_done(&log);
        }
}

static void test_dropped_lines(void **state)
{
        struct text text = { .size = 0 };
        struct bc_nmea_log log;

        (void)state;
        add_raw(&text, "# a comment of more than 255 characters with \xc2\xb2 in it ");
        for (unsigned i = 0; i < 30; i++)
                add_raw(&text, "..........");
        add_raw(&text, "\n");
        add_gga(&text, "120000", 1);
        add_raw(&text, "$GPGGA,120001,5202.0000,N,00500.0000,E,1,12,0.60,-4,M,46.8,M,,\n"); // no checksum
        add_raw(&text, "$GPGGA,120001,5202.0000,N,00500.0000,E,1,12,0.60,-4,M,46.8,M,,*00\n");
        add(&text, "GPGGA,120001,9102.0000,N,00500.0000,E,1,12,0.60,-4,M,46.8,M,,");
        add_raw(&text, "$GPGGA,120001,52\n");
        memcpy(text.bytes + text.size, "$GP\0\0\0\n", 7);
        text.size += 7;
        for (unsigned i = 0; i < 3000; i++)
                add_raw(&text, "endless...");
        add_raw(&text, "\n");
        add_gga(&text, "120003", 3);
        check(&text, "1@0 3@3 ");
        log = read_good(&text);
        assert_int_equal(log.lines, 9);
        assert_int_equal(log.bad_lines, 6);
        assert_int_equal(log.bad_at, 3);
        assert_string_equal(log.reason, "no checksum");
        bc_nmea_log_done(&log);
}

static void test_refused(void **state)
{
        struct text text = { .size = 0 };

        (void)state;
        read_bad(&text, -EBADMSG, "x.nmea: no report of a receiver in 0 lines");
        add_raw(&text, "# nothing\r\n\r\n");
        add(&text, "SDHDG,229.8,,,1.3,E");
        add(&text, "GPGSA,A,3,,,,,,,,,,,,,1,1,1"); // belongs to nothing
        read_bad(&text, -EBADMSG, "x.nmea: no report of a receiver in 4 lines");
        add(&text, "GPGGA,120001,9102.0000,N,00500.0000,E,1,12,0.60,-4,M,46.8,M,,");
        add_raw(&text, "a film\n");
        read_bad(&text, -EBADMSG, "x.nmea:5: no latitude; 2 of 6 lines dropped, 0 of 0 reports");
}

static void test_too_many(void **state)
{
        size_t size = 0, room = (size_t)(BC_NMEA_REPORTS_MAX + 1) * 40;
        char *bytes = malloc(room), message[128] = "";
        struct bc_nmea_log log;

        (void)state;
        assert_non_null(bytes);
        for (unsigned i = 0; i <= BC_NMEA_REPORTS_MAX; i++) {
                memcpy(bytes + size, "$GPGGA,,,,,,0,,,,,\n", 19);
                size += 19;
        }
        assert_int_equal(bc_nmea_log_read(bytes, size, "x", message, sizeof(message), &log), -EBADMSG);
        for (size_t i = 0, to = 0; i < BC_NMEA_REPORTS_MAX + 1; i++) {
                to += sentence_frame("GPGGA,,,,,,0,,,,,", bytes + to, room - to);
                bytes[to++] = '\n';
                size = to;
        }
        assert_int_equal(bc_nmea_log_read(bytes, size, "x", message, sizeof(message), &log), -EFBIG);
        assert_string_equal(message, "x:1000001: more than 1000000 reports");
        free(bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_boat),      cmocka_unit_test(test_an_epoch),
                cmocka_unit_test(test_no_position),   cmocka_unit_test(test_midnight),
                cmocka_unit_test(test_wrong_times),   cmocka_unit_test(test_lines),
                cmocka_unit_test(test_dropped_lines), cmocka_unit_test(test_refused),
                cmocka_unit_test(test_too_many),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
