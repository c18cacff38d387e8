// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "media/script.h"

static void assert_next(const char *text, int expected, uint32_t expected_code)
{
        const char *at = text;
        uint32_t code = 0;

        assert_int_equal(bc_script_next(&at, &code), expected);
        assert_int_equal(code, expected_code);
        assert_ptr_equal(at, expected == 1 ? text + strlen(text) : text);
}

static void test_characters_of_every_length(void **state)
{
        (void)state;
        assert_next("A", 1, 'A');
        assert_next("\x7f", 1, 0x7f);
        assert_next("\xc2\x80", 1, 0x80);
        assert_next("\xdf\xbf", 1, 0x7ff);
        assert_next("\xe0\xa0\x80", 1, 0x800);
        assert_next("\xef\xbf\xbf", 1, 0xffff);
        assert_next("\xf0\x90\x80\x80", 1, 0x10000);
        assert_next("\xf4\x8f\xbf\xbf", 1, 0x10ffff);
        assert_next("", 0, 0);
}

static void test_what_is_no_utf8(void **state)
{
        const char *bad[] = {
                "\x80", "\xbf",                                 // a continuation first
                "\xc0\x80", "\xc1\xbf",                         // longer than need be
                "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                "\xed\xa0\x80", "\xed\xbf\xbf",                 // surrogates
                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", // beyond Unicode
                "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x82("
        };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_next(bad[i], -EILSEQ, 0);
}

static void test_a_text_is_read_to_its_end(void **state)
{
        const uint32_t expected[] = { 'A', 0xe9, 0x416, 0x20ac };
        const char *at = "AéЖ€";
        uint32_t code;

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(bc_script_next(&at, &code), 1);
                assert_int_equal(code, expected[i]);
        }
        assert_int_equal(bc_script_next(&at, &code), 0);
}

static void test_which_scripts_are_plain(void **state)
{
        const uint32_t yes[] = { ' ', '~', 0xa0, 0xb1, 0xe9, 0x17e, 0x3a9, 0x416, 0x561, 0x10d0, 0x1200, 0x4e2d, 0x3042, 0xac00 };
        const uint32_t no[] = {
                0, '\n', 0x7f, 0x80, 0xad,            // control characters, the soft hyphen
                0x301, 0x483, 0x20dd,                 // joined to the one before
                0x5d0, 0x627, 0x710, 0x7c0,           // Hebrew, Arabic, Syriac, N'Ko
                0x905, 0xb85, 0xe01, 0x1000, 0x1780,  // Devanagari, Tamil, Thai, Burmese, Khmer
                0x1100, 0xfe0f, 0xfb1d, 0xfe8d,       // Hangul in parts, a variant, Hebrew and Arabic forms
                0x200b, 0x200d, 0x200f, 0x202e, 0x2066, 0xfeff, // unseen, joining, turning round
                0xe000, 0xfffd, 0x1f600, 0x10ffff     // private, replacement, pictures
        };

        (void)state;
        for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
                assert_true(bc_script_is_plain(yes[i]));
        for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
                assert_false(bc_script_is_plain(no[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_characters_of_every_length),
                cmocka_unit_test(test_what_is_no_utf8),
                cmocka_unit_test(test_a_text_is_read_to_its_end),
                cmocka_unit_test(test_which_scripts_are_plain),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
