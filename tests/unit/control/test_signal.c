// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bodycam/time.h"
#include "control/settings_table.h"
#include "control/signal.h"

struct world {
        char own[BC_SIGNAL_COUNT][BC_PATTERN_TEXT_BYTES];
        struct bc_pattern patterns[BC_SIGNAL_COUNT];
        char told[4096];
};

static void on_wrong(void *user, enum bc_signal signal, const char *why)
{
        struct world *world = user;
        size_t used = strlen(world->told);

        snprintf(world->told + used, sizeof(world->told) - used, "%s: %s\n", bc_signal_name(signal), why);
}

static int judge(struct world *world, enum bc_scheme scheme, uint32_t outputs)
{
        world->told[0] = 0;
        return bc_signal_patterns(scheme, world->own, outputs, on_wrong, world, world->patterns);
}

static void expect(struct world *world, enum bc_scheme scheme, uint32_t outputs, const char *told)
{
        int r = judge(world, scheme, outputs);

        if (strcmp(world->told, told) != 0)
                fail_msg("scheme %s, told:\n%s", bc_scheme_name(scheme), world->told);
        assert_int_equal(r, told[0] ? -EINVAL : 0);
}

static void set(struct world *world, enum bc_signal signal, const char *text)
{
        snprintf(world->own[signal], BC_PATTERN_TEXT_BYTES, "%s", text);
}

// What a device has, in the words of [indicator] outputs.
static uint32_t outputs_of(const char *text)
{
        struct bc_settings settings = { 0 };
        size_t number;
        const struct bc_setting *setting = bc_setting_find("indicator", "outputs", &number);

        assert_int_equal(bc_setting_parse(setting, text, &settings), 0);
        return (uint32_t)settings.indicator_outputs;
}

static void test_every_scheme_goes_with_a_device_that_has_all(void **state)
{
        (void)state;
        for (unsigned scheme = 0; scheme < BC_SCHEME_COUNT; scheme++) {
                struct world world = { 0 };

                expect(&world, (enum bc_scheme)scheme, BC_OUTPUT_ALL, "");
                for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++) {
                        enum bc_signal signal = (enum bc_signal)i;
                        char why[160];
                        struct bc_pattern pattern;

                        assert_int_equal(bc_pattern_parse(bc_signal_pattern(signal, (enum bc_scheme)scheme), &pattern, why,
                                                          sizeof(why)), 0);
                        assert_memory_equal(&pattern, &world.patterns[i], sizeof(pattern));
                        assert_true(pattern.uses != 0 || !bc_signal_is_needed(signal));
                }
        }
}

// More than three flashes in a second are a danger to some people, also where a pattern goes round.
static void test_no_scheme_flashes_too_fast(void **state)
{
        (void)state;
        for (unsigned scheme = 0; scheme < BC_SCHEME_COUNT; scheme++)
                for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++) {
                        struct bc_pattern pattern;
                        char why[160];
                        int64_t next_ns;

                        assert_int_equal(bc_pattern_parse(bc_signal_pattern((enum bc_signal)i, (enum bc_scheme)scheme), &pattern,
                                                          why, sizeof(why)), 0);
                        for (int64_t from_ms = 0; from_ms * BC_NS_PER_MS < pattern.length_ns; from_ms += 10) {
                                unsigned flashes = 0;
                                bool was_on = false;

                                for (int64_t ms = from_ms; ms < from_ms + 1000; ms += 10) {
                                        bool on = false;

                                        if (bc_signal_stands((enum bc_signal)i) || ms * BC_NS_PER_MS < pattern.length_ns)
                                                on = bc_pattern_at(&pattern, ms * BC_NS_PER_MS % pattern.length_ns, &next_ns)
                                                             ->outputs & BC_LIGHT_ALL;
                                        flashes += on && !was_on;
                                        was_on = on;
                                }
                                assert_in_range(flashes, 0, 3);
                        }
                }
}

// What the laws ask for: see signal.c.
static void test_schemes_are_what_they_are_named_for(void **state)
{
        struct world world = { 0 };
        int64_t next_ns;

        (void)state;
        expect(&world, BC_SCHEME_FRENCH, BC_OUTPUT_ALL, "");
        assert_int_equal(world.patterns[BC_SIGNAL_BUFFERING].uses, BC_OUTPUT_GREEN);
        assert_int_equal(world.patterns[BC_SIGNAL_BUFFERING].steps, 1);
        assert_int_equal(world.patterns[BC_SIGNAL_RECORDING].uses, BC_OUTPUT_RED | BC_OUTPUT_RED_2);
        assert_int_equal(world.patterns[BC_SIGNAL_RECORDING].steps, 2);
        expect(&world, BC_SCHEME_CHINESE, BC_OUTPUT_ALL, "");
        assert_int_equal(bc_pattern_at(&world.patterns[BC_SIGNAL_POWER], 0, &next_ns)->outputs, BC_OUTPUT_GREEN);
        assert_int_equal(bc_pattern_at(&world.patterns[BC_SIGNAL_SOUND], 0, &next_ns)->outputs, BC_OUTPUT_YELLOW);
        assert_int_equal(bc_pattern_at(&world.patterns[BC_SIGNAL_RECORDING], 0, &next_ns)->outputs, BC_OUTPUT_RED);
        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL, "");
        assert_int_equal(world.patterns[BC_SIGNAL_POWER].steps, 0);
        assert_int_equal(world.patterns[BC_SIGNAL_SOUND].steps, 0);
        // Whoever calls for help is not given away.
        for (unsigned scheme = 0; scheme < BC_SCHEME_COUNT; scheme++) {
                expect(&world, (enum bc_scheme)scheme, BC_OUTPUT_ALL, "");
                assert_int_equal(world.patterns[BC_SIGNAL_EMERGENCY_START].uses, BC_OUTPUT_VIBRATE);
                assert_false(world.patterns[BC_SIGNAL_EMERGENCY].uses & BC_OUTPUT_TONE);
        }
}

static void test_every_signal_has_its_key(void **state)
{
        unsigned keys = 0;
        struct bc_settings settings;

        (void)state;
        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);

                assert_int_equal(strcmp(setting->section, "pattern") == 0, setting->type == BC_SETTING_PATTERN);
                if (setting->type != BC_SETTING_PATTERN)
                        continue;
                // In the order of rank, each with its own place.
                assert_int_equal(bc_setting_signal(setting), keys);
                assert_string_equal(setting->key, bc_signal_name((enum bc_signal)keys));
                assert_int_equal(setting->offset,
                                 (size_t)((char *)settings.pattern[keys] - (char *)&settings));
                assert_true(setting->reloadable);
                assert_string_equal(bc_setting_help(setting), bc_signal_help((enum bc_signal)keys));
                keys++;
        }
        assert_int_equal(keys, BC_SIGNAL_COUNT);
}

static void test_own_patterns(void **state)
{
        struct world world = { 0 };
        struct bc_pattern pattern;
        char why[160];

        (void)state;
        set(&world, BC_SIGNAL_RECORDING, "red2 300 ms, - 700 ms");
        assert_int_equal(bc_pattern_parse("red2 300 ms, - 700 ms", &pattern, why, sizeof(why)), 0);
        for (unsigned scheme = 0; scheme < BC_SCHEME_COUNT; scheme++) {
                expect(&world, (enum bc_scheme)scheme, BC_OUTPUT_ALL, "");
                assert_memory_equal(&world.patterns[BC_SIGNAL_RECORDING], &pattern, sizeof(pattern));
        }
        // What need not be noticed may use what the device has not got, or nothing.
        set(&world, BC_SIGNAL_DOCKED, "- 1 s");
        set(&world, BC_SIGNAL_MARK, "tone500 30 ms");
        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL & ~(uint32_t)BC_OUTPUT_TONE, "");
        // But what is shown is to be noticed, and what is written to be understood.
        set(&world, BC_SIGNAL_DOCKED, "blue 1 s, - 5001 ms");
        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL,
               "docked: nothing is on in it for longer than 5 s: whoever looks at it sees nothing\n");
        set(&world, BC_SIGNAL_DOCKED, "blue");
        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL & ~(uint32_t)BC_OUTPUT_BLUE,
               "docked: a step ends with its length: 100 ms, 2 s\n");
        assert_int_equal(world.patterns[BC_SIGNAL_DOCKED].steps, 0);
}

// Each one that an officer relies on.
static void test_needed_ones_are_noticed(void **state)
{
        static const enum bc_signal needed[] = {
                BC_SIGNAL_BUFFERING, BC_SIGNAL_POST_EVENT, BC_SIGNAL_RECORDING, BC_SIGNAL_MUTED,     BC_SIGNAL_TROUBLE,
                BC_SIGNAL_EMERGENCY, BC_SIGNAL_FAULT,      BC_SIGNAL_ALARM,     BC_SIGNAL_PRESS,     BC_SIGNAL_START,
                BC_SIGNAL_STOP,      BC_SIGNAL_EMERGENCY_START, BC_SIGNAL_EMERGENCY_END, BC_SIGNAL_LET_GO, BC_SIGNAL_REFUSAL,
        };
        static const struct {
                const char *text, *why;
        } unnoticed[] = {
                { "- 1 s", "nothing is ever on in it" },
                { "blue 1 s", "this device has none of the outputs it uses" },
                { "red 5001 ms, red 5 s", "it takes longer than 10 s" },
                { "vibrate 49 ms, - 1 s", "vibration of less than 50 ms is not felt, and it shows nothing else" },
                { "red 29 ms", "a step of 30 ms to 10 s is noticed and ends" },
        };
        unsigned count = 0;

        (void)state;
        for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++)
                count += bc_signal_is_needed((enum bc_signal)i);
        assert_int_equal(count, sizeof(needed) / sizeof(needed[0]));
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
                for (size_t k = 0; k < sizeof(unnoticed) / sizeof(unnoticed[0]); k++) {
                        struct world world = { 0 };
                        char expected[200];

                        assert_true(bc_signal_is_needed(needed[i]));
                        set(&world, needed[i], unnoticed[k].text);
                        set(&world, BC_SIGNAL_PRESS, needed[i] == BC_SIGNAL_PRESS ? unnoticed[k].text : "vibrate 80 ms");
                        snprintf(expected, sizeof(expected), "%s: %s\n", bc_signal_name(needed[i]), unnoticed[k].why);
                        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL & ~(uint32_t)BC_OUTPUT_BLUE, expected);
                }
}

static void test_pairs_that_must_differ(void **state)
{
        static const struct {
                enum bc_signal a, b;
        } pairs[] = {
                { BC_SIGNAL_RECORDING, BC_SIGNAL_BUFFERING },  { BC_SIGNAL_RECORDING, BC_SIGNAL_STANDBY },
                { BC_SIGNAL_RECORDING, BC_SIGNAL_FAULT },      { BC_SIGNAL_RECORDING, BC_SIGNAL_MUTED },
                { BC_SIGNAL_RECORDING, BC_SIGNAL_TROUBLE },    { BC_SIGNAL_POST_EVENT, BC_SIGNAL_BUFFERING },
                { BC_SIGNAL_EMERGENCY, BC_SIGNAL_BUFFERING },  { BC_SIGNAL_EMERGENCY, BC_SIGNAL_STANDBY },
                { BC_SIGNAL_EMERGENCY, BC_SIGNAL_FAULT },      { BC_SIGNAL_FAULT, BC_SIGNAL_BUFFERING },
                { BC_SIGNAL_FAULT, BC_SIGNAL_STANDBY },        { BC_SIGNAL_START, BC_SIGNAL_STOP },
                { BC_SIGNAL_START, BC_SIGNAL_REFUSAL },        { BC_SIGNAL_EMERGENCY_START, BC_SIGNAL_REFUSAL },
                { BC_SIGNAL_EMERGENCY_END, BC_SIGNAL_REFUSAL }, { BC_SIGNAL_LET_GO, BC_SIGNAL_REFUSAL },
                { BC_SIGNAL_RECORDING, BC_SIGNAL_DOCKED },     { BC_SIGNAL_RECORDING, BC_SIGNAL_STARTING },
                { BC_SIGNAL_RECORDING, BC_SIGNAL_STOPPING },   { BC_SIGNAL_POST_EVENT, BC_SIGNAL_STANDBY },
                { BC_SIGNAL_POST_EVENT, BC_SIGNAL_DOCKED },    { BC_SIGNAL_EMERGENCY, BC_SIGNAL_DOCKED },
                { BC_SIGNAL_EMERGENCY, BC_SIGNAL_RECORDING },  { BC_SIGNAL_MUTED, BC_SIGNAL_STORAGE_LOW },
                { BC_SIGNAL_MUTED, BC_SIGNAL_BATTERY_LOW },    { BC_SIGNAL_TROUBLE, BC_SIGNAL_STORAGE_LOW },
                { BC_SIGNAL_TROUBLE, BC_SIGNAL_BATTERY_LOW },
        };

        (void)state;
        for (unsigned a = 0; a < BC_SIGNAL_COUNT; a++)
                for (unsigned b = 0; b < BC_SIGNAL_COUNT; b++) {
                        struct world world = { 0 };
                        bool must = false;
                        char expected[200] = "";

                        if (a == b || bc_signal_stands((enum bc_signal)a) != bc_signal_stands((enum bc_signal)b))
                                continue;
                        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
                                must |= pairs[i].a == a && pairs[i].b == b;
                        if (must)
                                snprintf(expected, sizeof(expected), "%s: looks the same as \"%s\" on this device\n",
                                         bc_signal_name((enum bc_signal)a), bc_signal_name((enum bc_signal)b));
                        for (size_t i = 0; !must && i < sizeof(pairs) / sizeof(pairs[0]); i++)
                                if (pairs[i].a == b && pairs[i].b == a)
                                        snprintf(expected, sizeof(expected), "%s: looks the same as \"%s\" on this device\n",
                                                 bc_signal_name((enum bc_signal)b), bc_signal_name((enum bc_signal)a));
                        // Nothing else looks like this.
                        set(&world, (enum bc_signal)a, "red+vibrate 70 ms, - 130 ms, red+vibrate 90 ms");
                        set(&world, (enum bc_signal)b, "red+vibrate 70 ms, - 130 ms, blue+red+vibrate 90 ms");
                        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL, "");
                        set(&world, (enum bc_signal)b, "red+vibrate 70 ms, - 130 ms, red+vibrate 90 ms");
                        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL, expected);
                }
        // Different only by what the device has not got.
        struct world world = { 0 };
        set(&world, BC_SIGNAL_RECORDING, "red 500 ms, - 500 ms");
        set(&world, BC_SIGNAL_BUFFERING, "red+green 500 ms, - 500 ms");
        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL, "");
        expect(&world, BC_SCHEME_DEFAULT, BC_OUTPUT_ALL & ~(uint32_t)BC_OUTPUT_GREEN,
               "recording: looks the same as \"buffering\" on this device\n");
}

#define FOREIGN ": this device has none of the outputs it uses\n"

static void test_devices_that_have_not_all(void **state)
{
        struct world world = { 0 };

        (void)state;
        // Lights alone: nothing of what is only felt or heard.
        expect(&world, BC_SCHEME_DEFAULT, outputs_of("red red2 yellow green blue"),
               "alarm" FOREIGN "start" FOREIGN "stop" FOREIGN "emergency-start" FOREIGN "emergency-end" FOREIGN
               "refusal" FOREIGN);
        // Vibration alone: nothing of what is only seen.
        expect(&world, BC_SCHEME_DEFAULT, outputs_of("vibrate"),
               "buffering" FOREIGN "post-event" FOREIGN "recording" FOREIGN "muted" FOREIGN "trouble" FOREIGN
               "emergency" FOREIGN "fault" FOREIGN);
        // Two lights: what is yellow must be given another one.
        expect(&world, BC_SCHEME_DEFAULT, outputs_of("red green vibrate"), "muted" FOREIGN "trouble" FOREIGN);
        expect(&world, BC_SCHEME_FRENCH, outputs_of("red green vibrate"), "muted" FOREIGN "trouble" FOREIGN);
        expect(&world, BC_SCHEME_CHINESE, outputs_of("red green vibrate"), "muted" FOREIGN "trouble" FOREIGN);
        set(&world, BC_SIGNAL_MUTED, "green 700 ms, - 700 ms");
        set(&world, BC_SIGNAL_TROUBLE, "green 200 ms, - 200 ms");
        expect(&world, BC_SCHEME_DEFAULT, outputs_of("red green vibrate"), "");
        // Without the one that others see, and without a loudspeaker, a scheme goes.
        memset(&world, 0, sizeof(world));
        expect(&world, BC_SCHEME_DEFAULT, outputs_of("red yellow green vibrate"), "");
        // Nothing at all: every one that is needed is refused.
        assert_int_equal(judge(&world, BC_SCHEME_DEFAULT, 0), -EINVAL);
        for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++) {
                char expected[200];

                snprintf(expected, sizeof(expected), "%s" FOREIGN, bc_signal_name((enum bc_signal)i));
                if (bc_signal_is_needed((enum bc_signal)i) != (strstr(world.told, expected) != NULL))
                        fail_msg("%s", expected);
        }
}

static void test_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++) {
                enum bc_signal signal = (enum bc_signal)i;

                assert_true(strlen(bc_signal_name(signal)) > 2 && strlen(bc_signal_help(signal)) > 8);
                assert_int_equal(bc_signal_stands(signal), i <= BC_SIGNAL_FAULT);
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(bc_signal_name(signal), bc_signal_name((enum bc_signal)k));
        }
        assert_string_equal(bc_signal_name(BC_SIGNAL_COUNT), "?");
        assert_string_equal(bc_signal_pattern(BC_SIGNAL_COUNT, BC_SCHEME_DEFAULT), "");
        assert_string_equal(bc_signal_pattern(BC_SIGNAL_FAULT, BC_SCHEME_COUNT), "");
        assert_string_equal(bc_scheme_name(BC_SCHEME_COUNT), "?");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_scheme_goes_with_a_device_that_has_all),
                cmocka_unit_test(test_no_scheme_flashes_too_fast),
                cmocka_unit_test(test_schemes_are_what_they_are_named_for),
                cmocka_unit_test(test_every_signal_has_its_key),
                cmocka_unit_test(test_own_patterns),
                cmocka_unit_test(test_needed_ones_are_noticed),
                cmocka_unit_test(test_pairs_that_must_differ),
                cmocka_unit_test(test_devices_that_have_not_all),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
