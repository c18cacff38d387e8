// SPDX-License-Identifier: EUPL-1.2
#include "status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utc.h"
#include "bodycam/time.h"
#include "properties.h"
#include "span.h"
#include "text.h"
#include "warning.h"

#define ROW_BYTES 600

// A row that grows piece by piece.
struct row {
        char text[ROW_BYTES];
        size_t used;
};

__attribute__((format(printf, 2, 3)))
static void put(struct row *row, const char *format, ...)
{
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(row->text + row->used, sizeof(row->text) - row->used, format, arguments);
        va_end(arguments);
        if (n > 0)
                row->used += (size_t)n < sizeof(row->text) - row->used ? (size_t)n : sizeof(row->text) - row->used - 1;
}

// b - a of two properties; false when one is missing or they cannot be subtracted.
static bool difference(const json_t *properties, const char *a_key, const char *b_key, int64_t *ret_ns)
{
        int64_t a, b;

        return bc_properties_number(properties, a_key, &a) && bc_properties_number(properties, b_key, &b) &&
               !__builtin_sub_overflow(b, a, ret_ns);
}

static bool is_recording(const json_t *properties)
{
        const char *state = bc_properties_text(properties, "state");

        return strcmp(state, "RECORDING") == 0 || strcmp(state, "EMERGENCY") == 0;
}

static enum bc_tone tone_of(const char *state)
{
        static const struct {
                const char *state;
                enum bc_tone tone;
        } tones[] = {
                { "RECORDING", BC_TONE_ALERT }, { "EMERGENCY", BC_TONE_LOUD }, { "FAULT", BC_TONE_LOUD },
                { "BUFFERING", BC_TONE_GOOD },
        };

        for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++)
                if (strcmp(tones[i].state, state) == 0)
                        return tones[i].tone;
        return BC_TONE_PLAIN;
}

static const char *meaning_of(const char *state)
{
        static const char *const meanings[][2] = {
                { "STARTING", "recordings of an earlier run are put in order" },
                { "STANDBY", "sensors are off, nothing is held" },
                { "BUFFERING", "ready, nothing is recorded" },
                { "RECORDING", "" },
                { "EMERGENCY", "recording; only its release ends it" },
                { "DOCKED", "on the dock, sensors are off" },
                { "FAULT", "nothing can be recorded" },
                { "STOPPING", "the last recording is closed" },
        };

        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
                if (strcmp(meanings[i][0], state) == 0)
                        return meanings[i][1];
        return "";
}

static void describe_state(const json_t *properties, struct bc_page *page)
{
        const char *state = bc_properties_text(properties, "state"), *meaning = meaning_of(state);
        char since[BC_UTC_TEXT_BYTES];
        struct row row = { 0 };
        int64_t for_ns, utc_ns;

        if (!*state)
                return;
        put(&row, "%s", state);
        if (difference(properties, "since_ns", "now_ns", &for_ns)) {
                put(&row, " for %s", bc_span_of_ns(for_ns).text);
                if (bc_utc_parse(bc_properties_text(properties, "utc"), &utc_ns) == 0 &&
                    bc_utc_format(utc_ns - for_ns, since) == 0)
                        put(&row, ", since %.16sZ", since); // to the minute: Utc is whole seconds, and so it stands still
        }
        if (*meaning)
                put(&row, " (%s)", meaning);
        bc_page_add(page, tone_of(state), "state", "%s", row.text);
}

static void put_count(struct row *row, const json_t *properties, const char *key, const char *one, const char *many)
{
        int64_t count;

        if (bc_properties_number(properties, key, &count))
                put(row, ", %" PRId64 " %s", count, count == 1 ? one : many);
}

// Durable, or by how much it lags, or closed.
static enum bc_tone put_durable(struct row *row, const json_t *properties)
{
        int64_t unclosed, until_ns = -1, lag_ns;
        bool known = bc_properties_number(properties, "durable_until_ns", &until_ns);

        if (!bc_properties_number(properties, "unclosed", &unclosed))
                return BC_TONE_PLAIN;
        if (unclosed == 0) {
                put(row, ", closed");
                return BC_TONE_PLAIN;
        }
        if (known && until_ns < 0) {
                put(row, ", NOTHING DURABLE YET");
                return BC_TONE_WARNING;
        }
        if (difference(properties, "durable_until_ns", "now_ns", &lag_ns))
                put(row, ", durable but for the last %s", bc_span_of_ns(lag_ns).text);
        return BC_TONE_PLAIN;
}

static void describe_recording(const json_t *properties, struct bc_page *page)
{
        struct row row = { 0 };
        enum bc_tone tone;
        int64_t counter, length_ns, first_ns;

        if (!bc_properties_number(properties, "recording_counter", &counter) || counter <= 0)
                return;
        put(&row, "%s", bc_properties_text(properties, "recording_name"));
        tone = put_durable(&row, properties);
        if (is_recording(properties) && bc_properties_number(properties, "first_picture_ns", &first_ns) && first_ns >= 0 &&
            difference(properties, "first_picture_ns", "now_ns", &length_ns))
                put(&row, ", %s long", bc_span_of_ns(length_ns).text);
        put_count(&row, properties, "segments", "segment", "segments");
        put_count(&row, properties, "gaps", "gap", "gaps");
        put_count(&row, properties, "marks", "mark", "marks");
        bc_page_add(page, tone, is_recording(properties) ? "recording" : "last", "%s", row.text);
}

static void describe_buffer(const json_t *properties, struct bc_page *page)
{
        int64_t held_ns, asked_ns;

        if (!bc_properties_number(properties, "pre_event_held_ns", &held_ns))
                return;
        if (bc_properties_number(properties, "pre_event_ns", &asked_ns))
                bc_page_add(page, held_ns < asked_ns ? BC_TONE_NOTE : BC_TONE_PLAIN, "pre-event", "%s held of %s asked for",
                            bc_span_of_ns(held_ns).text, bc_span_of_ns(asked_ns).text);
        else
                bc_page_add(page, BC_TONE_PLAIN, "pre-event", "%s held", bc_span_of_ns(held_ns).text);
}

static void describe_storage(const json_t *properties, struct bc_page *page)
{
        bool full = bc_properties_holds(properties, "flags", "storage-full");
        bool low = bc_properties_holds(properties, "flags", "storage-low");
        int64_t minutes = -1, bytes = 0;
        bool room = bc_properties_number(properties, "store_room_bytes", &bytes) && bytes >= 0;
        struct row row = { 0 };

        (void)bc_properties_number(properties, "storage_minutes", &minutes);
        if (minutes >= 0)
                put(&row, "%s of recording left%s", bc_span_of_minutes(minutes).text, room ? ", " : "");
        if (room)
                put(&row, "%s free", bc_span_of_bytes((uint64_t)bytes).text);
        if (row.used)
                bc_page_add(page, full ? BC_TONE_ALERT : low ? BC_TONE_WARNING : BC_TONE_PLAIN, "storage", "%s", row.text);
}

static void describe_battery(const json_t *properties, struct bc_page *page)
{
        bool low = bc_properties_holds(properties, "flags", "battery-low");
        int64_t percent = -1, minutes = -1;
        struct row row = { 0 };

        (void)bc_properties_number(properties, "battery_percent", &percent);
        (void)bc_properties_number(properties, "battery_minutes", &minutes);
        if (percent >= 0)
                put(&row, "%" PRId64 " %%", percent);
        if (minutes >= 0)
                put(&row, "%s%s left", row.used ? ", " : "", bc_span_of_minutes(minutes).text);
        if (bc_properties_truth(properties, "charging"))
                put(&row, "%scharging", row.used ? ", " : "");
        if (row.used)
                bc_page_add(page, low ? BC_TONE_WARNING : BC_TONE_PLAIN, "battery", "%s", row.text);
}

static void describe_clock(const json_t *properties, struct bc_page *page)
{
        const char *utc = bc_properties_text(properties, "utc"), *source = bc_properties_text(properties, "utc_source");
        struct row row = { 0 };
        int64_t error_ns;

        if (!json_object_get(properties, "utc"))
                return;
        if (!*utc) {
                bc_page_add(page, BC_TONE_WARNING, "clock", "TIME NOT SET");
                return;
        }
        put(&row, "%s", utc);
        if (*source)
                put(&row, ", source %s", source);
        if (bc_properties_number(properties, "utc_uncertainty_ns", &error_ns))
                put(&row, ", +- %s", bc_span_of_error(error_ns).text);
        bc_page_add(page, BC_TONE_PLAIN, "clock", "%s", row.text);
}

static void put_degrees(struct row *row, int64_t e7, char positive, char negative)
{
        uint64_t size = e7 < 0 ? -(uint64_t)e7 : (uint64_t)e7;

        put(row, "%" PRIu64 ".%06" PRIu64 " %c", size / 10000000, size % 10000000 / 10, e7 < 0 ? negative : positive);
}

static void describe_position(const json_t *properties, struct bc_page *page)
{
        bool receiver = bc_properties_holds(properties, "flags", "no-gnss");
        int64_t age_ns, latitude, longitude, accuracy_mm;
        struct row row = { 0 };

        if (!bc_properties_number(properties, "fix_age_ns", &age_ns))
                return;
        if (age_ns < 0 || !bc_properties_number(properties, "latitude_e7", &latitude) ||
            !bc_properties_number(properties, "longitude_e7", &longitude)) {
                bc_page_add(page, receiver ? BC_TONE_NOTE : BC_TONE_PLAIN, "position", receiver ? "NO FIX" : "NO FIX (no receiver)");
                return;
        }
        put_degrees(&row, latitude, 'N', 'S');
        put(&row, ", ");
        put_degrees(&row, longitude, 'E', 'W');
        if (bc_properties_number(properties, "accuracy_mm", &accuracy_mm) && accuracy_mm >= 0)
                put(&row, ", +- %" PRId64 " m", accuracy_mm / 1000 + (accuracy_mm % 1000 > 0));
        put(&row, ", %s old", bc_span_of_ns(age_ns).text);
        bc_page_add(page, BC_TONE_PLAIN, "position", "%s", row.text);
}

static void describe_counts(const json_t *properties, struct bc_page *page)
{
        int64_t frames, dropped = 0, lost = 0;
        struct row row = { 0 };

        if (!bc_properties_number(properties, "frames", &frames))
                return;
        put(&row, "%" PRId64 " encoded", frames);
        if (bc_properties_number(properties, "frames_dropped", &dropped))
                put(&row, ", %" PRId64 " dropped", dropped);
        if (bc_properties_number(properties, "frames_lost_by_camera", &lost))
                put(&row, ", %" PRId64 " lost by the camera", lost);
        bc_page_add(page, dropped || lost ? BC_TONE_WARNING : BC_TONE_PLAIN, "frames", "%s", row.text);
}

static void describe_device(const json_t *properties, struct bc_page *page)
{
        const char *version = bc_properties_text(properties, "version"), *policy = bc_properties_text(properties, "policy");

        if (*bc_properties_text(properties, "device"))
                bc_page_add(page, BC_TONE_PLAIN, "device", "%s%s%s%s%s%s", bc_properties_text(properties, "device"),
                            bc_properties_truth(properties, "simulated") ? " (simulated)" : "",
                            *version ? ", bodycamd " : "", version, *policy ? ", policy " : "", policy);
}

void bc_status_describe(const json_t *properties, struct bc_page *page)
{
        describe_state(properties, page);
        describe_recording(properties, page);
        bc_warning_describe(json_object_get(properties, "flags"), page);
        describe_buffer(properties, page);
        describe_storage(properties, page);
        describe_battery(properties, page);
        describe_clock(properties, page);
        describe_position(properties, page);
        describe_counts(properties, page);
        describe_device(properties, page);
}

enum bc_ctl_exit bc_status_show(struct bc_request *request)
{
        json_t *properties = NULL;
        enum bc_ctl_exit status = bc_client_properties(&request->client, &properties);
        struct bc_page page;

        if (status != BC_CTL_DONE)
                return status;
        if (request->client.json) {
                bc_text_print_json(properties);
                return BC_CTL_DONE;
        }
        bc_page_init(&page, STDOUT_FILENO);
        bc_status_describe(properties, &page);
        bc_page_show(&page);
        bc_page_done(&page);
        json_decref(properties);
        return BC_CTL_DONE;
}
