// SPDX-License-Identifier: EUPL-1.2
#include "base/pulse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>

#include "base/thread.h"

struct world {
        struct bc_clock *clock;
        struct bc_monitor monitor;
        bool go_on;
        sem_t there, leave;
};

static void stay(struct world *world)
{
        sem_post(&world->there);
        sem_wait(&world->leave);
}

static void call_device(void)
{
        BC_IN_DEVICE;
}

// Waits until it is told to go on, then is in a call on a device, then works.
static void run(void *user)
{
        struct world *world = user;

        bc_monitor_lock(&world->monitor);
        while (!world->go_on)
                bc_monitor_wait(&world->monitor, BC_NS_NEVER);
        bc_monitor_unlock(&world->monitor);
        {
                BC_IN_DEVICE;
                call_device(); // one call that makes another
                stay(world);
        }
        stay(world);
}

static void begin(struct world *world, const char *name, struct bc_thread **ret_thread)
{
        memset(world, 0, sizeof(*world));
        assert_int_equal(bc_clock_new_real(&world->clock), 0);
        bc_monitor_init(&world->monitor, world->clock);
        sem_init(&world->there, 0, 0);
        sem_init(&world->leave, 0, 0);
        assert_int_equal(bc_thread_start(world->clock, name, run, world, ret_thread), 0);
}

static void go_on(struct world *world)
{
        bc_monitor_lock(&world->monitor);
        world->go_on = true;
        bc_monitor_wake(&world->monitor);
        bc_monitor_unlock(&world->monitor);
        sem_wait(&world->there);
}

static void end(struct world *world, struct bc_thread *thread)
{
        sem_post(&world->leave);
        bc_thread_join(thread);
        sem_destroy(&world->there);
        sem_destroy(&world->leave);
        bc_monitor_done(&world->monitor);
        bc_clock_free(world->clock);
}

static struct bc_pulse_look look(struct world *world)
{
        struct bc_pulse_look looks[4];

        assert_int_equal(bc_pulses_look(bc_clock_pulses(world->clock), looks, 4), 1);
        return looks[0];
}

static void test_a_thread_says_what_it_does(void **state)
{
        struct world world;
        struct bc_thread *thread;
        struct bc_pulse_look looks[1];

        (void)state;
        assert_int_equal(bc_pulse_set(BC_DOING_WAIT), BC_DOING_WORK); // this thread is nobody's
        begin(&world, "a name longer than any", &thread);
        while (bc_pulses_look(bc_clock_pulses(world.clock), looks, 1) == 0 || looks[0].doing != BC_DOING_WAIT)
                sched_yield();
        assert_string_equal(looks[0].name, "a name longer t");
        assert_int_equal(bc_pulses_look(bc_clock_pulses(world.clock), looks, 0), 0);
        go_on(&world);
        assert_int_equal(look(&world).doing, BC_DOING_DEVICE);
        sem_post(&world.leave);
        sem_wait(&world.there);
        assert_int_equal(look(&world).doing, BC_DOING_WORK);
        end(&world, thread);
}

// On the real clock the longest wait is looked at again every second: it never looks old.
static void test_a_wait_stays_young(void **state)
{
        struct world world;
        struct bc_thread *thread;
        int64_t oldest_ns = 0, until_ns;

        (void)state;
        begin(&world, "waits", &thread);
        while (bc_pulses_look(bc_clock_pulses(world.clock), &(struct bc_pulse_look){ 0 }, 1) == 0)
                sched_yield();
        until_ns = bc_clock_now_ns(world.clock) + 2500 * BC_NS_PER_MS;
        while (bc_clock_now_ns(world.clock) < until_ns) {
                struct bc_pulse_look now = look(&world);

                if (now.doing == BC_DOING_WAIT && now.for_ns > oldest_ns)
                        oldest_ns = now.for_ns;
                bc_monitor_lock(&world.monitor);
                bc_monitor_wait(&world.monitor, bc_clock_now_ns(world.clock) + 50 * BC_NS_PER_MS);
                bc_monitor_unlock(&world.monitor);
        }
        assert_true(oldest_ns > 100 * BC_NS_PER_MS);
        assert_true(oldest_ns < 2 * BC_NS_PER_S);
        go_on(&world);
        sem_post(&world.leave);
        sem_wait(&world.there);
        end(&world, thread);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_thread_says_what_it_does),
                cmocka_unit_test(test_a_wait_stays_young),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
