// SPDX-License-Identifier: EUPL-1.2
// org.bodycam.Recorder1: commands and status.
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/utc.h"
#include "control/announce.h"
#include "control/dbus_object.h"
#include "control/handover.h"
#include "control/policy_words.h"
#include "evidence/entry.h"

static int64_t now_ns(const struct bc_dbus *dbus)
{
        return bc_clock_now_ns(bc_loop_clock(dbus->loop));
}

// ---- starts that wait for durability ---------------------------------------------------------------------------

// Whether the recording of a press has become durable, or one after it has begun.
static bool is_durable(const struct bc_status *status, int64_t press_ns)
{
        if (press_ns < 0 || status->missing)
                return false;
        return status->recorder.press_ns > press_ns ||
               (status->recorder.press_ns == press_ns && status->recorder.durable_ns >= 0);
}

static int answer(sd_bus_message *call, const struct bc_status *status, int64_t press_ns, const char *reason)
{
        bool known = status->recorder.press_ns == press_ns, durable = is_durable(status, press_ns);
        char missing[160] = "";

        if (status->missing)
                snprintf(missing, sizeof(missing), "nothing can be recorded at the moment: %s", status->missing);
        else if (!durable)
                snprintf(missing, sizeof(missing), "%s", reason);
        return sd_bus_reply_method_return(call, "tbs", known ? status->recorder.counter : UINT64_C(0), durable, missing);
}

static void release(struct bc_dbus_waiting *waiting)
{
        waiting->call = sd_bus_message_unref(waiting->call);
        bc_timer_clear(waiting->timer);
}

static void answer_waiting(struct bc_dbus_waiting *waiting, const struct bc_status *status)
{
        int r = answer(waiting->call, status, waiting->press_ns, "the recording is not yet durable");

        if (r < 0)
                bc_log_warning("D-Bus: an answer could not be sent: %s", strerror(-r));
        release(waiting);
}

static void on_timeout(void *user, int64_t due_ns)
{
        struct bc_dbus_waiting *waiting = user;
        struct bc_status status;

        (void)due_ns;
        bc_controller_status(waiting->dbus->controller, &status);
        answer_waiting(waiting, &status);
}

// Answers once it is durable or cannot become so.
static int answer_when_durable(struct bc_dbus *dbus, sd_bus_message *call)
{
        struct bc_status status;

        bc_controller_status(dbus->controller, &status);
        if (status.missing || is_durable(&status, status.press_ns))
                return answer(call, &status, status.press_ns, "");
        for (size_t i = 0; i < BC_DBUS_WAITING_MAX; i++) {
                struct bc_dbus_waiting *waiting = &dbus->waiting[i];
                if (waiting->call)
                        continue;
                waiting->call = sd_bus_message_ref(call);
                waiting->press_ns = status.press_ns;
                bc_timer_set(waiting->timer, now_ns(dbus) + BC_HANDOVER_FIRST_NS);
                return 1;
        }
        return answer(call, &status, status.press_ns, "the recording is not yet durable, and too many calls wait for it");
}

// ---- methods -------------------------------------------------------------------------------------------------

static int command(struct bc_dbus *dbus, enum bc_event event, const char *by, sd_bus_error *error)
{
        struct bc_outcome outcome = bc_controller_handle(dbus->controller, event, now_ns(dbus), BC_ORIGIN_COMMAND, by);

        if (outcome.refusal != BC_REFUSAL_NONE)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, bc_refusal_text(outcome.refusal));
        return 0;
}

// A text that a person gave. The bus has seen to it that it is UTF-8.
static int read_text(sd_bus_message *call, const char *what, size_t bytes_max, const char **ret_text, sd_bus_error *error)
{
        int r = sd_bus_message_read(call, "s", ret_text);

        if (r < 0)
                return r;
        if (strlen(*ret_text) > bytes_max)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "the %s is longer than %zu bytes", what, bytes_max);
        for (const char *c = *ret_text; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "the %s holds a control character", what);
        return 0;
}

static int read_reason(sd_bus_message *call, char ret_by[BC_BY_BYTES], sd_bus_error *error)
{
        const char *reason;
        int r = read_text(call, "reason", BC_DBUS_REASON_BYTES_MAX, &reason, error);

        if (r < 0)
                return r;
        snprintf(ret_by, BC_BY_BYTES, reason[0] ? "command: %s" : "command", reason);
        return 0;
}

static int start(sd_bus_message *call, struct bc_dbus *dbus, enum bc_event event, sd_bus_error *error)
{
        char by[BC_BY_BYTES];
        int r = read_reason(call, by, error);

        if (r == 0)
                r = command(dbus, event, by, error);
        return r < 0 ? r : answer_when_durable(dbus, call);
}

static int plain(sd_bus_message *call, struct bc_dbus *dbus, enum bc_event event, sd_bus_error *error)
{
        int r = command(dbus, event, "command", error);

        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int on_record_start(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return start(call, user, BC_EVENT_RECORD_START, error);
}

static int on_record_stop(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return plain(call, user, BC_EVENT_RECORD_STOP, error);
}

static int on_emergency_start(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return start(call, user, BC_EVENT_EMERGENCY_START, error);
}

static int on_emergency_release(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return plain(call, user, BC_EVENT_EMERGENCY_RELEASE, error);
}

static int on_sensors_on(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return plain(call, user, BC_EVENT_SENSORS_ON, error);
}

static int on_sensors_off(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return plain(call, user, BC_EVENT_SENSORS_OFF, error);
}

static int on_mark(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        struct bc_outcome outcome;
        const char *text;
        int r = read_text(call, "text", BC_RECORDER_MARK_BYTES_MAX, &text, error);

        if (r < 0)
                return r;
        outcome = bc_controller_mark(dbus->controller, now_ns(dbus), BC_ORIGIN_COMMAND, "command", text);
        if (outcome.refusal != BC_REFUSAL_NONE)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, bc_refusal_text(outcome.refusal));
        return sd_bus_reply_method_return(call, NULL);
}

static int on_put_nonce(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        uint8_t nonce[BC_RECORD_NONCE_BYTES_MAX];
        const char *text;
        int r = read_text(call, "nonce", 2 * sizeof(nonce), &text, error);

        if (r < 0)
                return r;
        size_t n = strlen(text) / 2;
        if (strlen(text) % 2 != 0 || n < BC_RECORD_NONCE_BYTES_MIN || !bc_hex_read(text, n, nonce))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "a nonce is %d to %d bytes, two hexadecimal digits each",
                                         BC_RECORD_NONCE_BYTES_MIN, BC_RECORD_NONCE_BYTES_MAX);
        if (!dbus->parts.ledger)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, "no ledger is kept: nothing is signed");
        bc_announce_nonce(dbus->parts.ledger, now_ns(dbus), nonce, n);
        return sd_bus_reply_method_return(call, NULL);
}

static int switch_on_off(sd_bus_message *call, struct bc_dbus *dbus, enum bc_event on_event, enum bc_event off_event,
                         sd_bus_error *error)
{
        int on;
        int r = sd_bus_message_read(call, "b", &on);

        return r < 0 ? r : plain(call, dbus, on ? on_event : off_event, error);
}

static int on_set_muted(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return switch_on_off(call, user, BC_EVENT_MUTE, BC_EVENT_UNMUTE, error);
}

static int on_set_stealth(sd_bus_message *call, void *user, sd_bus_error *error)
{
        return switch_on_off(call, user, BC_EVENT_STEALTH_ON, BC_EVENT_STEALTH_OFF, error);
}

static int on_indicate(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        const char *name;
        int r = sd_bus_message_read(call, "s", &name);
        unsigned signal = 0;

        if (r < 0)
                return r;
        while (signal < BC_SIGNAL_COUNT && strcmp(bc_signal_name((enum bc_signal)signal), name) != 0)
                signal++;
        if (signal == BC_SIGNAL_COUNT)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "no such signal; the property Signals has them");
        r = bc_officer_preview(dbus->parts.officer, (enum bc_signal)signal);
        if (r == -ENODEV)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, "there is no indicator");
        if (r == -EPERM)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, "stealth is on: nothing is shown");
        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

struct sentences {
        sd_bus_message *reply;
        int r;
};

static void on_sentence(void *user, const char *text)
{
        struct sentences *sentences = user;

        if (sentences->r >= 0)
                sentences->r = sd_bus_message_append(sentences->reply, "s", text);
}

static int on_describe_policy(sd_bus_message *call, void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        struct sentences sentences = { 0 };

        (void)error;
        sentences.r = sd_bus_message_new_method_return(call, &sentences.reply);
        if (sentences.r >= 0)
                sentences.r = sd_bus_message_open_container(sentences.reply, 'a', "s");
        if (sentences.r >= 0)
                bc_policy_describe(dbus->parts.settings, on_sentence, &sentences);
        if (sentences.r >= 0)
                sentences.r = sd_bus_message_close_container(sentences.reply);
        if (sentences.r >= 0)
                sentences.r = sd_bus_send(NULL, sentences.reply, NULL);
        sd_bus_message_unref(sentences.reply);
        return sentences.r < 0 ? sentences.r : 1;
}

// ---- the table ----------------------------------------------------------------------------------------------

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
const sd_bus_vtable bc_dbus_recorder_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_NAMES("RecordStart", "s", SD_BUS_PARAM(reason), "tbs",
                                 SD_BUS_PARAM(counter) SD_BUS_PARAM(durable) SD_BUS_PARAM(missing), on_record_start,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RecordStop", NULL, NULL, on_record_stop, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("EmergencyStart", "s", SD_BUS_PARAM(reason), "tbs",
                                 SD_BUS_PARAM(counter) SD_BUS_PARAM(durable) SD_BUS_PARAM(missing), on_emergency_start,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EmergencyRelease", NULL, NULL, on_emergency_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("SensorsOn", NULL, NULL, on_sensors_on, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("SensorsOff", NULL, NULL, on_sensors_off, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Mark", "s", SD_BUS_PARAM(text), NULL, , on_mark, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("PutNonce", "s", SD_BUS_PARAM(hex), NULL, , on_put_nonce, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetMuted", "b", SD_BUS_PARAM(on), NULL, , on_set_muted, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetStealth", "b", SD_BUS_PARAM(on), NULL, , on_set_stealth,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Indicate", "s", SD_BUS_PARAM(signal), NULL, , on_indicate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("DescribePolicy", NULL, , "as", SD_BUS_PARAM(sentences), on_describe_policy,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_NAMES("Alarm", "s", SD_BUS_PARAM(text), 0),
        SD_BUS_PROPERTY("Version", "s", bc_dbus_get_text, 0, CONSTANT),
        SD_BUS_PROPERTY("Device", "s", bc_dbus_get_text, 0, CONSTANT),
        SD_BUS_PROPERTY("Simulated", "b", bc_dbus_get_truth, 0, CONSTANT),
        SD_BUS_PROPERTY("StorePath", "s", bc_dbus_get_text, 0, CONSTANT),
        SD_BUS_PROPERTY("Signals", "as", bc_dbus_get_text, 0, CONSTANT),
        SD_BUS_PROPERTY("Policy", "s", bc_dbus_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("StorageMinutes", "x", bc_dbus_get_number, 0, CHANGES),
        SD_BUS_PROPERTY("BatteryMinutes", "x", bc_dbus_get_number, 0, CHANGES),
        SD_BUS_PROPERTY("BatteryPercent", "x", bc_dbus_get_number, 0, CHANGES),
        SD_BUS_PROPERTY("Charging", "b", bc_dbus_get_truth, 0, CHANGES),
        SD_BUS_PROPERTY("Marks", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("State", "s", bc_dbus_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Flags", "as", bc_dbus_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("SinceNs", "x", bc_dbus_get_number, 0, CHANGES),
        SD_BUS_PROPERTY("RecordingCounter", "t", bc_dbus_get_number, 0, CHANGES),
        SD_BUS_PROPERTY("RecordingName", "s", bc_dbus_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Durable", "b", bc_dbus_get_truth, 0, CHANGES),
        SD_BUS_PROPERTY("Utc", "s", bc_dbus_get_text, 0, 0),
        SD_BUS_PROPERTY("UtcSource", "s", bc_dbus_get_text, 0, 0),
        SD_BUS_PROPERTY("UtcUncertaintyNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("FixAgeNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("LatitudeE7", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("LongitudeE7", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("AccuracyMm", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("NowNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("PressNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("RecordingPressNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("FirstPictureNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("DurableUntilNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("Segments", "u", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("Gaps", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("Unclosed", "u", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("PreEventHeldNs", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("PreEventNs", "x", bc_dbus_get_number, 0, CONSTANT),
        SD_BUS_PROPERTY("RingBytes", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("RingCapacityBytes", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("EvictedForSpace", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("StoreRoomBytes", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("Frames", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("FramesDropped", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("FramesLostByCamera", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("Slates", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("SoundUnits", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("SilentUnits", "t", bc_dbus_get_number, 0, 0),
        SD_BUS_PROPERTY("SoundRateErrorPpb", "x", bc_dbus_get_number, 0, 0),
        SD_BUS_VTABLE_END,
};

// ---- what is new ---------------------------------------------------------------------------------------------

static void tell_changes(struct bc_dbus *dbus, const struct bc_status *status)
{
        const struct bc_dbus_told now = {
                .state = status->state,
                .flags = status->flags,
                .since_ns = status->since_ns,
                .counter = status->recorder.counter,
                .durable = status->durable,
                .storage_minutes = bc_supplies_storage_minutes(dbus->parts.supplies),
                .battery = *bc_supplies_battery(dbus->parts.supplies),
                .activation = bc_controller_policy(dbus->controller)->activation,
        };
        const struct bc_dbus_told *told = &dbus->told;
        const char *names[12] = { NULL };
        size_t count = 0;
        int r;

        if (now.state != told->state)
                names[count++] = "State";
        if (now.flags != told->flags)
                names[count++] = "Flags";
        if (now.since_ns != told->since_ns)
                names[count++] = "SinceNs";
        if (now.counter != told->counter) {
                names[count++] = "RecordingCounter";
                names[count++] = "RecordingName";
        }
        if (now.durable != told->durable)
                names[count++] = "Durable";
        if (now.storage_minutes != told->storage_minutes)
                names[count++] = "StorageMinutes";
        if (!bc_battery_level_is_same(&now.battery, &told->battery)) {
                names[count++] = "BatteryMinutes";
                names[count++] = "BatteryPercent";
                names[count++] = "Charging";
        }
        if (now.activation != told->activation)
                names[count++] = "Policy";
        dbus->told = now;
        if (count == 0 || !dbus->bus)
                return;
        r = sd_bus_emit_properties_changed_strv(dbus->bus, BC_DBUS_PATH, BC_DBUS_RECORDER, (char **)(void *)names);
        if (r < 0 && r != -ENOTCONN)
                bc_log_warning("D-Bus: a change could not be told: %s", strerror(-r));
}

static void on_change(void *user)
{
        struct bc_dbus *dbus = user;
        struct bc_status status;

        bc_controller_status(dbus->controller, &status);
        for (size_t i = 0; i < BC_DBUS_WAITING_MAX; i++)
                if (dbus->waiting[i].call && (status.missing || is_durable(&status, dbus->waiting[i].press_ns)))
                        answer_waiting(&dbus->waiting[i], &status);
        tell_changes(dbus, &status);
}

static void on_alarm(void *user, enum bc_alarm alarm, const char *text)
{
        struct bc_dbus *dbus = user;

        (void)alarm;
        // Without a bus nobody is there to be told; the log has it.
        if (dbus->bus)
                (void)sd_bus_emit_signal(dbus->bus, BC_DBUS_PATH, BC_DBUS_RECORDER, "Alarm", "s", text);
}

int bc_dbus_recorder_init(struct bc_dbus *dbus)
{
        const struct bc_controller_sink sink = { on_change, on_alarm, dbus };
        int r;

        for (size_t i = 0; i < BC_DBUS_WAITING_MAX; i++) {
                dbus->waiting[i].dbus = dbus;
                r = bc_timer_new(dbus->loop, on_timeout, &dbus->waiting[i], &dbus->waiting[i].timer);
                if (r < 0)
                        return r;
        }
        return bc_controller_watch(dbus->controller, &sink);
}

void bc_dbus_recorder_done(struct bc_dbus *dbus)
{
        bc_controller_unwatch(dbus->controller, dbus);
        for (size_t i = 0; i < BC_DBUS_WAITING_MAX; i++) {
                bc_timer_free(dbus->waiting[i].timer);
                dbus->waiting[i].timer = NULL;
        }
}

void bc_dbus_recorder_disconnected(struct bc_dbus *dbus)
{
        for (size_t i = 0; i < BC_DBUS_WAITING_MAX; i++)
                if (dbus->waiting[i].call)
                        release(&dbus->waiting[i]);
}
