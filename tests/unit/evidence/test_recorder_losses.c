// SPDX-License-Identifier: EUPL-1.2
// What is lost is said, whatever of it is left: nothing, the beginning, the end.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "faulty_card.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

static void assert_gap(const struct judged *judged, size_t i, enum bc_gap_kind kind, int64_t from_ns, int64_t to_ns)
{
        const struct bc_manifest_gap *gap = &judged->manifest.gap[i];

        assert_true(i < judged->manifest.gaps);
        assert_int_equal(gap->kind, kind);
        assert_int_equal(gap->from_ticks, bc_ticks_from_ns(from_ns));
        assert_int_equal(gap->to_ticks, bc_ticks_from_ns(to_ns));
}

// ---- the beginning, or all of it ---------------------------------------------------------------------------------

// The first recording cannot be closed from 132 s on, so the second one waits in the ring.
static void stall_before_the_second(struct bench *bench, int64_t press_ns, int64_t release_ns, int64_t well_ns)
{
        card_bench(bench);
        press(bench, 130 * S);
        bench_run_until(bench, 132 * S);
        card_fails(0, (struct fault){ CALL_OPEN, "counter.json.new", WHAT_ANY, 0, 1 << 30, ENOSPC });
        release(bench, 135 * S);
        press(bench, press_ns);
        if (release_ns < well_ns)
                release(bench, release_ns);
        bench_run_until(bench, well_ns);
        card_is_well();
        if (release_ns >= well_ns)
                release(bench, release_ns);
        bench_run_until(bench, (release_ns > well_ns ? release_ns : well_ns) + 10 * S);
        assert_int_equal(bench->notice[BC_RECORDER_CLOSED], 2);
        assert_int_equal(bc_store_counter(bench->store), 2);
}

static void test_a_recording_of_which_nothing_is_left(void **state)
{
        struct bc_recorder_status status;
        struct bench bench;
        struct judged judged;

        (void)state;
        stall_before_the_second(&bench, 140 * S, 145 * S, 230 * S);
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.error, 0);
        bench_read(&bench, 2, &judged);
        assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
        assert_int_equal(judged.manifest.segments, 0);
        assert_int_equal(judged.manifest.press_ticks, 140 * 48000);
        assert_int_equal(judged.manifest.stop_ticks, 145 * 48000);
        assert_string_equal(judged.manifest.stop_reason, "button");
        assert_int_equal(judge_gaps(&judged, -1), 1);
        assert_gap(&judged, 0, BC_GAP_OVERTAKEN, 136 * S, 145 * S);
        assert_int_equal(bench.notice[BC_RECORDER_GAP], 1);
        assert_int_equal(bench.notice[BC_RECORDER_DURABLE], 1);
        judge_done(&judged);
        bench_restart(&bench);
        assert_int_equal(bc_store_left_open_count(bench.store), 0);
        card_bench_done(&bench);
}

static void test_a_recording_of_which_the_end_is_left(void **state)
{
        struct bench bench;
        struct judged judged;
        int64_t first_ns;

        (void)state;
        stall_before_the_second(&bench, 140 * S, 235 * S, 230 * S);
        bench_read(&bench, 2, &judged);
        first_ns = judge_whole(&judged, &bench.feed);
        assert_in_range(first_ns, 180 * S, 200 * S);
        assert_int_equal(judge_gaps(&judged, -1), 2);
        assert_gap(&judged, 0, BC_GAP_PRE_EVENT, 136 * S, 140 * S);
        assert_gap(&judged, 1, BC_GAP_OVERTAKEN, 140 * S, first_ns);
        assert_int_equal(bench.notice[BC_RECORDER_GAP], 1);
        judge_done(&judged);
        card_bench_done(&bench);
}

// Pressed and released before the first picture.
static void test_a_recording_without_a_picture(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench.feed.start_ns = 100 * S;
        bench.feed.picture_delay_ns = 900 * MS;
        bench_make(&bench);
        bench_run_until(&bench, 100 * S);
        // The press is older than the stream.
        assert_int_equal(bc_recorder_start(bench.recorder, 99 * S, "button"), 0);
        bench_run_until(&bench, 100 * S + 100 * MS);
        assert_int_equal(bc_recorder_stop(bench.recorder, 99 * S + 500 * MS, "button"), 0);
        bench_run_until(&bench, 110 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
        assert_int_equal(judged.manifest.segments, 0);
        assert_int_equal(judge_gaps(&judged, -1), 2);
        assert_gap(&judged, 0, BC_GAP_PRE_EVENT, 89 * S, 99 * S);
        assert_gap(&judged, 1, BC_GAP_NO_PICTURE, 99 * S, 99 * S + 500 * MS);
        judge_done(&judged);
        bench_done(&bench);
}

// Pictures are late, but they are waited for.
static void test_released_before_the_first_picture_comes(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench.feed.picture_delay_ns = 900 * MS;
        bench_make(&bench);
        bench_run_until(&bench, 100 * S + 200 * MS);
        assert_int_equal(bc_recorder_start(bench.recorder, 100 * S + 200 * MS, "button"), 0);
        bench_run_until(&bench, 100 * S + 600 * MS);
        assert_int_equal(bc_recorder_stop(bench.recorder, 100 * S + 600 * MS, "button"), 0);
        bench_run_until(&bench, 110 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_whole(&judged, &bench.feed), 100 * S);
        assert_int_equal(judged.units[BC_LANE_PICTURE], 19); // of 30 a second
        judge_done(&judged);
        bench_done(&bench);
}

// The stream ended, and the ring, in which nothing was to be kept, has forgotten it.
static void test_pressed_when_the_stream_has_ended(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench.config.pre_event_ns = 0;
        bench_make(&bench);
        bench_run_until(&bench, 105 * S);
        feeder_stop(bench.feeder);
        bench.feeder = NULL;
        bc_ring_restart(bench.ring);
        bc_ring_end(bench.ring, BC_LANE_PICTURE, 105 * S);
        bc_ring_end(bench.ring, BC_LANE_SOUND, 105 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 106 * S, "button"), 0);
        bench_run_until(&bench, 110 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.segments, 0);
        assert_string_equal(judged.manifest.stop_reason, "stream ended");
        assert_int_equal(judge_gaps(&judged, BC_GAP_NO_PICTURE), 1);
        judge_done(&judged);
        bench_done(&bench);
}

// ---- the end -----------------------------------------------------------------------------------------------------

// Pictures without sound, fed by hand: 30 a second in GOPs of a second from 120 s on, up to and without until_ns.
static void feed_by_hand(struct bench *bench, int64_t until_ns)
{
        bench_defaults(bench);
        bench->config.pre_event_ns = 4 * S;
        bench->feed.sound = false;
        bench_make(bench);
        feeder_stop(bench->feeder);
        bench->feeder = NULL;
        bc_ring_restart(bench->ring);
        bench_run_until(bench, 124 * S);
        assert_int_equal(bc_recorder_start(bench->recorder, 124 * S, "button"), 0);
        bench_run_until(bench, until_ns);
        for (uint64_t number = 0; 120 * S + (int64_t)number * (S / 30) < until_ns - MS; number++) {
                const struct bc_unit unit = { .time_ns = 120 * S + (int64_t)number * (S / 30), .size_bytes = 40,
                                              .flags = number % 30 ? 0 : BC_UNIT_KEY };
                uint8_t bytes[40];

                feeder_fill(bytes, sizeof(bytes), BC_LANE_PICTURE, number);
                assert_int_equal(bc_ring_append(bench->ring, BC_LANE_PICTURE, &unit, bytes), 0);
        }
}

static void feed_one(struct bench *bench, int64_t time_ns, uint16_t flags, uint16_t lost)
{
        const struct bc_unit unit = { .time_ns = time_ns, .size_bytes = 40, .flags = flags, .lost = lost };
        uint8_t bytes[40];

        feeder_fill(bytes, sizeof(bytes), BC_LANE_PICTURE, 9999);
        assert_int_equal(bc_ring_append(bench->ring, BC_LANE_PICTURE, &unit, bytes), 0);
}

// The camera froze at 130 s, and the recording was stopped before the slate told of it.
static void test_stopped_before_the_slate(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        feed_by_hand(&bench, 130 * S);
        bench_run_until(&bench, 130 * S + 900 * MS);
        assert_int_equal(bc_recorder_stop(bench.recorder, 130 * S + 900 * MS, "button"), 0);
        bench_run_until(&bench, 131 * S);
        feed_one(&bench, 131 * S, BC_UNIT_KEY | BC_UNIT_SUBSTITUTE, 0);
        bench_run_until(&bench, 135 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_gaps(&judged, -1), 1);
        assert_gap(&judged, 0, BC_GAP_NO_PICTURE, 120 * S + 300 * (S / 30), 130 * S + 900 * MS);
        judge_done(&judged);
        bench_done(&bench);
}

static void test_frames_lost_at_the_end(void **state)
{
        // Of the stop, and how many of the lost frames were due before it.
        const struct { int64_t stop_ns; unsigned lost; } ends[] = {
                { 130 * S - 10 * MS, 0 }, { 130 * S + 10 * MS, 1 }, { 130 * S + 50 * MS, 2 }, { 130 * S + 200 * MS, 6 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
                struct bench bench;
                struct judged judged;

                feed_by_hand(&bench, 130 * S);
                bench_run_until(&bench, 130 * S + 210 * MS);
                assert_int_equal(bc_recorder_stop(bench.recorder, ends[i].stop_ns, "button"), 0);
                feed_one(&bench, 130 * S + 200 * MS, BC_UNIT_KEY, 6);
                bench_run_until(&bench, 135 * S);
                bench_read(&bench, 1, &judged);
                assert_int_equal(judge_gaps(&judged, -1), ends[i].lost > 0);
                if (ends[i].lost > 0) {
                        assert_gap(&judged, 0, BC_GAP_FRAMES_LOST, 120 * S + 300 * (S / 30), ends[i].stop_ns);
                        assert_int_equal(judged.manifest.gap[0].count, ends[i].lost);
                }
                judge_done(&judged);
                bench_done(&bench);
        }
}

// The stop takes effect earlier than it comes: the picture after it is there already, and not in a fragment of its own.
static void test_frames_lost_before_an_end_in_the_past(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        feed_by_hand(&bench, 130 * S);
        feed_one(&bench, 130 * S + 200 * MS, BC_UNIT_KEY, 6);
        bench_run_until(&bench, 130 * S + 250 * MS); // all before it is durable
        assert_int_equal(bc_recorder_stop(bench.recorder, 130 * S + 150 * MS, "button"), 0);
        bench_run_until(&bench, 135 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_gaps(&judged, -1), 1);
        assert_gap(&judged, 0, BC_GAP_FRAMES_LOST, 120 * S + 300 * (S / 30), 130 * S + 150 * MS);
        judge_done(&judged);
        bench_done(&bench);
}

static void test_frames_lost_at_the_end_of_the_stream(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        feed_by_hand(&bench, 130 * S);
        bench_run_until(&bench, 130 * S + 100 * MS);
        bc_ring_end_lossy(bench.ring, BC_LANE_PICTURE, 130 * S + 100 * MS, 3);
        bench_run_until(&bench, 135 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_gaps(&judged, BC_GAP_FRAMES_LOST), 1);
        assert_gap(&judged, 0, BC_GAP_FRAMES_LOST, 120 * S + 300 * (S / 30), 130 * S + 100 * MS);
        assert_int_equal(judged.manifest.gap[0].count, 3);
        judge_done(&judged);
        bench_done(&bench);
}

// The stream ends, and its ring is emptied, while what is recorded waits for the card.
static void test_overtaken_at_the_end_of_the_stream(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 133 * S);
        card_fails(0, (struct fault){ CALL_OPEN, "0003.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
        bench_run_until(&bench, 140 * S);
        feeder_stop(bench.feeder);
        bench.feeder = NULL;
        bc_ring_restart(bench.ring);
        for (int lane = 0; lane < BC_LANE_COUNT; lane++)
                bc_ring_end(bench.ring, (enum bc_lane)lane, 140 * S);
        card_is_well();
        bench_run_until(&bench, 150 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_gaps(&judged, BC_GAP_OVERTAKEN), 1);
        assert_int_equal(judged.manifest.gap[0].kind, BC_GAP_OVERTAKEN);
        assert_in_range(judged.manifest.gap[0].from_ticks, 133 * 48000, 135 * 48000);
        assert_in_range(judged.manifest.gap[0].to_ticks, 140 * 48000, 142 * 48000);
        judge_done(&judged);
        card_bench_done(&bench);
}

// ---- sound that was lost before the picture was ------------------------------------------------------------------

// Each tick of sound from the first unit to the last is there or declared as not there.
static void judge_silence(const struct judged *judged)
{
        const struct judged_unit *unit = judged->unit[BC_LANE_SOUND];
        const struct bc_manifest *manifest = &judged->manifest;

        for (size_t i = 1; i < judged->units[BC_LANE_SOUND]; i++) {
                int64_t at = unit[i - 1].ticks + unit[i - 1].duration_ticks;

                // Less than a unit is no loss: segments begin with a picture.
                for (bool moved = true; moved && at + BC_SOUND_UNIT_SAMPLES <= unit[i].ticks;) {
                        moved = false;
                        for (size_t k = 0; k < manifest->gaps; k++) {
                                const struct bc_manifest_gap *gap = &manifest->gap[k];
                                bool silent = gap->kind == BC_GAP_NO_SOUND || gap->kind == BC_GAP_OVERTAKEN ||
                                              gap->kind == BC_GAP_LATE_SOUND;

                                if (silent && gap->from_ticks < at + BC_SOUND_UNIT_SAMPLES && gap->to_ticks > at) {
                                        at = gap->to_ticks;
                                        moved = true;
                                }
                        }
                }
                if (at + BC_SOUND_UNIT_SAMPLES <= unit[i].ticks)
                        fail_msg("no sound from %lld to %lld, and nothing says so", (long long)at, (long long)unit[i].ticks);
        }
}

// Sound comes late, so pictures are written without theirs. Then the card stalls, and when it is back, the ring has neither.
static void test_sound_that_waited_is_overtaken(void **state)
{
        (void)state;
        for (int64_t late_ns = 300 * MS; late_ns <= 2400 * MS; late_ns += 700 * MS) {
                struct bench bench;
                struct judged judged;

                bench_defaults(&bench);
                bench.config.pre_event_ns = 4 * S;
                bench.config.segment_ns = 60 * S;
                bench.feed.sound_delay_ns = late_ns;
                bench_make(&bench);
                card_watch();
                press(&bench, 130 * S);
                bench_run_until(&bench, 135 * S);
                card_fails(0, (struct fault){ CALL_WRITE, "0001.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
                card_fails(1, (struct fault){ CALL_OPEN, "0002.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
                bench_run_until(&bench, 200 * S);
                card_is_well();
                bench_run_until(&bench, 205 * S);
                release(&bench, 205 * S);
                bench_run_until(&bench, 215 * S);
                bench_read(&bench, 1, &judged);
                assert_int_equal(judge_gaps(&judged, BC_GAP_OVERTAKEN), 1);
                assert_int_equal(judge_gaps(&judged, BC_GAP_NO_SOUND), 1);
                judge_silence(&judged);
                judge_done(&judged);
                card_bench_done(&bench);
        }
}

// ---- sound from the press on ---------------------------------------------------------------------------------------

// Every picture is there from the pre-event on; where a segment succeeds another it may repeat a GOP.
static void judge_pictures(struct judged *judged, const struct feeder_config *feed, int64_t from_ns, int64_t end_ns)
{
        const struct judged_unit *unit = judged->unit[BC_LANE_PICTURE];
        size_t units = judged->units[BC_LANE_PICTURE];

        assert_true(units > 0 && unit[0].ticks <= bc_ticks_from_ns(from_ns));
        assert_true(unit[units - 1].ticks + unit[units - 1].duration_ticks >= bc_ticks_from_ns(end_ns));
        for (size_t i = 1; i < units; i++) {
                bool repeated = unit[i].number <= unit[i - 1].number;

                assert_int_equal(unit[i].ticks, bc_ticks_from_ns(feeder_time(feed, BC_LANE_PICTURE, unit[i].number)));
                assert_true(unit[i].number <= unit[i - 1].number + 1 && unit[i].number + 2 * feed->gop > unit[i - 1].number);
                if (repeated)
                        assert_int_equal(bc_manifest_find_segment(&judged->manifest, unit[i].segment)->follows,
                                         unit[i - 1].segment);
        }
        for (size_t i = 1; i < judged->units[BC_LANE_SOUND]; i++)
                assert_true(judged->unit[BC_LANE_SOUND][i].number > judged->unit[BC_LANE_SOUND][i - 1].number);
}

// So late does the recorder hear of a press, and the sound since then is not kept.
static void press_late(int64_t press_ns, int64_t late_ns, struct bench *bench, struct judged *ret_judged)
{
        bench_defaults(bench);
        bench->config.pre_event_ns = 4 * S;
        bench->config.pre_event_sound = false;
        bench_make(bench);
        bench_run_until(bench, press_ns + late_ns);
        assert_int_equal(bc_recorder_start(bench->recorder, press_ns, "button"), 0);
        bench_run_until(bench, 140 * S);
        assert_int_equal(bc_recorder_stop(bench->recorder, 140 * S, "button"), 0);
        bench_run_until(bench, 150 * S);
        bench_read(bench, 1, ret_judged);
        judge_pictures(ret_judged, &bench->feed, press_ns - 4 * S, 140 * S);
        assert_int_equal(judge_gaps(ret_judged, BC_GAP_OVERTAKEN), 0);
}

static void test_a_press_beside_the_tick_of_a_unit(void **state)
{
        const int64_t unit_ns = bc_ns_from_ticks((130 * 48000 / 1024 + 1) * 1024);

        (void)state;
        for (int64_t beside_ns = -12000; beside_ns <= 12000; beside_ns += 4000) {
                struct bench bench;
                struct judged judged;

                press_late(unit_ns + beside_ns, 0, &bench, &judged);
                assert_true(judged.unit[BC_LANE_SOUND][0].ticks >= bc_ticks_from_ns(unit_ns + beside_ns));
                assert_true(judged.unit[BC_LANE_SOUND][0].ticks < bc_ticks_from_ns(unit_ns + beside_ns) + 1024);
                assert_int_equal(judge_gaps(&judged, -1), 0);
                judge_done(&judged);
                bench_done(&bench);
        }
}

// The same where a segment begins: at a picture just behind a unit's start.
static void test_a_picture_beside_the_tick_of_a_unit(void **state)
{
        (void)state;
        for (int64_t beside_ns = -12000; beside_ns <= 12000; beside_ns += 4000) {
                struct bench bench;
                struct judged judged;

                bench_defaults(&bench);
                bench.config.pre_event_ns = 4 * S;
                bench.feed.start_ns = 96 * S + beside_ns;
                bench.feed.interval_ns = 32 * MS; // thirty are 45 units of sound
                bench.feed.picture_delay_ns = 0;
                bench.feed.sound_delay_ns = 150 * MS;
                bench_make(&bench);
                bench_run_until(&bench, 96 * S + 100 * MS);
                assert_int_equal(bc_recorder_start(bench.recorder, 96 * S + 100 * MS, "button"), 0);
                bench_run_until(&bench, 110 * S);
                assert_int_equal(bc_recorder_stop(bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&bench, 120 * S);
                bench_read(&bench, 1, &judged);
                judge_whole(&judged, &bench.feed);
                assert_int_equal(judge_gaps(&judged, -1), 1);
                assert_int_equal(judged.manifest.gap[0].kind, BC_GAP_PRE_EVENT);
                judge_done(&judged);
                bench_done(&bench);
        }
}

static void test_a_press_that_is_heard_of_late(void **state)
{
        struct bench bench;
        struct judged judged;
        int64_t sound_ns;

        (void)state;
        press_late(130 * S + 710 * MS, 200 * MS, &bench, &judged);
        sound_ns = bc_ns_from_ticks(judged.unit[BC_LANE_SOUND][0].ticks);
        assert_in_range(sound_ns, 130 * S + 840 * MS, 130 * S + 920 * MS);
        assert_int_equal(judge_gaps(&judged, -1), 1);
        assert_gap(&judged, 0, BC_GAP_NO_SOUND, 130 * S + 710 * MS, sound_ns);
        assert_int_equal(judged.manifest.segment[1].follows, 1);
        judge_done(&judged);
        bench_done(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_recording_of_which_nothing_is_left),
                cmocka_unit_test(test_a_recording_of_which_the_end_is_left),
                cmocka_unit_test(test_a_recording_without_a_picture),
                cmocka_unit_test(test_released_before_the_first_picture_comes),
                cmocka_unit_test(test_pressed_when_the_stream_has_ended),
                cmocka_unit_test(test_stopped_before_the_slate),
                cmocka_unit_test(test_frames_lost_at_the_end),
                cmocka_unit_test(test_frames_lost_before_an_end_in_the_past),
                cmocka_unit_test(test_frames_lost_at_the_end_of_the_stream),
                cmocka_unit_test(test_overtaken_at_the_end_of_the_stream),
                cmocka_unit_test(test_sound_that_waited_is_overtaken),
                cmocka_unit_test(test_a_press_beside_the_tick_of_a_unit),
                cmocka_unit_test(test_a_picture_beside_the_tick_of_a_unit),
                cmocka_unit_test(test_a_press_that_is_heard_of_late),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
