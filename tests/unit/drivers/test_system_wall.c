// SPDX-License-Identifier: EUPL-1.2
// The machine's wall clock, with a kernel that says what the test wants.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "lib/fake_utc.h"
#include "lib/stage.h"
#include "base/utc.h"
#include "system/wall.h"

#define START_NS (100 * BC_NS_PER_S)
#define BUILD_NS (BC_BUILD_UTC_S * BC_NS_PER_S)
#define YEAR_NS (INT64_C(31556952) * BC_NS_PER_S)

struct scene {
        struct bc_stage stage;
        struct bc_wall *wall;
        int r;
        bool free_in_call;
        unsigned count;
        struct bc_utc_anchor last;
};

static void on_anchor(void *user, const struct bc_utc_anchor *anchor)
{
        struct scene *scene = user;

        scene->count++;
        scene->last = *anchor;
        if (scene->free_in_call)
                bc_wall_free(scene->wall);
}

static void do_start(void *user)
{
        struct scene *scene = user;

        scene->r = bc_wall_start(scene->wall,
                                 &(struct bc_wall_sink){ .on_anchor = on_anchor, .user = scene });
}

static void do_stop(void *user)
{
        struct scene *scene = user;

        bc_wall_stop(scene->wall);
}

static void do_fire(void *user)
{
        (void)user;
        bc_fake_utc_fire();
}

static void do_nothing(void *user)
{
        (void)user;
}

// The clock is set. The simulated clock does not know of file descriptors: a second turn comes after the news of it.
static void set_clock(struct scene *scene, int64_t utc_ns)
{
        bc_fake_utc()->utc_ns = utc_ns;
        bc_stage_do(&scene->stage, do_fire, scene);
        bc_stage_do(&scene->stage, do_nothing, scene);
}

static void say(int state, int status, int64_t max_error_us)
{
        struct bc_fake_utc *fake = bc_fake_utc();

        fake->state = state;
        fake->status = (struct timex){ .status = status, .maxerror = max_error_us };
}

static int set_up(void **state)
{
        static struct scene scene;

        scene = (struct scene){ 0 };
        bc_fake_utc_reset();
        bc_fake_utc()->on = true;
        bc_fake_utc()->utc_ns = BUILD_NS + YEAR_NS;
        say(TIME_ERROR, STA_UNSYNC, 16000000);
        if (bc_stage_init(&scene.stage, START_NS) < 0 ||
            bc_system_wall_open(scene.stage.loop, &scene.wall) < 0)
                return -1;
        *state = &scene;
        return 0;
}

static int tear_down(void **state)
{
        struct scene *scene = *state;

        bc_stage_done(&scene->stage);
        bc_fake_utc_reset();
        return 0;
}

static void start(struct scene *scene)
{
        bc_stage_do(&scene->stage, do_start, scene);
        assert_int_equal(scene->r, 0);
}

static void stop_and_free(struct scene *scene)
{
        assert_false(bc_fake_utc()->armed_wrongly);
        bc_stage_do(&scene->stage, do_stop, scene);
        bc_wall_free(scene->wall);
}

static void expect(const struct scene *scene, enum bc_utc_source source, int64_t utc_ns,
                   int64_t uncertainty_ns)
{
        assert_int_equal(scene->last.source, source);
        assert_int_equal(scene->last.utc_ns, utc_ns);
        assert_int_equal(scene->last.uncertainty_ns, uncertainty_ns);
}

static void test_sources(void **state)
{
        struct scene *scene = *state;
        int64_t now_ns = BUILD_NS + YEAR_NS;

        start(scene);
        expect(scene, BC_UTC_RTC, now_ns, BC_SYSTEM_WALL_RTC_ERROR_NS);
        assert_int_equal(scene->last.time_ns, START_NS);

        say(TIME_OK, STA_PLL, 2000000); // noticed without anyone telling
        bc_stage_run_for(&scene->stage, BC_SYSTEM_WALL_LOOK_NS);
        assert_int_equal(scene->count, 2);
        expect(scene, BC_UTC_NTP, now_ns, 2 * BC_NS_PER_S);
        assert_int_equal(scene->last.time_ns, START_NS + BC_SYSTEM_WALL_LOOK_NS);

        say(TIME_OK, STA_PLL, 0); // no service is as good as it says
        bc_stage_run_for(&scene->stage, BC_WALL_EVERY_NS);
        expect(scene, BC_UTC_NTP, now_ns, BC_SYSTEM_WALL_NTP_ERROR_NS);

        say(TIME_ERROR, STA_UNSYNC, 16000000);
        bc_stage_run_for(&scene->stage, BC_SYSTEM_WALL_LOOK_NS);
        expect(scene, BC_UTC_RTC, now_ns, BC_SYSTEM_WALL_RTC_ERROR_NS);
        stop_and_free(scene);
}

// A clock that shows what cannot be was never set, whoever says that it was.
static void test_years(void **state)
{
        static const struct {
                int64_t utc_ns;
                bool plausible;
        } cases[] = {
                { 0, false },
                { BUILD_NS - 1, false },
                { BUILD_NS, true },
                { BUILD_NS + 30 * YEAR_NS, true },
                { BUILD_NS + 30 * YEAR_NS + 1, false },
                { INT64_C(4070908800) * BC_NS_PER_S, false }, // 2099
                { INT64_MAX, false },
                { -BC_NS_PER_S, false },
        };
        struct scene *scene = *state;

        say(TIME_OK, STA_PLL, 0);
        start(scene);
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                set_clock(scene, cases[i].utc_ns);
                assert_int_equal(scene->count, i + 2); // at once
                expect(scene, cases[i].plausible ? BC_UTC_NTP : BC_UTC_NONE, cases[i].utc_ns,
                       cases[i].plausible ? BC_SYSTEM_WALL_NTP_ERROR_NS : INT64_MAX);
        }
        assert_int_equal(bc_fake_utc()->armed, sizeof(cases) / sizeof(cases[0]) + 1);
        stop_and_free(scene);
}

static void test_when(void **state)
{
        struct scene *scene = *state;

        start(scene);
        bc_stage_run_for(&scene->stage, BC_WALL_EVERY_NS / 2);
        assert_int_equal(scene->count, 1);
        set_clock(scene, BUILD_NS);
        assert_int_equal(scene->count, 2);
        assert_int_equal(scene->last.time_ns, START_NS + BC_WALL_EVERY_NS / 2);
        bc_stage_run_for(&scene->stage, BC_WALL_EVERY_NS / 2); // counted from there
        assert_int_equal(scene->count, 2);
        bc_stage_run_for(&scene->stage, BC_WALL_EVERY_NS / 2);
        assert_int_equal(scene->count, 3);
        bc_stage_run_for(&scene->stage, 100 * BC_WALL_EVERY_NS);
        assert_in_range(scene->count, 103, 105);
        stop_and_free(scene);
}

static void test_stopped(void **state)
{
        struct scene *scene = *state;

        bc_fake_utc()->create_error = EMFILE;
        bc_stage_do(&scene->stage, do_start, scene);
        assert_int_equal(scene->r, -EMFILE);
        assert_int_equal(scene->count, 0);
        bc_fake_utc()->create_error = 0;
        start(scene);
        bc_stage_do(&scene->stage, do_stop, scene);
        set_clock(scene, 0);
        bc_stage_run_for(&scene->stage, 2 * BC_WALL_EVERY_NS);
        assert_int_equal(scene->count, 1);
        start(scene);
        assert_int_equal(scene->count, 2);
        scene->free_in_call = true;
        set_clock(scene, BUILD_NS);
        assert_int_equal(scene->count, 3);
        bc_stage_run_for(&scene->stage, 2 * BC_WALL_EVERY_NS);
        assert_int_equal(scene->count, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_sources, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_years, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_when, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
