// SPDX-License-Identifier: EUPL-1.2
#include "control/officer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "control/display.h"

static const char *const button_names[BC_BUTTON_COUNT] = { [BC_BUTTON_RECORD] = "record",
                                                           [BC_BUTTON_EMERGENCY] = "emergency" };

struct bc_officer {
        struct bc_loop *loop;
        struct bc_controller *controller;
        struct bc_indicator *indicator;
        struct bc_officer_config config;
        struct bc_grammar grammar;
        struct bc_display display;
        struct bc_indication shown;
        int indicator_error; // as logged
        enum bc_phase phase; // as last told of
        uint32_t stuck;      // a bit for each button
        struct bc_timer *deadline, *redraw, *reminder;
};

static int64_t now_ns(const struct bc_officer *officer)
{
        return bc_clock_now_ns(bc_loop_clock(officer->loop));
}

// ---- what is told --------------------------------------------------------------------------------------------

static void show(struct bc_officer *officer)
{
        int64_t next_ns;
        struct bc_indication indication = bc_display_at(&officer->display, now_ns(officer), &next_ns);
        int r;

        if (next_ns == BC_NS_NEVER)
                bc_timer_clear(officer->redraw);
        else
                bc_timer_set(officer->redraw, next_ns);
        if (!officer->indicator || bc_indication_is_same(&indication, &officer->shown))
                return;
        r = bc_indicator_set(officer->indicator, &indication);
        if (r >= 0)
                officer->shown = indication; // else it is tried again at the next change
        if (r < 0 && r != officer->indicator_error)
                bc_log_error("indicator: %s", strerror(-r));
        officer->indicator_error = r;
}

static void on_redraw(void *user, int64_t due_ns)
{
        (void)due_ns;
        show(user);
}

static void flash(struct bc_officer *officer, enum bc_signal signal)
{
        bc_display_flash(&officer->display, signal, now_ns(officer));
        show(officer);
}

static void stand(struct bc_officer *officer, enum bc_signal signal, bool there)
{
        bc_display_stand(&officer->display, signal, there, now_ns(officer));
}

static bool is_emergency(enum bc_phase phase)
{
        return bc_state_of(phase) == BC_STATE_EMERGENCY;
}

static void stand_all(struct bc_officer *officer, const struct bc_mode *mode, uint32_t flags)
{
        static const enum bc_signal of_phase[BC_PHASE_COUNT] = {
                [BC_PHASE_STARTING] = BC_SIGNAL_STARTING,   [BC_PHASE_STANDBY] = BC_SIGNAL_STANDBY,
                [BC_PHASE_BUFFERING] = BC_SIGNAL_BUFFERING, [BC_PHASE_RECORDING] = BC_SIGNAL_RECORDING,
                [BC_PHASE_ENDING] = BC_SIGNAL_POST_EVENT,   [BC_PHASE_EMERGENCY] = BC_SIGNAL_EMERGENCY,
                [BC_PHASE_EMERGENCY_OVER] = BC_SIGNAL_EMERGENCY, [BC_PHASE_DOCKED] = BC_SIGNAL_DOCKED,
                [BC_PHASE_FAULT] = BC_SIGNAL_FAULT,         [BC_PHASE_FAULT_WANTED] = BC_SIGNAL_FAULT,
                [BC_PHASE_STOPPING] = BC_SIGNAL_STOPPING,
        };
        bool recording = bc_phase_is_recording(mode->phase);
        uint32_t danger = BC_FLAG_NO_PICTURE | BC_FLAG_NO_AUDIO | BC_FLAG_STORAGE_TROUBLE | BC_FLAG_NOT_DURABLE |
                          BC_FLAG_CANNOT_RECORD;

        for (unsigned phase = 0; phase < BC_PHASE_COUNT; phase++)
                if (of_phase[phase] != of_phase[mode->phase])
                        stand(officer, of_phase[phase], false);
        stand(officer, of_phase[mode->phase], true);
        stand(officer, BC_SIGNAL_POWER, true);
        stand(officer, BC_SIGNAL_SOUND, recording && officer->config.sound && !mode->muted && !(flags & BC_FLAG_NO_AUDIO));
        stand(officer, BC_SIGNAL_MUTED, mode->muted);
        stand(officer, BC_SIGNAL_TROUBLE, recording && flags & danger);
        stand(officer, BC_SIGNAL_STORAGE_LOW, flags & (BC_FLAG_STORAGE_LOW | BC_FLAG_STORAGE_FULL));
        stand(officer, BC_SIGNAL_BATTERY_LOW, flags & BC_FLAG_BATTERY_LOW);
        officer->display.dark = mode->stealthy;
        // Whoever calls for help may not want to be heard.
        officer->display.quiet = is_emergency(mode->phase);
}

// What has just happened; BC_SIGNAL_COUNT: nothing to tell.
static enum bc_signal edge(enum bc_phase from, enum bc_phase to)
{
        if (!is_emergency(from) && is_emergency(to))
                return BC_SIGNAL_EMERGENCY_START;
        if (is_emergency(from) && !is_emergency(to))
                return BC_SIGNAL_EMERGENCY_END;
        if (from != BC_PHASE_RECORDING && to == BC_PHASE_RECORDING)
                return BC_SIGNAL_START;
        if (from == BC_PHASE_RECORDING && to != BC_PHASE_RECORDING)
                return BC_SIGNAL_STOP;
        return BC_SIGNAL_COUNT;
}

static void set_reminder(struct bc_officer *officer, bool recording)
{
        if (recording && officer->config.reminder_ns > 0)
                bc_timer_set(officer->reminder, now_ns(officer) + officer->config.reminder_ns);
        else
                bc_timer_clear(officer->reminder);
}

static void on_reminder(void *user, int64_t due_ns)
{
        struct bc_officer *officer = user;

        (void)due_ns;
        flash(officer, BC_SIGNAL_REMINDER);
        set_reminder(officer, true);
}

static void on_change(void *user)
{
        struct bc_officer *officer = user;
        struct bc_mode mode = bc_controller_mode(officer->controller);
        enum bc_phase before = officer->phase;

        stand_all(officer, &mode, bc_controller_flags(officer->controller));
        if (mode.phase != before) {
                enum bc_signal signal = edge(before, mode.phase);

                officer->phase = mode.phase;
                // In an emergency nobody needs to be reminded.
                set_reminder(officer, mode.phase == BC_PHASE_RECORDING);
                if (signal != BC_SIGNAL_COUNT)
                        bc_display_flash(&officer->display, signal, now_ns(officer));
        }
        show(officer);
}

static void on_alarm(void *user, enum bc_alarm alarm, const char *text)
{
        struct bc_officer *officer = user;

        (void)text;
        // An emergency has its own answer.
        if (alarm == BC_ALARM_EMERGENCY)
                return;
        flash(officer, alarm == BC_ALARM_WARNING ? BC_SIGNAL_WARNING : BC_SIGNAL_ALARM);
}

// ---- what is meant -------------------------------------------------------------------------------------------

static struct bc_grammar_world world(const struct bc_officer *officer)
{
        enum bc_phase phase = bc_controller_mode(officer->controller).phase;
        // In its post-event seconds a press means to go on, where the officer may start.
        bool goes_on = phase == BC_PHASE_ENDING &&
                       bc_controller_policy(officer->controller)->activation != BC_ACTIVATION_CONTROL_ROOM;

        return (struct bc_grammar_world){
                .recording = (bc_phase_is_recording(phase) && !goes_on) || phase == BC_PHASE_FAULT_WANTED,
                .emergency = is_emergency(phase),
        };
}

static void tell(struct bc_officer *officer, enum bc_event event, int64_t time_ns)
{
        if (bc_controller_handle(officer->controller, event, time_ns, BC_ORIGIN_BUTTON, "button").refusal != BC_REFUSAL_NONE)
                flash(officer, BC_SIGNAL_REFUSAL);
}

static void mark(struct bc_officer *officer, int64_t time_ns)
{
        struct bc_outcome outcome = bc_controller_mark(officer->controller, time_ns, BC_ORIGIN_BUTTON, "button", "");

        flash(officer, outcome.refusal == BC_REFUSAL_NONE ? BC_SIGNAL_MARK : BC_SIGNAL_REFUSAL);
}

static void set_stuck(struct bc_officer *officer, enum bc_button button, bool stuck)
{
        char text[80];

        officer->stuck = stuck ? officer->stuck | 1u << button : officer->stuck & ~(1u << button);
        bc_controller_set_flag(officer->controller, BC_FLAG_BUTTON_STUCK, officer->stuck != 0);
        snprintf(text, sizeof(text), "the %s button %s", button_names[button], stuck ? "is stuck" : "moves again");
        if (stuck)
                bc_controller_alarm(officer->controller, BC_ALARM_WARNING, text);
        else
                bc_log_notice("%s", text);
}

static void act(struct bc_officer *officer, const struct bc_gestures *gestures)
{
        for (size_t i = 0; i < gestures->count; i++) {
                int64_t time_ns = gestures->item[i].time_ns;

                switch (gestures->item[i].gesture) {
                case BC_GESTURE_PRESS:
                        flash(officer, BC_SIGNAL_PRESS);
                        break;
                case BC_GESTURE_RECORD:
                        tell(officer, BC_EVENT_RECORD_START, time_ns);
                        break;
                case BC_GESTURE_MARK:
                        mark(officer, time_ns);
                        break;
                case BC_GESTURE_STOP:
                        tell(officer, BC_EVENT_RECORD_STOP, time_ns);
                        break;
                case BC_GESTURE_EMERGENCY:
                        tell(officer, BC_EVENT_EMERGENCY_START, time_ns);
                        break;
                case BC_GESTURE_LET_GO:
                        flash(officer, BC_SIGNAL_LET_GO);
                        break;
                case BC_GESTURE_RELEASE:
                        tell(officer, BC_EVENT_EMERGENCY_RELEASE, time_ns);
                        break;
                case BC_GESTURE_STUCK:
                case BC_GESTURE_FREE:
                        set_stuck(officer, gestures->item[i].button, gestures->item[i].gesture == BC_GESTURE_STUCK);
                        break;
                case BC_GESTURE_COUNT:
                        break;
                }
        }
}

static void wait_for_deadline(struct bc_officer *officer)
{
        int64_t due_ns = bc_grammar_deadline_ns(&officer->grammar);

        if (due_ns == BC_NS_NEVER)
                bc_timer_clear(officer->deadline);
        else
                bc_timer_set(officer->deadline, due_ns);
}

static void elapse(struct bc_officer *officer, int64_t time_ns)
{
        // One after the other when the loop is late: what one means may change what the next is about.
        do {
                int64_t due_ns = bc_grammar_deadline_ns(&officer->grammar);
                struct bc_grammar_world around = world(officer);
                struct bc_gestures gestures = { 0 };

                bc_grammar_elapse(&officer->grammar, &around, due_ns < time_ns ? due_ns : time_ns, &gestures);
                act(officer, &gestures);
        } while (bc_grammar_deadline_ns(&officer->grammar) <= time_ns);
}

static void on_deadline(void *user, int64_t due_ns)
{
        elapse(user, due_ns);
        wait_for_deadline(user);
}

static void on_button(void *user, enum bc_button button, bool pressed, int64_t time_ns)
{
        struct bc_officer *officer = user;
        struct bc_gestures gestures = { 0 };
        struct bc_grammar_world around;

        // What was due before comes first, and may change what this edge is about.
        elapse(officer, time_ns);
        around = world(officer);
        bc_grammar_edge(&officer->grammar, &around, button, pressed, time_ns, &gestures);
        act(officer, &gestures);
        wait_for_deadline(officer);
}

struct bc_buttons_sink bc_officer_buttons_sink(struct bc_officer *officer)
{
        return (struct bc_buttons_sink){ on_button, officer };
}

int bc_officer_preview(struct bc_officer *officer, enum bc_signal signal)
{
        if (!officer->indicator)
                return -ENODEV;
        if (officer->display.dark)
                return -EPERM;
        flash(officer, signal);
        return 0;
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

BC_DEFINE_CLEANUP(officer, struct bc_officer, bc_officer_free)

int bc_officer_new(struct bc_loop *loop, struct bc_controller *controller, struct bc_indicator *indicator,
                   const struct bc_officer_config *config, struct bc_officer **ret_officer)
{
        BC_CLEANUP(bc_cleanup_officer) struct bc_officer *officer = calloc(1, sizeof(*officer));
        const struct bc_controller_sink sink = { on_change, on_alarm, officer };
        int r;

        if (!officer)
                return -ENOMEM;
        officer->loop = loop;
        officer->controller = controller;
        officer->indicator = indicator;
        officer->config = *config;
        officer->phase = bc_controller_mode(controller).phase;
        bc_grammar_init(&officer->grammar, &config->grammar);
        bc_display_init(&officer->display, officer->config.patterns);
        r = bc_timer_new(loop, on_deadline, officer, &officer->deadline);
        if (r == 0)
                r = bc_timer_new(loop, on_redraw, officer, &officer->redraw);
        if (r == 0)
                r = bc_timer_new(loop, on_reminder, officer, &officer->reminder);
        if (r == 0)
                r = bc_controller_watch(controller, &sink);
        if (r < 0)
                return r;
        // Whatever an earlier run left on.
        if (indicator)
                (void)bc_indicator_set(indicator, &officer->shown);
        on_change(officer);
        *ret_officer = BC_TAKE(officer);
        return 0;
}

void bc_officer_free(struct bc_officer *officer)
{
        if (!officer)
                return;
        bc_controller_unwatch(officer->controller, officer);
        bc_timer_free(officer->deadline);
        bc_timer_free(officer->redraw);
        bc_timer_free(officer->reminder);
        free(officer);
}

void bc_officer_set_config(struct bc_officer *officer, const struct bc_officer_config *config)
{
        int64_t reminder_ns = officer->config.reminder_ns;

        officer->config = *config;
        bc_grammar_configure(&officer->grammar, &config->grammar);
        wait_for_deadline(officer);
        if (config->reminder_ns != reminder_ns)
                set_reminder(officer, officer->phase == BC_PHASE_RECORDING);
        show(officer);
}
