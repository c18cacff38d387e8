// SPDX-License-Identifier: EUPL-1.2
// A real log with random damage, the same in every run: half of the damaged sentences get a right checksum, so that
// the damage reaches the fields. Nothing out of range comes out, and nothing is read beyond the end.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/time.h"
#include "nmea/log.h"
#include "nmea/nmea.h"
#include "sentences.h"
#include "simulated/random.h"

#define SENTENCES 60000u
#define LOGS 300u
#define DAY_NS (24 * 3600 * BC_NS_PER_S)
#define LINE_BYTES 600

struct dice {
        uint64_t seed, index;
};

static size_t below(struct dice *dice, size_t n)
{
        return (size_t)(bc_random_at(dice->seed, dice->index++) % n);
}

// What breaks parsers, besides any byte.
static char odd_char(struct dice *dice)
{
        static const char odd[] = "0123456789.,-+*$!NSEWAVMDe\0\r\n \x80\xff";

        return below(dice, 4) == 0 ? (char)below(dice, 256) : odd[below(dice, sizeof(odd) - 1)];
}

static size_t find_field(struct dice *dice, const char *line, size_t bytes, size_t *ret_from)
{
        size_t from = below(dice, bytes), to = from;

        while (from > 0 && line[from - 1] != ',')
                from--;
        while (to < bytes && line[to] != ',' && line[to] != '*')
                to++;
        *ret_from = from;
        return to > from ? to - from : 0;
}

static size_t replace_field(struct dice *dice, char *line, size_t bytes)
{
        static const char *const odd[] = {
                "",       "-1",     "9100.0000", "18000.0001", "99999999999999999999",
                "NaN",    "inf",    "1e9",       "0x1F",       "-0",
                "320199", "290200", "246060",    "-.",         "0.0000000000000000001",
                "A",      "9",      "360.0",     "999999",     "2147483648"
        };
        const char *value = odd[below(dice, sizeof(odd) / sizeof(odd[0]))];
        size_t from, old_bytes = find_field(dice, line, bytes, &from), new_bytes = strlen(value);

        memmove(line + from + new_bytes, line + from + old_bytes, bytes - from - old_bytes);
        memcpy(line + from, value, new_bytes);
        return bytes - old_bytes + new_bytes;
}

// Room for 64 bytes more than there are.
static size_t damage(struct dice *dice, char *line, size_t bytes)
{
        size_t at = below(dice, bytes);

        switch (below(dice, 7)) {
        case 0:
                line[at] = odd_char(dice);
                return bytes;
        case 1:
                line[at] ^= (char)(1 << below(dice, 8));
                return bytes;
        case 2: // a character less
                memmove(line + at, line + at + 1, bytes - at - 1);
                return bytes - 1;
        case 3: // a character more
                memmove(line + at + 1, line + at, bytes - at);
                line[at] = odd_char(dice);
                return bytes + 1;
        case 4: // the end is missing
                return at;
        case 5: // another digit
                line[at] = (char)('0' + below(dice, 10));
                return bytes;
        default:
                return replace_field(dice, line, bytes);
        }
}

static size_t damaged(struct dice *dice, const char *sentence, size_t bytes, char *line)
{
        memcpy(line, sentence, bytes);
        for (size_t i = 0, times = 1 + below(dice, 3); i < times && bytes > 4; i++)
                bytes = damage(dice, line, bytes);
        if (bytes >= 4 && below(dice, 2) == 0)
                sentence_repair(line, bytes);
        return bytes;
}

static bool in(int32_t value, int32_t min, int32_t max)
{
        return value == BC_FIX_UNKNOWN || (value >= min && value <= max);
}

static void check_sentence(const struct bc_nmea_sentence *s)
{
        assert_true(s->kind <= BC_NMEA_GSA);
        assert_true(s->mode <= BC_FIX_3D);
        assert_true(s->time_of_day_ns >= BC_NMEA_NO_TIME && s->time_of_day_ns < DAY_NS);
        assert_true(s->day >= BC_NMEA_NO_DAY && s->day <= 40176);
        assert_true(in(s->lat_e7, -900000000, 900000000) && in(s->lon_e7, -1800000000, 1800000000));
        assert_true(in(s->alt_mm, -10000000, 100000000) && in(s->dop_e2, 1, 9998));
        assert_true(in(s->speed_mm_s, 0, 1028889) && in(s->course_cdeg, 0, 35999));
        if (s->has_position)
                assert_true(s->time_of_day_ns >= 0 && s->lat_e7 != BC_FIX_UNKNOWN &&
                            s->lon_e7 != BC_FIX_UNKNOWN);
}

static void check_fix(const struct bc_fix *fix)
{
        assert_true(fix->mode <= BC_FIX_3D);
        assert_true(fix->utc_ns == BC_UTC_UNKNOWN || (fix->utc_ns >= 0 && fix->utc_ns < 40200 * DAY_NS));
        assert_true(in(fix->lat_e7, -900000000, 900000000) && in(fix->lon_e7, -1800000000, 1800000000));
        assert_true(in(fix->alt_mm, -10000000, 100000000) && in(fix->dop_e2, 1, 9998));
        assert_true(in(fix->speed_mm_s, 0, 1028889) && in(fix->course_cdeg, 0, 35999));
        assert_true(in(fix->accuracy_mm, 38, 1499700));
        assert_int_equal(fix->mode == BC_FIX_NONE, fix->lat_e7 == BC_FIX_UNKNOWN);
        assert_int_equal(fix->mode == BC_FIX_NONE, fix->lon_e7 == BC_FIX_UNKNOWN);
}

// The next line of GGA, RMC or GSA, without its end.
static const char *next_sentence(const char *at, const char *end, size_t *ret_bytes)
{
        while (at < end) {
                const char *stop = memchr(at, '\r', (size_t)(end - at));

                if (!stop)
                        return NULL;
                *ret_bytes = (size_t)(stop - at);
                if (*ret_bytes > 6 &&
                    (!memcmp(at + 3, "GGA", 3) || !memcmp(at + 3, "RMC", 3) || !memcmp(at + 3, "GSA", 3)))
                        return at;
                at = stop + 2;
        }
        return NULL;
}

static void test_sentences(void **state)
{
        struct dice dice = { .seed = 1 };
        unsigned done = 0, taken = 0, refused = 0;
        size_t size, bytes;
        char *log = sentences_of_boat(&size);

        (void)state;
        while (done < SENTENCES)
                for (const char *at = next_sentence(log, log + size, &bytes); at;
                     at = next_sentence(at + bytes + 2, log + size, &bytes)) {
                        struct bc_nmea_sentence sentence;
                        const char *reason = NULL;
                        char line[LINE_BYTES], *exact;
                        size_t length = damaged(&dice, at, bytes, line);

                        exact = malloc(length + !length); // so that AddressSanitizer sees its end
                        assert_non_null(exact);
                        memcpy(exact, line, length);
                        if (bc_nmea_parse(exact, length, &sentence, &reason) == 0) {
                                check_sentence(&sentence);
                                taken++;
                        } else {
                                assert_non_null(reason);
                                refused++;
                        }
                        free(exact);
                        done++;
                }
        // Neither all nor nothing got through, or the damage would prove nothing.
        assert_true(taken > done / 10 && refused > done / 3);
        free(log);
}

// Damaged here and there, and then read as a whole. A position that was not in the log comes only from a sentence whose
// checksum was made right; of those alone nothing can be told.
static void test_logs(void **state)
{
        struct dice dice = { .seed = 2 };
        unsigned read = 0;
        size_t size;
        char *log = sentences_of_boat(&size), *copy = malloc(2 * size);

        (void)state;
        assert_non_null(copy);
        for (unsigned round = 0; round < LOGS; round++) {
                size_t one_in = (size_t)1 << (round % 8), copied = 0;
                struct bc_nmea_log result;
                char text[256] = "";

                for (size_t at = 0, bytes; at < size; at += bytes) {
                        const char *stop = memchr(log + at, '\n', size - at);

                        bytes = stop ? (size_t)(stop + 1 - (log + at)) : size - at;
                        if (bytes < 6 || bytes > 200 || below(&dice, one_in) > 0) {
                                memcpy(copy + copied, log + at, bytes);
                                copied += bytes;
                                continue;
                        }
                        copied += damaged(&dice, log + at, bytes - 2, copy + copied);
                        copy[copied++] = below(&dice, 20) == 0 ? 'x' : '\n';
                }
                if (bc_nmea_log_read(copy, copied, "copy", text, sizeof(text), &result) < 0) {
                        assert_true(strncmp(text, "copy:", 5) == 0);
                        continue;
                }
                read++;
                assert_true(result.count > 0 && result.fixes[0].time_ns == 0);
                for (size_t i = 0; i < result.count; i++) {
                        check_fix(&result.fixes[i]);
                        assert_true(i == 0 || result.fixes[i].time_ns >= result.fixes[i - 1].time_ns);
                }
                bc_nmea_log_done(&result);
        }
        assert_true(read > LOGS / 2);
        free(copy);
        free(log);
}

// Whether a sentence of the log says this place at this time of day.
static bool was_said(const char *log, size_t size, const struct bc_fix *fix)
{
        size_t bytes;

        for (const char *at = next_sentence(log, log + size, &bytes); at;
             at = next_sentence(at + bytes + 2, log + size, &bytes)) {
                struct bc_nmea_sentence said;
                const char *reason;

                if (bc_nmea_parse(at, bytes, &said, &reason) == 0 && said.has_position &&
                    said.lat_e7 == fix->lat_e7 && said.lon_e7 == fix->lon_e7 &&
                    (fix->utc_ns == BC_UTC_UNKNOWN || fix->utc_ns % DAY_NS == said.time_of_day_ns))
                        return true;
        }
        return false;
}

// Without repaired checksums: what comes out was in the log, or nothing. A sum of exclusive ors sees any single bit.
static void test_no_wrong_fix(void **state)
{
        struct dice dice = { .seed = 3 };
        size_t size;
        char *log = sentences_of_boat(&size), *copy = sentences_of_boat(&size), text[256];

        (void)state;
        for (unsigned round = 0; round < 20; round++) {
                struct bc_nmea_log result;

                for (unsigned i = 0; i < 20; i++) // far enough apart not to meet in one line
                        copy[size / 20 * i + below(&dice, size / 20 - 200)] ^= (char)(1 << below(&dice, 8));
                assert_int_equal(bc_nmea_log_read(copy, size, "log", text, sizeof(text), &result), 0);
                for (size_t i = 0; i < result.count; i++)
                        assert_true(result.fixes[i].mode == BC_FIX_NONE ||
                                    was_said(log, size, &result.fixes[i]));
                assert_true(result.count > 140);
                bc_nmea_log_done(&result);
                memcpy(copy, log, size);
        }
        free(copy);
        free(log);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sentences),
                cmocka_unit_test(test_logs),
                cmocka_unit_test(test_no_wrong_fix),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
