// SPDX-License-Identifier: EUPL-1.2
#include "evidence/fragment_buffer.h"

#include <errno.h>
#include <stdlib.h>

#include "bodycam/stream.h"
#include "bodycam/time.h"
#include "evidence/segment.h"

int bc_fragment_buffer_init(struct bc_fragment_buffer *buffer, size_t payload_bytes)
{
        buffer->room = bc_segment_room(BC_CUT_UNITS_MAX);
        buffer->payload_room = payload_bytes;
        buffer->bytes = malloc(buffer->room + payload_bytes + BC_SEGMENT_BEHIND_BYTES);
        return buffer->bytes ? 0 : -ENOMEM;
}

void bc_fragment_buffer_done(struct bc_fragment_buffer *buffer)
{
        free(buffer->bytes);
        buffer->bytes = NULL;
}

size_t bc_fragment_buffer_bytes(const struct bc_fragment_buffer *buffer)
{
        return buffer->room + buffer->payload_room + BC_SEGMENT_BEHIND_BYTES;
}

// A single access unit beyond what rate control should produce gets here, or very many late units at once.
static int reserve_payload(struct bc_fragment_buffer *buffer, size_t payload_bytes)
{
        uint8_t *bytes;

        if (payload_bytes <= buffer->payload_room)
                return 0;
        bytes = realloc(buffer->bytes, buffer->room + payload_bytes + BC_SEGMENT_BEHIND_BYTES);
        if (!bytes)
                return -ENOMEM;
        buffer->bytes = bytes;
        buffer->payload_room = payload_bytes;
        return 0;
}

static int read_lane(struct bc_fragment_buffer *buffer, struct bc_ring *ring, struct bc_cursor *cursor,
                     enum bc_lane lane, size_t *used)
{
        for (size_t i = 0; i < buffer->units[lane]; i++) {
                struct bc_unit *unit = &buffer->unit[lane][i];
                int r = bc_ring_read(ring, cursor, lane, buffer->bytes + buffer->room + *used,
                                     buffer->payload_room - *used, unit);

                if (r < 0)
                        return r;
                buffer->sample[lane][i].size_bytes = unit->size_bytes;
                buffer->sample[lane][i].sync = unit->flags & BC_UNIT_KEY;
                *used += unit->size_bytes;
        }
        return 0;
}

int bc_fragment_buffer_fill(struct bc_fragment_buffer *buffer, struct bc_ring *ring, struct bc_cursor *cursor,
                            const struct bc_cut *cut, size_t *ret_payload_bytes)
{
        size_t used = 0;
        int r = reserve_payload(buffer, cut->payload_bytes);

        buffer->units[BC_LANE_PICTURE] = cut->pictures;
        buffer->units[BC_LANE_SOUND] = cut->sounds;
        buffer->units[BC_LANE_TEXT] = cut->text.units;
        buffer->units[BC_LANE_POSITION] = cut->position.units;
        for (enum bc_lane lane = 0; lane < BC_LANE_COUNT && r == 0; lane++)
                r = read_lane(buffer, ring, cursor, lane, &used);
        if (r < 0)
                return r;
        *ret_payload_bytes = used;
        return 0;
}

static uint32_t duration_ticks(int64_t ticks)
{
        return (uint32_t)(ticks < 1 ? 1 : ticks > UINT32_MAX ? UINT32_MAX : ticks);
}

void bc_fragment_buffer_time(struct bc_fragment_buffer *buffer, enum bc_lane lane, int64_t at_ticks, int64_t end_ns)
{
        const struct bc_unit *unit = buffer->unit[lane];
        size_t units = buffer->units[lane];

        for (size_t i = 0; i < units; i++) {
                int64_t next_ns = i + 1 < units ? unit[i + 1].time_ns : end_ns;
                uint32_t ticks = duration_ticks(bc_ticks_from_ns(next_ns) - at_ticks);

                buffer->sample[lane][i].duration_ticks = ticks;
                at_ticks += ticks;
        }
}

int bc_fragment_buffer_time_sound(struct bc_fragment_buffer *buffer, int64_t at_ticks)
{
        const struct bc_unit *unit = buffer->unit[BC_LANE_SOUND];
        size_t units = buffer->units[BC_LANE_SOUND];

        if (units > 0 && bc_ticks_from_ns(unit[0].time_ns) != at_ticks)
                return -ESTALE;
        for (size_t i = 0; i < units; i++) {
                int64_t ticks = BC_SOUND_UNIT_SAMPLES;

                if (i + 1 < units)
                        ticks = bc_ticks_from_ns(unit[i + 1].time_ns) - at_ticks;
                buffer->sample[BC_LANE_SOUND][i].duration_ticks = duration_ticks(ticks);
                at_ticks += duration_ticks(ticks);
        }
        return 0;
}
