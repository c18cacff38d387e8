// SPDX-License-Identifier: EUPL-1.2
// Settings of the officer's side that contradict each other, or leave nobody who could do what must be done: each is refused
// with file, line, key and reason.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/settings.h"

#define GOOD "[device]\nid = A1\n[store]\npath = /var/lib/x\n" // what follows begins in line 5

struct world {
        char file[40];
        char told[8192];
};

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));
        int fd;

        snprintf(world->file, sizeof(world->file), "%s", "/tmp/bc-officer-XXXXXX");
        fd = mkstemp(world->file);
        assert_true(fd >= 0);
        assert_int_equal(close(fd), 0);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        assert_int_equal(unlink(world->file), 0);
        free(world);
        return 0;
}

// The file's name is told as "c".
static void on_error(void *user, const char *text)
{
        struct world *world = user;
        size_t used = strlen(world->told), name = strlen(world->file);

        if (strncmp(text, world->file, name) == 0)
                snprintf(world->told + used, sizeof(world->told) - used, "c%s\n", text + name);
        else
                snprintf(world->told + used, sizeof(world->told) - used, "%s\n", text);
}

static void expect(struct world *world, const char *text, const char *told)
{
        const struct bc_settings_sink sink = { on_error, world };
        struct bc_settings settings = { 0 };
        FILE *file = fopen(world->file, "w");
        int r;

        assert_non_null(file);
        assert_true(fputs(GOOD, file) >= 0 && fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        world->told[0] = 0;
        r = bc_settings_load(world->file, &sink, &settings);
        bc_settings_done(&settings);
        if (strcmp(world->told, told) != 0)
                fail_msg("%s\ntold:\n%s\nexpected:\n%s", text, world->told, told);
        assert_int_equal(r, told[0] ? -EINVAL : 0);
}

static void test_nobody_who_could(void **state)
{
        expect(*state, "[policy]\nactivation = control-room\n[dbus]\nbus = none\n",
               "c:6: [policy] activation = control-room: no command gets here with [dbus] bus = none: nobody could start a "
               "recording\n");
        expect(*state, "[policy]\nactivation = control-room\n[dbus]\nbus = session\n", "");
        expect(*state, "[policy]\nactivation = officer\n[dbus]\nbus = none\n", "");
        expect(*state, "[policy]\nactivation = always-on\n[dbus]\nbus = none\n", "");
        expect(*state, "[buttons]\nemergency_release = no\n[dbus]\nbus = none\n",
               "c:6: [buttons] emergency_release = no: no command gets here with [dbus] bus = none: only the dock could end an "
               "emergency\n");
        expect(*state, "[buttons]\nemergency_release = no\n", "");
        // What was refused itself is not judged with others.
        expect(*state, "[policy]\nactivation = control-room\n[dbus]\nbus = nothing\n",
               "c:8: [dbus] bus = nothing: not understood; allowed: one of: system, session, none\n");
}

static void test_nothing_to_mute(void **state)
{
        expect(*state, "[policy]\nmute = yes\n[microphone]\ndriver = none\n",
               "c:6: [policy] mute = yes: there is nothing to mute with [microphone] driver = none\n");
        expect(*state, "[policy]\nmute = yes\n", "");
        expect(*state, "[policy]\nmute = no\n[microphone]\ndriver = none\n", "");
}

#define STUCK "could never end: a button that is held for 30 s is stuck"
#define LATE STUCK ", and there are 3 s to let go in"

static void test_holds_that_could_never_end(void **state)
{
        expect(*state, "[buttons]\nstop_hold = 29999 ms\n", "");
        expect(*state, "[buttons]\nstop_hold = 30 s\n", "c:6: [buttons] stop_hold = 30 s: " STUCK "\n");
        expect(*state, "[buttons]\nstop_hold = 1 min\n", "c:6: [buttons] stop_hold = 1 min: " STUCK "\n");
        // The first button may go down half a second before the second one, and must not be stuck before both are up.
        expect(*state, "[buttons]\nrelease_hold = 26499 ms\n", "");
        expect(*state, "[buttons]\nrelease_hold = 26500 ms\n", "c:6: [buttons] release_hold = 26500 ms: " LATE "\n");
        expect(*state, "[buttons]\nrelease_hold = 1 min\n", "c:6: [buttons] release_hold = 1 min: " LATE "\n");
        expect(*state, "[buttons]\nrelease_hold = 1 min\nemergency_release = no\n", "");
        expect(*state, "[buttons]\ndebounce = 101 ms\n",
               "c:6: [buttons] debounce = 101 ms: out of range; allowed: 1 ms to 100 ms (a whole number of ms, s, min or h)\n");
        expect(*state, "[buttons]\nstop_hold = 499 ms\n",
               "c:6: [buttons] stop_hold = 499 ms: out of range; allowed: 500 ms to 1 min (a whole number of ms, s, min or h)\n");
}

static void test_patterns(void **state)
{
        expect(*state, "[pattern]\nrecording = red 300 ms, - 700 ms\n", "");
        expect(*state, "[pattern]\nrecording =\n", ""); // the scheme's
        expect(*state, "[pattern]\nrecording = red\n",
               "c:6: [pattern] recording = red: a step ends with its length: 100 ms, 2 s\n");
        expect(*state, "[pattern]\nrecording = purple 1 s\n",
               "c:6: [pattern] recording = purple 1 s: \"purple\" is no output: red, red2, yellow, green, blue, vibrate, "
               "tone1000 or -\n");
        expect(*state, "[pattern]\nrecording = - 1 s\n", "c:6: [pattern] recording = - 1 s: nothing is ever on in it\n");
        expect(*state, "[pattern]\nrecording = red 100 ms, - 6 s\n",
               "c:6: [pattern] recording = red 100 ms, - 6 s: nothing is on in it for longer than 5 s: whoever looks at it sees "
               "nothing\n");
        expect(*state, "[pattern]\nstart = vibrate 40 ms\n",
               "c:6: [pattern] start = vibrate 40 ms: vibration of less than 50 ms is not felt, and it shows nothing else\n");
        expect(*state, "[pattern]\nrecording = green 500 ms\n\nbuffering = green 2 s\n",
               "c:6: [pattern] recording = green 500 ms: looks the same as \"buffering\" on this device\n");
        expect(*state, "[pattern]\nbuffering = red 500 ms, - 500 ms\n",
               "c:6: [pattern] buffering = red 500 ms, - 500 ms: looks the same as \"recording\" on this device\n");
        // All of them, each once, and one that is wrong hides no other.
        expect(*state, "[pattern]\nrecording = x\nstart = red 29 ms\npress = blue 1 s\nmark = red 1 s, \n",
               "c:6: [pattern] recording = x: \"x\" is no output: red, red2, yellow, green, blue, vibrate, tone1000 or -\n"
               "c:9: [pattern] mark = red 1 s,: a step, a comma, a step: \"red 500 ms, - 500 ms\"\n"
               "c:7: [pattern] start = red 29 ms: a step of 30 ms to 10 s is noticed and ends\n");
        expect(*state, "[pattern]\nnosuch = red 1 s\n",
               "c:6: [pattern] nosuch: unknown key; allowed: power, starting, standby, buffering, docked, stopping, sound, "
               "post-event, recording, battery-low, storage-low, muted, trouble, emergency, fault, reminder, warning, alarm, "
               "press, mark, start, stop, emergency-start, emergency-end, let-go, refusal\n");
}

static void test_outputs_that_a_scheme_needs(void **state)
{
        expect(*state, "[indicator]\noutputs = red green vibrate\n",
               "c:6: [indicator] outputs = red green vibrate: \"muted\" of scheme default, \"yellow 700 ms, - 700 ms\", this "
               "device has none of the outputs it uses; [pattern] muted may have another one\n"
               "c:6: [indicator] outputs = red green vibrate: \"trouble\" of scheme default, \"yellow 200 ms, - 200 ms\", this "
               "device has none of the outputs it uses; [pattern] trouble may have another one\n");
        expect(*state, "[indicator]\noutputs = red green vibrate\n[pattern]\nmuted = green 700 ms, - 700 ms\n"
                       "trouble = green 200 ms, - 200 ms\n", "");
        expect(*state, "[indicator]\noutputs = red purple\n",
               "c:6: [indicator] outputs = red purple: not understood; allowed: any of: red, red2, yellow, green, blue, tone, "
               "vibrate\n");
        for (unsigned scheme = 0; scheme < BC_SCHEME_COUNT; scheme++) {
                char text[100];

                snprintf(text, sizeof(text), "[indicator]\nscheme = %s\n", bc_scheme_name((enum bc_scheme)scheme));
                expect(*state, text, "");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nobody_who_could, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing_to_mute, setup, teardown),
                cmocka_unit_test_setup_teardown(test_holds_that_could_never_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_patterns, setup, teardown),
                cmocka_unit_test_setup_teardown(test_outputs_that_a_scheme_needs, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
