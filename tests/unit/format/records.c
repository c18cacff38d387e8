// SPDX-License-Identifier: EUPL-1.2
#include "records.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "format/cbor.h"
#include "format/cose.h"
#include "segments.h"

const enum bc_record_kind record_kinds[RECORD_KINDS] = { BC_RECORD_FRAGMENT, BC_RECORD_CONTINUES, BC_RECORD_CLOSE,
                                                         BC_RECORD_RECOVERED, BC_RECORD_SEALED, BC_RECORD_LEDGER };

static uint32_t upto(uint32_t *random, uint32_t max)
{
        return segment_random(random, max + 1);
}

static bool coin(uint32_t *random)
{
        return upto(random, 1) == 1;
}

static void random_bytes(uint8_t *bytes, size_t n, uint32_t *random)
{
        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)upto(random, 255);
}

// min .. max, of every magnitude, the bounds among them.
static int64_t number(int64_t min, int64_t max, uint32_t *random)
{
        uint64_t span = (uint64_t)max - (uint64_t)min, value;
        uint32_t how = upto(random, 9);

        if (how == 0)
                return min;
        if (how == 1)
                return max;
        random_bytes((uint8_t *)&value, sizeof(value), random);
        value >>= upto(random, 63);
        value = span == UINT64_MAX ? value : value % (span + 1);
        return (int64_t)((uint64_t)min + value);
}

static int64_t time_of(uint32_t *random)
{
        return number(0, INT64_MAX, random);
}

static uint64_t u63(uint64_t min, uint32_t *random)
{
        return (uint64_t)number((int64_t)min, INT64_MAX, random);
}

static uint32_t u32(uint32_t min, uint32_t max, uint32_t *random)
{
        return (uint32_t)number(min, max, random);
}

static void text(char *ret_text, size_t min, size_t max, uint32_t *random)
{
        static const char *const words[] = { "a",
                                             "Z",
                                             " ",
                                             "\"",
                                             "\\",
                                             "\xc2\xa0",
                                             "\xc3\xa4",
                                             "\xdf\xbf",
                                             "\xe0\xa0\x80",
                                             "\xed\x9f\xbf",
                                             "\xee\x80\x80",
                                             "\xef\xbf\xbf",
                                             "\xf0\x90\x80\x80",
                                             "\xf4\x8f\xbf\xbf",
                                             "~" };
        size_t n = (size_t)number((int64_t)min, (int64_t)max, random), used = 0;
        while (used < n) {
                const char *word = words[upto(random, sizeof(words) / sizeof(words[0]) - 1)];
                size_t bytes = strlen(word);
                if (bytes > n - used)
                        continue;
                memcpy(ret_text + used, word, bytes);
                used += bytes;
        }
        ret_text[used] = '\0';
}

// Of a list: a few mostly. rich: all that there may be.
static size_t count(size_t min, size_t max, bool rich, uint32_t *random)
{
        if (rich)
                return max;
        return upto(random, 3) > 0 ? min + upto(random, 2) * (min + 2 < max)
                                   : (size_t)number((int64_t)min, (int64_t)max, random);
}

static void random_details(struct bc_record_bytes *ret, uint8_t *room, size_t bytes, uint32_t *random)
{
        struct bc_writer w = bc_writer_on(room, bytes);
        size_t pairs = upto(random, 4);
        int64_t key = upto(random, 1);
        uint8_t some[24];
        char words[25];

        bc_cbor_put_map(&w, pairs);
        for (size_t i = 0; i < pairs; i++) {
                bc_cbor_put_int(&w, key);
                key += 1 + upto(random, 100);
                switch (upto(random, 4)) {
                case 0:
                        bc_cbor_put_int(&w, number(-INT64_MAX, INT64_MAX, random));
                        break;
                case 1:
                        random_bytes(some, sizeof(some), random);
                        bc_cbor_put_bytes(&w, some, upto(random, 9));
                        break;
                case 2:
                        text(words, 0, 9, random);
                        bc_cbor_put_text(&w, words, strlen(words));
                        break;
                case 3:
                        bc_cbor_put_bool(&w, coin(random));
                        break;
                default:
                        bc_cbor_put_null(&w);
                }
        }
        assert_false(w.failed);
        *ret = (struct bc_record_bytes){ room, w.used };
}

static void random_live(struct bc_record *r, bool rich, uint32_t *random)
{
        r->captured = u63(0, random);
        r->dropped = u63(0, random);
        r->gaps = count(0, BC_RECORD_GAPS_MAX, rich, random);
        for (size_t i = 0; i < r->gaps; i++) {
                int64_t from = time_of(random);
                r->gap[i] = (struct bc_record_gap){ u32(1, 7, random), from,
                                                    coin(random) ? BC_RECORD_UNKNOWN : number(from, INT64_MAX, random),
                                                    u63(1, random) };
        }
        r->marks = count(0, BC_RECORD_MARKS_MAX, rich, random);
        for (size_t i = 0; i < r->marks; i++) {
                r->mark[i].ticks = time_of(random);
                text(r->mark[i].text, 0, 64, random);
        }
        r->clocks = count(0, BC_RECORD_CLOCKS_MAX, rich, random);
        for (size_t i = 0; i < r->clocks; i++) {
                struct bc_record_clock *c = &r->clock[i];
                c->from_ticks = time_of(random);
                c->source = upto(random, 3);
                c->utc_ns = c->source == 0 ? BC_RECORD_UNKNOWN : time_of(random);
                c->uncertainty_ns = c->source == 0 ? BC_RECORD_UNKNOWN : time_of(random);
                c->step_ns = c->source == 0 || coin(random) ? BC_RECORD_UNKNOWN : number(-INT64_MAX, INT64_MAX, random);
        }
        r->position.known = coin(random);
        if (r->position.known) {
                r->position.mode = 2 + upto(random, 1);
                r->position.lat_e7 = number(-900000000, 900000000, random);
                r->position.lon_e7 = number(-1800000000, 1800000000, random);
                r->position.accuracy_mm = coin(random) ? BC_RECORD_UNKNOWN : number(0, INT32_MAX, random);
                r->position.age_ns = time_of(random);
        }
        r->battery.known = coin(random);
        if (r->battery.known) {
                r->battery.percent = coin(random) ? BC_RECORD_UNKNOWN : number(0, 100, random);
                r->battery.minutes = coin(random) ? BC_RECORD_UNKNOWN : number(0, INT32_MAX, random);
                r->battery.charging = coin(random);
        }
}

static void random_first(struct bc_record *r, bool rich, uint32_t *random)
{
        r->head_bytes = u32(1, 16384, random);
        r->base_ticks = time_of(random);
        random_bytes(r->boot_id, sizeof(r->boot_id), random);
        r->drivers = count(0, BC_RECORD_DRIVERS_MAX, rich, random);
        for (size_t i = 0; i < r->drivers; i++) {
                r->driver[i].role = (enum bc_driver_role)u32(1, 7, random);
                text(r->driver[i].name, 1, 32, random);
                r->driver[i].simulated = coin(random);
        }
        text(r->begun.reason, 0, 64, random);
        bool unknown = r->kind == BC_RECORD_RECOVERED && coin(random);
        r->begun.press_ticks = unknown ? BC_RECORD_UNKNOWN : time_of(random);
        r->begun.pre_event_ticks = unknown ? BC_RECORD_UNKNOWN : time_of(random);
        r->succeeds_count = coin(random) ? u32(0, r->segment > BC_RECORD_SUCCEEDS_MAX ? BC_RECORD_SUCCEEDS_MAX : r->segment - 1, random) : 0;
        for (size_t i = 0; i < r->succeeds_count; i++) {
                struct bc_record_abandoned *abandoned = &r->succeeds[i];
                uint32_t left = (uint32_t)(r->succeeds_count - i); // of which each has its own number
                abandoned->segment = u32(i > 0 ? abandoned[-1].segment + 1 : 1, r->segment - left, random);
                abandoned->cause = u32(0, 4095, random);
                abandoned->end = u32(0, UINT32_MAX, random);
                abandoned->offset = u32(0, (uint32_t)abandoned->end, random);
                random_bytes(abandoned->sha256, 32, random);
        }
        r->sealed = coin(random);
        if (r->sealed)
                random_bytes(r->seal, 32, random);
}

static void random_anchor(struct bc_record *r, uint32_t *random)
{
        r->found.anchor.medium = upto(random, BC_RECORD_MEDIUM_MAX);
        if (r->found.anchor.medium > 0) {
                r->found.anchor.recording = coin(random) ? u63(1, random) : 0;
        }
        if (r->found.anchor.recording > 0) {
                r->found.anchor.segment = u32(1, 9999, random);
                r->found.anchor.index = u32(1, UINT32_MAX, random);
                random_bytes(r->found.anchor.hash, 32, random);
                r->found.anchor.signed_ns = time_of(random);
        }
        r->found.reset = upto(random, 3);
}

static void random_sealed(struct bc_record *r, uint32_t *random)
{
        r->recording = u63(1, random);
        r->segment = u32(1, 9999, random);
        r->stored.bytes = u63(0, random);
        random_bytes(r->stored.sha256, 32, random);
        r->stored.headed = coin(random);
        if (r->stored.headed)
                random_bytes(r->stored.seal, 32, random);
        random_anchor(r, random);
}

static void random_recovered(struct bc_record *r, uint32_t *random)
{
        r->found.before = u63(1, random);
        r->found.kept = u32(1, r->found.before < UINT32_MAX ? (uint32_t)r->found.before : UINT32_MAX, random);
        r->found.moved = coin(random);
        if (r->found.moved) {
                r->found.moved_bytes = u63(1, random);
                random_bytes(r->found.moved_sha256, 32, random);
        }
        random_anchor(r, random);
        r->found.agrees = coin(random);
}

static void random_segment(struct bc_record *r, bool rich, uint32_t *random)
{
        r->recording = u63(1, random);
        r->segment = u32(1, 9999, random);
        r->index = coin(random) ? 1 : u32(2, UINT32_MAX, random);
        r->offset = u32(0, UINT32_MAX - 1, random);
        r->bytes = u32(1, UINT32_MAX - (uint32_t)r->offset, random);
        random_bytes(r->sha256, 32, random);
        r->tracks = 1 + upto(random, BC_TRACKS_MAX - 1);
        for (size_t i = 0; i < r->tracks; i++) {
                bool some = coin(random);
                r->track[i].first_ticks = some ? time_of(random) : BC_RECORD_UNKNOWN;
                r->track[i].end_ticks = some ? number(r->track[i].first_ticks, INT64_MAX, random) : BC_RECORD_UNKNOWN;
        }
        if (r->kind != BC_RECORD_RECOVERED)
                random_live(r, rich, random);
        if (r->index == 1)
                random_first(r, rich, random);
        if (r->kind != BC_RECORD_FRAGMENT) {
                r->moov_bytes = u32(8, UINT32_MAX, random);
                random_bytes(r->moov_sha256, 32, random);
        }
        if (r->kind == BC_RECORD_CLOSE) {
                text(r->ended.reason, 0, 64, random);
                r->ended.stop_ticks = time_of(random);
                r->ended.segments = u32(1, 9999, random);
        }
        if (r->kind == BC_RECORD_RECOVERED)
                random_recovered(r, random);
}

static void fill(struct record_specimen *ret, enum bc_record_kind kind, uint32_t *random)
{
        static const char letters[] = "ABCXYZabcxyz0189-_";
        struct bc_record *r = &ret->record;
        bool rich = upto(random, 19) == 0;

        memset(ret, 0, sizeof(*ret));
        r->kind = kind;
        r->algorithm = coin(random) ? BC_RECORD_ES256 : BC_RECORD_ES384;
        ret->signature_bytes = r->algorithm == BC_RECORD_ES256 ? 64 : 96;
        random_bytes(ret->signature, ret->signature_bytes, random);
        ret->signature[0] &= 0x7f; // r below the order, s below half of it
        ret->signature[ret->signature_bytes / 2] &= 0x3f;
        random_bytes(r->x5t, 32, random);
        size_t n = 1 + upto(random, 31);
        for (size_t i = 0; i < n; i++)
                r->device[i] = letters[upto(random, sizeof(letters) - 2)];
        r->epoch = u63(1, random);
        r->boot = u63(1, random);
        r->ledger = u63(0, random);
        random_bytes(r->prev, 32, random);
        r->signed_ns = time_of(random);
        r->utc.source = upto(random, 3);
        if (r->utc.source > 0) {
                r->utc.utc_ns = time_of(random);
                r->utc.uncertainty_ns = time_of(random);
                r->utc.age_ns = time_of(random);
        }
        random_bytes(r->firmware, 32, random);
        random_bytes(r->settings, 32, random);
        if (kind == BC_RECORD_SEALED)
                random_sealed(r, random);
        else if (kind != BC_RECORD_LEDGER)
                random_segment(r, rich, random);
        else
                r->events = count(1, BC_RECORD_EVENTS_MAX, rich, random);
        for (size_t i = 0; i < r->events; i++) {
                r->event[i].time_ns = time_of(random);
                r->event[i].event = u32(1, UINT32_MAX, random);
                random_details(&r->event[i].details, ret->details[i], sizeof(ret->details[i]), random);
        }
        if (r->index == 1 || kind == BC_RECORD_SEALED || (kind == BC_RECORD_LEDGER && coin(random)))
                r->chain_count = 1 + upto(random, BC_RECORD_CHAIN_MAX - 1);
        for (size_t i = 0; i < r->chain_count; i++) {
                size_t bytes = 1 + upto(random, rich ? sizeof(ret->certificate[i]) - 1 : 40);
                random_bytes(ret->certificate[i], bytes, random);
                r->chain[i] = (struct bc_record_bytes){ ret->certificate[i], bytes };
        }
}

void record_random(struct record_specimen *ret, enum bc_record_kind kind, uint32_t *random)
{
        static struct bc_record_message message;
        do // all lists full is more than a box holds
                fill(ret, kind, random);
        while (bc_record_compose(&ret->record, &message) == -EMSGSIZE);
}

size_t record_box(const struct record_specimen *specimen, uint8_t box[BC_RECORD_BYTES_MAX])
{
        static struct bc_record_message message;
        size_t bytes = 0;

        assert_int_equal(bc_record_compose(&specimen->record, &message), 0);
        assert_int_equal(bc_record_seal(&specimen->record, &message, specimen->signature, specimen->signature_bytes, box,
                                        BC_RECORD_BYTES_MAX, &bytes),
                         0);
        assert_int_equal(bytes, bc_record_box_bytes(&specimen->record, &message));
        return bytes;
}

size_t record_from_hex(const char *line, uint8_t *bytes, size_t room)
{
        static const char digits[] = "0123456789abcdef";
        size_t n = 0;

        for (const char *at = line; *at && *at != '\n'; at += 2, n++) {
                const char *high = strchr(digits, at[0]), *low = at[1] ? strchr(digits, at[1]) : NULL;
                if (!high || !low || n == room)
                        return SIZE_MAX;
                bytes[n] = (uint8_t)((high - digits) << 4 | (low - digits));
        }
        return n;
}
