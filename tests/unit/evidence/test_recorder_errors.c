// SPDX-License-Identifier: EUPL-1.2
// One file that makes trouble while the others are well: segments, their finalising, manifest, counter. And the end
// while there is trouble.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "evidence/recovery.h"
#include "faulty_card.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

static size_t listed_after_restart(struct bench *bench)
{
        bench_restart(bench);
        return bc_store_left_open_count(bench->store);
}

// The next start: everything is there, finished, and said.
static void recover_and_judge(struct bench *bench, uint64_t counter, int64_t from_ns, int64_t end_ns, struct judged *judged)
{
        struct bc_recovery_report report;

        card_is_well();
        assert_int_equal(bc_recovery_run(bench->store, NULL, NULL, &report), 0);
        assert_int_equal(report.failed, 0);
        assert_int_equal(bc_store_left_open_count(bench->store), 0);
        bench_read(bench, counter, judged);
        assert_int_equal(judged->finished, judged->segments);
        assert_int_equal(judged->strangers, 0);
        for (int lane = 0; lane < BC_LANE_COUNT; lane++) {
                const struct judged_unit *unit = judged->unit[lane];
                size_t units = judged->units[lane];

                if (!feeder_has(&bench->feed, (enum bc_lane)lane))
                        continue;
                assert_true(unit[0].ticks <= bc_ticks_from_ns(from_ns) + 1024);
                assert_true(unit[units - 1].ticks + unit[units - 1].duration_ticks >= bc_ticks_from_ns(end_ns) - 1);
                for (size_t i = 1; i < units; i++)
                        assert_true(unit[i].number <= unit[i - 1].number + 1); // a GOP may be repeated
        }
}

// ---- segments ----------------------------------------------------------------------------------------------------

// The first fragment was written but not synced, and its file cannot be taken away: it must not be forgotten.
static void test_a_dropped_file_that_stays(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        card_fails(0, (struct fault){ CALL_SYNC, "0001.mp4", WHAT_ANY, 0, 1, EIO });
        card_fails(1, (struct fault){ CALL_UNLINK, "0001.mp4", WHAT_ANY, 0, 1, EIO });
        press(&bench, 130 * S);
        release(&bench, 135 * S);
        bench_run_until(&bench, 145 * S);
        assert_int_equal(card_struck(), 2);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        assert_int_equal(listed_after_restart(&bench), 1);
        recover_and_judge(&bench, 1, 126 * S, 135 * S, &judged);
        assert_non_null(bc_manifest_find_segment(&judged.manifest, 1));
        assert_int_equal(judged.manifest.segments, judged.segments);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        judge_done(&judged);
        card_bench_done(&bench);
}

static void test_a_file_in_the_way(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        card_puts_in_the_way("0001.mp4");
        press(&bench, 130 * S);
        release(&bench, 135 * S);
        bench_run_until(&bench, 145 * S);
        assert_int_equal(bench.notice[BC_RECORDER_TROUBLE], 0);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        assert_int_equal(listed_after_restart(&bench), 1);
        recover_and_judge(&bench, 1, 126 * S, 135 * S, &judged);
        assert_int_equal(judged.tails, 1);
        assert_int_equal(bc_manifest_find_segment(&judged.manifest, 1)->state, BC_SEGMENT_EMPTY);
        judge_done(&judged);
        card_bench_done(&bench);
}

// That a segment was abandoned is durable before its successor exists: no power cut can hide it.
static void test_an_abandoned_segment_is_declared_first(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        card_fails(0, (struct fault){ CALL_SYNC, "0001.mp4", WHAT_ANY, 4, 1, EIO });
        press(&bench, 130 * S);
        release(&bench, 140 * S);
        bench_run_until(&bench, 150 * S);
        assert_int_equal(card_struck(), 1);
        assert_int_equal(card_abandoned_when_opened(), BC_SEGMENT_ABANDONED);
        assert_int_equal(listed_after_restart(&bench), 1);
        recover_and_judge(&bench, 1, 126 * S, 140 * S, &judged);
        assert_int_equal(judged.manifest.segment[1].follows, 1);
        judge_done(&judged);
        card_bench_done(&bench);
}

// Pictures that reach the ring so late that sound runs ahead of them: a failed write must not pass one over.
static void test_a_failed_write_with_late_pictures(void **state)
{
        (void)state;
        for (int skip = 0; skip < 12; skip++) {
                struct bench bench;
                struct judged judged;

                bench_defaults(&bench);
                bench.config.pre_event_ns = 2 * S;
                bench.config.segment_ns = 60 * S;
                bench.feed.interval_ns = 300 * MS;
                bench.feed.gop = 1;
                bench.feed.picture_delay_ns = 1100 * MS;
                bench_make(&bench);
                bench_run_until(&bench, 130 * S);
                card_watch();
                card_fails(0, (struct fault){ CALL_SYNC, "0001.mp4", WHAT_ANY, 4 + skip, 1, EIO });
                press(&bench, 130 * S);
                release(&bench, 137 * S);
                bench_run_until(&bench, 150 * S);
                assert_int_equal(listed_after_restart(&bench), 1);
                recover_and_judge(&bench, 1, 128 * S, 137 * S, &judged);
                if (judge_gaps(&judged, -1) > 0)
                        fail_msg("skip %d: a gap of kind %d", skip, judged.manifest.gap[0].kind);
                judge_done(&judged);
                card_bench_done(&bench);
        }
}

// The other way round: sound that lags behind, so that some of it belongs before the successor's key frame.
static void test_a_failed_write_with_late_sound(void **state)
{
        (void)state;
        for (int skip = 0; skip < 12; skip++) {
                struct bench bench;
                struct judged judged;

                bench_defaults(&bench);
                bench.config.pre_event_ns = 2 * S;
                bench.config.segment_ns = 60 * S;
                bench.feed.sound_delay_ns = 900 * MS;
                bench_make(&bench);
                bench_run_until(&bench, 130 * S);
                card_watch();
                card_fails(0, (struct fault){ CALL_SYNC, "0001.mp4", WHAT_ANY, 4 + skip, 1, EIO });
                press(&bench, 130 * S);
                release(&bench, 140 * S);
                bench_run_until(&bench, 150 * S);
                assert_int_equal(listed_after_restart(&bench), 1);
                recover_and_judge(&bench, 1, 128 * S, 140 * S, &judged);
                if (judge_gaps(&judged, -1) > 0)
                        fail_msg("skip %d: a gap of kind %d", skip, judged.manifest.gap[0].kind);
                judge_done(&judged);
                card_bench_done(&bench);
        }
}

// ---- finalising --------------------------------------------------------------------------------------------------

static void test_finalising_that_fails(void **state)
{
        const struct fault faults[] = {
                { CALL_WRITE, "0001.mp4", WHAT_MOOV, 0, 1, EIO },   { CALL_SYNC, "0001.mp4", WHAT_MOOV, 0, 1, EIO },
                { CALL_WRITE, "0001.mp4", WHAT_PATCH, 0, 1, EIO },  { CALL_SYNC, "0001.mp4", WHAT_PATCH, 0, 1, EIO },
                { CALL_WRITE, "0003.mp4", WHAT_MOOV, 0, 1, ENOSPC }, { CALL_SYNC, "0003.mp4", WHAT_PATCH, 0, 1, EIO },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
                struct bench bench;
                struct judged judged;

                card_bench(&bench);
                card_fails(0, faults[i]);
                press(&bench, 130 * S);
                release(&bench, 135 * S);
                press(&bench, 136 * S);
                release(&bench, 138 * S);
                bench_run_until(&bench, 150 * S);
                assert_int_equal(card_struck(), 1);
                assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 2); // the next one is not hindered
                assert_true(bench.notice[BC_RECORDER_TROUBLE] >= 1);
                bench_read(&bench, 1, &judged);
                judge_whole(&judged, &bench.feed); // readable all the same
                assert_int_equal(judged.finished + 1, judged.segments + (faults[i].call == CALL_SYNC &&
                                                                         faults[i].what == WHAT_PATCH));
                judge_done(&judged);
                assert_int_equal(listed_after_restart(&bench), 1);
                recover_and_judge(&bench, 1, 126 * S, 135 * S, &judged);
                judge_whole(&judged, &bench.feed);
                assert_int_equal(judge_gaps(&judged, -1), 0);
                judge_done(&judged);
                card_bench_done(&bench);
        }
}

// ---- manifest and counter ------------------------------------------------------------------------------------------

// No new file can be made, as without free inodes: what is open goes on, at full speed.
static void test_a_manifest_that_cannot_be_saved(void **state)
{
        struct bc_recorder_status status;
        struct bench bench;
        struct judged judged;

        (void)state;
        bench_defaults(&bench);
        bench.config.pre_event_ns = 4 * S;
        bench.config.segment_ns = 120 * S;
        bench_make(&bench);
        card_watch();
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        card_fails(0, (struct fault){ CALL_OPEN, BC_MANIFEST_NAME ".new", WHAT_ANY, 0, 1 << 30, ENOSPC });
        feeder_substitute(bench.feeder, BC_LANE_SOUND, true); // something to declare
        bench_run_until(&bench, 190 * S);
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.error, -ENOSPC);
        assert_int_equal(bench.notice[BC_RECORDER_TROUBLE], 1);
        assert_true(status.durable_ns > 189 * S);
        release(&bench, 190 * S);
        bench_run_until(&bench, 200 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 0); // not without its gaps
        card_is_well();
        bench_run_until(&bench, 205 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.error, 0);
        bench_read(&bench, 1, &judged);
        judge_whole(&judged, &bench.feed);
        assert_int_equal(judged.segments, 1);
        assert_int_equal(judge_gaps(&judged, BC_GAP_NO_SOUND), 1);
        assert_int_equal(judge_gaps(&judged, -1), 1);
        judge_done(&judged);
        card_bench_done(&bench);
}

static void test_a_counter_that_cannot_be_saved(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        card_fails(0, (struct fault){ CALL_OPEN, "counter.json.new", WHAT_ANY, 0, 1 << 30, ENOSPC });
        release(&bench, 135 * S);
        press(&bench, 136 * S);
        release(&bench, 140 * S);
        bench_run_until(&bench, 150 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 0);
        assert_int_equal(bench.notice[BC_RECORDER_TROUBLE], 1);
        card_is_well();
        bench_run_until(&bench, 160 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 2);
        for (uint64_t counter = 1; counter <= 2; counter++) {
                bench_read(&bench, counter, &judged); // the second one waited in the ring, with its pre-event
                assert_true(judge_whole(&judged, &bench.feed) <= (counter == 1 ? 126 : 132) * S);
                assert_int_equal(judged.finished, judged.segments);
                assert_int_equal(judge_gaps(&judged, -1), 0);
                judge_done(&judged);
        }
        assert_int_equal(listed_after_restart(&bench), 0);
        card_bench_done(&bench);
}

// ---- a folder --------------------------------------------------------------------------------------------------------

static void remove_recording(const struct bench *bench, uint64_t counter)
{
        char name[BC_RECORDING_NAME_BYTES_MAX], path[FOLDER_PATH_BYTES + BC_RECORDING_NAME_BYTES_MAX + 16];

        bc_store_name(bench->store, counter, name);
        snprintf(path, sizeof(path), "%s/recordings/%s", bench->path, name);
        folder_remove(path);
}

// The folder goes while it is being recorded into: the recording goes on in another one, and the next press works.
static void test_a_folder_that_is_gone(void **state)
{
        struct bc_recorder_status status;
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        remove_recording(&bench, 1); // 0002.mp4 is written up to 134 s all the same
        bench_run_until(&bench, 138 * S);
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.error, -ENOENT);
        bench_run_until(&bench, 150 * S);
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.error, 0);
        assert_int_equal(status.counter, 2);
        assert_int_equal(status.press_ns, 130 * S);
        release(&bench, 160 * S);
        press(&bench, 170 * S);
        release(&bench, 175 * S);
        bench_run_until(&bench, 185 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 2);
        bench_read(&bench, 2, &judged);
        assert_true(judge_whole(&judged, &bench.feed) <= 134 * S);
        assert_string_equal(judged.manifest.reason, "goes on from 1: button");
        assert_string_equal(judged.manifest.stop_reason, "button");
        assert_int_equal(judge_gaps(&judged, -1), 0);
        assert_true(judged.unit[BC_LANE_PICTURE][judged.units[BC_LANE_PICTURE] - 1].ticks > 159 * 48000);
        judge_done(&judged);
        bench_read(&bench, 3, &judged);
        assert_true(judge_whole(&judged, &bench.feed) <= 166 * S);
        judge_done(&judged);
        assert_int_equal(listed_after_restart(&bench), 1); // the next start says what became of it
        card_bench_done(&bench);
}

// All of it is durable, but it cannot be closed.
static void test_a_folder_that_is_gone_at_the_end(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        remove_recording(&bench, 1);
        release(&bench, 133 * S);
        press(&bench, 136 * S);
        release(&bench, 140 * S);
        bench_run_until(&bench, 143 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 0);
        bench_run_until(&bench, 150 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 2);
        assert_int_equal(bc_store_counter(bench.store), 2);
        bench_read(&bench, 2, &judged);
        assert_true(judge_whole(&judged, &bench.feed) <= 132 * S);
        assert_string_equal(judged.manifest.reason, "button");
        assert_int_equal(judge_gaps(&judged, -1), 0);
        judge_done(&judged);
        assert_int_equal(listed_after_restart(&bench), 1);
        card_bench_done(&bench);
}

// The trouble is the whole card's, or it is full: no number is given out for that.
static void test_no_recording_is_left_for_the_cards_trouble(void **state)
{
        (void)state;
        for (int full = 0; full < 2; full++) {
                struct bench bench;
                struct judged judged;

                card_bench(&bench);
                press(&bench, 130 * S);
                bench_run_until(&bench, 133 * S);
                card_fails(0, (struct fault){ CALL_OPEN, "0003.mp4", WHAT_ANY, 0, 1 << 30, full ? ENOSPC : EIO });
                if (!full)
                        card_fails(1, (struct fault){ CALL_OPEN, "counter.json.new", WHAT_ANY, 0, 1 << 30, EIO });
                bench_run_until(&bench, 155 * S);
                assert_true(bench.notice[BC_RECORDER_TROUBLE] > 0);
                card_is_well();
                release(&bench, 160 * S);
                bench_run_until(&bench, 165 * S);
                assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
                assert_int_equal(bc_store_counter(bench.store), 1);
                bench_read(&bench, 1, &judged);
                judge_whole(&judged, &bench.feed);
                assert_int_equal(judge_gaps(&judged, -1), 0);
                judge_done(&judged);
                card_bench_done(&bench);
        }
}

// ---- notices and the end -------------------------------------------------------------------------------------------

// The ring overtook the recorder, and silence begins in the same fragment: the loss is told of all the same.
static void test_a_loss_is_told_of_beside_other_gaps(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 133 * S);
        card_fails(0, (struct fault){ CALL_WRITE, "0002.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
        card_fails(1, (struct fault){ CALL_OPEN, "0003.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
        bench_run_until(&bench, 140 * S);
        feeder_substitute(bench.feeder, BC_LANE_SOUND, true);
        bench_run_until(&bench, 200 * S);
        card_is_well();
        release(&bench, 205 * S);
        bench_run_until(&bench, 215 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judge_gaps(&judged, BC_GAP_OVERTAKEN), 1);
        assert_int_equal(judge_gaps(&judged, BC_GAP_NO_SOUND), 1);
        assert_int_equal(bench.notice[BC_RECORDER_GAP], 1);
        judge_done(&judged);
        card_bench_done(&bench);
}

// Given up at shutdown with the card failing: what was durable stays, and the ring obeys its law again.
static void test_the_end_while_there_is_trouble(void **state)
{
        struct bc_recovery_report report;
        struct bc_ring_level level;
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        card_fails(0, (struct fault){ CALL_SYNC, "0002.mp4", WHAT_ANY, 2, 1 << 30, EIO });
        card_fails(1, (struct fault){ CALL_OPEN, "0003.mp4", WHAT_ANY, 0, 1 << 30, EIO });
        card_fails(2, (struct fault){ CALL_OPEN, "counter.json.new", WHAT_ANY, 0, 1 << 30, EIO });
        bench_run_until(&bench, 140 * S);
        release(&bench, 141 * S);
        press(&bench, 142 * S); // will never be begun
        bench_run_until(&bench, 144 * S);
        bench_stop_threads(&bench);
        bc_ring_level(bench.ring, &level);
        assert_true(level.newest_ns - level.oldest_ns <= bench.config.pre_event_ns + S);
        assert_int_equal(listed_after_restart(&bench), 1);
        card_is_well();
        assert_int_equal(bc_recovery_run(bench.store, NULL, NULL, &report), 0);
        assert_int_equal(report.failed, 0);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.finished, judged.segments);
        assert_true(judged.units[BC_LANE_PICTURE] > 4 * 30);
        assert_int_equal(judged.manifest.segment[1].state, BC_SEGMENT_RECOVERED);
        assert_int_equal(judged.manifest.segment[1].error, -EIO);
        judge_done(&judged);
        card_bench_done(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_dropped_file_that_stays),
                cmocka_unit_test(test_a_file_in_the_way),
                cmocka_unit_test(test_an_abandoned_segment_is_declared_first),
                cmocka_unit_test(test_a_failed_write_with_late_pictures),
                cmocka_unit_test(test_a_failed_write_with_late_sound),
                cmocka_unit_test(test_finalising_that_fails),
                cmocka_unit_test(test_a_manifest_that_cannot_be_saved),
                cmocka_unit_test(test_a_counter_that_cannot_be_saved),
                cmocka_unit_test(test_a_folder_that_is_gone),
                cmocka_unit_test(test_a_folder_that_is_gone_at_the_end),
                cmocka_unit_test(test_no_recording_is_left_for_the_cards_trouble),
                cmocka_unit_test(test_a_loss_is_told_of_beside_other_gaps),
                cmocka_unit_test(test_the_end_while_there_is_trouble),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
