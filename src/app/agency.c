// SPDX-License-Identifier: EUPL-1.2
#include "app/agency.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "base/utc_clock.h"
#include "bodycam/gnss.h"
#include "control/controller.h"
#include "format/record.h"

struct paths {
        char text[BC_SETTINGS_TEXT_BYTES];
        const char *path[BC_SETTINGS_PATHS_MAX];
        size_t count;
};

static void split(const char *value, struct paths *paths)
{
        char *at = paths->text;

        snprintf(paths->text, sizeof(paths->text), "%s", value);
        for (paths->count = 0; *at && paths->count < BC_SETTINGS_PATHS_MAX; paths->count++) {
                paths->path[paths->count] = at;
                at += strcspn(at, " ");
                if (*at)
                        *at++ = 0;
        }
}

// Before any driver runs. A clock that was never set judges nothing. The simulated one is kept by whoever simulates it.
static void look_at_clock(const struct bc_settings *settings, struct bc_clock *clock, struct bc_agency_source *source)
{
        struct bc_utc_reading reading;
        int64_t utc_ns = settings->utc_start_ns;

        source->kept = true;
        if (settings->utc_driver == BC_UTC_SYSTEM) {
                bc_utc_read(clock, &reading);
                utc_ns = bc_utc_is_possible(reading.utc_ns) ? reading.utc_ns : BC_UTC_UNKNOWN;
                source->kept = reading.synchronised;
        }
        source->now_unix_s = utc_ns == BC_UTC_UNKNOWN ? BC_AGENCY_TIME_UNKNOWN : utc_ns / BC_NS_PER_S;
}

struct findings {
        char text[BC_AGENCY_FINDING_BYTES]; // the first
        size_t count;
        bool told;
};

static void on_finding(void *user, const char *path, const char *text, bool used)
{
        struct findings *findings = user;

        (void)path; // the sentence names it
        if (findings->count++ == 0)
                snprintf(findings->text, sizeof(findings->text), "%s", text);
        if (findings->told)
                bc_log_warning("%s: %s", text, used ? "it is sealed for all the same" : "nothing is sealed for it");
}

static int refuse(const struct bc_settings *settings, const char *why, char *text, size_t text_bytes)
{
        char where[400];

        bc_settings_tell(settings, "sealing", "certificates", where, sizeof(where));
        snprintf(text, text_bytes, "%s: %s", where, why);
        return -EINVAL;
}

int bc_agency_open(const struct bc_settings *settings, struct bc_clock *clock, bool strict, char *text, size_t text_bytes,
                   struct bc_agency **ret_agency)
{
        struct findings ever = { .told = false }, now = { .told = true };
        struct bc_agency_source source = { .now_unix_s = BC_AGENCY_TIME_UNKNOWN, .on_finding = on_finding, .user = &ever };
        struct bc_agency *agency = NULL;
        struct paths paths;
        int r;

        *ret_agency = NULL;
        if (!settings->agency_paths[0])
                return 0;
        if (!settings->key_uri[0])
                return refuse(settings, "needs [evidence] key: what is sealed is signed first", text, text_bytes);
        split(settings->agency_paths, &paths);
        source.paths = paths.path;
        source.count = paths.count;
        r = bc_agency_load(&source, &agency);
        bc_agency_free(agency);
        agency = NULL;
        if (ever.count > 0)
                return refuse(settings, ever.text, text, text_bytes);
        if (r == 0) {
                look_at_clock(settings, clock, &source);
                source.user = &now;
                r = bc_agency_load(&source, &agency);
        }
        if (r == -ENOKEY || (r == 0 && strict && now.count > 0)) {
                bc_agency_free(agency);
                return refuse(settings, now.text, text, text_bytes);
        }
        if (r < 0)
                return refuse(settings, strerror(-r), text, text_bytes);
        *ret_agency = agency;
        return 0;
}

void bc_agency_tell(const struct bc_agency *agency, struct bc_controller *controller)
{
        char text[BC_RECORD_TEXT_BYTES_MAX + 1];

        if (agency && bc_agency_doubtful(agency) > 0) {
                snprintf(text, sizeof(text), "sealing: %zu certificates not valid by an unkept clock, used", bc_agency_doubtful(agency));
                bc_controller_alarm(controller, BC_ALARM_WARNING, text);
        }
        if (agency && bc_agency_left_out(agency) > 0) {
                snprintf(text, sizeof(text), "sealing: %zu certificates not valid, left out", bc_agency_left_out(agency));
                bc_controller_alarm(controller, BC_ALARM_WARNING, text);
        }
}
