// SPDX-License-Identifier: EUPL-1.2
// UTC as text. Where it comes from and how wrong it may be is in bodycam/wall.h.
#ifndef BC_BASE_UTC_H
#define BC_BASE_UTC_H

#include <stdbool.h>
#include <stdint.h>

#define BC_UTC_TEXT_BYTES sizeof("1970-01-01T00:00:00Z")

// The whole second that utc_ns (since 1970-01-01Z) lies in, as ISO 8601 and RFC 3339 have it: 2026-11-26T01:12:14Z.
// 0; -ERANGE before 1970. Takes no lock and no memory, whatever the locale and the time zone. The latest time the
// type holds is 2262-04-11T23:47:16Z.
int bc_utc_format(int64_t utc_ns, char ret_text[BC_UTC_TEXT_BYTES]);

// Whether a clock that shows this can have been set: not before this build (BC_BUILD_UTC_S, see CMakeLists.txt), nor more
// than BC_UTC_YEARS after it.
#define BC_UTC_YEARS 30
bool bc_utc_is_possible(int64_t utc_ns);

// The other way: exactly that form, years from 1970. 0; -EINVAL: another form, or no such time (leap seconds neither);
// -ERANGE: later than the type holds.
int bc_utc_parse(const char *text, int64_t *ret_utc_ns);

// The start of a UTC second. Any month from 1 to 12, day 1 to 31, of the years 1970 to 2261; nothing is checked.
int64_t bc_utc_from(int year, int month, int day, int hour, int minute, int second);

#endif
