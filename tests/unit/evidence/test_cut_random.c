// SPDX-License-Identifier: EUPL-1.2
// The fragment rule held against random streams: jitter, delays, long pictures, late sound, a stalling card. The cuts
// joined are every unit of the recording exactly once and in order, and no fragment is longer than it may be.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "evidence/cut.h"
#include "lib/counts.h"

#define MS BC_NS_PER_MS
#define START_NS (96 * BC_NS_PER_S) // a whole number of sound units since boot
#define START_UNIT (96 * 48000 / BC_SOUND_UNIT_SAMPLES)
#define UNITS_MAX 4096
#define LENGTH_NS (20 * BC_NS_PER_S)

struct arrival {
        int64_t time_ns, at_ns; // starts; reaches the ring
        uint32_t bytes;
        bool key;
};

struct stream {
        struct arrival unit[BC_LANE_COUNT][UNITS_MAX];
        size_t units[BC_LANE_COUNT], fed[BC_LANE_COUNT], next[BC_LANE_COUNT]; // next to be taken
        int64_t segment_ns, late_ns;
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_cursor cursor;
        struct bc_cut_rule rule;
        bool missing; // it was said that sound is
};

static uint32_t below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

static int64_t sound_time(int64_t number)
{
        return bc_ns_from_ticks((START_UNIT + number) * BC_SOUND_UNIT_SAMPLES);
}

// ---- the stream: both lanes reach the ring in order, some time later ---------------------------------------------

static void add_unit(struct stream *stream, enum bc_lane lane, struct arrival unit)
{
        size_t n = stream->units[lane];

        assert_true(n < UNITS_MAX);
        if (n > 0 && unit.at_ns < stream->unit[lane][n - 1].at_ns)
                unit.at_ns = stream->unit[lane][n - 1].at_ns;
        stream->unit[lane][stream->units[lane]++] = unit;
}

static void make_units(struct stream *stream, uint32_t *seed)
{
        uint32_t interval_ms = 8 + below(seed, 200), gop = 1 + below(seed, 30);
        int64_t time_ns = START_NS;

        for (uint32_t n = 0; time_ns < START_NS + LENGTH_NS; n++) {
                int64_t delay_ns = (below(seed, 150) + (below(seed, 50) ? 0 : below(seed, 900))) * MS;

                add_unit(stream, BC_LANE_PICTURE, (struct arrival){ time_ns, time_ns + delay_ns, 1 + below(seed, 3000),
                                                                    n % gop == 0 });
                time_ns += (interval_ms + below(seed, 1 + interval_ms / 3)) * MS;
                if (below(seed, 60) == 0)
                        time_ns += below(seed, below(seed, 4) ? 1800 : 6000) * MS;
        }
        for (int64_t n = 0; sound_time(n) < START_NS + LENGTH_NS; n++) {
                int64_t late_ns = below(seed, 100) ? 0 : below(seed, (uint32_t)(stream->late_ns / MS)) * MS;

                add_unit(stream, BC_LANE_SOUND, (struct arrival){ sound_time(n),
                                                                  sound_time(n + 1) + below(seed, 60) * MS + late_ns,
                                                                  8, true });
        }
}

// Lets time pass until the next unit reaches the ring, but not beyond until_ns. Returns what time it is then.
static int64_t feed_next(struct stream *stream, int64_t until_ns)
{
        static const uint8_t bytes[3000];
        const struct arrival *unit = NULL;
        struct bc_unit made;
        int lane = 0;

        for (int i = 0; i < BC_LANE_COUNT; i++) {
                const struct arrival *first = &stream->unit[i][stream->fed[i]];

                if (stream->fed[i] == stream->units[i] || (unit && unit->at_ns <= first->at_ns))
                        continue;
                unit = first;
                lane = i;
        }
        if (!unit || unit->at_ns > until_ns)
                return until_ns;
        made = (struct bc_unit){ .time_ns = unit->time_ns, .size_bytes = unit->bytes,
                                 .flags = unit->key ? BC_UNIT_KEY : 0 };
        assert_int_equal(bc_ring_append(stream->ring, (enum bc_lane)lane, &made, bytes), 0);
        stream->fed[lane]++;
        return unit->at_ns;
}

// ---- the check -------------------------------------------------------------------------------------------------

// Reads the next unit, which must be the one that is due, and returns its size.
static size_t take(struct stream *stream, enum bc_lane lane, const struct bc_cut *cut, struct bc_unit *ret_unit)
{
        static uint8_t bytes[3000];

        assert_int_equal(bc_ring_read(stream->ring, &stream->cursor, lane, bytes, sizeof(bytes), ret_unit), 0);
        assert_int_equal(ret_unit->time_ns, stream->unit[lane][stream->next[lane]++].time_ns);
        assert_true(ret_unit->time_ns < cut->end_ns && ret_unit->time_ns < stream->rule.end_ns);
        return ret_unit->size_bytes;
}

static void check_cut(struct stream *stream, const struct bc_cut *cut)
{
        const struct bc_cut_rule *rule = &stream->rule;
        struct bc_unit unit;
        size_t payload = 0;

        for (size_t i = 0; i < cut->pictures; i++) {
                payload += take(stream, BC_LANE_PICTURE, cut, &unit);
                assert_true(i == 0 || !(unit.flags & BC_UNIT_KEY)); // a key frame begins a fragment
                if (i == 0 && !rule->segment_begun)
                        assert_int_equal(unit.time_ns, rule->from_ns);
        }
        if (cut->pictures != 1)
                assert_true(cut->end_ns - rule->from_ns <= rule->fragment_ns);
        if (cut->pictures > 1)
                assert_true(payload <= rule->payload_bytes_max);
        for (size_t i = 0; i < cut->sounds; i++) {
                payload += take(stream, BC_LANE_SOUND, cut, &unit);
                assert_true(unit.time_ns >= rule->sound_from_ns);
        }
        assert_int_equal(payload, cut->payload_bytes);
        assert_true(cut->pictures > 0 || cut->sounds > 0 || cut->recording_ends);
}

// Sound that starts earlier belongs to nothing any more: it came too late, which must have been said.
static void pass_over_sound(struct stream *stream, int64_t from_ns, bool said)
{
        size_t *next = &stream->next[BC_LANE_SOUND];

        for (; *next < stream->units[BC_LANE_SOUND] && stream->unit[BC_LANE_SOUND][*next].time_ns < from_ns; ++*next)
                assert_true(said);
}

static void follow_on(struct stream *stream, const struct bc_cut *cut)
{
        struct bc_cut_rule *rule = &stream->rule;

        stream->missing |= cut->sound_missing;
        rule->from_ns = cut->end_ns;
        rule->segment_begun = !cut->segment_ends;
        if (!cut->segment_ends)
                return;
        rule->segment_until_ns = cut->end_ns + stream->segment_ns;
        if (rule->sound_from_ns < cut->end_ns)
                rule->sound_from_ns = cut->end_ns;
        pass_over_sound(stream, cut->end_ns, cut->sound_missing);
}

// Every unit of this lane that starts before the end was taken.
static void check_complete(const struct stream *stream, enum bc_lane lane)
{
        size_t next = stream->next[lane];

        if (next < stream->units[lane])
                assert_true(stream->unit[lane][next].time_ns >= stream->rule.end_ns);
}

// Steps as the recorder does: decides again when a unit has come or the time to look again has.
static void record(struct stream *stream, uint32_t *seed, int64_t stop_at_ns)
{
        int64_t now_ns = START_NS, stall_until_ns = START_NS;
        bool over = false;

        while (!over) {
                int64_t wake_ns = stall_until_ns;
                struct bc_cut cut;
                int r = -EAGAIN;

                if (now_ns >= stop_at_ns)
                        stream->rule.end_ns = stop_at_ns;
                if (now_ns >= stall_until_ns)
                        r = bc_cut_decide(stream->ring, &stream->cursor, &stream->rule, now_ns, &cut, &wake_ns);
                if (r == -EAGAIN) {
                        assert_true(wake_ns > now_ns); // or the recorder would spin
                        if (now_ns < stop_at_ns && stop_at_ns < wake_ns)
                                wake_ns = stop_at_ns;
                        now_ns = feed_next(stream, wake_ns);
                        assert_true(now_ns < BC_NS_NEVER);
                        continue;
                }
                assert_int_equal(r, 0);
                check_cut(stream, &cut);
                follow_on(stream, &cut);
                over = cut.recording_ends;
                if (below(seed, 40) == 0)
                        stall_until_ns = now_ns + below(seed, 8000) * MS; // the card
        }
}

static void one_recording(uint32_t seed)
{
        static struct stream stream;
        const struct bc_ring_config config = {
                .lane_bytes = { 8 << 20, 1 << 20 },
                .lane_units = { UNITS_MAX, UNITS_MAX },
                .pre_event_sound = true,
        };

        stream = (struct stream){ .late_ns = (below(&seed, 3) ? 200 : 6000) * MS };
        make_units(&stream, &seed);
        stream.segment_ns = (1 + below(&seed, 8)) * BC_NS_PER_S;
        stream.rule = (struct bc_cut_rule){
                .sound = true,
                .fragment_ns = (100 + below(&seed, 400)) * MS,
                .payload_bytes_max = below(&seed, 2) ? 1 << 20 : 6000,
                .from_ns = START_NS,
                .segment_until_ns = START_NS + stream.segment_ns,
                .sound_from_ns = below(&seed, 2) ? 0 : START_NS + below(&seed, 10000) * MS,
                .end_ns = BC_NS_NEVER,
        };
        assert_int_equal(bc_clock_new_simulated(START_NS, &stream.clock), 0);
        assert_int_equal(bc_ring_new(stream.clock, &config, &stream.ring), 0);
        bc_ring_set_recording(stream.ring, true);
        pass_over_sound(&stream, stream.rule.sound_from_ns, true);
        record(&stream, &seed, START_NS + (100 + below(&seed, 16000)) * MS);
        check_complete(&stream, BC_LANE_PICTURE);
        if (!stream.missing)
                check_complete(&stream, BC_LANE_SOUND);
        assert_true(stream.late_ns > 200 * MS || !stream.missing);
        bc_ring_free(stream.ring);
        bc_clock_free(stream.clock);
}

static void test_random_streams(void **state)
{
        uint32_t recordings = counts_of(100, 300, 20000);

        (void)state;
        for (uint32_t seed = 1; seed <= recordings; seed++)
                one_recording(seed * 7919);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_streams),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
