// SPDX-License-Identifier: EUPL-1.2
#include "life.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define MS BC_NS_PER_MS
#define S BC_NS_PER_S
#define RETRY_NS (5 * S)

uint64_t life_draw(struct life *life, uint64_t below)
{
        life->random ^= life->random << 13;
        life->random ^= life->random >> 7;
        life->random ^= life->random << 17;
        return (life->random >> 11) % below;
}

int64_t life_draw_ns(struct life *life, int64_t below_ns)
{
        return (int64_t)life_draw(life, (uint64_t)below_ns);
}

#define holds(life, condition)                                                                                        \
        do {                                                                                                          \
                if (!(condition))                                                                                     \
                        fail_msg("life %llu, %lld us, %s, %s: does not hold: %s", (unsigned long long)(life)->seed,    \
                                 (long long)((life)->now_ns / 1000), bc_activation_name((life)->policy.activation),    \
                                 bc_phase_name((life)->mode.phase), #condition);                                      \
        } while (0)

// Written down a second time on purpose, as in test_state.c.
static bool is_emergency(enum bc_phase phase)
{
        return phase == BC_PHASE_EMERGENCY || phase == BC_PHASE_EMERGENCY_OVER;
}

static bool is_pair(enum bc_phase phase)
{
        return phase == BC_PHASE_RECORDING || phase == BC_PHASE_ENDING || is_emergency(phase);
}

static struct bc_grammar_world world(const struct life *life)
{
        enum bc_phase phase = life->mode.phase;

        return (struct bc_grammar_world){
                .recording = (is_pair(phase) && phase != BC_PHASE_ENDING) || phase == BC_PHASE_FAULT_WANTED,
                .emergency = is_emergency(phase),
        };
}

// ---- the controller's part -----------------------------------------------------------------------------------

static void check_step(const struct life *life, enum bc_event event, enum bc_origin origin, bool by_policy,
                       const struct bc_mode *from, const struct bc_step *step, struct life_seen *seen)
{
        enum bc_phase to = step->mode.phase;

        if (event == BC_EVENT_EMERGENCY_START && from->phase != BC_PHASE_STOPPING)
                holds(life, is_emergency(to));
        if (is_emergency(from->phase) && !is_emergency(to)) {
                bool chord = event == BC_EVENT_EMERGENCY_RELEASE && origin == BC_ORIGIN_BUTTON && life->told_release;
                bool command = event == BC_EVENT_EMERGENCY_RELEASE && origin == BC_ORIGIN_COMMAND;
                bool dwell = event == BC_EVENT_DWELL_ELAPSED && life->mode.docked &&
                             life->now_ns - life->docked_ns >= life->dwell_length_ns;

                holds(life, chord || command || dwell || event == BC_EVENT_SHUTDOWN);
                seen->ended_by_chord += chord;
                seen->ended_by_command += command;
                seen->ended_by_dock += dwell;
                seen->ended_by_shutdown += event == BC_EVENT_SHUTDOWN;
        }
        holds(life, !!(step->actions & BC_ACTION_COMMIT_PRE_EVENT) == (!is_pair(from->phase) && is_pair(to)));
        holds(life, !!(step->actions & BC_ACTION_CLOSE_RECORDING) == (is_pair(from->phase) && !is_pair(to)));
        if (life->policy.activation == BC_ACTIVATION_CONTROL_ROOM && origin == BC_ORIGIN_BUTTON &&
            event != BC_EVENT_EMERGENCY_START && event != BC_EVENT_EMERGENCY_RELEASE)
                holds(life, to == from->phase && !(step->actions & ~(uint32_t)BC_ACTION_MARK));
        if (life->policy.activation == BC_ACTIVATION_ALWAYS_ON && is_pair(from->phase) && !is_pair(to))
                holds(life, event == BC_EVENT_DOCK || event == BC_EVENT_DWELL_ELAPSED || event == BC_EVENT_SHUTDOWN ||
                                    event == BC_EVENT_CAPTURE_LOST || event == BC_EVENT_RESERVE_REACHED || from->docked ||
                                    !from->capable || from->reserve_only);
        // Nothing but the policy, a command or a button begins a recording; the camera by itself only what was wanted before.
        if (!is_pair(from->phase) && is_pair(to))
                holds(life, by_policy || origin != BC_ORIGIN_DEVICE ||
                                    (event == BC_EVENT_CAPTURE_BACK && from->phase == BC_PHASE_FAULT_WANTED));
}

static void check_mode(const struct life *life)
{
        const struct bc_mode *mode = &life->mode;

        holds(life, life->open == is_pair(mode->phase));
        holds(life, !mode->muted || ((mode->phase == BC_PHASE_RECORDING || mode->phase == BC_PHASE_ENDING) && life->policy.mute));
        holds(life, !mode->stealthy || life->policy.stealth);
        holds(life, (life->post_event_ns != BC_NS_NEVER) == (mode->phase == BC_PHASE_ENDING));
        holds(life, life->dwell_ns == BC_NS_NEVER || (is_emergency(mode->phase) && mode->docked));
        holds(life, (life->retry_ns != BC_NS_NEVER) == !mode->capable);
        holds(life, !mode->reserve_only || mode->phase == BC_PHASE_EMERGENCY ||
                            (!is_pair(mode->phase) && mode->phase != BC_PHASE_FAULT_WANTED));
        if (life->policy.activation == BC_ACTIVATION_ALWAYS_ON && !mode->docked && mode->capable && !mode->reserve_only &&
            mode->phase != BC_PHASE_STOPPING)
                holds(life, mode->phase == BC_PHASE_RECORDING || mode->phase == BC_PHASE_EMERGENCY_OVER);
}

static enum bc_refusal apply(struct life *life, enum bc_event event, enum bc_origin origin, bool by_policy, struct life_seen *seen)
{
        struct bc_step step = bc_state_step(&life->mode, event);

        check_step(life, event, origin, by_policy, &life->mode, &step, seen);
        seen->reserve_refusals += step.refusal == BC_REFUSAL_RESERVE;
        if (step.refusal != BC_REFUSAL_NONE && step.mode.phase == life->mode.phase)
                return step.refusal;
        if (event == BC_EVENT_DOCK && !life->mode.docked)
                life->docked_ns = life->now_ns;
        life->mode = step.mode;
        if (step.actions & BC_ACTION_CANCEL_POST_EVENT)
                life->post_event_ns = BC_NS_NEVER;
        if (step.actions & BC_ACTION_CANCEL_DWELL)
                life->dwell_ns = BC_NS_NEVER;
        if (step.actions & BC_ACTION_CANCEL_RETRY)
                life->retry_ns = BC_NS_NEVER;
        if (step.actions & BC_ACTION_CLOSE_RECORDING) {
                holds(life, life->open);
                life->open = false;
        }
        if (step.actions & BC_ACTION_COMMIT_PRE_EVENT) {
                holds(life, !life->open);
                life->open = true;
        }
        if (step.actions & BC_ACTION_ARM_POST_EVENT)
                life->post_event_ns = life->now_ns + life->post_event_length_ns;
        if (step.actions & BC_ACTION_ARM_DWELL)
                life->dwell_ns = life->now_ns + life->dwell_length_ns;
        if (step.actions & BC_ACTION_ARM_RETRY)
                life->retry_ns = life->now_ns + RETRY_NS;
        seen->reserve_stops += event == BC_EVENT_RESERVE_REACHED && step.actions & BC_ACTION_CLOSE_RECORDING;
        seen->mutes += event == BC_EVENT_MUTE && life->mode.muted;
        return step.refusal;
}

static void follow_policy(struct life *life, struct life_seen *seen)
{
        if (!bc_policy_wants_recording(&life->policy, &life->mode))
                return;
        seen->policy_starts++;
        (void)apply(life, BC_EVENT_RECORD_START, BC_ORIGIN_DEVICE, true, seen);
        // Done once, it is done.
        holds(life, !bc_policy_wants_recording(&life->policy, &life->mode));
}

static enum bc_refusal handle(struct life *life, enum bc_event event, enum bc_origin origin, struct life_seen *seen)
{
        struct bc_mode before = life->mode;
        enum bc_refusal refusal = bc_policy_judge(&life->policy, &life->mode, event, origin);
        struct bc_grammar_world around;

        if (refusal == BC_REFUSAL_NONE) {
                refusal = apply(life, event, origin, false, seen);
                follow_policy(life, seen);
        } else {
                holds(life, event != BC_EVENT_EMERGENCY_START && event != BC_EVENT_EMERGENCY_RELEASE &&
                                    event != BC_EVENT_MARK && event != BC_EVENT_UNMUTE && event != BC_EVENT_STEALTH_OFF);
                seen->policy_refused++;
        }
        if (event == BC_EVENT_RECORD_STOP && is_emergency(before.phase))
                holds(life, refusal != BC_REFUSAL_NONE && life->mode.phase == before.phase);
        if (event == BC_EVENT_EMERGENCY_START && before.phase != BC_PHASE_STOPPING)
                holds(life, refusal == BC_REFUSAL_NONE && is_emergency(life->mode.phase));
        holds(life, refusal < BC_REFUSAL_COUNT);
        seen->refused += refusal != BC_REFUSAL_NONE;
        check_mode(life);
        around = world(life);
        witness_world(&life->witness, &around, life->now_ns);
        return refusal;
}

static void set_config(struct life *life, const struct bc_policy *policy, const struct bc_grammar_config *config,
                       struct life_seen *seen)
{
        struct bc_grammar_world around;

        life->policy = *policy;
        bc_grammar_configure(&life->grammar, config);
        witness_configure(&life->witness, config, life->now_ns);
        if (life->mode.muted && !policy->mute)
                (void)apply(life, BC_EVENT_UNMUTE, BC_ORIGIN_DEVICE, false, seen);
        if (life->mode.stealthy && !policy->stealth)
                (void)apply(life, BC_EVENT_STEALTH_OFF, BC_ORIGIN_DEVICE, false, seen);
        follow_policy(life, seen);
        check_mode(life);
        around = world(life);
        witness_world(&life->witness, &around, life->now_ns);
        life->answered = true; // what is held is forgotten
}

// ---- the officer's part --------------------------------------------------------------------------------------

// Every press of record becomes one thing, but for those that are part of an emergency.
static void check_answer(struct life *life, enum bc_gesture gesture, enum bc_button button, int64_t time_ns)
{
        if (gesture == BC_GESTURE_PRESS && button == BC_BUTTON_RECORD) {
                holds(life, life->answered);
                life->press_ns = time_ns;
                life->answered = false;
        } else if (gesture == BC_GESTURE_RECORD || gesture == BC_GESTURE_MARK || gesture == BC_GESTURE_STOP) {
                holds(life, !life->answered);
                holds(life, (gesture == BC_GESTURE_STOP) == (time_ns != life->press_ns));
                life->answered = true;
        }
}

static void act(struct life *life, const struct bc_gestures *gestures, struct life_seen *seen)
{
        static const int events[BC_GESTURE_COUNT] = {
                [BC_GESTURE_PRESS] = -1,
                [BC_GESTURE_RECORD] = BC_EVENT_RECORD_START,
                [BC_GESTURE_MARK] = BC_EVENT_MARK,
                [BC_GESTURE_STOP] = BC_EVENT_RECORD_STOP,
                [BC_GESTURE_EMERGENCY] = BC_EVENT_EMERGENCY_START,
                [BC_GESTURE_LET_GO] = -1,
                [BC_GESTURE_RELEASE] = BC_EVENT_EMERGENCY_RELEASE,
                [BC_GESTURE_STUCK] = -1,
                [BC_GESTURE_FREE] = -1,
        };

        for (size_t i = 0; i < gestures->count; i++) {
                enum bc_gesture gesture = gestures->item[i].gesture;

                seen->gesture[gesture]++;
                check_answer(life, gesture, gestures->item[i].button, gestures->item[i].time_ns);
                if (events[gesture] >= 0)
                        (void)handle(life, (enum bc_event)events[gesture], BC_ORIGIN_BUTTON, seen);
        }
}

static bool has(const struct bc_gestures *gestures, enum bc_gesture gesture, enum bc_button button, int64_t time_ns)
{
        bool of_button = gesture == BC_GESTURE_PRESS || gesture == BC_GESTURE_STUCK || gesture == BC_GESTURE_FREE;

        for (size_t i = 0; i < gestures->count; i++)
                if (gestures->item[i].gesture == gesture && gestures->item[i].time_ns == time_ns &&
                    (!of_button || gestures->item[i].button == button))
                        return true;
        return false;
}

static void compare(const struct life *life, const struct bc_gestures *told, const struct bc_gestures *witnessed)
{
        char text[600];
        size_t used = 0;
        bool same = told->count == witnessed->count && told->count < BC_GESTURES_MAX;

        for (size_t i = 0; same && i < told->count; i++)
                same = has(told, witnessed->item[i].gesture, witnessed->item[i].button, witnessed->item[i].time_ns);
        if (same)
                return;
        for (int whose = 0; whose < 2; whose++) {
                const struct bc_gestures *these = whose == 0 ? told : witnessed;

                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", whose == 0 ? "told:" : "; meant:");
                for (size_t i = 0; i < these->count && used < sizeof(text) - 60; i++)
                        used += (size_t)snprintf(text + used, sizeof(text) - used, " %s-%d@%lld",
                                                 bc_gesture_name(these->item[i].gesture), these->item[i].button,
                                                 (long long)(these->item[i].time_ns / 1000));
        }
        fail_msg("life %llu, %lld us: %s", (unsigned long long)life->seed, (long long)(life->now_ns / 1000), text);
}

static void judge_and_act(struct life *life, const struct bc_gestures *told, struct life_seen *seen)
{
        struct bc_gestures meant;

        holds(life, bc_grammar_deadline_ns(&life->grammar) > life->now_ns);
        // What was due and an edge may come in one instant.
        if (life->told_ns != life->now_ns)
                life->told.count = 0;
        life->told_ns = life->now_ns;
        for (size_t i = 0; i < told->count && life->told.count < BC_GESTURES_MAX; i++)
                life->told.item[life->told.count++] = told->item[i];
        witness_tell(&life->witness, life->now_ns, &meant);
        compare(life, &life->told, &meant);
        life->told_release = has(&meant, BC_GESTURE_RELEASE, BC_BUTTON_EMERGENCY, life->now_ns);
        act(life, told, seen);
        life->told_release = false;
        if (life->witness.spoiled_ns == life->press_ns)
                life->answered = true;
}

static void elapse(struct life *life, struct life_seen *seen)
{
        struct bc_gestures gestures = { 0 };
        struct bc_grammar_world around = world(life);

        bc_grammar_elapse(&life->grammar, &around, life->now_ns, &gestures);
        judge_and_act(life, &gestures, seen);
}

static void edge(struct life *life, enum bc_button button, bool down, struct life_seen *seen)
{
        struct bc_gestures gestures = { 0 };
        struct bc_grammar_world around = world(life);

        witness_edge(&life->witness, button, down, life->now_ns);
        bc_grammar_edge(&life->grammar, &around, button, down, life->now_ns, &gestures);
        judge_and_act(life, &gestures, seen);
}

// ---- what happens --------------------------------------------------------------------------------------------

void life_plan(struct life *life, struct life_item item)
{
        size_t at = life->items;

        if (life->items == LIFE_ITEMS_MAX)
                return;
        while (at > 0 && life->item[at - 1].time_ns > item.time_ns)
                at--;
        // No two in the same instant: the next free one.
        while (at > 0 && life->item[at - 1].time_ns == item.time_ns) {
                item.time_ns++;
                while (at < life->items && life->item[at].time_ns <= item.time_ns)
                        at++;
        }
        memmove(&life->item[at + 1], &life->item[at], (life->items - at) * sizeof(item));
        life->item[at] = item;
        life->items++;
}

static void draw_config(struct life *life, struct bc_policy *policy, struct bc_grammar_config *config)
{
        policy->activation = (enum bc_activation)life_draw(life, 3);
        policy->mute = life_draw(life, 3) > 0;
        policy->stealth = life_draw(life, 3) > 0;
        config->stop_hold_ns = 500 * MS + life_draw_ns(life, life_draw(life, 4) ? 3 * S : 29 * S);
        // Also longer than the settings allow: being stuck goes first.
        config->release_hold_ns = 2 * S + life_draw_ns(life, life_draw(life, 4) ? 5 * S : 29 * S);
        if (life_draw(life, 10) == 0)
                config->release_hold_ns = 0;
}

static int64_t next_due_ns(const struct life *life, size_t next)
{
        int64_t due_ns = bc_grammar_deadline_ns(&life->grammar);

        due_ns = life->post_event_ns < due_ns ? life->post_event_ns : due_ns;
        due_ns = life->dwell_ns < due_ns ? life->dwell_ns : due_ns;
        due_ns = life->retry_ns < due_ns ? life->retry_ns : due_ns;
        return next < life->items && life->item[next].time_ns < due_ns ? life->item[next].time_ns : due_ns;
}

static void step(struct life *life, size_t *next, struct life_seen *seen)
{
        struct bc_grammar_config config = life->grammar.config;
        struct bc_policy policy;
        const struct life_item *item;

        seen->steps++;
        if (bc_grammar_deadline_ns(&life->grammar) <= life->now_ns) {
                elapse(life, seen);
        } else if (life->post_event_ns <= life->now_ns) {
                (void)handle(life, BC_EVENT_POST_EVENT_ELAPSED, BC_ORIGIN_DEVICE, seen);
        } else if (life->dwell_ns <= life->now_ns) {
                life->dwell_ns = BC_NS_NEVER;
                (void)handle(life, BC_EVENT_DWELL_ELAPSED, BC_ORIGIN_DEVICE, seen);
        } else if (life->retry_ns <= life->now_ns) {
                (void)handle(life, BC_EVENT_RETRY_DUE, BC_ORIGIN_DEVICE, seen);
                holds(life, life->retry_ns > life->now_ns);
        } else {
                item = &life->item[(*next)++];
                switch (item->what) {
                case LIFE_EDGE:
                        edge(life, item->button, item->down, seen);
                        break;
                case LIFE_COMMAND:
                        (void)handle(life, item->event, BC_ORIGIN_COMMAND, seen);
                        break;
                case LIFE_DEVICE:
                        (void)handle(life, item->event, BC_ORIGIN_DEVICE, seen);
                        break;
                case LIFE_NEW_CONFIG:
                        draw_config(life, &policy, &config);
                        set_config(life, &policy, &config, seen);
                        break;
                }
        }
}

void life_begin(struct life *life, uint64_t seed, struct life_seen *seen)
{
        struct bc_grammar_config config = { .debounce_ns = 0 };
        struct bc_grammar_world around;

        *life = (struct life){ .seed = seed, .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .mode = bc_mode_initial(),
                               .answered = true };
        life->post_event_ns = life->dwell_ns = life->retry_ns = BC_NS_NEVER;
        life->post_event_length_ns = life_draw_ns(life, 15 * S) + 1;
        life->dwell_length_ns = 1 * S + life_draw_ns(life, 12 * S);
        config.debounce_ns = 1 * MS + life_draw_ns(life, life_draw(life, 4) ? 30 * MS : 99 * MS);
        draw_config(life, &life->policy, &config);
        bc_grammar_init(&life->grammar, &config);
        witness_init(&life->witness, &config, life->now_ns);
        follow_policy(life, seen);
        check_mode(life);
        around = world(life);
        witness_world(&life->witness, &around, life->now_ns);
}

void life_live(struct life *life, struct life_seen *seen)
{
        int64_t due_ns;
        size_t next = 0;

        holds(life, life->items < LIFE_ITEMS_MAX);
        while ((due_ns = next_due_ns(life, next)) != BC_NS_NEVER) {
                holds(life, due_ns >= life->now_ns);
                life->now_ns = due_ns;
                step(life, &next, seen);
        }
}

