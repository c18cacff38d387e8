// SPDX-License-Identifier: EUPL-1.2
// Segments are judged side by side, by threads that share the anchors.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/thread.h"
#include "shape.h"
#include "trial.h"

#define THREADS 4
#define SEGMENTS 12

struct work {
        struct trial *trial;
        struct bc_recording_verdict *verdict;
        atomic_size_t next;
};

static void run(void *user)
{
        struct work *work = user;
        size_t i;

        while ((i = atomic_fetch_add(&work->next, 1)) < work->verdict->segments)
                bc_recording_judge_segment(&work->trial->judge, work->verdict, i);
}

static void count_bytes(void *user, uint64_t bytes)
{
        atomic_fetch_add((_Atomic uint64_t *)user, bytes);
}

static void test_side_by_side(void **state)
{
        struct bc_thread *thread[THREADS];
        struct bc_recording_verdict verdict;
        _Atomic uint64_t bytes = 0;
        struct bc_clock *clock;
        struct trial trial;
        char path[TRIAL_PATH_BYTES];
        uint64_t sum = 0;

        (void)state;
        trial_init(&trial);
        struct forge *forge = forge_new(&trial.identity, 9);
        forge->segments_stated = SEGMENTS;
        for (int i = 0; i < SEGMENTS; i++)
                sum += forge_write(forge, i + 1 < SEGMENTS ? "IPPaatg R IPPaa R C F" : "IPPaatg R IPPaa R X F")->size;
        forge_save(forge, trial.folder, false, path, sizeof(path));
        trial.judge.on_bytes = count_bytes;
        trial.judge.user = &bytes;
        assert_int_equal(bc_clock_new_real(&clock), 0);
        assert_int_equal(bc_recording_open(path, &verdict), 0);
        struct work work = { &trial, &verdict, 0 };
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(bc_thread_start(clock, "judge", run, &work, &thread[i]), 0);
        for (int i = 0; i < THREADS; i++)
                bc_thread_join(thread[i]);
        bc_recording_judge(&trial.judge, &verdict);
        assert_int_equal(verdict.verdict, BC_VERDICT_AUTHENTIC);
        assert_int_equal(verdict.segments, SEGMENTS);
        assert_int_equal(bytes, sum); // each byte once
        bc_recording_verdict_done(&verdict);
        bc_clock_free(clock);
        forge_remove(path);
        forge_free(forge);
        trial_done(&trial);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_side_by_side) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
