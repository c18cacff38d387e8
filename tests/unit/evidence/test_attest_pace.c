// SPDX-License-Identifier: EUPL-1.2
// Records of recordings, whatever the signer's pace and temper: the chain in the files is right, nobody waited for it, and nothing had to
// wait for it for long.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "act.h"

static void test_every_pace(void **state)
{
        static int64_t quick_ns[ACT_WRITES_MAX];
        size_t quick = 0;

        (void)state;
        for (size_t i = 0; i < ACT_TEMPERS; i++) {
                struct act *act = act_begin(&tempers[i], 1 * S);
                struct witness *witness;

                act_record(act, 12);
                bench_run_until(&act->bench, 160 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                if (i == 0) {
                        quick = card.writes;
                        memcpy(quick_ns, card.written_ns, sizeof(quick_ns));
                        assert_true(quick >= 24);
                }
                assert_int_equal(card.writes, quick);
                assert_int_equal(act->bench.notice[BC_RECORDER_TROUBLE], 0);
                for (size_t k = 0; k < quick; k++)
                        if (card.written_ns[k] < quick_ns[k] || card.written_ns[k] - quick_ns[k] > BC_ATTEST_PATIENCE_NS)
                                fail_msg("temper %zu: fragment %zu went out %lld us later", i, k,
                                         (long long)(card.written_ns[k] - quick_ns[k]) / 1000);
                // A signer that is slower than segments are long leaves some to the next start.
                bool brisk = tempers[i].pace_ns < 900 * MS && tempers[i].pace_max_ns < S;

                witness = act_read(act, 1, brisk && !tempers[i].fails_one_in ? WITNESS_GAPS | WITNESS_CLOSED : 0);
                if (i == 0) {
                        // One for each fragment, in its own write, and one more for each end.
                        assert_int_equal(witness->records, quick + witness->segments);
                }
                assert_true(witness->records > 0);
                assert_true(notary_failures(&act->notary) > 0 || !tempers[i].fails_one_in);
                witness_free(witness);
                act_end(act);
        }
}

// Long segments: all of it is signed in the end, however slow.
static void test_slow_signer_of_long_segments(void **state)
{
        static const int64_t pace_ns[] = { 50 * MS, 300 * MS, 3 * S };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                const struct notary_temper temper = { .pace_ns = pace_ns[i] };
                struct act *act = act_begin(&temper, 8 * S);
                struct witness *witness;

                act_record(act, 30);
                bench_run_until(&act->bench, 160 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED] > 0, pace_ns[i] > 2 * S);
                witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
                assert_int_equal(bc_store_left_open_count(act->bench.store), 0);
                witness_free(witness);
                act_end(act);
        }
}

static void test_signer_that_changes(void **state)
{
        static const struct notary_temper turn[] = { { .pace_ns = 0 }, { .pace_ns = 400 * MS }, { .broken = true }, { .pace_ns = 1 * MS },
                                                     { .pace_ns = 2 * S }, { .pace_ns = 15 * MS } };
        struct act *act = act_begin(&turn[0], 5 * S);
        struct witness *witness;

        (void)state;
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        for (int i = 0; i < 24; i++) {
                bench_run_until(&act->bench, 110 * S + i * 1700 * MS);
                notary_set(&act->notary, &turn[i % 6]);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, 110 * S + i * 1700 * MS, i % 2 ? "a mark" : ""), 0);
        }
        bench_run_until(&act->bench, 152 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 152 * S, "button"), 0);
        bench_run_until(&act->bench, 180 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
        witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
        assert_int_equal(witness->marks, 24);
        witness_free(witness);
        act_end(act);
}

// Nothing is ever signed: the recording is there all the same, an alarm was raised, and it ends.
static void test_signer_that_never_signs(void **state)
{
        const struct notary_temper temper = { .broken = true };
        struct act *act = act_begin(&temper, 4 * S);
        struct judged judged;

        (void)state;
        act_record(act, 20);
        bench_run_until(&act->bench, 118 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED], 1);
        bench_run_until(&act->bench, 180 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
        bench_read(&act->bench, 1, &judged);
        judge_whole(&judged, &act->bench.feed);
        judge_done(&judged);
        assert_int_equal(bc_store_left_open_count(act->bench.store), 0); // of earlier runs
        act_end(act);
}

// How long what was recorded from from_ns on had to wait: the longest range of a record, and the longest time from a sample, and from
// its being durable, to its record.
struct delay {
        int64_t range_ns, sample_ns;
        unsigned records;
};

static struct delay delay_of(const struct witness *witness, int64_t from_ns, int64_t pace_ns)
{
        struct delay delay = { 0 };

        for (size_t i = 0; i < witness->segments; i++)
                for (size_t k = 0; k < witness->segment[i]->records; k++) {
                        const struct witness_record *record = &witness->segment[i]->record[k];
                        int64_t oldest = INT64_MAX, newest = 0;

                        for (size_t t = 0; t < BC_TRACKS_MAX; t++) {
                                if (record->track[t].first_ticks == BC_RECORD_UNKNOWN || record->track[t].end_ticks == 0)
                                        continue;
                                oldest = record->track[t].first_ticks < oldest ? record->track[t].first_ticks : oldest;
                                newest = record->track[t].end_ticks > newest ? record->track[t].end_ticks : newest;
                        }
                        if (oldest == INT64_MAX || bc_ns_from_ticks(oldest) < from_ns)
                                continue;
                        delay.records++;
                        if (bc_ns_from_ticks(newest - oldest) > delay.range_ns)
                                delay.range_ns = bc_ns_from_ticks(newest - oldest);
                        if (record->signed_ns + pace_ns - bc_ns_from_ticks(oldest) > delay.sample_ns)
                                delay.sample_ns = record->signed_ns + pace_ns - bc_ns_from_ticks(oldest);
                }
        return delay;
}

// Ten minutes of media time with a secure element: 20 segments, and a second press (an emergency, with its own pre-event) just after the first
// recording's stop. In media time: no record covers more than 2 s; with 300 ms a signature nothing is older than 2 s when its record is
// there, and where a signature takes so long that it is, there is an alarm. What lay in the ring before a press is older than that by itself.
static void test_nothing_is_unsigned_for_long(void **state)
{
        static const int64_t pace_ns[] = { 300 * MS, 900 * MS, 1500 * MS };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                const struct notary_temper temper = { .pace_ns = pace_ns[i] };
                struct act *act = act_begin(&temper, 30 * S);
                struct witness *witness;
                struct delay delay;

                act_record(act, 300);
                bench_run_until(&act->bench, 411 * S);
                assert_int_equal(bc_recorder_start(act->bench.recorder, 411 * S, "emergency"), 0);
                bench_run_until(&act->bench, 711 * S);
                assert_int_equal(bc_recorder_stop(act->bench.recorder, 711 * S, "button"), 0);
                bench_run_until(&act->bench, 740 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 2);
                for (uint64_t n = 1; n <= 2; n++) {
                        memset(act->first, 0x5a, sizeof(act->first));
                        witness = act_read(act, n, WITNESS_CLOSED | WITNESS_GAPS);
                        delay = delay_of(witness, (n == 1 ? 110 : 411) * S, pace_ns[i]);
                        print_message("%d ms a signature, recording %d: %u records, %zu segments, range %d ms, sample to record %d ms, alarms %u\n",
                                      (int)(pace_ns[i] / MS), (int)n, delay.records, witness->segments, (int)(delay.range_ns / MS),
                                      (int)(delay.sample_ns / MS), act->bench.notice[BC_RECORDER_SIGNED]);
                        assert_true(witness->segments >= 10);
                        assert_true(delay.records > 150);
                        assert_true(delay.range_ns <= (i < 2 ? 2 * S : 2 * S + 100 * MS));
                        // An alarm where, and only where, something waits for too long; it counts from when it was durable.
                        assert_true(i > 0 || delay.sample_ns <= 2 * S);
                        assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED] > 0, delay.sample_ns > 2 * S);
                        witness_free(witness);
                }
                act_end(act);
        }
}

// A segment ends before it had a record, and the next one has a hole in front: that is stated for the one, not for the other.
static void test_hole_behind_one_without_a_record(void **state)
{
        static const struct notary_temper broken = { .broken = true }, well = { .pace_ns = 0 };
        struct act *act = act_begin(&broken, 60 * S);
        struct witness *witness;
        size_t holes = 0;

        (void)state;
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        bench_run_until(&act->bench, 112 * S);
        card.calls = 5; // the next sync takes longer than the ring goes back
        card.stall_ns = 50 * S;
        bench_run_until(&act->bench, 114 * S);
        card.stall_ns = 0;
        bench_run_until(&act->bench, 163 * S); // the card is back, and the signer says no once more
        notary_set(&act->notary, &well);
        bench_run_until(&act->bench, 190 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 190 * S, "button"), 0);
        bench_run_until(&act->bench, 210 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
        witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS | WITNESS_ENDED);
        assert_true(witness->segments >= 2);
        assert_int_equal(witness->by_kind[BC_RECORD_CONTINUES], witness->segments - 1);
        for (size_t i = 0; i < witness->gaps; i++)
                holes += witness->gap[i].kind == BC_GAP_OVERTAKEN + 1;
        assert_true(holes > 0);
        witness_free(witness);
        act_end(act);
}

// What no record can state costs no proof: a position that is none is left out.
static void test_extras_that_are_wrong(void **state)
{
        static const struct notary_temper lost[] = { { .lost = true }, { .lost = true, .pace_ns = 300 * MS } };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct act *act = act_begin(&lost[i], 3 * S);
                struct witness *witness;

                assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&act->bench, 112 * S);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, 112 * S, "lost"), 0);
                bench_run_until(&act->bench, 120 * S);
                assert_int_equal(bc_recorder_stop(act->bench.recorder, 120 * S, "button"), 0);
                bench_run_until(&act->bench, 140 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED], 0); // no alarm: it was signed in time
                assert_int_equal(act->bench.notice[BC_RECORDER_TROUBLE], 0);
                witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
                assert_int_equal(witness->marks, 1);
                assert_false(witness->last.position.known);
                witness_free(witness);
                act_end(act);
        }
}

// Certificates that leave no room for the news in their record: these come with the next one.
static void test_more_than_a_box_holds(void **state)
{
        static const struct notary_temper broken = { .broken = true }, well = { .pace_ns = 0 };
        struct act *act;
        struct witness *witness;

        (void)state;
        thick_bytes = 12000;
        act = act_begin(&broken, 6 * S);
        thick_bytes = 0;
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        for (int i = 0; i < 60; i++) {
                bench_run_until(&act->bench, 111 * S + i * 20 * MS);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, 111 * S + i * 20 * MS,
                                                  "1234567890123456789012345678901234567890123456789012345678901234"), 0);
        }
        notary_set(&act->notary, &well);
        bench_run_until(&act->bench, 120 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 120 * S, "button"), 0);
        bench_run_until(&act->bench, 140 * S);
        witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
        assert_int_equal(witness->marks, 60);
        witness_free(witness);
        act_end(act);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_pace),
                cmocka_unit_test(test_slow_signer_of_long_segments),
                cmocka_unit_test(test_signer_that_changes),
                cmocka_unit_test(test_signer_that_never_signs),
                cmocka_unit_test(test_nothing_is_unsigned_for_long),
                cmocka_unit_test(test_hole_behind_one_without_a_record),
                cmocka_unit_test(test_extras_that_are_wrong),
                cmocka_unit_test(test_more_than_a_box_holds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
