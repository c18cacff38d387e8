// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/box.h"
#include "format/record.h"

static void test_writer_is_big_endian_and_bounded(void **state)
{
        (void)state;
        static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 'x', 0, 0 };
        uint8_t bytes[sizeof(expected) + 1];
        memset(bytes, 0xee, sizeof(bytes));
        struct bc_writer w = bc_writer_on(bytes, sizeof(expected));
        bc_put_u8(&w, 1);
        bc_put_u16(&w, 0x0203);
        bc_put_u24(&w, 0x040506);
        bc_put_u32(&w, 0x0708090a);
        bc_put_u64(&w, 0x0b0c0d0e0f101112);
        bc_put_bytes(&w, "x", 1);
        bc_put_zeros(&w, 2);
        assert_false(w.failed);
        assert_int_equal(w.used, sizeof(expected));
        assert_memory_equal(bytes, expected, sizeof(expected));
        bc_put_u8(&w, 1);
        assert_true(w.failed);
        assert_int_equal(bytes[sizeof(expected)], 0xee);

        struct bc_writer narrow = bc_writer_on(bytes, 3);
        bc_put_u32(&narrow, 0);
        bc_put_u8(&narrow, 9); // would fit, but the box is broken already
        assert_true(narrow.failed);
        assert_int_equal(bytes[0], 1);

        struct bc_writer measuring = bc_writer_measuring();
        bc_put_zeros(&measuring, 1000000);
        bc_put_u32_at(&measuring, 4, 1);
        assert_false(measuring.failed);
        assert_int_equal(measuring.used, 1000000);
}

static void test_reader_fails_once_and_for_good(void **state)
{
        (void)state;
        static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7 };
        struct bc_reader r = bc_reader_on(bytes, sizeof(bytes));
        assert_int_equal(bc_get_u16(&r), 0x0102);
        assert_int_equal(bc_get_u16(&r), 0x0304);
        assert_int_equal(bc_get_u32(&r), 0);
        assert_true(r.failed && r.ended);
        assert_int_equal(bc_get_u8(&r), 0);
        assert_null(bc_get_bytes(&r, 0));

        r = bc_reader_on(bytes, sizeof(bytes));
        bc_expect_u32(&r, 0x01020305);
        assert_true(r.failed && !r.ended);
        r = bc_reader_on(bytes, sizeof(bytes));
        assert_null(bc_get_bytes(&r, SIZE_MAX));
}

static void test_boxes_nest(void **state)
{
        (void)state;
        static const uint8_t expected[] = { 0, 0, 0, 21, 'a', 'a', 'a', 'a', 0,   0,   0, 13, 'b', 'b', 'b',
                                            'b', 2, 0, 0, 7, 5 };
        uint8_t bytes[32];
        struct bc_writer w = bc_writer_on(bytes, sizeof(bytes));
        size_t a = bc_box_open(&w, BC_BOX_TYPE('a', 'a', 'a', 'a'));
        size_t b = bc_fullbox_open(&w, BC_BOX_TYPE('b', 'b', 'b', 'b'), 2, 7);
        bc_put_u8(&w, 5);
        bc_box_close(&w, b);
        bc_box_close(&w, a);
        assert_int_equal(w.used, sizeof(expected));
        assert_memory_equal(bytes, expected, sizeof(expected));
}

static int parse(const char *hex, uint64_t room, struct bc_box *ret_box)
{
        uint8_t bytes[64];
        size_t n = 0;
        for (; hex[2 * n]; n++) {
                const char pair[3] = { hex[2 * n], hex[2 * n + 1], 0 };
                bytes[n] = (uint8_t)strtoul(pair, NULL, 16);
        }
        return bc_box_parse(bytes, n, room, ret_box);
}

static void test_headers_of_all_kinds(void **state)
{
        (void)state;
        struct bc_box box;
        assert_int_equal(parse("000000106d646174", 100, &box), 0);
        assert_int_equal(box.type, BC_BOX_TYPE('m', 'd', 'a', 't'));
        assert_int_equal(box.bytes, 16);
        assert_int_equal(box.header_bytes, 8);
        // to the end
        assert_int_equal(parse("000000006d646174", 100, &box), 0);
        assert_int_equal(box.bytes, 100);
        // 64 bits
        assert_int_equal(parse("000000016d6461740000000100000000", UINT64_C(1) << 33, &box), 0);
        assert_int_equal(box.bytes, UINT64_C(1) << 32);
        assert_int_equal(box.header_bytes, 16);
        // uuid, in both lengths
        assert_int_equal(parse("0000002075756964000102030405060708090a0b0c0d0e0f", 100, &box), 0);
        assert_int_equal(box.header_bytes, 24);
        assert_int_equal(box.id[15], 15);
        assert_int_equal(parse("00000001757569640000000000000040000102030405060708090a0b0c0d0e0f", 100, &box), 0);
        assert_int_equal(box.header_bytes, 32);
        assert_int_equal(box.bytes, 64);
}

static void test_headers_that_lie(void **state)
{
        (void)state;
        struct bc_box box = { .bytes = 77 };
        assert_int_equal(parse("000000076d646174", 100, &box), -EBADMSG);
        assert_int_equal(parse("000000026d646174", 100, &box), -EBADMSG);
        assert_int_equal(parse("000000016d646174000000000000000f", 100, &box), -EBADMSG);
        assert_int_equal(parse("0000001775756964000102030405060708090a0b0c0d0e0f", 100, &box), -EBADMSG);
        assert_int_equal(parse("ffffffff6d646174", 100, &box), -ENODATA);
        assert_int_equal(parse("000000016d646174ffffffffffffffff", 100, &box), -ENODATA);
        assert_int_equal(parse("000000656d646174", 100, &box), -ENODATA);
        // cut off within the header, and a header that was not read whole
        assert_int_equal(parse("000000106d6461", 7, &box), -ENODATA);
        assert_int_equal(parse("000000106d6461", 100, &box), -ENOBUFS);
        assert_int_equal(parse("000000106d646174", 7, &box), -ENODATA);
        assert_int_equal(parse("0000002075756964", 8, &box), -ENODATA);
        assert_int_equal(parse("", 0, &box), -ENODATA);
        assert_int_equal(parse("", 100, &box), -ENOBUFS);
        assert_int_equal(box.bytes, 77);
}

static void test_record_header(void **state)
{
        (void)state;
        static const uint8_t expected[] = { 0, 0, 0, 27, 'u', 'u', 'i', 'd', 0x98, 0xf7, 0x41, 0xdf,
                                            0xfb, 0xdc, 0x4e, 0xdd, 0xa2, 0xaf, 0xe5, 0x6b, 0x02, 0x95, 0x81, 0xfa };
        uint8_t header[BC_RECORD_HEADER_BYTES];
        assert_int_equal(bc_record_header(3, header), 0);
        assert_memory_equal(header, expected, sizeof(expected));
        assert_int_equal(bc_record_header(BC_RECORD_BYTES_MAX - BC_RECORD_HEADER_BYTES, header), 0);
        assert_int_equal(bc_record_header(BC_RECORD_BYTES_MAX - BC_RECORD_HEADER_BYTES + 1, header), -EMSGSIZE);
        assert_int_equal(bc_record_header(SIZE_MAX, header), -EMSGSIZE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_writer_is_big_endian_and_bounded),
                cmocka_unit_test(test_reader_fails_once_and_for_good),
                cmocka_unit_test(test_boxes_nest),
                cmocka_unit_test(test_headers_of_all_kinds),
                cmocka_unit_test(test_headers_that_lie),
                cmocka_unit_test(test_record_header),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
