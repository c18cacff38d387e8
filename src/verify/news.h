// SPDX-License-Identifier: EUPL-1.2
// What records tell piece by piece, put together: gaps, marks, what the clock said (record.md, 24 to 26).
//
// Bounded; what is beyond the bounds is counted. Thread-bound.
#ifndef BC_VERIFY_NEWS_H
#define BC_VERIFY_NEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "format/record.h"

#define BC_NEWS_MAX 20000 // of each; a recording's manifest holds 1000

struct bc_news {
        struct bc_record_gap *gap;
        struct bc_record_mark *mark;
        struct bc_record_clock *clock;
        size_t gaps, marks, clocks;
        size_t gap_room, mark_room, clock_room;
        size_t left_out;
};

void bc_news_done(struct bc_news *news);

// Takes in what a record says, or all that another one holds, which comes later. 0 or -ENOMEM.
int bc_news_add_record(struct bc_news *news, const struct bc_record *record);
int bc_news_add(struct bc_news *news, const struct bc_news *later);

// Whether all of [from, to) lies in declared gaps that explain why a track of this kind has no samples there; sound begins on
// a grid of its own, so that up to a unit less one tick at the end needs no gap.
bool bc_news_covers(const struct bc_news *news, enum bc_track_kind kind, int64_t from_ticks, int64_t to_ticks);

// Whether a gap in the sound alone begins where the sound ended.
bool bc_news_sound_ends(const struct bc_news *news, int64_t ticks);

// The words of manifest.md: "no-picture"; "?" for what is no kind. And of a clock's source.
const char *bc_gap_name(uint32_t kind);
const char *bc_source_name(uint32_t source);
const char *bc_role_name(enum bc_driver_role role);

#endif
