// SPDX-License-Identifier: EUPL-1.2
#include "base/utc.h"

#include <errno.h>
#include <string.h>

#include "bodycam/time.h"

// In years that begin in March the leap day is the last one, and the months' lengths repeat every five: 153 days.
// Four hundred of them are 146097 days.
#define DAYS_TO_1970 719468 // from 0000-03-01

struct date {
        int64_t year, month, day; // month and day from 1
};

static struct date date_of(int64_t days_since_1970)
{
        int64_t days = days_since_1970 + DAYS_TO_1970;
        int64_t era = days / 146097, of_era = days % 146097;
        int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
        int64_t month = (5 * of_year + 2) / 153; // from March, which is 0

        return (struct date){
                .year = 400 * era + year + (month >= 10),
                .month = month < 10 ? month + 3 : month - 9,
                .day = of_year - (153 * month + 2) / 5 + 1,
        };
}

static void put(char *at, int digits, int64_t value)
{
        while (digits-- > 0) {
                at[digits] = (char)('0' + value % 10);
                value /= 10;
        }
}

int bc_utc_format(int64_t utc_ns, char ret_text[BC_UTC_TEXT_BYTES])
{
        int64_t second = utc_ns / BC_NS_PER_S, of_day = second % 86400;
        struct date date;

        if (utc_ns < 0)
                return -ERANGE;
        date = date_of(second / 86400);
        memcpy(ret_text, "0000-00-00T00:00:00Z", BC_UTC_TEXT_BYTES);
        put(ret_text, 4, date.year);
        put(ret_text + 5, 2, date.month);
        put(ret_text + 8, 2, date.day);
        put(ret_text + 11, 2, of_day / 3600);
        put(ret_text + 14, 2, of_day / 60 % 60);
        put(ret_text + 17, 2, of_day % 60);
        return 0;
}

bool bc_utc_is_possible(int64_t utc_ns)
{
        const int64_t earliest_ns = BC_BUILD_UTC_S * BC_NS_PER_S;
        const int64_t year_ns = INT64_C(31556952) * BC_NS_PER_S; // 365.2425 days

        return utc_ns >= earliest_ns && utc_ns <= earliest_ns + BC_UTC_YEARS * year_ns;
}

static int64_t seconds_of(int year, int month, int day, int hour, int minute, int second)
{
        int64_t y = month > 2 ? year : year - 1, of_month = month > 2 ? month - 3 : month + 9;
        int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * of_month + 2) / 5 + day - 1 - DAYS_TO_1970;

        return days * 86400 + hour * 3600 + minute * 60 + second;
}

int64_t bc_utc_from(int year, int month, int day, int hour, int minute, int second)
{
        return seconds_of(year, month, day, hour, minute, second) * BC_NS_PER_S;
}

static int get(const char *at, int digits)
{
        int value = 0;

        while (digits-- > 0)
                value = value * 10 + (*at++ - '0');
        return value;
}

int bc_utc_parse(const char *text, int64_t *ret_utc_ns)
{
        static const char form[] = "0000-00-00T00:00:00Z";
        char again[BC_UTC_TEXT_BYTES];
        int64_t seconds;

        for (size_t i = 0; i < sizeof(form); i++)
                if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
                        return -EINVAL;
        if (get(text, 4) < 1970 || get(text + 5, 2) < 1 || get(text + 5, 2) > 12)
                return -EINVAL;
        seconds = seconds_of(get(text, 4), get(text + 5, 2), get(text + 8, 2), get(text + 11, 2), get(text + 14, 2),
                             get(text + 17, 2));
        if (seconds > INT64_MAX / BC_NS_PER_S)
                return -ERANGE;
        // The 31st of April, 25 o'clock: written again it is another time.
        if (bc_utc_format(seconds * BC_NS_PER_S, again) < 0 || strcmp(again, text) != 0)
                return -EINVAL;
        *ret_utc_ns = seconds * BC_NS_PER_S;
        return 0;
}
