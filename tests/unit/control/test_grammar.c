// SPDX-License-Identifier: EUPL-1.2
// The sentences of grammar.h as stories. A story is a line of instants in ms with what happens there:
//
//     "0rec 100R 180r 9000."     a recording goes on; record is pressed at 100, released at 180; nothing until 9000
//
// R r E e are the edges, "idle", "rec", "emg" what the world is like from then on, "new" the other config, "." nothing. What
// comes of it is a line as well: "100:press-R 100:mark". Each story is told twice: with every deadline kept, and with the
// grammar asked at its own instants only, which are late for all that was due before.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/grammar.h"

#define MS BC_NS_PER_MS

static const struct bc_grammar_config usual = { 20 * MS, 2000 * MS, 5000 * MS }, other = { 10 * MS, 1000 * MS, 3000 * MS };

struct teller {
        struct bc_grammar grammar;
        struct bc_grammar_world world;
        char told[1024];
        size_t used;
};

static void tell(struct teller *teller, const struct bc_gestures *gestures)
{
        int64_t latest_ns = INT64_MIN;

        for (size_t i = 0; i < gestures->count; i++) {
                enum bc_gesture gesture = gestures->item[i].gesture;
                int64_t time_ns = gestures->item[i].time_ns;
                bool of_button = gesture == BC_GESTURE_PRESS || gesture == BC_GESTURE_STUCK || gesture == BC_GESTURE_FREE;

                assert_true(time_ns % MS == 0);
                // In their order; a mark alone is of an earlier instant.
                assert_true(time_ns >= latest_ns || gesture == BC_GESTURE_MARK);
                latest_ns = gesture == BC_GESTURE_MARK ? latest_ns : time_ns;
                teller->used += (size_t)snprintf(teller->told + teller->used, sizeof(teller->told) - teller->used,
                                                 "%s%lld:%s%s", teller->used ? " " : "", (long long)(time_ns / MS),
                                                 bc_gesture_name(gesture),
                                                 !of_button                                             ? ""
                                                 : gestures->item[i].button == BC_BUTTON_RECORD ? "-R" : "-E");
                assert_true(teller->used < sizeof(teller->told));
        }
}

static void elapse(struct teller *teller, int64_t now_ns)
{
        struct bc_gestures gestures = { 0 };

        bc_grammar_elapse(&teller->grammar, &teller->world, now_ns, &gestures);
        assert_true(bc_grammar_deadline_ns(&teller->grammar) > now_ns);
        tell(teller, &gestures);
}

static void edge(struct teller *teller, enum bc_button button, bool pressed, int64_t time_ns)
{
        struct bc_gestures gestures = { 0 };

        bc_grammar_edge(&teller->grammar, &teller->world, button, pressed, time_ns, &gestures);
        assert_true(bc_grammar_deadline_ns(&teller->grammar) > time_ns);
        tell(teller, &gestures);
}

static void happen(struct teller *teller, const char *what, int64_t time_ns)
{
        static const struct {
                const char *word;
                enum bc_button button;
                bool pressed;
        } edges[] = { { "R", BC_BUTTON_RECORD, true },    { "r", BC_BUTTON_RECORD, false },
                      { "E", BC_BUTTON_EMERGENCY, true }, { "e", BC_BUTTON_EMERGENCY, false } };

        for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
                if (strcmp(what, edges[i].word) == 0) {
                        edge(teller, edges[i].button, edges[i].pressed, time_ns);
                        return;
                }
        elapse(teller, time_ns);
        if (strcmp(what, "idle") == 0)
                teller->world = (struct bc_grammar_world){ 0 };
        else if (strcmp(what, "rec") == 0)
                teller->world = (struct bc_grammar_world){ .recording = true };
        else if (strcmp(what, "emg") == 0)
                teller->world = (struct bc_grammar_world){ .recording = true, .emergency = true };
        else if (strcmp(what, "new") == 0)
                bc_grammar_configure(&teller->grammar, &other);
        else if (strcmp(what, ".") != 0)
                fail_msg("no such word: %s", what);
}

static void tell_story(const char *story, bool punctual, struct teller *teller)
{
        char words[1024], *rest = NULL;

        *teller = (struct teller){ 0 };
        bc_grammar_init(&teller->grammar, &usual);
        assert_true(snprintf(words, sizeof(words), "%s", story) < (int)sizeof(words));
        for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                char *what;
                int64_t time_ns = strtoll(word, &what, 10) * MS, due_ns;

                while (punctual && (due_ns = bc_grammar_deadline_ns(&teller->grammar)) <= time_ns)
                        elapse(teller, due_ns);
                happen(teller, what, time_ns);
        }
}

static void expect(const char *story, const char *expected)
{
        struct teller teller;

        for (int punctual = 1; punctual >= 0; punctual--) {
                tell_story(story, punctual, &teller);
                if (strcmp(teller.told, expected) != 0)
                        fail_msg("%s, %s:\n  told     %s\n  expected %s", story, punctual ? "punctual" : "late", teller.told,
                                 expected);
        }
}

static void test_a_press_starts_at_once(void **state)
{
        (void)state;
        expect("100R 100.", "100:press-R 100:record");
        // However long it is held: it neither marks nor stops what it started.
        expect("100R 100rec 150r 9000.", "100:press-R 100:record");
        expect("100R 100rec 2099r 9000.", "100:press-R 100:record");
        expect("100R 100rec 2500r 9000.", "100:press-R 100:record");
        expect("100R 100rec 29000r 99000.", "100:press-R 100:record");
        // Refused, it starts nothing, and means nothing more either.
        expect("100R 5000r 9000.", "100:press-R 100:record");
        // What starts by a command meanwhile is not what the press was about.
        expect("100R 1000rec 5000r 9000.", "100:press-R 100:record");
}

static void test_a_short_press_marks_its_instant(void **state)
{
        (void)state;
        expect("0rec 100R 180r 180.", "100:press-R 100:mark");
        expect("0rec 100R 2099r 9000.", "100:press-R 100:mark");
        expect("0rec 100R 180r 300R 400r 9000.", "100:press-R 100:mark 300:press-R 300:mark");
        // Also in an emergency, and when the recording ended meanwhile: whether it can be kept is not for the grammar.
        expect("0emg 100R 180r 9000.", "100:press-R 100:mark");
        expect("0rec 100R 150idle 180r 9000.", "100:press-R 100:mark");
}

static void test_a_hold_stops(void **state)
{
        (void)state;
        expect("0rec 100R 2099.", "100:press-R");
        expect("0rec 100R 2100.", "100:press-R 2100:stop");
        expect("0rec 100R 2100. 2100idle 2500r 9000.", "100:press-R 2100:stop");
        // Released in the very instant: it was held for so long.
        expect("0rec 100R 2100r 9000.", "100:press-R 2100:stop");
        // Once, and never a mark as well; after it the next press is a new one.
        expect("0rec 100R 29000r 29500R 29600r 40000.", "100:press-R 2100:stop 29500:press-R 29500:mark");
        expect("0rec 100R 2200idle 3000r 3500R 3600r 9000.", "100:press-R 2100:stop 3500:press-R 3500:record");
}

static void test_emergency_is_heard_at_once(void **state)
{
        (void)state;
        expect("100E 100.", "100:press-E 100:emergency");
        expect("100E 100emg 150e 9000.", "100:press-E 100:emergency");
        // While record is held, before and after it has meant something.
        expect("0rec 100R 600E 600.", "100:press-R 600:press-E 600:emergency");
        expect("0rec 100R 600E 600emg 700e 9000r 9100.", "100:press-R 600:press-E 600:emergency");
        expect("0rec 100R 3000E 3000.", "100:press-R 2100:stop 3000:press-E 3000:emergency");
        expect("100R 100rec 600E 600.", "100:press-R 100:record 600:press-E 600:emergency");
        // While record bounces, and in the middle of its own hold.
        expect("0rec 100R 105r 107E 107.", "100:press-R 107:press-E 107:emergency");
        expect("0rec 100R 200r 205R 207E 207.", "100:press-R 100:mark 207:press-E 207:emergency");
        // While record is stuck.
        expect("0rec 100R 40000E 40000.", "100:press-R 2100:stop 30100:stuck-R 40000:press-E 40000:emergency");
        // Again in an emergency: what that means is the state table's.
        expect("0emg 100E 200e 9000.", "100:press-E 100:emergency");
        // Pressed for ages it is stuck, never anything else.
        expect("100E 100emg 90000.", "100:press-E 100:emergency 30100:stuck-E");
}

static void test_both_at_the_same_time_are_an_emergency(void **state)
{
        (void)state;
        expect("0rec 100R 100E 100emg 180r 190e 9000.", "100:press-R 100:press-E 100:emergency");
        expect("0rec 100E 100emg 100R 180r 190e 9000.", "100:press-E 100:emergency 100:press-R");
        expect("0rec 100R 110E 110emg 180r 190e 9000.", "100:press-R 110:press-E 110:emergency");
        expect("0rec 100E 100emg 110R 180e 190r 9000.", "100:press-E 100:emergency 110:press-R");
        // With nothing recorded: record first starts one, then the emergency is over it.
        expect("100R 100rec 100E 100emg 180r 190e 9000.", "100:press-R 100:record 100:press-E 100:emergency");
        // The squeeze that began the emergency does not end it, in either order, held as for an end.
        expect("0rec 100R 110E 110emg 5110. 5200r 5210e 9000.", "100:press-R 110:press-E 110:emergency");
        expect("0rec 100E 100emg 110R 5110. 5200r 5210e 9000.", "100:press-E 100:emergency 110:press-R");
        expect("100E 100emg 110R 5110. 5200r 5210e 9000.", "100:press-E 100:emergency 110:press-R");
        expect("100R 100rec 110E 110emg 5110. 5200r 5210e 9000.", "100:press-R 100:record 110:press-E 110:emergency");
        // In an emergency neither order marks.
        expect("0emg 100R 110E 180r 190e 9000.", "100:press-R 110:press-E 110:emergency");
        expect("0emg 100E 110R 180r 190e 9000.", "100:press-E 100:emergency 110:press-R");
}

#define CHORD "0emg 1000R 1100E " // held from 1100 on: let go from 6100 to 9100
#define CHORD_TOLD "1000:press-R 1100:press-E 1100:emergency"

static void test_the_chord_ends_an_emergency(void **state)
{
        (void)state;
        expect(CHORD "6099.", CHORD_TOLD);
        expect(CHORD "6100.", CHORD_TOLD " 6100:let-go");
        expect(CHORD "6500r 6500.", CHORD_TOLD " 6100:let-go");
        expect(CHORD "6500r 6600e 6600idle 40000.", CHORD_TOLD " 6100:let-go 6600:release");
        expect(CHORD "6500e 6600r 6600idle 40000.", CHORD_TOLD " 6100:let-go 6600:release");
        expect(CHORD "6100r 6100e 6100.", CHORD_TOLD " 6100:let-go 6100:release");
        expect(CHORD "6500r 9100e 9100.", CHORD_TOLD " 6100:let-go 9100:release");
        // The other order, and as far apart as together can be.
        expect("0emg 1000E 1500R 6500. 6600e 6700r 9000.",
               "1000:press-E 1000:emergency 1500:press-R 6500:let-go 6700:release");
        expect("0emg 1000R 1000E 6000. 6600e 6700r 9000.",
               "1000:press-R 1000:press-E 1000:emergency 6000:let-go 6700:release");
}

static void test_nothing_else_ends_an_emergency(void **state)
{
        (void)state;
        // One button alone, however long.
        expect("0emg 1000R 29000r 40000.", "1000:press-R 3000:stop");
        expect("0emg 1000E 29000e 40000.", "1000:press-E 1000:emergency");
        // One after the other.
        expect("0emg 1000R 1501E 6501. 6600r 6700e 9000.", "1000:press-R 1501:press-E 1501:emergency");
        expect("0emg 1000E 1501R 6501. 6600r 6700e 9000.", "1000:press-E 1000:emergency 1501:press-R");
        // One of them before the emergency that the other began; or that a command began.
        expect("0rec 1000R 1100E 1100emg 6100. 6200r 6300e 9000.", CHORD_TOLD);
        expect("0rec 1000R 1050emg 1100E 6100. 6200r 6300e 9000.", CHORD_TOLD);
        // Too short: one of them is let go before it is felt.
        expect(CHORD "6099r 6200e 9000.", CHORD_TOLD);
        expect(CHORD "6099e 6200r 9000.", CHORD_TOLD);
        // Too long: one or both of them later than 3 s after it was felt.
        expect(CHORD "9101r 9101e 20000.", CHORD_TOLD " 6100:let-go");
        expect(CHORD "6500r 9101e 20000.", CHORD_TOLD " 6100:let-go");
        expect(CHORD "6500e 9101r 20000.", CHORD_TOLD " 6100:let-go");
        expect(CHORD "31050. 31070r 31080e 40000.", CHORD_TOLD " 6100:let-go 31000:stuck-R 31070:free-R");
        // Pressed again in between.
        expect(CHORD "6500r 6600R 6700e 6800r 9000.", CHORD_TOLD " 6100:let-go 6600:press-R");
        expect(CHORD "6500e 6600E 6700r 6800e 9000.",
               CHORD_TOLD " 6100:let-go 6600:press-E 6600:emergency");
        expect(CHORD "3000r 3100R 6200. 6300r 6400e 9000.", CHORD_TOLD " 3100:press-R");
        // One of them is stuck.
        expect("0emg 1000R 40000E 45100. 45200r 45300e 60000.",
               "1000:press-R 3000:stop 31000:stuck-R 40000:press-E 40000:emergency 45200:free-R");
        // Let go of one in the squeeze, the other waits for a second one: again one after the other.
        expect(CHORD "1200r 1700R 6700. 6800r 6900e 9000.", CHORD_TOLD " 1700:press-R");
        // Where buttons end no emergency.
        struct bc_grammar_config never = usual;
        struct teller teller = { .world = { true, true } };
        never.release_hold_ns = 0;
        bc_grammar_init(&teller.grammar, &never);
        edge(&teller, BC_BUTTON_RECORD, true, 1000 * MS);
        edge(&teller, BC_BUTTON_EMERGENCY, true, 1100 * MS);
        for (int64_t ms = 1110; ms < 20000; ms += 10)
                elapse(&teller, ms * MS);
        edge(&teller, BC_BUTTON_RECORD, false, 20000 * MS);
        edge(&teller, BC_BUTTON_EMERGENCY, false, 20100 * MS);
        assert_string_equal(teller.told, CHORD_TOLD);
}

// It was ended by a command while both were held: there is nothing to let go for.
static void test_the_emergency_ends_beneath_the_chord(void **state)
{
        (void)state;
        expect(CHORD "3000rec 6200. 6300r 6400e 9000.", CHORD_TOLD);
}

static void test_contacts_bounce(void **state)
{
        (void)state;
        // While it goes down and up: one press, at the first edge's time, and one release, at its.
        expect("0rec 100R 103r 105R 109r 110R 300r 302R 306r 9000.", "100:press-R 100:mark");
        expect("100E 103e 105E 109e 110E 300e 302E 306e 9000.", "100:press-E 100:emergency");
        // The level differs at the end of it: that is what holds then.
        expect("0rec 100R 103r 105R 109r 9000.", "100:press-R 100:mark");
        expect("0rec 100R 109r 119.", "100:press-R");
        expect("0rec 100R 109r 120.", "100:press-R 100:mark");
        expect("0rec 100R 300r 310R 319.", "100:press-R 100:mark");
        expect("0rec 100R 300r 310R 320.", "100:press-R 100:mark 320:press-R");
        // An edge in the very instant that the bouncing ends is one of its own.
        expect("0rec 100R 120r 120.", "100:press-R 100:mark");
        expect("0rec 100R 119r 119.", "100:press-R");
        // A hold counts from the first edge.
        expect("0rec 100R 103r 105R 2100.", "100:press-R 2100:stop");
        // Bouncing does not end the chord's hold, and its release is one.
        expect(CHORD "1103e 1105E 6500r 6503R 6505r 6600e 6602E 6604e 9000.", CHORD_TOLD " 6100:let-go 6600:release");
        // What one contact does means nothing for the other.
        expect("0rec 100R 101E 101.", "100:press-R 101:press-E 101:emergency");
        // Repeated ones are none.
        expect("0rec 100R 200R 300R 400r 500r 9000.", "100:press-R 100:mark");
        expect("100r 200e 9000.", "");
}

static void test_very_fast_presses(void **state)
{
        (void)state;
        // Shorter than the debounce time: a press, which ends with it.
        expect("0rec 100R 101r 9000.", "100:press-R 100:mark");
        expect("100R 100rec 101r 9000.", "100:press-R 100:record");
        expect("100E 100r 100e 9000.", "100:press-E 100:emergency");
        // Several within it are one.
        expect("0rec 100R 105r 110R 115r 9000.", "100:press-R 100:mark");
        // As fast as can be told apart.
        expect("0rec 100R 120r 140R 160r 180R 200r 9000.", "100:press-R 100:mark 140:press-R 140:mark 180:press-R 180:mark");
        // After a short one the contact was still for the debounce time: the next one is told at its own instant.
        expect("0rec 100R 105r 125R 128r 9000.", "100:press-R 100:mark 125:press-R 125:mark");
        expect("0rec 100R 105r 130R 200r 9000.", "100:press-R 100:mark 130:press-R 130:mark");
        // It was not: what is there at its end counts.
        expect("0rec 100R 118r 122R 400r 9000.", "100:press-R 100:mark 138:press-R 138:mark");
}

static void test_stuck(void **state)
{
        (void)state;
        expect("0rec 100R 30099.", "100:press-R 2100:stop");
        expect("0rec 100R 30100.", "100:press-R 2100:stop 30100:stuck-R");
        expect("100E 30100.", "100:press-E 100:emergency 30100:stuck-E");
        // Told once; it means nothing more until it was released, and then it is a button as before.
        expect("100R 100rec 90000r 91000R 91100r 99000.",
               "100:press-R 100:record 30100:stuck-R 90000:free-R 91000:press-R 91000:mark");
        // The other one is heard as ever, for all that it alone means.
        expect("100E 100rec 40000R 40100r 50000R 52000. 53000r 60000.",
               "100:press-E 100:emergency 30100:stuck-E 40000:press-R 40000:mark 50000:press-R 52000:stop");
        expect("100E 40000R 40000rec 43000r 60000.", "100:press-E 100:emergency 30100:stuck-E 40000:press-R 40000:record");
        // Both.
        expect("100R 200E 90000r 90000e 90100.",
               "100:press-R 100:record 200:press-E 200:emergency 30100:stuck-R 30200:stuck-E 90000:free-R 90000:free-E");
        // Released in the very instant, and shortly bouncing before.
        expect("100R 30100r 30200.", "100:press-R 100:record 30100:stuck-R 30100:free-R");
        expect("100R 30090r 30095R 30100. 30111. 60000.", "100:press-R 100:record 30110:press-R 30110:record");
}

static void test_times_that_go_back(void **state)
{
        struct teller teller = { .world = { .recording = true } };
        struct bc_gestures gestures = { 0 };

        (void)state;
        bc_grammar_init(&teller.grammar, &usual);
        elapse(&teller, 5000 * MS);
        // They count as the latest instant heard of.
        bc_grammar_edge(&teller.grammar, &teller.world, BC_BUTTON_RECORD, true, 1000 * MS, &gestures);
        bc_grammar_elapse(&teller.grammar, &teller.world, -1000 * MS, &gestures);
        tell(&teller, &gestures);
        assert_string_equal(teller.told, "5000:press-R");
        gestures.count = 0;
        bc_grammar_edge(&teller.grammar, &teller.world, BC_BUTTON_RECORD, false, INT64_MIN, &gestures);
        assert_int_equal(gestures.count, 0);
        elapse(&teller, 5100 * MS);
        assert_string_equal(teller.told, "5000:press-R 5000:mark");
        // A hold is not made longer by them.
        edge(&teller, BC_BUTTON_RECORD, true, 6000 * MS);
        gestures.count = 0;
        bc_grammar_edge(&teller.grammar, &teller.world, BC_BUTTON_EMERGENCY, false, 10 * MS, &gestures);
        assert_int_equal(gestures.count, 0);
        assert_int_equal(bc_grammar_deadline_ns(&teller.grammar), 8000 * MS);
}

// Everything that can be due at once, asked for at the very end: in the order of their times.
static void test_late_deadlines(void **state)
{
        (void)state;
        expect("0rec 100R 105r 300E 305e 500R 99000.",
               "100:press-R 100:mark 300:press-E 300:emergency 500:press-R 2500:stop 30500:stuck-R");
        expect("0emg 1000R 1100E 99000.", CHORD_TOLD " 6100:let-go 31000:stuck-R 31100:stuck-E");
        expect("0emg 1000R 1005r 1010E 1015e 99000.", "1000:press-R 1010:press-E 1010:emergency");
        expect("0rec 100R 200r 210R 99000.", "100:press-R 100:mark 220:press-R 2220:stop 30220:stuck-R");
}

static void test_config_changed_while_held(void **state)
{
        (void)state;
        // What is held was pressed under other rules: it becomes nothing more, and is not dangerous either.
        expect("0rec 100R 500new 600r 9000.", "100:press-R");
        expect("0rec 100R 500new 9000r 10000.", "100:press-R");
        expect(CHORD "3000new 6200. 6300r 6400e 9000.", CHORD_TOLD);
        expect("0emg 1000R 1050new 1100E 6100. 6500r 6600e 9000.", CHORD_TOLD);
        expect(CHORD "6500new 6600r 6700e 9000.", CHORD_TOLD " 6100:let-go");
        // But it may still be stuck, and emergency is heard beneath it.
        expect("0rec 100R 500new 600E 30100.", "100:press-R 600:press-E 600:emergency 30100:stuck-R");
        // What is pressed from then on goes by the new ones.
        expect("0rec 500new 1000R 2000. 2100r 3000.", "1000:press-R 2000:stop");
        expect("0emg 500new 1000R 1100E 4100. 4200r 4300e 9000.", CHORD_TOLD " 4100:let-go 4300:release");
        expect("0rec 100R 105r 106new 9000.", "100:press-R");
}

// What no port should tell.
static void test_a_button_that_is_none(void **state)
{
        struct teller teller = { 0 };

        (void)state;
        bc_grammar_init(&teller.grammar, &usual);
        edge(&teller, BC_BUTTON_COUNT, true, 0);
        edge(&teller, (enum bc_button)1000, true, 0);
        assert_int_equal(teller.used, 0);
        assert_int_equal(bc_grammar_deadline_ns(&teller.grammar), BC_NS_NEVER);
}

static void test_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < BC_GESTURE_COUNT; i++)
                for (unsigned k = 0; k <= BC_GESTURE_COUNT; k++)
                        assert_int_equal(strcmp(bc_gesture_name((enum bc_gesture)i), bc_gesture_name((enum bc_gesture)k)) == 0, i == k);
        assert_string_equal(bc_gesture_name(BC_GESTURE_COUNT), "?");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_press_starts_at_once),
                cmocka_unit_test(test_a_short_press_marks_its_instant),
                cmocka_unit_test(test_a_hold_stops),
                cmocka_unit_test(test_emergency_is_heard_at_once),
                cmocka_unit_test(test_both_at_the_same_time_are_an_emergency),
                cmocka_unit_test(test_the_chord_ends_an_emergency),
                cmocka_unit_test(test_nothing_else_ends_an_emergency),
                cmocka_unit_test(test_the_emergency_ends_beneath_the_chord),
                cmocka_unit_test(test_contacts_bounce),
                cmocka_unit_test(test_very_fast_presses),
                cmocka_unit_test(test_stuck),
                cmocka_unit_test(test_times_that_go_back),
                cmocka_unit_test(test_late_deadlines),
                cmocka_unit_test(test_config_changed_while_held),
                cmocka_unit_test(test_a_button_that_is_none),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
