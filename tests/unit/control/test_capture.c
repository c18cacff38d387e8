// SPDX-License-Identifier: EUPL-1.2
// When nothing can be recorded, told as a story: what happened at which second, and what was said when.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "control/capture.h"

#define S BC_NS_PER_S

enum what {
        END, START, PROVE, STOP, RESUME, PICTURE_LOST, PICTURE_BACK, SOUND_LOST, SOUND_BACK, FAILED, FAILED_BEFORE,
        LOST_BEFORE, WAIT,
};

struct step {
        int64_t at_s;
        enum what what;
};

struct world {
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_timer *timer;
        struct bc_capture capture;
        const struct step *step;
        char story[256];
};

static void on_capable(void *user, bool capable)
{
        struct world *world = user;
        size_t used = strlen(world->story);

        snprintf(world->story + used, sizeof(world->story) - used, "%lld:%s ",
                 (long long)(bc_clock_now_ns(world->clock) / S), capable ? "yes" : "no");
}

static void on_step(void *user, int64_t due_ns)
{
        struct world *world = user;
        struct bc_capture *capture = &world->capture;

        switch (world->step->what) {
        case END:
                bc_loop_quit(world->loop, 0);
                return;
        case START:
                bc_capture_started(capture, false);
                break;
        case PROVE:
                bc_capture_started(capture, true);
                break;
        case STOP:
                bc_capture_stopped(capture);
                break;
        case RESUME:
                bc_capture_resumed(capture);
                break;
        case PICTURE_LOST:
        case PICTURE_BACK:
                bc_capture_set_picture(capture, world->step->what == PICTURE_LOST, due_ns);
                break;
        case SOUND_LOST:
        case SOUND_BACK:
                bc_capture_set_sound(capture, world->step->what == SOUND_LOST, due_ns);
                break;
        case FAILED:
                bc_capture_set_failed(capture, due_ns);
                break;
        case FAILED_BEFORE:
                bc_capture_set_failed(capture, due_ns - 10 * S);
                break;
        case LOST_BEFORE:
                bc_capture_set_picture(capture, true, due_ns - 10 * S);
                bc_capture_set_sound(capture, true, due_ns - 10 * S);
                break;
        case WAIT:
                break;
        }
        world->step++;
        bc_timer_set(world->timer, world->step->at_s * S);
}

static void tell(const struct step *steps, bool sound, const char *expected)
{
        const struct bc_capture_config config = { .dark_after_ns = 10 * S, .proof_ns = 2 * S, .sound = sound };
        struct world world = { .step = steps };

        assert_int_equal(bc_clock_new_simulated(0, &world.clock), 0);
        assert_int_equal(bc_loop_new(world.clock, &world.loop), 0);
        assert_int_equal(bc_timer_new(world.loop, on_step, &world, &world.timer), 0);
        assert_int_equal(bc_capture_init(&world.capture, world.loop, &config, on_capable, &world), 0);
        bc_timer_set(world.timer, steps->at_s * S);
        bc_clock_release(world.clock, BC_NS_NEVER);
        assert_int_equal(bc_loop_run(world.loop), 0);
        bc_capture_done(&world.capture);
        bc_timer_free(world.timer);
        bc_loop_free(world.loop);
        bc_clock_free(world.clock);
        assert_string_equal(world.story, expected);
}
#define TELL(sound, expected, ...) tell((const struct step[]){ __VA_ARGS__, { 1000, END } }, sound, expected)

static void test_one_sensor_is_no_matter(void **state)
{
        (void)state;
        TELL(true, "", { 0, START }, { 1, PICTURE_LOST }, { 500, PICTURE_BACK }, { 501, SOUND_LOST });
}

static void test_both_for_long_are(void **state)
{
        (void)state;
        TELL(true, "15:no 40:yes ", { 0, START }, { 1, PICTURE_LOST }, { 5, SOUND_LOST }, { 40, SOUND_BACK });
        TELL(true, "", { 0, START }, { 1, PICTURE_LOST }, { 5, SOUND_LOST }, { 14, PICTURE_BACK }, { 16, SOUND_BACK });
        TELL(true, "26:no ", { 0, START }, { 1, PICTURE_LOST }, { 5, SOUND_LOST }, { 14, PICTURE_BACK },
             { 16, PICTURE_LOST });
        TELL(false, "11:no 12:yes ", { 0, START }, { 1, PICTURE_LOST }, { 12, PICTURE_BACK });
}

static void test_a_failed_encoder_is_at_once(void **state)
{
        (void)state;
        TELL(true, "5:no ", { 0, START }, { 5, FAILED }, { 6, FAILED });
        TELL(true, "5:no ", { 0, START }, { 5, FAILED }, { 6, PICTURE_LOST }, { 7, PICTURE_BACK });
}

static void test_a_restart_must_show_that_it_works(void **state)
{
        (void)state;
        TELL(true, "5:no 12:yes ", { 0, START }, { 5, FAILED }, { 10, PROVE });
        TELL(true, "5:no ", { 0, START }, { 5, FAILED }, { 10, PROVE }, { 11, FAILED });
        TELL(true, "5:no 30:yes ", { 0, START }, { 5, FAILED }, { 10, PROVE }, { 11, PICTURE_LOST }, { 11, SOUND_LOST },
             { 30, SOUND_BACK });
        TELL(true, "5:no 12:yes ", { 0, START }, { 5, FAILED }, { 10, PROVE }, { 11, PICTURE_LOST });
}

// What a thread told before the restart and is read after it.
static void test_what_failed_before_is_past(void **state)
{
        (void)state;
        TELL(true, "", { 10, START }, { 15, FAILED_BEFORE });
        TELL(true, "", { 10, START }, { 15, LOST_BEFORE });
        TELL(true, "5:no 12:yes ", { 0, START }, { 5, FAILED }, { 10, PROVE }, { 11, FAILED_BEFORE });
}

static void test_stopped_sensors_say_nothing(void **state)
{
        (void)state;
        TELL(true, "", { 0, START }, { 1, STOP }, { 2, FAILED }, { 3, PICTURE_LOST }, { 4, SOUND_LOST }, { 50, WAIT });
        TELL(true, "", { 0, START }, { 1, PICTURE_LOST }, { 2, SOUND_LOST }, { 5, STOP }, { 50, START });
        TELL(true, "5:no ", { 0, START }, { 5, FAILED }, { 8, STOP }, { 10, START });
}

static void test_wanted_again_before_they_stopped(void **state)
{
        (void)state;
        TELL(true, "5:no 7:no ", { 0, START }, { 5, FAILED }, { 7, RESUME });
        TELL(true, "", { 0, START }, { 7, RESUME });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_sensor_is_no_matter),
                cmocka_unit_test(test_both_for_long_are),
                cmocka_unit_test(test_a_failed_encoder_is_at_once),
                cmocka_unit_test(test_a_restart_must_show_that_it_works),
                cmocka_unit_test(test_what_failed_before_is_past),
                cmocka_unit_test(test_stopped_sensors_say_nothing),
                cmocka_unit_test(test_wanted_again_before_they_stopped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
