// SPDX-License-Identifier: EUPL-1.2
// What every receiver driver must do: test_gnss KIND.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/gnss.h"
#include "bodycam/simulation.h"
#include "lib/stage.h"
#include "nmea/gnss.h"
#include "track/gnss.h"

#define START_NS (100 * BC_NS_PER_S + 12345678) // on no grid
#define SEEN_MAX 1000

// ---- kinds ---------------------------------------------------------------------------------------------------

struct kind {
        const char *name;
        int (*open)(struct bc_loop *loop, char *text, size_t text_bytes, struct bc_gnss **ret_gnss);
        void (*set_fault)(struct bc_gnss *gnss, enum bc_fault fault);
};

static int open_track(struct bc_loop *loop, char *text, size_t text_bytes, struct bc_gnss **ret_gnss)
{
        struct bc_track_config config = { .lat_e7 = 528500000,
                                          .lon_e7 = 53000000,
                                          .speed_mm_s = 1400,
                                          .course_cdeg = 4500,
                                          .utc_ns = BC_UTC_UNKNOWN };

        return bc_track_gnss_open(loop, &config, text, text_bytes, ret_gnss);
}

static int open_track_fast(struct bc_loop *loop, char *text, size_t text_bytes, struct bc_gnss **ret_gnss)
{
        struct bc_track_config config = { .origin_ns = START_NS + 3600 * BC_NS_PER_S,
                                          .lat_e7 = -899999000,
                                          .lon_e7 = 1800000000,
                                          .speed_mm_s = 1000000,
                                          .radius_mm = -100000,
                                          .interval_ns = 100 * BC_NS_PER_MS };

        return bc_track_gnss_open(loop, &config, text, text_bytes, ret_gnss);
}

static int open_nmea(struct bc_loop *loop, char *text, size_t text_bytes, struct bc_gnss **ret_gnss)
{
        char path[4096];

        snprintf(path, sizeof(path), "%s/tests/data/boat.nmea", getenv("BC_SOURCE_DIR"));
        return bc_nmea_gnss_open(loop, path, text, text_bytes, ret_gnss);
}

static const struct kind kinds[] = {
        { "track", open_track, bc_track_gnss_set_fault },
        { "track-fast", open_track_fast, bc_track_gnss_set_fault },
        { "nmea", open_nmea, bc_nmea_gnss_set_fault },
};

// ---- scene ---------------------------------------------------------------------------------------------------

struct scene {
        const struct kind *kind;
        struct bc_stage stage;
        struct bc_clock *clock;
        struct bc_gnss *gnss;
        struct bc_gnss_sink sink;
        int r;
        enum bc_fault fault;

        bool off;      // nothing may come now
        bool complain; // it did, or it was not what a fix may be
        unsigned count, errors;
        int error;
        bool free_in_call, stop_in_call;
        struct bc_fix seen[SEEN_MAX];
};

static bool in(int32_t value, int32_t min, int32_t max)
{
        return value == BC_FIX_UNKNOWN || (value >= min && value <= max);
}

static bool is_as_promised(const struct bc_fix *fix)
{
        if (fix->mode == BC_FIX_NONE)
                return true;
        return fix->mode <= BC_FIX_3D && fix->lat_e7 >= -900000000 && fix->lat_e7 <= 900000000 &&
               fix->lon_e7 >= -1800000000 && fix->lon_e7 <= 1800000000 && in(fix->course_cdeg, 0, 35999) &&
               in(fix->speed_mm_s, 0, INT32_MAX) && in(fix->accuracy_mm, 0, INT32_MAX) &&
               in(fix->dop_e2, 0, INT32_MAX);
}

static void on_fix(void *user, const struct bc_fix *fix)
{
        struct scene *scene = user;

        if (scene->off || scene->count == SEEN_MAX || !is_as_promised(fix))
                scene->complain = true;
        else
                scene->seen[scene->count++] = *fix;
        // In simulated time a report is there when it is due.
        if (bc_clock_is_simulated(scene->clock) ? fix->time_ns != bc_clock_now_ns(scene->clock)
                                                : fix->time_ns > bc_clock_now_ns(scene->clock))
                scene->complain = true;
        if (scene->stop_in_call)
                bc_gnss_stop(scene->gnss);
        if (scene->free_in_call)
                bc_gnss_free(scene->gnss);
        scene->off = scene->stop_in_call || scene->free_in_call;
}

static void on_error(void *user, int error)
{
        struct scene *scene = user;

        scene->complain |= scene->off;
        scene->errors++;
        scene->error = error;
}

static struct scene *scene_new(const struct kind *kind)
{
        struct scene *scene = calloc(1, sizeof(*scene));
        char text[512] = "";

        assert_non_null(scene);
        scene->kind = kind;
        assert_int_equal(bc_stage_init(&scene->stage, START_NS), 0);
        scene->clock = scene->stage.clock;
        if (kind->open(scene->stage.loop, text, sizeof(text), &scene->gnss) < 0)
                fail_msg("%s", text);
        scene->sink = (struct bc_gnss_sink){ .on_fix = on_fix, .on_error = on_error, .user = scene };
        scene->off = true;
        return scene;
}

static void do_start(void *user)
{
        struct scene *scene = user;
        unsigned count = scene->count, errors = scene->errors;

        scene->off = false;
        scene->r = bc_gnss_start(scene->gnss, &scene->sink);
        assert_int_equal(scene->count, count); // never within the call
        assert_int_equal(scene->errors, errors);
}

static void do_stop(void *user)
{
        struct scene *scene = user;

        bc_gnss_stop(scene->gnss);
        scene->off = true;
}

static void do_free(void *user)
{
        struct scene *scene = user;

        bc_gnss_free(scene->gnss);
        scene->off = true;
}

static void do_fault(void *user)
{
        struct scene *scene = user;

        scene->kind->set_fault(scene->gnss, scene->fault);
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

static void set_fault(struct scene *scene, enum bc_fault fault)
{
        scene->fault = fault;
        bc_stage_do(&scene->stage, do_fault, scene);
}

static void run_for(struct scene *scene, int64_t ns)
{
        bc_stage_run_for(&scene->stage, ns);
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
        run_for(scene, 10 * BC_NS_PER_S);
        scene_done(scene);
}

// ---- tests ---------------------------------------------------------------------------------------------------

static void test_reports_come(void **state)
{
        struct scene *scene = scene_new(*state);

        assert_non_null(scene->gnss->driver);
        assert_true(scene->gnss->simulated);
        run_for(scene, 5 * BC_NS_PER_S); // nothing before start
        start(scene);
        bc_stage_do(&scene->stage, do_start, scene);
        assert_int_equal(scene->r, -EALREADY);
        run_for(scene, 20 * BC_NS_PER_S);
        stop(scene);
        assert_in_range(scene->count, 10, 250);
        for (unsigned i = 1; i < scene->count; i++) {
                assert_true(scene->seen[i].time_ns > scene->seen[i - 1].time_ns);
                assert_true(scene->seen[i].time_ns - scene->seen[i - 1].time_ns <= 5 * BC_NS_PER_S);
        }
        assert_int_equal(scene->errors, 0);
        stop(scene); // twice is fine
        scene_free(scene);
}

static void test_stop_and_start_again(void **state)
{
        struct scene *scene = scene_new(*state);
        unsigned first;
        int64_t again_ns;

        start(scene);
        run_for(scene, 10 * BC_NS_PER_S);
        stop(scene);
        first = scene->count;
        assert_true(first >= 5);
        run_for(scene, 7 * BC_NS_PER_S + 7);
        assert_int_equal(scene->count, first);
        again_ns = bc_clock_now_ns(scene->clock);
        start(scene);
        run_for(scene, 10 * BC_NS_PER_S);
        stop(scene);
        assert_true(scene->count >= first + 5);
        assert_true(scene->seen[first].time_ns >= again_ns); // where it is now, not where it was
        scene_free(scene);
}

static void test_stall(void **state)
{
        struct scene *scene = scene_new(*state);
        unsigned count;
        int64_t back_ns;

        start(scene);
        run_for(scene, 5 * BC_NS_PER_S);
        set_fault(scene, BC_FAULT_STALL);
        count = scene->count;
        assert_true(count > 0);
        run_for(scene, 20 * BC_NS_PER_S);
        assert_int_equal(scene->count, count);
        back_ns = bc_clock_now_ns(scene->clock);
        set_fault(scene, BC_FAULT_NONE);
        run_for(scene, 5 * BC_NS_PER_S);
        assert_true(scene->count > count);
        assert_true(scene->seen[count].time_ns >= back_ns);
        assert_int_equal(scene->errors, 0);
        scene_free(scene);
}

static void test_unplug(void **state)
{
        struct scene *scene = scene_new(*state);
        unsigned count;

        start(scene);
        for (unsigned round = 1; round <= 3; round++) {
                run_for(scene, 5 * BC_NS_PER_S);
                count = scene->count;
                set_fault(scene, BC_FAULT_UNPLUG);
                set_fault(scene, BC_FAULT_UNPLUG);
                assert_int_equal(scene->errors, round); // at once, and once
                assert_int_equal(scene->error, -ENODEV);
                run_for(scene, 5 * BC_NS_PER_S);
                assert_int_equal(scene->errors, round);
                assert_int_equal(scene->count, count);
                set_fault(scene, BC_FAULT_NONE);
                run_for(scene, 5 * BC_NS_PER_S);
                assert_true(scene->count > count);
        }
        stop(scene);

        // Unplugged while it is off: it says so when started.
        set_fault(scene, BC_FAULT_UNPLUG);
        assert_int_equal(scene->errors, 3);
        count = scene->count;
        start(scene);
        run_for(scene, 5 * BC_NS_PER_S);
        assert_int_equal(scene->errors, 4);
        assert_int_equal(scene->count, count);
        stop(scene);
        set_fault(scene, BC_FAULT_NONE);
        run_for(scene, 5 * BC_NS_PER_S); // it is off
        start(scene);
        run_for(scene, 5 * BC_NS_PER_S);
        assert_true(scene->count > count);
        assert_int_equal(scene->errors, 4);
        scene_free(scene);
}

// Many short lives, stopped anywhere.
static void test_stop_anywhere(void **state)
{
        struct scene *scene = scene_new(*state);

        for (unsigned i = 0; i < 100; i++) {
                if (i % 10 == 3)
                        set_fault(scene, i % 20 == 3 ? BC_FAULT_STALL : BC_FAULT_UNPLUG);
                start(scene);
                run_for(scene, (int64_t)i * 7919 * BC_NS_PER_US);
                stop(scene);
                set_fault(scene, BC_FAULT_NONE);
                run_for(scene, BC_NS_PER_S / 3);
        }
        scene_free(scene);
}

static void test_stop_and_free_in_a_call(void **state)
{
        struct scene *scene = scene_new(*state);

        scene->stop_in_call = true;
        start(scene);
        run_for(scene, 5 * BC_NS_PER_S);
        assert_int_equal(scene->count, 1);
        scene->stop_in_call = false;
        scene->free_in_call = true;
        start(scene);
        run_for(scene, 5 * BC_NS_PER_S);
        assert_int_equal(scene->count, 2);
        scene_done(scene);
}

static void test_free_while_running(void **state)
{
        struct scene *scene = scene_new(*state);

        start(scene);
        run_for(scene, 5 * BC_NS_PER_S);
        scene_free(scene);
        scene = scene_new(*state);
        scene_free(scene); // never started
        bc_gnss_free(NULL);
}

static void on_end(void *user, int64_t due_ns)
{
        (void)due_ns;
        bc_loop_quit(user, 0);
}

// The real clock: the order alone, for the machine may be slow.
static void test_real_clock(void **state)
{
        struct scene *scene = calloc(1, sizeof(*scene));
        struct bc_timer *end;
        struct bc_loop *loop;
        char text[512] = "";
        int64_t before_ns;

        assert_non_null(scene);
        scene->kind = *state;
        assert_int_equal(bc_clock_new_real(&scene->clock), 0);
        assert_int_equal(bc_loop_new(scene->clock, &loop), 0);
        assert_int_equal(bc_timer_new(loop, on_end, loop, &end), 0);
        before_ns = bc_clock_now_ns(scene->clock);
        assert_int_equal(scene->kind->open(loop, text, sizeof(text), &scene->gnss), 0);
        scene->sink = (struct bc_gnss_sink){ .on_fix = on_fix, .on_error = on_error, .user = scene };
        do_start(scene);
        bc_timer_set(end, before_ns + 2200 * BC_NS_PER_MS);
        assert_int_equal(bc_loop_run(loop), 0);
        bc_gnss_free(scene->gnss);
        assert_true(scene->count > 0);
        assert_true(scene->seen[0].time_ns >= before_ns);
        assert_false(scene->complain);
        bc_timer_free(end);
        bc_loop_free(loop);
        bc_clock_free(scene->clock);
        free(scene);
}

int main(int argc, char *argv[])
{
        for (unsigned i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                void *state = (void *)(uintptr_t)&kinds[i];
                const struct CMUnitTest tests[] = {
                        cmocka_unit_test_prestate(test_reports_come, state),
                        cmocka_unit_test_prestate(test_stop_and_start_again, state),
                        cmocka_unit_test_prestate(test_stall, state),
                        cmocka_unit_test_prestate(test_unplug, state),
                        cmocka_unit_test_prestate(test_stop_anywhere, state),
                        cmocka_unit_test_prestate(test_stop_and_free_in_a_call, state),
                        cmocka_unit_test_prestate(test_free_while_running, state),
                        cmocka_unit_test_prestate(test_real_clock, state),
                };

                if (strcmp(kinds[i].name, argv[1]) == 0)
                        return cmocka_run_group_tests(tests, NULL, NULL);
        }
        fprintf(stderr, "usage: test_gnss KIND\n");
        return 2;
}
