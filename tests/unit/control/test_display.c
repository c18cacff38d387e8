// SPDX-License-Identifier: EUPL-1.2
// A story of what is shown is told by its changes, from one instant at which the display wants to be looked at to the next:
// "0 red, 500 -, 1000 red". Times are ms.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/time.h"
#include "control/display.h"
#include "lib/counts.h"

#define MS BC_NS_PER_MS

struct world {
        struct bc_pattern patterns[BC_SIGNAL_COUNT];
        struct bc_display display;
        struct bc_indication shown;
        int64_t next_ns;
        char told[2048];
};

static const char *word(const struct bc_indication *indication)
{
        static const char *const words[] = { "red", "red2", "yellow", "green", "blue" };
        static char text[100];
        size_t used = 0;

        text[0] = 0;
        for (unsigned i = 0; i < 5; i++)
                if (indication->lights & 1u << i)
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "+" : "", words[i]);
        if (indication->tone_hz)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%stone%u", used ? "+" : "", indication->tone_hz);
        if (indication->vibration)
                snprintf(text + used, sizeof(text) - used, "%svibrate", used ? "+" : "");
        return text[0] ? text : "-";
}

static void look(struct world *world, int64_t now_ns)
{
        struct bc_indication indication = bc_display_at(&world->display, now_ns, &world->next_ns);
        size_t used = strlen(world->told);

        assert_true(world->next_ns > now_ns);
        if (used == 0 || !bc_indication_is_same(&indication, &world->shown))
                snprintf(world->told + used, sizeof(world->told) - used, "%s%lld %s", used ? ", " : "",
                         (long long)(now_ns / MS), word(&indication));
        world->shown = indication;
}

// Looks only when the display asks for it.
static void pass(struct world *world, int64_t until_ms)
{
        while (world->next_ns <= until_ms * MS)
                look(world, world->next_ns);
}

static void stand(struct world *world, enum bc_signal signal, bool there, int64_t at_ms)
{
        pass(world, at_ms);
        bc_display_stand(&world->display, signal, there, at_ms * MS);
        look(world, at_ms * MS);
}

static void flash(struct world *world, enum bc_signal signal, int64_t at_ms)
{
        pass(world, at_ms);
        bc_display_flash(&world->display, signal, at_ms * MS);
        look(world, at_ms * MS);
}

static void begin(struct world *world)
{
        world->told[0] = 0;
        world->next_ns = BC_NS_NEVER;
        bc_display_init(&world->display, world->patterns);
}

static void set(struct world *world, enum bc_signal signal, const char *text)
{
        char why[160];

        assert_int_equal(bc_pattern_parse(text, &world->patterns[signal], why, sizeof(why)), 0);
}

static void expect(struct world *world, int64_t until_ms, const char *told)
{
        pass(world, until_ms);
        assert_string_equal(world->told, told);
}

static void test_nothing(void **state)
{
        struct world world = { 0 };

        (void)state;
        begin(&world);
        look(&world, 0);
        expect(&world, 100000, "0 -");
        assert_int_equal(world.next_ns, BC_NS_NEVER);
        // What has no pattern is not shown, and asks for nothing.
        stand(&world, BC_SIGNAL_POWER, true, 100);
        flash(&world, BC_SIGNAL_MARK, 200);
        flash(&world, BC_SIGNAL_FAULT, 300);
        expect(&world, 100000, "0 -");
        assert_int_equal(world.next_ns, BC_NS_NEVER);
}

static void test_a_rhythm_is_kept(void **state)
{
        struct world world = { 0 };

        (void)state;
        set(&world, BC_SIGNAL_RECORDING, "red 500 ms, - 300 ms");
        set(&world, BC_SIGNAL_BUFFERING, "green 1 s");
        begin(&world);
        stand(&world, BC_SIGNAL_RECORDING, true, 100);
        stand(&world, BC_SIGNAL_RECORDING, true, 350);
        stand(&world, BC_SIGNAL_RECORDING, true, 1000);
        expect(&world, 2000, "100 red, 600 -, 900 red, 1400 -, 1700 red");
        // A single step stands for ever: nobody needs to look.
        begin(&world);
        stand(&world, BC_SIGNAL_BUFFERING, true, 100);
        assert_int_equal(world.next_ns, BC_NS_NEVER);
        // Gone and come again, it begins again.
        begin(&world);
        stand(&world, BC_SIGNAL_RECORDING, true, 0);
        stand(&world, BC_SIGNAL_RECORDING, false, 600);
        stand(&world, BC_SIGNAL_RECORDING, true, 700);
        expect(&world, 1300, "0 red, 500 -, 700 red, 1200 -");
        // Beneath something else it goes on: what comes back is in its old rhythm.
        set(&world, BC_SIGNAL_FAULT, "red 100 ms, - 100 ms");
        begin(&world);
        stand(&world, BC_SIGNAL_RECORDING, true, 0);
        stand(&world, BC_SIGNAL_FAULT, true, 200);
        stand(&world, BC_SIGNAL_FAULT, false, 430);
        expect(&world, 900, "0 red, 300 -, 400 red, 500 -, 800 red");
}

static void test_rank_goes_by_output(void **state)
{
        struct world world = { 0 };

        (void)state;
        set(&world, BC_SIGNAL_RECORDING, "red 500 ms, - 500 ms");
        set(&world, BC_SIGNAL_STORAGE_LOW, "yellow 200 ms, - 800 ms");
        set(&world, BC_SIGNAL_TROUBLE, "yellow+tone900 300 ms, - 300 ms");
        set(&world, BC_SIGNAL_EMERGENCY, "red+red2 200 ms, red2 200 ms");
        begin(&world);
        stand(&world, BC_SIGNAL_RECORDING, true, 0);
        stand(&world, BC_SIGNAL_STORAGE_LOW, true, 0);
        expect(&world, 1000, "0 red, 0 red+yellow, 200 red, 500 -, 1000 red+yellow");
        // The higher one has the output also while it is off in it.
        stand(&world, BC_SIGNAL_TROUBLE, true, 1000);
        expect(&world, 1800, "0 red, 0 red+yellow, 200 red, 500 -, 1000 red+yellow, 1000 red+yellow+tone900, 1300 red, 1500 -, "
                             "1600 yellow+tone900");
        begin(&world);
        stand(&world, BC_SIGNAL_EMERGENCY, true, 0);
        stand(&world, BC_SIGNAL_TROUBLE, true, 0);
        stand(&world, BC_SIGNAL_RECORDING, true, 0);
        expect(&world, 500, "0 red+red2, 0 red+red2+yellow+tone900, 200 red2+yellow+tone900, 300 red2, 400 red+red2");
}

static void test_what_happens_is_above_what_stands(void **state)
{
        struct world world = { 0 };

        (void)state;
        set(&world, BC_SIGNAL_FAULT, "red+vibrate 1 s");
        set(&world, BC_SIGNAL_PRESS, "vibrate+blue 80 ms");
        set(&world, BC_SIGNAL_MARK, "vibrate 50 ms, - 50 ms, vibrate 50 ms");
        set(&world, BC_SIGNAL_REFUSAL, "tone300 400 ms");
        begin(&world);
        stand(&world, BC_SIGNAL_FAULT, true, 0);
        flash(&world, BC_SIGNAL_MARK, 100);
        expect(&world, 1000, "0 red+vibrate, 150 red, 200 red+vibrate");
        assert_int_equal(world.next_ns, BC_NS_NEVER);
        // Several at once: the higher one first, the rest of the lower one after it.
        begin(&world);
        flash(&world, BC_SIGNAL_PRESS, 0);
        flash(&world, BC_SIGNAL_MARK, 10);
        flash(&world, BC_SIGNAL_REFUSAL, 20);
        expect(&world, 1000, "0 blue+vibrate, 20 blue+tone300+vibrate, 60 blue+tone300, 80 tone300, 110 tone300+vibrate, "
                             "160 tone300, 420 -");
        // Again while it is shown: from the start.
        begin(&world);
        flash(&world, BC_SIGNAL_PRESS, 0);
        flash(&world, BC_SIGNAL_PRESS, 50);
        expect(&world, 1000, "0 blue+vibrate, 130 -");
        // Once only.
        assert_int_equal(world.display.flash_ns[BC_SIGNAL_PRESS], BC_NS_NEVER);
}

static void test_preview(void **state)
{
        struct world world = { 0 };

        (void)state;
        set(&world, BC_SIGNAL_RECORDING, "red 500 ms, - 200 ms");
        set(&world, BC_SIGNAL_BUFFERING, "green 1 s");
        set(&world, BC_SIGNAL_STANDBY, "green 100 ms, - 4 s");
        set(&world, BC_SIGNAL_FAULT, "red 10 s");
        begin(&world);
        // Whole turns, 3 s at least.
        flash(&world, BC_SIGNAL_RECORDING, 0);
        expect(&world, 100000, "0 red, 500 -, 700 red, 1200 -, 1400 red, 1900 -, 2100 red, 2600 -, 2800 red, 3300 -");
        begin(&world);
        flash(&world, BC_SIGNAL_BUFFERING, 0);
        expect(&world, 100000, "0 green, 3000 -");
        begin(&world);
        flash(&world, BC_SIGNAL_STANDBY, 0);
        expect(&world, 4099, "0 green, 100 -");
        assert_int_equal(world.next_ns, 4100 * MS);
        // Above what stands, whatever its rank.
        begin(&world);
        stand(&world, BC_SIGNAL_FAULT, true, 0);
        flash(&world, BC_SIGNAL_RECORDING, 1000);
        expect(&world, 100000, "0 red, 1500 -, 1700 red, 2200 -, 2400 red, 2900 -, 3100 red, 3600 -, 3800 red, 4300 -, 4500 red");
}

static void test_dark(void **state)
{
        struct world world = { 0 };

        (void)state;
        set(&world, BC_SIGNAL_RECORDING, "red+vibrate+tone500 500 ms, - 500 ms");
        set(&world, BC_SIGNAL_ALARM, "vibrate 300 ms");
        begin(&world);
        world.display.dark = true;
        stand(&world, BC_SIGNAL_RECORDING, true, 0);
        flash(&world, BC_SIGNAL_ALARM, 100);
        expect(&world, 1300, "0 -");
        // What was flashed in it is not made up for; the rhythm is the old one.
        world.display.dark = false;
        look(&world, 1300 * MS);
        expect(&world, 2000, "0 -, 1300 red+tone500+vibrate, 1500 -, 2000 red+tone500+vibrate");
}

// ---- compared with looking at every ms -----------------------------------------------------------------------

static uint64_t draw(uint64_t *random, uint64_t below)
{
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        return (*random >> 11) % below;
}

static void draw_pattern(uint64_t *random, struct bc_pattern *pattern)
{
        *pattern = (struct bc_pattern){ .steps = (size_t)draw(random, 5) };
        for (size_t i = 0; i < pattern->steps; i++) {
                struct bc_pattern_step *step = &pattern->step[i];

                step->outputs = (uint32_t)(draw(random, 128) & draw(random, 128));
                step->tone_hz = step->outputs & BC_OUTPUT_TONE ? (uint16_t)(500 + draw(random, 5)) : 0;
                step->length_ns = (int64_t)(30 + draw(random, 400)) * MS;
                pattern->length_ns += step->length_ns;
                pattern->uses |= step->outputs;
        }
}

struct event {
        int64_t at_ms;
        enum bc_signal signal;
        bool is_flash, there;
};
#define EVENTS 25

// Which signal has an output at an instant, from the list of what happened, and what it does with it.
static const struct bc_pattern_step *owner(const struct bc_pattern *patterns, const struct event *events, int64_t ms,
                                           uint32_t output)
{
        int64_t since_ms, length_ms, end_ms;

        for (int flashes = 1; flashes >= 0; flashes--)
                for (unsigned signal = BC_SIGNAL_COUNT; signal-- > 0;) {
                        const struct bc_pattern *pattern = &patterns[signal];
                        int64_t place_ms;
                        size_t i = 0;

                        since_ms = -1;
                        for (size_t e = 0; e < EVENTS && events[e].at_ms <= ms; e++)
                                if (events[e].signal == signal && events[e].is_flash == flashes) {
                                        if (flashes)
                                                since_ms = events[e].at_ms;
                                        else if (!events[e].there)
                                                since_ms = -1;
                                        else if (since_ms < 0)
                                                since_ms = events[e].at_ms;
                                }
                        if (since_ms < 0 || !(pattern->uses & output))
                                continue;
                        length_ms = pattern->length_ns / MS;
                        end_ms = since_ms;
                        do
                                end_ms += length_ms;
                        while (signal <= BC_SIGNAL_FAULT && end_ms < since_ms + 3000);
                        if (flashes && ms >= end_ms)
                                continue;
                        place_ms = (ms - since_ms) % length_ms;
                        while (place_ms >= pattern->step[i].length_ns / MS)
                                place_ms -= pattern->step[i++].length_ns / MS;
                        return &pattern->step[i];
                }
        return NULL;
}

static struct bc_indication looked_up(const struct bc_pattern *patterns, const struct event *events, int64_t ms)
{
        struct bc_indication indication = { 0 };

        for (unsigned bit = 0; bit < BC_OUTPUT_BITS; bit++) {
                const struct bc_pattern_step *step = owner(patterns, events, ms, 1u << bit);

                if (!step || !(step->outputs & 1u << bit))
                        continue;
                if (1u << bit == BC_OUTPUT_TONE)
                        indication.tone_hz = step->tone_hz;
                else if (1u << bit == BC_OUTPUT_VIBRATE)
                        indication.vibration = true;
                else
                        indication.lights |= 1u << bit;
        }
        return indication;
}

static void test_random_against_every_ms(void **state)
{
        unsigned runs = counts_of(15, 60, 3000), looks = 0, changes = 0;
        uint64_t random = 88172645463325252;

        (void)state;
        for (unsigned run = 0; run < runs; run++) {
                struct bc_pattern patterns[BC_SIGNAL_COUNT];
                struct event events[EVENTS];
                struct bc_display display;
                struct bc_indication shown = { 0 };
                int64_t next_ns = 0, at_ms = 5;
                size_t next = 0;

                for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++)
                        draw_pattern(&random, &patterns[i]);
                for (size_t i = 0; i < EVENTS; i++) {
                        at_ms += (int64_t)draw(&random, 600);
                        events[i] = (struct event){ at_ms, (enum bc_signal)draw(&random, BC_SIGNAL_COUNT), draw(&random, 2),
                                                    draw(&random, 4) > 0 };
                        if (!bc_signal_stands(events[i].signal))
                                events[i].is_flash = true;
                }
                bc_display_init(&display, patterns);
                for (int64_t ms = 0; ms < at_ms + 3000; ms++) {
                        struct bc_indication expected = looked_up(patterns, events, ms);
                        bool look_at_it = next_ns <= ms * MS;

                        for (; next < EVENTS && events[next].at_ms == ms; next++) {
                                if (events[next].is_flash)
                                        bc_display_flash(&display, events[next].signal, ms * MS);
                                else
                                        bc_display_stand(&display, events[next].signal, events[next].there, ms * MS);
                                look_at_it = true;
                        }
                        if (look_at_it) {
                                struct bc_indication now = bc_display_at(&display, ms * MS, &next_ns);

                                assert_true(next_ns > ms * MS);
                                changes += !bc_indication_is_same(&now, &shown);
                                looks++;
                                shown = now;
                        }
                        if (!bc_indication_is_same(&shown, &expected))
                                fail_msg("run %u, %lld ms: shown %x %u %d, expected %x %u %d", run, (long long)ms, shown.lights,
                                         shown.tone_hz, shown.vibration, expected.lights, expected.tone_hz, expected.vibration);
                }
        }
        print_message("%u looks, %u changes\n", looks, changes);
        // It is not asked to look much more often than something changes.
        assert_true(changes > runs * 20 && looks < changes * 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_a_rhythm_is_kept),
                cmocka_unit_test(test_rank_goes_by_output),
                cmocka_unit_test(test_what_happens_is_above_what_stands),
                cmocka_unit_test(test_preview),
                cmocka_unit_test(test_dark),
                cmocka_unit_test(test_random_against_every_ms),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
