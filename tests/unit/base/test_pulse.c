// SPDX-License-Identifier: EUPL-1.2
#include "base/pulse.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/thread.h"

enum wish { WORK, WAIT, DEVICE, END };

struct world {
        struct bc_clock *clock;
        struct bc_monitor monitor;
        enum wish wish, does;
};

// Does what it is told to, and says when it does.
static void run(void *user)
{
        struct world *world = user;

        bc_monitor_lock(&world->monitor);
        while (world->wish != END) {
                if (world->wish == DEVICE) {
                        enum bc_doing before = bc_pulse_set(BC_DOING_DEVICE);

                        assert_int_equal(before, BC_DOING_WORK);
                        world->does = DEVICE;
                        bc_monitor_wake(&world->monitor);
                        // A call on a device that waits: what it is in stays what it says.
                        while (world->wish == DEVICE)
                                bc_monitor_wait(&world->monitor, BC_NS_NEVER);
                        assert_int_equal(bc_pulse_set(before), BC_DOING_DEVICE);
                }
                world->does = WAIT;
                bc_monitor_wake(&world->monitor);
                bc_monitor_wait(&world->monitor, BC_NS_NEVER);
        }
        bc_monitor_unlock(&world->monitor);
}

static void wish(struct world *world, enum wish what)
{
        bc_monitor_lock(&world->monitor);
        world->wish = what;
        bc_monitor_wake(&world->monitor);
        while (world->does != what && what != END)
                bc_monitor_wait(&world->monitor, BC_NS_NEVER);
        bc_monitor_unlock(&world->monitor);
}

static struct bc_pulse_look look(struct world *world)
{
        struct bc_pulse_look looks[4];

        assert_int_equal(bc_pulses_look(bc_clock_pulses(world->clock), looks, 4), 1);
        return looks[0];
}

static void test_a_thread_says_what_it_does(void **state)
{
        struct world world = { .wish = WAIT };
        struct bc_thread *thread;
        struct bc_pulse_look looks[1];

        (void)state;
        assert_int_equal(bc_clock_new_real(&world.clock), 0);
        bc_monitor_init(&world.monitor, world.clock);
        assert_int_equal(bc_pulses_look(bc_clock_pulses(world.clock), looks, 1), 0);
        assert_int_equal(bc_pulse_set(BC_DOING_WAIT), BC_DOING_WORK); // this thread is nobody's
        assert_int_equal(bc_thread_start(world.clock, "a name longer than any", run, &world, &thread), 0);
        wish(&world, WAIT);
        assert_string_equal(look(&world).name, "a name longer t");
        assert_int_equal(bc_pulses_look(bc_clock_pulses(world.clock), looks, 0), 0);
        wish(&world, DEVICE);
        wish(&world, END);
        bc_thread_join(thread);
        assert_int_equal(bc_pulses_look(bc_clock_pulses(world.clock), looks, 1), 0);
        bc_monitor_done(&world.monitor);
        bc_clock_free(world.clock);
}

// On the real clock the longest wait is looked at again every second: it never looks old.
static void test_a_wait_stays_young(void **state)
{
        struct world world = { .wish = WAIT };
        struct bc_thread *thread;
        int64_t oldest_ns = 0, until_ns;

        (void)state;
        assert_int_equal(bc_clock_new_real(&world.clock), 0);
        bc_monitor_init(&world.monitor, world.clock);
        assert_int_equal(bc_thread_start(world.clock, "waits", run, &world, &thread), 0);
        wish(&world, WAIT);
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
        wish(&world, END);
        bc_thread_join(thread);
        bc_monitor_done(&world.monitor);
        bc_clock_free(world.clock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_thread_says_what_it_does),
                cmocka_unit_test(test_a_wait_stays_young),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
