// SPDX-License-Identifier: EUPL-1.2
#include "media/narrator.h"

#include <string.h>

#include "base/log.h"
#include "bodycam/time.h"

#define TEXT_EVERY_NS BC_NS_PER_S

void bc_narrator_init(struct bc_narrator *narrator, struct bc_ring *ring, const struct bc_telemetry_stream *lanes,
                      const char *device, const char *unit)
{
        *narrator = (struct bc_narrator){ .ring = ring, .lanes = *lanes, .device = device, .unit = unit };
}

static void append(struct bc_narrator *narrator, enum bc_lane lane, int64_t time_ns, uint16_t flags, const uint8_t *bytes,
                   size_t size)
{
        const struct bc_unit unit = { .time_ns = time_ns, .size_bytes = (uint32_t)size, .flags = flags | BC_UNIT_KEY };
        int r = bc_ring_append(narrator->ring, lane, &unit, bytes);

        if (r < 0 && !narrator->failed[lane])
                bc_log_error("%s is lost: %s", lane == BC_LANE_TEXT ? "text" : "position", strerror(-r));
        narrator->failed[lane] = r < 0;
}

static bool has_fix(const struct bc_moment *moment)
{
        return moment->fix.mode != BC_FIX_NONE;
}

static void tell_text(struct bc_narrator *narrator, const struct bc_moment *moment, bool key)
{
        const struct bc_moment *before = narrator->begun ? &narrator->cue : NULL;
        bool clock = before && !bc_moment_clock_goes_on(before, moment);
        size_t size;

        if (before && !key && !clock && before->marks == moment->marks && has_fix(before) == has_fix(moment) &&
            moment->time_ns - before->time_ns < TEXT_EVERY_NS)
                return;
        size = bc_caption_write(narrator->device, narrator->unit, narrator->lanes.position, moment, before, narrator->text);
        append(narrator, BC_LANE_TEXT, moment->time_ns, clock ? BC_UNIT_CLOCK : 0, narrator->text, size);
        narrator->cue = *moment;
}

static void tell_position(struct bc_narrator *narrator, const struct bc_moment *moment, bool key)
{
        bool fix = has_fix(moment);
        bool is_new = fix ? !narrator->fix_told || moment->fix.time_ns != narrator->fix_ns : narrator->fix_told;
        size_t size;

        if (!key && !is_new)
                return;
        size = bc_gpmf_write(narrator->device, &moment->fix, narrator->position);
        append(narrator, BC_LANE_POSITION, moment->time_ns, 0, narrator->position, size);
        narrator->fix_told = fix;
        narrator->fix_ns = moment->fix.time_ns;
}

void bc_narrator_tell(struct bc_narrator *narrator, const struct bc_moment *moment, bool key)
{
        if (narrator->lanes.text)
                tell_text(narrator, moment, key);
        if (narrator->lanes.position)
                tell_position(narrator, moment, key);
        narrator->begun = true;
}

void bc_narrator_end(struct bc_narrator *narrator, int64_t end_ns)
{
        if (narrator->lanes.text)
                bc_ring_end(narrator->ring, BC_LANE_TEXT, end_ns);
        if (narrator->lanes.position)
                bc_ring_end(narrator->ring, BC_LANE_POSITION, end_ns);
}
