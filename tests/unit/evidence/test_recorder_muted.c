// SPDX-License-Identifier: EUPL-1.2
// Muted sound is declared from its first unit to its last, once, whatever becomes of the segments.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "evidence/recovery.h"
#include "faulty_card.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

// To the unit: the feeder takes it up with the first unit that is due after it was told; a recording ends with a picture.
static void assert_muted(const struct judged *judged, size_t nth, int64_t from_ns, int64_t to_ns)
{
        for (size_t i = 0; i < judged->manifest.gaps; i++) {
                const struct bc_manifest_gap *gap = &judged->manifest.gap[i];

                if (gap->kind != BC_GAP_MUTED || nth-- > 0)
                        continue;
                assert_in_range(gap->from_ticks, bc_ticks_from_ns(from_ns) - 4096, bc_ticks_from_ns(from_ns) + 1024);
                assert_in_range(gap->to_ticks, bc_ticks_from_ns(to_ns) - 4096, bc_ticks_from_ns(to_ns) + 2048);
                assert_true(gap->from_ticks % BC_SOUND_UNIT_SAMPLES == 0);
                assert_int_equal(gap->count, 1);
                return;
        }
        fail_msg("there is no such gap");
}

static void mute(struct bench *bench, int64_t at_ns, bool muted)
{
        bench_run_until(bench, at_ns);
        feeder_mute(bench->feeder, muted);
}

static void finish(struct bench *bench, int64_t at_ns, struct judged *ret_judged)
{
        release(bench, at_ns);
        bench_run_until(bench, at_ns + 10 * S);
        assert_int_equal(bench->notice[BC_RECORDER_CLOSED], 1);
        bench_read(bench, 1, ret_judged);
}

// Across segments, which are 4 s long, and again.
static void test_across_segments(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        mute(&bench, 131 * S, true);
        mute(&bench, 141 * S, false);
        mute(&bench, 143 * S, true);
        mute(&bench, 143 * S + 100 * MS, false);
        finish(&bench, 145 * S, &judged);
        judge_whole(&judged, &bench.feed);
        assert_true(judged.segments >= 4);
        assert_int_equal(judge_gaps(&judged, -1), 2);
        assert_muted(&judged, 0, 131 * S, 141 * S);
        assert_muted(&judged, 1, 143 * S, 143 * S + 100 * MS);
        judge_done(&judged);
        card_bench_done(&bench);
}

// Before the press, in the pre-event and before it; and still when the recording ends.
static void test_in_the_pre_event_and_at_the_end(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        mute(&bench, 130 * S, true);
        mute(&bench, 133 * S, false);
        mute(&bench, 134 * S, true);
        mute(&bench, 135 * S, false);
        press(&bench, 136 * S); // begins between 131 and 132 s
        mute(&bench, 138 * S, true);
        finish(&bench, 140 * S, &judged);
        assert_int_equal(judge_gaps(&judged, -1), 3);
        assert_muted(&judged, 0, bc_ns_from_ticks(judged.unit[BC_LANE_PICTURE][0].ticks), 133 * S);
        assert_int_equal(judged.manifest.gap[0].from_ticks, judged.unit[BC_LANE_SOUND][0].ticks);
        assert_muted(&judged, 1, 134 * S, 135 * S);
        assert_muted(&judged, 2, 138 * S, 140 * S);
        assert_int_equal(judged.manifest.gap[2].to_ticks, judged.manifest.segment[judged.manifest.segments - 1].end_ticks);
        judge_done(&judged);
        card_bench_done(&bench);
}

// Muted while the microphone gives nothing: each is said by itself.
static void test_beside_no_sound(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        mute(&bench, 131 * S, true);
        bench_run_until(&bench, 132 * S);
        feeder_substitute(bench.feeder, BC_LANE_SOUND, true);
        mute(&bench, 133 * S, false);
        bench_run_until(&bench, 134 * S);
        feeder_substitute(bench.feeder, BC_LANE_SOUND, false);
        finish(&bench, 136 * S, &judged);
        assert_int_equal(judge_gaps(&judged, -1), 2);
        assert_int_equal(judge_gaps(&judged, BC_GAP_NO_SOUND), 1);
        assert_muted(&judged, 0, 131 * S, 133 * S);
        assert_in_range(judged.manifest.gap[1].from_ticks, 132 * 48000 - 4096, 132 * 48000 + 1024);
        assert_in_range(judged.manifest.gap[1].to_ticks, 134 * 48000 - 4096, 134 * 48000 + 1024);
        judge_done(&judged);
        card_bench_done(&bench);
}

// A GOP is written twice, and its muted sound is declared once.
static void test_a_repeated_gop(void **state)
{
        (void)state;
        for (int64_t at_ms = 0; at_ms < 1500; at_ms += 250) {
                struct bench bench;
                struct judged judged;

                card_bench(&bench);
                press(&bench, 130 * S);
                mute(&bench, 133 * S + at_ms * MS, true);
                mute(&bench, 133 * S + (at_ms + 200) * MS, false);
                bench_run_until(&bench, 133 * S + 500 * MS + at_ms * MS);
                card_fails(0, (struct fault){ CALL_SYNC, "0002.mp4", WHAT_ANY, 0, 1, EIO });
                bench_run_until(&bench, 135 * S);
                card_fails(1, (struct fault){ CALL_SYNC, "0003.mp4", WHAT_ANY, 0, 1, EIO });
                finish(&bench, 140 * S, &judged);
                assert_true(card_struck() > 0);
                assert_int_equal(judge_gaps(&judged, -1), 1);
                assert_muted(&judged, 0, 133 * S + at_ms * MS, 133 * S + (at_ms + 200) * MS);
                judge_done(&judged);
                card_bench_done(&bench);
        }
}

// In a hole nobody knows: muted before it and behind it are two gaps.
static void test_a_hole_while_it_is_muted(void **state)
{
        struct bench bench;
        struct judged judged;
        const struct bc_manifest_gap *gap, *before = NULL, *behind = NULL, *hole = NULL;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        mute(&bench, 131 * S, true);
        bench_run_until(&bench, 133 * S);
        card_fails(0, (struct fault){ CALL_WRITE, "0002.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
        card_fails(1, (struct fault){ CALL_OPEN, "0002.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
        card_fails(2, (struct fault){ CALL_OPEN, "0003.mp4", WHAT_ANY, 0, 1 << 30, ENOSPC });
        bench_run_until(&bench, 190 * S);
        card_is_well();
        mute(&bench, 200 * S, false);
        finish(&bench, 205 * S, &judged);
        for (size_t i = 0; i < judged.manifest.gaps; i++) {
                gap = &judged.manifest.gap[i];
                if (gap->kind == BC_GAP_OVERTAKEN)
                        hole = gap;
                else if (gap->kind == BC_GAP_MUTED && !before)
                        before = gap;
                else if (gap->kind == BC_GAP_MUTED)
                        behind = gap;
        }
        assert_true(hole && before && behind);
        assert_int_equal(judge_gaps(&judged, BC_GAP_MUTED), 2);
        assert_in_range(before->to_ticks, 132 * 48000, hole->from_ticks + 48000);
        assert_true(before->to_ticks < hole->to_ticks);
        assert_in_range(behind->from_ticks, hole->to_ticks, hole->to_ticks + 1024);
        assert_in_range(behind->to_ticks, 200 * 48000 - 4096, 200 * 48000 + 1024);
        judge_done(&judged);
        card_bench_done(&bench);
}

// The power goes while it is muted: recovery ends the gap with what is there.
static void test_recovered(void **state)
{
        struct bc_recovery_report report;
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        mute(&bench, 135 * S, true);
        bench_run_until(&bench, 138 * S);
        card_fails(0, (struct fault){ CALL_OPEN, BC_MANIFEST_NAME ".new", WHAT_ANY, 0, 1 << 30, EIO }); // it is as it was then
        bench_restart(&bench);
        card_is_well();
        assert_int_equal(bc_recovery_run(bench.store, NULL, NULL, &report), 0);
        assert_int_equal(report.recordings - report.failed, 1);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.state, BC_RECORDING_RECOVERED);
        assert_int_equal(judge_gaps(&judged, BC_GAP_MUTED), 1);
        for (size_t i = 0; i < judged.manifest.gaps; i++)
                if (judged.manifest.gap[i].kind == BC_GAP_MUTED)
                        assert_int_equal(judged.manifest.gap[i].to_ticks,
                                         judged.manifest.segment[judged.manifest.segments - 1].end_ticks);
        assert_muted(&judged, 0, 135 * S, 138 * S);
        judge_done(&judged);
        card_bench_done(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_across_segments),
                cmocka_unit_test(test_in_the_pre_event_and_at_the_end),
                cmocka_unit_test(test_beside_no_sound),
                cmocka_unit_test(test_a_repeated_gop),
                cmocka_unit_test(test_a_hole_while_it_is_muted),
                cmocka_unit_test(test_recovered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
