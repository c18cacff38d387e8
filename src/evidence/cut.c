// SPDX-License-Identifier: EUPL-1.2
#include "evidence/cut.h"

#include <errno.h>

#include "bodycam/stream.h"
#include "bodycam/time.h"

// Both lanes of a stream that was stopped end about together; a sound lane that ends earlier than this has failed.
#define SOUND_END_NS (100 * INT64_C(1000000))

// What the picture lane says about the fragment: how many pictures, where it ends, why.
struct picture_cut {
        size_t pictures;
        int64_t end_ns;
        bool segment_ends, recording_ends;
        struct bc_unit ending; // when the recording ends
        size_t bytes;
};

// true: the fragment ends before this picture, the nth after the cursor, which ends the picture before it.
static bool ends_before(const struct bc_cut_rule *rule, const struct bc_unit *unit, struct picture_cut *cut)
{
        if (unit->time_ns >= rule->end_ns) {
                cut->recording_ends = true;
                return true;
        }
        if (cut->pictures == 0)
                return false;
        if (unit->flags & BC_UNIT_KEY) {
                // In ticks: thirty times 33,333,333 ns is a second, too.
                cut->segment_ends = bc_ticks_from_ns(unit->time_ns) >= bc_ticks_from_ns(rule->segment_until_ns);
                return true;
        }
        return unit->time_ns >= rule->from_ns + rule->fragment_ns || cut->pictures == BC_CUT_PICTURES_MAX ||
               cut->bytes + unit->size_bytes > rule->payload_bytes_max;
}

// The pictures counted so far reach beyond the fragment's length by the last one, and it is not alone.
static bool reaches_too_far(const struct bc_cut_rule *rule, const struct picture_cut *cut, int64_t end_ns)
{
        return cut->pictures > 1 && end_ns > rule->from_ns + rule->fragment_ns;
}

// Walks the picture lane. 0: decided; -EAGAIN: the lane ends in a picture whose end is not known yet, *ret_cut holds
// the pictures before that one; -EPIPE.
static int cut_pictures(struct bc_ring *ring, const struct bc_cursor *cursor, const struct bc_cut_rule *rule,
                        struct picture_cut *ret_cut, struct bc_unit *ret_last)
{
        struct picture_cut cut = { .end_ns = rule->from_ns, .ending = { .time_ns = -1 } };
        struct bc_unit last = { .time_ns = -1 };

        for (;;) {
                struct bc_unit unit;
                int r = bc_ring_peek(ring, cursor, BC_LANE_PICTURE, cut.pictures, &unit);

                *ret_last = last;
                if (r == -EAGAIN) {
                        if (cut.pictures > 0) {
                                cut.pictures--;
                                cut.bytes -= last.size_bytes;
                                cut.end_ns = last.time_ns;
                        }
                        *ret_cut = cut;
                        return r;
                }
                if (r == -ENODATA) {
                        // The end of the stream ends the last picture, the segment and the recording.
                        if (reaches_too_far(rule, &cut, unit.time_ns)) {
                                cut.pictures--;
                                cut.bytes -= last.size_bytes;
                                cut.end_ns = last.time_ns;
                        } else {
                                cut.end_ns = unit.time_ns;
                                cut.recording_ends = true;
                        }
                        cut.ending = unit;
                        *ret_cut = cut;
                        return 0;
                }
                if (r < 0)
                        return r;
                if (ends_before(rule, &unit, &cut) || reaches_too_far(rule, &cut, unit.time_ns)) {
                        if (reaches_too_far(rule, &cut, unit.time_ns)) {
                                cut.pictures--;
                                cut.bytes -= last.size_bytes;
                                cut.segment_ends = cut.recording_ends = false;
                                cut.end_ns = last.time_ns;
                        } else {
                                cut.end_ns = unit.time_ns;
                        }
                        cut.ending = unit;
                        *ret_cut = cut;
                        return 0;
                }
                cut.pictures++;
                cut.bytes += unit.size_bytes;
                last = unit;
        }
}

static bool sound_reaches(const struct bc_unit *unit, int64_t end_ns)
{
        return bc_ticks_from_ns(unit->time_ns) + BC_SOUND_UNIT_SAMPLES >= bc_ticks_from_ns(end_ns);
}

// Counts the sound units that start before end_ns. 0: the lane has passed end_ns; -EAGAIN: it has not; -ENOBUFS: there
// are more than a fragment may hold; -EPIPE.
static int cut_sound(struct bc_ring *ring, struct bc_cursor *cursor, const struct bc_cut_rule *rule, int64_t end_ns,
                     struct bc_cut *cut)
{
        bool reached = end_ns <= rule->sound_from_ns;

        for (;;) {
                struct bc_unit unit;
                int r = bc_ring_peek(ring, cursor, BC_LANE_SOUND, cut->sounds, &unit);

                if (r == -ENODATA) {
                        cut->sound_ended = unit.time_ns + SOUND_END_NS < end_ns;
                        return 0;
                }
                if (r == -EAGAIN && reached)
                        return 0;
                if (r < 0)
                        return r;
                if (cut->sounds == 0 && unit.time_ns < rule->sound_from_ns) {
                        cursor->next[BC_LANE_SOUND]++;
                        continue;
                }
                if (unit.time_ns >= end_ns)
                        return 0;
                if (cut->sounds == BC_CUT_SOUNDS_MAX)
                        return -ENOBUFS;
                reached = reached || sound_reaches(&unit, end_ns);
                cut->sounds++;
                cut->payload_bytes += unit.size_bytes;
        }
}

// Counts the units of a telemetry lane that end with the fragment or before. 0, -EPIPE, or -ENOBUFS: there are more
// than a fragment may hold.
static int cut_telemetry(struct bc_ring *ring, struct bc_cursor *cursor, enum bc_lane lane,
                         const struct bc_cut_rule *rule, struct bc_cut *cut, struct bc_cut_telemetry *ret_telemetry)
{
        bool all = cut->segment_ends || cut->recording_ends;
        struct bc_cut_telemetry telemetry = { .end_ns = cut->end_ns };
        uint32_t last_bytes = 0;
        int64_t last_ns = 0;
        size_t bytes = 0;

        for (;;) {
                struct bc_unit unit;
                int r = bc_ring_peek(ring, cursor, lane, telemetry.units, &unit);

                if (r == -EPIPE)
                        return r;
                if (r == 0 && unit.time_ns < rule->from_ns && telemetry.units == 0 && !rule->segment_begun) {
                        cursor->next[lane]++;
                        continue;
                }
                if (r == 0 && unit.time_ns < cut->end_ns && telemetry.units == BC_CUT_TELEMETRY_MAX) {
                        telemetry.end_ns = unit.time_ns;
                        cut->payload_bytes += bytes;
                        *ret_telemetry = telemetry;
                        return -ENOBUFS;
                }
                if (r == 0 && unit.time_ns < cut->end_ns) {
                        last_bytes = unit.size_bytes;
                        last_ns = unit.time_ns;
                        bytes += unit.size_bytes;
                        telemetry.units++;
                        continue;
                }
                // The last one counted lasts beyond the fragment, or nobody knows yet how long.
                if (!all && telemetry.units > 0 && (r < 0 || unit.time_ns > cut->end_ns)) {
                        telemetry.units--;
                        bytes -= last_bytes;
                        telemetry.end_ns = last_ns;
                }
                cut->payload_bytes += bytes;
                *ret_telemetry = telemetry;
                return 0;
        }
}

int bc_cut_decide(struct bc_ring *ring, struct bc_cursor *cursor, const struct bc_cut_rule *rule, int64_t now_ns,
                  struct bc_cut *ret_cut, int64_t *ret_wake_ns)
{
        int64_t late_ns = rule->from_ns + rule->fragment_ns + BC_CUT_LATE_NS;
        int64_t last_ns = rule->end_ns == BC_NS_NEVER ? BC_NS_NEVER : rule->end_ns + BC_CUT_LAST_NS;
        struct picture_cut pictures;
        struct bc_unit last;
        struct bc_cut cut;
        int64_t sound_end_ns;
        int r;

        r = cut_pictures(ring, cursor, rule, &pictures, &last);
        if (r < 0 && r != -EAGAIN)
                return r;
        cut = (struct bc_cut){
                .pictures = pictures.pictures,
                .end_ns = pictures.end_ns,
                .segment_ends = pictures.segment_ends,
                .recording_ends = pictures.recording_ends,
                .ending = pictures.ending,
                .payload_bytes = pictures.bytes,
        };
        if (r == -EAGAIN && now_ns >= last_ns &&
            (cut.pictures == 0 || rule->end_ns <= rule->from_ns + rule->fragment_ns)) {
                // The picture lane does not even give slates: end it where the recording was told to end.
                if (last.time_ns >= 0) {
                        cut.pictures++;
                        cut.payload_bytes += last.size_bytes;
                }
                cut.end_ns = rule->end_ns;
                cut.picture_end_guessed = true;
                cut.recording_ends = true;
        } else if (r == -EAGAIN) {
                if (now_ns < late_ns) {
                        *ret_wake_ns = bc_ns_earlier(late_ns, last_ns);
                        return r;
                }
                // Late: what is complete goes now, sound alone if need be, up to the fragment's nominal end.
                if (cut.pictures == 0)
                        cut.end_ns = bc_ns_earlier(rule->from_ns + rule->fragment_ns, rule->end_ns);
        }
        if (cut.pictures == 0 && !rule->segment_begun) {
                *ret_wake_ns = last_ns;
                *ret_cut = cut;
                return cut.recording_ends ? 0 : -EAGAIN;
        }
        sound_end_ns = cut.recording_ends ? bc_ns_earlier(rule->end_ns, cut.end_ns) : cut.end_ns;
        r = rule->sound ? cut_sound(ring, cursor, rule, sound_end_ns, &cut) : 0;
        if (r == -ENOBUFS) {
                // What does not fit goes into the next fragment, so the segment cannot end yet: it does a GOP later.
                cut.segment_ends = cut.recording_ends = false;
        } else if (r == -EAGAIN) {
                bool last_chance = cut.segment_ends || cut.recording_ends;
                int64_t wait_ns = cut.end_ns + (last_chance ? BC_CUT_LAST_NS : BC_CUT_LATE_NS);

                if (now_ns < wait_ns) {
                        *ret_wake_ns = wait_ns;
                        return r;
                }
                cut.sound_missing = last_chance;
        } else if (r < 0) {
                return r;
        }
        if (cut.pictures == 0 && cut.sounds == 0 && !cut.recording_ends) {
                *ret_wake_ns = last_ns;
                return -EAGAIN;
        }
        r = cut_telemetry(ring, cursor, BC_LANE_TEXT, rule, &cut, &cut.text);
        if (r == 0)
                r = cut_telemetry(ring, cursor, BC_LANE_POSITION, rule, &cut, &cut.position);
        if (r == -ENOBUFS)
                cut.segment_ends = cut.recording_ends = false; // as for sound
        else if (r < 0)
                return r;
        *ret_cut = cut;
        return 0;
}
