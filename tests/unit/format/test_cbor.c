// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/cbor.h"

static size_t from_hex(const char *hex, uint8_t *bytes)
{
        size_t n = 0;
        for (; hex[2 * n]; n++)
                bytes[n] = (uint8_t)strtoul((const char[]){ hex[2 * n], hex[2 * n + 1], 0 }, NULL, 16);
        return n;
}

static bool is_other_type(const struct bc_cbor_reader *r)
{
        return r->fault && strcmp(r->fault, "another type than the format has here") == 0;
}

// Reads anything that the profile allows.
static void read_any(struct bc_cbor_reader *r)
{
        const struct bc_cbor_reader before = *r;
        int64_t key;

        bc_cbor_get_plain(r);
        if (!is_other_type(r))
                return;
        *r = before;
        size_t n = bc_cbor_enter_array(r, 0, SIZE_MAX);
        if (!is_other_type(r)) {
                for (size_t i = 0; i < n && !r->fault; i++)
                        read_any(r);
                bc_cbor_leave_array(r);
                return;
        }
        *r = before;
        bc_cbor_enter_map(r);
        while (bc_cbor_get_key(r, &key))
                read_any(r);
}

static const char *fault_of(const char *hex)
{
        static uint8_t bytes[256];
        size_t n = from_hex(hex, bytes);
        uint8_t *alone = malloc(n > 0 ? n : 1); // a sanitizer sees what is read behind it
        assert_non_null(alone);
        memcpy(alone, bytes, n);
        struct bc_cbor_reader r = bc_cbor_reader_on(alone, n);
        read_any(&r);
        bc_cbor_end(&r);
        free(alone);
        return r.fault;
}

// Examples of RFC 8949, Appendix A that the profile has, and both ways of each bound.
static void test_lawful(void **state)
{
        (void)state;
        static const char *const lawful[] = {
                "00",
                "17",
                "1818",
                "18ff",
                "190100",
                "19ffff",
                "1a00010000",
                "1affffffff",
                "1b0000000100000000",
                "1b7fffffffffffffff",
                "20",
                "37",
                "3818",
                "38ff",
                "390100",
                "3b7ffffffffffffffe",
                "f4",
                "f5",
                "f6",
                "40",
                "4401020304",
                "60",
                "6449455446",
                "62c3bc",
                "63e6b0b4",
                "64f0908591",
                "80",
                "83010203",
                "8301820203820405",
                "a0",
                "a201020304",
                "a3000118180220f6",
                "a2200121f5",
                "8181818100",
                "81818180",
                "818181a0",
                "a100a100a100a10000",
        };
        for (size_t i = 0; i < sizeof(lawful) / sizeof(lawful[0]); i++)
                if (fault_of(lawful[i]))
                        fail_msg("%s is refused: %s", lawful[i], fault_of(lawful[i]));
}

static void test_rule_24_unlawful_cbor(void **state)
{
        (void)state;
        static const struct {
                const char *hex, *fault; // how the fault begins
        } unlawful[] = {
                // not the shortest form, of each type and length
                { "1800", "not in its shortest" },
                { "1817", "not in its shortest" },
                { "190017", "not in its shortest" },
                { "1900ff", "not in its shortest" },
                { "1a0000ffff", "not in its shortest" },
                { "1b00000000ffffffff", "not in its shortest" },
                { "3800", "not in its shortest" },
                { "3900ff", "not in its shortest" },
                { "3a0000ffff", "not in its shortest" },
                { "3b00000000ffffffff", "not in its shortest" },
                { "580100", "not in its shortest" },
                { "59000100", "not in its shortest" },
                { "5a0000000100", "not in its shortest" },
                { "5b000000000000000100", "not in its shortest" },
                { "780161", "not in its shortest" },
                { "980100", "not in its shortest" },
                { "9b000000000000000100", "not in its shortest" },
                { "b8010000", "not in its shortest" },
                { "b9000100", "not in its shortest" },
                // indefinite lengths, breaks
                { "5f4100ff", "a type" },
                { "7f6161ff", "a type" },
                { "9f00ff", "a type" },
                { "bf0000ff", "a type" },
                { "ff", "a type" },
                { "81ff", "a type" },
                // floats, undefined, other simple values, reserved heads
                { "f90000", "a type" },
                { "fa00000000", "a type" },
                { "fb0000000000000000", "a type" },
                { "f7", "a type" },
                { "f0", "a type" },
                { "e0", "a type" },
                { "f8ff", "a type" },
                { "f820", "a type" },
                { "f814", "a type" },
                { "fc", "a type" },
                { "fe", "a type" },
                { "1c", "a type" },
                { "3d", "a type" },
                { "5e", "a type" },
                { "9c", "a type" },
                // tags
                { "c000", "a type" },
                { "d200", "a type" },
                { "d9d9f700", "a type" },
                { "81c100", "a type" },
                // numbers
                { "1b8000000000000000", "a number of 2^63" },
                { "1bffffffffffffffff", "a number of 2^63" },
                { "3b7fffffffffffffff", "a number of 2^63" },
                { "3bffffffffffffffff", "a number of 2^63" },
                // cut off, counts and lengths that nothing backs
                { "", "ends too early" },
                { "18", "ends too early" },
                { "19ff", "ends too early" },
                { "1affffff", "ends too early" },
                { "41", "ends too early" },
                { "5801", "ends too early" },
                { "5bffffffffffffffff00", "ends too early" },
                { "7bffffffffffffffff00", "ends too early" },
                { "5b7fffffffffffffff", "ends too early" },
                { "5bfffffffffffffff7", "ends too early" },
                { "81", "more items" },
                { "8200", "more items" },
                { "9bffffffffffffffff", "more items" },
                { "9b0fffffffffffffff00", "more items" },
                { "bbffffffffffffffff0000", "more items" },
                { "bb80000000000000000000", "more items" },
                { "bb40000000000000000000", "more items" },
                { "a100", "more items" },
                { "a20000", "more items" },
                { "828100", "ends too early" },
                { "9a00010000", "more items" },
                // keys
                { "a200000000", "a key twice" },
                { "a201000000", "a key twice" },
                { "a220002000", "a key twice" },
                { "a220000000", "a key twice" },
                { "a221002000", "a key twice" },
                { "a2181800181800", "a key twice" },
                { "a16000", "another type" },
                { "a14000", "another type" },
                { "a1f500", "another type" },
                { "a1f600", "another type" },
                { "a18000", "another type" },
                // text
                { "61ff", "not UTF-8" },
                { "62c080", "not UTF-8" },
                { "63eda080", "not UTF-8" },
                { "6100", "not UTF-8" },
                { "610a", "not UTF-8" },
                { "62c285", "not UTF-8" },
                { "617f", "not UTF-8" },
                { "61c3", "not UTF-8" },
                // depth
                { "818181818100", "nested" },
                { "8181818180", "nested" },
                { "81818181a0", "nested" },
                { "a100a100a100a100a0", "nested" },
                // behind it
                { "0000", "something lies" },
                { "8000", "something lies" },
                { "a0a0", "something lies" },
                { "f600", "something lies" },
        };
        for (size_t i = 0; i < sizeof(unlawful) / sizeof(unlawful[0]); i++) {
                const char *fault = fault_of(unlawful[i].hex);
                if (!fault || strncmp(fault, unlawful[i].fault, strlen(unlawful[i].fault)) != 0)
                        fail_msg("%s: %s, not: %s", unlawful[i].hex, fault ? fault : "passes", unlawful[i].fault);
        }
}

static void test_every_number_has_one_form(void **state)
{
        (void)state;
        for (unsigned shift = 0; shift < 63; shift++)
                for (int64_t near = -2; near <= 2; near++) {
                        int64_t magnitude = (INT64_C(1) << shift) + near;
                        for (int sign = -1; sign <= 1; sign += 2) {
                                uint8_t bytes[9];
                                struct bc_writer w = bc_writer_on(bytes, sizeof(bytes));
                                bc_cbor_put_int(&w, sign * magnitude);
                                assert_false(w.failed);
                                struct bc_cbor_reader r = bc_cbor_reader_on(bytes, w.used);
                                assert_true(bc_cbor_get_int(&r, BC_CBOR_INT_MIN, BC_CBOR_INT_MAX) == sign * magnitude);
                                assert_true(bc_cbor_end(&r));
                        }
                }
}

static void test_both_ways(void **state)
{
        (void)state;
        uint8_t bytes[128];
        struct bc_writer w = bc_writer_on(bytes, sizeof(bytes));
        bc_cbor_put_tag(&w, 18);
        bc_cbor_put_array(&w, 4);
        bc_cbor_put_map(&w, 2);
        bc_cbor_put_int(&w, 24);
        bc_cbor_put_text(&w, "officer", 7);
        bc_cbor_put_int(&w, -1);
        bc_cbor_put_bytes(&w, "\x00\xff", 2);
        bc_cbor_put_bool(&w, true);
        bc_cbor_put_null(&w);
        bc_cbor_put_bool(&w, false);
        assert_false(w.failed);

        struct bc_cbor_reader r = bc_cbor_reader_on(bytes, w.used);
        int64_t key;
        size_t n;
        bc_cbor_get_tag(&r, 18);
        assert_int_equal(bc_cbor_enter_array(&r, 4, 4), 4);
        bc_cbor_enter_map(&r);
        assert_true(bc_cbor_get_key(&r, &key));
        assert_int_equal(key, 24);
        assert_memory_equal(bc_cbor_get_text(&r, 0, 7, &n), "officer", 7);
        assert_int_equal(n, 7);
        assert_true(bc_cbor_get_key(&r, &key));
        assert_int_equal(key, -1);
        assert_memory_equal(bc_cbor_get_bytes(&r, 2, 2, &n), "\x00\xff", 2);
        assert_false(bc_cbor_get_key(&r, &key));
        assert_false(bc_cbor_get_null(&r)); // true is next, and stays
        assert_true(bc_cbor_get_bool(&r));
        assert_true(bc_cbor_get_null(&r));
        assert_false(bc_cbor_get_bool(&r));
        bc_cbor_leave_array(&r);
        assert_true(bc_cbor_end(&r));

        for (size_t room = 0; room < w.used; room++) {
                struct bc_writer narrow = bc_writer_on(bytes, room);
                bc_cbor_put_tag(&narrow, 18);
                bc_cbor_put_array(&narrow, 4);
                bc_cbor_put_map(&narrow, 2);
                bc_cbor_put_int(&narrow, 24);
                bc_cbor_put_text(&narrow, "officer", 7);
                bc_cbor_put_int(&narrow, -1);
                bc_cbor_put_bytes(&narrow, "\x00\xff", 2);
                bc_cbor_put_bool(&narrow, true);
                bc_cbor_put_null(&narrow);
                bc_cbor_put_bool(&narrow, false);
                assert_true(narrow.failed);
        }
}

// What a careless caller might do is a fault, and not a second meaning of the same bytes.
static void test_misuse(void **state)
{
        (void)state;
        static const uint8_t map[] = { 0xa1, 0x00, 0x01 }, array[] = { 0x82, 0x00, 0x01 }, tagged[] = { 0xd2, 0xd2, 0x00 };
        int64_t key;

        struct bc_cbor_reader r = bc_cbor_reader_on(map, sizeof(map)); // a key read as a value
        bc_cbor_enter_map(&r);
        bc_cbor_get_int(&r, 0, 1);
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(map, sizeof(map)); // a value read as a key
        bc_cbor_enter_map(&r);
        assert_true(bc_cbor_get_key(&r, &key));
        assert_false(bc_cbor_get_key(&r, &key));
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(map, sizeof(map)); // left too early
        bc_cbor_enter_map(&r);
        assert_false(bc_cbor_end(&r));
        r = bc_cbor_reader_on(array, sizeof(array));
        bc_cbor_enter_array(&r, 0, 2);
        bc_cbor_get_int(&r, 0, 1);
        bc_cbor_leave_array(&r);
        assert_string_equal(r.fault, "more items than the format has here");
        assert_int_equal(r.fault_at, 2);
        r = bc_cbor_reader_on(array, sizeof(array)); // beyond its end
        bc_cbor_enter_array(&r, 0, 2);
        bc_cbor_get_int(&r, 0, 1);
        bc_cbor_get_int(&r, 0, 1);
        bc_cbor_get_int(&r, 0, 1);
        assert_string_equal(r.fault, "fewer items than the format has here");
        r = bc_cbor_reader_on(array, sizeof(array));
        assert_false(bc_cbor_get_key(&r, &key));
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(array, sizeof(array)); // bounds
        assert_int_equal(bc_cbor_enter_array(&r, 3, 9), 0);
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(array, sizeof(array));
        assert_int_equal(bc_cbor_enter_array(&r, 0, 1), 0);
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(array + 2, 1);
        assert_int_equal(bc_cbor_get_int(&r, 2, 3), 0);
        assert_string_equal(r.fault, "a number out of its range");
        bc_cbor_fail(&r, "later");
        assert_string_equal(r.fault, "a number out of its range");
        r = bc_cbor_reader_on(tagged, sizeof(tagged)); // a tag once, and in front
        bc_cbor_get_tag(&r, 18);
        assert_null(r.fault);
        bc_cbor_get_tag(&r, 18);
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(tagged, sizeof(tagged));
        bc_cbor_get_tag(&r, 17);
        assert_non_null(r.fault);
        r = bc_cbor_reader_on(NULL, 0);
        assert_false(bc_cbor_get_null(&r));
        assert_null(r.fault);
        assert_false(bc_cbor_get_bool(&r));
        assert_string_equal(r.fault, "ends too early");
}

static void test_details(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                bool lawful;
        } maps[] = { { "a0", true },
                     { "a10000", true },
                     { "a200f618185801ff", false },
                     { "a200f6181841ff", true },
                     { "a12000", false },
                     { "a10080", false },
                     { "a100a0", false },
                     { "a100c100", false },
                     { "a201000000", false },
                     { "80", false },
                     { "f6", false },
                     { "a1006178", true },
                     { "a10061ff", false },
                     { "a100fa00000000", false },
                     { "a1001bffffffffffffffff", false },
                     { "a1003b7ffffffffffffffe", true } };
        for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
                uint8_t bytes[32];
                struct bc_cbor_reader r = bc_cbor_reader_on(bytes, from_hex(maps[i].hex, bytes));
                bc_cbor_skip_details(&r);
                if (bc_cbor_end(&r) != maps[i].lawful)
                        fail_msg("%s: %s", maps[i].hex, r.fault ? r.fault : "passes");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lawful),
                cmocka_unit_test(test_rule_24_unlawful_cbor),
                cmocka_unit_test(test_every_number_has_one_form),
                cmocka_unit_test(test_both_ways),
                cmocka_unit_test(test_misuse),
                cmocka_unit_test(test_details),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
