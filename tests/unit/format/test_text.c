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

#include "format/text.h"

static const char *const plain[] = { "",
                                     "a",
                                     " ~",
                                     "\xc2\xa0",
                                     "\xdf\xbf",
                                     "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",
                                     "\xee\x80\x80",
                                     "\xef\xbf\xbf",
                                     "\xf0\x90\x80\x80",
                                     "\xf4\x8f\xbf\xbf",
                                     "K\xc3\xb6ln" };

// One fault each: control characters, bytes out of place, longer than need be, surrogates, beyond U+10FFFF, cut off.
static const char *const faulty[] = { "\x01",
                                      "a\n",
                                      "\x1f",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc2\x9f",
                                      "\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe2\x82",
                                      "\xe2\x82(",
                                      "\xe2(\xa1",
                                      "\xf0\x90\x80",
                                      "\xf0\x90\x80(" };

static void test_plain(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
                assert_true(bc_text_is_plain(plain[i], strlen(plain[i])));
        for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
                // in memory of exactly its length, so that a sanitizer sees a byte too many being read
                size_t n = strlen(faulty[i]);
                char *alone = malloc(n);
                assert_non_null(alone);
                memcpy(alone, faulty[i], n);
                if (bc_text_is_plain(alone, n))
                        fail_msg("faulty text %zu passes", i);
                free(alone);
        }
        assert_false(bc_text_is_plain("a\0b", 3));
}

static void test_clean(void **state)
{
        (void)state;
        char text[9];
        assert_int_equal(bc_text_clean("a\nb\xff\xc3\xb6", text, sizeof(text)), 6);
        assert_string_equal(text, "a?b?\xc3\xb6");
        // the cut is between characters
        assert_int_equal(bc_text_clean("1234567\xc3\xb6", text, sizeof(text)), 7);
        assert_string_equal(text, "1234567");
        assert_int_equal(bc_text_clean("123456\xc3\xb6z", text, sizeof(text)), 8);
        assert_string_equal(text, "123456\xc3\xb6");
        for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++)
                assert_true(bc_text_is_plain(text, bc_text_clean(faulty[i], text, sizeof(text))));
        assert_int_equal(bc_text_clean("abc", text, 1), 0);
        assert_string_equal(text, "");
        assert_int_equal(bc_text_clean("abc", NULL, 0), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),
                cmocka_unit_test(test_clean),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
