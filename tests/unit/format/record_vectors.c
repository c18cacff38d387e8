// SPDX-License-Identifier: EUPL-1.2
// The records of docs/formats/vectors: a recording of two segments, one of which was recovered, and the ledger.
#include "records.h"

#include <stdio.h>
#include <string.h>

#include "format/cbor.h"

#define SECOND_NS INT64_C(1000000000)

// 32 bytes that are no hash of anything, and tell which one they stand for.
static void stand_in(uint8_t hash[BC_HASH_BYTES], uint8_t first)
{
        for (size_t i = 0; i < BC_HASH_BYTES; i++)
                hash[i] = (uint8_t)(first + i);
}

static void common(struct record_specimen *s, enum bc_record_kind kind)
{
        struct bc_record *r = &s->record;

        memset(s, 0, sizeof(*s));
        r->kind = kind;
        r->algorithm = BC_RECORD_ES256;
        stand_in(r->x5t, 0x10);
        snprintf(r->device, sizeof(r->device), "CAM-7");
        r->epoch = 1;
        r->boot = 12;
        r->ledger = 345;
        stand_in(r->prev, 0x20);
        r->signed_ns = 134 * SECOND_NS + 7;
        r->utc.source = 2;
        r->utc.utc_ns = INT64_C(1795655534987654321);
        r->utc.uncertainty_ns = 50000000;
        r->utc.age_ns = 3 * SECOND_NS;
        stand_in(r->firmware, 0x30);
        stand_in(r->settings, 0x40);
        s->signature_bytes = 64; // r = 1, s = 2: the form is right, nothing is signed
        s->signature[31] = 1;
        s->signature[63] = 2;
}

static void chain(struct record_specimen *s, size_t certificates)
{
        s->record.chain_count = certificates;
        for (size_t i = 0; i < certificates; i++) {
                const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, (uint8_t)i }; // a SEQUENCE of an INTEGER, no certificate
                memcpy(s->certificate[i], der, sizeof(der));
                s->record.chain[i] = (struct bc_record_bytes){ s->certificate[i], sizeof(der) };
        }
}

static void of_segment(struct bc_record *r, uint32_t segment, uint32_t index, uint64_t offset, uint64_t bytes)
{
        r->recording = 1;
        r->segment = segment;
        r->index = index;
        r->offset = offset;
        r->bytes = bytes;
        stand_in(r->sha256, 0x50);
        r->tracks = 4;
        r->track[0] = (struct bc_record_span){ 6048000, 6072000 };
        r->track[1] = (struct bc_record_span){ 6048768, 6072320 };
        r->track[2] = r->track[3] = (struct bc_record_span){ BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
        r->captured = 4012;
        r->dropped = 3;
}

static void first_of_segment(struct record_specimen *s)
{
        struct bc_record *r = &s->record;

        chain(s, 2);
        r->head_bytes = 2481;
        r->base_ticks = 6048000;
        for (size_t i = 0; i < sizeof(r->boot_id); i++)
                r->boot_id[i] = (uint8_t)(0xb0 + i);
        r->drivers = 2;
        r->driver[0] = (struct bc_record_driver){ BC_DRIVER_CAMERA, "pattern", true };
        r->driver[1] = (struct bc_record_driver){ BC_DRIVER_WALL, "system", false };
        snprintf(r->begun.reason, sizeof(r->begun.reason), "button");
        r->begun.press_ticks = 6251520;
        r->begun.pre_event_ticks = 192000;
}

static void fragment(struct bc_record *r)
{
        of_segment(r, 1, 7, 100000, 25000);
        r->gaps = 2;
        r->gap[0] = (struct bc_record_gap){ 2, 6048000, 6060000, 1 };
        r->gap[1] = (struct bc_record_gap){ 7, 6049792, BC_RECORD_UNKNOWN, 1 };
        r->marks = 1;
        r->mark[0].ticks = 6050000;
        snprintf(r->mark[0].text, sizeof(r->mark[0].text), "Messer");
        r->clocks = 2;
        r->clock[0] = (struct bc_record_clock){ 6048000, 0, BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
        r->clock[1] = (struct bc_record_clock){ 6049000, 3, INT64_C(1795655534987654321), 1000000, -2500000 };
        r->position.known = true;
        r->position.mode = 3;
        r->position.lat_e7 = 593293000;
        r->position.lon_e7 = -180686000;
        r->position.accuracy_mm = BC_RECORD_UNKNOWN;
        r->position.age_ns = 400000000;
        r->battery.known = true;
        r->battery.percent = 81;
        r->battery.minutes = BC_RECORD_UNKNOWN;
}

static void close_of_recording(struct bc_record *r)
{
        of_segment(r, 2, 90, 1000000, 24);
        r->utc.source = 0;
        r->moov_bytes = 12345;
        stand_in(r->moov_sha256, 0x60);
        snprintf(r->ended.reason, sizeof(r->ended.reason), "command");
        r->ended.stop_ticks = 6900000;
        r->ended.segments = 2;
}

static void recovered(struct record_specimen *s)
{
        struct bc_record *r = &s->record;

        of_segment(r, 2, 1, 0, 25600);
        first_of_segment(s);
        r->begun.reason[0] = '\0';
        r->begun.press_ticks = r->begun.pre_event_ticks = BC_RECORD_UNKNOWN;
        r->succeeds_count = 1;
        r->succeeds[0] = (struct bc_record_abandoned){ .segment = 1, .cause = 5, .end = 125949, .offset = 125000 };
        stand_in(r->succeeds[0].sha256, 0x70);
        r->moov_bytes = 4000;
        stand_in(r->moov_sha256, 0x60);
        r->found.before = 30000;
        r->found.kept = 25600;
        r->found.moved = true;
        r->found.moved_bytes = 4400;
        stand_in(r->found.moved_sha256, 0x80);
        r->found.anchor.medium = 1;
        r->found.anchor.recording = 1;
        r->found.anchor.segment = 1;
        r->found.anchor.index = 40;
        stand_in(r->found.anchor.hash, 0x90);
        r->found.anchor.signed_ns = 133 * SECOND_NS;
        r->found.agrees = true;
        r->found.reset = 1;
}

static void sealed(struct record_specimen *s)
{
        struct bc_record *r = &s->record;

        chain(s, 2);
        r->recording = 1;
        r->segment = 2;
        r->found.anchor.medium = 1;
        r->found.anchor.recording = 1;
        r->found.anchor.segment = 2;
        r->found.anchor.index = 40;
        stand_in(r->found.anchor.hash, 0x90);
        r->found.anchor.signed_ns = 133 * SECOND_NS;
        r->found.reset = 1;
        r->stored.bytes = 1234567;
        stand_in(r->stored.sha256, 0x50);
        r->stored.headed = true;
        stand_in(r->stored.seal, 0xa0);
}

static void ledger(struct record_specimen *s)
{
        struct bc_record *r = &s->record;
        struct bc_writer w = bc_writer_on(s->details[1], sizeof(s->details[1]));

        chain(s, 1);
        r->ledger = 346;
        r->events = 2;
        s->details[0][0] = 0xa0;
        r->event[0] = (struct bc_record_event){ 130 * SECOND_NS, 1, { s->details[0], 1 } };
        bc_cbor_put_map(&w, 5);
        bc_cbor_put_int(&w, 0);
        bc_cbor_put_int(&w, -1);
        bc_cbor_put_int(&w, 1);
        bc_cbor_put_text(&w, "officer", 7);
        bc_cbor_put_int(&w, 2);
        bc_cbor_put_bytes(&w, "\x01\x02", 2);
        bc_cbor_put_int(&w, 24);
        bc_cbor_put_bool(&w, true);
        bc_cbor_put_int(&w, 1000);
        bc_cbor_put_null(&w);
        r->event[1] = (struct bc_record_event){ 131 * SECOND_NS, 300, { s->details[1], w.used } };
}

const char *record_vector(size_t number, struct record_specimen *ret)
{
        switch (number) {
        case 0:
                common(ret, BC_RECORD_FRAGMENT);
                of_segment(&ret->record, 1, 1, 0, 25000);
                first_of_segment(ret);
                return "fragment-first";
        case 1:
                common(ret, BC_RECORD_FRAGMENT);
                fragment(&ret->record);
                return "fragment";
        case 2:
                common(ret, BC_RECORD_CONTINUES);
                of_segment(&ret->record, 1, 60, 2500000, 25000);
                ret->record.moov_bytes = 65536;
                stand_in(ret->record.moov_sha256, 0x60);
                ret->record.algorithm = BC_RECORD_ES384;
                ret->signature_bytes = 96;
                memset(ret->signature, 0, 64);
                ret->signature[47] = 1;
                ret->signature[95] = 2;
                return "continues";
        case 3:
                common(ret, BC_RECORD_CLOSE);
                close_of_recording(&ret->record);
                return "close";
        case 4:
                common(ret, BC_RECORD_RECOVERED);
                recovered(ret);
                return "recovered";
        case 5:
                common(ret, BC_RECORD_LEDGER);
                ledger(ret);
                return "ledger";
        case 6:
                common(ret, BC_RECORD_SEALED);
                sealed(ret);
                return "sealed";
        default: // the anchor knew of no recording yet
                common(ret, BC_RECORD_RECOVERED);
                recovered(ret);
                memset(&ret->record.found.anchor, 0, sizeof(ret->record.found.anchor));
                ret->record.found.anchor.medium = 1;
                return "recovered-first";
        }
}
