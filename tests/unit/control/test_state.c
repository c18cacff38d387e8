// SPDX-License-Identifier: EUPL-1.2
// The invariants of the states, over every mode that can be reached and every event.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "control/state.h"

#define MODES_MAX (BC_PHASE_COUNT * 64)

struct modes {
        struct bc_mode list[MODES_MAX];
        size_t count;
};

static bool same_mode(const struct bc_mode *a, const struct bc_mode *b)
{
        return a->phase == b->phase && a->docked == b->docked && a->sensors_wanted == b->sensors_wanted &&
               a->capable == b->capable && a->muted == b->muted && a->stealthy == b->stealthy &&
               a->reserve_only == b->reserve_only;
}

static void find_reachable(struct modes *modes)
{
        modes->list[0] = bc_mode_initial();
        modes->count = 1;
        for (size_t i = 0; i < modes->count; i++)
                for (unsigned event = 0; event < BC_EVENT_COUNT; event++) {
                        struct bc_mode next = bc_state_step(&modes->list[i], (enum bc_event)event).mode;
                        size_t k = 0;
                        while (k < modes->count && !same_mode(&modes->list[k], &next))
                                k++;
                        if (k == modes->count) {
                                assert_in_range(modes->count, 0, MODES_MAX - 1);
                                modes->list[modes->count++] = next;
                        }
                }
}

// Written down a second time on purpose: the test does not ask the code under test what a phase is.
static bool is_emergency(enum bc_phase phase)
{
        return phase == BC_PHASE_EMERGENCY || phase == BC_PHASE_EMERGENCY_OVER;
}

static bool is_pair(enum bc_phase phase)
{
        return phase == BC_PHASE_RECORDING || phase == BC_PHASE_ENDING || is_emergency(phase);
}

static bool is_fault(enum bc_phase phase)
{
        return phase == BC_PHASE_FAULT || phase == BC_PHASE_FAULT_WANTED;
}

static bool is_dark(enum bc_phase phase)
{
        return phase == BC_PHASE_STARTING || phase == BC_PHASE_STANDBY || phase == BC_PHASE_DOCKED ||
               phase == BC_PHASE_STOPPING;
}

static const char *where(const struct bc_mode *mode, enum bc_event event)
{
        static char text[128];

        snprintf(text, sizeof(text), "%s%s%s%s%s + %s", bc_phase_name(mode->phase), mode->docked ? " docked" : "",
                 mode->sensors_wanted ? "" : " sensors-not-wanted", mode->capable ? "" : " not-capable", mode->reserve_only ? " reserve-only" : "",
                 bc_event_name(event));
        return text;
}

#define holds(condition)                                                                            \
        do {                                                                                        \
                if (!(condition))                                                                   \
                        fail_msg("%s: does not hold: %s", where(mode, event), #condition);          \
        } while (0)

static void check_step(const struct bc_mode *mode, enum bc_event event, const struct bc_step *step)
{
        enum bc_phase from = mode->phase, to = step->mode.phase;
        uint32_t actions = step->actions;
        bool moved = from != to;

        // Entering the pair commits the pre-event, leaving it closes, moves within it keep the recording.
        holds(!!(actions & BC_ACTION_COMMIT_PRE_EVENT) == (!is_pair(from) && is_pair(to)));
        holds(!!(actions & BC_ACTION_CLOSE_RECORDING) == (is_pair(from) && !is_pair(to)));

        // Every edge is reported, and nothing but an edge.
        holds(!!(actions & BC_ACTION_REPORT_EDGE) == moved);

        // Emergency wins everywhere but in STOPPING, and raises the alarm when it begins.
        if (event == BC_EVENT_EMERGENCY_START && from != BC_PHASE_STOPPING) {
                holds(is_emergency(to));
                holds(step->refusal == BC_REFUSAL_NONE);
                holds(is_emergency(from) || (actions & BC_ACTION_ALARM));
        }
        // Only a release, a confirmed dwell or a shutdown ends an emergency.
        if (is_emergency(from) && !is_emergency(to))
                holds(event == BC_EVENT_EMERGENCY_RELEASE || event == BC_EVENT_SHUTDOWN ||
                      (event == BC_EVENT_DWELL_ELAPSED && mode->docked));
        if (is_emergency(from) && event == BC_EVENT_RECORD_STOP)
                holds(!moved && step->refusal == BC_REFUSAL_EMERGENCY);
        if (is_emergency(from) && event == BC_EVENT_EMERGENCY_RELEASE)
                holds(!is_emergency(to) && step->refusal == BC_REFUSAL_NONE);

        // A record start always leads to a recording, but when nothing can be recorded, with the reserve alone or in STOPPING;
        // then it says so.
        if (event == BC_EVENT_RECORD_START && from != BC_PHASE_STOPPING && !is_fault(from) && !mode->reserve_only)
                holds(is_pair(to) && step->refusal == BC_REFUSAL_NONE);
        if (event == BC_EVENT_RECORD_START && (from == BC_PHASE_STOPPING || is_fault(from)))
                holds(step->refusal != BC_REFUSAL_NONE);
        if (event == BC_EVENT_RECORD_START && mode->reserve_only)
                holds(!moved && (step->refusal == BC_REFUSAL_RESERVE || from == BC_PHASE_STOPPING));

        // The reserve is an emergency's: nothing else is recorded on it or waits for it, and what ends for it ends loudly.
        holds(!step->mode.reserve_only || is_emergency(to) || (!is_pair(to) && to != BC_PHASE_FAULT_WANTED));
        holds(!step->mode.reserve_only || to != BC_PHASE_EMERGENCY_OVER);
        if (event == BC_EVENT_RESERVE_REACHED)
                holds(step->mode.reserve_only && !!(actions & BC_ACTION_ALARM) == moved && is_emergency(from) == is_emergency(to));
        if (event == BC_EVENT_RESERVE_LEFT)
                holds(!step->mode.reserve_only && !moved);
        holds(mode->reserve_only == step->mode.reserve_only || event == BC_EVENT_RESERVE_REACHED ||
              event == BC_EVENT_RESERVE_LEFT);
        if (event == BC_EVENT_RECORD_STOP)
                holds(from != BC_PHASE_RECORDING || to == BC_PHASE_ENDING);

        // Docking ends a recording at once, an emergency not; a confirmed dwell ends that too.
        // Only an edge of the contact counts: what is told a second time changes nothing.
        if ((event == BC_EVENT_DOCK && mode->docked) || (event == BC_EVENT_UNDOCK && !mode->docked))
                holds(actions == 0 && step->refusal == BC_REFUSAL_NONE && same_mode(mode, &step->mode));
        if (event == BC_EVENT_DOCK && !mode->docked && from != BC_PHASE_STARTING && from != BC_PHASE_STOPPING)
                holds(is_emergency(from) ? is_emergency(to) && (actions & BC_ACTION_ARM_DWELL)
                                         : to == BC_PHASE_DOCKED);
        if (event == BC_EVENT_DWELL_ELAPSED && is_emergency(from) && mode->docked)
                holds(to == BC_PHASE_DOCKED);
        if (event == BC_EVENT_UNDOCK && mode->docked && is_emergency(from))
                holds(actions & BC_ACTION_CANCEL_DWELL);

        // FAULT exactly while nothing can be recorded, outside an emergency; loud when it comes up and at each retry.
        holds(!is_fault(to) || !step->mode.capable);
        holds(step->mode.capable || is_fault(to) || is_emergency(to));
        if (event == BC_EVENT_CAPTURE_LOST && !is_dark(from) && mode->capable)
                holds((actions & BC_ACTION_ALARM) &&
                      (is_fault(to) || is_emergency(to) || (is_dark(to) && from == BC_PHASE_ENDING)));
        if (event == BC_EVENT_CAPTURE_BACK && is_fault(from))
                holds(!is_fault(to));
        if (event == BC_EVENT_CAPTURE_BACK && from == BC_PHASE_FAULT_WANTED)
                holds(to == BC_PHASE_RECORDING);
        if (event == BC_EVENT_RETRY_DUE && !mode->capable)
                holds(!moved && (actions & BC_ACTION_RETRY_CAPTURE) && (actions & BC_ACTION_ALARM) &&
                      (actions & BC_ACTION_ARM_RETRY));
        if (mode->capable && !step->mode.capable)
                holds(actions & BC_ACTION_ARM_RETRY);
        if (!mode->capable && step->mode.capable)
                holds(actions & BC_ACTION_CANCEL_RETRY);

        // Sensors follow the state.
        holds(!!(actions & BC_ACTION_START_SENSORS) == (is_dark(from) && !is_dark(to)));
        holds(!!(actions & BC_ACTION_STOP_SENSORS) == (!is_dark(from) && is_dark(to)));

        // The post-event deadline runs exactly in ENDING.
        holds(!!(actions & BC_ACTION_ARM_POST_EVENT) == (from != BC_PHASE_ENDING && to == BC_PHASE_ENDING));
        holds(!!(actions & BC_ACTION_CANCEL_POST_EVENT) == (from == BC_PHASE_ENDING && to != BC_PHASE_ENDING));
        if (from == BC_PHASE_ENDING && event == BC_EVENT_POST_EVENT_ELAPSED)
                holds(!is_pair(to));

        // Nobody leaves STOPPING, everybody can get there; the end comes once, from there.
        holds(from != BC_PHASE_STOPPING || to == BC_PHASE_STOPPING);
        holds(event != BC_EVENT_SHUTDOWN || to == BC_PHASE_STOPPING);
        holds(!!(actions & BC_ACTION_EXIT) == (from == BC_PHASE_STOPPING && event == BC_EVENT_STOPPED));
        holds(from == BC_PHASE_STARTING || to != BC_PHASE_STARTING);

        // At rest the levels decide.
        holds(to != BC_PHASE_BUFFERING || (!step->mode.docked && step->mode.sensors_wanted && step->mode.capable));
        holds(to != BC_PHASE_STANDBY || (!step->mode.docked && !step->mode.sensors_wanted));
        holds(to != BC_PHASE_DOCKED || step->mode.docked);
        holds(!is_dark(to) || step->mode.capable);

        // Muted is an ordinary recording only, by its own word; what is not recorded or is an emergency has its sound.
        holds(!step->mode.muted || to == BC_PHASE_RECORDING || to == BC_PHASE_ENDING);
        holds(!step->mode.muted || mode->muted || event == BC_EVENT_MUTE);
        holds(!(mode->muted && !step->mode.muted) || event == BC_EVENT_UNMUTE || is_emergency(to) || !is_pair(to));
        holds(!!(actions & BC_ACTION_SET_MUTE) == (mode->muted != step->mode.muted));
        // Dark by its own word only, and until that is taken back, the dock or the end.
        holds(!step->mode.stealthy || mode->stealthy || event == BC_EVENT_STEALTH_ON);
        holds(!(mode->stealthy && !step->mode.stealthy) || event == BC_EVENT_STEALTH_OFF || to == BC_PHASE_DOCKED ||
              to == BC_PHASE_STOPPING);
        holds(!!(actions & BC_ACTION_SET_STEALTH) == (mode->stealthy != step->mode.stealthy));
        // An instant is marked exactly in a recording.
        holds(!!(actions & BC_ACTION_MARK) == (event == BC_EVENT_MARK && is_pair(from)));
        // None of the three moves anything.
        if (event == BC_EVENT_MARK || event == BC_EVENT_MUTE || event == BC_EVENT_UNMUTE ||
            event == BC_EVENT_STEALTH_ON || event == BC_EVENT_STEALTH_OFF)
                holds(!moved);

        // A refusal without a move does nothing at all. An unanswered cell is refused with BC_REFUSAL_COUNT.
        if (step->refusal != BC_REFUSAL_NONE && !moved)
                holds(actions == 0 && same_mode(mode, &step->mode));
        holds(step->refusal < BC_REFUSAL_COUNT && to < BC_PHASE_COUNT && actions < (1u << BC_ACTION_BITS));
}

static void test_every_mode_and_event(void **state)
{
        struct modes modes;
        bool reached[BC_PHASE_COUNT] = { false };

        (void)state;
        find_reachable(&modes);
        for (size_t i = 0; i < modes.count; i++) {
                reached[modes.list[i].phase] = true;
                for (unsigned event = 0; event < BC_EVENT_COUNT; event++) {
                        struct bc_step step = bc_state_step(&modes.list[i], (enum bc_event)event);
                        check_step(&modes.list[i], (enum bc_event)event, &step);
                }
        }
        for (unsigned phase = 0; phase < BC_PHASE_COUNT; phase++)
                assert_true(reached[phase]);
}

// Modes that cannot come up are still answered within bounds: no crash, no way out of STOPPING, emergency wins.
static void test_unreachable_modes_are_harmless(void **state)
{
        (void)state;
        for (unsigned phase = 0; phase <= BC_PHASE_COUNT; phase++)
                for (unsigned levels = 0; levels < 64; levels++)
                        for (unsigned event = 0; event <= BC_EVENT_COUNT; event++) {
                                struct bc_mode mode = { (enum bc_phase)phase, levels & 1,  levels & 2,
                                                        levels & 4,           levels & 8, levels & 16,
                                                        levels & 32 };
                                struct bc_step step = bc_state_step(&mode, (enum bc_event)event);
                                if (phase == BC_PHASE_COUNT || event == BC_EVENT_COUNT) {
                                        assert_int_equal(step.actions, 0);
                                        assert_int_not_equal(step.refusal, BC_REFUSAL_NONE);
                                } else if (event == BC_EVENT_EMERGENCY_START && phase != BC_PHASE_STOPPING) {
                                        assert_true(is_emergency(step.mode.phase));
                                }
                        }
}

// Long lives: whatever the order of events, recordings are opened and closed in turn, timers are armed once and
// cancelled, sensors are switched in turn, and an emergency start still wins after all of it.
static void test_random_walks(void **state)
{
        uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
        unsigned seen[BC_PHASE_COUNT] = { 0 };

        (void)state;
        for (unsigned walk = 0; walk < 100; walk++) {
                struct bc_mode mode = bc_mode_initial();
                bool open = false, sensors = false, post_event = false, retry = false, exited = false;
                for (unsigned i = 0; i < 1000; i++) {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        enum bc_event event = (enum bc_event)((random >> 33) % BC_EVENT_COUNT);
                        if (event == BC_EVENT_SHUTDOWN && i < 900)
                                continue;
                        struct bc_step step = bc_state_step(&mode, event);
                        check_step(&mode, event, &step);
                        if (step.actions & BC_ACTION_CLOSE_RECORDING) {
                                assert_true(open);
                                open = false;
                        }
                        if (step.actions & BC_ACTION_COMMIT_PRE_EVENT) {
                                assert_false(open);
                                open = true;
                        }
                        if (step.actions & BC_ACTION_STOP_SENSORS) {
                                assert_true(sensors);
                                sensors = false;
                        }
                        if (step.actions & BC_ACTION_START_SENSORS) {
                                assert_false(sensors);
                                sensors = true;
                        }
                        if (step.actions & BC_ACTION_CANCEL_POST_EVENT)
                                post_event = false;
                        if (step.actions & BC_ACTION_ARM_POST_EVENT)
                                post_event = true;
                        if (step.actions & BC_ACTION_CANCEL_RETRY)
                                retry = false;
                        if (step.actions & BC_ACTION_ARM_RETRY)
                                retry = true;
                        exited |= !!(step.actions & BC_ACTION_EXIT);
                        mode = step.mode;
                        seen[mode.phase]++;
                        assert_int_equal(open, is_pair(mode.phase));
                        assert_int_equal(sensors, !is_dark(mode.phase));
                        assert_int_equal(post_event, mode.phase == BC_PHASE_ENDING);
                        assert_int_equal(retry, !mode.capable);
                        assert_true(!exited || mode.phase == BC_PHASE_STOPPING);
                }
        }
        for (unsigned phase = 0; phase < BC_PHASE_COUNT; phase++)
                assert_true(seen[phase] > 50);
}

// What an officer lives through, told as a story.
static void walk(const enum bc_event *events, size_t count, const char *expected)
{
        struct bc_mode mode = bc_mode_initial();
        char story[512] = "STARTING";

        for (size_t i = 0; i < count; i++) {
                struct bc_step step = bc_state_step(&mode, events[i]);
                size_t used = strlen(story);
                if (step.actions & BC_ACTION_CLOSE_RECORDING)
                        used += (size_t)snprintf(story + used, sizeof(story) - used, " (close)");
                if (step.actions & BC_ACTION_COMMIT_PRE_EVENT)
                        used += (size_t)snprintf(story + used, sizeof(story) - used, " (commit)");
                snprintf(story + used, sizeof(story) - used, " %s", bc_phase_name(step.mode.phase));
                mode = step.mode;
        }
        assert_string_equal(story, expected);
}
#define WALK(expected, ...) \
        walk((const enum bc_event[]){ __VA_ARGS__ }, \
             sizeof((const enum bc_event[]){ __VA_ARGS__ }) / sizeof(enum bc_event), expected)

static void test_stories(void **state)
{
        (void)state;
        WALK("STARTING BUFFERING (commit) RECORDING ENDING (close) BUFFERING",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_RECORD_STOP, BC_EVENT_POST_EVENT_ELAPSED);
        WALK("STARTING BUFFERING (commit) RECORDING ENDING RECORDING",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_RECORD_STOP, BC_EVENT_RECORD_START);
        WALK("STARTING BUFFERING (commit) RECORDING EMERGENCY_OVER EMERGENCY_OVER RECORDING ENDING",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_EMERGENCY_START, BC_EVENT_RECORD_STOP,
             BC_EVENT_EMERGENCY_RELEASE, BC_EVENT_RECORD_STOP);
        WALK("STARTING BUFFERING (commit) EMERGENCY ENDING (close) BUFFERING",
             BC_EVENT_STARTED, BC_EVENT_EMERGENCY_START, BC_EVENT_EMERGENCY_RELEASE, BC_EVENT_POST_EVENT_ELAPSED);
        WALK("STARTING BUFFERING (commit) RECORDING EMERGENCY_OVER EMERGENCY (close) DOCKED BUFFERING",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_EMERGENCY_START, BC_EVENT_DOCK,
             BC_EVENT_DWELL_ELAPSED, BC_EVENT_UNDOCK);
        WALK("STARTING BUFFERING DOCKED (commit) EMERGENCY (close) STOPPING STOPPING",
             BC_EVENT_STARTED, BC_EVENT_DOCK, BC_EVENT_EMERGENCY_START, BC_EVENT_SHUTDOWN, BC_EVENT_STOPPED);
        WALK("STARTING BUFFERING DOCKED (commit) RECORDING RECORDING RECORDING (close) DOCKED",
             BC_EVENT_STARTED, BC_EVENT_DOCK, BC_EVENT_RECORD_START, BC_EVENT_DOCK, BC_EVENT_UNDOCK, BC_EVENT_DOCK);
        WALK("STARTING BUFFERING (commit) RECORDING (close) FAULT_WANTED (commit) RECORDING",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_CAPTURE_LOST, BC_EVENT_CAPTURE_BACK);
        WALK("STARTING BUFFERING STANDBY (commit) RECORDING ENDING (close) STANDBY",
             BC_EVENT_STARTED, BC_EVENT_SENSORS_OFF, BC_EVENT_RECORD_START, BC_EVENT_RECORD_STOP,
             BC_EVENT_POST_EVENT_ELAPSED);
        WALK("STARTING BUFFERING (commit) RECORDING (close) BUFFERING BUFFERING (commit) EMERGENCY (close) BUFFERING "
             "BUFFERING (commit) RECORDING",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_RESERVE_REACHED, BC_EVENT_RECORD_START,
             BC_EVENT_EMERGENCY_START, BC_EVENT_EMERGENCY_RELEASE, BC_EVENT_RESERVE_LEFT, BC_EVENT_RECORD_START);
        WALK("STARTING BUFFERING (commit) RECORDING EMERGENCY_OVER EMERGENCY EMERGENCY EMERGENCY EMERGENCY_OVER",
             BC_EVENT_STARTED, BC_EVENT_RECORD_START, BC_EVENT_EMERGENCY_START, BC_EVENT_RESERVE_REACHED,
             BC_EVENT_RECORD_START, BC_EVENT_RESERVE_LEFT, BC_EVENT_RECORD_START);
}

static void test_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < BC_PHASE_COUNT; i++) {
                assert_non_null(bc_phase_name((enum bc_phase)i));
                assert_int_equal(bc_phase_is_recording((enum bc_phase)i), is_pair((enum bc_phase)i));
                assert_int_equal(bc_phase_has_sensors((enum bc_phase)i), !is_dark((enum bc_phase)i));
        }
        for (unsigned i = 0; i < BC_EVENT_COUNT; i++)
                assert_true(strlen(bc_event_name((enum bc_event)i)) > 1);
        for (unsigned i = 0; i < BC_STATE_COUNT; i++)
                assert_true(strlen(bc_state_name((enum bc_state)i)) > 1);
        for (unsigned i = 0; i < BC_ACTION_BITS; i++)
                assert_true(strlen(bc_action_name((enum bc_action)(1 << i))) > 1);
        for (unsigned i = 0; i < BC_REFUSAL_COUNT; i++)
                assert_true(strlen(bc_refusal_text((enum bc_refusal)i)) > 1);
        assert_string_equal(bc_state_name(bc_state_of(BC_PHASE_ENDING)), "RECORDING");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_mode_and_event),
                cmocka_unit_test(test_unreachable_modes_are_harmless),
                cmocka_unit_test(test_random_walks),
                cmocka_unit_test(test_stories),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
