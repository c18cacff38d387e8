// SPDX-License-Identifier: EUPL-1.2
// One function per key that is more than a number.
#include "format/payload.h"

#include <string.h>

#define FRAGMENT BC_CODE_KIND(BC_RECORD_FRAGMENT)
#define CONTINUES BC_CODE_KIND(BC_RECORD_CONTINUES)
#define CLOSE BC_CODE_KIND(BC_RECORD_CLOSE)
#define RECOVERED BC_CODE_KIND(BC_RECORD_RECOVERED)
#define SEALED BC_CODE_KIND(BC_RECORD_SEALED)
#define LEDGER BC_CODE_KIND(BC_RECORD_LEDGER)
#define LIVE (FRAGMENT | CONTINUES | CLOSE)
#define SEGMENT (LIVE | RECOVERED)
#define ENDS (CONTINUES | CLOSE | RECOVERED)

#define U63_MAX ((uint64_t)BC_CBOR_INT_MAX)

bool bc_payload_kind_is_known(uint64_t kind)
{
        return (kind >= BC_RECORD_FRAGMENT && kind <= BC_RECORD_RECOVERED) || kind == BC_RECORD_SEALED || kind == BC_RECORD_LEDGER;
}

static void code_time(struct bc_coder *c, int64_t *value)
{
        bc_code_int(c, value, 0, BC_CBOR_INT_MAX);
}

static void code_time_or_null(struct bc_coder *c, int64_t *value)
{
        bc_code_int_or_null(c, value, 0, BC_CBOR_INT_MAX);
}

// Within one file: a segment is shorter than 4 GiB.
static void code_place(struct bc_coder *c, uint64_t *value, uint64_t min)
{
        bc_code_u64(c, value, min, UINT32_MAX);
}

static void code_segment_number(struct bc_coder *c, uint32_t *value)
{
        bc_code_u32(c, value, 1, BC_RECORD_SEGMENTS_MAX);
}

static void code_hash(struct bc_coder *c, uint8_t hash[BC_HASH_BYTES])
{
        bc_code_bytes(c, hash, BC_HASH_BYTES);
}

// ---- every kind ----------------------------------------------------------------------------------------------

// As folders are named after it: letters, digits, - and _.
static bool device_is_lawful(const char device[BC_RECORD_DEVICE_BYTES_MAX + 1])
{
        for (size_t i = 0; i < BC_RECORD_DEVICE_BYTES_MAX && device[i]; i++)
                if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", device[i]))
                        return false;
        return true;
}

static void code_device(struct bc_coder *c, struct bc_record *r)
{
        bc_code_text(c, r->device, 1, BC_RECORD_DEVICE_BYTES_MAX);
        bc_code_require(c, device_is_lawful(r->device));
}

static void code_epoch(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u64(c, &r->epoch, 1, U63_MAX);
}

static void code_boot(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u64(c, &r->boot, 1, U63_MAX);
}

static void code_ledger(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u64(c, &r->ledger, 0, U63_MAX);
}

static void code_prev(struct bc_coder *c, struct bc_record *r)
{
        code_hash(c, r->prev);
}

static void code_signed(struct bc_coder *c, struct bc_record *r)
{
        code_time(c, &r->signed_ns);
}

static void code_utc(struct bc_coder *c, struct bc_record *r)
{
        bool set = r->utc.source != 0;
        if (!bc_code_present(c, &set))
                return;
        bc_code_tuple(c, 4);
        bc_code_u32(c, &r->utc.source, 1, BC_RECORD_SOURCE_MAX);
        code_time(c, &r->utc.utc_ns);
        code_time(c, &r->utc.uncertainty_ns);
        code_time(c, &r->utc.age_ns);
        bc_code_array_end(c);
}

static void code_firmware(struct bc_coder *c, struct bc_record *r)
{
        code_hash(c, r->firmware);
}

static void code_settings(struct bc_coder *c, struct bc_record *r)
{
        code_hash(c, r->settings);
}

// ---- of a segment --------------------------------------------------------------------------------------------

static void code_recording(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u64(c, &r->recording, 1, U63_MAX);
}

static void code_segment(struct bc_coder *c, struct bc_record *r)
{
        code_segment_number(c, &r->segment);
}

static void code_index(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u32(c, &r->index, 1, UINT32_MAX);
}

static void code_offset(struct bc_coder *c, struct bc_record *r)
{
        code_place(c, &r->offset, 0);
}

static void code_range(struct bc_coder *c, struct bc_record *r)
{
        uint64_t room = r->offset < UINT32_MAX ? UINT32_MAX - r->offset : 0;
        bc_code_u64(c, &r->bytes, 1, room);
}

static void code_sha256(struct bc_coder *c, struct bc_record *r)
{
        code_hash(c, r->sha256);
}

static void code_tracks(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->tracks, 1, BC_TRACKS_MAX);
        for (size_t i = 0; i < r->tracks && i < BC_TRACKS_MAX; i++) {
                struct bc_record_span *span = &r->track[i];
                bool some = span->first_ticks != BC_RECORD_UNKNOWN;
                if (!bc_code_present(c, &some)) {
                        if (c->reader)
                                *span = (struct bc_record_span){ BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
                        continue;
                }
                bc_code_tuple(c, 2);
                code_time(c, &span->first_ticks);
                bc_code_int(c, &span->end_ticks, span->first_ticks, BC_CBOR_INT_MAX);
                bc_code_array_end(c);
        }
        bc_code_array_end(c);
}

// ---- of a segment while it is recorded -----------------------------------------------------------------------

static void code_frames(struct bc_coder *c, struct bc_record *r)
{
        bc_code_tuple(c, 2);
        bc_code_u64(c, &r->captured, 0, U63_MAX);
        bc_code_u64(c, &r->dropped, 0, U63_MAX);
        bc_code_array_end(c);
}

static void code_gaps(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->gaps, 0, BC_RECORD_GAPS_MAX);
        for (size_t i = 0; i < r->gaps && i < BC_RECORD_GAPS_MAX; i++) {
                struct bc_record_gap *gap = &r->gap[i];
                bc_code_tuple(c, 4);
                bc_code_u32(c, &gap->kind, 1, BC_RECORD_GAP_KINDS);
                code_time(c, &gap->from_ticks);
                bc_code_int_or_null(c, &gap->to_ticks, gap->from_ticks, BC_CBOR_INT_MAX);
                bc_code_u64(c, &gap->count, 1, U63_MAX);
                bc_code_array_end(c);
        }
        bc_code_array_end(c);
}

static void code_marks(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->marks, 0, BC_RECORD_MARKS_MAX);
        for (size_t i = 0; i < r->marks && i < BC_RECORD_MARKS_MAX; i++) {
                bc_code_tuple(c, 2);
                code_time(c, &r->mark[i].ticks);
                bc_code_text(c, r->mark[i].text, 0, BC_RECORD_TEXT_BYTES_MAX);
                bc_code_array_end(c);
        }
        bc_code_array_end(c);
}

static void code_clocks(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->clocks, 0, BC_RECORD_CLOCKS_MAX);
        for (size_t i = 0; i < r->clocks && i < BC_RECORD_CLOCKS_MAX; i++) {
                struct bc_record_clock *clock = &r->clock[i];
                bc_code_tuple(c, 5);
                code_time(c, &clock->from_ticks);
                bc_code_u32(c, &clock->source, 0, BC_RECORD_SOURCE_MAX);
                if (clock->source == 0) {
                        bc_code_unknown(c, &clock->utc_ns);
                        bc_code_unknown(c, &clock->uncertainty_ns);
                        bc_code_unknown(c, &clock->step_ns);
                } else {
                        code_time(c, &clock->utc_ns);
                        code_time(c, &clock->uncertainty_ns);
                        bc_code_int_or_null(c, &clock->step_ns, BC_CBOR_INT_MIN, BC_CBOR_INT_MAX);
                }
                bc_code_array_end(c);
        }
        bc_code_array_end(c);
}

static void code_position(struct bc_coder *c, struct bc_record *r)
{
        if (!bc_code_present(c, &r->position.known))
                return;
        bc_code_tuple(c, 5);
        bc_code_u32(c, &r->position.mode, 2, 3);
        bc_code_int(c, &r->position.lat_e7, -900000000, 900000000);
        bc_code_int(c, &r->position.lon_e7, -1800000000, 1800000000);
        bc_code_int_or_null(c, &r->position.accuracy_mm, 0, INT32_MAX);
        code_time(c, &r->position.age_ns);
        bc_code_array_end(c);
}

static void code_battery(struct bc_coder *c, struct bc_record *r)
{
        if (!bc_code_present(c, &r->battery.known))
                return;
        bc_code_tuple(c, 3);
        bc_code_int_or_null(c, &r->battery.percent, 0, 100);
        bc_code_int_or_null(c, &r->battery.minutes, 0, INT32_MAX);
        bc_code_bool(c, &r->battery.charging);
        bc_code_array_end(c);
}

// ---- index 1 -------------------------------------------------------------------------------------------------

static void code_head(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u64(c, &r->head_bytes, 1, BC_RECORD_HEAD_BYTES_MAX);
}

static void code_base(struct bc_coder *c, struct bc_record *r)
{
        code_time(c, &r->base_ticks);
}

static void code_boot_id(struct bc_coder *c, struct bc_record *r)
{
        bc_code_bytes(c, r->boot_id, BC_BOOT_ID_BYTES);
}

static void code_drivers(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->drivers, 0, BC_RECORD_DRIVERS_MAX);
        for (size_t i = 0; i < r->drivers && i < BC_RECORD_DRIVERS_MAX; i++) {
                struct bc_record_driver *driver = &r->driver[i];
                uint32_t role = (uint32_t)driver->role;
                bc_code_tuple(c, 3);
                bc_code_u32(c, &role, BC_DRIVER_CAMERA, BC_DRIVER_BATTERY);
                bc_code_text(c, driver->name, 1, BC_RECORD_NAME_BYTES_MAX);
                bc_code_bool(c, &driver->simulated);
                bc_code_array_end(c);
                if (c->reader)
                        driver->role = (enum bc_driver_role)role;
        }
        bc_code_array_end(c);
}

// Recovery may not know press and pre-event any more: null.
static void code_begun(struct bc_coder *c, struct bc_record *r)
{
        void (*code)(struct bc_coder *, int64_t *) = r->kind == BC_RECORD_RECOVERED ? code_time_or_null : code_time;
        bc_code_tuple(c, 3);
        bc_code_text(c, r->begun.reason, 0, BC_RECORD_TEXT_BYTES_MAX);
        code(c, &r->begun.press_ticks);
        code(c, &r->begun.pre_event_ticks);
        bc_code_array_end(c);
}

static bool succeeds_stated(const struct bc_record *r)
{
        return r->succeeds_count > 0;
}

static void code_succeeds(struct bc_coder *c, struct bc_record *r)
{
        uint32_t least = 1; // each is of a later segment than the one before

        bc_code_array(c, &r->succeeds_count, 1, BC_RECORD_SUCCEEDS_MAX);
        for (size_t i = 0; i < r->succeeds_count && i < BC_RECORD_SUCCEEDS_MAX; i++) {
                struct bc_record_abandoned *abandoned = &r->succeeds[i];
                bc_code_tuple(c, 5);
                bc_code_u32(c, &abandoned->segment, least, r->segment - 1); // segment is at least 1
                bc_code_u32(c, &abandoned->cause, 0, BC_RECORD_CAUSE_MAX);
                code_place(c, &abandoned->end, 0);
                bc_code_u64(c, &abandoned->offset, 0, abandoned->end);
                code_hash(c, abandoned->sha256);
                bc_code_array_end(c);
                least = abandoned->segment + 1;
        }
        bc_code_array_end(c);
}

static bool seal_stated(const struct bc_record *r)
{
        return r->sealed;
}

static void code_seal(struct bc_coder *c, struct bc_record *r)
{
        code_hash(c, r->seal);
        if (c->reader)
                r->sealed = true;
}

// ---- the end -------------------------------------------------------------------------------------------------

static void code_moov_bytes(struct bc_coder *c, struct bc_record *r)
{
        code_place(c, &r->moov_bytes, 8);
}

static void code_moov_sha256(struct bc_coder *c, struct bc_record *r)
{
        code_hash(c, r->moov_sha256);
}

static void code_ended(struct bc_coder *c, struct bc_record *r)
{
        bc_code_tuple(c, 3);
        bc_code_text(c, r->ended.reason, 0, BC_RECORD_TEXT_BYTES_MAX);
        code_time(c, &r->ended.stop_ticks);
        code_segment_number(c, &r->ended.segments);
        bc_code_array_end(c);
}

static void code_found(struct bc_coder *c, struct bc_record *r)
{
        bc_code_tuple(c, 2);
        bc_code_u64(c, &r->found.before, 1, U63_MAX);
        bc_code_u64(c, &r->found.kept, 1, r->found.before < UINT32_MAX ? r->found.before : UINT32_MAX);
        bc_code_array_end(c);
}

static void code_moved(struct bc_coder *c, struct bc_record *r)
{
        if (!bc_code_present(c, &r->found.moved))
                return;
        bc_code_tuple(c, 2);
        bc_code_u64(c, &r->found.moved_bytes, 1, U63_MAX);
        code_hash(c, r->found.moved_sha256);
        bc_code_array_end(c);
}

// One that knows of no recording has zeros in the other places.
static void code_anchor(struct bc_coder *c, struct bc_record *r)
{
        static const uint8_t zeros[BC_HASH_BYTES];
        bool known = r->found.anchor.medium != 0;
        if (!bc_code_present(c, &known))
                return;
        bc_code_tuple(c, 6);
        bc_code_u32(c, &r->found.anchor.medium, 1, BC_RECORD_MEDIUM_MAX);
        bc_code_u64(c, &r->found.anchor.recording, 0, U63_MAX);
        const bool none = r->found.anchor.recording == 0;
        bc_code_u32(c, &r->found.anchor.segment, none ? 0 : 1, none ? 0 : BC_RECORD_SEGMENTS_MAX);
        bc_code_u32(c, &r->found.anchor.index, none ? 0 : 1, none ? 0 : UINT32_MAX);
        code_hash(c, r->found.anchor.hash);
        bc_code_require(c, !none || memcmp(r->found.anchor.hash, zeros, BC_HASH_BYTES) == 0);
        code_time(c, &r->found.anchor.signed_ns);
        bc_code_require(c, !none || r->found.anchor.signed_ns == 0);
        bc_code_array_end(c);
}

static void code_agrees(struct bc_coder *c, struct bc_record *r)
{
        bc_code_bool(c, &r->found.agrees);
}

static void code_reset(struct bc_coder *c, struct bc_record *r)
{
        bc_code_u32(c, &r->found.reset, 0, BC_RECORD_RESET_MAX);
}

// ---- a sealed file -------------------------------------------------------------------------------------------

static void code_stored(struct bc_coder *c, struct bc_record *r)
{
        bc_code_tuple(c, 3);
        bc_code_u64(c, &r->stored.bytes, 0, U63_MAX);
        code_hash(c, r->stored.sha256);
        if (bc_code_present(c, &r->stored.headed))
                code_hash(c, r->stored.seal);
        bc_code_array_end(c);
}

// ---- the ledger ----------------------------------------------------------------------------------------------

static void code_events(struct bc_coder *c, struct bc_record *r)
{
        bc_code_array(c, &r->events, 1, BC_RECORD_EVENTS_MAX);
        for (size_t i = 0; i < r->events && i < BC_RECORD_EVENTS_MAX; i++) {
                bc_code_tuple(c, 3);
                code_time(c, &r->event[i].time_ns);
                bc_code_u32(c, &r->event[i].event, 1, UINT32_MAX);
                bc_code_details(c, &r->event[i].details);
                bc_code_array_end(c);
        }
        bc_code_array_end(c);
}

static const struct bc_code_field fields[] = {
        { 1, 0, false, "device", code_device, NULL },
        { 2, 0, false, "epoch", code_epoch, NULL },
        { 3, 0, false, "boot", code_boot, NULL },
        { 4, 0, false, "ledger", code_ledger, NULL },
        { 5, 0, false, "prev", code_prev, NULL },
        { 6, 0, false, "signed_ns", code_signed, NULL },
        { 7, 0, false, "utc", code_utc, NULL },
        { 8, 0, false, "firmware", code_firmware, NULL },
        { 9, 0, false, "settings", code_settings, NULL },
        { 16, SEGMENT | SEALED, false, "recording", code_recording, NULL },
        { 17, SEGMENT | SEALED, false, "segment", code_segment, NULL },
        { 18, SEGMENT, false, "index", code_index, NULL },
        { 19, SEGMENT, false, "offset", code_offset, NULL },
        { 20, SEGMENT, false, "bytes", code_range, NULL },
        { 21, SEGMENT, false, "sha256", code_sha256, NULL },
        { 22, SEGMENT, false, "tracks", code_tracks, NULL },
        { 23, LIVE, false, "frames", code_frames, NULL },
        { 24, LIVE, false, "gaps", code_gaps, NULL },
        { 25, LIVE, false, "marks", code_marks, NULL },
        { 26, LIVE, false, "clock", code_clocks, NULL },
        { 27, LIVE, false, "position", code_position, NULL },
        { 28, LIVE, false, "battery", code_battery, NULL },
        { 32, SEGMENT, true, "head_bytes", code_head, NULL },
        { 33, SEGMENT, true, "base_ticks", code_base, NULL },
        { 34, SEGMENT, true, "boot_id", code_boot_id, NULL },
        { 35, SEGMENT, true, "drivers", code_drivers, NULL },
        { 36, SEGMENT, true, "begun", code_begun, NULL },
        { 37, SEGMENT, true, "succeeds", code_succeeds, succeeds_stated },
        { 38, SEGMENT, true, "seal", code_seal, seal_stated },
        { 48, ENDS, false, "moov_bytes", code_moov_bytes, NULL },
        { 49, ENDS, false, "moov_sha256", code_moov_sha256, NULL },
        { 50, CLOSE, false, "ended", code_ended, NULL },
        { 56, RECOVERED, false, "found", code_found, NULL },
        { 57, RECOVERED, false, "moved", code_moved, NULL },
        { 58, RECOVERED | SEALED, false, "anchor", code_anchor, NULL },
        { 59, RECOVERED, false, "agrees", code_agrees, NULL },
        { 60, RECOVERED | SEALED, false, "reset", code_reset, NULL },
        { 61, SEALED, false, "stored", code_stored, NULL },
        { 80, LEDGER, false, "events", code_events, NULL },
};

void bc_code_payload(struct bc_coder *coder, struct bc_record *record)
{
        bc_code_map(coder, fields, sizeof(fields) / sizeof(fields[0]), record);
}
