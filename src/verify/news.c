// SPDX-License-Identifier: EUPL-1.2
#include "verify/news.h"

#include <errno.h>
#include <stdlib.h>

#define SOUND_UNIT_TICKS 1024

enum gap { // manifest.md, 4, in the order of its table
        PRE_EVENT = 1,
        NO_PICTURE,
        NO_SOUND,
        FRAMES_LOST,
        OVERTAKEN,
        LATE_SOUND,
        MUTED,
};

void bc_news_done(struct bc_news *news)
{
        free(news->gap);
        free(news->mark);
        free(news->clock);
        *news = (struct bc_news){ 0 };
}

// A place for one more item, or NULL: no memory, or *ret_full.
static void *append(void **items, size_t *used, size_t *room, size_t item_bytes, bool *ret_full)
{
        *ret_full = *used == BC_NEWS_MAX;
        if (*ret_full)
                return NULL;
        if (*used == *room) {
                size_t want = *room ? 2 * *room : 16;
                void *grown = reallocarray(*items, want, item_bytes);
                if (!grown)
                        return NULL;
                *items = grown;
                *room = want;
        }
        return (char *)*items + item_bytes * (*used)++;
}

static int add_gap(struct bc_news *news, const struct bc_record_gap *gap)
{
        void *items = news->gap;
        bool full;

        for (size_t i = news->gaps; i-- > 0;) { // the newest first: it is the one that grows
                if (news->gap[i].kind == gap->kind && news->gap[i].from_ticks == gap->from_ticks) {
                        news->gap[i] = *gap;
                        return 0;
                }
        }
        struct bc_record_gap *place = append(&items, &news->gaps, &news->gap_room, sizeof(*gap), &full);
        news->gap = items;
        if (place)
                *place = *gap;
        news->left_out += full;
        return place || full ? 0 : -ENOMEM;
}

static int add_mark(struct bc_news *news, const struct bc_record_mark *mark)
{
        void *items = news->mark;
        bool full;
        struct bc_record_mark *place = append(&items, &news->marks, &news->mark_room, sizeof(*mark), &full);

        news->mark = items;
        if (place)
                *place = *mark;
        news->left_out += full;
        return place || full ? 0 : -ENOMEM;
}

static int add_clock(struct bc_news *news, const struct bc_record_clock *clock)
{
        void *items = news->clock;
        bool full;
        struct bc_record_clock *place = append(&items, &news->clocks, &news->clock_room, sizeof(*clock), &full);

        news->clock = items;
        if (place)
                *place = *clock;
        news->left_out += full;
        return place || full ? 0 : -ENOMEM;
}

static int add(struct bc_news *news, const struct bc_record_gap *gap, size_t gaps, const struct bc_record_mark *mark,
               size_t marks, const struct bc_record_clock *clock, size_t clocks)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < gaps; i++)
                r = add_gap(news, &gap[i]);
        for (size_t i = 0; r == 0 && i < marks; i++)
                r = add_mark(news, &mark[i]);
        for (size_t i = 0; r == 0 && i < clocks; i++)
                r = add_clock(news, &clock[i]);
        return r;
}

int bc_news_add_record(struct bc_news *news, const struct bc_record *record)
{
        return add(news, record->gap, record->gaps, record->mark, record->marks, record->clock, record->clocks);
}

int bc_news_add(struct bc_news *news, const struct bc_news *later)
{
        news->left_out += later->left_out;
        return add(news, later->gap, later->gaps, later->mark, later->marks, later->clock, later->clocks);
}

// Whether samples of the track can be missing altogether in a gap of this kind. A slate or silence is a sample; a mute is
// silence.
static bool explains(uint32_t gap, enum bc_track_kind kind)
{
        if (gap == PRE_EVENT || gap == OVERTAKEN)
                return true;
        if (kind == BC_TRACK_AAC)
                return gap == NO_SOUND || gap == LATE_SOUND;
        return gap == NO_PICTURE || gap == FRAMES_LOST;
}

bool bc_news_covers(const struct bc_news *news, enum bc_track_kind kind, int64_t from_ticks, int64_t to_ticks)
{
        bool further = true;

        if (kind == BC_TRACK_AAC)
                to_ticks -= SOUND_UNIT_TICKS - 1;
        while (from_ticks < to_ticks && further) {
                further = false;
                for (size_t i = 0; i < news->gaps; i++) {
                        const struct bc_record_gap *gap = &news->gap[i];
                        int64_t end = gap->to_ticks == BC_RECORD_UNKNOWN ? INT64_MAX : gap->to_ticks;
                        if (explains(gap->kind, kind) && gap->from_ticks <= from_ticks && end > from_ticks) {
                                from_ticks = end;
                                further = true;
                        }
                }
        }
        return from_ticks >= to_ticks;
}

bool bc_news_sound_ends(const struct bc_news *news, int64_t ticks)
{
        for (size_t i = 0; i < news->gaps; i++)
                if ((news->gap[i].kind == NO_SOUND || news->gap[i].kind == LATE_SOUND) && news->gap[i].from_ticks <= ticks &&
                    (news->gap[i].to_ticks == BC_RECORD_UNKNOWN || news->gap[i].to_ticks > ticks))
                        return true;
        return false;
}

const char *bc_gap_name(uint32_t kind)
{
        static const char *const names[] = { "?",           "pre-event", "no-picture", "no-sound",
                                             "frames-lost", "overtaken", "late-sound", "muted" };

        return names[kind <= MUTED ? kind : 0];
}

const char *bc_source_name(uint32_t source)
{
        static const char *const names[] = { "none", "rtc", "ntp", "gnss", "?" };

        return names[source < 4 ? source : 4];
}

const char *bc_role_name(enum bc_driver_role role)
{
        static const char *const names[] = { "?",          "camera",      "microphone", "receiver",
                                             "wall clock", "media clock", "buttons",    "battery" };

        return names[(unsigned)role < 8 ? role : 0];
}
