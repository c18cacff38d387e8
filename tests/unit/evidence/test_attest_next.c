// SPDX-License-Identifier: EUPL-1.2
// A recording that waits for its last records holds up none that comes after it: what is pressed next is on the disk at once, whatever the
// signer's pace, and the records come in the end.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "act.h"

#define HANGS (1000 * S)

// When the first fragment went out that was written behind the press; -1: none yet.
static int64_t first_write_ns(int64_t press_ns)
{
        for (size_t i = 0; i < card.writes; i++)
                if (card.written_ns[i] >= press_ns)
                        return card.written_ns[i];
        return -1;
}

static int64_t durable_ns(struct act *act)
{
        struct bc_recorder_status status;

        bc_recorder_status(act->bench.recorder, &status);
        return status.durable_ns;
}

// The press comes 100 ms after a stop. In media time: how long after it the first fragment goes out, and how much of what is recorded is
// ever in memory alone.
static void test_press_behind_a_stop(void **state)
{
        static const int64_t pace_ns[] = { 0, 300 * MS, 900 * MS, 3 * S, HANGS };

        (void)state;
        for (size_t i = 0; i < sizeof(pace_ns) / sizeof(pace_ns[0]); i++) {
                const struct notary_temper temper = { .pace_ns = pace_ns[i] };
                struct act *act = act_begin(&temper, 30 * S);
                const int64_t press_ns = 122 * S + 700 * MS;
                int64_t behind_ns = 0, first_ns;

                act_record(act, 13); // until 122.6 s
                bench_run_until(&act->bench, press_ns);
                assert_int_equal(bc_recorder_start(act->bench.recorder, press_ns, "emergency"), 0);
                for (int64_t now_ns = press_ns + 100 * MS; now_ns < press_ns + 12 * S; now_ns += 100 * MS) {
                        bench_run_until(&act->bench, now_ns);
                        if (now_ns - durable_ns(act) > behind_ns)
                                behind_ns = now_ns - durable_ns(act);
                }
                first_ns = first_write_ns(press_ns);
                print_message("%d ms a signature: first fragment %d ms after the press, at most %d ms in memory alone\n",
                              (int)(pace_ns[i] / MS), (int)((first_ns - press_ns) / MS), (int)(behind_ns / MS));
                assert_true(first_ns >= press_ns && first_ns - press_ns <= 500 * MS);
                assert_true(behind_ns <= 1200 * MS);
                assert_int_equal(bc_recorder_stop(act->bench.recorder, press_ns + 12 * S, "button"), 0);
                bench_run_until(&act->bench, press_ns + 60 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 2);
                assert_int_equal(act->bench.notice[BC_RECORDER_TROUBLE], 0);
                for (uint64_t n = 1; n <= 2; n++) {
                        struct judged judged;

                        bench_read(&act->bench, n, &judged);
                        assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
                        judge_whole(&judged, &act->bench.feed);
                        judge_done(&judged);
                        if (pace_ns[i] < HANGS) {
                                memset(act->first, 0x5a, sizeof(act->first));
                                witness_free(act_read(act, n, WITNESS_CLOSED | WITNESS_GAPS | WITNESS_ENDED));
                        }
                }
                act_end(act);
        }
}

static int64_t signed_ns(struct act *act, uint64_t counter, bool last)
{
        int64_t time_ns;
        struct witness *witness;

        memset(act->first, 0x5a, sizeof(act->first));
        witness = act_read(act, counter, WITNESS_CLOSED | WITNESS_GAPS | WITNESS_ENDED);
        time_ns = last ? witness->last.signed_ns : witness->segment[0]->record[0].signed_ns;
        witness_free(witness);
        return time_ns;
}

// So many recordings of a second each, one right behind the other; runs until each is on the disk, or for 9 s.
static void record_in_a_row(struct act *act, unsigned recordings, int64_t ret_after_ns[])
{
        int64_t now_ns = 110 * S;

        for (unsigned i = 0; i < recordings; i++) {
                const int64_t press_ns = now_ns;

                assert_int_equal(bc_recorder_start(act->bench.recorder, press_ns, "button"), 0);
                now_ns += 1000 * MS;
                bench_run_until(&act->bench, now_ns);
                assert_int_equal(bc_recorder_stop(act->bench.recorder, now_ns, "button"), 0);
                now_ns += 100 * MS;
                bench_run_until(&act->bench, now_ns);
        }
        bench_run_until(&act->bench, now_ns + 120 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], recordings);
        now_ns = 110 * S;
        for (unsigned i = 0; i < recordings; i++, now_ns += 1100 * MS) {
                struct judged judged;

                bench_read(&act->bench, i + 1, &judged);
                assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
                judge_whole(&judged, &act->bench.feed);
                judge_done(&judged);
                ret_after_ns[i] = first_write_ns(now_ns) - now_ns;
        }
}

// Each hangs on the ledger, none on the one before: but they are signed one after the other, so that the tail anchor names the newest.
static void test_records_in_the_order_of_recordings(void **state)
{
        static const int64_t pace_ns[] = { 50 * MS, 300 * MS, 900 * MS, 3 * S };

        (void)state;
        for (size_t i = 0; i < sizeof(pace_ns) / sizeof(pace_ns[0]); i++) {
                const struct notary_temper temper = { .pace_ns = pace_ns[i] };
                struct act *act = act_begin(&temper, 30 * S);
                int64_t after_ns[4], newest_ns = 0;

                record_in_a_row(act, 4, after_ns);
                for (uint64_t n = 1; n <= 4; n++) {
                        assert_true(after_ns[n - 1] < 500 * MS);
                        assert_true(signed_ns(act, n, false) >= newest_ns);
                        newest_ns = signed_ns(act, n, true);
                }
                act_end(act);
        }
}

// As many as there is room for wait for a signer that hangs, each until its own 10 s are over, and what is behind them is written. One
// more waits until the first of them has given up.
static void test_no_more_than_there_is_room_for(void **state)
{
        const struct notary_temper temper = { .pace_ns = HANGS };
        struct act *act = act_begin(&temper, 30 * S);
        int64_t after_ns[BC_RECORDER_CLOSING_MAX + 2];

        (void)state;
        record_in_a_row(act, BC_RECORDER_CLOSING_MAX + 2, after_ns);
        for (unsigned i = 0; i <= BC_RECORDER_CLOSING_MAX; i++)
                assert_true(after_ns[i] < 500 * MS);
        print_message("the one behind them waits for %d ms\n", (int)(after_ns[BC_RECORDER_CLOSING_MAX + 1] / MS));
        assert_true(after_ns[BC_RECORDER_CLOSING_MAX + 1] <= BC_ATTEST_GIVE_UP_NS);
        act_end(act);
}

// A mark that comes for it then is in its manifest; the ring goes on for the one behind it.
static void test_mark_while_it_waits(void **state)
{
        const struct notary_temper temper = { .pace_ns = 3 * S };
        struct act *act = act_begin(&temper, 30 * S);
        struct bc_recorder_status status;
        struct judged judged;

        (void)state;
        act_record(act, 13);
        bench_run_until(&act->bench, 122 * S + 700 * MS);
        assert_int_equal(bc_recorder_start(act->bench.recorder, 122 * S + 700 * MS, "emergency"), 0);
        bench_run_until(&act->bench, 123 * S + 500 * MS);
        bc_recorder_status(act->bench.recorder, &status);
        assert_int_equal(status.waiting, 2);
        assert_int_equal(status.counter, 2);
        assert_int_equal(status.press_ns, 122 * S + 700 * MS);
        assert_int_equal(bc_recorder_mark(act->bench.recorder, 122 * S + 500 * MS, "before the end"), 0);
        assert_int_equal(bc_recorder_mark(act->bench.recorder, 122 * S + 650 * MS, "between"), -ENOENT);
        assert_int_equal(bc_recorder_mark(act->bench.recorder, 123 * S, "in the next one"), 0);
        bench_run_until(&act->bench, 140 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 140 * S, "button"), 0);
        bench_run_until(&act->bench, 170 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 2);
        for (uint64_t n = 1; n <= 2; n++) {
                bench_read(&act->bench, n, &judged);
                assert_int_equal(judged.manifest.marks, 1);
                assert_string_equal(judged.manifest.mark[0].text, n == 1 ? "before the end" : "in the next one");
                judge_done(&judged);
        }
        act_end(act);
}

static void lose_first_folder(const struct act *act)
{
        char name[BC_RECORDING_NAME_BYTES_MAX], path[FOLDER_PATH_BYTES + BC_RECORDING_NAME_BYTES_MAX + 16];

        bc_store_name(act->bench.store, 1, name);
        snprintf(path, sizeof(path), "%s/recordings/%s", act->bench.path, name);
        folder_remove(path);
}

// The folder of the one that waits is gone: it is left, with an alarm, and the one behind it does not notice.
static void test_one_that_cannot_be_closed(void **state)
{
        const struct notary_temper temper = { .pace_ns = 3 * S };
        struct act *act = act_begin(&temper, 30 * S);
        struct judged judged;

        (void)state;
        act_record(act, 13);
        bench_run_until(&act->bench, 122 * S + 700 * MS);
        assert_int_equal(bc_recorder_start(act->bench.recorder, 122 * S + 700 * MS, "emergency"), 0);
        bench_run_until(&act->bench, 123 * S + 500 * MS);
        lose_first_folder(act);
        bench_run_until(&act->bench, 150 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1); // it is left
        assert_int_equal(act->bench.notice[BC_RECORDER_TROUBLE], 1); // it is told, and over with what becomes durable of the next
        assert_int_equal(act->bench.notice[BC_RECORDER_WELL], 1);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 150 * S, "button"), 0);
        bench_run_until(&act->bench, 170 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 2);
        bench_read(&act->bench, 2, &judged);
        judge_whole(&judged, &act->bench.feed);
        judge_done(&judged);
        memset(act->first, 0x5a, sizeof(act->first));
        witness_free(act_read(act, 2, WITNESS_CLOSED | WITNESS_GAPS | WITNESS_ENDED));
        act_end(act);
}

// One that is closed while an earlier one cannot be is not taken for going on.
static void test_closed_before_an_earlier_one(void **state)
{
        const struct notary_temper temper = { .pace_ns = 900 * MS };
        struct act *act = act_begin(&temper, 30 * S);
        struct bc_recorder_status status;
        int64_t at_ns = 124 * S;

        (void)state;
        act_record(act, 13);
        bench_run_until(&act->bench, 122 * S + 700 * MS);
        assert_int_equal(bc_recorder_start(act->bench.recorder, 122 * S + 700 * MS, "emergency"), 0);
        bench_run_until(&act->bench, 122 * S + 900 * MS);
        lose_first_folder(act);
        bench_run_until(&act->bench, at_ns);
        bc_recorder_status(act->bench.recorder, &status);
        assert_true(status.open);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, at_ns, "button"), 0);
        do {
                at_ns += 100 * MS;
                bench_run_until(&act->bench, at_ns);
                bc_recorder_status(act->bench.recorder, &status);
        } while (status.waiting == 2 && at_ns < 160 * S);
        assert_int_equal(status.waiting, 1);
        assert_int_equal(status.counter, 2);
        assert_false(status.open);
        bench_run_until(&act->bench, 160 * S);
        bc_recorder_status(act->bench.recorder, &status);
        assert_int_equal(status.waiting, 0);
        act_end(act);
}

// What ends with a shutdown is closed in order, however many wait.
static void test_shutdown_while_they_wait(void **state)
{
        const struct notary_temper temper = { .pace_ns = 900 * MS };
        struct act *act = act_begin(&temper, 30 * S);

        (void)state;
        act_record(act, 13);
        bench_run_until(&act->bench, 122 * S + 700 * MS);
        assert_int_equal(bc_recorder_start(act->bench.recorder, 122 * S + 700 * MS, "emergency"), 0);
        bench_run_until(&act->bench, 123 * S + 100 * MS);
        card.watched = false;
        bench_stop_threads(&act->bench);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 2);
        for (uint64_t n = 1; n <= 2; n++) {
                memset(act->first, 0x5a, sizeof(act->first));
                witness_free(act_read(act, n, WITNESS_CLOSED | WITNESS_GAPS | WITNESS_ENDED));
        }
        act_end(act);
}

// Four recordings behind a signer that hangs, and the end. How long after the one before the last of those that wait was left.
static int64_t shut_down(void)
{
        const struct notary_temper temper = { .pace_ns = 600 * S };
        struct act *act = act_begin(&temper, 30 * S);
        const int64_t *closed_ns = act->bench.noticed_ns[BC_RECORDER_CLOSED];
        int64_t at_ns = 110 * S, apart_ns;

        for (unsigned i = 0; i < 4; i++, at_ns += 1100 * MS) {
                assert_int_equal(bc_recorder_start(act->bench.recorder, at_ns, "button"), 0);
                bench_run_until(&act->bench, at_ns + 1000 * MS);
                if (i < 3)
                        assert_int_equal(bc_recorder_stop(act->bench.recorder, at_ns + 1000 * MS, "button"), 0);
                bench_run_until(&act->bench, at_ns + 1100 * MS);
        }
        card.watched = false;
        bench_stop_threads(&act->bench);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 4);
        apart_ns = closed_ns[2] - closed_ns[1];
        // The one that the shutdown ended has its own 10 s.
        assert_in_range(closed_ns[3] - closed_ns[2], 0, BC_ATTEST_GIVE_UP_NS + S);
        // All of it is on the card, for the next start.
        for (uint64_t n = 1; n <= 4; n++) {
                struct judged judged;

                bench_read(&act->bench, n, &judged);
                assert_true(judged.units[0] > 0);
                judge_done(&judged);
        }
        act_end(act);
        return apart_ns;
}

// Whatever a signer that hangs has left waiting, a shutdown does not wait 10 s for each of it: they are left together. Before the
// recorder hears of the shutdown the clock may have run on so far that they were left one by one: then it is done again.
static void test_shutdown_is_bounded(void **state)
{
        int64_t apart_ns = BC_NS_NEVER;

        (void)state;
        for (int i = 0; i < 10 && apart_ns > BC_ATTEST_GIVE_UP_NS / 2; i++)
                apart_ns = shut_down();
        assert_true(apart_ns <= BC_ATTEST_GIVE_UP_NS / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_press_behind_a_stop),
                cmocka_unit_test(test_records_in_the_order_of_recordings),
                cmocka_unit_test(test_no_more_than_there_is_room_for),
                cmocka_unit_test(test_mark_while_it_waits),
                cmocka_unit_test(test_one_that_cannot_be_closed),
                cmocka_unit_test(test_closed_before_an_earlier_one),
                cmocka_unit_test(test_shutdown_while_they_wait),
                cmocka_unit_test(test_shutdown_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
