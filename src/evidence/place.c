// SPDX-License-Identifier: EUPL-1.2
#include "evidence/place.h"

#include <errno.h>

#include "base/log.h"
#include "evidence/declare.h"

// ---- the first time ------------------------------------------------------------------------------------------

// Whether the ring had to let go of pictures of time_ns or later.
static bool is_forgotten(const struct bc_recording *recording, int64_t time_ns)
{
        struct bc_ring_level level;

        bc_ring_level(recording->ring, &level);
        return level.forgotten_ns >= time_ns;
}

// The ring reaches back to first_ns only. Up to the press it may never have reached further; what it lost behind the
// press was asked for and is the store's fault.
static void declare_late_beginning(struct bc_recording *recording, int64_t from_ns, int64_t first_ns)
{
        int64_t press_ns = recording->press_ns;

        if (first_ns <= press_ns || !is_forgotten(recording, press_ns)) {
                bc_declare_gap(recording, BC_GAP_PRE_EVENT, from_ns, first_ns, 0);
                return;
        }
        if (from_ns < press_ns)
                bc_declare_gap(recording, BC_GAP_PRE_EVENT, from_ns, press_ns, 0);
        bc_declare_gap(recording, BC_GAP_OVERTAKEN, press_ns, first_ns, 0);
}

// It was asked for, so it has a number and says that it holds nothing, and why.
static void come_to_nothing(struct bc_recording *recording, int64_t from_ns, int64_t end_ns, int64_t now_ns)
{
        int64_t press_ns = recording->press_ns, until_ns = end_ns < now_ns ? end_ns : now_ns;

        if (until_ns < press_ns)
                until_ns = press_ns;
        if (is_forgotten(recording, from_ns)) {
                bc_log_warning("a recording asked for by %s came to nothing: the ring had to go on before it",
                               recording->manifest.reason);
                bc_declare_gap(recording, BC_GAP_OVERTAKEN, from_ns, until_ns, 0);
        } else {
                bc_log_warning("a recording asked for by %s came to nothing: there was no picture",
                               recording->manifest.reason);
                if (from_ns < press_ns)
                        bc_declare_gap(recording, BC_GAP_PRE_EVENT, from_ns, press_ns, 0);
                bc_declare_gap(recording, BC_GAP_NO_PICTURE, press_ns, until_ns, 0);
        }
        recording->from_ns = recording->declared_ns = until_ns;
        recording->stage = BC_STAGE_BEGIN;
}

int bc_place_first(struct bc_recording *recording, int64_t end_ns, int64_t now_ns)
{
        int64_t from_ns = recording->press_ns - recording->config->pre_event_ns;
        struct bc_unit unit;
        int r;

        r = bc_ring_place(recording->ring, from_ns, &recording->cursor);
        if (r == 0)
                r = bc_ring_peek(recording->ring, &recording->cursor, BC_LANE_PICTURE, 0, &unit);
        if (r == -EPIPE)
                return 0; // evicted between the two calls: again
        if (r == -ENODATA || (r == 0 && unit.time_ns >= end_ns) ||
            (r == -EAGAIN && end_ns != BC_NS_NEVER && now_ns >= end_ns + BC_CUT_LAST_NS)) {
                come_to_nothing(recording, from_ns, end_ns, now_ns);
                return 0;
        }
        if (r < 0)
                return r;
        recording->first_ns = recording->from_ns = recording->declared_ns = unit.time_ns;
        recording->sound_declared_ticks = bc_ticks_from_ns(
                unit.time_ns > recording->sound_from_ns ? unit.time_ns : recording->sound_from_ns);
        if (unit.time_ns > from_ns)
                declare_late_beginning(recording, from_ns, unit.time_ns);
        bc_declare_clock(recording, unit.time_ns);
        recording->stage = BC_STAGE_BEGIN;
        return 0;
}

// ---- going on ------------------------------------------------------------------------------------------------

// Moves the cursor to the first key frame that starts at or after time_ns.
static int skip_to_key(struct bc_recording *recording, int64_t time_ns)
{
        struct bc_cursor *cursor = &recording->cursor;
        struct bc_unit unit;
        int r;

        while ((r = bc_ring_peek(recording->ring, cursor, BC_LANE_PICTURE, 0, &unit)) == 0) {
                if (unit.time_ns >= time_ns && unit.flags & BC_UNIT_KEY)
                        return 0;
                cursor->next[BC_LANE_PICTURE]++;
        }
        return r;
}

// Whether the ring holds sound that is not durable and starts before time_ns, read from the cursor on.
static bool is_sound_left(const struct bc_recording *recording, const struct bc_cursor *cursor, int64_t time_ns)
{
        int64_t ticks = recording->sound_declared_ticks;
        struct bc_unit unit = { 0 };
        int r;

        for (uint64_t ahead = 0;; ahead++) {
                r = bc_ring_peek(recording->ring, cursor, BC_LANE_SOUND, ahead, &unit);
                if (r < 0 || bc_ticks_from_ns(unit.time_ns) >= ticks)
                        break;
        }
        return r == 0 && unit.time_ns < time_ns;
}

// Goes on with the first picture that is not durable; sound may be further or lag behind. Up to one GOP is repeated, so
// that the successor starts on a key frame; one more where sound is left before it.
static int go_back(struct bc_recording *recording)
{
        int64_t sound_ns = bc_ns_from_ticks(recording->sound_declared_ticks);
        struct bc_cursor earlier;
        struct bc_unit key;
        int r;

        r = bc_ring_place(recording->ring, recording->declared_ns, &recording->cursor);
        if (r == 0)
                r = bc_ring_peek(recording->ring, &recording->cursor, BC_LANE_PICTURE, 0, &key);
        if (r < 0 || key.time_ns <= sound_ns)
                return r;
        if (bc_ring_place(recording->ring, sound_ns, &earlier) == 0 && is_sound_left(recording, &earlier, key.time_ns))
                recording->cursor = earlier;
        return 0;
}

static int skip_ahead(struct bc_recording *recording)
{
        int r = bc_ring_place(recording->ring, -1, &recording->cursor);

        return r < 0 ? r : skip_to_key(recording, recording->declared_ns);
}

int bc_place_again(struct bc_recording *recording)
{
        return recording->overtaken ? skip_ahead(recording) : go_back(recording);
}
