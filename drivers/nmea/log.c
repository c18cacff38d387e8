// SPDX-License-Identifier: EUPL-1.2
#include "nmea/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bodycam/time.h"
#include "nmea/nmea.h"

#define DAY_NS (24 * 3600 * BC_NS_PER_S)
#define UNTIMED_NS BC_NS_PER_S

// User equivalent range error, horizontal, 95 %: what gpsd multiplies HDOP by (gpsd 3.22, libgpsd_core.c,
// H_UERE_NO_DGPS 15.0 m and H_UERE_WITH_DGPS 3.75 m). Times dop_e2 / 100 it is the accuracy in mm.
#define UERE_MM 15000
#define UERE_DIFFERENTIAL_MM 3750

// What an epoch said.
struct report {
        struct bc_fix fix;
        int64_t time_of_day_ns;
        int32_t day;
        size_t line; // of its first sentence
};

struct epoch {
        bool open, has_gga, has_rmc, has_gsa;
        struct bc_nmea_sentence gga, rmc;
        enum bc_fix_mode mode; // GSA's
        int64_t time_of_day_ns;
        size_t line;
};

struct reader {
        struct bc_nmea_log log;
        struct epoch epoch;
        struct report *reports;
        size_t count, room;
};

static void drop(struct bc_nmea_log *log, size_t *counter, size_t line, const char *reason)
{
        if (log->bad_at == 0 || line < log->bad_at) {
                log->bad_at = line;
                log->reason = reason;
        }
        ++*counter;
}

// ---- from sentences to epochs --------------------------------------------------------------------------------

static enum bc_fix_mode mode_of(const struct epoch *epoch)
{
        if ((epoch->has_gga && !epoch->gga.has_position) || (epoch->has_rmc && !epoch->rmc.has_position))
                return BC_FIX_NONE;
        if (epoch->has_gsa && epoch->mode != BC_FIX_3D)
                return epoch->mode;
        return epoch->has_gga && epoch->gga.alt_mm != BC_FIX_UNKNOWN ? BC_FIX_3D : BC_FIX_2D;
}

static int32_t accuracy_of(const struct bc_nmea_sentence *gga)
{
        int64_t uere_mm = gga->differential ? UERE_DIFFERENTIAL_MM : UERE_MM;

        return gga->dop_e2 == BC_FIX_UNKNOWN ? BC_FIX_UNKNOWN : (int32_t)((gga->dop_e2 * uere_mm + 50) / 100);
}

static struct bc_fix fix_of(const struct epoch *epoch)
{
        const struct bc_nmea_sentence *place = epoch->has_gga ? &epoch->gga : &epoch->rmc;
        struct bc_fix fix = {
                .utc_ns = BC_UTC_UNKNOWN,
                .mode = mode_of(epoch),
                .lat_e7 = place->lat_e7,
                .lon_e7 = place->lon_e7,
                .alt_mm = BC_FIX_UNKNOWN,
                .speed_mm_s = BC_FIX_UNKNOWN,
                .course_cdeg = BC_FIX_UNKNOWN,
                .accuracy_mm = BC_FIX_UNKNOWN,
                .dop_e2 = BC_FIX_UNKNOWN,
        };

        if (fix.mode == BC_FIX_NONE) {
                fix.lat_e7 = fix.lon_e7 = BC_FIX_UNKNOWN;
                return fix;
        }
        if (epoch->has_rmc) {
                fix.speed_mm_s = epoch->rmc.speed_mm_s;
                fix.course_cdeg = epoch->rmc.course_cdeg;
        }
        if (epoch->has_gga) {
                fix.dop_e2 = epoch->gga.dop_e2;
                fix.accuracy_mm = accuracy_of(&epoch->gga);
                if (fix.mode == BC_FIX_3D) // with less it was not measured
                        fix.alt_mm = epoch->gga.alt_mm;
        }
        return fix;
}

static int close_epoch(struct reader *reader)
{
        struct epoch *epoch = &reader->epoch;

        if (!epoch->open)
                return 0;
        if (reader->count >= BC_NMEA_REPORTS_MAX)
                return -EFBIG;
        if (reader->count == reader->room) {
                size_t room = reader->room ? reader->room * 2 : 1024;
                struct report *reports;

                reports = reallocarray(reader->reports, room, sizeof(*reports));
                if (!reports)
                        return -ENOMEM;
                reader->reports = reports;
                reader->room = room;
        }
        reader->reports[reader->count++] = (struct report){
                .fix = fix_of(epoch),
                .time_of_day_ns = epoch->time_of_day_ns,
                .day = epoch->has_rmc ? epoch->rmc.day : BC_NMEA_NO_DAY,
                .line = epoch->line,
        };
        *epoch = (struct epoch){ 0 };
        return 0;
}

static bool belongs(const struct epoch *epoch, const struct bc_nmea_sentence *sentence)
{
        if (!epoch->open || sentence->time_of_day_ns != epoch->time_of_day_ns)
                return false;
        // Without a time a sentence of the same kind again is the next epoch.
        return sentence->time_of_day_ns != BC_NMEA_NO_TIME ||
               !(sentence->kind == BC_NMEA_GGA ? epoch->has_gga : epoch->has_rmc);
}

static int add(struct reader *reader, const struct bc_nmea_sentence *sentence)
{
        struct epoch *epoch = &reader->epoch;

        if (sentence->kind == BC_NMEA_GSA) {
                if (!epoch->has_gsa || sentence->mode > epoch->mode)
                        epoch->mode = sentence->mode;
                epoch->has_gsa = epoch->open;
                return 0;
        }
        if (!belongs(epoch, sentence)) {
                int r = close_epoch(reader);

                if (r < 0)
                        return r;
                *epoch = (struct epoch){ .open = true,
                                         .time_of_day_ns = sentence->time_of_day_ns,
                                         .line = reader->log.lines };
        }
        if (sentence->kind == BC_NMEA_GGA) {
                epoch->has_gga = true;
                epoch->gga = *sentence;
        } else {
                epoch->has_rmc = true;
                epoch->rmc = *sentence;
        }
        return 0;
}

static int read_line(struct reader *reader, const char *line, size_t bytes)
{
        struct bc_nmea_sentence sentence;
        const char *reason;

        reader->log.lines++;
        if (bytes == 0 || line[0] == '#')
                return 0;
        if (bc_nmea_parse(line, bytes, &sentence, &reason) < 0) {
                drop(&reader->log, &reader->log.bad_lines, reader->log.lines, reason);
                return 0;
        }
        return sentence.kind == BC_NMEA_OTHER ? 0 : add(reader, &sentence);
}

static int read_lines(struct reader *reader, const char *bytes, size_t size)
{
        size_t at = 0;

        while (at < size) {
                size_t end = at;
                int r;

                while (end < size && bytes[end] != '\n' && bytes[end] != '\r')
                        end++;
                r = read_line(reader, bytes + at, end - at);
                if (r < 0)
                        return r;
                at = end + 1 + (end + 1 < size && bytes[end] == '\r' && bytes[end + 1] == '\n');
        }
        return close_epoch(reader);
}

// ---- from epochs to times ------------------------------------------------------------------------------------

// The last report that bore a time and was kept.
struct mark {
        bool known;
        int64_t time_of_day_ns, utc_ns; // BC_UTC_UNKNOWN
        int64_t offset_ns;              // from the first report
};

static int64_t utc_of(const struct report *report)
{
        return report->day == BC_NMEA_NO_DAY ? BC_UTC_UNKNOWN : report->day * DAY_NS + report->time_of_day_ns;
}

// How much later a report is than the mark; negative: earlier. Without a date it is the nearest such time of day.
static int64_t later_ns(const struct mark *mark, const struct report *report)
{
        int64_t utc_ns = utc_of(report), ns;

        if (mark->utc_ns != BC_UTC_UNKNOWN && utc_ns != BC_UTC_UNKNOWN)
                return utc_ns - mark->utc_ns;
        ns = report->time_of_day_ns - mark->time_of_day_ns;
        if (ns > DAY_NS / 2)
                ns -= DAY_NS;
        return ns < -DAY_NS / 2 ? ns + DAY_NS : ns;
}

static const char *fault_of(const struct mark *mark, const struct report *report, const struct report *next)
{
        int64_t ns = later_ns(mark, report), next_ns;

        if (ns <= 0)
                return "its time goes back";
        if (ns > DAY_NS)
                return "its time leaps ahead";
        if (!next || next->time_of_day_ns == BC_NMEA_NO_TIME)
                return NULL;
        next_ns = later_ns(mark, next);
        return next_ns > 0 && next_ns < ns ? "its time is ahead of the next one's" : NULL;
}

static void place(struct mark *mark, const struct report *report, int64_t last_ns, struct bc_fix *fix)
{
        int64_t utc_ns = utc_of(report), offset_ns = last_ns;

        if (mark->known) {
                int64_t ns = later_ns(mark, report);

                offset_ns = mark->offset_ns + ns;
                if (utc_ns == BC_UTC_UNKNOWN && mark->utc_ns != BC_UTC_UNKNOWN)
                        utc_ns = mark->utc_ns + ns;
        }
        *mark = (struct mark){ true, report->time_of_day_ns, utc_ns, offset_ns };
        // Reports without a time may have come to stand later than they were.
        fix->time_ns = offset_ns > last_ns ? offset_ns : last_ns;
        if (fix->mode != BC_FIX_NONE)
                fix->utc_ns = utc_ns;
}

static void place_all(struct reader *reader)
{
        struct bc_nmea_log *log = &reader->log;
        struct mark mark = { .utc_ns = BC_UTC_UNKNOWN };

        for (size_t i = 0; i < reader->count; i++) {
                const struct report *report = &reader->reports[i];
                const struct report *next = i + 1 < reader->count ? report + 1 : NULL;
                int64_t last_ns = log->count > 0 ? log->fixes[log->count - 1].time_ns : 0;
                int64_t after_ns = log->count > 0 ? last_ns + UNTIMED_NS : 0;
                bool timed = report->time_of_day_ns != BC_NMEA_NO_TIME;
                const char *reason = timed && mark.known ? fault_of(&mark, report, next) : NULL;
                struct bc_fix fix = report->fix;

                if (reason) {
                        drop(log, &log->bad_reports, report->line, reason);
                        continue;
                }
                if (timed)
                        place(&mark, report, mark.known ? last_ns : after_ns, &fix);
                else
                        fix.time_ns = after_ns;
                log->fixes[log->count++] = fix;
        }
}

// ---- the log -------------------------------------------------------------------------------------------------

static int judge(const struct bc_nmea_log *log, const char *name, char *text, size_t text_bytes)
{
        if (log->count > log->bad_reports)
                return 0;
        if (log->bad_at == 0)
                snprintf(text, text_bytes, "%s: no report of a receiver in %zu lines", name, log->lines);
        else
                snprintf(text, text_bytes, "%s:%zu: %s; %zu of %zu lines dropped, %zu of %zu reports", name,
                         log->bad_at, log->reason, log->bad_lines, log->lines, log->bad_reports,
                         log->count + log->bad_reports);
        return -EBADMSG;
}

static void free_reader(const struct reader *reader)
{
        free(reader->reports);
        free(reader->log.fixes);
}

int bc_nmea_log_read(const char *bytes, size_t size, const char *name, char *text, size_t text_bytes,
                     struct bc_nmea_log *ret_log)
{
        BC_CLEANUP(free_reader) struct reader reader = { 0 };
        int r = read_lines(&reader, bytes, size);

        if (r == 0 && reader.count > 0) {
                reader.log.fixes = reallocarray(NULL, reader.count, sizeof(*reader.log.fixes));
                r = reader.log.fixes ? 0 : -ENOMEM;
        }
        if (r == -EFBIG)
                snprintf(text, text_bytes, "%s:%zu: more than %u reports", name, reader.log.lines,
                         BC_NMEA_REPORTS_MAX);
        else if (r < 0)
                snprintf(text, text_bytes, "%s: %s", name, strerror(-r));
        if (r < 0)
                return r;
        place_all(&reader);
        r = judge(&reader.log, name, text, text_bytes);
        if (r < 0)
                return r;
        *ret_log = reader.log;
        reader.log.fixes = NULL;
        return 0;
}

void bc_nmea_log_done(struct bc_nmea_log *log)
{
        free(log->fixes);
        log->fixes = NULL;
        log->count = 0;
}
