// SPDX-License-Identifier: EUPL-1.2
#include "control/controller.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/thread.h"
#include "control/announce.h"
#include "control/capture.h"
#include "control/handover.h"
#include "control/inbox.h"
#include "control/sensors.h"
#include "evidence/recovery.h"

#define RETRY_FIRST_NS (2 * BC_NS_PER_S)
#define RETRY_LAST_NS (30 * BC_NS_PER_S)

struct bc_controller {
        struct bc_controller_parts parts;
        struct bc_controller_config config;
        struct bc_watchers watchers;
        struct bc_clock *clock;
        struct bc_pipeline *pipeline;
        struct bc_recorder *recorder;

        struct bc_mode mode;
        int64_t since_ns;
        struct bc_capture capture;
        bool capable_is_news, capable_news; // told while an event was being worked on
        bool busy;
        struct bc_sensors sensors;

        struct bc_handover handover;
        char stop_by[BC_BY_BYTES]; // what began the post-event seconds
        bool trouble;              // the recorder's last word on writing
        uint32_t told_flags;       // by others
        const char *mark;          // text of the mark that is being set
        int mark_error;            // what came of it
        int64_t muted_ns;          // since when, while muted

        struct bc_timer *post_event, *dwell, *retry, *give_up, *mute_end, *begin;
        int64_t retry_ns; // the next pause

        struct bc_thread *recovery;
        struct bc_recovery_report report; // the recovery thread's until BC_INBOX_RECOVERED
        int recovery_error;
        atomic_bool stop_recovery;
};

static int64_t now_ns(const struct bc_controller *controller)
{
        return bc_clock_now_ns(controller->clock);
}

static void changed(const struct bc_controller *controller)
{
        bc_watchers_change(&controller->watchers);
}

static void alarm_all(const struct bc_controller *controller, enum bc_alarm alarm, const char *text)
{
        bc_announce_alarm(controller->parts.ledger, controller->mode.phase, now_ns(controller), text);
        bc_watchers_alarm(&controller->watchers, alarm, text);
}

// ---- events --------------------------------------------------------------------------------------------------

// What is written into the picture from now on.
static void show_marks(const struct bc_controller *controller)
{
        uint32_t marks = 0;

        if (bc_phase_is_recording(controller->mode.phase))
                marks |= BC_MARK_REC;
        if (bc_state_of(controller->mode.phase) == BC_STATE_EMERGENCY)
                marks |= BC_MARK_EMERGENCY;
        if (controller->mode.muted)
                marks |= BC_MARK_MUTED;
        bc_telemetry_set_marks(controller->parts.telemetry, marks);
}

// A restart empties the ring. A recording that goes on over slates is not cut for it: drivers come back by themselves.
static void retry_capture(struct bc_controller *controller)
{
        if (bc_handover_is_idle(&controller->handover))
                bc_sensors_restart(&controller->sensors);
}

// Nothing can begin again in STOPPING, and there the end of the stream lets the recorder finish at once.
static void stop_sensors_if_due(struct bc_controller *controller)
{
        bool last = controller->mode.phase == BC_PHASE_STOPPING;

        if ((last || bc_handover_is_idle(&controller->handover)) && bc_sensors_idle(&controller->sensors))
                changed(controller);
}

static void arm_retry(struct bc_controller *controller)
{
        bc_timer_set(controller->retry, now_ns(controller) + controller->retry_ns);
        controller->retry_ns = controller->retry_ns * 2 < RETRY_LAST_NS ? controller->retry_ns * 2 : RETRY_LAST_NS;
}

static void cancel_retry(struct bc_controller *controller)
{
        bc_timer_clear(controller->retry);
        controller->retry_ns = RETRY_FIRST_NS;
}

static void limit_mute(struct bc_controller *controller)
{
        if (controller->mode.muted && controller->config.mute_limit_ns > 0)
                bc_timer_set(controller->mute_end, controller->muted_ns + controller->config.mute_limit_ns);
        else
                bc_timer_clear(controller->mute_end);
}

static void set_mute(struct bc_controller *controller, int64_t time_ns, const char *by)
{
        bool muted = controller->mode.muted;
        int64_t from_ns = bc_pipeline_set_muted(controller->pipeline, muted, time_ns);

        show_marks(controller);
        controller->muted_ns = time_ns;
        limit_mute(controller);
        bc_announce_mute(controller->parts.ledger, muted, time_ns, from_ns, by);
}

static void set_mark(struct bc_controller *controller, int64_t time_ns)
{
        controller->mark_error = bc_recorder_mark(controller->recorder, time_ns, controller->mark ? controller->mark : "");
        if (controller->mark_error < 0)
                bc_log_error("a mark cannot be kept: %s", strerror(-controller->mark_error));
}

static void act(struct bc_controller *controller, uint32_t actions, enum bc_event event, int64_t time_ns, const char *by)
{
        if (actions & BC_ACTION_CANCEL_POST_EVENT)
                bc_timer_clear(controller->post_event);
        if (actions & BC_ACTION_CANCEL_DWELL)
                bc_timer_clear(controller->dwell);
        if (actions & BC_ACTION_CANCEL_RETRY)
                cancel_retry(controller);
        if (actions & BC_ACTION_CLOSE_RECORDING)
                bc_handover_close(&controller->handover, time_ns,
                                  event == BC_EVENT_POST_EVENT_ELAPSED ? controller->stop_by : by);
        if (actions & BC_ACTION_STOP_SENSORS)
                bc_sensors_stop_when_idle(&controller->sensors);
        if (actions & BC_ACTION_START_SENSORS)
                bc_sensors_start(&controller->sensors);
        if (actions & BC_ACTION_COMMIT_PRE_EVENT)
                bc_handover_open(&controller->handover, time_ns, by);
        if (actions & BC_ACTION_ARM_POST_EVENT) {
                snprintf(controller->stop_by, sizeof(controller->stop_by), "%s", by);
                bc_timer_set(controller->post_event, time_ns + controller->config.post_event_ns);
        }
        if (actions & BC_ACTION_ARM_DWELL)
                bc_timer_set(controller->dwell, time_ns + controller->config.dock_dwell_ns);
        if (actions & BC_ACTION_MARK)
                set_mark(controller, time_ns);
        if (actions & BC_ACTION_SET_MUTE)
                set_mute(controller, time_ns, by);
        if (actions & BC_ACTION_SET_STEALTH)
                bc_announce_stealth(controller->parts.ledger, controller->mode.stealthy, time_ns, by);
        if (actions & BC_ACTION_RETRY_CAPTURE)
                retry_capture(controller);
        if (actions & BC_ACTION_ARM_RETRY)
                arm_retry(controller);
        if (actions & BC_ACTION_ALARM)
                alarm_all(controller, event == BC_EVENT_EMERGENCY_START ? BC_ALARM_EMERGENCY : BC_ALARM_TROUBLE,
                          bc_alarm_text(event));
        if (event == BC_EVENT_SHUTDOWN && actions & BC_ACTION_REPORT_EDGE) {
                atomic_store(&controller->stop_recovery, true);
                bc_timer_set(controller->give_up, now_ns(controller) + controller->config.stop_within_ns);
                // The end must not wait for a clock that stands.
                if (bc_clock_is_simulated(controller->clock))
                        bc_clock_release(controller->clock, BC_NS_NEVER);
        }
        if (actions & BC_ACTION_EXIT)
                bc_loop_quit(controller->parts.loop, 0);
}

static struct bc_outcome apply(struct bc_controller *controller, enum bc_event event, int64_t time_ns, const char *by)
{
        struct bc_mode before = controller->mode;
        struct bc_step step = bc_state_step(&before, event);

        if (step.refusal != BC_REFUSAL_NONE && step.mode.phase == before.phase)
                return (struct bc_outcome){ .refusal = step.refusal };
        controller->mode = step.mode;
        if (step.actions & BC_ACTION_REPORT_EDGE)
                bc_announce_edge(controller->parts.ledger, before.phase, step.mode.phase, event, time_ns, by);
        if (bc_state_of(step.mode.phase) != bc_state_of(before.phase)) {
                controller->since_ns = time_ns;
                show_marks(controller);
        }
        act(controller, step.actions, event, time_ns, by);
        return (struct bc_outcome){ .accepted = true, .refusal = step.refusal };
}

// What may have become due by an event or by a recording that was closed.
static void settle(struct bc_controller *controller)
{
        if (bc_phase_is_recording(controller->mode.phase) && controller->mode.capable)
                bc_handover_keep(&controller->handover);
        stop_sensors_if_due(controller);
        changed(controller);
        if (controller->mode.phase == BC_PHASE_STOPPING && !controller->recovery &&
            bc_handover_is_idle(&controller->handover))
                (void)bc_controller_handle(controller, BC_EVENT_STOPPED, now_ns(controller), BC_ORIGIN_DEVICE, "all is closed");
}

// Not for what is held back by a store or by sensors: that has its own ways to begin again.
static void follow_policy(struct bc_controller *controller)
{
        if (bc_policy_wants_recording(&controller->config.policy, &controller->mode))
                (void)apply(controller, BC_EVENT_RECORD_START, now_ns(controller), "policy");
}

// An event, BC_EVENT_COUNT: none, what the policy makes of it, and what was found out meanwhile, one after the other.
static struct bc_outcome work(struct bc_controller *controller, enum bc_event event, int64_t time_ns, const char *by)
{
        struct bc_outcome outcome = { 0 };

        controller->busy = true;
        if (event != BC_EVENT_COUNT)
                outcome = apply(controller, event, time_ns, by);
        follow_policy(controller);
        while (controller->capable_is_news) {
                controller->capable_is_news = false;
                (void)apply(controller, controller->capable_news ? BC_EVENT_CAPTURE_BACK : BC_EVENT_CAPTURE_LOST,
                            now_ns(controller), "sensors");
                follow_policy(controller);
        }
        controller->busy = false;
        return outcome;
}

struct bc_outcome bc_controller_handle(struct bc_controller *controller, enum bc_event event, int64_t time_ns,
                                       enum bc_origin origin, const char *by)
{
        struct bc_outcome outcome = {
                .refusal = bc_policy_judge(&controller->config.policy, &controller->mode, event, origin),
        };

        if (outcome.refusal != BC_REFUSAL_NONE)
                return outcome;
        outcome = work(controller, event, time_ns, by);
        if (event != BC_EVENT_STOPPED)
                settle(controller);
        return outcome;
}

static void on_capable(void *user, bool capable)
{
        struct bc_controller *controller = user;

        controller->capable_is_news = true;
        controller->capable_news = capable;
        if (!controller->busy) {
                controller->capable_is_news = false;
                (void)bc_controller_handle(controller, capable ? BC_EVENT_CAPTURE_BACK : BC_EVENT_CAPTURE_LOST,
                                           now_ns(controller), BC_ORIGIN_DEVICE, "sensors");
        }
}

static void on_post_event(void *user, int64_t due_ns)
{
        (void)bc_controller_handle(user, BC_EVENT_POST_EVENT_ELAPSED, due_ns, BC_ORIGIN_DEVICE, "post-event");
}

static void on_dwell(void *user, int64_t due_ns)
{
        (void)bc_controller_handle(user, BC_EVENT_DWELL_ELAPSED, due_ns, BC_ORIGIN_DEVICE, "dock");
}

static void on_retry(void *user, int64_t due_ns)
{
        (void)bc_controller_handle(user, BC_EVENT_RETRY_DUE, due_ns, BC_ORIGIN_DEVICE, "retry");
}

// What records from boot does not wait for recovery.
static void on_begin(void *user, int64_t due_ns)
{
        struct bc_controller *controller = user;

        (void)due_ns;
        work(controller, BC_EVENT_COUNT, 0, "");
        settle(controller);
}

static void on_mute_end(void *user, int64_t due_ns)
{
        (void)bc_controller_handle(user, BC_EVENT_UNMUTE, due_ns, BC_ORIGIN_DEVICE, "mute limit");
}

struct bc_outcome bc_controller_mark(struct bc_controller *controller, int64_t time_ns, enum bc_origin origin,
                                     const char *by, const char *text)
{
        struct bc_outcome outcome;

        controller->mark = text;
        controller->mark_error = 0;
        outcome = bc_controller_handle(controller, BC_EVENT_MARK, time_ns, origin, by);
        controller->mark = NULL;
        if (outcome.accepted && controller->mark_error < 0)
                return (struct bc_outcome){ .refusal = BC_REFUSAL_MARK };
        return outcome;
}

// ---- the inbox -----------------------------------------------------------------------------------------------

static void on_recovered(struct bc_controller *controller)
{
        const char *alarm;

        bc_thread_join(BC_TAKE(controller->recovery));
        alarm = bc_announce_recovery(&controller->report, controller->recovery_error);
        if (alarm)
                alarm_all(controller, BC_ALARM_TROUBLE, alarm);
        (void)bc_controller_handle(controller, BC_EVENT_STARTED, now_ns(controller), BC_ORIGIN_DEVICE, "recovery is done");
}

// A trouble that was over before anybody heard of it is told all the same.
static void on_trouble(struct bc_controller *controller, const struct bc_message *message)
{
        char text[160];

        if (message->least < 0 && !controller->trouble) {
                snprintf(text, sizeof(text), "the store cannot be written: %s", strerror((int)-message->least));
                alarm_all(controller, BC_ALARM_TROUBLE, text);
        }
        controller->trouble = message->value < 0;
}

static void on_message(void *user, const struct bc_message *message)
{
        struct bc_controller *controller = user;

        switch ((enum bc_inbox)message->kind) {
        case BC_INBOX_FAILED:
                bc_capture_set_failed(&controller->capture, message->latest_ns);
                break;
        case BC_INBOX_PICTURE:
                bc_log_warning("the picture is %s", message->value ? "lost" : "back");
                bc_capture_set_picture(&controller->capture, message->value, message->latest_ns);
                break;
        case BC_INBOX_SOUND:
                bc_log_warning("the sound is %s", message->value ? "lost" : "back");
                bc_capture_set_sound(&controller->capture, message->value, message->latest_ns);
                break;
        case BC_INBOX_TROUBLE:
                on_trouble(controller, message);
                break;
        case BC_INBOX_SIGNED:
                if (message->value)
                        alarm_all(controller, BC_ALARM_TROUBLE, "what is recorded is not being signed");
                bc_controller_set_flag(controller, BC_FLAG_SIGNATURES_PENDING, message->value);
                break;
        case BC_INBOX_DURABLE:
        case BC_INBOX_LEDGER: // goes elsewhere
                break;
        case BC_INBOX_CLOSED:
                bc_handover_on_closed(&controller->handover);
                settle(controller);
                break;
        case BC_INBOX_DROPPED:
                bc_log_debug("%lld frames dropped", (long long)message->value);
                break;
        case BC_INBOX_RECOVERED:
                on_recovered(controller);
                break;
        case BC_INBOX_UNFINISHED:
                alarm_all(controller, BC_ALARM_TROUBLE, "a recording could not be finished: it is left to the next start");
                break;
        }
        changed(controller);
}

static void on_late(void *user, bool late)
{
        struct bc_controller *controller = user;

        if (late)
                alarm_all(controller, BC_ALARM_TROUBLE, "what is recorded does not become durable");
        changed(controller);
}

static void on_give_up(void *user, int64_t due_ns)
{
        struct bc_controller *controller = user;

        (void)due_ns;
        bc_log_error("shutdown: not everything could be closed in time; the next start recovers it");
        bc_loop_quit(controller->parts.loop, 1);
}

static void recover(void *user)
{
        BC_IN_DEVICE; // reads and mends files all the time, and nobody waits for it
        struct bc_controller *controller = user;

        const struct bc_controller_parts *parts = &controller->parts;

        controller->recovery_error = bc_recovery_run(parts->store, parts->rescue, &controller->stop_recovery, &controller->report);
        bc_loop_post(controller->parts.loop, BC_INBOX_RECOVERED, 0);
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

BC_DEFINE_CLEANUP(controller, struct bc_controller, bc_controller_free)

int bc_controller_new(const struct bc_controller_parts *parts, const struct bc_controller_config *config,
                      struct bc_controller **ret_controller)
{
        BC_CLEANUP(bc_cleanup_controller) struct bc_controller *controller = calloc(1, sizeof(*controller));
        const struct bc_capture_config capture_config = {
                .dark_after_ns = BC_CONTROLLER_DARK_NS,
                .proof_ns = config->slate_after_ns + BC_NS_PER_S,
                .sound = config->sound,
        };
        int r;

        if (!controller)
                return -ENOMEM;
        controller->parts = *parts;
        controller->config = *config;
        controller->clock = bc_loop_clock(parts->loop);
        controller->mode = bc_mode_initial();
        controller->since_ns = now_ns(controller);
        controller->retry_ns = RETRY_FIRST_NS;
        r = bc_capture_init(&controller->capture, parts->loop, &capture_config, on_capable, controller);
        if (r == 0)
                r = bc_timer_new(parts->loop, on_post_event, controller, &controller->post_event);
        if (r == 0)
                r = bc_timer_new(parts->loop, on_dwell, controller, &controller->dwell);
        if (r == 0)
                r = bc_timer_new(parts->loop, on_retry, controller, &controller->retry);
        if (r == 0)
                r = bc_timer_new(parts->loop, on_give_up, controller, &controller->give_up);
        if (r == 0)
                r = bc_sensors_init(&controller->sensors, parts->loop, &controller->capture);
        if (r == 0)
                r = bc_timer_new(parts->loop, on_mute_end, controller, &controller->mute_end);
        if (r == 0)
                r = bc_timer_new(parts->loop, on_begin, controller, &controller->begin);
        if (r < 0)
                return r;
        *ret_controller = BC_TAKE(controller);
        return 0;
}

int bc_controller_start(struct bc_controller *controller, struct bc_pipeline *pipeline, struct bc_recorder *recorder)
{
        int r;

        controller->pipeline = controller->sensors.pipeline = pipeline;
        controller->recorder = recorder;
        r = bc_handover_init(&controller->handover, controller->parts.loop, controller->parts.ring, recorder, on_late,
                             controller);
        if (r < 0)
                return r;
        bc_loop_on_message(controller->parts.loop, on_message, controller);
        bc_timer_set(controller->begin, now_ns(controller));
        return bc_thread_start(controller->clock, "recovery", recover, controller, &controller->recovery);
}

void bc_controller_stop(struct bc_controller *controller)
{
        atomic_store(&controller->stop_recovery, true);
        bc_thread_join(BC_TAKE(controller->recovery));
        bc_sensors_stop(&controller->sensors);
        bc_loop_on_message(controller->parts.loop, NULL, NULL);
}

void bc_controller_free(struct bc_controller *controller)
{
        if (!controller)
                return;
        bc_capture_done(&controller->capture);
        bc_handover_done(&controller->handover);
        bc_timer_free(controller->post_event);
        bc_timer_free(controller->dwell);
        bc_timer_free(controller->retry);
        bc_timer_free(controller->give_up);
        bc_sensors_done(&controller->sensors);
        bc_timer_free(controller->mute_end);
        bc_timer_free(controller->begin);
        free(controller);
}

void bc_controller_set_config(struct bc_controller *controller, const struct bc_controller_config *config)
{
        controller->config = *config;
        limit_mute(controller);
        // A policy may want something else from now on; and what it does not allow any more ends.
        if (controller->mode.muted && !config->policy.mute)
                (void)bc_controller_handle(controller, BC_EVENT_UNMUTE, now_ns(controller), BC_ORIGIN_DEVICE, "policy");
        if (controller->mode.stealthy && !config->policy.stealth)
                (void)bc_controller_handle(controller, BC_EVENT_STEALTH_OFF, now_ns(controller), BC_ORIGIN_DEVICE, "policy");
        work(controller, BC_EVENT_COUNT, 0, "");
        settle(controller);
}

void bc_controller_refresh(struct bc_controller *controller)
{
        changed(controller);
}

int bc_controller_watch(struct bc_controller *controller, const struct bc_controller_sink *sink)
{
        return bc_watchers_add(&controller->watchers, sink);
}

void bc_controller_unwatch(struct bc_controller *controller, const void *user)
{
        bc_watchers_remove(&controller->watchers, user);
}

void bc_controller_set_flag(struct bc_controller *controller, enum bc_flag flag, bool stands)
{
        uint32_t flags = stands ? controller->told_flags | (uint32_t)flag : controller->told_flags & ~(uint32_t)flag;

        if (flags == controller->told_flags)
                return;
        controller->told_flags = flags;
        changed(controller);
}

void bc_controller_alarm(struct bc_controller *controller, enum bc_alarm alarm, const char *text)
{
        alarm_all(controller, alarm, text);
}

struct bc_mode bc_controller_mode(const struct bc_controller *controller)
{
        return controller->mode;
}

const struct bc_policy *bc_controller_policy(const struct bc_controller *controller)
{
        return &controller->config.policy;
}

uint32_t bc_controller_flags(const struct bc_controller *controller)
{
        uint32_t flags = controller->told_flags;

        if (controller->capture.picture_lost)
                flags |= BC_FLAG_NO_PICTURE;
        if (controller->capture.sound_lost)
                flags |= BC_FLAG_NO_AUDIO;
        if (controller->trouble)
                flags |= BC_FLAG_STORAGE_TROUBLE;
        if (controller->handover.late)
                flags |= BC_FLAG_NOT_DURABLE;
        if (controller->mode.phase == BC_PHASE_ENDING)
                flags |= BC_FLAG_POST_EVENT;
        if (controller->mode.phase == BC_PHASE_FAULT_WANTED)
                flags |= BC_FLAG_WANTED;
        if (!controller->mode.capable)
                flags |= BC_FLAG_CANNOT_RECORD;
        if (controller->mode.muted)
                flags |= BC_FLAG_MUTED;
        if (controller->mode.stealthy)
                flags |= BC_FLAG_STEALTH;
        return flags;
}

void bc_controller_status(struct bc_controller *controller, struct bc_status *ret_status)
{
        struct bc_status status = {
                .state = bc_state_of(controller->mode.phase),
                .flags = bc_controller_flags(controller),
                .now_ns = now_ns(controller),
                .since_ns = controller->since_ns,
                .press_ns = controller->handover.press_ns,
        };

        if (!controller->mode.capable)
                status.missing = bc_capture_missing(&controller->capture);
        bc_telemetry_at(controller->parts.telemetry, status.now_ns, &status.moment);
        status.flags |= status.moment.source == BC_UTC_NONE ? BC_FLAG_TIME_UNSET : 0;
        if (controller->config.gnss && status.moment.fix.mode == BC_FIX_NONE)
                status.flags |= BC_FLAG_NO_GNSS;
        bc_recorder_status(controller->recorder, &status.recorder);
        status.durable = controller->mode.capable && bc_handover_is_durable(&controller->handover);
        bc_ring_level(controller->parts.ring, &status.level);
        bc_pipeline_counters(controller->pipeline, &status.counters);
        *ret_status = status;
}
