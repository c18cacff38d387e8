// SPDX-License-Identifier: EUPL-1.2
// What every camera driver must do: test_camera KIND (cameras.c).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "contract/cameras.h"

#define WIDTH 160
#define HEIGHT 120
#define START_NS (100 * BC_NS_PER_S + 12345678) // on no grid

struct scene {
        const struct camera_kind *kind;
        struct bc_clock *clock;
        struct bc_camera *camera;
        struct bc_camera_sink sink;
        struct witness witness;
};

static struct scene *scene_new(const struct camera_kind *kind, bool simulated)
{
        struct scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        scene->kind = kind;
        if (simulated)
                assert_int_equal(bc_clock_new_simulated(START_NS, &scene->clock), 0);
        else
                assert_int_equal(bc_clock_new_real(&scene->clock), 0);
        assert_int_equal(kind->open(scene->clock, WIDTH, HEIGHT, &scene->camera), 0);
        witness_init(&scene->witness, scene->clock, kind, scene->camera);
        scene->sink = witness_sink(&scene->witness);
        return scene;
}

static void scene_free(struct scene *scene)
{
        assert_false(scene->witness.complain);
        witness_done(&scene->witness);
        bc_camera_free(scene->camera);
        bc_clock_free(scene->clock);
        free(scene);
}

static void run_for(struct scene *scene, int64_t ns)
{
        bc_clock_run_until(scene->clock, bc_clock_now_ns(scene->clock) + ns);
}

static void start(struct scene *scene)
{
        assert_int_equal(bc_camera_start(scene->camera, &scene->sink), 0);
}

static void check_order(const struct scene *scene, unsigned from, unsigned to)
{
        for (unsigned i = from + 1; i < to; i++)
                assert_true(scene->witness.seen[i].time_ns > scene->witness.seen[i - 1].time_ns);
}

static void check_no_loss(const struct scene *scene, unsigned from, unsigned to)
{
        for (unsigned i = from; i < to; i++)
                assert_int_equal(scene->witness.seen[i].lost, 0);
}

// With lost frames counted in, frames are as many as the interval says.
static void check_count(const struct scene *scene, unsigned from, unsigned to)
{
        const struct seen *seen = scene->witness.seen;
        int64_t span_ns = seen[to - 1].time_ns - seen[from].time_ns, steps = to - 1 - from;

        for (unsigned i = from + 1; i < to; i++)
                steps += seen[i].lost;
        if (scene->kind->unevenness_ns == INT64_MAX) { // the average over what was seen, roughly
                assert_in_range(steps * 100, span_ns / scene->camera->info.interval_ns * 75,
                                span_ns / scene->camera->info.interval_ns * 125 + 200);
                return;
        }
        assert_true(llabs(span_ns - steps * scene->camera->info.interval_ns) <=
                    2 * scene->kind->unevenness_ns + steps);
}

static void test_info(void **state)
{
        struct scene *scene = scene_new(*state, true);
        const struct bc_camera_info *info = &scene->camera->info;

        assert_non_null(info->driver);
        assert_true(info->simulated);
        assert_int_equal(info->format, scene->kind->format);
        assert_int_equal(info->width_px, WIDTH);
        assert_int_equal(info->height_px, HEIGHT);
        assert_in_range(info->interval_ns, BC_NS_PER_MS, BC_NS_PER_S);
        scene_free(scene);
}

static void test_frames_come_when_due(void **state)
{
        struct scene *scene = scene_new(*state, true);
        const struct seen *seen = scene->witness.seen;
        unsigned count;

        start(scene);
        run_for(scene, 11 * BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        count = scene->witness.count;
        assert_in_range(count, 60, 400);
        for (unsigned i = 0; i < count; i++) {
                assert_int_equal(seen[i].when_ns, seen[i].time_ns);
                assert_true(seen[i].time_ns >= START_NS);
                if (i > 0 && scene->kind->unevenness_ns != INT64_MAX)
                        assert_true(llabs(seen[i].time_ns - seen[i - 1].time_ns -
                                          scene->camera->info.interval_ns) <= scene->kind->unevenness_ns);
        }
        check_order(scene, 0, count);
        check_no_loss(scene, 0, count);
        check_count(scene, 0, count);
        assert_int_equal(scene->witness.errors, 0);
        scene_free(scene);
}

static void test_stop_and_start_again(void **state)
{
        struct scene *scene = scene_new(*state, true);
        unsigned first, second;
        int64_t again_ns;

        assert_int_equal(bc_camera_start(scene->camera, &scene->sink), 0);
        assert_int_equal(bc_camera_start(scene->camera, &scene->sink), -EALREADY);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        first = scene->witness.count;
        assert_true(first > 5);
        run_for(scene, 7 * BC_NS_PER_S + 7);
        assert_int_equal(scene->witness.count, first); // nothing after stop

        again_ns = bc_clock_now_ns(scene->clock);
        start(scene);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        second = scene->witness.count;
        assert_true(second > first + 5);
        assert_true(scene->witness.seen[first].time_ns >= again_ns);
        assert_int_equal(scene->witness.seen[first].lost, 0); // it was off, nothing was lost
        check_order(scene, 0, second);
        check_no_loss(scene, 0, second);
        bc_camera_stop(scene->camera); // twice is fine
        scene_free(scene);
}

static void test_frames_outlive_stop(void **state)
{
        struct scene *scene = scene_new(*state, true);
        unsigned held, before;

        witness_hold(&scene->witness, true);
        start(scene);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        held = scene->witness.held_count;
        assert_true(held >= 3); // what a pipeline queues
        for (unsigned i = 0; i < held; i++)
                scene->witness.held[i]->plane[0][0] = 1;
        witness_hold(&scene->witness, false);
        witness_release_held(&scene->witness);

        before = scene->witness.count;
        start(scene);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        assert_true(scene->witness.count > before + 5);
        check_no_loss(scene, before, scene->witness.count);
        scene_free(scene);
}

static void test_all_frames_lent(void **state)
{
        struct scene *scene = scene_new(*state, true);
        unsigned held, count;

        start(scene);
        run_for(scene, BC_NS_PER_S / 2);
        witness_hold(&scene->witness, true);
        run_for(scene, 2 * BC_NS_PER_S);
        held = scene->witness.held_count;
        count = scene->witness.count;
        assert_in_range(held, 3, 15);
        run_for(scene, 2 * BC_NS_PER_S);
        assert_int_equal(scene->witness.count, count); // neither blocked nor allocated, but lost

        witness_hold(&scene->witness, false);
        witness_release_held(&scene->witness);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        assert_true(scene->witness.count > count);
        assert_true(scene->witness.seen[count].lost >= 10);
        check_no_loss(scene, 0, count);
        check_no_loss(scene, count + 1, scene->witness.count);
        check_order(scene, 0, scene->witness.count);
        check_count(scene, 0, scene->witness.count);
        scene_free(scene);
}

static void test_stall(void **state)
{
        struct scene *scene = scene_new(*state, true);
        unsigned count;
        int64_t back_ns;

        start(scene);
        run_for(scene, BC_NS_PER_S);
        scene->kind->set_fault(scene->camera, BC_FAULT_STALL);
        count = witness_count(&scene->witness);
        run_for(scene, 5 * BC_NS_PER_S);
        assert_int_equal(witness_count(&scene->witness), count);
        back_ns = bc_clock_now_ns(scene->clock);
        scene->kind->set_fault(scene->camera, BC_FAULT_NONE);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        assert_true(scene->witness.count > count);
        assert_true(scene->witness.seen[count].time_ns >= back_ns);
        assert_true(scene->witness.seen[count].lost >= 30);
        check_count(scene, 0, scene->witness.count);
        check_no_loss(scene, count + 1, scene->witness.count);
        assert_int_equal(scene->witness.errors, 0);
        scene_free(scene);
}

static void test_unplug(void **state)
{
        struct scene *scene = scene_new(*state, true);
        unsigned count;

        start(scene);
        for (unsigned round = 1; round <= 3; round++) {
                run_for(scene, BC_NS_PER_S);
                scene->kind->set_fault(scene->camera, BC_FAULT_UNPLUG);
                run_for(scene, 0);
                assert_int_equal(scene->witness.errors, round); // at once, and once
                assert_int_equal(scene->witness.error, -ENODEV);
                count = witness_count(&scene->witness);
                run_for(scene, 2 * BC_NS_PER_S);
                assert_int_equal(witness_count(&scene->witness), count);
                assert_int_equal(scene->witness.errors, round);
                scene->kind->set_fault(scene->camera, BC_FAULT_NONE);
                run_for(scene, BC_NS_PER_S);
                assert_true(witness_count(&scene->witness) > count);
                assert_true(scene->witness.seen[count].lost > 0);
        }
        bc_camera_stop(scene->camera);

        // Unplugged while it is off: it says so when started.
        scene->kind->set_fault(scene->camera, BC_FAULT_UNPLUG);
        count = scene->witness.count;
        start(scene);
        run_for(scene, BC_NS_PER_S);
        bc_camera_stop(scene->camera);
        assert_int_equal(scene->witness.count, count);
        assert_int_equal(scene->witness.errors, 4);
        scene_free(scene);
}

// A receiver that is slow once costs frames, never delay.
static void test_late(void **state)
{
        static const int64_t dwell_ns[] = { 400 * BC_NS_PER_MS, 30 * BC_NS_PER_S };

        for (unsigned round = 0; round < 2; round++) {
                struct scene *scene = scene_new(*state, true);
                const struct seen *seen = scene->witness.seen;
                unsigned late = 0;
                uint32_t lost = 0;

                scene->witness.dwell_ns = dwell_ns[round];
                start(scene);
                run_for(scene, dwell_ns[round] + 3 * BC_NS_PER_S);
                bc_camera_stop(scene->camera);
                check_order(scene, 0, scene->witness.count);
                check_count(scene, 0, scene->witness.count);
                for (unsigned i = 1; i < scene->witness.count; i++) {
                        late += seen[i].when_ns - seen[i].time_ns >= scene->camera->info.interval_ns;
                        lost += seen[i].lost;
                }
                assert_true(late <= 1);
                assert_true(lost >= (unsigned)(dwell_ns[round] / BC_NS_PER_S * 5 + 2));
                scene_free(scene);
        }
}

// Many short lives, stopped anywhere.
static void test_stop_anywhere(void **state)
{
        struct scene *scene = scene_new(*state, true);

        for (unsigned i = 0; i < 100; i++) {
                unsigned count;

                if (i % 10 == 3)
                        scene->kind->set_fault(scene->camera, i % 20 == 3 ? BC_FAULT_STALL : BC_FAULT_UNPLUG);
                start(scene);
                run_for(scene, (int64_t)i * 7919 * BC_NS_PER_US);
                bc_camera_stop(scene->camera);
                scene->kind->set_fault(scene->camera, BC_FAULT_NONE);
                count = scene->witness.count;
                run_for(scene, BC_NS_PER_S);
                assert_int_equal(scene->witness.count, count);
        }
        check_order(scene, 0, scene->witness.count);
        scene_free(scene);
}

// The real clock: the order alone, for the machine may be slow.
static void test_real_clock(void **state)
{
        struct scene *scene = scene_new(*state, false);
        int64_t before_ns = bc_clock_now_ns(scene->clock);
        unsigned count;

        for (unsigned round = 0; round < 2; round++) {
                start(scene);
                assert_true(witness_wait(&scene->witness, (round + 1) * 8));
                scene->kind->set_fault(scene->camera, BC_FAULT_STALL);
                scene->kind->set_fault(scene->camera, BC_FAULT_NONE);
                assert_true(witness_wait(&scene->witness, (round + 1) * 8 + 3));
                bc_camera_stop(scene->camera);
        }
        count = scene->witness.count;
        check_order(scene, 0, count);
        assert_true(scene->witness.seen[0].time_ns >= before_ns);
        for (unsigned i = 0; i < count; i++)
                assert_true(scene->witness.seen[i].when_ns >= scene->witness.seen[i].time_ns);
        scene_free(scene);
}

// Frames are kept and given back by another thread while the camera goes on.
static void test_release_elsewhere(void **state)
{
        struct scene *scene = scene_new(*state, false);

        scene->witness.hold = true;
        start(scene);
        for (unsigned i = 1; i <= 20; i++) {
                assert_true(witness_wait(&scene->witness, i));
                witness_release_held(&scene->witness);
        }
        bc_camera_stop(scene->camera);
        check_order(scene, 0, scene->witness.count);
        scene_free(scene);
}

int main(int argc, char *argv[])
{
        const struct camera_kind *kind = argc == 2 ? camera_kind_named(argv[1]) : NULL;
        void *state = (void *)(uintptr_t)kind;

        if (!kind) {
                fprintf(stderr, "usage: test_camera KIND\n");
                return 2;
        }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(test_info, state),
                cmocka_unit_test_prestate(test_frames_come_when_due, state),
                cmocka_unit_test_prestate(test_stop_and_start_again, state),
                cmocka_unit_test_prestate(test_frames_outlive_stop, state),
                cmocka_unit_test_prestate(test_all_frames_lent, state),
                cmocka_unit_test_prestate(test_stall, state),
                cmocka_unit_test_prestate(test_unplug, state),
                cmocka_unit_test_prestate(test_late, state),
                cmocka_unit_test_prestate(test_stop_anywhere, state),
                cmocka_unit_test_prestate(test_real_clock, state),
                cmocka_unit_test_prestate(test_release_elsewhere, state),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
