// SPDX-License-Identifier: EUPL-1.2
#include "media/telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

// Entries are numbered from 0 on and lie at number % room; the times from which they hold never decrease. Entry 0 holds
// since ever: nothing was told yet.
struct history {
        int64_t *since_ns;
        uint64_t count, room;
};

struct bc_telemetry {
        struct bc_clock *clock;
        int64_t fresh_ns;
        pthread_mutex_t mutex; // over what follows

        struct history of_marks, of_anchors, of_fixes;
        int64_t marks_since_ns[BC_TELEMETRY_MARKS];
        int64_t anchor_since_ns[BC_TELEMETRY_ANCHORS];
        int64_t fix_since_ns[BC_TELEMETRY_FIXES];
        uint32_t marks[BC_TELEMETRY_MARKS];
        struct bc_utc_anchor anchor[BC_TELEMETRY_ANCHORS];
        struct bc_fix fix[BC_TELEMETRY_FIXES];
};

static void history_init(struct history *history, int64_t *since_ns, uint64_t room)
{
        *history = (struct history){ .since_ns = since_ns, .count = 1, .room = room };
        since_ns[0] = INT64_MIN;
}

// Where a new entry goes, which holds from since_ns on.
static uint64_t history_add(struct history *history, int64_t since_ns)
{
        uint64_t at = history->count++ % history->room;

        history->since_ns[at] = since_ns;
        return at;
}

// Where the entry lies that held at time_ns; the oldest one there is when that is forgotten.
static uint64_t history_find(const struct history *history, int64_t time_ns)
{
        uint64_t low = history->count > history->room ? history->count - history->room : 0;
        uint64_t high = history->count - 1;

        // Nearly always it is the newest, or the one before.
        for (int i = 0; i < 2 && high > low; i++, high--)
                if (history->since_ns[high % history->room] <= time_ns)
                        return high % history->room;
        while (low < high) {
                uint64_t middle = low + (high - low + 1) / 2;

                if (history->since_ns[middle % history->room] <= time_ns)
                        low = middle;
                else
                        high = middle - 1;
        }
        return low % history->room;
}

int bc_telemetry_new(struct bc_clock *clock, int64_t fresh_ns, struct bc_telemetry **ret_telemetry)
{
        struct bc_telemetry *telemetry = calloc(1, sizeof(*telemetry));

        if (!telemetry)
                return -ENOMEM;
        telemetry->clock = clock;
        telemetry->fresh_ns = fresh_ns;
        pthread_mutex_init(&telemetry->mutex, NULL);
        history_init(&telemetry->of_marks, telemetry->marks_since_ns, BC_TELEMETRY_MARKS);
        history_init(&telemetry->of_anchors, telemetry->anchor_since_ns, BC_TELEMETRY_ANCHORS);
        history_init(&telemetry->of_fixes, telemetry->fix_since_ns, BC_TELEMETRY_FIXES);
        *ret_telemetry = telemetry;
        return 0;
}

void bc_telemetry_free(struct bc_telemetry *telemetry)
{
        if (!telemetry)
                return;
        pthread_mutex_destroy(&telemetry->mutex);
        free(telemetry);
}

void bc_telemetry_set_marks(struct bc_telemetry *telemetry, uint32_t marks)
{
        pthread_mutex_lock(&telemetry->mutex);
        telemetry->marks[history_add(&telemetry->of_marks, bc_clock_now_ns(telemetry->clock))] = marks;
        pthread_mutex_unlock(&telemetry->mutex);
}

void bc_telemetry_set_anchor(struct bc_telemetry *telemetry, const struct bc_utc_anchor *anchor)
{
        pthread_mutex_lock(&telemetry->mutex);
        telemetry->anchor[history_add(&telemetry->of_anchors, bc_clock_now_ns(telemetry->clock))] = *anchor;
        pthread_mutex_unlock(&telemetry->mutex);
}

void bc_telemetry_set_fix(struct bc_telemetry *telemetry, const struct bc_fix *fix)
{
        pthread_mutex_lock(&telemetry->mutex);
        telemetry->fix[history_add(&telemetry->of_fixes, bc_clock_now_ns(telemetry->clock))] = *fix;
        pthread_mutex_unlock(&telemetry->mutex);
}

void bc_telemetry_at(struct bc_telemetry *telemetry, int64_t time_ns, struct bc_moment *ret_moment)
{
        const struct bc_utc_anchor *anchor;
        const struct bc_fix *fix;

        pthread_mutex_lock(&telemetry->mutex);
        anchor = &telemetry->anchor[history_find(&telemetry->of_anchors, time_ns)];
        fix = &telemetry->fix[history_find(&telemetry->of_fixes, time_ns)];
        *ret_moment = (struct bc_moment){
                .time_ns = time_ns,
                .source = anchor->source,
                .marks = telemetry->marks[history_find(&telemetry->of_marks, time_ns)],
        };
        if (anchor->source != BC_UTC_NONE) {
                ret_moment->utc_ns = anchor->utc_ns + (time_ns - anchor->time_ns);
                ret_moment->uncertainty_ns = anchor->uncertainty_ns;
                ret_moment->anchor_ns = anchor->time_ns;
        }
        // The oldest one remembered may be of later.
        if (fix->mode != BC_FIX_NONE && fix->time_ns <= time_ns && time_ns - fix->time_ns < telemetry->fresh_ns)
                ret_moment->fix = *fix;
        pthread_mutex_unlock(&telemetry->mutex);
}
