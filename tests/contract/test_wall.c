// SPDX-License-Identifier: EUPL-1.2
// What every wall clock driver must do: test_wall KIND. The machine's own goes by itself and may be set meanwhile:
// of it only what holds then too.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/wall.h"
#include "lib/stage.h"
#include "simulated/wall.h"
#include "system/wall.h"

#define START_NS (100 * BC_NS_PER_S + 12345678)
#define UTC_NS (INT64_C(1700000000) * BC_NS_PER_S)
#define SEEN_MAX 1000

struct kind {
        const char *name;
        int (*open)(struct bc_loop *loop, struct bc_wall **ret_wall);
        bool simulated;
};

static int open_simulated(struct bc_loop *loop, struct bc_wall **ret_wall)
{
        struct bc_simulated_wall_config config = { UTC_NS, BC_UTC_NTP, BC_NS_PER_MS };

        return bc_simulated_wall_open(loop, &config, ret_wall);
}

static const struct kind kinds[] = {
        { "simulated", open_simulated, true },
        { "system", bc_system_wall_open, false },
};

struct scene {
        const struct kind *kind;
        struct bc_stage stage;
        struct bc_clock *clock;
        struct bc_wall *wall;
        struct bc_wall_sink sink;
        int r;
        bool off, complain;
        bool free_in_call;
        unsigned count;
        struct bc_utc_anchor seen[SEEN_MAX];
        struct bc_simulated_wall_config step;
};

static void on_anchor(void *user, const struct bc_utc_anchor *anchor)
{
        struct scene *scene = user;

        if (scene->off || scene->count == SEEN_MAX || anchor->source >= BC_UTC_SOURCES ||
            anchor->uncertainty_ns < 0)
                scene->complain = true;
        else
                scene->seen[scene->count++] = *anchor;
        if (bc_clock_is_simulated(scene->clock) ? anchor->time_ns != bc_clock_now_ns(scene->clock)
                                                : anchor->time_ns > bc_clock_now_ns(scene->clock))
                scene->complain = true;
        if (scene->free_in_call) {
                bc_wall_free(scene->wall);
                scene->off = true;
        }
}

static struct scene *scene_new(const struct kind *kind)
{
        struct scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        scene->kind = kind;
        assert_int_equal(bc_stage_init(&scene->stage, START_NS), 0);
        scene->clock = scene->stage.clock;
        assert_int_equal(kind->open(scene->stage.loop, &scene->wall), 0);
        scene->sink = (struct bc_wall_sink){ .on_anchor = on_anchor, .user = scene };
        scene->off = true;
        return scene;
}

static void do_start(void *user)
{
        struct scene *scene = user;
        unsigned count = scene->count;

        scene->off = false;
        scene->r = bc_wall_start(scene->wall, &scene->sink);
        assert_int_equal(scene->count, count + (scene->r == 0)); // within the call, and once
}

static void do_stop(void *user)
{
        struct scene *scene = user;

        bc_wall_stop(scene->wall);
        scene->off = true;
}

static void do_free(void *user)
{
        struct scene *scene = user;

        bc_wall_free(scene->wall);
        scene->off = true;
}

static void do_step(void *user)
{
        struct scene *scene = user;
        unsigned count = scene->count;

        scene->r = bc_simulated_wall_step(scene->wall, &scene->step);
        assert_int_equal(scene->count, count + (scene->r == 0 && !scene->off)); // within the call
}

static void start(struct scene *scene)
{
        bc_stage_do(&scene->stage, do_start, scene);
        assert_int_equal(scene->r, 0);
}

static void stop(struct scene *scene)
{
        bc_stage_do(&scene->stage, do_stop, scene);
}

static void scene_done(struct scene *scene)
{
        bc_stage_done(&scene->stage);
        assert_false(scene->complain);
        for (unsigned i = 1; i < scene->count; i++)
                assert_true(scene->seen[i].time_ns >= scene->seen[i - 1].time_ns);
        free(scene);
}

static void scene_free(struct scene *scene)
{
        bc_stage_do(&scene->stage, do_free, scene);
        bc_stage_run_for(&scene->stage, 3 * BC_WALL_EVERY_NS);
        scene_done(scene);
}

static void test_anchors_come(void **state)
{
        struct scene *scene = scene_new(*state);
        const struct bc_utc_anchor *seen = scene->seen;

        assert_int_equal(scene->wall->simulated, scene->kind->simulated);
        assert_string_equal(scene->wall->driver, scene->kind->name);
        bc_stage_run_for(&scene->stage, 3 * BC_WALL_EVERY_NS); // nothing before start
        start(scene);
        bc_stage_do(&scene->stage, do_start, scene);
        assert_int_equal(scene->r, -EALREADY);
        bc_stage_run_for(&scene->stage, 3600 * BC_NS_PER_S);
        assert_in_range(scene->count, 61, SEEN_MAX - 1);
        for (unsigned i = 1; i < scene->count; i++) {
                assert_true(seen[i].time_ns - seen[i - 1].time_ns <= BC_WALL_EVERY_NS);
                if (scene->kind->simulated) {
                        assert_int_equal(seen[i].utc_ns - seen[i].time_ns, UTC_NS - START_NS);
                        assert_int_equal(seen[i].source, BC_UTC_NTP);
                        assert_int_equal(seen[i].uncertainty_ns, BC_NS_PER_MS);
                }
        }
        stop(scene);
        stop(scene);
        bc_stage_run_for(&scene->stage, 3 * BC_WALL_EVERY_NS);
        start(scene);
        bc_stage_run_for(&scene->stage, 3 * BC_WALL_EVERY_NS);
        scene_free(scene);
}

static void test_free_in_a_call(void **state)
{
        struct scene *scene = scene_new(*state);

        start(scene);
        scene->free_in_call = true;
        bc_stage_run_for(&scene->stage, 3 * BC_WALL_EVERY_NS);
        assert_int_equal(scene->count, 2);
        scene_done(scene);
        scene = scene_new(*state);
        scene_free(scene); // never started
        bc_wall_free(NULL);
}

static void test_step(void **state)
{
        static const struct bc_simulated_wall_config wrong[] = {
                { UTC_NS, BC_UTC_SOURCES, 0 },
                { UTC_NS, (enum bc_utc_source) - 1, 0 },
                { UTC_NS, BC_UTC_RTC, -1 },
        };
        struct scene *scene;
        const struct bc_utc_anchor *last;

        if (!((const struct kind *)*state)->simulated)
                return;
        scene = scene_new(*state);
        start(scene);
        bc_stage_run_for(&scene->stage, 7 * BC_NS_PER_S);
        scene->step = (struct bc_simulated_wall_config){ UTC_NS - 3600 * BC_NS_PER_S, BC_UTC_RTC,
                                                         BC_NS_PER_S };
        bc_stage_do(&scene->stage, do_step, scene);
        last = &scene->seen[scene->count - 1];
        assert_int_equal(last->time_ns, START_NS + 7 * BC_NS_PER_S);
        assert_int_equal(last->utc_ns, UTC_NS - 3600 * BC_NS_PER_S);
        assert_int_equal(last->source, BC_UTC_RTC);
        assert_int_equal(last->uncertainty_ns, BC_NS_PER_S);
        for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                struct bc_wall *wall;

                scene->step = wrong[i];
                bc_stage_do(&scene->stage, do_step, scene);
                assert_int_equal(scene->r, -EINVAL);
                assert_int_equal(bc_simulated_wall_open(scene->stage.loop, &wrong[i], &wall), -EINVAL);
        }
        bc_stage_run_for(&scene->stage, BC_WALL_EVERY_NS); // goes on from there
        last = &scene->seen[scene->count - 1];
        assert_int_equal(last->utc_ns - last->time_ns, UTC_NS - START_NS - 3607 * BC_NS_PER_S);
        stop(scene);
        scene->step = (struct bc_simulated_wall_config){ 0 }; // set while nobody listens: never set
        bc_stage_do(&scene->stage, do_step, scene);
        bc_stage_run_for(&scene->stage, BC_NS_PER_S);
        start(scene);
        last = &scene->seen[scene->count - 1];
        assert_int_equal(last->source, BC_UTC_NONE);
        assert_int_equal(last->utc_ns, BC_NS_PER_S);
        scene_free(scene);
}

static void test_real_clock(void **state)
{
        struct scene *scene = calloc(1, sizeof(*scene));
        struct bc_loop *loop;
        int64_t before_ns;

        assert_non_null(scene);
        scene->kind = *state;
        assert_int_equal(bc_clock_new_real(&scene->clock), 0);
        assert_int_equal(bc_loop_new(scene->clock, &loop), 0);
        before_ns = bc_clock_now_ns(scene->clock);
        assert_int_equal(scene->kind->open(loop, &scene->wall), 0);
        scene->sink = (struct bc_wall_sink){ .on_anchor = on_anchor, .user = scene };
        do_start(scene);
        assert_int_equal(scene->count, 1);
        assert_true(scene->seen[0].time_ns >= before_ns);
        assert_false(scene->complain);
        bc_wall_free(scene->wall);
        bc_loop_free(loop);
        bc_clock_free(scene->clock);
        free(scene);
}

int main(int argc, char *argv[])
{
        for (unsigned i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                void *state = (void *)(uintptr_t)&kinds[i];
                const struct CMUnitTest tests[] = {
                        cmocka_unit_test_prestate(test_anchors_come, state),
                        cmocka_unit_test_prestate(test_free_in_a_call, state),
                        cmocka_unit_test_prestate(test_step, state),
                        cmocka_unit_test_prestate(test_real_clock, state),
                };

                if (strcmp(kinds[i].name, argv[1]) == 0)
                        return cmocka_run_group_tests(tests, NULL, NULL);
        }
        fprintf(stderr, "usage: test_wall KIND\n");
        return 2;
}
