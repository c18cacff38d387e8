// SPDX-License-Identifier: EUPL-1.2
#include "control/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utc.h"
#include "bodycam/moment.h"
#include "bodycam/time.h"

struct bc_observer {
        struct bc_clock *clock;
        struct bc_telemetry *telemetry;
        int64_t fresh_ns;
        struct bc_observer_sink sink;
        struct bc_timer *stale;
        struct bc_utc_anchor anchor; // the newest
        bool anchored;
        bool has_fix;
        bool nonsense; // the receiver's last report could not be true, which was logged
};

static void changed(const struct bc_observer *observer)
{
        observer->sink.on_change(observer->sink.user);
}

// ---- position ------------------------------------------------------------------------------------------------

static bool within(int32_t value, int32_t min, int32_t max)
{
        return value == BC_FIX_UNKNOWN || (value >= min && value <= max);
}

static bool is_possible(const struct bc_fix *fix)
{
        return fix->lat_e7 >= -900000000 && fix->lat_e7 <= 900000000 && fix->lon_e7 >= -1800000000 &&
               fix->lon_e7 <= 1800000000 && within(fix->alt_mm, -20000000, 99999000) && within(fix->speed_mm_s, 0, 100000000) &&
               within(fix->course_cdeg, 0, 35999) && within(fix->accuracy_mm, 0, 1000000000) && within(fix->dop_e2, 0, INT32_MAX);
}

static void set_has_fix(struct bc_observer *observer, bool has_fix)
{
        if (has_fix == observer->has_fix)
                return;
        observer->has_fix = has_fix;
        bc_log_notice("position: %s", has_fix ? "fix" : "no fix");
        changed(observer);
}

static void on_fix(void *user, const struct bc_fix *fix)
{
        struct bc_observer *observer = user;
        struct bc_fix taken = *fix;
        bool fresh;

        if (fix->mode != BC_FIX_NONE && !is_possible(fix)) {
                if (!observer->nonsense)
                        bc_log_warning("position: the receiver tells what cannot be: dropped");
                observer->nonsense = true;
                return;
        }
        observer->nonsense = false;
        // An old report, told late, must not look fresh; one of the future is one of now.
        if (taken.time_ns > bc_clock_now_ns(observer->clock))
                taken.time_ns = bc_clock_now_ns(observer->clock);
        bc_telemetry_set_fix(observer->telemetry, &taken);
        fresh = taken.mode != BC_FIX_NONE && bc_clock_now_ns(observer->clock) - taken.time_ns < observer->fresh_ns;
        if (fresh)
                bc_timer_set(observer->stale, taken.time_ns + observer->fresh_ns);
        else
                bc_timer_clear(observer->stale);
        set_has_fix(observer, fresh);
}

static void on_stale(void *user, int64_t due_ns)
{
        (void)due_ns;
        set_has_fix(user, false);
}

static void on_gnss_error(void *user, int error)
{
        (void)user;
        bc_log_warning("position: receiver: %s", strerror(-error));
}

// ---- UTC -----------------------------------------------------------------------------------------------------

static void log_clock(const struct bc_observer *observer, const struct bc_utc_anchor *anchor)
{
        const struct bc_moment before = { .time_ns = observer->anchor.time_ns, .utc_ns = observer->anchor.utc_ns,
                                          .source = observer->anchor.source };
        const struct bc_moment now = { .time_ns = anchor->time_ns, .utc_ns = anchor->utc_ns, .source = anchor->source };
        char utc[BC_UTC_TEXT_BYTES] = "?";

        if (observer->anchored && bc_moment_clock_goes_on(&before, &now))
                return;
        if (anchor->source == BC_UTC_NONE) {
                bc_log_warning("clock: not set");
                return;
        }
        (void)bc_utc_format(anchor->utc_ns, utc);
        if (observer->anchored && before.source != BC_UTC_NONE)
                bc_log_notice("clock: %s, by %s, moved by %lld ms", utc, bc_utc_source_name(anchor->source),
                              (long long)(bc_moment_utc_step_ns(&before, &now) / BC_NS_PER_MS));
        else
                bc_log_notice("clock: %s, by %s", utc, bc_utc_source_name(anchor->source));
}

static void on_anchor(void *user, const struct bc_utc_anchor *anchor)
{
        struct bc_observer *observer = user;
        struct bc_utc_anchor taken = *anchor;
        bool other;

        if (anchor->source != BC_UTC_NONE && (!bc_utc_is_possible(anchor->utc_ns) || anchor->uncertainty_ns < 0))
                taken = (struct bc_utc_anchor){ .time_ns = anchor->time_ns, .source = BC_UTC_NONE };
        other = !observer->anchored || observer->anchor.source != taken.source;
        log_clock(observer, &taken);
        observer->anchor = taken;
        observer->anchored = true;
        bc_telemetry_set_anchor(observer->telemetry, &taken);
        if (other)
                changed(observer);
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

BC_DEFINE_CLEANUP(observer, struct bc_observer, bc_observer_free)

int bc_observer_new(struct bc_loop *loop, struct bc_telemetry *telemetry, int64_t fresh_ns,
                    const struct bc_observer_sink *sink, struct bc_observer **ret_observer)
{
        BC_CLEANUP(bc_cleanup_observer) struct bc_observer *observer = calloc(1, sizeof(*observer));
        int r;

        if (!observer)
                return -ENOMEM;
        observer->clock = bc_loop_clock(loop);
        observer->telemetry = telemetry;
        observer->fresh_ns = fresh_ns;
        observer->sink = *sink;
        r = bc_timer_new(loop, on_stale, observer, &observer->stale);
        if (r < 0)
                return r;
        *ret_observer = BC_TAKE(observer);
        return 0;
}

void bc_observer_free(struct bc_observer *observer)
{
        if (!observer)
                return;
        bc_timer_free(observer->stale);
        free(observer);
}

struct bc_gnss_sink bc_observer_gnss_sink(struct bc_observer *observer)
{
        return (struct bc_gnss_sink){ .on_fix = on_fix, .on_error = on_gnss_error, .user = observer };
}

struct bc_wall_sink bc_observer_wall_sink(struct bc_observer *observer)
{
        return (struct bc_wall_sink){ .on_anchor = on_anchor, .user = observer };
}
