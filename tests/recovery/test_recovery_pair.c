// SPDX-License-Identifier: EUPL-1.2
// The power goes while a recording waits for its last records and the next one is being written: both are recovered, nothing of either
// looks tampered with, and what is signed of the first one is proven.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "start.h"
#include "unit/evidence/bench.h"
#include "verdict.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define CUTS_MAX 64
#define RECORDINGS 2

extern char **environ;

// A recorder with a slow signer and a ledger, on one clock that the test holds.
struct run {
        struct bench bench;
        struct bc_ledger *ledger;
        int store_fd;
        char anchor[FOLDER_PATH_BYTES + 16];
        struct clinic cut[CUTS_MAX]; // the store as it was at an instant
        size_t cuts;
};

static void on_clock(struct bench *bench)
{
        struct run *run = bench->user;

        snprintf(run->anchor, sizeof(run->anchor), "%s/anchor", bench->path);
        run->store_fd = folder_open(bench->path);
        run->ledger = notary_open_ledger(&scene_notary, bench->clock, run->store_fd, run->anchor);
        bench->config.attestation = &scene_notary.attestation;
}

static struct run *begin(int64_t pace_ns)
{
        const struct notary_temper quick = { .pace_ns = 0 }, slow = { .pace_ns = pace_ns };
        struct run *run = calloc(1, sizeof(*run));

        assert_non_null(run);
        notary_set(&scene_notary, &quick);
        bench_defaults(&run->bench);
        run->bench.config.pre_event_ns = 2 * S;
        run->bench.config.segment_ns = 5 * S;
        run->bench.on_clock = on_clock;
        run->bench.user = run;
        bench_make(&run->bench);
        bench_run_until(&run->bench, 110 * S);
        notary_set(&scene_notary, &slow);
        return run;
}

static void end(struct run *run)
{
        bench_stop_threads(&run->bench);
        bc_clock_enter(run->bench.clock);
        bc_ledger_free(run->ledger, "shutdown", 20 * S);
        bc_clock_leave(run->bench.clock);
        scene_notary.attestation.ledger = NULL;
        notary_close(&scene_notary);
        close(run->store_fd);
        bench_done(&run->bench);
}

// The power goes here, too: time stands still, so what lies there is what was written.
static void cut(struct run *run)
{
        char from[FOLDER_PATH_BYTES + 4];
        struct clinic *clinic = &run->cut[run->cuts++];
        char program[] = "cp", option[] = "-a", *const arguments[] = { program, option, from, clinic->path, NULL };
        int status;
        pid_t pid;

        assert_true(run->cuts <= CUTS_MAX);
        folder_make(clinic->path);
        snprintf(from, sizeof(from), "%s/.", run->bench.path);
        assert_int_equal(posix_spawnp(&pid, "cp", NULL, NULL, arguments, environ), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        clinic->store_fd = folder_open(clinic->path);
}

// Nothing that was durable is gone: what no record covers was set aside.
static void check_nothing_missing(const struct clinic *clinic)
{
        for (unsigned n = 1; n <= RECORDINGS; n++) {
                char path[64];
                struct bc_manifest manifest;
                int folder_fd;

                snprintf(path, sizeof(path), "recordings/test-%06u", n);
                folder_fd = openat(clinic->store_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (folder_fd < 0)
                        continue;
                bc_manifest_init(&manifest);
                assert_int_equal(bc_manifest_load(&manifest, folder_fd), 0);
                for (size_t i = 0; i < manifest.segments; i++)
                        assert_int_equal(manifest.segment[i].missing_bytes, 0);
                bc_manifest_done(&manifest);
                close(folder_fd);
        }
}

// From the stop of the first one on until it has its end, or is given up, and some seconds more: the power goes every 200 ms.
static void test_cut_while_one_waits(void **state)
{
        static const int64_t pace_ns[] = { 300 * MS, 900 * MS, 1000 * S };

        (void)state;
        for (size_t i = 0; i < sizeof(pace_ns) / sizeof(pace_ns[0]); i++) {
                struct run *run = begin(pace_ns[i]);
                const int64_t end_ns = 122 * S + 600 * MS, step_ns = pace_ns[i] > 10 * S ? 1000 * MS : 200 * MS;
                unsigned proven[RECORDINGS] = { 0 };

                assert_int_equal(bc_recorder_start(run->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&run->bench, end_ns);
                assert_int_equal(bc_recorder_stop(run->bench.recorder, end_ns, "button"), 0);
                bench_run_until(&run->bench, end_ns + 100 * MS);
                assert_int_equal(bc_recorder_start(run->bench.recorder, end_ns + 100 * MS, "emergency"), 0);
                for (int step = 1; step <= 20; step++) {
                        bench_run_until(&run->bench, end_ns + 137 * MS + step * step_ns);
                        cut(run);
                }
                end(run);
                for (size_t k = 0; k < run->cuts; k++) {
                        enum bc_verdict verdict[RECORDINGS];

                        assert_int_equal(start_run(&run->cut[k], &(struct start){ 0 }).failed, 0);
                        check_nothing_missing(&run->cut[k]);
                        verdict_of_each(&run->cut[k], RECORDINGS, verdict);
                        for (size_t n = 0; n < RECORDINGS; n++) {
                                if (verdict[n] == BC_VERDICT_TAMPERED)
                                        fail_msg("%d ms a signature, cut %zu: recording %zu looks tampered with", (int)(pace_ns[i] / MS), k, n + 1);
                                proven[n] += verdict[n] == BC_VERDICT_AUTHENTIC;
                        }
                        close(run->cut[k].store_fd);
                        folder_remove(run->cut[k].path);
                }
                print_message("%d ms a signature: of %zu cuts recording 1 is proven in %u, recording 2 in %u\n", (int)(pace_ns[i] / MS),
                              run->cuts, proven[0], proven[1]);
                // One that has its last record is proven whatever becomes of the other one.
                assert_true(pace_ns[i] > 10 * S || proven[0] >= 5);
                free(run);
        }
}

static int make(void **state)
{
        (void)state;
        notary_make(&scene_notary);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        notary_done(&scene_notary);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cut_while_one_waits),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
