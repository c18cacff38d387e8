// SPDX-License-Identifier: EUPL-1.2
#include "cut_stream.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS BC_NS_PER_MS

void cut_begin(struct cut_stream *stream, size_t picture_units)
{
        const struct bc_ring_config config = {
                .lane_bytes = { 4 << 20, 1 << 20 },
                .lane_units = { picture_units, 8192 },
                .pre_event_sound = true,
        };

        *stream = (struct cut_stream){
                .rule = { .sound = true, .fragment_ns = 500 * MS, .payload_bytes_max = 1 << 20,
                          .from_ns = CUT_START_NS, .end_ns = BC_NS_NEVER },
                .segment_ns = 3600 * BC_NS_PER_S,
                .next_ns = CUT_START_NS,
                .picture_bytes = 100,
        };
        assert_int_equal(bc_clock_new_simulated(CUT_START_NS, &stream->clock), 0);
        assert_int_equal(bc_ring_new(stream->clock, &config, &stream->ring), 0);
        bc_ring_set_recording(stream->ring, true);
        stream->rule.segment_until_ns = CUT_START_NS + stream->segment_ns;
}

void cut_end(struct cut_stream *stream)
{
        bc_ring_free(stream->ring);
        bc_clock_free(stream->clock);
}

void cut_set_segment(struct cut_stream *stream, int64_t ms)
{
        stream->segment_ns = ms * MS;
        stream->rule.segment_until_ns = CUT_START_NS + stream->segment_ns;
}

void cut_picture_at(struct cut_stream *stream, char kind, int64_t time_ns)
{
        static uint8_t bytes[1 << 20];
        const struct bc_unit unit = {
                .time_ns = time_ns,
                .size_bytes = stream->picture_bytes,
                .flags = (uint16_t)((kind == 'I' || kind == 'S' ? BC_UNIT_KEY : 0) |
                                    (kind == 'S' || kind == 's' ? BC_UNIT_SUBSTITUTE : 0)),
        };

        assert_int_equal(bc_ring_append(stream->ring, BC_LANE_PICTURE, &unit, bytes), 0);
}

void cut_pictures(struct cut_stream *stream, const char *kinds, int64_t interval_ns)
{
        for (; *kinds; kinds++, stream->next_ns += interval_ns)
                cut_picture_at(stream, *kinds, stream->next_ns);
}

static int64_t sound_time(int64_t number)
{
        return bc_ns_from_ticks((CUT_START_UNIT + number) * BC_SOUND_UNIT_SAMPLES);
}

void cut_sound_until(struct cut_stream *stream, int64_t ms)
{
        for (; sound_time(stream->sounds + 1) <= CUT_START_NS + ms * MS; stream->sounds++) {
                const struct bc_unit unit = { .time_ns = sound_time(stream->sounds), .size_bytes = 8,
                                              .flags = BC_UNIT_KEY };

                assert_int_equal(bc_ring_append(stream->ring, BC_LANE_SOUND, &unit, "8 bytes"), 0);
        }
}

static int64_t since_start_ms(int64_t time_ns)
{
        return time_ns == BC_NS_NEVER ? -1 : (time_ns - CUT_START_NS + MS / 2) / MS;
}

// Reads the units of a cut as the recorder does.
static void take(struct cut_stream *stream, const struct bc_cut *cut)
{
        static uint8_t bytes[1 << 20];
        size_t used = strlen(stream->text), payload = 0;
        struct bc_unit unit;

        assert_true(stream->fragments < CUT_FRAGMENTS_MAX && used + cut->pictures + 32 < sizeof(stream->text));
        if (used > 0)
                stream->text[used++] = ' ';
        for (size_t i = 0; i < cut->pictures; i++, payload += unit.size_bytes) {
                assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, BC_LANE_PICTURE, bytes, sizeof(bytes),
                                              &unit), 0);
                stream->text[used++] = unit.flags & BC_UNIT_KEY ? unit.flags & BC_UNIT_SUBSTITUTE ? 'S' : 'I' :
                                       unit.flags & BC_UNIT_SUBSTITUTE ? 's' : 'P';
        }
        for (size_t i = 0; i < cut->sounds; i++, payload += unit.size_bytes)
                assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, BC_LANE_SOUND, bytes, sizeof(bytes),
                                              &unit), 0);
        assert_int_equal(payload, cut->payload_bytes);
        stream->text[used] = 0;
        if (cut->sounds > 0)
                used += (size_t)snprintf(stream->text + used, 16, "+%zu", cut->sounds);
        snprintf(stream->text + used, 8, "%s%s%s%s", cut->picture_end_guessed ? "?" : "", cut->sound_missing ? "!" : "",
                 cut->segment_ends ? "/" : "", cut->recording_ends ? "." : "");
        stream->end_ms[stream->fragments++] = since_start_ms(cut->end_ns);
}

const char *cut_cuts(struct cut_stream *stream, int64_t now_ms)
{
        int r = 0;

        while (!stream->over && r == 0) {
                struct bc_cut cut;
                int64_t wake_ns;

                r = bc_cut_decide(stream->ring, &stream->cursor, &stream->rule, CUT_START_NS + now_ms * MS, &cut,
                                  &wake_ns);
                if (r == -EAGAIN) {
                        assert_true(wake_ns > CUT_START_NS + now_ms * MS); // or the recorder would spin
                        stream->wake_ms = since_start_ms(wake_ns);
                }
                if (r < 0)
                        break;
                take(stream, &cut);
                stream->over = cut.recording_ends;
                stream->rule.from_ns = cut.end_ns;
                stream->rule.segment_begun = !cut.segment_ends;
                if (cut.segment_ends) {
                        stream->rule.segment_until_ns = cut.end_ns + stream->segment_ns;
                        if (stream->rule.sound_from_ns < cut.end_ns)
                                stream->rule.sound_from_ns = cut.end_ns;
                }
        }
        assert_true(r == 0 || r == -EAGAIN);
        return stream->text;
}
