// SPDX-License-Identifier: EUPL-1.2
// org.bodycam.Recorder1: commands and status.
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "control/dbus_object.h"
#include "control/handover.h"

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
        struct bc_outcome outcome = bc_controller_handle(dbus->controller, event, now_ns(dbus), by);

        if (outcome.refusal != BC_REFUSAL_NONE)
                return sd_bus_error_set(error, BC_DBUS_REFUSED, bc_refusal_text(outcome.refusal));
        return 0;
}

static int read_reason(sd_bus_message *call, char ret_by[BC_BY_BYTES], sd_bus_error *error)
{
        const char *reason;
        int r = sd_bus_message_read(call, "s", &reason);

        if (r < 0)
                return r;
        // The bus has seen to it that this is UTF-8.
        if (strlen(reason) > BC_DBUS_REASON_BYTES_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "the reason is longer than %d bytes",
                                         BC_DBUS_REASON_BYTES_MAX);
        for (const char *c = reason; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "the reason holds a control character");
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

// ---- properties ----------------------------------------------------------------------------------------------

static int get_flags(sd_bus_message *reply, uint32_t flags)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (unsigned bit = 0; r >= 0 && bit < BC_FLAG_BITS; bit++)
                if (flags & (1u << bit))
                        r = sd_bus_message_append(reply, "s", bc_flag_name((enum bc_flag)(1 << bit)));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_utc(sd_bus_message *reply, const struct bc_moment *moment)
{
        char utc[BC_UTC_TEXT_BYTES] = "";

        if (moment->source != BC_UTC_NONE)
                (void)bc_utc_format(moment->utc_ns, utc);
        return sd_bus_message_append(reply, "s", utc);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        char name[BC_RECORDING_NAME_BYTES_MAX] = "";
        struct bc_status status;

        (void)bus;
        (void)path;
        (void)interface;
        (void)error;
        bc_controller_status(dbus->controller, &status);
        if (strcmp(property, "Version") == 0)
                return sd_bus_message_append(reply, "s", BC_VERSION);
        if (strcmp(property, "Device") == 0)
                return sd_bus_message_append(reply, "s", bc_store_device_id(dbus->store));
        if (strcmp(property, "State") == 0)
                return sd_bus_message_append(reply, "s", bc_state_name(status.state));
        if (strcmp(property, "Flags") == 0)
                return get_flags(reply, status.flags);
        if (strcmp(property, "Utc") == 0)
                return get_utc(reply, &status.moment);
        if (strcmp(property, "UtcSource") == 0)
                return sd_bus_message_append(reply, "s", bc_utc_source_name(status.moment.source));
        if (status.recorder.counter > 0)
                bc_store_name(dbus->store, status.recorder.counter, name);
        return sd_bus_message_append(reply, "s", name);
}

static int get_truth(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *user, sd_bus_error *error)
{
        struct bc_dbus *dbus = user;
        struct bc_status status;
        int truth;

        (void)bus;
        (void)path;
        (void)interface;
        (void)error;
        bc_controller_status(dbus->controller, &status);
        truth = strcmp(property, "Simulated") == 0 ? dbus->config.simulation != NULL : status.durable;
        return sd_bus_message_append(reply, "b", truth);
}

struct shown {
        struct bc_status status;
        int64_t held_ns; // how far back the ring reaches
        int64_t lat_e7, lon_e7, accuracy_mm; // of the fix; accuracy -1: not known
        int64_t fix_age_ns;                  // -1: there is none
        uint64_t ring_bytes, ring_capacity;
};

static void look_at_fix(struct shown *shown)
{
        const struct bc_fix *fix = &shown->status.moment.fix;

        shown->fix_age_ns = shown->accuracy_mm = -1;
        if (fix->mode == BC_FIX_NONE)
                return;
        shown->lat_e7 = fix->lat_e7;
        shown->lon_e7 = fix->lon_e7;
        shown->fix_age_ns = shown->status.now_ns - fix->time_ns;
        if (fix->accuracy_mm != BC_FIX_UNKNOWN)
                shown->accuracy_mm = fix->accuracy_mm;
}

static void look(struct bc_dbus *dbus, struct shown *shown)
{
        struct bc_ring_level *level = &shown->status.level;

        *shown = (struct shown){ 0 };
        bc_controller_status(dbus->controller, &shown->status);
        if (level->oldest_ns >= 0)
                shown->held_ns = level->newest_ns - level->oldest_ns;
        look_at_fix(shown);
        for (unsigned lane = 0; lane < BC_LANE_COUNT; lane++) {
                shown->ring_bytes += level->bytes[lane];
                shown->ring_capacity += level->capacity_bytes[lane];
        }
}

#define NUMBER(name, type, member) { name, type, offsetof(struct shown, member) }
static const struct number {
        const char *name;
        char type; // of D-Bus; x is int64_t, t uint64_t, u unsigned
        size_t offset;
} numbers[] = {
        NUMBER("SinceNs", 'x', status.since_ns),
        NUMBER("NowNs", 'x', status.now_ns),
        NUMBER("PressNs", 'x', status.press_ns),
        NUMBER("UtcUncertaintyNs", 'x', status.moment.uncertainty_ns),
        NUMBER("FixAgeNs", 'x', fix_age_ns),
        NUMBER("LatitudeE7", 'x', lat_e7),
        NUMBER("LongitudeE7", 'x', lon_e7),
        NUMBER("AccuracyMm", 'x', accuracy_mm),
        NUMBER("RecordingCounter", 't', status.recorder.counter),
        NUMBER("RecordingPressNs", 'x', status.recorder.press_ns),
        NUMBER("FirstPictureNs", 'x', status.recorder.first_ns),
        NUMBER("DurableUntilNs", 'x', status.recorder.durable_ns),
        NUMBER("Segments", 'u', status.recorder.segments),
        NUMBER("Gaps", 't', status.recorder.gaps),
        NUMBER("Unclosed", 'u', status.recorder.waiting),
        NUMBER("PreEventHeldNs", 'x', held_ns),
        NUMBER("RingBytes", 't', ring_bytes),
        NUMBER("RingCapacityBytes", 't', ring_capacity),
        NUMBER("EvictedForSpace", 't', status.level.evicted_for_space),
        NUMBER("StoreRoomBytes", 't', status.recorder.room_bytes),
        NUMBER("Frames", 't', status.counters.frames),
        NUMBER("FramesDropped", 't', status.counters.frames_dropped),
        NUMBER("FramesLostByCamera", 't', status.counters.frames_lost_by_camera),
        NUMBER("Slates", 't', status.counters.slates),
        NUMBER("SoundUnits", 't', status.counters.sound_units),
        NUMBER("SilentUnits", 't', status.counters.silent_units),
        NUMBER("SoundRateErrorPpb", 'x', status.counters.rate_error_ppb),
};

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *user, sd_bus_error *error)
{
        struct shown shown;

        (void)bus;
        (void)path;
        (void)interface;
        look(user, &shown);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                if (strcmp(numbers[i].name, property) == 0)
                        return sd_bus_message_append_basic(reply, numbers[i].type,
                                                           (const char *)&shown + numbers[i].offset);
        return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_PROPERTY, "%s", property);
}

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
        SD_BUS_SIGNAL_WITH_NAMES("Alarm", "s", SD_BUS_PARAM(text), 0),
        SD_BUS_PROPERTY("Version", "s", get_text, 0, CONSTANT),
        SD_BUS_PROPERTY("Device", "s", get_text, 0, CONSTANT),
        SD_BUS_PROPERTY("Simulated", "b", get_truth, 0, CONSTANT),
        SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Flags", "as", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("SinceNs", "x", get_number, 0, CHANGES),
        SD_BUS_PROPERTY("RecordingCounter", "t", get_number, 0, CHANGES),
        SD_BUS_PROPERTY("RecordingName", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Durable", "b", get_truth, 0, CHANGES),
        SD_BUS_PROPERTY("Utc", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("UtcSource", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("UtcUncertaintyNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("FixAgeNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("LatitudeE7", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("LongitudeE7", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("AccuracyMm", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("NowNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("PressNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("RecordingPressNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("FirstPictureNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("DurableUntilNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("Segments", "u", get_number, 0, 0),
        SD_BUS_PROPERTY("Gaps", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("Unclosed", "u", get_number, 0, 0),
        SD_BUS_PROPERTY("PreEventHeldNs", "x", get_number, 0, 0),
        SD_BUS_PROPERTY("RingBytes", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("RingCapacityBytes", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("EvictedForSpace", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("StoreRoomBytes", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("Frames", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("FramesDropped", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("FramesLostByCamera", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("Slates", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("SoundUnits", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("SilentUnits", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("SoundRateErrorPpb", "x", get_number, 0, 0),
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
        };
        const struct bc_dbus_told *told = &dbus->told;
        const char *names[7] = { NULL };
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

static void on_alarm(void *user, const char *text)
{
        struct bc_dbus *dbus = user;

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
        bc_controller_watch(dbus->controller, &sink);
        return 0;
}

void bc_dbus_recorder_done(struct bc_dbus *dbus)
{
        bc_controller_watch(dbus->controller, NULL);
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
