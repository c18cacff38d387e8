// SPDX-License-Identifier: EUPL-1.2
// One sentence of NMEA 0183 (IEC 61162-1): checked and turned into whole numbers. Pure functions.
#ifndef BC_NMEA_NMEA_H
#define BC_NMEA_NMEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/gnss.h"

#define BC_NMEA_LINE_MAX_BYTES                                                                               \
        255 // the standard says 82 with CR LF; receivers of many systems write longer ones
#define BC_NMEA_NO_TIME (-1)
#define BC_NMEA_NO_DAY (-1)

enum bc_nmea_kind {
        BC_NMEA_OTHER, // a sound sentence, but not one of these, or not from a satellite receiver
        BC_NMEA_GGA,
        BC_NMEA_RMC,
        BC_NMEA_GSA,
};

// What a sentence of this kind tells; the rest is unknown: BC_FIX_UNKNOWN, BC_NMEA_NO_TIME, BC_NMEA_NO_DAY.
struct bc_nmea_sentence {
        enum bc_nmea_kind kind;
        int64_t time_of_day_ns; // UTC; always known when has_position
        int32_t day;            // since 1970-01-01: RMC
        // GGA, RMC: the position was measured. Estimated, simulated and typed-in ones are none.
        bool has_position;
        bool differential;      // GGA: measured with corrections
        enum bc_fix_mode mode;  // GSA
        int32_t lat_e7, lon_e7; // rounded to nearest, halves away from 0
        int32_t alt_mm;         // GGA
        int32_t dop_e2;         // GGA
        int32_t speed_mm_s;     // RMC
        int32_t course_cdeg;    // RMC: 0 .. 35999
};

// line: without its CR LF. 0, or -EBADMSG with *ret_reason, a constant. Anything that is not plainly right is refused:
// no or a wrong checksum, a character that is not printable, a number out of range or not as the standard writes it.
int bc_nmea_parse(const char *line, size_t bytes, struct bc_nmea_sentence *ret_sentence,
                  const char **ret_reason);

#endif
