// SPDX-License-Identifier: EUPL-1.2
// Marks set while recording: in the manifest with the next fragment, whatever the card does.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "evidence/recovery.h"
#include "faulty_card.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

static int mark(struct bench *bench, int64_t time_ns, const char *text)
{
        return bc_recorder_mark(bench->recorder, time_ns, text);
}

static void assert_mark(const struct judged *judged, size_t i, int64_t time_ns, const char *text)
{
        assert_true(i < judged->manifest.marks);
        assert_int_equal(judged->manifest.mark[i].ticks, bc_ticks_from_ns(time_ns));
        assert_string_equal(judged->manifest.mark[i].text, text);
        assert_int_equal(judged->manifest.mark[i].count, 1);
}

static uint64_t marks_shown(struct bench *bench)
{
        struct bc_recorder_status status;

        bc_recorder_status(bench->recorder, &status);
        return status.marks;
}

// ---- all is well -----------------------------------------------------------------------------------------------

static void test_durable_with_the_next_fragment(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 135 * S);
        assert_int_equal(marks_shown(&bench), 0);
        assert_int_equal(mark(&bench, 135 * S, "knife"), 0);
        assert_int_equal(mark(&bench, 134 * S + 900 * MS, ""), 0); // a press that is heard of late
        bench_run_until(&bench, 135 * S + 700 * MS);
        bench_read(&bench, 1, &judged); // while it is being recorded
        assert_int_equal(judged.manifest.state, BC_RECORDING_OPEN);
        assert_int_equal(judged.manifest.marks, 2);
        assert_mark(&judged, 0, 135 * S, "knife");
        assert_mark(&judged, 1, 134 * S + 900 * MS, "");
        judge_done(&judged);
        assert_int_equal(marks_shown(&bench), 2);
        release(&bench, 140 * S);
        bench_run_until(&bench, 150 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.marks, 2);
        judge_whole(&judged, &bench.feed);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        judge_done(&judged);
        assert_int_equal(marks_shown(&bench), 2); // of the last one
        press(&bench, 150 * S);
        bench_run_until(&bench, 151 * S);
        assert_int_equal(marks_shown(&bench), 0);
        card_bench_done(&bench);
}

static void test_times_and_texts_that_are_refused(void **state)
{
        char text[BC_RECORDER_MARK_BYTES_MAX + 2];
        struct bench bench;
        struct judged judged;

        (void)state;
        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = 0;
        card_bench(&bench);
        assert_int_equal(mark(&bench, 130 * S, "too early"), -ENOENT);
        press(&bench, 131 * S);
        assert_int_equal(mark(&bench, 131 * S - 1, "in the pre-event"), -ENOENT);
        assert_int_equal(mark(&bench, 131 * S, "at the press"), 0);
        assert_int_equal(mark(&bench, 131 * S, text), -EINVAL);
        assert_int_equal(mark(&bench, 131 * S, text + 1), 0);
        release(&bench, 140 * S);
        assert_int_equal(mark(&bench, 140 * S, "at the end"), -ENOENT);
        assert_int_equal(mark(&bench, 140 * S - 1, "just before"), 0); // it is not closed yet
        bench_run_until(&bench, 145 * S);
        assert_int_equal(mark(&bench, 139 * S, "too late"), -ENOENT);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.marks, 3);
        assert_mark(&judged, 0, 131 * S, "at the press");
        assert_mark(&judged, 1, 131 * S, text + 1);
        assert_mark(&judged, 2, 140 * S - 1, "just before");
        judge_done(&judged);
        card_bench_done(&bench);
}

// More than the manifest has entries for.
static void test_very_many(void **state)
{
        struct bench bench;
        struct judged judged;
        uint64_t count = 0;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        for (int i = 0; i < 1100; i++) {
                char text[16];

                bench_run_until(&bench, 131 * S + i * 20 * MS);
                snprintf(text, sizeof(text), "%d", i);
                assert_int_equal(mark(&bench, 131 * S + i * 20 * MS, text), 0);
        }
        release(&bench, 155 * S);
        bench_run_until(&bench, 165 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.marks, BC_MANIFEST_MARKS_MAX);
        for (size_t i = 0; i < judged.manifest.marks; i++)
                count += judged.manifest.mark[i].count;
        assert_int_equal(count, 1100);
        assert_int_equal(marks_shown(&bench), 1100);
        assert_mark(&judged, 998, 131 * S + 998 * 20 * MS, "998");
        assert_string_equal(judged.manifest.mark[999].text, "1099");
        judge_done(&judged);
        card_bench_done(&bench);
}

// ---- the card fails ----------------------------------------------------------------------------------------------

// The manifest cannot be saved for a while: as many as there is room for wait, and none of them is lost.
static void test_while_the_manifest_cannot_be_saved(void **state)
{
        struct bench bench;
        struct judged judged;
        int kept = 0, r;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        card_fails(0, (struct fault){ CALL_OPEN, BC_MANIFEST_NAME ".new", WHAT_ANY, 0, 1 << 30, ENOSPC });
        for (int i = 0; i < BC_RECORDER_MARKS_MAX + 20; i++) {
                char text[16];

                snprintf(text, sizeof(text), "%d", i);
                bench_run_until(&bench, 132 * S + i * 100 * MS);
                r = mark(&bench, 132 * S + i * 100 * MS, text);
                assert_int_equal(r, i < BC_RECORDER_MARKS_MAX ? 0 : -ENOBUFS);
                kept += r == 0;
        }
        card_is_well();
        bench_run_until(&bench, 142 * S);
        assert_int_equal(mark(&bench, 142 * S, "again"), 0);
        release(&bench, 145 * S);
        bench_run_until(&bench, 155 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.marks, kept + 1);
        for (int i = 0; i < kept; i++) {
                char text[16];

                snprintf(text, sizeof(text), "%d", i);
                assert_mark(&judged, (size_t)i, 132 * S + i * 100 * MS, text);
        }
        assert_mark(&judged, (size_t)kept, 142 * S, "again");
        judge_whole(&judged, &bench.feed);
        judge_done(&judged);
        card_bench_done(&bench);
}

// Marks of a recording that waits behind another one, set before its time has come.
static void test_behind_another_recording(void **state)
{
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 132 * S);
        card_fails(0, (struct fault){ CALL_OPEN, "counter.json.new", WHAT_ANY, 0, 1 << 30, ENOSPC });
        assert_int_equal(mark(&bench, 132 * S, "first"), 0);
        release(&bench, 135 * S);
        press(&bench, 137 * S);
        bench_run_until(&bench, 138 * S);
        assert_int_equal(mark(&bench, 138 * S, "second"), 0);
        assert_int_equal(mark(&bench, 134 * S, "first, late"), 0); // its manifest is saved as closed already
        assert_int_equal(mark(&bench, 136 * S, "between"), -ENOENT);
        bench_run_until(&bench, 142 * S);
        card_is_well();
        release(&bench, 145 * S);
        bench_run_until(&bench, 155 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 2);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
        assert_int_equal(judged.manifest.marks, 2);
        assert_mark(&judged, 0, 132 * S, "first");
        assert_mark(&judged, 1, 134 * S, "first, late");
        judge_done(&judged);
        bench_read(&bench, 2, &judged);
        assert_int_equal(judged.manifest.marks, 1);
        assert_mark(&judged, 0, 138 * S, "second");
        judge_done(&judged);
        card_bench_done(&bench);
}

static void mark_at_the_last_moment(void *user)
{
        assert_int_equal(mark(user, 139 * S, "at the last moment"), 0);
}

static void mark_and_fail(void *user)
{
        mark_at_the_last_moment(user);
        card_fails(0, (struct fault){ CALL_OPEN, BC_MANIFEST_NAME ".new", WHAT_ANY, 0, 3, EIO });
}

// The manifest is saved as closed, and the recording is just about to leave the list of what is open.
static void test_when_all_but_closed(void **state)
{
        (void)state;
        for (int fails = 0; fails <= 1; fails++) {
                struct bench bench;
                struct judged judged;

                card_bench(&bench);
                press(&bench, 130 * S);
                bench_run_until(&bench, 135 * S);
                assert_int_equal(mark(&bench, 135 * S, "knife"), 0);
                release(&bench, 140 * S);
                card_calls("counter.json.new", fails ? mark_and_fail : mark_at_the_last_moment, &bench);
                bench_run_until(&bench, 155 * S);
                assert_int_equal(card_struck(), fails ? 3 : 0);
                assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
                bench_read(&bench, 1, &judged);
                assert_int_equal(judged.manifest.state, BC_RECORDING_CLOSED);
                assert_int_equal(judged.manifest.marks, 2);
                assert_mark(&judged, 1, 139 * S, "at the last moment");
                judge_done(&judged);
                assert_int_equal(marks_shown(&bench), 2);
                press(&bench, 156 * S); // and the next one works
                bench_run_until(&bench, 158 * S);
                assert_int_equal(mark(&bench, 157 * S, ""), 0);
                card_bench_done(&bench);
        }
}

// The recording's folder is gone: what of its marks was not durable goes on in the new one.
static void test_a_recording_that_is_left(void **state)
{
        char name[BC_RECORDING_NAME_BYTES_MAX], path[FOLDER_PATH_BYTES + BC_RECORDING_NAME_BYTES_MAX + 16];
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 131 * S);
        assert_int_equal(mark(&bench, 131 * S, "durable"), 0);
        bench_run_until(&bench, 132 * S);
        bc_store_name(bench.store, 1, name);
        snprintf(path, sizeof(path), "%s/recordings/%s", bench.path, name);
        folder_remove(path);
        assert_int_equal(mark(&bench, 132 * S, "waits"), 0); // fragments are written on, the manifest is not
        bench_run_until(&bench, 138 * S);
        assert_int_equal(mark(&bench, 138 * S, "waits, too"), 0);
        bench_run_until(&bench, 150 * S);
        assert_int_equal(bc_store_counter(bench.store), 2);
        assert_int_equal(marks_shown(&bench), 2);
        release(&bench, 160 * S);
        bench_run_until(&bench, 170 * S);
        bench_read(&bench, 2, &judged);
        assert_string_equal(judged.manifest.reason, "goes on from 1: button");
        assert_int_equal(judged.manifest.marks, 2);
        assert_mark(&judged, 0, 132 * S, "waits");
        assert_mark(&judged, 1, 138 * S, "waits, too");
        judge_done(&judged);
        card_bench_done(&bench);
}

// The power goes, and the next start recovers.
static void test_recovered(void **state)
{
        struct bc_recovery_report report;
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 135 * S);
        assert_int_equal(mark(&bench, 135 * S, "knife"), 0);
        bench_run_until(&bench, 138 * S);
        card_fails(0, (struct fault){ CALL_OPEN, BC_MANIFEST_NAME ".new", WHAT_ANY, 0, 1 << 30, EIO });
        bench_restart(&bench);
        card_is_well();
        assert_int_equal(bc_recovery_run(bench.store, NULL, NULL, &report), 0);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.state, BC_RECORDING_RECOVERED);
        assert_int_equal(judged.manifest.marks, 1);
        assert_mark(&judged, 0, 135 * S, "knife");
        judge_done(&judged);
        card_bench_done(&bench);
}

// ---- threads -----------------------------------------------------------------------------------------------------

#define MARKERS 3
#define EACH 20

struct marker {
        struct bench *bench;
        struct bc_monitor monitor;
        struct bc_thread *thread;
        unsigned kept;
};

static void run_marker(void *user)
{
        struct marker *marker = user;

        for (int i = 0; i < EACH; i++) {
                int64_t now_ns = bc_clock_now_ns(marker->bench->clock);

                marker->kept += bc_recorder_mark(marker->bench->recorder, now_ns, "thread") == 0;
                bc_monitor_lock(&marker->monitor);
                while (bc_clock_now_ns(marker->bench->clock) < now_ns + 40 * MS)
                        bc_monitor_wait(&marker->monitor, now_ns + 40 * MS);
                bc_monitor_unlock(&marker->monitor);
        }
}

static void test_from_several_threads(void **state)
{
        struct marker marker[MARKERS];
        struct bench bench;
        struct judged judged;

        (void)state;
        card_bench(&bench);
        press(&bench, 130 * S);
        bench_run_until(&bench, 131 * S);
        for (int i = 0; i < MARKERS; i++) {
                marker[i] = (struct marker){ .bench = &bench };
                bc_monitor_init(&marker[i].monitor, bench.clock);
                assert_int_equal(bc_thread_start(bench.clock, "marker", run_marker, &marker[i], &marker[i].thread), 0);
        }
        release(&bench, 133 * S);
        for (int i = 0; i < MARKERS; i++) {
                bc_thread_join(marker[i].thread);
                bc_monitor_done(&marker[i].monitor);
                assert_int_equal(marker[i].kept, EACH);
        }
        bench_run_until(&bench, 145 * S);
        bench_read(&bench, 1, &judged);
        assert_int_equal(judged.manifest.marks, MARKERS * EACH);
        judge_done(&judged);
        card_bench_done(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_durable_with_the_next_fragment),
                cmocka_unit_test(test_times_and_texts_that_are_refused),
                cmocka_unit_test(test_very_many),
                cmocka_unit_test(test_while_the_manifest_cannot_be_saved),
                cmocka_unit_test(test_behind_another_recording),
                cmocka_unit_test(test_when_all_but_closed),
                cmocka_unit_test(test_a_recording_that_is_left),
                cmocka_unit_test(test_recovered),
                cmocka_unit_test(test_from_several_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
