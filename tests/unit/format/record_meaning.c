// SPDX-License-Identifier: EUPL-1.2
#include "records.h"

#include <stdlib.h>
#include <string.h>

static json_t *hex(const uint8_t *bytes, size_t n)
{
        static const char digits[] = "0123456789abcdef";
        char *text = calloc(2 * n + 1, 1);

        if (!text)
                abort();
        for (size_t i = 0; i < n; i++) {
                text[2 * i] = digits[bytes[i] >> 4];
                text[2 * i + 1] = digits[bytes[i] & 15];
        }
        json_t *string = json_string(text);
        free(text);
        return string;
}

static json_t *integer(int64_t value)
{
        return value == BC_RECORD_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *positive(uint64_t value)
{
        return json_integer((json_int_t)value);
}

static void set(json_t *object, const char *name, json_t *value)
{
        if (json_object_set_new(object, name, value) < 0)
                abort();
}

static void add(json_t *array, json_t *value)
{
        if (json_array_append_new(array, value) < 0)
                abort();
}

static json_t *header(const struct bc_record *r)
{
        json_t *object = json_object();
        set(object, "alg", integer(r->algorithm));
        if (r->chain_count > 0) {
                json_t *chain = json_array();
                for (size_t i = 0; i < r->chain_count; i++)
                        add(chain, hex(r->chain[i].bytes, r->chain[i].n));
                set(object, "x5chain", chain);
        }
        set(object, "x5t", hex(r->x5t, 32));
        set(object, "kind", integer((int64_t)r->kind));
        return object;
}

static json_t *tracks(const struct bc_record *r)
{
        json_t *array = json_array();
        for (size_t i = 0; i < r->tracks; i++)
                add(array, r->track[i].first_ticks == BC_RECORD_UNKNOWN
                                   ? json_null()
                                   : json_pack("[oo]", integer(r->track[i].first_ticks), integer(r->track[i].end_ticks)));
        return array;
}

static void live(json_t *object, const struct bc_record *r)
{
        json_t *gaps = json_array(), *marks = json_array(), *clocks = json_array();

        set(object, "frames", json_pack("[oo]", positive(r->captured), positive(r->dropped)));
        for (size_t i = 0; i < r->gaps; i++)
                add(gaps, json_pack("[oooo]", positive(r->gap[i].kind), integer(r->gap[i].from_ticks),
                                    integer(r->gap[i].to_ticks), positive(r->gap[i].count)));
        for (size_t i = 0; i < r->marks; i++)
                add(marks, json_pack("[os]", integer(r->mark[i].ticks), r->mark[i].text));
        for (size_t i = 0; i < r->clocks; i++)
                add(clocks, json_pack("[ooooo]", integer(r->clock[i].from_ticks), positive(r->clock[i].source),
                                      integer(r->clock[i].utc_ns), integer(r->clock[i].uncertainty_ns),
                                      integer(r->clock[i].step_ns)));
        set(object, "gaps", gaps);
        set(object, "marks", marks);
        set(object, "clock", clocks);
        set(object, "position",
            r->position.known
                    ? json_pack("[ooooo]", positive(r->position.mode), integer(r->position.lat_e7),
                                integer(r->position.lon_e7), integer(r->position.accuracy_mm), integer(r->position.age_ns))
                    : json_null());
        set(object, "battery",
            r->battery.known
                    ? json_pack("[oob]", integer(r->battery.percent), integer(r->battery.minutes), r->battery.charging)
                    : json_null());
}

static void first(json_t *object, const struct bc_record *r)
{
        json_t *drivers = json_array();

        set(object, "head_bytes", positive(r->head_bytes));
        set(object, "base_ticks", integer(r->base_ticks));
        set(object, "boot_id", hex(r->boot_id, sizeof(r->boot_id)));
        for (size_t i = 0; i < r->drivers; i++)
                add(drivers,
                    json_pack("[osb]", positive((uint64_t)r->driver[i].role), r->driver[i].name, r->driver[i].simulated));
        set(object, "drivers", drivers);
        set(object, "begun",
            json_pack("[soo]", r->begun.reason, integer(r->begun.press_ticks), integer(r->begun.pre_event_ticks)));
        json_t *succeeds = json_array();
        for (size_t i = 0; i < r->succeeds_count; i++)
                add(succeeds, json_pack("[ooooo]", positive(r->succeeds[i].segment), positive(r->succeeds[i].cause),
                                        positive(r->succeeds[i].end), positive(r->succeeds[i].offset),
                                        hex(r->succeeds[i].sha256, 32)));
        if (r->succeeds_count > 0)
                set(object, "succeeds", succeeds);
        else
                json_decref(succeeds);
        if (r->sealed)
                set(object, "seal", hex(r->seal, 32));
}

static void anchor(json_t *object, const struct bc_record *r)
{
        set(object, "anchor",
            r->found.anchor.medium > 0
                    ? json_pack("[oooooo]", positive(r->found.anchor.medium), positive(r->found.anchor.recording),
                                positive(r->found.anchor.segment), positive(r->found.anchor.index),
                                hex(r->found.anchor.hash, 32), integer(r->found.anchor.signed_ns))
                    : json_null());
}

static void sealed(json_t *object, const struct bc_record *r)
{
        set(object, "recording", positive(r->recording));
        set(object, "segment", positive(r->segment));
        anchor(object, r);
        set(object, "reset", positive(r->found.reset));
        set(object, "stored", json_pack("[ooo]", positive(r->stored.bytes), hex(r->stored.sha256, 32),
                                        r->stored.headed ? hex(r->stored.seal, 32) : json_null()));
}

static void recovered(json_t *object, const struct bc_record *r)
{
        set(object, "found", json_pack("[oo]", positive(r->found.before), positive(r->found.kept)));
        set(object, "moved",
            r->found.moved ? json_pack("[oo]", positive(r->found.moved_bytes), hex(r->found.moved_sha256, 32))
                           : json_null());
        anchor(object, r);
        set(object, "agrees", json_boolean(r->found.agrees));
        set(object, "reset", positive(r->found.reset));
}

static void segment(json_t *object, const struct bc_record *r)
{
        set(object, "recording", positive(r->recording));
        set(object, "segment", positive(r->segment));
        set(object, "index", positive(r->index));
        set(object, "offset", positive(r->offset));
        set(object, "bytes", positive(r->bytes));
        set(object, "sha256", hex(r->sha256, 32));
        set(object, "tracks", tracks(r));
        if (r->kind != BC_RECORD_RECOVERED)
                live(object, r);
        if (r->index == 1)
                first(object, r);
        if (r->kind != BC_RECORD_FRAGMENT) {
                set(object, "moov_bytes", positive(r->moov_bytes));
                set(object, "moov_sha256", hex(r->moov_sha256, 32));
        }
        if (r->kind == BC_RECORD_CLOSE)
                set(object, "ended",
                    json_pack("[soo]", r->ended.reason, integer(r->ended.stop_ticks), positive(r->ended.segments)));
        if (r->kind == BC_RECORD_RECOVERED)
                recovered(object, r);
}

static json_t *payload(const struct bc_record *r)
{
        json_t *object = json_object();

        set(object, "device", json_string(r->device));
        set(object, "epoch", positive(r->epoch));
        set(object, "boot", positive(r->boot));
        set(object, "ledger", positive(r->ledger));
        set(object, "prev", hex(r->prev, 32));
        set(object, "signed_ns", integer(r->signed_ns));
        set(object, "utc",
            r->utc.source > 0 ? json_pack("[oooo]", positive(r->utc.source), integer(r->utc.utc_ns),
                                          integer(r->utc.uncertainty_ns), integer(r->utc.age_ns))
                              : json_null());
        set(object, "firmware", hex(r->firmware, 32));
        set(object, "settings", hex(r->settings, 32));
        if (r->kind == BC_RECORD_SEALED) {
                sealed(object, r);
                return object;
        }
        if (r->kind != BC_RECORD_LEDGER) {
                segment(object, r);
                return object;
        }
        json_t *events = json_array();
        for (size_t i = 0; i < r->events; i++)
                add(events, json_pack("[ooo]", integer(r->event[i].time_ns), positive(r->event[i].event),
                                      hex(r->event[i].details.bytes, r->event[i].details.n)));
        set(object, "events", events);
        return object;
}

json_t *record_meaning(const struct bc_record *record, const struct bc_record_message *message)
{
        json_t *object = json_object();
        set(object, "protected", header(record));
        set(object, "payload", payload(record));
        set(object, "signature", hex(message->signature.bytes, message->signature.n));
        return object;
}
