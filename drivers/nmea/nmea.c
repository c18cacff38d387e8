// SPDX-License-Identifier: EUPL-1.2
#include "nmea/nmea.h"

#include <errno.h>
#include <string.h>

#include "base/utc.h"
#include "bodycam/time.h"

#define FIELDS_MAX 40
#define DIGITS_MAX 9 // before and after the point: a value of 10^-9 fits into 64 bits
#define UNIT INT64_C(1000000000)
#define DAY_NS (24 * 3600 * BC_NS_PER_S)

#define SPEED_MAX_KN 2000
#define ALT_MIN_M (-10000)
#define ALT_MAX_M 100000
#define DOP_UNKNOWN_E2 9999 // and 0: what receivers write when they have none

struct field {
        const char *at;
        size_t bytes;
};

static const struct field *field_at(const struct field *fields, size_t count, size_t i)
{
        static const struct field empty = { "", 0 };

        return i < count ? &fields[i] : &empty;
}

static bool is(const struct field *field, char c)
{
        return field->bytes == 1 && field->at[0] == c;
}

// ---- numbers -------------------------------------------------------------------------------------------------

static int digit(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : -1;
}

// digits[.digits], without a sign, in 10^-9. *ret_digits: how many stood before the point.
static bool read_decimal(const char *at, size_t bytes, int64_t *ret_value, unsigned *ret_digits)
{
        int64_t whole = 0, fraction = 0, scale = UNIT;
        size_t i = 0;

        for (; i < bytes && digit(at[i]) >= 0; i++) {
                if (i == DIGITS_MAX)
                        return false;
                whole = whole * 10 + digit(at[i]);
        }
        if (i == 0)
                return false;
        *ret_digits = (unsigned)i;
        if (i < bytes && at[i++] != '.')
                return false;
        for (; i < bytes; i++) {
                if (digit(at[i]) < 0 || scale == 1)
                        return false;
                scale /= 10;
                fraction += digit(at[i]) * scale;
        }
        *ret_value = whole * UNIT + fraction;
        return true;
}

static bool read_plain(const struct field *field, int64_t max, int64_t *ret_value)
{
        unsigned digits;

        return read_decimal(field->at, field->bytes, ret_value, &digits) && *ret_value <= max * UNIT;
}

// value * times / by, to nearest, halves away from 0.
static int32_t scaled(int64_t value, int64_t times, int64_t by)
{
        int64_t product = value * times;

        return (int32_t)((product + (product < 0 ? -by : by) / 2) / by);
}

static int64_t two_digits(const char *at)
{
        return digit(at[0]) < 0 || digit(at[1]) < 0 ? INT64_C(1000) : digit(at[0]) * 10 + digit(at[1]);
}

// hhmmss[.s...]. A leap second (60) has no place in UTC as counted here.
static bool read_time(const struct field *field, int64_t *ret_time_ns)
{
        int64_t hours, minutes, value;
        unsigned digits;

        if (!read_decimal(field->at, field->bytes, &value, &digits) || digits != 6)
                return false;
        hours = two_digits(field->at);
        minutes = two_digits(field->at + 2);
        value %= 100 * UNIT;
        if (hours > 23 || minutes > 59 || value >= 60 * UNIT)
                return false;
        *ret_time_ns = (hours * 60 + minutes) * 60 * BC_NS_PER_S + value;
        return true;
}

// Days since 1970-01-01 of a date of the Gregorian calendar, year >= 1970.
static int32_t day_of(int year, int month, int day)
{
        return (int32_t)(bc_utc_from(year, month, day, 0, 0, 0) / (86400 * BC_NS_PER_S));
}

// ddmmyy. 80 to 99 are years of the 20th century: there was no receiver before.
static bool read_date(const struct field *field, int32_t *ret_day)
{
        int day, month, year;

        if (field->bytes != 6)
                return false;
        day = (int)two_digits(field->at);
        month = (int)two_digits(field->at + 2);
        year = (int)two_digits(field->at + 4);
        if (day < 1 || month < 1 || month > 12 || year > 99)
                return false;
        year += year >= 80 ? 1900 : 2000;
        if (day > day_of(month == 12 ? year + 1 : year, month % 12 + 1, 1) - day_of(year, month, 1))
                return false;
        *ret_day = day_of(year, month, day);
        return true;
}

// [d]ddmm.mmmm and a letter. A minute in 10^-9 is 1/6000 of 10^-7 degrees.
static bool read_angle(const struct field *value, const struct field *side, unsigned degree_digits, char plus,
                       char minus, int64_t max_degrees, int32_t *ret_e7)
{
        int64_t number, minutes;
        unsigned digits;

        if (!read_decimal(value->at, value->bytes, &number, &digits) || digits != degree_digits + 2)
                return false;
        minutes = number % (100 * UNIT);
        if (minutes >= 60 * UNIT)
                return false;
        minutes += number / (100 * UNIT) * 60 * UNIT;
        if (minutes > max_degrees * 60 * UNIT)
                return false;
        if (!is(side, plus) && !is(side, minus))
                return false;
        *ret_e7 = scaled(is(side, minus) ? -minutes : minutes, 1, 6000);
        return true;
}

// ---- sentences -----------------------------------------------------------------------------------------------

static const char *read_position(const struct field *fields, struct bc_nmea_sentence *ret)
{
        if (!read_angle(&fields[0], &fields[1], 2, 'N', 'S', 90, &ret->lat_e7))
                return "no latitude";
        if (!read_angle(&fields[2], &fields[3], 3, 'E', 'W', 180, &ret->lon_e7))
                return "no longitude";
        return NULL;
}

// May be empty only where there is no position.
static const char *read_time_of(const struct field *field, struct bc_nmea_sentence *ret)
{
        if (field->bytes == 0 && !ret->has_position)
                return NULL;
        return read_time(field, &ret->time_of_day_ns) ? NULL : "no time of day";
}

static const char *read_altitude(const struct field *value, const struct field *unit,
                                 struct bc_nmea_sentence *ret)
{
        bool minus = value->bytes > 0 && value->at[0] == '-';
        struct field size = { value->at + minus, value->bytes - minus };
        int64_t number;

        if (value->bytes == 0)
                return NULL;
        if (!is(unit, 'M') || !read_plain(&size, minus ? -ALT_MIN_M : ALT_MAX_M, &number))
                return "no altitude";
        ret->alt_mm = scaled(minus ? -number : number, 1, UNIT / 1000);
        return NULL;
}

static const char *read_dop(const struct field *field, struct bc_nmea_sentence *ret)
{
        int64_t number;
        int32_t dop_e2;

        if (field->bytes == 0)
                return NULL;
        if (!read_plain(field, 1000, &number))
                return "no dilution of precision";
        dop_e2 = scaled(number, 1, UNIT / 100);
        if (dop_e2 > 0 && dop_e2 < DOP_UNKNOWN_E2)
                ret->dop_e2 = dop_e2;
        return NULL;
}

// Time, position (4), quality, satellites, HDOP, altitude, M, geoid, M, age, station.
static const char *read_gga(const struct field *fields, size_t count, struct bc_nmea_sentence *ret)
{
        const struct field *quality = field_at(fields, count, 6);
        const char *reason;

        if (count < 11)
                return "too few fields";
        if (quality->bytes != 1 || digit(quality->at[0]) < 0 || digit(quality->at[0]) > 8)
                return "no quality";
        // 1 satellites alone, 2 differential, 3 military, 4 and 5 real-time kinematic; 6 estimated, 7 typed in,
        // 8 simulated.
        ret->has_position = strchr("12345", quality->at[0]) != NULL;
        ret->differential = strchr("245", quality->at[0]) != NULL;
        reason = read_time_of(&fields[1], ret);
        if (reason || !ret->has_position)
                return reason;
        reason = read_position(&fields[2], ret);
        if (!reason)
                reason = read_dop(&fields[8], ret);
        return reason ? reason : read_altitude(&fields[9], &fields[10], ret);
}

static const char *read_motion(const struct field *speed, const struct field *course,
                               struct bc_nmea_sentence *ret)
{
        int64_t number;

        if (speed->bytes > 0) {
                if (!read_plain(speed, SPEED_MAX_KN, &number))
                        return "no speed";
                ret->speed_mm_s = scaled(number, 1852, 3600 * (UNIT / 1000)); // a knot is 1852 m in 3600 s
        }
        if (course->bytes > 0) {
                if (!read_plain(course, 360, &number))
                        return "no course";
                ret->course_cdeg = scaled(number, 1, UNIT / 100) % 36000;
        }
        return NULL;
}

// Time, status, position (4), speed, course, date, variation (2), mode (since version 2.3), status (since 4.1).
static const char *read_rmc(const struct field *fields, size_t count, struct bc_nmea_sentence *ret)
{
        const struct field *status = field_at(fields, count, 2), *mode = field_at(fields, count, 12);
        const char *reason;

        if (count < 10)
                return "too few fields";
        if (!is(status, 'A') && !is(status, 'V'))
                return "no status";
        if (mode->bytes > 1 || (mode->bytes == 1 && !strchr("ADPRFNEMS", mode->at[0])))
                return "no mode";
        ret->has_position = is(status, 'A') && (mode->bytes == 0 || strchr("ADPRF", mode->at[0]));
        reason = read_time_of(&fields[1], ret);
        if (reason || !ret->has_position)
                return reason;
        if (fields[9].bytes > 0 && !read_date(&fields[9], &ret->day))
                return "no date";
        reason = read_position(&fields[3], ret);
        return reason ? reason : read_motion(&fields[7], &fields[8], ret);
}

// Automatic or by hand, mode, 12 satellites, PDOP, HDOP, VDOP.
static const char *read_gsa(const struct field *fields, size_t count, struct bc_nmea_sentence *ret)
{
        const struct field *mode = field_at(fields, count, 2);

        if (count < 15)
                return "too few fields";
        if (mode->bytes != 1 || mode->at[0] < '1' || mode->at[0] > '3')
                return "no mode";
        ret->mode = (enum bc_fix_mode)(mode->at[0] - '1');
        return NULL;
}

// GPS, several, GLONASS, Galileo, BeiDou (two), QZSS, NavIC. Others repeat what they were told or steer by.
static bool is_receiver(const char *talker)
{
        static const char talkers[][3] = { "GP", "GN", "GL", "GA", "GB", "BD", "GQ", "GI" };

        for (size_t i = 0; i < sizeof(talkers) / sizeof(talkers[0]); i++)
                if (memcmp(talker, talkers[i], 2) == 0)
                        return true;
        return false;
}

static const char *read_sentence(const struct field *fields, size_t count, struct bc_nmea_sentence *ret)
{
        static const struct {
                char name[4];
                enum bc_nmea_kind kind;
                const char *(*read)(const struct field *fields, size_t count, struct bc_nmea_sentence *ret);
        } kinds[] = {
                { "GGA", BC_NMEA_GGA, read_gga },
                { "RMC", BC_NMEA_RMC, read_rmc },
                { "GSA", BC_NMEA_GSA, read_gsa },
        };

        if (fields[0].bytes != 5 || !is_receiver(fields[0].at))
                return NULL;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (memcmp(fields[0].at + 2, kinds[i].name, 3) == 0) {
                        ret->kind = kinds[i].kind;
                        return kinds[i].read(fields, count, ret);
                }
        return NULL;
}

// ---- framing -------------------------------------------------------------------------------------------------

static int hex(char c)
{
        if (digit(c) >= 0)
                return digit(c);
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// $...*hh, or ! for encapsulated ones: the checksum is the exclusive or of what is between.
static const char *check_frame(const char *line, size_t bytes)
{
        int sum = 0;

        if (bytes > BC_NMEA_LINE_MAX_BYTES)
                return "too long";
        for (size_t i = 0; i < bytes; i++)
                if (line[i] < 0x20 || line[i] > 0x7e)
                        return "a character that is not printable";
        if (bytes < 1 || (line[0] != '$' && line[0] != '!'))
                return "no sentence";
        if (bytes < 4 || line[bytes - 3] != '*' || hex(line[bytes - 2]) < 0 || hex(line[bytes - 1]) < 0)
                return "no checksum";
        for (size_t i = 1; i < bytes - 3; i++)
                sum ^= line[i];
        return sum == hex(line[bytes - 2]) * 16 + hex(line[bytes - 1]) ? NULL : "wrong checksum";
}

static size_t split(const char *at, const char *end, struct field *fields)
{
        size_t count = 0;

        for (;;) {
                const char *comma = memchr(at, ',', (size_t)(end - at));

                if (count == FIELDS_MAX)
                        return 0;
                fields[count++] = (struct field){ at, (size_t)((comma ? comma : end) - at) };
                if (!comma)
                        return count;
                at = comma + 1;
        }
}

int bc_nmea_parse(const char *line, size_t bytes, struct bc_nmea_sentence *ret_sentence,
                  const char **ret_reason)
{
        struct bc_nmea_sentence sentence = {
                .time_of_day_ns = BC_NMEA_NO_TIME,
                .day = BC_NMEA_NO_DAY,
                .lat_e7 = BC_FIX_UNKNOWN,
                .lon_e7 = BC_FIX_UNKNOWN,
                .alt_mm = BC_FIX_UNKNOWN,
                .dop_e2 = BC_FIX_UNKNOWN,
                .speed_mm_s = BC_FIX_UNKNOWN,
                .course_cdeg = BC_FIX_UNKNOWN,
        };
        struct field fields[FIELDS_MAX];
        const char *reason = check_frame(line, bytes);
        size_t count;

        if (!reason && line[0] == '$') {
                count = split(line + 1, line + bytes - 3, fields);
                reason = count == 0 ? "too many fields" : read_sentence(fields, count, &sentence);
        }
        if (reason) {
                *ret_reason = reason;
                return -EBADMSG;
        }
        *ret_sentence = sentence;
        return 0;
}
