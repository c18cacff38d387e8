// SPDX-License-Identifier: EUPL-1.2
// Streams are strings: I a key frame, P another picture, each 100 ms; s a sound unit of 50 ms. The bytes of unit n are
// a pattern of n, so that a torn or misplaced copy shows.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "bodycam/ring.h"

#define PICTURE_NS (100 * BC_NS_PER_MS)
#define SOUND_NS (50 * BC_NS_PER_MS)
#define UNIT_BYTES_MAX 4096

struct bench {
        struct bc_clock *clock;
        struct bc_ring *ring;
        uint64_t fed[BC_LANE_COUNT];
        uint32_t picture_bytes, sound_bytes;
};

static void fill(uint8_t *bytes, size_t size, uint64_t number)
{
        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(number * 31 + i * 7);
}

static void assert_filled(const uint8_t *bytes, size_t size, uint64_t number)
{
        for (size_t i = 0; i < size; i++)
                if (bytes[i] != (uint8_t)(number * 31 + i * 7))
                        fail_msg("unit %llu has a wrong byte at %zu", (unsigned long long)number, i);
}

static void make(struct bench *bench, size_t picture_bytes, size_t picture_units, int64_t pre_event_ns,
                 bool pre_event_sound)
{
        const struct bc_ring_config config = {
                .lane_bytes = { picture_bytes, 1000 },
                .lane_units = { picture_units, 1000 },
                .pre_event_ns = pre_event_ns,
                .pre_event_sound = pre_event_sound,
        };

        *bench = (struct bench){ .picture_bytes = 10, .sound_bytes = 2 };
        assert_int_equal(bc_clock_new_simulated(0, &bench->clock), 0);
        assert_int_equal(bc_ring_new(bench->clock, &config, &bench->ring), 0);
}

static void tear_down(struct bench *bench)
{
        bc_ring_free(bench->ring);
        bc_clock_free(bench->clock);
}

static void feed(struct bench *bench, const char *stream)
{
        uint8_t bytes[UNIT_BYTES_MAX];

        for (; *stream; stream++) {
                enum bc_lane lane = *stream == 's' ? BC_LANE_SOUND : BC_LANE_PICTURE;
                uint64_t number = bench->fed[lane]++;
                struct bc_unit unit = {
                        .time_ns = (int64_t)number * (lane == BC_LANE_SOUND ? SOUND_NS : PICTURE_NS),
                        .size_bytes = lane == BC_LANE_SOUND ? bench->sound_bytes : bench->picture_bytes,
                        .flags = *stream == 'P' ? 0 : BC_UNIT_KEY,
                };

                fill(bytes, unit.size_bytes, number);
                assert_int_equal(bc_ring_append(bench->ring, lane, &unit, bytes), 0);
        }
}

// Reads everything from the cursor on: pictures as letters, the numbers of the first and last sound unit.
struct content {
        char pictures[256];
        uint64_t first_picture;
        int64_t first_sound, last_sound; // -1: none
};

static struct content read_all(struct bench *bench, struct bc_cursor cursor)
{
        struct content content = { .first_sound = -1, .last_sound = -1 };
        uint8_t bytes[UNIT_BYTES_MAX];
        struct bc_unit unit;
        size_t n = 0;

        while (bc_ring_read(bench->ring, &cursor, BC_LANE_PICTURE, bytes, sizeof(bytes), &unit) == 0) {
                uint64_t number = (uint64_t)(unit.time_ns / PICTURE_NS);

                assert_filled(bytes, unit.size_bytes, number);
                if (n == 0)
                        content.first_picture = number;
                content.pictures[n++] = unit.flags & BC_UNIT_KEY ? 'I' : 'P';
        }
        while (bc_ring_read(bench->ring, &cursor, BC_LANE_SOUND, bytes, sizeof(bytes), &unit) == 0) {
                content.last_sound = unit.time_ns / SOUND_NS;
                assert_filled(bytes, unit.size_bytes, (uint64_t)content.last_sound);
                if (content.first_sound < 0)
                        content.first_sound = content.last_sound;
        }
        return content;
}

static struct content held(struct bench *bench)
{
        struct bc_cursor cursor;

        if (bc_ring_place(bench->ring, -1, &cursor) < 0)
                return (struct content){ .first_sound = -1, .last_sound = -1 };
        return read_all(bench, cursor);
}

// ---- retention -----------------------------------------------------------------------------------------------

static void test_pre_event_and_one_gop(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 10000, 1000, 500 * BC_NS_PER_MS, true);
        feed(&bench, "IPPssss"); // 0.0 - 0.2
        feed(&bench, "IPPssssssIPPssssss");
        // Newest picture at 0.8 s, sound at 0.75 s: the GOP of 0.3 s must stay, that of 0.0 s is older than needed.
        assert_string_equal(held(&bench).pictures, "IPPIPP");
        assert_int_equal(held(&bench).first_picture, 3);
        assert_int_equal(held(&bench).first_sound, 6);
        feed(&bench, "IP"); // 0.9, 1.0: 0.3 is still the newest key at least 0.5 s back
        assert_int_equal(held(&bench).first_picture, 3);
        feed(&bench, "P"); // 1.1: now it is 0.6
        assert_int_equal(held(&bench).first_picture, 6);
        tear_down(&bench);
}

static void test_pre_event_of_zero_keeps_one_gop(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 10000, 1000, 0, true);
        feed(&bench, "IPPPIPP");
        assert_string_equal(held(&bench).pictures, "IPP");
        feed(&bench, "I");
        assert_string_equal(held(&bench).pictures, "I");
        tear_down(&bench);
}

static void test_recording_keeps_all_and_its_end_trims_at_once(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 10000, 1000, 200 * BC_NS_PER_MS, true);
        bc_ring_set_recording(bench.ring, true);
        feed(&bench, "IPPIPPIPPIPP");
        assert_string_equal(held(&bench).pictures, "IPPIPPIPPIPP");
        bc_ring_set_recording(bench.ring, false);
        assert_string_equal(held(&bench).pictures, "IPP");
        tear_down(&bench);
}

static void test_no_sound_is_kept_before_the_press(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 10000, 1000, 500 * BC_NS_PER_MS, false);
        feed(&bench, "IsPsPsIsPs");
        assert_int_equal(held(&bench).first_sound, -1);
        bc_ring_set_recording(bench.ring, true);
        feed(&bench, "ssPs");
        assert_int_equal(held(&bench).first_sound, 5);
        assert_int_equal(held(&bench).last_sound, 7);
        bc_ring_set_recording(bench.ring, false);
        assert_int_equal(held(&bench).first_sound, -1);
        tear_down(&bench);
}

static void test_a_lane_that_ended_obeys_the_law_too(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 10000, 1000, 300 * BC_NS_PER_MS, true);
        feed(&bench, "IPPIPPssssssssssss");
        bc_ring_end(bench.ring, BC_LANE_PICTURE, 600 * BC_NS_PER_MS);
        for (int i = 0; i < 10; i++)
                feed(&bench, "s");
        assert_string_equal(held(&bench).pictures, "");
        tear_down(&bench);
}

// ---- space ---------------------------------------------------------------------------------------------------

static void test_a_full_lane_loses_whole_gops(void **state)
{
        struct bench bench;
        struct bc_ring_level level;

        (void)state;
        make(&bench, 100, 1000, 3600 * BC_NS_PER_S, true);
        feed(&bench, "IPPPssssssssIPPPssssssssIP");
        assert_string_equal(held(&bench).pictures, "IPPPIPPPIP");
        feed(&bench, "P");
        assert_string_equal(held(&bench).pictures, "IPPPIPP");
        assert_int_equal(held(&bench).first_sound, 8); // 0.4 s, where the key frame is
        bc_ring_level(bench.ring, &level);
        assert_int_equal(level.evicted_for_space, 4);
        assert_int_equal(level.oldest_ns, 400 * BC_NS_PER_MS);
        assert_int_equal(level.newest_ns, 1000 * BC_NS_PER_MS);
        assert_int_equal(level.bytes[BC_LANE_PICTURE], 70);
        tear_down(&bench);
}

// What was being recorded and went, for want of room or by a new stream, is remembered by its time.
static void test_what_went_while_recording(void **state)
{
        struct bench bench;
        struct bc_ring_level level;

        (void)state;
        make(&bench, 100, 1000, 300 * BC_NS_PER_MS, true);
        feed(&bench, "IPPPIPPPIPPPIPPP"); // the law took some, the lack of room none that mattered
        bc_ring_level(bench.ring, &level);
        assert_int_equal(level.forgotten_ns, -1);
        bc_ring_set_recording(bench.ring, true);
        feed(&bench, "IPPPIPPPI");
        bc_ring_level(bench.ring, &level);
        assert_int_equal(level.forgotten_ns, level.oldest_ns - 100 * BC_NS_PER_MS);
        bc_ring_restart(bench.ring);
        bc_ring_level(bench.ring, &level);
        assert_int_equal(level.forgotten_ns, 2400 * BC_NS_PER_MS);
        tear_down(&bench);
}

static void test_a_full_index_loses_whole_gops(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 10000, 6, 3600 * BC_NS_PER_S, true);
        feed(&bench, "IPPIPPI");
        assert_string_equal(held(&bench).pictures, "IPPI");
        tear_down(&bench);
}

static void test_a_gop_larger_than_the_lane(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 55, 1000, 3600 * BC_NS_PER_S, true);
        feed(&bench, "IPPPPP"); // the sixth needs the room of its own GOP
        assert_string_equal(held(&bench).pictures, "");
        feed(&bench, "PIP");
        assert_string_equal(held(&bench).pictures, "IP");
        tear_down(&bench);
}

// The unit after one that ended just where the lane's memory ends starts at its beginning, not in the next lane.
static void test_a_lane_filled_to_its_last_byte(void **state)
{
        struct bench bench;

        (void)state;
        make(&bench, 240, 1000, 3600 * BC_NS_PER_S, true);
        bench.picture_bytes = 40;
        feed(&bench, "IPPIPPsssssssssssssssss"); // 6 * 40 bytes: nothing is left
        feed(&bench, "IPP");
        assert_string_equal(held(&bench).pictures, "IPPIPP"); // reading checks every byte of both lanes
        assert_int_equal(held(&bench).first_sound, 6);
        assert_int_equal(held(&bench).last_sound, 16);
        tear_down(&bench);
}

static void test_refusals(void **state)
{
        struct bc_unit unit = { .time_ns = BC_NS_PER_S, .size_bytes = 10, .flags = BC_UNIT_KEY };
        const struct bc_ring_config nothing = { 0 };
        uint8_t bytes[UNIT_BYTES_MAX] = { 0 };
        struct bench bench;
        struct bc_ring *ring;
        struct bc_cursor cursor;

        (void)state;
        make(&bench, 100, 1000, 0, true);
        assert_int_equal(bc_ring_new(bench.clock, &nothing, &ring), -EINVAL);
        assert_int_equal(bc_ring_place(bench.ring, 0, &cursor), -EAGAIN);
        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_PICTURE, &unit, bytes), 0);
        assert_int_equal(bc_ring_place(bench.ring, 0, &cursor), 0);
        assert_int_equal(bc_ring_read(bench.ring, &cursor, BC_LANE_PICTURE, bytes, 9, &unit), -ENOBUFS);
        unit.time_ns--;
        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_PICTURE, &unit, bytes), -EINVAL);
        unit.time_ns = -1;
        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_SOUND, &unit, bytes), -EINVAL);
        unit.time_ns = BC_NS_PER_S;
        unit.size_bytes = 101;
        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_PICTURE, &unit, bytes), -EMSGSIZE);
        unit.size_bytes = 0; // no fragment could hold it
        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_PICTURE, &unit, bytes), -EINVAL);
        unit.size_bytes = 1;
        bc_ring_end(bench.ring, BC_LANE_PICTURE, 2 * BC_NS_PER_S);
        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_PICTURE, &unit, bytes), -EPIPE);
        tear_down(&bench);
}

// ---- cursors -------------------------------------------------------------------------------------------------

static void test_place_takes_the_newest_key_frame_before(void **state)
{
        const struct {
                int64_t from_ms;
                uint64_t picture, sound;
        } expected[] = { { 0, 0, 0 }, { 299, 0, 0 }, { 300, 3, 6 }, { 301, 3, 6 }, { 599, 3, 6 },
                         { 600, 6, 12 }, { 9999, 6, 12 }, { -1, 0, 0 } };
        struct bench bench;

        (void)state;
        make(&bench, 10000, 1000, 3600 * BC_NS_PER_S, true);
        feed(&bench, "IPPIPPIPPssssssssssssssssss");
        for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
                struct bc_cursor cursor;

                assert_int_equal(bc_ring_place(bench.ring, expected[i].from_ms * BC_NS_PER_MS, &cursor), 0);
                assert_int_equal(read_all(&bench, cursor).first_picture, expected[i].picture);
                assert_int_equal(read_all(&bench, cursor).first_sound, expected[i].sound);
        }
        tear_down(&bench);
}

static void test_a_reader_that_is_overtaken_is_told(void **state)
{
        struct bc_cursor cursor, again;
        uint8_t bytes[UNIT_BYTES_MAX];
        struct bc_unit unit;
        struct bench bench;

        (void)state;
        make(&bench, 60, 1000, 3600 * BC_NS_PER_S, true);
        feed(&bench, "IPPIPP");
        assert_int_equal(bc_ring_place(bench.ring, 0, &cursor), 0);
        assert_int_equal(bc_ring_read(bench.ring, &cursor, BC_LANE_PICTURE, bytes, sizeof(bytes), &unit), 0);
        assert_int_equal(bc_ring_peek(bench.ring, &cursor, BC_LANE_PICTURE, 4, &unit), 0);
        assert_int_equal(bc_ring_peek(bench.ring, &cursor, BC_LANE_PICTURE, 5, &unit), -EAGAIN);
        feed(&bench, "I");
        assert_int_equal(bc_ring_peek(bench.ring, &cursor, BC_LANE_PICTURE, 0, &unit), -EPIPE);
        assert_int_equal(bc_ring_read(bench.ring, &cursor, BC_LANE_PICTURE, bytes, sizeof(bytes), &unit), -EPIPE);
        assert_int_equal(bc_ring_place(bench.ring, 0, &again), 0);
        assert_string_equal(read_all(&bench, again).pictures, "IPPI");
        tear_down(&bench);
}

static void test_the_end_of_a_lane_and_a_new_stream(void **state)
{
        struct bc_cursor cursor;
        struct bc_unit unit;
        struct bench bench;

        (void)state;
        make(&bench, 1000, 1000, 3600 * BC_NS_PER_S, true);
        feed(&bench, "IPP");
        assert_int_equal(bc_ring_place(bench.ring, 0, &cursor), 0);
        bc_ring_end(bench.ring, BC_LANE_PICTURE, 333 * BC_NS_PER_MS);
        assert_int_equal(bc_ring_peek(bench.ring, &cursor, BC_LANE_PICTURE, 2, &unit), 0);
        assert_int_equal(bc_ring_peek(bench.ring, &cursor, BC_LANE_PICTURE, 3, &unit), -ENODATA);
        assert_int_equal(unit.time_ns, 333 * BC_NS_PER_MS);
        bc_ring_restart(bench.ring);
        assert_int_equal(bc_ring_peek(bench.ring, &cursor, BC_LANE_PICTURE, 0, &unit), -EPIPE);
        assert_string_equal(held(&bench).pictures, "");
        feed(&bench, "IP");
        assert_string_equal(held(&bench).pictures, "IP");
        tear_down(&bench);
}

// ---- everything, at random, against a model that only remembers --------------------------------------------------

struct model_unit {
        int64_t time_ns;
        uint32_t size;
        bool key;
};

static uint32_t next_random(uint32_t *seed)
{
        *seed = *seed * 1664525 + 1013904223;
        return *seed >> 8;
}

// The newest stretch of whole GOPs that a perfect ring of this size and law would hold at the most; the real one may
// waste the end of its memory, so it may hold less by space, never less by law and never more.
static void check_against_model(struct bench *bench, const struct model_unit *model, uint64_t count,
                                int64_t pre_event_ns, bool recording)
{
        struct bc_ring_level level;
        struct bc_cursor cursor;
        uint8_t bytes[UNIT_BYTES_MAX];
        struct bc_unit unit;
        uint64_t n = 0, first = UINT64_MAX;
        int64_t second_key_ns = -1;

        bc_ring_level(bench->ring, &level);
        assert_true(level.bytes[BC_LANE_PICTURE] <= level.capacity_bytes[BC_LANE_PICTURE]);
        if (bc_ring_place(bench->ring, -1, &cursor) < 0)
                return;
        while (bc_ring_read(bench->ring, &cursor, BC_LANE_PICTURE, bytes, sizeof(bytes), &unit) == 0) {
                if (first == UINT64_MAX) {
                        for (first = 0; model[first].time_ns != unit.time_ns; first++)
                                assert_true(first < count);
                        assert_true(model[first].key);
                } else if (second_key_ns < 0 && unit.flags & BC_UNIT_KEY) {
                        second_key_ns = unit.time_ns;
                }
                assert_int_equal(unit.time_ns, model[first + n].time_ns);
                assert_int_equal(unit.size_bytes, model[first + n].size);
                assert_filled(bytes, unit.size_bytes, first + n);
                n++;
        }
        assert_int_equal(first + n, count); // nothing missing up to the newest
        if (!recording && second_key_ns >= 0)
                assert_true(second_key_ns > model[count - 1].time_ns - pre_event_ns);
        if (level.evicted_for_space == 0 && model[0].time_ns <= model[count - 1].time_ns - pre_event_ns)
                assert_true(model[first].time_ns <= model[count - 1].time_ns - pre_event_ns);
}

static void test_random_streams(void **state)
{
        static struct model_unit model[4000];

        (void)state;
        for (uint32_t seed = 1; seed <= 60; seed++) {
                uint32_t random = seed;
                int64_t pre_event_ns = (int64_t)(next_random(&random) % 3000) * BC_NS_PER_MS;
                size_t room = 4096 + next_random(&random) % 200000;
                bool recording = false;
                struct bench bench;
                int64_t time_ns = 0;
                uint64_t count = 0;

                make(&bench, room, 50 + next_random(&random) % 500, pre_event_ns, true);
                while (count < 1000) {
                        uint8_t bytes[UNIT_BYTES_MAX];
                        uint32_t size = 1 + next_random(&random) % (next_random(&random) % 8 ? 900 : UNIT_BYTES_MAX);
                        bool key = count == 0 || next_random(&random) % 10 == 0;
                        struct bc_unit unit = { .time_ns = time_ns, .size_bytes = size,
                                                .flags = key ? BC_UNIT_KEY : 0 };

                        fill(bytes, size, count);
                        assert_int_equal(bc_ring_append(bench.ring, BC_LANE_PICTURE, &unit, bytes), 0);
                        model[count++] = (struct model_unit){ time_ns, size, key };
                        time_ns += (int64_t)(1 + next_random(&random) % 120) * BC_NS_PER_MS;
                        if (next_random(&random) % 100 == 0) {
                                recording = !recording;
                                bc_ring_set_recording(bench.ring, recording);
                        }
                        if (next_random(&random) % 7 == 0)
                                check_against_model(&bench, model, count, pre_event_ns, recording);
                }
                tear_down(&bench);
        }
}

// ---- threads: two writers, readers of different speed, nothing torn -------------------------------------------

struct traffic {
        struct bench *bench;
        struct bc_monitor monitor;
        enum bc_lane lane;
        int64_t pause_ns;
        uint64_t read, gaps;
};

static void write_lane(void *user)
{
        struct traffic *traffic = user;
        struct bench *bench = traffic->bench;
        int64_t period_ns = traffic->lane == BC_LANE_SOUND ? SOUND_NS : PICTURE_NS;
        uint8_t bytes[UNIT_BYTES_MAX];

        bc_monitor_lock(&traffic->monitor);
        for (uint64_t number = 0; number < 3000; number++) {
                struct bc_unit unit = {
                        .time_ns = (int64_t)number * period_ns,
                        .size_bytes = traffic->lane == BC_LANE_SOUND ? 2 : 10 + (uint32_t)number % 90,
                        .flags = traffic->lane == BC_LANE_SOUND || number % 10 == 0 ? BC_UNIT_KEY : 0,
                };

                while (bc_monitor_wait(&traffic->monitor, unit.time_ns) != -ETIMEDOUT)
                        ;
                fill(bytes, unit.size_bytes, number);
                assert_int_equal(bc_ring_append(bench->ring, traffic->lane, &unit, bytes), 0);
        }
        bc_monitor_unlock(&traffic->monitor);
        bc_ring_end(bench->ring, traffic->lane, 3000 * period_ns);
}

static void read_lane(void *user)
{
        struct traffic *traffic = user;
        struct bench *bench = traffic->bench;
        uint8_t bytes[UNIT_BYTES_MAX];
        struct bc_cursor cursor;
        struct bc_unit unit;
        uint64_t seen = 0;
        int r;

        while (bc_ring_place(bench->ring, 0, &cursor) == -EAGAIN)
                bc_ring_wait(bench->ring, &seen, BC_NS_NEVER);
        for (;;) {
                r = bc_ring_read(bench->ring, &cursor, BC_LANE_PICTURE, bytes, sizeof(bytes), &unit);
                if (r == -EAGAIN) {
                        bc_ring_wait(bench->ring, &seen, BC_NS_NEVER);
                } else if (r == -EPIPE) {
                        traffic->gaps++;
                        if (bc_ring_place(bench->ring, 0, &cursor) < 0)
                                bc_ring_wait(bench->ring, &seen, BC_NS_NEVER);
                } else if (r == -ENODATA) {
                        return;
                } else {
                        assert_int_equal(r, 0);
                        traffic->read++;
                        assert_filled(bytes, unit.size_bytes, (uint64_t)(unit.time_ns / PICTURE_NS));
                        if (traffic->pause_ns > 0) {
                                int64_t until_ns = bc_clock_now_ns(bench->clock) + traffic->pause_ns;

                                bc_monitor_lock(&traffic->monitor);
                                while (bc_monitor_wait(&traffic->monitor, until_ns) != -ETIMEDOUT)
                                        ;
                                bc_monitor_unlock(&traffic->monitor);
                        }
                }
        }
}

static void test_threads(void **state)
{
        struct bench bench;
        struct traffic traffic[4] = {
                { .lane = BC_LANE_PICTURE },
                { .lane = BC_LANE_SOUND },
                { .pause_ns = 0 },
                { .pause_ns = 250 * BC_NS_PER_MS }, // slower than the stream: overtaken again and again
        };
        struct bc_thread *thread[4];

        (void)state;
        make(&bench, 3000, 200, 3600 * BC_NS_PER_S, true);
        for (int i = 0; i < 4; i++) {
                traffic[i].bench = &bench;
                bc_monitor_init(&traffic[i].monitor, bench.clock);
                assert_int_equal(bc_thread_start(bench.clock, "traffic", i < 2 ? write_lane : read_lane,
                                                 &traffic[i], &thread[i]), 0);
        }
        bc_clock_release(bench.clock, BC_NS_NEVER);
        for (int i = 0; i < 4; i++) {
                bc_thread_join(thread[i]);
                bc_monitor_done(&traffic[i].monitor);
        }
        assert_int_equal(traffic[2].read, 3000);
        assert_int_equal(traffic[2].gaps, 0);
        assert_true(traffic[3].gaps > 10);
        assert_true(traffic[3].read < 3000);
        tear_down(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pre_event_and_one_gop),
                cmocka_unit_test(test_pre_event_of_zero_keeps_one_gop),
                cmocka_unit_test(test_recording_keeps_all_and_its_end_trims_at_once),
                cmocka_unit_test(test_no_sound_is_kept_before_the_press),
                cmocka_unit_test(test_a_lane_that_ended_obeys_the_law_too),
                cmocka_unit_test(test_a_full_lane_loses_whole_gops),
                cmocka_unit_test(test_what_went_while_recording),
                cmocka_unit_test(test_a_full_index_loses_whole_gops),
                cmocka_unit_test(test_a_gop_larger_than_the_lane),
                cmocka_unit_test(test_a_lane_filled_to_its_last_byte),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_place_takes_the_newest_key_frame_before),
                cmocka_unit_test(test_a_reader_that_is_overtaken_is_told),
                cmocka_unit_test(test_the_end_of_a_lane_and_a_new_stream),
                cmocka_unit_test(test_random_streams),
                cmocka_unit_test(test_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
