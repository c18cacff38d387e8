// SPDX-License-Identifier: EUPL-1.2
#include "nmea/gnss.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "nmea/log.h"
#include "simulated/gnss.h"

struct replay {
        struct bc_nmea_log log;
        int64_t origin_ns; // media time of the first report
};

static void begin(void *route, int64_t now_ns)
{
        struct replay *replay = route;

        replay->origin_ns = now_ns;
}

// How many reports belong before time_ns.
static size_t count_before(const struct replay *replay, int64_t time_ns)
{
        size_t from = 0, to = replay->log.count;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (replay->log.fixes[middle].time_ns < time_ns - replay->origin_ns)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

static int64_t next(void *route, int64_t from_ns)
{
        const struct replay *replay = route;
        size_t i = count_before(replay, from_ns);

        return i < replay->log.count ? replay->origin_ns + replay->log.fixes[i].time_ns : BC_NS_NEVER;
}

static void report(void *route, int64_t now_ns, struct bc_fix *ret_fix)
{
        const struct replay *replay = route;

        *ret_fix = replay->log.fixes[count_before(replay, now_ns + 1) - 1];
        ret_fix->time_ns += replay->origin_ns;
}

static void free_replay(void *route)
{
        struct replay *replay = route;

        bc_nmea_log_done(&replay->log);
        free(replay);
}

static const struct bc_route_ops route_ops = {
        .begin = begin, .next = next, .report = report, .free = free_replay
};

static int load(const char *path, char *text, size_t text_bytes, struct bc_nmea_log *ret_log)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size;
        int r = bc_file_load(AT_FDCWD, path, BC_NMEA_FILE_MAX_BYTES, &bytes, &size);

        if (r == -EFBIG)
                snprintf(text, text_bytes, "%s: more than %u bytes", path, BC_NMEA_FILE_MAX_BYTES);
        else if (r < 0)
                snprintf(text, text_bytes, "%s: %s", path, r == -EINVAL ? "no regular file" : strerror(-r));
        return r < 0 ? r : bc_nmea_log_read(bytes, size, path, text, text_bytes, ret_log);
}

int bc_nmea_gnss_open(struct bc_loop *loop, const char *path, char *text, size_t text_bytes,
                      struct bc_gnss **ret_gnss)
{
        struct replay *replay = calloc(1, sizeof(*replay));
        int r;

        if (!replay) {
                snprintf(text, text_bytes, "%s: %s", path, strerror(ENOMEM));
                return -ENOMEM;
        }
        r = load(path, text, text_bytes, &replay->log);
        if (r == 0) {
                r = bc_simulated_gnss_new(loop, "nmea", &route_ops, replay, ret_gnss);
                if (r < 0)
                        snprintf(text, text_bytes, "%s: %s", path, strerror(-r));
        }
        if (r < 0) {
                free_replay(replay);
                return r;
        }
        if (replay->log.bad_at > 0)
                bc_log_notice("%s:%zu: %s; %zu of %zu lines dropped, and %zu reports for their time", path,
                              replay->log.bad_at, replay->log.reason, replay->log.bad_lines,
                              replay->log.lines, replay->log.bad_reports);
        return 0;
}

void bc_nmea_gnss_set_fault(struct bc_gnss *gnss, enum bc_fault fault)
{
        bc_simulated_gnss_set_fault(gnss, fault);
}
