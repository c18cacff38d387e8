// SPDX-License-Identifier: EUPL-1.2
// Lives of an officer and a camera: whatever contacts, commands, the dock, faults and policies do, and in whatever order, fed
// through grammar, policy and state table as control/officer.c and control/controller.c do, the promises hold after each step.
// BC_LONG=1: ten times as many.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/counts.h"
#include "life.h"

#define MS BC_NS_PER_MS
#define S BC_NS_PER_S

// An edge of a contact, which may bounce for up to twice the debounce time.
static void plan_edge(struct life *life, enum bc_button button, bool down, int64_t time_ns)
{
        int64_t bounce_ns = 1000 + life_draw_ns(life, 2 * life->grammar.config.debounce_ns);
        unsigned bounces = life_draw(life, 2) ? 0 : (unsigned)life_draw(life, 4);

        if (life_draw(life, 3))
                bounce_ns /= 2;
        life_plan(life, (struct life_item){ .time_ns = time_ns, .what = LIFE_EDGE, .button = button, .down = down });
        for (unsigned i = 1; i <= 2 * bounces; i++)
                life_plan(life, (struct life_item){ .time_ns = time_ns + (int64_t)i * bounce_ns / (2 * bounces), .what = LIFE_EDGE,
                                          .button = button, .down = i % 2 ? !down : down });
}

static void plan_press(struct life *life, enum bc_button button, int64_t time_ns, int64_t length_ns)
{
        plan_edge(life, button, true, time_ns);
        plan_edge(life, button, false, time_ns + 1 + length_ns);
        // Whatever bounced last, it is up in the end.
        life_plan(life, (struct life_item){ .time_ns = time_ns + length_ns + 250 * MS, .what = LIFE_EDGE, .button = button });
}

// Both, held from the second one on for about, or exactly not, what the chord asks for.
static void plan_squeeze(struct life *life, int64_t time_ns)
{
        int64_t hold_ns = life->grammar.config.release_hold_ns, apart_ns = 2 + life_draw_ns(life, 600 * MS);
        enum bc_button first = life_draw(life, 2) ? BC_BUTTON_RECORD : BC_BUTTON_EMERGENCY;
        int64_t length_ns = life_draw(life, 2) ? hold_ns + life_draw_ns(life, 4 * S) : life_draw_ns(life, 32 * S);

        plan_press(life, first, time_ns, apart_ns + length_ns + life_draw_ns(life, 400 * MS));
        plan_press(life, 1 - first, time_ns + apart_ns, length_ns + life_draw_ns(life, 400 * MS));
}

static void plan_command(struct life *life, int64_t time_ns)
{
        static const enum bc_event commands[] = {
                BC_EVENT_SENSORS_ON, BC_EVENT_SENSORS_OFF, BC_EVENT_RECORD_START, BC_EVENT_RECORD_START, BC_EVENT_RECORD_STOP,
                BC_EVENT_RECORD_STOP, BC_EVENT_EMERGENCY_START, BC_EVENT_EMERGENCY_RELEASE, BC_EVENT_MARK, BC_EVENT_MUTE,
                BC_EVENT_MUTE, BC_EVENT_UNMUTE, BC_EVENT_STEALTH_ON, BC_EVENT_STEALTH_OFF,
        };

        life_plan(life, (struct life_item){ .time_ns = time_ns, .what = LIFE_COMMAND,
                                  .event = commands[life_draw(life, sizeof(commands) / sizeof(commands[0]))] });
}

static void plan_device(struct life *life, int64_t time_ns, enum bc_event event, enum bc_event back)
{
        life_plan(life, (struct life_item){ .time_ns = time_ns, .what = LIFE_DEVICE, .event = event });
        if (life_draw(life, 8))
                life_plan(life, (struct life_item){ .time_ns = time_ns + 1 + life_draw_ns(life, 30 * S), .what = LIFE_DEVICE, .event = back });
}

static void plan_life(struct life *life)
{
        int64_t at_ns = 1 * S;

        life_plan(life, (struct life_item){ .time_ns = at_ns + life_draw_ns(life, 20 * S), .what = LIFE_DEVICE, .event = BC_EVENT_STARTED });
        for (unsigned i = 0; i < 25; i++) {
                enum bc_button button = life_draw(life, 3) ? BC_BUTTON_RECORD : BC_BUTTON_EMERGENCY;

                // Mostly one thing after the other, sometimes one into the other.
                at_ns += 2 + life_draw_ns(life, life_draw(life, 3) ? 12 * S : 300 * MS);
                switch (life_draw(life, 12)) {
                case 0:
                case 1:
                case 2:
                        plan_press(life, button, at_ns, life_draw_ns(life, life_draw(life, 3) ? 400 * MS : 4 * S));
                        break;
                case 3:
                        plan_press(life, button, at_ns, life_draw_ns(life, 40 * S));
                        break;
                case 4:
                case 5:
                        plan_squeeze(life, at_ns);
                        break;
                case 6:
                        // A contact that chatters.
                        for (unsigned k = 0; k < 12; k++)
                                life_plan(life, (struct life_item){ .time_ns = at_ns + life_draw_ns(life, 200 * MS), .what = LIFE_EDGE,
                                                          .button = button, .down = k % 2 == 0 });
                        break;
                case 7:
                case 8:
                case 9:
                        plan_command(life, at_ns);
                        break;
                case 10:
                        if (life_draw(life, 2))
                                plan_device(life, at_ns, BC_EVENT_DOCK, BC_EVENT_UNDOCK);
                        else if (life_draw(life, 2))
                                plan_device(life, at_ns, BC_EVENT_RESERVE_REACHED, BC_EVENT_RESERVE_LEFT);
                        else
                                plan_device(life, at_ns, BC_EVENT_CAPTURE_LOST, BC_EVENT_CAPTURE_BACK);
                        break;
                default:
                        if (life_draw(life, 4) == 0)
                                life_plan(life, (struct life_item){ .time_ns = at_ns, .what = LIFE_NEW_CONFIG });
                        break;
                }
        }
        life_plan(life, (struct life_item){ .time_ns = at_ns + life_draw_ns(life, 60 * S), .what = LIFE_DEVICE, .event = BC_EVENT_SHUTDOWN });
        life_plan(life, (struct life_item){ .time_ns = at_ns + 100 * S, .what = LIFE_DEVICE, .event = BC_EVENT_STOPPED });
}

static void test_lives(void **state)
{
        uint64_t lives = counts_of(20000, 100000, 1000000);
        struct life_seen seen = { 0 };

        (void)state;
        for (uint64_t seed = 1; seed <= lives; seed++) {
                struct life life;

                life_begin(&life, seed, &seen);
                plan_life(&life);
                life_live(&life, &seen);
                assert_true(life.mode.phase == BC_PHASE_STOPPING && !life.open);
        }
        print_message("%llu steps; emergencies ended by the chord %llu, a command %llu, the dock %llu, the end %llu; refused %llu, "
                      "of these by the policy %llu; begun by it %llu; mutes %llu; by the reserve ended %llu, refused %llu\n",
                      (unsigned long long)seen.steps, (unsigned long long)seen.ended_by_chord,
                      (unsigned long long)seen.ended_by_command, (unsigned long long)seen.ended_by_dock,
                      (unsigned long long)seen.ended_by_shutdown, (unsigned long long)seen.refused,
                      (unsigned long long)seen.policy_refused, (unsigned long long)seen.policy_starts,
                      (unsigned long long)seen.mutes, (unsigned long long)seen.reserve_stops,
                      (unsigned long long)seen.reserve_refusals);
        for (unsigned i = 0; i < BC_GESTURE_COUNT; i++) {
                print_message("%s %llu\n", bc_gesture_name((enum bc_gesture)i), (unsigned long long)seen.gesture[i]);
                assert_true(seen.gesture[i] > lives / 20);
        }
        assert_true(seen.ended_by_chord > lives / 20 && seen.ended_by_command > lives / 20 && seen.ended_by_dock > lives / 20 &&
                    seen.ended_by_shutdown > lives / 20 && seen.policy_refused > lives / 20 && seen.policy_starts > lives / 20 &&
                    seen.mutes > lives / 20 && seen.reserve_stops > lives / 20 && seen.reserve_refusals > lives / 20);
}

// Half a second off what the chord asks for, in one way or another.
static int64_t plan_pocket(struct life *life, int64_t at_ns)
{
        int64_t hold_ns = life->grammar.config.release_hold_ns, apart_ns, length_ns = life_draw_ns(life, 35 * S);
        enum bc_button first = life_draw(life, 2) ? BC_BUTTON_RECORD : BC_BUTTON_EMERGENCY;
        int64_t off_ns = 500 * MS + life_draw_ns(life, 2 * S), more_ns = 0;

        switch (life_draw(life, 4)) {
        case 0: // one alone
                plan_press(life, first, at_ns, length_ns);
                return at_ns + length_ns;
        case 1: // one after the other
                apart_ns = BC_GRAMMAR_TOGETHER_NS + off_ns;
                break;
        case 2: // too short
                apart_ns = life_draw_ns(life, 1 * S);
                length_ns = life_draw_ns(life, hold_ns > off_ns ? hold_ns - off_ns + 1 : 1 * S);
                break;
        default: // too long, one or both
                apart_ns = life_draw_ns(life, 1 * S);
                length_ns = hold_ns + BC_GRAMMAR_LET_GO_NS + off_ns;
                more_ns = life_draw(life, 2) ? 0 : life_draw_ns(life, length_ns);
                break;
        }
        plan_press(life, first, at_ns, apart_ns + length_ns - more_ns);
        plan_press(life, 1 - first, at_ns + apart_ns, length_ns + life_draw_ns(life, 3 * S) * (more_ns == 0));
        return at_ns + apart_ns + length_ns + 3 * S;
}

static int64_t plan_chord(struct life *life, int64_t at_ns)
{
        int64_t apart_ns = 1 + life_draw_ns(life, BC_GRAMMAR_TOGETHER_NS - 10), felt_ns;
        enum bc_button first = life_draw(life, 2) ? BC_BUTTON_RECORD : BC_BUTTON_EMERGENCY;

        felt_ns = at_ns + apart_ns + life->grammar.config.release_hold_ns;
        life_plan(life, (struct life_item){ .time_ns = at_ns, .what = LIFE_EDGE, .button = first, .down = true });
        life_plan(life, (struct life_item){ .time_ns = at_ns + apart_ns, .what = LIFE_EDGE, .button = 1 - first, .down = true });
        for (unsigned i = 0; i < BC_BUTTON_COUNT; i++)
                life_plan(life, (struct life_item){ .time_ns = felt_ns + 1 + life_draw_ns(life, 2 * S), .what = LIFE_EDGE,
                                          .button = (enum bc_button)i });
        return felt_ns + 3 * S;
}

// An hour in a pocket does not end an emergency; the chord after it does.
static void test_pocket(void **state)
{
        uint64_t lives = counts_of(2000, 10000, 100000);
        struct life_seen seen = { 0 };

        (void)state;
        for (uint64_t seed = 1; seed <= lives; seed++) {
                struct life life;
                uint64_t ended = seen.ended_by_chord;
                int64_t at_ns = 2 * S;
                bool chord = seed % 2;

                life_begin(&life, seed, &seen);
                life_plan(&life, (struct life_item){ .time_ns = 1 * S, .what = LIFE_COMMAND, .event = BC_EVENT_EMERGENCY_START });
                for (unsigned i = 0; i < 30; i++)
                        at_ns = plan_pocket(&life, at_ns) + 1 * S;
                // Where the settings allow it.
                chord = chord && life.grammar.config.release_hold_ns > 0 &&
                        BC_GRAMMAR_TOGETHER_NS + life.grammar.config.release_hold_ns + BC_GRAMMAR_LET_GO_NS < BC_GRAMMAR_STUCK_NS;
                if (chord)
                        at_ns = plan_chord(&life, at_ns);
                life_live(&life, &seen);
                if (seen.ended_by_chord != ended + chord || (!chord && bc_state_of(life.mode.phase) != BC_STATE_EMERGENCY))
                        fail_msg("life %llu: the emergency %s", (unsigned long long)seed, chord ? "did not end" : "ended");
        }
        assert_true(seen.gesture[BC_GESTURE_LET_GO] > lives && seen.ended_by_chord > lives / 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lives),
                cmocka_unit_test(test_pocket),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
