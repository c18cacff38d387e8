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

static struct record_specimen specimen;
static struct bc_record record;
static struct bc_record_message message, again;
static uint8_t box[BC_RECORD_BYTES_MAX + 64], second[BC_RECORD_BYTES_MAX + 64];

static const char *fault_of(const uint8_t *bytes, size_t n)
{
        static char text[128];
        size_t at = SIZE_MAX;
        uint8_t *alone = malloc(n > 0 ? n : 1); // a sanitizer sees what is read behind it
        assert_non_null(alone);
        memcpy(alone, bytes, n);
        int r = bc_record_parse(alone, n, &record, &message, text, sizeof(text), &at);
        if (r < 0) {
                assert_int_equal(r, -EBADMSG);
                assert_true(at <= n && text[0]);
        }
        free(alone);
        return r < 0 ? text : NULL;
}

// What is read means one thing: written again it is the same bytes, signature and all. Whether it was read.
static bool read_and_same(const uint8_t *bytes, size_t n)
{
        size_t same = 0;

        if (bc_record_parse(bytes, n, &record, &message, NULL, 0, NULL) < 0)
                return false;
        if (bc_record_compose(&record, &again) < 0 ||
            bc_record_seal(&record, &again, message.signature.bytes, message.signature.n, second, sizeof(second), &same) <
                    0 ||
            same != n || memcmp(second, bytes, n) != 0)
                fail_msg("another encoding of the same record is read");
        return true;
}

// Each byte of a few boxes: of two of them, and with BC_LONG of all, in all 255 other ways; else one bit, all bits, none.
static void test_every_byte_changed(void **state)
{
        (void)state;
        uint32_t random = 11;
        size_t read = 0, tried = 0;

        for (size_t i = 0; i < RECORD_VECTORS + 4; i++) {
                if (i < RECORD_VECTORS)
                        record_vector(i, &specimen);
                else
                        do
                                record_random(&specimen, record_kinds[i - RECORD_VECTORS], &random);
                        while (record_box(&specimen, box) > 1200);
                bool all = getenv("BC_LONG") || i == 1 || i == RECORD_VECTORS - 1;
                size_t n = record_box(&specimen, box);
                assert_true(read_and_same(box, n));
                for (size_t at = 0; at < n; at++) {
                        uint8_t was = box[at];
                        for (unsigned change = 1; change < 256; change++) {
                                box[at] = (uint8_t)(was ^ change);
                                if (!all && (change & (change - 1)) != 0 && box[at] != 0 && box[at] != 0xff)
                                        continue;
                                tried++;
                                read += read_and_same(box, n);
                        }
                        box[at] = was;
                }
        }
        print_message("%zu of %zu changed boxes are records too\n", read, tried);
        assert_true(tried > 250000 && read > tried / 20 && read < tried); // hashes may be anything
}

static void test_cut_anywhere(void **state)
{
        (void)state;
        for (size_t i = 0; i < RECORD_VECTORS; i++) {
                record_vector(i, &specimen);
                size_t n = record_box(&specimen, box);
                for (size_t cut = 0; cut < n; cut++) {
                        assert_non_null(fault_of(box, cut));
                        memcpy(second, box, cut); // and with a header that knows of it
                        if (cut >= BC_RECORD_HEADER_BYTES) {
                                assert_int_equal(bc_record_header(cut - BC_RECORD_HEADER_BYTES, second), 0);
                                assert_non_null(fault_of(second, cut));
                        }
                }
                for (size_t more = 1; more < 32; more++) {
                        memcpy(second, box, n);
                        memset(second + n, (int)(more * 8 - 1), more);
                        assert_non_null(fault_of(second, n + more));
                        assert_int_equal(bc_record_header(n + more - BC_RECORD_HEADER_BYTES, second), 0);
                        assert_string_equal(fault_of(second, n + more), "message: something lies behind");
                }
        }
}

// ---- single faults -------------------------------------------------------------------------------------------

struct parts { // of a message, as encoded
        uint8_t protected_header[512], payload[2048], rest[64];
        size_t protected_bytes, payload_bytes;
        const char *front, *unprotected; // hexadecimal
        uint8_t signature[100];
        size_t signature_bytes;
};

static struct parts parts_of(size_t vector)
{
        struct parts parts = { .front = "d284", .unprotected = "a0" };
        record_vector(vector, &specimen);
        assert_int_equal(bc_record_compose(&specimen.record, &message), 0);
        parts.protected_bytes = message.protected_header.n;
        parts.payload_bytes = message.payload.n;
        assert_true(parts.payload_bytes <= sizeof(parts.payload) && parts.protected_bytes <= sizeof(parts.protected_header));
        memcpy(parts.protected_header, message.protected_header.bytes, parts.protected_bytes);
        memcpy(parts.payload, message.payload.bytes, parts.payload_bytes);
        memcpy(parts.signature, specimen.signature, specimen.signature_bytes);
        parts.signature_bytes = specimen.signature_bytes;
        return parts;
}

static void put_hex(struct bc_writer *w, const char *hex)
{
        uint8_t bytes[128];
        size_t n = record_from_hex(hex, bytes, sizeof(bytes));
        assert_true(n <= sizeof(bytes));
        bc_put_bytes(w, bytes, n);
}

static const char *fault_of_parts(const struct parts *parts)
{
        struct bc_writer w = bc_writer_on(box, sizeof(box));
        bc_put_zeros(&w, BC_RECORD_HEADER_BYTES);
        put_hex(&w, parts->front);
        bc_cbor_put_bytes(&w, parts->protected_header, parts->protected_bytes);
        put_hex(&w, parts->unprotected);
        bc_cbor_put_bytes(&w, parts->payload, parts->payload_bytes);
        bc_cbor_put_bytes(&w, parts->signature, parts->signature_bytes);
        assert_false(w.failed);
        assert_int_equal(bc_record_header(w.used - BC_RECORD_HEADER_BYTES, box), 0);
        return fault_of(box, w.used);
}

static void expect(const struct parts *parts, const char *fault)
{
        const char *found = fault_of_parts(parts);
        if (!found || strcmp(found, fault) != 0)
                fail_msg("%s, not: %s", found ? found : "passes", fault);
}

// Replaces the first `old` in the bytes by `new`, both hexadecimal.
static void replace(uint8_t *bytes, size_t *n, const char *old, const char *new)
{
        uint8_t from[128], to[128];
        size_t from_bytes = record_from_hex(old, from, sizeof(from)), to_bytes = record_from_hex(new, to, sizeof(to));
        uint8_t *at = memmem(bytes, *n, from, from_bytes);
        assert_non_null(at);
        memmove(at + to_bytes, at + from_bytes, *n - (size_t)(at - bytes) - from_bytes);
        memcpy(at, to, to_bytes);
        *n = *n - from_bytes + to_bytes;
}

static void test_rule_24_message(void **state)
{
        (void)state;
        struct parts parts = parts_of(1);
        assert_null(fault_of_parts(&parts));
        static const char *const fronts[] = { "84",   "d184", "d484",   "d81284", "d2d284", "c184",
                                              "d283", "d285", "d29804", "d29f",   "d2a2",   "d2" };
        for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
                parts.front = fronts[i];
                assert_non_null(fault_of_parts(&parts));
        }
        parts.front = "d284";
        parts.unprotected = "a10126";
        expect(&parts, "message: the unprotected header is not empty");
        parts.unprotected = "bfff";
        expect(&parts, "message: a type that is not allowed");
        parts.unprotected = "f6";
        expect(&parts, "message: another type than the format has here");
        parts.unprotected = "40";
        expect(&parts, "message: another type than the format has here");
        parts.unprotected = "b800";
        expect(&parts, "message: not in its shortest form");
        parts.unprotected = "a0";
        parts.protected_bytes = 0;
        expect(&parts, "message: a string of a length that is not allowed");
        parts = parts_of(1);
        parts.payload_bytes = 0;
        expect(&parts, "message: a string of a length that is not allowed");
}

static void test_signature(void **state)
{
        (void)state;
        struct parts parts = parts_of(1);
        parts.signature_bytes = 0;
        expect(&parts, "message: a string of a length that is not allowed");
        for (size_t n = 1; n <= sizeof(parts.signature); n++) {
                parts.signature_bytes = n;
                if (n == 64)
                        assert_null(fault_of_parts(&parts));
                else
                        expect(&parts, "signature: not of its one form: length, range, or s above half the order");
        }
        parts = parts_of(1);
        parts.signature[32] = 0x80; // high s
        expect(&parts, "signature: not of its one form: length, range, or s above half the order");
        parts = parts_of(1);
        memset(parts.signature, 0, 32);
        expect(&parts, "signature: not of its one form: length, range, or s above half the order");
        parts = parts_of(2); // ES384: 96 bytes and no others
        assert_null(fault_of_parts(&parts));
        parts.signature_bytes = 64;
        expect(&parts, "signature: not of its one form: length, range, or s above half the order");
}

static void test_protected_header(void **state)
{
        (void)state;
        static const struct {
                const char *old, *new, *fault;
        } faults[] = {
                { "a50126", "a5013822", "signature: not of its one form: length, range, or s above half the order" },
                { "a50126", "a50127", "alg: a value that is not allowed" },
                { "a50126", "a50101", "alg: a number out of its range" },
                { "a50126", "a6012602811821", "protected header: a key that is not known, or not of this kind" }, // crit
                { "a50126", "a60126044131", "protected header: a key that is not known, or not of this kind" },   // kid
                { "a50126", "a601260126", "protected header: a key twice, or out of order" },
                { "a50126", "a4", "alg: missing" },
                { "a50126", "a5012600", "protected header: a key twice, or out of order" },
                { "182182", "182180", "x5chain: an array of a length that is not allowed" },
                { "182182", "182185", "x5chain: an array of a length that is not allowed" },
                { "182182", "182181", "protected header: another type than the format has here" },
                { "1821824530030201", "18218140824530030201", "x5chain: a string of a length" },
                { "1822822f5820", "1822822e5820", "x5t: a number out of its range" },
                { "1822822f5820", "1822822f581f", "x5t: a string of a length that is not allowed" },
                { "3a00011170013a0001117101", "3a00011171013a0001117001", "version: missing" },
                { "3a0001117001", "3a0001117002", "version: a number out of its range" },
                { "3a0001117101", "3a0001117105", "kind: a value that is not allowed" },
                { "3a0001117101", "3a0001117111", "kind: a number out of its range" },
                { "3a0001117101", "3a00011171f5", "kind: another type than the format has here" },
                { "3a0001117101", "3a00011172013a0001117101", "protected header: a key that is not known" },
                { "3a0001117101", "3a000111710100", "protected header: something lies behind" },
        };
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
                struct parts parts = parts_of(0);
                replace(parts.protected_header, &parts.protected_bytes, faults[i].old, faults[i].new);
                const char *found = fault_of_parts(&parts);
                if (!found)
                        fail_msg("%s for %s passes", faults[i].new, faults[i].old);
                if (strncmp(found, faults[i].fault, strlen(faults[i].fault)) != 0)
                        fail_msg("%s for %s: %s, not: %s", faults[i].new, faults[i].old, found, faults[i].fault);
        }
        // the chain: in index 1 and nowhere else
        struct parts parts = parts_of(0), later = parts_of(1);
        memcpy(later.protected_header, parts.protected_header, later.protected_bytes = parts.protected_bytes);
        expect(&later, "x5chain: not in a first record");
        later = parts_of(1);
        memcpy(parts.protected_header, later.protected_header, parts.protected_bytes = later.protected_bytes);
        expect(&parts, "x5chain: missing in a first record");
}

static void test_rule_24_payload(void **state)
{
        (void)state;
        static const struct {
                size_t vector;
                const char *old, *new, *fault;
        } cases[] = {
                { 1, "0201030c", "0200030c", "epoch: a number out of its range" },
                { 1, "0201030c", "0220030c", "epoch: a number out of its range" },
                { 1, "0201030c", "021801030c", "epoch: not in its shortest form" },
                { 1, "0201030c", "021b8000000000000000030c", "epoch: a number of 2^63 or beyond" },
                { 1, "0201030c", "02f93c00030c", "epoch: a type that is not allowed" },
                { 1, "0201030c", "02c101030c", "epoch: a type that is not allowed" },
                { 1, "0201030c", "02f6030c", "epoch: another type than the format has here" },
                { 1, "0201030c", "030c0201", "epoch: missing" },
                { 1, "0201030c", "02010201", "payload: a key twice, or out of order" },
                { 1, "016543414d2d37", "016543414dff37", "device: not UTF-8, or a control character in it" },
                { 1, "016543414d2d37", "016543414d2037", "device: a value that is not allowed" },
                { 1, "016543414d2d37", "014543414d2d37", "device: another type than the format has here" },
                { 1, "016543414d2d37", "017f6543414d2d37ff", "device: a type that is not allowed" },
                { 1, "016543414d2d37", "0160", "device: a string of a length that is not allowed" },
                { 1, "016543414d2d37", "017bffffffffffffffff", "device: ends too early" },
                { 1, "18198182", "18199bffffffffffffffff82", "marks: more items than there are bytes" },
                { 1, "18198182", "18199a0000ffff82", "marks: not in its shortest form" },
                { 1, "18198182", "18199f82", "marks: a type that is not allowed" },
                { 1, "18198182", "18198181", "marks: an array of a length that is not allowed" },
                { 1, "18198182", "18198183", "marks: an array of a length that is not allowed" },
                { 1, "18198182", "1819818181818181818182", "marks: an array of a length that is not allowed" },
                { 1, "181c831851f6f4", "181c831865f6f4", "battery: a number out of its range" },
                { 1, "181c831851f6f4", "181c831851f6f7", "battery: a type that is not allowed" },
                { 1, "181c831851f6f4", "181c831851f600", "battery: another type than the format has here" },
                { 1, "181c831851f6f4", "181c831851f6f4181d00", "payload: something lies behind" },
                { 1, "181c831851f6f4", "", "payload: ends too early" },
                { 3, "1830193039", "1830193039183100", "moov_sha256: another type than the format has here" },
                { 3, "1830193039", "183007", "moov_bytes: a number out of its range" },
                { 5, "19012ca5", "19012cbf", "events: a type that is not allowed" },
                { 5, "19012ca5", "19012ca4", "payload: something lies behind" },
                { 5, "19012ca5", "19012c80", "events: another type than the format has here" },
                { 5, "02420102", "0281420102", "events: another type than the format has here" },
                { 5, "02420102", "02f93c00", "events: a type that is not allowed" },
                { 5, "0020", "2000", "events: a negative key" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct parts parts = parts_of(cases[i].vector);
                replace(parts.payload, &parts.payload_bytes, cases[i].old, cases[i].new);
                const char *found = fault_of_parts(&parts);
                if (!found || strncmp(found, cases[i].fault, strlen(cases[i].fault)) != 0)
                        fail_msg("%s for %s: %s, not: %s", cases[i].new, cases[i].old, found ? found : "passes",
                                 cases[i].fault);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_byte_changed),
                cmocka_unit_test(test_cut_anywhere),
                cmocka_unit_test(test_rule_24_message),
                cmocka_unit_test(test_signature),
                cmocka_unit_test(test_protected_header),
                cmocka_unit_test(test_rule_24_payload),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
