// SPDX-License-Identifier: EUPL-1.2
// The log of a receiver: from sentences to reports, one per epoch. An epoch is what follows each other and bears
// the same time of day; of each kind of sentence the last one counts.
//
// The position is GGA's, or else RMC's; speed, course and date are RMC's. GSA, which bears no time, belongs to the
// epoch it follows, and where several systems speak the best of them counts. If any of the three says that there is
// no position, there is none: BC_FIX_NONE, and all else is unknown. 3D needs an altitude.
//
// Reports are placed in time by what they say. Without a time of day (a receiver that has seen no satellite yet)
// they are a second apart. Dropped are reports that are not later than the one before, or by more than a day, and
// those that are later than the one that follows. The day is RMC's, and is counted on from there; before the first
// RMC with a date the UTC of a report is unknown.
#ifndef BC_NMEA_LOG_H
#define BC_NMEA_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "bodycam/gnss.h"

#define BC_NMEA_FILE_MAX_BYTES (64u << 20)
#define BC_NMEA_REPORTS_MAX 1000000u

struct bc_nmea_log {
        struct bc_fix *fixes; // at least one; time_ns counts from the first one and never decreases
        size_t count;
        size_t lines;
        size_t bad_lines;   // dropped: not a sound sentence, nor empty, nor a comment (#)
        size_t bad_reports; // dropped: their time
        size_t bad_at;      // the line of the first of either; 0: none
        const char *reason; // of that one
};

// Lines end with LF, CR or both. 0, or negative errno with a message in text that starts with name: -EBADMSG: no usable
// report, or more are dropped for their time than kept; -EFBIG: more than BC_NMEA_REPORTS_MAX; -ENOMEM.
int bc_nmea_log_read(const char *bytes, size_t size, const char *name, char *text, size_t text_bytes,
                     struct bc_nmea_log *ret_log);
void bc_nmea_log_done(struct bc_nmea_log *log);

#endif
