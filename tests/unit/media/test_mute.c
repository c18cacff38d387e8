// SPDX-License-Identifier: EUPL-1.2
// Spans of media time that are muted, judged at each instant.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/time.h"
#include "media/mute.h"

#define END 60

// One character for each ns from 0 to END: '#' is muted. Each answer must also hold up to where it says.
static void assert_spans(const struct bc_mute *mute, const char *expected)
{
        char seen[END + 1] = { 0 };

        for (int64_t at = 0; at < END; at++) {
                int64_t until;
                bool muted = bc_mute_at(mute, at, END, &until);

                assert_true(until > at && until <= END);
                seen[at] = muted ? '#' : '.';
                for (int64_t to = at + 1; to < END; to++) {
                        int64_t before;

                        assert_int_equal(bc_mute_at(mute, at, to, &before), muted);
                        assert_int_equal(before, to < until ? to : until);
                }
                for (int64_t on = at + 1; on < until; on++) {
                        int64_t later;

                        assert_int_equal(bc_mute_at(mute, on, END, &later), muted);
                }
        }
        for (int64_t at = (int64_t)strlen(expected); at < END; at++)
                assert_int_equal(seen[at], expected[strlen(expected) - 1]);
        seen[strlen(expected)] = 0;
        assert_string_equal(seen, expected);
}

static void test_on_and_off(void **state)
{
        struct bc_mute mute = { 0 };

        (void)state;
        assert_spans(&mute, ".");
        bc_mute_set(&mute, false, 3); // it is
        assert_spans(&mute, ".");
        bc_mute_set(&mute, true, 5);
        assert_true(bc_mute_is_on(&mute));
        assert_spans(&mute, ".....#");
        bc_mute_set(&mute, true, 9); // it is
        bc_mute_set(&mute, false, 8);
        assert_false(bc_mute_is_on(&mute));
        assert_spans(&mute, ".....###.");
        bc_mute_set(&mute, true, 12);
        bc_mute_set(&mute, false, 14);
        bc_mute_set(&mute, true, 20);
        assert_spans(&mute, ".....###....##......#");
}

static void test_times_that_go_back(void **state)
{
        struct bc_mute mute = { 0 };

        (void)state;
        bc_mute_set(&mute, true, 10);
        bc_mute_set(&mute, false, 10); // for no time
        assert_spans(&mute, ".");
        bc_mute_set(&mute, true, 10);
        bc_mute_set(&mute, false, 7);
        assert_spans(&mute, ".");
        bc_mute_set(&mute, true, 10);
        bc_mute_set(&mute, false, 14);
        bc_mute_set(&mute, true, 8); // overlaps what was
        bc_mute_set(&mute, false, 12);
        assert_spans(&mute, "........######.");
}

static void test_what_is_over_is_forgotten(void **state)
{
        struct bc_mute mute = { 0 };

        (void)state;
        bc_mute_set(&mute, true, 2);
        bc_mute_set(&mute, false, 4);
        bc_mute_set(&mute, true, 6);
        bc_mute_set(&mute, false, 8);
        bc_mute_set(&mute, true, 10);
        bc_mute_forget(&mute, 3);
        assert_spans(&mute, "..##..##..#");
        bc_mute_forget(&mute, 4);
        assert_spans(&mute, "......##..#");
        bc_mute_forget(&mute, 50); // but not what still is
        assert_spans(&mute, "..........#");
        assert_int_equal(mute.spans, 1);
        assert_true(bc_mute_is_on(&mute));
}

// More than there is room for: what was to be silent is, and what is open in the end is open.
static void test_full(void **state)
{
        (void)state;
        for (int n = BC_MUTE_SPANS_MAX - 1; n <= BC_MUTE_SPANS_MAX + 3; n++) {
                struct bc_mute mute = { 0 };
                char expected[END + 1];

                memset(expected, '.', sizeof(expected));
                for (int i = 0; i < n; i++) {
                        bc_mute_set(&mute, true, 3 * i + 1);
                        bc_mute_set(&mute, false, 3 * i + 2);
                        expected[3 * i + 1] = '#';
                        if (i >= BC_MUTE_SPANS_MAX) // what lies before it, too
                                expected[3 * i] = expected[3 * i - 1] = '#';
                }
                expected[3 * n] = 0;
                assert_spans(&mute, expected);
                assert_int_equal(mute.spans, n < BC_MUTE_SPANS_MAX ? n : BC_MUTE_SPANS_MAX);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_on_and_off),
                cmocka_unit_test(test_times_that_go_back),
                cmocka_unit_test(test_what_is_over_is_forgotten),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
