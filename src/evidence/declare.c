// SPDX-License-Identifier: EUPL-1.2
#include "evidence/declare.h"

#include <stdio.h>

#include "base/log.h"
#include "evidence/announce.h"

// The last picture of a stream lasts a little longer than its end; a hole is longer than this.
#define EARLY_END_NS (500 * BC_NS_PER_MS)

void bc_declare_gap(struct bc_recording *recording, enum bc_gap_kind kind, int64_t from_ns, int64_t to_ns,
                    uint64_t count)
{
        int64_t from_ticks = bc_ticks_from_ns(from_ns > 0 ? from_ns : 0);
        int64_t to_ticks = to_ns == BC_NS_NEVER ? BC_TICKS_UNKNOWN : bc_ticks_from_ns(to_ns);

        if (kind == BC_GAP_OVERTAKEN) {
                recording->overtaken_ns += to_ns - from_ns;
                bc_announce_gap(recording, from_ticks, to_ticks);
        }
        if (!bc_manifest_add_gap(&recording->manifest, kind, from_ticks, to_ticks, count))
                bc_log_error("a gap could not be declared: out of memory");
        recording->manifest_stale = true;
}

void bc_declare_clock(struct bc_recording *recording, int64_t time_ns)
{
        const struct bc_recorder_config *config = recording->config;
        const struct bc_moment *before = &recording->clock;
        struct bc_manifest_clock clock = { .from_ticks = bc_ticks_from_ns(time_ns), .step_ns = BC_STEP_UNKNOWN };
        struct bc_moment moment;

        if (!config->moment_at)
                return;
        config->moment_at(config->moment_user, time_ns, &moment);
        clock.source = moment.source;
        clock.utc_ns = moment.utc_ns;
        clock.uncertainty_ns = moment.uncertainty_ns;
        if (before->source != BC_UTC_NONE && moment.source != BC_UTC_NONE)
                clock.step_ns = bc_moment_utc_step_ns(before, &moment);
        if (!bc_manifest_add_clock(&recording->manifest, &clock))
                bc_log_error("what the clock says could not be declared: out of memory");
        recording->clock = moment;
        recording->manifest_stale = true;
}

// The text that told of a clock that was set may have gone with the hole.
static void declare_clock_behind_hole(struct bc_recording *recording, int64_t time_ns)
{
        struct bc_moment moment;

        if (!recording->config->moment_at)
                return;
        recording->config->moment_at(recording->config->moment_user, time_ns, &moment);
        if (!bc_moment_clock_goes_on(&recording->clock, &moment))
                bc_declare_clock(recording, time_ns);
}

// Whether it was muted in a hole is not known: the units that would say so are gone.
static void end_muted_at_hole(struct bc_recording *recording)
{
        recording->manifest_stale |= bc_manifest_end_gap(&recording->manifest, BC_GAP_MUTED,
                                                         recording->sound_declared_ticks);
}

// Pictures before the hole may have been written while their sound was lost already: the hole does not cover that.
static void declare_silence_before_hole(struct bc_recording *recording, const struct bc_cut *cut)
{
        const struct bc_unit *sound = recording->buffer->unit[BC_LANE_SOUND];
        int64_t to_ns = recording->declared_ns;

        if (cut->sounds > 0 && sound->time_ns < to_ns)
                to_ns = sound->time_ns;
        if (!bc_manifest_lasts(&recording->manifest, BC_GAP_NO_SOUND) &&
            bc_ticks_from_ns(to_ns) - recording->sound_declared_ticks >= BC_SOUND_UNIT_SAMPLES)
                bc_declare_gap(recording, BC_GAP_NO_SOUND, bc_ns_from_ticks(recording->sound_declared_ticks), to_ns, 0);
}

// What lies between the fragment and all that was declared before it is lost: the ring had to go on. Its lanes do not
// lose the same seconds.
static void declare_holes(struct bc_recording *recording, const struct bc_cut *cut)
{
        const struct bc_unit *picture = recording->buffer->unit[BC_LANE_PICTURE];
        const struct bc_unit *sound = recording->buffer->unit[BC_LANE_SOUND];

        if (cut->sounds > 0 && bc_ticks_from_ns(sound->time_ns) > recording->sound_declared_ticks)
                end_muted_at_hole(recording);
        if (cut->pictures > 0 && picture->time_ns > recording->declared_ns) {
                int64_t ticks = bc_ticks_from_ns(picture->time_ns);

                declare_silence_before_hole(recording, cut);
                bc_declare_gap(recording, BC_GAP_OVERTAKEN, recording->declared_ns, picture->time_ns, 0);
                declare_clock_behind_hole(recording, picture->time_ns);
                recording->declared_ns = picture->time_ns;
                recording->last_picture_ns = -1;
                if (recording->sound_declared_ticks < ticks) {
                        end_muted_at_hole(recording);
                        recording->sound_declared_ticks = ticks;
                }
        }
        if (cut->sounds > 0 && !bc_manifest_lasts(&recording->manifest, BC_GAP_NO_SOUND) &&
            bc_ticks_from_ns(sound->time_ns) - recording->sound_declared_ticks >= BC_SOUND_UNIT_SAMPLES)
                bc_declare_gap(recording, BC_GAP_NO_SOUND, bc_ns_from_ticks(recording->sound_declared_ticks),
                               sound->time_ns, 0);
}

// A gap that lasts from the first unit of sound with the flag to the first one without it.
static void declare_flag(struct bc_recording *recording, const struct bc_unit *unit, enum bc_unit_flags flag,
                         enum bc_gap_kind kind)
{
        struct bc_manifest *manifest = &recording->manifest;

        if (!(unit->flags & flag))
                recording->manifest_stale |= bc_manifest_end_gap(manifest, kind, bc_ticks_from_ns(unit->time_ns));
        else if (!bc_manifest_lasts(manifest, kind))
                bc_declare_gap(recording, kind, unit->time_ns, BC_NS_NEVER, 0);
}

void bc_declare_units(struct bc_recording *recording, const struct bc_cut *cut)
{
        struct bc_manifest *manifest = &recording->manifest;

        declare_holes(recording, cut);
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
                int64_t ticks = bc_ticks_from_ns(unit->time_ns);

                if (ticks < recording->sound_declared_ticks)
                        continue;
                recording->sound_declared_ticks = ticks + recording->buffer->sample[BC_LANE_SOUND][i].duration_ticks;
                declare_flag(recording, unit, BC_UNIT_SUBSTITUTE, BC_GAP_NO_SOUND);
                declare_flag(recording, unit, BC_UNIT_MUTED, BC_GAP_MUTED);
                if (recording->buffer->sample[BC_LANE_SOUND][i].duration_ticks > BC_SOUND_UNIT_SAMPLES)
                        bc_declare_gap(recording, BC_GAP_NO_SOUND, unit->time_ns, unit[1].time_ns, 0);
        }
        for (size_t i = 0; i < cut->text.units; i++) {
                const struct bc_unit *unit = &recording->buffer->unit[BC_LANE_TEXT][i];

                if (unit->flags & BC_UNIT_CLOCK && unit->time_ns > recording->clock.time_ns)
                        bc_declare_clock(recording, unit->time_ns);
        }
}

// How many of the lost frames were due before until_ns, the first of them at from_ns. Those after the end of the
// recording are not missing in it.
static uint64_t lost_before(const struct bc_recording *recording, uint64_t lost, int64_t from_ns, int64_t until_ns)
{
        int64_t interval_ns = recording->stream->picture.interval_ns;
        uint64_t due = (uint64_t)((until_ns - from_ns + interval_ns - 1) / interval_ns);

        return lost < due ? lost : due;
}

void bc_declare_end(struct bc_recording *recording, const struct bc_cut *cut, int64_t end_ns)
{
        int64_t from_ns = recording->last_picture_ns + recording->stream->picture.interval_ns;
        const struct bc_unit *unit = &cut->ending;
        uint64_t lost = unit->lost;

        if (recording->last_picture_ns < 0 || unit->time_ns < 0)
                return;
        if (unit->time_ns > end_ns && from_ns >= end_ns)
                return; // the last picture was true to the end
        if (unit->time_ns > end_ns)
                lost = lost_before(recording, lost, from_ns, end_ns);
        else
                end_ns = unit->time_ns;
        if (from_ns > end_ns)
                from_ns = end_ns;
        if (lost > 0)
                bc_declare_gap(recording, BC_GAP_FRAMES_LOST, from_ns, end_ns, lost);
        if (unit->flags & BC_UNIT_SUBSTITUTE && from_ns < end_ns &&
            !bc_manifest_lasts(&recording->manifest, BC_GAP_NO_PICTURE))
                bc_declare_gap(recording, BC_GAP_NO_PICTURE, from_ns, end_ns, 0);
}

void bc_declare_early_end(struct bc_recording *recording, int64_t end_ns, int64_t now_ns)
{
        int64_t until_ns = end_ns < now_ns ? end_ns : now_ns;

        if (until_ns - recording->from_ns < EARLY_END_NS || bc_manifest_lasts(&recording->manifest, BC_GAP_NO_PICTURE))
                return;
        bc_declare_gap(recording, BC_GAP_NO_PICTURE, recording->from_ns, until_ns, 0);
}

void bc_declare_over(struct bc_recording *recording, int64_t end_ns, const char *stop_reason, int64_t now_ns)
{
        struct bc_manifest *manifest = &recording->manifest;
        int64_t end_ticks = bc_ticks_from_ns(recording->durable_ns > 0 ? recording->durable_ns : recording->from_ns);

        bc_declare_early_end(recording, end_ns, now_ns);
        for (enum bc_gap_kind kind = 0; kind < BC_GAP_KINDS; kind++)
                bc_manifest_end_gap(manifest, kind, end_ticks);
        manifest->state = BC_RECORDING_CLOSED;
        manifest->stop_ticks = end_ns == BC_NS_NEVER ? end_ticks : bc_ticks_from_ns(end_ns);
        snprintf(manifest->stop_reason, sizeof(manifest->stop_reason), "%s", end_ns == BC_NS_NEVER ? "stream ended" : stop_reason);
        recording->manifest_stale = true;
}
