// SPDX-License-Identifier: EUPL-1.2
// A card that stalls, a card that fails, a card that is full: at every call on the way to the disk.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "bodycam/moment.h"
#include "evidence/recovery.h"
#include "lib/counts.h"
#include "lib/wrapped.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

// ---- the card --------------------------------------------------------------------------------------------------

enum call { CALL_OPEN, CALL_WRITE, CALL_SYNC, CALL_RENAME, CALL_FOLDER, CALLS };

static struct card {
        struct bc_monitor monitor;
        int64_t stall_until_ns; // every call waits until then
        atomic_int countdown;   // calls until the fault; -1: none
        atomic_int failures;    // that many calls fail in a row
        int error;              // 0: a short write
        atomic_uint calls[CALLS];
        atomic_uint struck;
        bool watched;
} card;

// true: this call fails with card.error.
static bool strikes(enum call call)
{
        if (!card.watched)
                return false;
        bc_monitor_lock(&card.monitor);
        while (bc_clock_now_ns(card.monitor.clock) < card.stall_until_ns)
                bc_monitor_wait(&card.monitor, card.stall_until_ns);
        bc_monitor_unlock(&card.monitor);
        card.calls[call]++;
        if (card.countdown > 0) {
                card.countdown--;
                return false;
        }
        if (card.countdown < 0 || card.failures <= 0)
                return false;
        card.failures--;
        card.struck++;
        errno = card.error;
        return true;
}

int __wrap_fdatasync(int fd)
{
        return strikes(CALL_SYNC) && card.error ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        return strikes(CALL_SYNC) && card.error ? -1 : __real_fsync(fd);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        if (strikes(CALL_WRITE)) {
                if (card.error == 0)
                        return __real_pwrite(fd, bytes, size / 2 + 1, offset);
                // Half of it reaches the card, in whole sectors, as on one that fills up.
                (void)!__real_pwrite(fd, bytes, size / 1024 * 512, offset);
                errno = card.error;
                return -1;
        }
        return __real_pwrite(fd, bytes, size, offset);
}

int __wrap_openat(int fd, const char *name, int flags, mode_t mode)
{
        return (flags & O_CREAT) && strikes(CALL_OPEN) && card.error ? -1 : __real_openat(fd, name, flags, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return strikes(CALL_RENAME) && card.error ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_mkdirat(int fd, const char *name, mode_t mode)
{
        return strikes(CALL_FOLDER) && card.error ? -1 : __real_mkdirat(fd, name, mode);
}

static void card_insert(struct bench *bench)
{
        card = (struct card){ .countdown = -1 };
        bc_monitor_init(&card.monitor, bench->clock);
        card.watched = true;
}

static void card_remove(void)
{
        card.watched = false;
        bc_monitor_done(&card.monitor);
}

static void card_stall(int64_t until_ns)
{
        bc_monitor_lock(&card.monitor);
        card.stall_until_ns = until_ns;
        bc_monitor_unlock(&card.monitor);
}

// ---- what is known meanwhile -----------------------------------------------------------------------------------

#define CLOCK_SET_NS (150 * S)
#define CLOCK_STEP_NS (3600 * S)

// The clock is set at 150 s. The receiver is on its way to the moon: no metadata can hold that, and no recording fails
// for it.
static void moment_at(void *user, int64_t time_ns, struct bc_moment *ret_moment)
{
        (void)user;
        *ret_moment = (struct bc_moment){
                .time_ns = time_ns,
                .source = BC_UTC_NTP,
                .utc_ns = INT64_C(1795655534) * S + time_ns + (time_ns >= CLOCK_SET_NS ? CLOCK_STEP_NS : 0),
                .fix = { .mode = BC_FIX_3D, .alt_mm = 384400000 },
        };
}

// ---- stalls ----------------------------------------------------------------------------------------------------

// Presses at 130 s, on a card that stalls some time after that instant; stops at stop_ns.
static void stall_after_the_press(int64_t after_ns, int64_t stall_ns, int64_t stop_ns, struct judged *ret_judged,
                                  struct feeder_config *ret_feed)
{
        struct bench bench;

        bench_defaults(&bench);
        bench.config.pre_event_ns = 5 * S;
        bench.config.moment_at = moment_at;
        bench.stall_ns = 30 * S;
        bench_make(&bench);
        card_insert(&bench);
        bench_run_until(&bench, 130 * S);
        if (after_ns == 0)
                card_stall(130 * S + stall_ns);
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S, "button"), 0);
        bench_run_until(&bench, 130 * S + after_ns);
        card_stall(130 * S + after_ns + stall_ns);
        bench_run_until(&bench, stop_ns);
        assert_int_equal(bc_recorder_stop(bench.recorder, stop_ns, "button"), 0);
        bench_run_until(&bench, 130 * S + stall_ns + 60 * S);
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        bench_read(&bench, 1, ret_judged);
        *ret_feed = bench.feed;
        card_remove();
        bench_done(&bench);
}

static void test_a_stall_up_to_the_tolerance_loses_nothing(void **state)
{
        const int64_t stalls[] = { 100 * MS, S, 7 * S, 29 * S, 30 * S };

        (void)state;
        for (size_t i = 0; i < sizeof(stalls) / sizeof(*stalls); i++) {
                struct feeder_config feed;
                struct judged judged;

                stall_after_the_press(0, stalls[i], 130 * S + stalls[i] + 20 * S, &judged, &feed);
                assert_true(judge_whole(&judged, &feed) <= 125 * S);
                assert_int_equal(judge_gaps(&judged, -1), 0);
                assert_int_equal(judged.finished, judged.segments);
                judge_done(&judged);
                // Stopped in the middle of the stall: the ring must not forget before all is durable.
                stall_after_the_press(0, stalls[i], 130 * S + stalls[i] / 2, &judged, &feed);
                assert_true(judge_whole(&judged, &feed) <= 125 * S);
                assert_int_equal(judge_gaps(&judged, -1), 0);
                judge_done(&judged);
        }
}

static void test_a_longer_stall_loses_a_declared_gap_and_nothing_else(void **state)
{
        const int64_t stalls[] = { 45 * S, 120 * S }, after[] = { 0, 3 * S + 210 * MS };
        unsigned holes = 0;

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                int64_t stall_ns = stalls[i / 2], expected_ticks = 125 * 48000;
                struct feeder_config feed;
                struct judged judged;
                uint64_t missing = 0, expected = 25 * 30;
                const struct bc_manifest_gap *gap;
                const struct judged_unit *unit;

                stall_after_the_press(after[i % 2], stall_ns, 130 * S + stall_ns + 20 * S, &judged, &feed);
                assert_int_equal(judge_gaps(&judged, BC_GAP_OVERTAKEN), 1);
                assert_int_equal(judge_gaps(&judged, -1), 1);
                gap = &judged.manifest.gap[0];
                if (gap->from_ticks <= bc_ticks_from_ns(CLOCK_SET_NS) && gap->to_ticks > bc_ticks_from_ns(CLOCK_SET_NS)) {
                        // The clock was set inside the hole: whoever was to tell of it went with it.
                        assert_int_equal(judged.manifest.clocks, 2);
                        assert_int_equal(judged.manifest.clock[1].from_ticks, gap->to_ticks);
                        assert_int_equal(judged.manifest.clock[1].step_ns, CLOCK_STEP_NS);
                        holes++;
                }
                unit = judged.unit[BC_LANE_PICTURE];
                for (size_t n = 0; n < judged.units[BC_LANE_PICTURE]; n++) {
                        if (unit[n].number != expected) {
                                missing += unit[n].number - expected;
                                assert_in_range(gap->from_ticks, expected_ticks - 48000, expected_ticks);
                                assert_int_equal(unit[n].ticks, gap->to_ticks);
                                assert_true(unit[n].sync);
                        }
                        expected = unit[n].number + 1;
                        expected_ticks = unit[n].ticks + unit[n].duration_ticks;
                }
                // What is missing is what the ring could not hold: pre-event + tolerance + two GOPs and a fragment.
                assert_in_range(missing, (uint64_t)(stall_ns / S - 40) * 30, (uint64_t)(stall_ns / S - 28) * 30);
                assert_int_equal(judged.finished, judged.segments);
                judge_done(&judged);
        }
        assert_int_equal(holes, 2);
}

// ---- failures --------------------------------------------------------------------------------------------------

// Everything from the pre-event on is there; where a segment was abandoned its successor may repeat up to one GOP.
static void judge_complete(const struct judged *judged, const struct feeder_config *feed, int64_t from_ns, int64_t end_ns)
{
        for (int lane = 0; lane < BC_LANE_COUNT; lane++) {
                const struct judged_unit *unit = judged->unit[lane];
                size_t units = judged->units[lane];

                if (!feeder_has(feed, (enum bc_lane)lane))
                        continue;
                assert_true(units > 0);
                assert_true(unit[0].ticks <= bc_ticks_from_ns(from_ns) + 1024);
                assert_true(unit[units - 1].ticks + unit[units - 1].duration_ticks >= bc_ticks_from_ns(end_ns) - 1);
                for (size_t i = 1; i < units; i++) {
                        assert_int_equal(unit[i].ticks, bc_ticks_from_ns(feeder_time(feed, (enum bc_lane)lane, unit[i].number)));
                        if (unit[i].number == unit[i - 1].number + 1)
                                continue;
                        assert_int_not_equal(unit[i].segment, unit[i - 1].segment);
                        assert_true(unit[i].number <= unit[i - 1].number);
                        assert_true(unit[i - 1].ticks - unit[i].ticks <= 2 * 48000);
                }
        }
}

// One incident of 14 s (pre-event 4 s) with a fault at the nth call. Returns false when there was no nth call.
static bool incident_with_fault(int nth, int failures, int error)
{
        struct bc_recovery_report report;
        struct judged judged;
        struct bench bench;
        bool struck;

        bench_defaults(&bench);
        bench.config.pre_event_ns = 4 * S;
        bench.config.segment_ns = 4 * S;
        bench_make(&bench);
        bench_run_until(&bench, 130 * S);
        card_insert(&bench);
        card.error = error;
        card.failures = failures;
        card.countdown = nth;
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S, "button"), 0);
        bench_run_until(&bench, 140 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 140 * S, "button"), 0);
        bench_run_until(&bench, 170 * S);
        struck = card.struck > 0;
        if (struck && error) {
                // Alarm, then all clear; never "closed" without everything being there.
                assert_true(bench.notice[BC_RECORDER_TROUBLE] >= 1);
                assert_true(bench.notice[BC_RECORDER_WELL] == bench.notice[BC_RECORDER_TROUBLE] ||
                            bench.closed_at_ns >= bench.first_trouble_ns);
        }
        assert_int_equal(bench.notice[BC_RECORDER_CLOSED], 1);
        card.countdown = -1; // the card is well again
        // The next start sees to what could not be finalised.
        bench_restart(&bench);
        assert_int_equal(bc_recovery_run(bench.store, NULL, NULL, &report), 0);
        assert_int_equal(report.failed, 0);
        assert_int_equal(bc_store_left_open_count(bench.store), 0);
        bench_read(&bench, bc_store_counter(bench.store), &judged);
        assert_int_equal(judged.finished, judged.segments);
        assert_int_equal(judged.manifest.segments, judged.segments);
        assert_int_equal(judged.strangers, 0);
        judge_complete(&judged, &bench.feed, 126 * S, 140 * S);
        assert_int_equal(judge_gaps(&judged, -1), 0);
        judge_done(&judged);
        card_remove();
        bench_done(&bench);
        return struck;
}

static void fail_each_call(int error, int failures)
{
        int step = (int)counts_of(7, 3, 1), n = 0;

        for (; incident_with_fault(n, failures, error); n += step)
                ;
        print_message("%s x %d at %d calls\n", error ? strerror(error) : "short write", failures, n / step);
        assert_true(n > 60);
}

static void test_each_call_fails_once_with_eio(void **state)
{
        (void)state;
        fail_each_call(EIO, 1);
}

static void test_each_call_fails_once_with_enospc(void **state)
{
        (void)state;
        fail_each_call(ENOSPC, 1);
}

static void test_each_call_fails_for_a_while(void **state)
{
        (void)state;
        fail_each_call(EIO, 6);
}

static void test_each_write_is_short(void **state)
{
        (void)state;
        fail_each_call(0, 1);
}

// Full for good: the recorder says so within a second, goes on trying, and a recording finished before stays whole.
static void test_a_card_that_stays_full(void **state)
{
        struct bc_recorder_status status;
        struct judged judged;
        struct bench bench;

        (void)state;
        bench_defaults(&bench);
        bench.config.pre_event_ns = 4 * S;
        bench_make(&bench);
        card_insert(&bench);
        bench_run_until(&bench, 120 * S);
        assert_int_equal(bc_recorder_start(bench.recorder, 120 * S, "button"), 0);
        bench_run_until(&bench, 125 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, 125 * S, "button"), 0);
        bench_run_until(&bench, 130 * S);
        card.error = ENOSPC;
        card.failures = 1 << 30;
        card.countdown = 40; // some seconds into the second recording
        assert_int_equal(bc_recorder_start(bench.recorder, 130 * S, "button"), 0);
        bench_run_until(&bench, 150 * S);
        bc_recorder_status(bench.recorder, &status);
        assert_int_equal(status.error, -ENOSPC);
        assert_int_equal(bench.notice[BC_RECORDER_TROUBLE], 1);
        assert_true(status.durable_ns > 126 * S && status.durable_ns < 150 * S);
        bench_stop_threads(&bench); // gives up after config.give_up_ns
        card_remove();
        bench_read(&bench, 1, &judged);
        assert_true(judge_whole(&judged, &bench.feed) <= 116 * S);
        assert_int_equal(judged.finished, judged.segments);
        judge_done(&judged);
        bench_done(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_stall_up_to_the_tolerance_loses_nothing),
                cmocka_unit_test(test_a_longer_stall_loses_a_declared_gap_and_nothing_else),
                cmocka_unit_test(test_each_call_fails_once_with_eio),
                cmocka_unit_test(test_each_call_fails_once_with_enospc),
                cmocka_unit_test(test_each_call_fails_for_a_while),
                cmocka_unit_test(test_each_write_is_short),
                cmocka_unit_test(test_a_card_that_stays_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
