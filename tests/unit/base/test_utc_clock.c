// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/utc_clock.h"
#include "lib/fake_utc.h"
#include "lib/stage.h"

#define UTC_NS (INT64_C(1700000000) * BC_NS_PER_S)

static int back_to_real(void **state)
{
        (void)state;
        bc_fake_utc_reset();
        return 0;
}

// Of five pairs of reads the one is taken between whose two looks at media time the least went by.
static void test_tightest_pair(void **state)
{
        struct bc_fake_utc *fake = bc_fake_utc();
        struct bc_utc_reading reading;
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_clock_new_real(&clock), 0);
        *fake = (struct bc_fake_utc){ .on = true,
                                      .utc_ns = UTC_NS,
                                      .media_ns = 1000,
                                      .timer_fd = -1,
                                      .step_ns = { 70, 900, 0, 20, 11, 0, 5000, 0, 0, 40, 40, 0 } };
        bc_utc_read(clock, &reading);
        // 1000 970 | 1970 31 | 2001 5000 | 7001 80 | 7081 970: the second.
        assert_int_equal(reading.time_ns, 1000 + 970 + 15);
        assert_int_equal(reading.utc_ns, UTC_NS + 1970 + 20);
        assert_int_equal(reading.reading_error_ns, 16);
        assert_true(llabs(reading.utc_ns - UTC_NS - reading.time_ns) <= reading.reading_error_ns);
        bc_clock_free(clock);
}

static void test_who_keeps_it(void **state)
{
        static const struct {
                int state, error;
                struct timex status;
                bool synchronised;
                int64_t max_error_ns;
        } cases[] = {
                { TIME_OK,
                  0,
                  { .status = STA_PLL | STA_NANO, .maxerror = 500, .offset = -7000 },
                  true,
                  507000 },
                { TIME_OK, 0, { .status = STA_PLL, .maxerror = 500, .offset = 7 }, true, 507000 },
                { TIME_INS, 0, { .status = STA_PLL, .maxerror = 16000000 }, true, 16 * BC_NS_PER_S },
                { TIME_ERROR, 0, { .status = STA_UNSYNC, .maxerror = 500 }, false, 0 },
                { TIME_ERROR, 0, { .status = STA_PLL, .maxerror = 500 }, false, 0 },
                { TIME_OK, 0, { .status = STA_UNSYNC, .maxerror = 500 }, false, 0 },
                { TIME_OK, EPERM, { .status = STA_PLL, .maxerror = 500 }, false, 0 },
        };
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_clock_new_simulated(5, &clock), 0);
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct bc_utc_reading reading;

                *bc_fake_utc() = (struct bc_fake_utc){ .on = true,
                                                       .utc_ns = UTC_NS,
                                                       .state = cases[i].state,
                                                       .error = cases[i].error,
                                                       .status = cases[i].status };
                bc_utc_read(clock, &reading);
                assert_int_equal(reading.time_ns, 5);
                assert_int_equal(reading.utc_ns, UTC_NS);
                assert_int_equal(reading.reading_error_ns, 0);
                assert_int_equal(reading.synchronised, cases[i].synchronised);
                assert_int_equal(reading.max_error_ns, cases[i].max_error_ns);
                assert_false(bc_fake_utc()->armed_wrongly);
        }
        bc_clock_free(clock);
}

struct scene {
        struct bc_stage stage;
        struct bc_utc_watch *watch;
        unsigned set;
        int64_t set_ns;
        bool free_it;
        int r;
};

static void on_set(void *user)
{
        struct scene *scene = user;

        scene->set++;
        scene->set_ns = bc_clock_now_ns(scene->stage.clock);
        if (scene->free_it)
                bc_utc_watch_free(scene->watch);
}

static void do_watch(void *user)
{
        struct scene *scene = user;

        scene->r = bc_utc_watch_new(scene->stage.loop, on_set, scene, &scene->watch);
}

static void do_free(void *user)
{
        struct scene *scene = user;

        bc_utc_watch_free(scene->watch);
}

static void do_fire(void *user)
{
        (void)user;
        bc_fake_utc_fire();
}

// The simulated clock does not know of file descriptors: a second turn comes after what the first made ready.
static void do_nothing(void *user)
{
        (void)user;
}

static void test_being_set(void **state)
{
        struct scene scene = { 0 };
        struct bc_fake_utc *fake = bc_fake_utc();

        (void)state;
        fake->on = true;
        assert_int_equal(bc_stage_init(&scene.stage, 1000), 0);
        fake->create_error = EMFILE;
        bc_stage_do(&scene.stage, do_watch, &scene);
        assert_int_equal(scene.r, -EMFILE);
        fake->create_error = 0;
        bc_stage_do(&scene.stage, do_watch, &scene);
        assert_int_equal(scene.r, 0);
        assert_int_equal(fake->armed, 1);
        for (unsigned i = 1; i <= 3; i++) {
                bc_stage_run_for(&scene.stage, BC_NS_PER_S);
                assert_int_equal(scene.set, i - 1);
                scene.free_it = i == 3;
                bc_stage_do(&scene.stage, do_fire, &scene);
                bc_stage_do(&scene.stage, do_nothing, &scene);
                assert_int_equal(scene.set, i);
                assert_int_equal(scene.set_ns, bc_clock_now_ns(scene.stage.clock));
                assert_int_equal(fake->armed, i + 1); // again each time
        }
        assert_false(fake->armed_wrongly);
        bc_utc_watch_free(NULL);
        bc_stage_done(&scene.stage);
}

// What of the real kernel can be seen without setting its clock: it takes the timer, and says nothing.
static void test_real_kernel(void **state)
{
        struct scene scene = { 0 };
        struct bc_utc_reading reading, again;
        struct bc_clock *clock;

        (void)state;
        assert_int_equal(bc_stage_init(&scene.stage, 1000), 0);
        bc_stage_do(&scene.stage, do_watch, &scene);
        assert_int_equal(scene.r, 0);
        bc_stage_run_for(&scene.stage, 3600 * BC_NS_PER_S);
        assert_int_equal(scene.set, 0);
        bc_stage_do(&scene.stage, do_free, &scene);
        bc_stage_done(&scene.stage);

        assert_int_equal(bc_clock_new_real(&clock), 0);
        bc_utc_read(clock, &reading);
        bc_utc_read(clock, &again);
        assert_true(reading.reading_error_ns < BC_NS_PER_S && reading.max_error_ns >= 0);
        assert_true(again.time_ns >= reading.time_ns && again.time_ns <= bc_clock_now_ns(clock));
        bc_clock_free(clock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_tightest_pair, back_to_real),
                cmocka_unit_test_teardown(test_who_keeps_it, back_to_real),
                cmocka_unit_test_teardown(test_being_set, back_to_real),
                cmocka_unit_test_teardown(test_real_kernel, back_to_real),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
