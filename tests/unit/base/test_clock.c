// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/pulse.h"
#include "base/thread.h"

// Two runners that write down when they woke: the order is the order of media time, whatever the machine does.
struct diary {
        struct bc_monitor monitor;
        struct bc_clock *clock;
        struct {
                char who;
                int64_t when_ns;
        } entry[64];
        unsigned entries;
};

struct runner {
        struct diary *diary;
        char who;
        int64_t period_ns;
        unsigned turns;
};

static void write_down(struct diary *diary, char who)
{
        diary->entry[diary->entries].who = who;
        diary->entry[diary->entries].when_ns = bc_clock_now_ns(diary->clock);
        diary->entries++;
}

static void run(void *user)
{
        struct runner *runner = user;
        struct diary *diary = runner->diary;
        int64_t at_ns = bc_clock_now_ns(diary->clock);

        bc_monitor_lock(&diary->monitor);
        for (unsigned i = 0; i < runner->turns; i++) {
                at_ns += runner->period_ns;
                while (bc_monitor_wait(&diary->monitor, at_ns) != -ETIMEDOUT)
                        ;
                write_down(diary, runner->who);
        }
        bc_monitor_unlock(&diary->monitor);
}

static void test_simulated_time_orders_threads(void **state)
{
        struct diary diary = { 0 };
        struct bc_thread *slow, *fast;
        struct runner a = { &diary, 'a', 7 * BC_NS_PER_S, 5 }, b = { &diary, 'b', 2 * BC_NS_PER_S, 16 };
        char order[64] = "";

        (void)state;
        assert_int_equal(bc_clock_new_simulated(BC_NS_PER_S, &diary.clock), 0);
        bc_monitor_init(&diary.monitor, diary.clock);
        assert_int_equal(bc_thread_start(diary.clock, "slow", run, &a, &slow), 0);
        assert_int_equal(bc_thread_start(diary.clock, "fast", run, &b, &fast), 0);
        bc_clock_run_until(diary.clock, 8 * BC_NS_PER_S);
        assert_int_equal(bc_clock_now_ns(diary.clock), 8 * BC_NS_PER_S);
        bc_clock_run_until(diary.clock, 1000 * BC_NS_PER_S);
        bc_thread_join(slow);
        bc_thread_join(fast);
        assert_int_equal(diary.entries, 21);
        for (unsigned i = 0; i < diary.entries; i++) {
                order[i] = diary.entry[i].who;
                if (i > 0)
                        assert_true(diary.entry[i].when_ns >= diary.entry[i - 1].when_ns);
        }
        order[15] = 0; // at 15 s both are due: either may come first
        assert_memory_equal(order, "bbbabbb", 7);
        bc_monitor_done(&diary.monitor);
        bc_clock_free(diary.clock);
}

// Time must not pass while a woken thread still has work: a chain of hand-overs happens at one instant.
struct baton {
        struct bc_monitor monitor;
        struct bc_clock *clock;
        int holder;
        int64_t late_ns;
};

struct relay {
        struct baton *baton;
        int place;
};

static void pass_on(void *user)
{
        struct relay *relay = user;
        struct baton *baton = relay->baton;

        bc_monitor_lock(&baton->monitor);
        for (int round = 0; round < 1000; round++) {
                while (baton->holder != round * 3 + relay->place)
                        assert_int_equal(bc_monitor_wait(&baton->monitor, BC_NS_NEVER), 0);
                if (relay->place == 0) {
                        int64_t next_ns = bc_clock_now_ns(baton->clock) + BC_NS_PER_MS;

                        while (bc_monitor_wait(&baton->monitor, next_ns) != -ETIMEDOUT)
                                ;
                        baton->late_ns -= next_ns;
                }
                if (relay->place == 2)
                        baton->late_ns += bc_clock_now_ns(baton->clock);
                baton->holder++;
                bc_monitor_wake(&baton->monitor);
        }
        bc_monitor_unlock(&baton->monitor);
}

static void test_no_time_passes_in_a_hand_over(void **state)
{
        struct baton baton = { 0 };
        struct relay relay[3];
        struct bc_thread *thread[3];

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &baton.clock), 0);
        bc_monitor_init(&baton.monitor, baton.clock);
        for (int i = 0; i < 3; i++) {
                relay[i] = (struct relay){ &baton, i };
                assert_int_equal(bc_thread_start(baton.clock, "relay", pass_on, &relay[i], &thread[i]), 0);
        }
        bc_clock_run_until(baton.clock, 60 * BC_NS_PER_S);
        for (int i = 0; i < 3; i++)
                bc_thread_join(thread[i]);
        assert_int_equal(baton.holder, 3000);
        assert_int_equal(baton.late_ns, 0);
        bc_monitor_done(&baton.monitor);
        bc_clock_free(baton.clock);
}

static void join_other(void *user)
{
        struct runner *runner = user;
        struct bc_thread *thread;

        assert_int_equal(bc_thread_start(runner->diary->clock, "inner", run, runner, &thread), 0);
        bc_thread_join(thread);
        bc_monitor_lock(&runner->diary->monitor);
        write_down(runner->diary, 'j');
        bc_monitor_unlock(&runner->diary->monitor);
}

static void test_a_member_joins_while_time_passes(void **state)
{
        struct diary diary = { 0 };
        struct runner inner = { &diary, 'i', BC_NS_PER_S, 3 };
        struct bc_thread *outer;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &diary.clock), 0);
        bc_monitor_init(&diary.monitor, diary.clock);
        assert_int_equal(bc_thread_start(diary.clock, "outer", join_other, &inner, &outer), 0);
        bc_clock_release(diary.clock, BC_NS_NEVER);
        bc_thread_join(outer);
        assert_int_equal(diary.entries, 4);
        assert_int_equal(diary.entry[3].who, 'j');
        assert_int_equal(diary.entry[3].when_ns, 3 * BC_NS_PER_S);
        bc_monitor_done(&diary.monitor);
        bc_clock_free(diary.clock);
}

static void test_real_clock_waits(void **state)
{
        struct bc_clock *clock;
        struct bc_monitor monitor;
        int64_t before_ns, until_ns;

        (void)state;
        assert_int_equal(bc_clock_new_real(&clock), 0);
        bc_monitor_init(&monitor, clock);
        bc_monitor_lock(&monitor);
        before_ns = bc_clock_now_ns(clock);
        until_ns = before_ns + 20 * BC_NS_PER_MS;
        while (bc_monitor_wait(&monitor, until_ns) != -ETIMEDOUT)
                ;
        assert_true(bc_clock_now_ns(clock) >= until_ns);
        assert_int_equal(bc_monitor_wait(&monitor, before_ns), -ETIMEDOUT);
        bc_monitor_unlock(&monitor);
        bc_monitor_done(&monitor);
        bc_clock_free(clock);
}

static void test_ticks_are_exact(void **state)
{
        (void)state;
        assert_int_equal(bc_ticks_from_ns(BC_NS_PER_S), 48000);
        assert_int_equal(bc_ns_from_ticks(48000), BC_NS_PER_S);
        assert_int_equal(bc_ticks_from_ns(10 * BC_NS_PER_MS), 480);
        for (int64_t tick = 0; tick < 48000 * 3; tick++) {
                int64_t far = tick + INT64_C(48000) * 86400 * 365 * 40; // 40 years of uptime

                assert_int_equal(bc_ticks_from_ns(bc_ns_from_ticks(tick)), tick);
                assert_int_equal(bc_ticks_from_ns(bc_ns_from_ticks(far)), far);
        }
}

static void wake(void *user)
{
        struct diary *diary = user;

        bc_monitor_lock(&diary->monitor);
        diary->entries = 1;
        bc_monitor_wake(&diary->monitor);
        bc_monitor_unlock(&diary->monitor);
}

static void sleep_on(void *user)
{
        struct diary *diary = user;
        int64_t until_ns = bc_clock_now_ns(diary->clock) + 7 * BC_NS_PER_S;

        bc_monitor_lock(&diary->monitor);
        while (bc_monitor_wait(&diary->monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&diary->monitor);
}

// Who waits for what may never come does so in real time, whatever the clock; simulated time stands meanwhile, though others wait for it.
static void test_monotonic_wait(void **state)
{
        (void)state;
        for (int simulated = 0; simulated < 2; simulated++) {
                struct diary diary = { 0 };
                struct bc_thread *waker, *sleeper = NULL;
                int64_t until_ns, began_ns;

                assert_int_equal(simulated ? bc_clock_new_simulated(5 * BC_NS_PER_S, &diary.clock) : bc_clock_new_real(&diary.clock), 0);
                bc_clock_enter(diary.clock);
                bc_clock_release(diary.clock, BC_NS_NEVER);
                bc_monitor_init(&diary.monitor, diary.clock);
                began_ns = bc_clock_now_ns(diary.clock);
                if (simulated)
                        assert_int_equal(bc_thread_start(diary.clock, "sleeper", sleep_on, &diary, &sleeper), 0);
                bc_monitor_lock(&diary.monitor);
                until_ns = bc_pulse_now_ns() + 20 * BC_NS_PER_MS;
                while (bc_monitor_wait_monotonic(&diary.monitor, until_ns) != -ETIMEDOUT)
                        ;
                assert_true(bc_pulse_now_ns() >= until_ns);
                assert_int_equal(bc_clock_now_ns(diary.clock) == began_ns, simulated);
                assert_int_equal(bc_monitor_wait_monotonic(&diary.monitor, until_ns), -ETIMEDOUT);
                assert_int_equal(bc_thread_start(diary.clock, "wake", wake, &diary, &waker), 0);
                while (diary.entries == 0)
                        assert_int_equal(bc_monitor_wait_monotonic(&diary.monitor, BC_NS_NEVER), 0);
                bc_monitor_unlock(&diary.monitor);
                bc_thread_join(waker);
                bc_thread_join(sleeper); // now time passes
                assert_true(!simulated || bc_clock_now_ns(diary.clock) == began_ns + 7 * BC_NS_PER_S);
                bc_clock_leave(diary.clock);
                bc_monitor_done(&diary.monitor);
                bc_clock_free(diary.clock);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_simulated_time_orders_threads),
                cmocka_unit_test(test_no_time_passes_in_a_hand_over),
                cmocka_unit_test(test_a_member_joins_while_time_passes),
                cmocka_unit_test(test_real_clock_waits),
                cmocka_unit_test(test_monotonic_wait),
                cmocka_unit_test(test_ticks_are_exact),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
