// SPDX-License-Identifier: EUPL-1.2
// A thread's name, its signals, its end, and that simulated time counts it from before its first instruction.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/thread.h"

#define S BC_NS_PER_S

struct seen {
        struct bc_clock *clock;
        struct bc_monitor monitor;
        char name[16];
        sigset_t blocked;
        bool ran, entered;
        int64_t began_ns, ended_ns;
};

static int error_of_create; // pthread_create fails with it

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *user);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *user);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *user)
{
        return error_of_create ? error_of_create : __real_pthread_create(id, attributes, run, user);
}

static void look(void *user)
{
        struct seen *seen = user;

        seen->ran = true;
        assert_int_equal(pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name)), 0);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked), 0);
}

static void wait_for_three_seconds(void *user)
{
        struct seen *seen = user;

        seen->entered = bc_clock_is_entered(seen->clock);
        seen->began_ns = bc_clock_now_ns(seen->clock);
        bc_monitor_lock(&seen->monitor);
        while (bc_monitor_wait(&seen->monitor, seen->began_ns + 3 * S) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&seen->monitor);
        seen->ended_ns = bc_clock_now_ns(seen->clock);
}

static void test_name_and_signals(void **state)
{
        struct seen seen = { 0 };
        struct bc_thread *thread;
        sigset_t before, after;

        (void)state;
        assert_int_equal(bc_clock_new_real(&seen.clock), 0);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
        assert_int_equal(bc_thread_start(seen.clock, "a name that is too long", look, &seen, &thread), 0);
        bc_thread_join(thread);
        assert_true(seen.ran);
        assert_string_equal(seen.name, "a name that is ");
        // Signals are the main loop's; the one who starts a thread keeps its own.
        assert_true(sigismember(&seen.blocked, SIGTERM) && sigismember(&seen.blocked, SIGINT) &&
                    sigismember(&seen.blocked, SIGHUP));
        assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
        for (int signal = 1; signal < 32; signal++)
                assert_int_equal(sigismember(&before, signal), sigismember(&after, signal));
        bc_clock_free(seen.clock);
}

static void test_no_thread_to_join(void **state)
{
        (void)state;
        bc_thread_join(NULL);
}

// One who is no thread of the clock joins while simulated time does not pass for it.
static void test_joined_from_outside(void **state)
{
        struct seen seen = { 0 };
        struct bc_thread *thread;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(100 * S, &seen.clock), 0);
        bc_monitor_init(&seen.monitor, seen.clock);
        assert_int_equal(bc_thread_start(seen.clock, "waits", wait_for_three_seconds, &seen, &thread), 0);
        bc_clock_release(seen.clock, BC_NS_NEVER);
        bc_thread_join(thread);
        assert_true(seen.entered);
        assert_int_equal(seen.began_ns, 100 * S);
        assert_int_equal(seen.ended_ns, 103 * S);
        bc_monitor_done(&seen.monitor);
        bc_clock_free(seen.clock);
}

// A member of the clock that joins waits in a way the clock sees: time passes for the one it waits for. And with the
// clock let run from the start, no time passes between a thread's making and its first look at the clock.
static void test_joined_by_a_member(void **state)
{
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(100 * S, &clock), 0);
        bc_clock_enter(clock);
        bc_clock_release(clock, BC_NS_NEVER);
        for (int64_t i = 0; i < 200; i++) {
                struct seen seen[2] = { { .clock = clock }, { .clock = clock } };
                struct bc_thread *thread[2];
                for (int k = 0; k < 2; k++) {
                        bc_monitor_init(&seen[k].monitor, clock);
                        assert_int_equal(bc_thread_start(clock, "waits", wait_for_three_seconds, &seen[k], &thread[k]), 0);
                }
                for (int k = 0; k < 2; k++)
                        bc_thread_join(thread[k]);
                for (int k = 0; k < 2; k++) {
                        assert_int_equal(seen[k].began_ns, (100 + 3 * i) * S);
                        assert_int_equal(seen[k].ended_ns, (103 + 3 * i) * S);
                        bc_monitor_done(&seen[k].monitor);
                }
        }
        bc_clock_leave(clock);
        bc_clock_free(clock);
}

static void test_a_thread_that_cannot_be_made(void **state)
{
        struct seen seen = { 0 };
        struct bc_thread *thread = NULL;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(100 * S, &seen.clock), 0);
        bc_monitor_init(&seen.monitor, seen.clock);
        error_of_create = EAGAIN;
        assert_int_equal(bc_thread_start(seen.clock, "none", look, &seen, &thread), -EAGAIN);
        error_of_create = 0;
        assert_null(thread);
        assert_false(seen.ran);
        // It is not counted as one that runs: time passes for the others.
        assert_int_equal(bc_thread_start(seen.clock, "waits", wait_for_three_seconds, &seen, &thread), 0);
        bc_clock_release(seen.clock, BC_NS_NEVER);
        bc_thread_join(thread);
        assert_int_equal(seen.ended_ns, 103 * S);
        bc_monitor_done(&seen.monitor);
        bc_clock_free(seen.clock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_name_and_signals),
                cmocka_unit_test(test_no_thread_to_join),
                cmocka_unit_test(test_joined_from_outside),
                cmocka_unit_test(test_joined_by_a_member),
                cmocka_unit_test(test_a_thread_that_cannot_be_made),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
