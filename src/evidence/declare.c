// SPDX-License-Identifier: EUPL-1.2
#include "evidence/declare.h"

#include "base/log.h"

void bc_declare_gap(struct bc_recording *recording, enum bc_gap_kind kind, int64_t from_ns, int64_t to_ns,
                    uint64_t count)
{
        int64_t from_ticks = bc_ticks_from_ns(from_ns > 0 ? from_ns : 0);
        int64_t to_ticks = to_ns == BC_NS_NEVER ? BC_TICKS_UNKNOWN : bc_ticks_from_ns(to_ns);

        if (!bc_manifest_add_gap(&recording->manifest, kind, from_ticks, to_ticks, count))
                bc_log_error("a gap could not be declared: out of memory");
        recording->manifest_stale = true;
}

void bc_declare_units(struct bc_recording *recording, const struct bc_cut *cut)
{
        struct bc_manifest *manifest = &recording->manifest;

        for (size_t i = 0; i < cut->pictures; i++) {
                const struct bc_unit *unit = &recording->buffer->unit[BC_LANE_PICTURE][i];
                int64_t from_ns = unit->time_ns;

                if (unit->time_ns < recording->declared_ns)
                        continue;
                // The picture before was true until the next one was due.
                if (recording->last_picture_ns >= 0 &&
                    recording->last_picture_ns + recording->stream->picture.interval_ns < from_ns)
                        from_ns = recording->last_picture_ns + recording->stream->picture.interval_ns;
                if (unit->lost > 0)
                        bc_declare_gap(recording, BC_GAP_FRAMES_LOST, from_ns, unit->time_ns, unit->lost);
                if (!(unit->flags & BC_UNIT_SUBSTITUTE))
                        recording->manifest_stale |= bc_manifest_end_gap(manifest, BC_GAP_NO_PICTURE,
                                                                         bc_ticks_from_ns(unit->time_ns));
                else if (!bc_manifest_lasts(manifest, BC_GAP_NO_PICTURE))
                        bc_declare_gap(recording, BC_GAP_NO_PICTURE, from_ns, BC_NS_NEVER, 0);
                recording->last_picture_ns = unit->time_ns;
        }
        for (size_t i = 0; i < cut->sounds; i++) {
                const struct bc_unit *unit = &recording->buffer->unit[BC_LANE_SOUND][i];

                if (!(unit->flags & BC_UNIT_SUBSTITUTE))
                        recording->manifest_stale |= bc_manifest_end_gap(manifest, BC_GAP_NO_SOUND,
                                                                         bc_ticks_from_ns(unit->time_ns));
                else if (!bc_manifest_lasts(manifest, BC_GAP_NO_SOUND))
                        bc_declare_gap(recording, BC_GAP_NO_SOUND, unit->time_ns, BC_NS_NEVER, 0);
                if (recording->buffer->sample[BC_LANE_SOUND][i].duration_ticks > BC_SOUND_UNIT_SAMPLES)
                        bc_declare_gap(recording, BC_GAP_NO_SOUND, unit->time_ns, unit[1].time_ns, 0);
        }
}
