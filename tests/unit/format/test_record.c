// SPDX-License-Identifier: EUPL-1.2
#include "records.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/cbor.h"
#include "segments.h"

static struct record_specimen specimen, other;
static struct bc_record record;
static struct bc_record_message message, again;
static uint8_t box[BC_RECORD_BYTES_MAX + 64], second[BC_RECORD_BYTES_MAX + 64];

static int rounds(int usual)
{
        return getenv("BC_LONG") ? 20 * usual : usual;
}

static void test_round_trips(void **state)
{
        (void)state;
        uint32_t random = 1;
        size_t largest = 0;

        for (int i = 0; i < rounds(1000); i++)
                for (size_t k = 0; k < RECORD_KINDS; k++) {
                        record_random(&specimen, record_kinds[k], &random);
                        memcpy(&other, &specimen, sizeof(other));
                        size_t bytes = record_box(&specimen, box);
                        assert_memory_equal(&other, &specimen, sizeof(other)); // writing changes nothing
                        largest = bytes > largest ? bytes : largest;

                        char text[100] = "";
                        if (bc_record_parse(box, bytes, &record, &message, text, sizeof(text), NULL) < 0)
                                fail_msg("round %d, kind %zu: %s", i, k, text);
                        json_t *wrote = record_meaning(&specimen.record, &message),
                               *read = record_meaning(&record, &message);
                        assert_true(json_equal(wrote, read));
                        json_decref(wrote);
                        json_decref(read);
                        assert_int_equal(message.signature.n, specimen.signature_bytes);
                        assert_memory_equal(message.signature.bytes, specimen.signature, specimen.signature_bytes);

                        assert_int_equal(bc_record_compose(&record, &again), 0);
                        assert_int_equal(again.protected_header.n, message.protected_header.n);
                        assert_int_equal(again.payload.n, message.payload.n);
                        assert_memory_equal(again.protected_header.bytes, message.protected_header.bytes,
                                            message.protected_header.n);
                        assert_memory_equal(again.payload.bytes, message.payload.bytes, message.payload.n);
                        size_t same = 0;
                        assert_int_equal(bc_record_seal(&record, &message, message.signature.bytes, message.signature.n,
                                                        second, sizeof(second), &same),
                                         0);
                        assert_int_equal(same, bytes);
                        assert_memory_equal(second, box, bytes);
                }
        assert_true(largest > BC_RECORD_BYTES_MAX / 2);
}

#define NUMBERS(member)                                                                                                     \
        {                                                                                                                   \
#member, offsetof(struct bc_record, member), sizeof(((struct bc_record *)0)->member)                        \
        }

// Everything but flags and pointers.
static const struct {
        const char *name;
        size_t at, bytes;
} members[] = {
        NUMBERS(kind),
        NUMBERS(algorithm),
        NUMBERS(chain_count),
        NUMBERS(device),
        NUMBERS(epoch),
        NUMBERS(boot),
        NUMBERS(ledger),
        NUMBERS(signed_ns),
        NUMBERS(utc),
        NUMBERS(recording),
        NUMBERS(segment),
        NUMBERS(index),
        NUMBERS(offset),
        NUMBERS(bytes),
        NUMBERS(track[0]),
        NUMBERS(track[1]),
        NUMBERS(tracks),
        NUMBERS(captured),
        NUMBERS(dropped),
        NUMBERS(gap[0]),
        NUMBERS(gap[1]),
        NUMBERS(mark[0]),
        NUMBERS(clock[0]),
        NUMBERS(clock[1]),
        NUMBERS(gaps),
        NUMBERS(marks),
        NUMBERS(clocks),
        NUMBERS(position.mode),
        NUMBERS(position.lat_e7),
        NUMBERS(position.lon_e7),
        NUMBERS(position.accuracy_mm),
        NUMBERS(position.age_ns),
        NUMBERS(battery.percent),
        NUMBERS(battery.minutes),
        NUMBERS(head_bytes),
        NUMBERS(base_ticks),
        NUMBERS(driver[0].role),
        NUMBERS(driver[0].name),
        NUMBERS(drivers),
        NUMBERS(begun),
        NUMBERS(succeeds[0].segment),
        NUMBERS(succeeds[0].cause),
        NUMBERS(succeeds[0].end),
        NUMBERS(succeeds[0].offset),
        NUMBERS(succeeds[1]),
        NUMBERS(succeeds_count),
        NUMBERS(moov_bytes),
        NUMBERS(ended),
        NUMBERS(found.before),
        NUMBERS(found.kept),
        NUMBERS(found.moved_bytes),
        NUMBERS(found.anchor),
        NUMBERS(found.reset),
        NUMBERS(stored.bytes),
        NUMBERS(event[0].time_ns),
        NUMBERS(event[0].event),
        NUMBERS(event[1].event),
        NUMBERS(events),
};

// Whatever a record holds: it is refused, or what was written can be read. So nothing unreadable is ever signed.
static void test_composed_means_readable(void **state)
{
        (void)state;
        uint32_t random = 5;
        int composed = 0, refused = 0;

        for (int i = 0; i < rounds(8000); i++) {
                record_random(&specimen, record_kinds[segment_random(&random, RECORD_KINDS)], &random);
                struct bc_record *r = &specimen.record;
                size_t which = segment_random(&random, sizeof(members) / sizeof(members[0]));
                uint8_t *at = (uint8_t *)r + members[which].at;
                size_t bytes = members[which].bytes;
                switch (segment_random(&random, 5)) {
                case 0:
                        memset(at, 0xff, bytes);
                        break;
                case 1:
                        memset(at, 0, bytes);
                        break;
                case 2: // INT64_MIN, or a text without an end
                        memset(at, 0, bytes);
                        at[bytes - 1] = 0x80;
                        break;
                case 3:
                        at[segment_random(&random, (uint32_t)bytes)] ^= (uint8_t)(1 << segment_random(&random, 8));
                        break;
                default:
                        for (size_t n = 0; n < bytes; n++)
                                at[n] = (uint8_t)segment_random(&random, 256);
                }
                int error = bc_record_compose(r, &message);
                if (error < 0) {
                        assert_true(error == -EINVAL || error == -EMSGSIZE);
                        refused++;
                        continue;
                }
                composed++;
                static const uint8_t one[BC_SIGNATURE_BYTES_MAX] = { [31] = 1, [47] = 1, [63] = 1, [95] = 1 };
                size_t n = 0;
                char text[100];
                assert_int_equal(
                        bc_record_seal(r, &message, one, r->algorithm == BC_RECORD_ES256 ? 64 : 96, box, sizeof(box), &n),
                        0);
                if (bc_record_parse(box, n, &record, &again, text, sizeof(text), NULL) < 0)
                        fail_msg("%s: written, and then not read: %s", members[which].name, text);
                json_t *wrote = record_meaning(r, &again), *read = record_meaning(&record, &again);
                assert_true(json_equal(wrote, read));
                json_decref(wrote);
                json_decref(read);
        }
        assert_true(composed > 1000 && refused > 1000);
}

static void lawful(enum bc_record_kind kind, uint32_t index)
{
        uint32_t random = 3;
        do
                record_random(&specimen, kind, &random);
        while ((specimen.record.index == 1) != (index == 1));
        struct bc_record *r = &specimen.record;
        r->segment = 7;
        r->offset = 10;
        r->bytes = 20;
        r->gaps = r->marks = r->clocks = 1;
        r->gap[0] = (struct bc_record_gap){ 1, 5, 9, 1 };
        r->mark[0].ticks = 1;
        r->clock[0] = (struct bc_record_clock){ 0, 1, 2, 3, 4 };
        r->tracks = 2;
        r->track[0] = (struct bc_record_span){ 5, 9 };
        r->track[1] = (struct bc_record_span){ BC_RECORD_UNKNOWN, BC_RECORD_UNKNOWN };
        r->utc.source = 1;
        r->position.known = r->battery.known = true;
        r->position.mode = 2;
        r->position.lat_e7 = r->position.lon_e7 = r->position.age_ns = 0;
        r->position.accuracy_mm = r->battery.percent = r->battery.minutes = BC_RECORD_UNKNOWN;
        if (index == 1) {
                r->drivers = 1;
                r->driver[0] = (struct bc_record_driver){ BC_DRIVER_MIC, "alsa", false };
                r->succeeds_count = 2;
                r->succeeds[0] = (struct bc_record_abandoned){ .segment = 4, .end = 7 };
                r->succeeds[1] = (struct bc_record_abandoned){ .segment = 6, .end = 100, .offset = 50 };
        }
        if (kind == BC_RECORD_RECOVERED || kind == BC_RECORD_SEALED) {
                r->found.before = 100;
                r->found.kept = 90;
                r->found.moved = true;
                r->found.moved_bytes = 10;
                r->found.anchor.medium = 1;
                r->found.anchor.recording = r->found.anchor.segment = r->found.anchor.index = 1;
        }
        if (kind == BC_RECORD_LEDGER) {
                r->events = 1;
                r->event[0] = (struct bc_record_event){ 0, 1, { (const uint8_t *)"\xa0", 1 } };
        }
        assert_int_equal(bc_record_compose(r, &message), 0);
}

#define REFUSED(kind, index, ...)                                                                                           \
        do {                                                                                                                \
                lawful(kind, index);                                                                                        \
                struct bc_record *r = &specimen.record;                                                                     \
                __VA_ARGS__;                                                                                                \
                if (bc_record_compose(r, &message) != -EINVAL)                                                              \
                        fail_msg("composed: %s", #__VA_ARGS__);                                                             \
        } while (0)
#define TAKEN(kind, index, ...)                                                                                             \
        do {                                                                                                                \
                lawful(kind, index);                                                                                        \
                struct bc_record *r = &specimen.record;                                                                     \
                __VA_ARGS__;                                                                                                \
                if (bc_record_compose(r, &message) != 0)                                                                    \
                        fail_msg("refused: %s", #__VA_ARGS__);                                                              \
        } while (0)

static void test_bounds_of_every_kind(void **state)
{
        (void)state;
        REFUSED(BC_RECORD_FRAGMENT, 2, r->kind = 0);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->kind = 5);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->kind = 17);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->kind = 33); // as a bit it would be 1 again
        REFUSED(BC_RECORD_FRAGMENT, 2, r->algorithm = -8);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->algorithm = -36);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->device[0] = '\0');
        REFUSED(BC_RECORD_FRAGMENT, 2, memset(r->device, 'a', sizeof(r->device)));
        REFUSED(BC_RECORD_FRAGMENT, 2, memcpy(r->device, "a/b", 4));
        REFUSED(BC_RECORD_FRAGMENT, 2, memcpy(r->device, "a b", 4));
        REFUSED(BC_RECORD_FRAGMENT, 2, memcpy(r->device, "\xc3\xa4", 3));
        REFUSED(BC_RECORD_FRAGMENT, 2, r->epoch = 0);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->boot = 0);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->ledger = UINT64_C(1) << 63);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->signed_ns = -1);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->signed_ns = BC_RECORD_UNKNOWN);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->utc.source = 4);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->utc.utc_ns = -1);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->utc.uncertainty_ns = -1);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->utc.age_ns = -1);
        TAKEN(BC_RECORD_FRAGMENT, 2, r->utc.source = 0; r->utc.utc_ns = -1);
        // the chain: in index 1 and nowhere else; in a ledger as one likes
        REFUSED(BC_RECORD_FRAGMENT, 1, r->chain_count = 0);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->chain_count = 5);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->chain[0].bytes = NULL);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->chain[0].n = 0);
        REFUSED(BC_RECORD_FRAGMENT, 2, r->chain_count = 1;
                r->chain[0] = (struct bc_record_bytes){ specimen.certificate[0], 5 });
        TAKEN(BC_RECORD_LEDGER, 2, r->chain_count = 1; r->chain[0] = (struct bc_record_bytes){ specimen.certificate[0], 5 });
        TAKEN(BC_RECORD_LEDGER, 2, r->chain_count = 0);
        REFUSED(BC_RECORD_LEDGER, 2, r->events = 0);
        REFUSED(BC_RECORD_LEDGER, 2, r->events = 65);
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].event = 0);
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].time_ns = -1);
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].details.bytes = NULL);
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].details.n = 0);
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].details = (struct bc_record_bytes){ (const uint8_t *)"\xa0\xa0", 2 });
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].details = (struct bc_record_bytes){ (const uint8_t *)"\xa1\x00\x80", 3 });
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].details = (struct bc_record_bytes){ (const uint8_t *)"\xa1\x20\x00", 3 });
        REFUSED(BC_RECORD_LEDGER, 2, r->event[0].details = (struct bc_record_bytes){ (const uint8_t *)"\x80", 1 });
        TAKEN(BC_RECORD_LEDGER, 2, r->event[0].details = (struct bc_record_bytes){ (const uint8_t *)"\xa1\x00\xf6", 3 });
        REFUSED(BC_RECORD_LEDGER, 2, r->sealed = true);
}

static void test_bounds_of_segments(void **state)
{
        (void)state;
        REFUSED(BC_RECORD_CLOSE, 2, r->recording = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->segment = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->segment = 10000);
        REFUSED(BC_RECORD_CLOSE, 2, r->index = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->bytes = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->offset = UINT32_MAX);
        REFUSED(BC_RECORD_CLOSE, 2, r->offset = UINT32_MAX - 19);
        TAKEN(BC_RECORD_CLOSE, 2, r->offset = UINT32_MAX - 20);
        REFUSED(BC_RECORD_CLOSE, 2, r->tracks = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->tracks = BC_TRACKS_MAX + 1);
        REFUSED(BC_RECORD_CLOSE, 2, r->track[0].end_ticks = 4);
        REFUSED(BC_RECORD_CLOSE, 2, r->track[0].first_ticks = -1);
        REFUSED(BC_RECORD_CLOSE, 2, r->captured = UINT64_MAX);
        REFUSED(BC_RECORD_CLOSE, 2, r->gap[0].kind = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->gap[0].kind = 8);
        REFUSED(BC_RECORD_CLOSE, 2, r->gap[0].to_ticks = 4);
        REFUSED(BC_RECORD_CLOSE, 2, r->gap[0].count = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->gap[0].from_ticks = BC_RECORD_UNKNOWN);
        REFUSED(BC_RECORD_CLOSE, 2, r->gaps = 65);
        REFUSED(BC_RECORD_CLOSE, 2, r->marks = 65);
        REFUSED(BC_RECORD_CLOSE, 2, r->clocks = 65);
        REFUSED(BC_RECORD_CLOSE, 2, memcpy(r->mark[0].text, "a\nb", 4));
        REFUSED(BC_RECORD_CLOSE, 2, memcpy(r->mark[0].text, "\xc3", 2));
        REFUSED(BC_RECORD_CLOSE, 2, memset(r->mark[0].text, 'a', 65));
        REFUSED(BC_RECORD_CLOSE, 2, r->clock[0].source = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->clock[0].source = 4);
        REFUSED(BC_RECORD_CLOSE, 2, r->clock[0].utc_ns = BC_RECORD_UNKNOWN);
        TAKEN(BC_RECORD_CLOSE, 2, r->clock[0].step_ns = -INT64_MAX);
        REFUSED(BC_RECORD_CLOSE, 2, r->position.mode = 1);
        REFUSED(BC_RECORD_CLOSE, 2, r->position.mode = 4);
        REFUSED(BC_RECORD_CLOSE, 2, r->position.lat_e7 = 900000001);
        REFUSED(BC_RECORD_CLOSE, 2, r->position.lon_e7 = -1800000001);
        REFUSED(BC_RECORD_CLOSE, 2, r->position.accuracy_mm = -1);
        REFUSED(BC_RECORD_CLOSE, 2, r->battery.percent = 101);
        REFUSED(BC_RECORD_CLOSE, 2, r->battery.minutes = -1);
        REFUSED(BC_RECORD_CLOSE, 2, r->moov_bytes = 7);
        REFUSED(BC_RECORD_CLOSE, 2, r->moov_bytes = UINT64_C(1) << 32);
        REFUSED(BC_RECORD_CLOSE, 2, r->ended.segments = 0);
        REFUSED(BC_RECORD_CLOSE, 2, r->ended.stop_ticks = BC_RECORD_UNKNOWN);
        REFUSED(BC_RECORD_CLOSE, 2, r->succeeds_count = 1); // not in index 1
        REFUSED(BC_RECORD_CLOSE, 2, r->sealed = true);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->head_bytes = 0);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->head_bytes = 16385);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->drivers = 9);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->driver[0].role = 0);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->driver[0].role = 8);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->driver[0].name[0] = '\0');
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds[1].segment = 7); // itself
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds[0].segment = 0);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds[0].segment = 6); // twice
        TAKEN(BC_RECORD_FRAGMENT, 1, r->succeeds[0].segment = 5);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds[1].segment = 3); // not in their order
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds[1].cause = 4096);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds[1].offset = 101);
        TAKEN(BC_RECORD_FRAGMENT, 1, r->succeeds_count = 0);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->succeeds_count = BC_RECORD_SUCCEEDS_MAX + 1);
        REFUSED(BC_RECORD_FRAGMENT, 1, r->segment = 1); // succeeds nothing
        REFUSED(BC_RECORD_FRAGMENT, 1, r->begun.press_ticks = BC_RECORD_UNKNOWN);
        TAKEN(BC_RECORD_RECOVERED, 1, r->begun.press_ticks = BC_RECORD_UNKNOWN);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.kept = 101);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.kept = 0);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.before = 0);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.moved_bytes = 0);
        TAKEN(BC_RECORD_RECOVERED, 2, r->found.anchor.medium = 3);
        TAKEN(BC_RECORD_RECOVERED, 2, r->found.anchor.medium = 5);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.medium = 6);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.segment = 0);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.index = 0);
        // One that knows of no recording knows of no record.
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.recording = 0);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.recording = r->found.anchor.segment = 0);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.recording = r->found.anchor.index = 0);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.recording = r->found.anchor.segment = r->found.anchor.index = 0;
                r->found.anchor.hash[31] = 1);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.recording = r->found.anchor.segment = r->found.anchor.index = 0;
                r->found.anchor.signed_ns = 1);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.anchor.recording = r->found.anchor.segment = r->found.anchor.index = 0;
                r->found.anchor.signed_ns = BC_RECORD_UNKNOWN);
        REFUSED(BC_RECORD_RECOVERED, 2, r->found.reset = 4);
        REFUSED(BC_RECORD_SEALED, 2, r->segment = 0);
        REFUSED(BC_RECORD_SEALED, 2, r->chain_count = 0);
        REFUSED(BC_RECORD_SEALED, 2, r->sealed = true);
        REFUSED(BC_RECORD_SEALED, 2, r->stored.bytes = UINT64_C(1) << 63);
        REFUSED(BC_RECORD_SEALED, 2, r->found.anchor.medium = 6);
        REFUSED(BC_RECORD_SEALED, 2, r->found.reset = 4);
        TAKEN(BC_RECORD_SEALED, 2, r->stored.bytes = 0);
}

// All lists full, and a chain: more than a box takes. Byte by byte across the limit.
static void test_too_large(void **state)
{
        (void)state;
        static uint8_t certificate[BC_RECORD_BYTES_MAX];
        uint8_t one[64] = { [31] = 1, [63] = 1 };
        size_t n = 0;

        lawful(BC_RECORD_FRAGMENT, 1);
        struct bc_record *r = &specimen.record;
        r->algorithm = BC_RECORD_ES256;
        r->chain_count = 1;
        r->chain[0] = (struct bc_record_bytes){ certificate, 1000 };
        assert_int_equal(bc_record_compose(r, &message), 0);
        size_t rest = bc_record_box_bytes(r, &message) - 1000;
        for (size_t bytes = BC_RECORD_BYTES_MAX - rest - 20; bytes <= sizeof(certificate); bytes++) {
                r->chain[0].n = bytes;
                int error = bc_record_compose(r, &message);
                if (bytes + rest <= BC_RECORD_BYTES_MAX) {
                        assert_int_equal(error, 0);
                        assert_int_equal(bc_record_box_bytes(r, &message), bytes + rest);
                        assert_int_equal(bc_record_seal(r, &message, one, 64, box, bytes + rest - 1, &n), -ENOBUFS);
                        assert_int_equal(bc_record_seal(r, &message, one, 64, box, bytes + rest, &n), 0);
                        assert_int_equal(n, bytes + rest);
                        assert_int_equal(bc_record_parse(box, n, &record, &again, NULL, 0, NULL), 0);
                        static uint8_t signing[BC_RECORD_BYTES_MAX + 64];
                        assert_int_equal(bc_record_to_be_signed(&message, signing, sizeof(signing), &n), 0);
                } else {
                        assert_int_equal(error, -EMSGSIZE);
                }
        }
        r->epoch = 0;
        assert_int_equal(bc_record_compose(r, &message), -EINVAL);
}

static void test_seal_refuses(void **state)
{
        (void)state;
        uint8_t signature[97] = { [31] = 1, [63] = 1 };
        size_t n = 77;

        lawful(BC_RECORD_CONTINUES, 2);
        specimen.record.algorithm = BC_RECORD_ES256;
        assert_int_equal(bc_record_compose(&specimen.record, &message), 0);
        assert_int_equal(bc_record_seal(&specimen.record, &message, signature, 64, box, sizeof(box), &n), 0);
        for (size_t wrong = 0; wrong < sizeof(signature); wrong++) {
                n = 77;
                if (wrong != 64)
                        assert_int_equal(bc_record_seal(&specimen.record, &message, signature, wrong, box, sizeof(box), &n),
                                         -EINVAL);
        }
        signature[32] = 0x80; // s is high
        assert_int_equal(bc_record_seal(&specimen.record, &message, signature, 64, box, sizeof(box), &n), -EINVAL);
        assert_int_equal(n, 77);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trips),
                cmocka_unit_test(test_composed_means_readable),
                cmocka_unit_test(test_bounds_of_every_kind),
                cmocka_unit_test(test_bounds_of_segments),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_seal_refuses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
