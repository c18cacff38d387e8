// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/thread.h"

struct world {
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_timer *timer[4];
        char story[256];
        uint64_t messages;
};

static void tell(struct world *world, const char *text)
{
        size_t used = strlen(world->story);

        snprintf(world->story + used, sizeof(world->story) - used, "%s@%lld ", text,
                 (long long)(bc_clock_now_ns(world->clock) / BC_NS_PER_MS));
}

static void on_first(void *user, int64_t due_ns)
{
        struct world *world = user;

        tell(world, "first");
        bc_timer_set(world->timer[0], due_ns + 1000 * BC_NS_PER_MS);
}

static void on_second(void *user, int64_t due_ns)
{
        struct world *world = user;

        (void)due_ns;
        tell(world, "second");
        bc_timer_clear(world->timer[0]);
}

static void on_end(void *user, int64_t due_ns)
{
        struct world *world = user;

        (void)due_ns;
        tell(world, "end");
        bc_loop_quit(world->loop, 7);
}

static void set_up_timers(struct world *world)
{
        int64_t now_ns = bc_clock_now_ns(world->clock);

        assert_int_equal(bc_timer_new(world->loop, on_first, world, &world->timer[0]), 0);
        assert_int_equal(bc_timer_new(world->loop, on_second, world, &world->timer[1]), 0);
        assert_int_equal(bc_timer_new(world->loop, on_end, world, &world->timer[2]), 0);
        bc_timer_set(world->timer[2], now_ns + 3600 * BC_NS_PER_S);
        bc_timer_set(world->timer[0], now_ns + 500 * BC_NS_PER_MS);
        bc_timer_set(world->timer[1], now_ns + 2600 * BC_NS_PER_MS);
}

static void tear_down(struct world *world)
{
        for (int i = 0; i < 4; i++)
                bc_timer_free(world->timer[i]);
        bc_loop_free(world->loop);
        bc_clock_free(world->clock);
}

static void test_an_hour_of_timers(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        set_up_timers(&world);
        bc_clock_release(world.clock, BC_NS_NEVER);
        assert_int_equal(bc_loop_run(world.loop), 7);
        assert_string_equal(world.story, "first@500 first@1500 first@2500 second@2600 end@3600000 ");
        tear_down(&world);
}

// ---- the inbox -------------------------------------------------------------------------------------------------

static void on_message(void *user, const struct bc_message *message)
{
        struct world *world = user;

        world->messages += message->count;
        if (message->kind == 3)
                bc_loop_quit(world->loop, (int)message->value);
}

struct poster {
        struct world *world;
        struct bc_monitor monitor;
};

static void post(void *user)
{
        struct poster *poster = user;
        struct bc_loop *loop = poster->world->loop;

        bc_monitor_lock(&poster->monitor);
        for (int i = 0; i < 1000; i++) {
                bc_loop_post(loop, 5, i);
                if (i % 100 == 0) {
                        int64_t until_ns = bc_clock_now_ns(poster->world->clock) + BC_NS_PER_MS;

                        while (bc_monitor_wait(&poster->monitor, until_ns) != -ETIMEDOUT)
                                ;
                }
        }
        bc_monitor_unlock(&poster->monitor);
        bc_loop_post(loop, 3, 42);
}

static void run_inbox(struct world *world)
{
        struct poster poster = { .world = world };
        struct bc_thread *thread;

        assert_int_equal(bc_loop_new(world->clock, &world->loop), 0);
        bc_monitor_init(&poster.monitor, world->clock);
        bc_loop_on_message(world->loop, on_message, world);
        assert_int_equal(bc_thread_start(world->clock, "poster", post, &poster, &thread), 0);
        if (bc_clock_is_simulated(world->clock))
                bc_clock_release(world->clock, BC_NS_NEVER);
        assert_int_equal(bc_loop_run(world->loop), 42);
        bc_thread_join(thread);
        bc_monitor_done(&poster.monitor);
        // Coalesced, never lost: the urgent kind may overtake the last of the others, which stay in the inbox.
        assert_in_range(world->messages, 900, 1001);
        tear_down(world);
}

static void test_inbox_simulated(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        run_inbox(&world);
}

// ---- a message and simulated time ------------------------------------------------------------------------------

// How the second message is posted while the first is handled, and slowly.
static struct {
        sem_t handling, posting;
        atomic_bool slow;
} second;

int __real_eventfd_write(int fd, eventfd_t value);
int __wrap_eventfd_write(int fd, eventfd_t value);

int __wrap_eventfd_write(int fd, eventfd_t value)
{
        if (atomic_exchange(&second.slow, false)) {
                struct bc_clock *clock;
                struct bc_monitor monitor;

                sem_post(&second.posting);
                // Time for the loop to look for events; what is asserted does not depend on it.
                assert_int_equal(bc_clock_new_real(&clock), 0);
                bc_monitor_init(&monitor, clock);
                int64_t until_ns = bc_clock_now_ns(clock) + 30 * BC_NS_PER_MS;
                bc_monitor_lock(&monitor);
                while (bc_monitor_wait(&monitor, until_ns) != -ETIMEDOUT)
                        ;
                bc_monitor_unlock(&monitor);
                bc_monitor_done(&monitor);
                bc_clock_free(clock);
        }
        return __real_eventfd_write(fd, value);
}

static void on_told(void *user, const struct bc_message *message)
{
        tell(user, message->kind == 1 ? "one" : "two");
        if (message->kind == 1) {
                sem_post(&second.handling);
                sem_wait(&second.posting);
        }
}

static void post_and_leave(void *user)
{
        struct world *world = user;

        sem_wait(&second.handling);
        second.slow = true;
        bc_loop_post(world->loop, 2, 0);
}

// A message is handled at the time it was posted, whatever the next timer.
static void live_through_two_messages(void)
{
        struct world world = { 0 };
        struct bc_thread *thread;

        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        bc_loop_on_message(world.loop, on_told, &world);
        assert_int_equal(bc_timer_new(world.loop, on_end, &world, &world.timer[2]), 0);
        bc_timer_set(world.timer[2], BC_NS_PER_S);
        sem_init(&second.handling, 0, 0);
        sem_init(&second.posting, 0, 0);
        bc_loop_post(world.loop, 1, 0);
        assert_int_equal(bc_thread_start(world.clock, "poster", post_and_leave, &world, &thread), 0);
        bc_clock_release(world.clock, BC_NS_NEVER);
        assert_int_equal(bc_loop_run(world.loop), 7);
        bc_thread_join(thread);
        sem_destroy(&second.handling);
        sem_destroy(&second.posting);
        assert_string_equal(world.story, "one@0 two@0 end@1000 ");
        tear_down(&world);
}

static void test_no_time_passes_before_a_message(void **state)
{
        (void)state;
        for (int i = 0; i < 10; i++)
                live_through_two_messages();
}

static void on_own_kind(void *user, const struct bc_message *message)
{
        struct world *world = user;

        assert_int_equal(message->kind, BC_LOOP_INBOX_KINDS_MAX - 1);
        tell(world, "own");
        bc_loop_quit(world->loop, (int)message->value);
}

// A kind that has a receiver of its own goes there alone, until it has none.
static void test_inbox_of_one_kind(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        bc_loop_on_message(world.loop, on_message, &world);
        bc_loop_on_kind(world.loop, BC_LOOP_INBOX_KINDS_MAX - 1, on_own_kind, &world);
        bc_loop_post(world.loop, 5, 0);
        bc_loop_post(world.loop, BC_LOOP_INBOX_KINDS_MAX - 1, 9);
        assert_int_equal(bc_loop_run(world.loop), 9);
        assert_string_equal(world.story, "own@0 ");
        assert_int_equal(world.messages, 1);
        bc_loop_free(world.loop);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        bc_loop_on_message(world.loop, on_message, &world);
        bc_loop_on_kind(world.loop, BC_LOOP_INBOX_KINDS_MAX - 1, on_own_kind, &world);
        bc_loop_on_kind(world.loop, BC_LOOP_INBOX_KINDS_MAX - 1, NULL, NULL);
        bc_loop_post(world.loop, BC_LOOP_INBOX_KINDS_MAX - 1, 9);
        bc_loop_post(world.loop, 3, 4);
        assert_int_equal(bc_loop_run(world.loop), 4);
        assert_int_equal(world.messages, 3);
        tear_down(&world);
}

static void test_inbox_real(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_real(&world.clock), 0);
        run_inbox(&world);
}

// A burst of one kind that was not read yet is one message; urgent kinds come first.
static void on_order(void *user, const struct bc_message *message)
{
        struct world *world = user;
        char text[64];

        snprintf(text, sizeof(text), "k%u*%llu=%lld", message->kind, (unsigned long long)message->count,
                 (long long)message->value);
        tell(world, text);
        if (message->kind == 9)
                bc_loop_quit(world->loop, 0);
}

static void test_inbox_coalesces(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        bc_loop_on_message(world.loop, on_order, &world);
        for (int i = 0; i < 100000; i++)
                bc_loop_post(world.loop, 9, i);
        bc_loop_post(world.loop, 0, -1);
        assert_int_equal(bc_loop_run(world.loop), 0);
        assert_string_equal(world.story, "k0*1=-1@0 k9*100000=99999@0 ");
        tear_down(&world);
}

// What was told and taken back before anybody read it.
static void on_least(void *user, const struct bc_message *message)
{
        struct world *world = user;

        assert_int_equal(message->value, 0);
        assert_int_equal(message->least, message->kind == 4 ? -5 : 0);
        world->messages += message->count;
        if (message->kind == 6)
                bc_loop_quit(world->loop, 0);
}

static void test_inbox_keeps_the_least(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        bc_loop_on_message(world.loop, on_least, &world);
        bc_loop_post(world.loop, 4, 0);
        bc_loop_post(world.loop, 4, -5);
        bc_loop_post(world.loop, 4, -3);
        bc_loop_post(world.loop, 4, 0);
        bc_loop_post(world.loop, 6, 7);
        bc_loop_post(world.loop, 6, 0);
        assert_int_equal(bc_loop_run(world.loop), 0);
        assert_int_equal(world.messages, 6);
        tear_down(&world);
}

// ---- the outside -----------------------------------------------------------------------------------------------

static void on_ready(void *user, uint32_t events)
{
        struct world *world = user;

        assert_true(events & EPOLLIN);
        bc_loop_quit(world->loop, 1);
}

static void test_a_file_descriptor_ends_a_simulated_wait(void **state)
{
        struct world world = { 0 };
        struct bc_watch *watch;
        int pipe_fd[2];

        (void)state;
        assert_int_equal(pipe(pipe_fd), 0);
        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        assert_int_equal(bc_watch_new(world.loop, pipe_fd[0], EPOLLIN, on_ready, &world, &watch), 0);
        assert_int_equal(write(pipe_fd[1], "x", 1), 1);
        assert_int_equal(bc_loop_run(world.loop), 1);
        bc_watch_free(watch);
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        tear_down(&world);
}

static void on_signal(void *user, int signal)
{
        struct world *world = user;

        bc_loop_quit(world->loop, signal);
}

static void test_real_timers_and_signals(void **state)
{
        struct world world = { 0 };

        (void)state;
        assert_int_equal(bc_clock_new_real(&world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        assert_int_equal(bc_loop_on_signal(world.loop, SIGUSR1, on_signal, &world), 0);
        assert_int_equal(bc_timer_new(world.loop, on_end, &world, &world.timer[0]), 0);
        bc_timer_set(world.timer[0], bc_clock_now_ns(world.clock) + 30 * BC_NS_PER_MS);
        assert_int_equal(bc_loop_run(world.loop), 7);
        bc_timer_free(world.timer[0]);
        world.timer[0] = NULL;
        bc_loop_free(world.loop);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        assert_int_equal(bc_loop_on_signal(world.loop, SIGUSR1, on_signal, &world), 0);
        assert_int_equal(raise(SIGUSR1), 0);
        assert_int_equal(bc_loop_run(world.loop), SIGUSR1);
        tear_down(&world);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_hour_of_timers),
                cmocka_unit_test(test_inbox_simulated),
                cmocka_unit_test(test_inbox_of_one_kind),
                cmocka_unit_test(test_inbox_real),
                cmocka_unit_test(test_no_time_passes_before_a_message),
                cmocka_unit_test(test_inbox_coalesces),
                cmocka_unit_test(test_inbox_keeps_the_least),
                cmocka_unit_test(test_a_file_descriptor_ends_a_simulated_wait),
                cmocka_unit_test(test_real_timers_and_signals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
