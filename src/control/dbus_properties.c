// SPDX-License-Identifier: EUPL-1.2
// The values of org.bodycam.Recorder1's properties.
#include <stddef.h>
#include <string.h>

#include "base/utc.h"
#include "control/dbus_object.h"

static int get_flags(sd_bus_message *reply, uint32_t flags)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (unsigned bit = 0; r >= 0 && bit < BC_FLAG_BITS; bit++)
                if (flags & (1u << bit))
                        r = sd_bus_message_append(reply, "s", bc_flag_name((enum bc_flag)(1 << bit)));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_signals(sd_bus_message *reply)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (unsigned signal = 0; r >= 0 && signal < BC_SIGNAL_COUNT; signal++)
                r = sd_bus_message_append(reply, "s", bc_signal_name((enum bc_signal)signal));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_utc(sd_bus_message *reply, const struct bc_moment *moment)
{
        char utc[BC_UTC_TEXT_BYTES] = "";

        if (moment->source != BC_UTC_NONE)
                (void)bc_utc_format(moment->utc_ns, utc);
        return sd_bus_message_append(reply, "s", utc);
}

int bc_dbus_get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
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
        if (strcmp(property, "StorePath") == 0)
                return sd_bus_message_append(reply, "s", dbus->parts.settings->store_path);
        if (strcmp(property, "Signals") == 0)
                return get_signals(reply);
        if (strcmp(property, "Policy") == 0)
                return sd_bus_message_append(reply, "s",
                                             bc_activation_name(bc_controller_policy(dbus->controller)->activation));
        if (strcmp(property, "Utc") == 0)
                return get_utc(reply, &status.moment);
        if (strcmp(property, "UtcSource") == 0)
                return sd_bus_message_append(reply, "s", bc_utc_source_name(status.moment.source));
        if (status.recorder.counter > 0)
                bc_store_name(dbus->store, status.recorder.counter, name);
        return sd_bus_message_append(reply, "s", name);
}

int bc_dbus_get_truth(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
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
        truth = strcmp(property, "Simulated") == 0   ? dbus->config.simulation != NULL
                : strcmp(property, "Charging") == 0 ? bc_supplies_battery(dbus->parts.supplies)->charging
                                                    : status.durable;
        return sd_bus_message_append(reply, "b", truth);
}

struct shown {
        struct bc_status status;
        int64_t held_ns; // how far back the ring reaches
        int64_t asked_ns; // how far back it is to reach
        int64_t lat_e7, lon_e7, accuracy_mm; // of the fix; accuracy -1: not known
        int64_t fix_age_ns;                  // -1: there is none
        uint64_t ring_bytes, ring_capacity;
        int64_t storage_minutes, battery_minutes, battery_percent;
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
        shown->asked_ns = dbus->parts.settings->pre_event_ns;
        if (level->oldest_ns >= 0)
                shown->held_ns = level->newest_ns - level->oldest_ns;
        look_at_fix(shown);
        shown->storage_minutes = bc_supplies_storage_minutes(dbus->parts.supplies);
        shown->battery_minutes = bc_supplies_battery(dbus->parts.supplies)->minutes;
        shown->battery_percent = bc_supplies_battery(dbus->parts.supplies)->percent;
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
        NUMBER("Marks", 't', status.recorder.marks),
        NUMBER("StorageMinutes", 'x', storage_minutes),
        NUMBER("BatteryMinutes", 'x', battery_minutes),
        NUMBER("BatteryPercent", 'x', battery_percent),
        NUMBER("Unclosed", 'u', status.recorder.waiting),
        NUMBER("PreEventHeldNs", 'x', held_ns),
        NUMBER("PreEventNs", 'x', asked_ns),
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

int bc_dbus_get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
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
