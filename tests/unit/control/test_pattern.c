// SPDX-License-Identifier: EUPL-1.2
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bodycam/time.h"
#include "control/pattern.h"

#define MS BC_NS_PER_MS
#define ALL BC_OUTPUT_ALL

static struct bc_pattern parse(const char *text)
{
        struct bc_pattern pattern;
        char why[160] = "";

        if (bc_pattern_parse(text, &pattern, why, sizeof(why)) != 0)
                fail_msg("%s: %s", text, why);
        return pattern;
}

// The pattern as text again, in one way of writing it.
static const char *written(const struct bc_pattern *pattern)
{
        static const char *const words[] = { "red", "red2", "yellow", "green", "blue", "tone", "vibrate" };
        static char text[1024];
        size_t used = 0;

        text[0] = 0;
        for (size_t i = 0; i < pattern->steps; i++) {
                const struct bc_pattern_step *step = &pattern->step[i];
                const char *between = i ? ", " : "";

                for (unsigned bit = 0; bit < BC_OUTPUT_BITS; bit++)
                        if (step->outputs & 1u << bit) {
                                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", between, words[bit]);
                                if (1u << bit == BC_OUTPUT_TONE)
                                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%u", step->tone_hz);
                                between = "+";
                        }
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %lld ms", step->outputs ? "" : between,
                                         step->outputs ? "" : "-", (long long)(step->length_ns / MS));
        }
        return text;
}

static void expect_parsed(const char *text, const char *same)
{
        struct bc_pattern pattern = parse(text);
        int64_t length_ns = 0;
        uint32_t uses = 0;

        assert_string_equal(written(&pattern), same);
        for (size_t i = 0; i < pattern.steps; i++) {
                length_ns += pattern.step[i].length_ns;
                uses |= pattern.step[i].outputs;
                assert_int_equal(!!pattern.step[i].tone_hz, !!(pattern.step[i].outputs & BC_OUTPUT_TONE));
        }
        assert_int_equal(pattern.length_ns, length_ns);
        assert_int_equal(pattern.uses, uses);
}

static void expect_unparsed(const char *text, const char *reason)
{
        struct bc_pattern pattern, before;
        char why[160] = "";

        memset(&pattern, 0x5a, sizeof(pattern));
        before = pattern;
        assert_int_equal(bc_pattern_parse(text, &pattern, why, sizeof(why)), -EINVAL);
        if (strcmp(why, reason) != 0)
                fail_msg("%s:\n  told     %s\n  expected %s", text, why, reason);
        assert_memory_equal(&before, &pattern, sizeof(before));
}

static void test_good_ones(void **state)
{
        (void)state;
        expect_parsed("", "");
        expect_parsed("   ", "");
        expect_parsed("red 1 s", "red 1000 ms");
        expect_parsed("  red  1s  ", "red 1000 ms");
        expect_parsed("red 500 ms, - 500 ms", "red 500 ms, - 500 ms");
        expect_parsed("red 500ms,-500ms", "red 500 ms, - 500 ms");
        expect_parsed("vibrate+blue+red2+yellow+green+red+tone1500 100 ms",
                      "red+red2+yellow+green+blue+tone1500+vibrate 100 ms");
        expect_parsed("- 1 s", "- 1000 ms");
}

static void test_bounds(void **state)
{
        char text[BC_PATTERN_TEXT_BYTES + 1];
        size_t used = 0;

        (void)state;
        expect_parsed("red 30 ms", "red 30 ms");
        expect_unparsed("red 29 ms", "a step of 30 ms to 10 s is noticed and ends");
        expect_unparsed("red 0 ms", "a step of 30 ms to 10 s is noticed and ends");
        expect_parsed("red 10 s", "red 10000 ms");
        expect_parsed("red 10000 ms", "red 10000 ms");
        expect_unparsed("red 10001 ms", "a step of 30 ms to 10 s is noticed and ends");
        expect_unparsed("red 11 s", "a step of 30 ms to 10 s is noticed and ends");
        expect_unparsed("red 99999999999999999999999999 s", "a step of 30 ms to 10 s is noticed and ends");
        expect_unparsed("red 18446744073709551646 ms", "a step of 30 ms to 10 s is noticed and ends"); // 2^64 + 30
        expect_parsed("tone200 1 s", "tone200 1000 ms");
        expect_parsed("tone8000 1 s", "tone8000 1000 ms");
        expect_unparsed("tone199 1 s", "a tone has 200 to 8000 Hz: tone1000");
        expect_unparsed("tone8001 1 s", "a tone has 200 to 8000 Hz: tone1000");
        expect_unparsed("tone66536 1 s", "a tone has 200 to 8000 Hz: tone1000"); // 2^16 + 1000
        expect_unparsed("tone4294968296 1 s", "a tone has 200 to 8000 Hz: tone1000"); // 2^32 + 1000
        for (unsigned i = 0; i < BC_PATTERN_STEPS_MAX; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%sred 1s", i ? "," : "");
        assert_int_equal(parse(text).steps, BC_PATTERN_STEPS_MAX);
        snprintf(text + used, sizeof(text) - used, ",red 1s");
        expect_unparsed(text, "more than 16 steps");
        memset(text, ' ', sizeof(text));
        memcpy(text, "red 1 s", 7);
        text[BC_PATTERN_TEXT_BYTES - 1] = 0;
        expect_parsed(text, "red 1000 ms");
        text[BC_PATTERN_TEXT_BYTES - 1] = ' ';
        text[BC_PATTERN_TEXT_BYTES] = 0;
        expect_unparsed(text, "longer than 159 bytes");
}

#define NO_OUTPUT(word) "\"" word "\" is no output: red, red2, yellow, green, blue, vibrate, tone1000 or -"
#define NO_LENGTH "a step ends with its length: 100 ms, 2 s"
#define NO_STEP "a step, a comma, a step: \"red 500 ms, - 500 ms\""

static void test_every_error_has_its_reason(void **state)
{
        (void)state;
        expect_unparsed("purple 1 s", NO_OUTPUT("purple"));
        expect_unparsed("RED 1 s", NO_OUTPUT("RED"));
        expect_unparsed("red3 1 s", NO_OUTPUT("red3"));
        expect_unparsed("red22 1 s", NO_OUTPUT("red22"));
        expect_unparsed("vibrate2 1 s", NO_OUTPUT("vibrate2"));
        expect_unparsed("a-very-long-word-that-goes-on 1 s", NO_OUTPUT("a-very-long-word-tha"));
        expect_unparsed("100 ms", NO_OUTPUT("100"));
        expect_unparsed(", red 1 s", NO_OUTPUT(","));
        expect_unparsed("red 1 s,, red 1 s", NO_OUTPUT(","));
        expect_unparsed("\tred 1 s", NO_OUTPUT("\tred"));
        expect_unparsed("red+ 1 s", NO_OUTPUT(" "));
        expect_unparsed("red++blue 1 s", NO_OUTPUT("+"));
        expect_unparsed("red+- 1 s", NO_OUTPUT("-"));
        expect_unparsed("red+red 1 s", "a step names red twice");
        expect_unparsed("tone400+tone500 1 s", "a step names tone twice");
        expect_unparsed("tone 1 s", "a tone has 200 to 8000 Hz: tone1000");
        expect_unparsed("red", NO_LENGTH);
        expect_unparsed("-", NO_LENGTH);
        expect_unparsed("-+red 1 s", NO_LENGTH);
        expect_unparsed("red + blue 1 s", NO_LENGTH);
        expect_unparsed("red, blue 1 s", NO_LENGTH);
        expect_unparsed("red -100 ms", NO_LENGTH);
        expect_unparsed("red 100", "a length is in ms or s");
        expect_unparsed("red 100 m", "a length is in ms or s");
        expect_unparsed("red 1.5 s", "a length is in ms or s");
        expect_unparsed("red 1 min", "a length is in ms or s");
        expect_unparsed("red 1 s,", NO_STEP);
        expect_unparsed("red 1 s, ", NO_STEP);
        expect_unparsed("red 1 s blue 1 s", NO_STEP);
        expect_unparsed("red 1 sec", NO_STEP);
        expect_unparsed("red 100 msec", NO_STEP);
}

// Whatever the bytes: refused with a reason, or a pattern within its bounds that is read again as the same.
static void test_random_bytes(void **state)
{
        static const char *const scraps[] = { "red", "red2", "yellow", "tone", "1000", "vibrate", "+", "-", " ", ",", "ms", "s",
                                              "30", "1", "red 100 ms", ", ", "99999999999", "\xff", "%s%n", "\t" };
        uint64_t random = 88172645463325252;
        unsigned good = 0, bad = 0;

        (void)state;
        for (unsigned run = 0; run < 200000; run++) {
                char text[400] = "", why[160] = "";
                struct bc_pattern pattern, again;
                unsigned pieces = run % 12;
                size_t used = 0;

                for (unsigned i = 0; i < pieces; i++) {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        if (random % 50 == 0)
                                text[used++] = (char)(random >> 40);
                        else
                                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s",
                                                         scraps[(random >> 20) % (sizeof(scraps) / sizeof(scraps[0]))]);
                }
                if (bc_pattern_parse(text, &pattern, why, sizeof(why)) < 0) {
                        assert_true(strlen(why) > 5);
                        bad++;
                        continue;
                }
                assert_true(pattern.steps <= BC_PATTERN_STEPS_MAX);
                for (size_t i = 0; i < pattern.steps; i++) {
                        const struct bc_pattern_step *step = &pattern.step[i];

                        assert_true(step->length_ns >= BC_PATTERN_STEP_MIN_NS && step->length_ns <= BC_PATTERN_LENGTH_MAX_NS);
                        assert_true(!(step->outputs & ~ALL));
                        assert_true(step->tone_hz == 0 || (step->tone_hz >= BC_TONE_MIN_HZ && step->tone_hz <= BC_TONE_MAX_HZ));
                }
                if (strlen(written(&pattern)) < BC_PATTERN_TEXT_BYTES) {
                        again = parse(written(&pattern));
                        assert_memory_equal(&pattern, &again, sizeof(pattern));
                }
                good += pattern.steps > 0;
        }
        print_message("random patterns: %u good, %u bad\n", good, bad);
        assert_true(good > 500 && bad > 10000);
}

static void expect_judged(const char *text, uint32_t outputs, bool repeats, const char *reason)
{
        struct bc_pattern pattern = parse(text);
        char why[160] = "";
        int r = bc_pattern_check(&pattern, outputs, repeats, why, sizeof(why));

        if (r != (reason ? -EINVAL : 0) || (reason && strcmp(why, reason) != 0))
                fail_msg("%s: %d, told %s, expected %s", text, r, why, reason ? reason : "nothing");
}

#define DARK "nothing is on in it for longer than 5 s: whoever looks at it sees nothing"
#define WEAK "vibration of less than 50 ms is not felt, and it shows nothing else"
#define FOREIGN "this device has none of the outputs it uses"

static void test_what_is_noticed(void **state)
{
        (void)state;
        expect_judged("red 30 ms", ALL, false, NULL);
        expect_judged("red 1 s", ALL, true, NULL);
        expect_judged("", ALL, false, "nothing is ever on in it");
        expect_judged("- 1 s", ALL, true, "nothing is ever on in it");
        expect_judged("red 1 s", ALL & ~(uint32_t)BC_OUTPUT_RED, true, FOREIGN);
        expect_judged("red 1 s", 0, true, FOREIGN);
        expect_judged("red+blue 1 s", BC_OUTPUT_BLUE, true, NULL);
        expect_judged("red 5 s, - 5 s", ALL, true, NULL);
        expect_judged("red 5001 ms, - 5 s", ALL, true, "it takes longer than 10 s");
        expect_judged("red 5001 ms, - 5 s", ALL, false, "it takes longer than 10 s");
        // A pause, also one that goes round, or that another output fills which this device has not got.
        expect_judged("red 100 ms, - 5 s", ALL, true, NULL);
        expect_judged("red 100 ms, - 5001 ms", ALL, true, DARK);
        expect_judged("- 2 s, red 100 ms, - 3 s", ALL, true, NULL);
        expect_judged("- 2 s, red 100 ms, - 3001 ms", ALL, true, DARK);
        expect_judged("red 100 ms, blue 5001 ms", ALL, true, NULL);
        expect_judged("red 100 ms, blue 5001 ms", BC_OUTPUT_RED, true, DARK);
        // Shown once it may wait as long as it likes.
        expect_judged("red 100 ms, - 5001 ms, red 100 ms", ALL, false, NULL);
        // Vibration takes its time, where there is nothing else.
        expect_judged("vibrate 50 ms", ALL, false, NULL);
        expect_judged("vibrate 49 ms", ALL, false, WEAK);
        expect_judged("vibrate 30 ms, vibrate 30 ms", ALL, false, NULL);
        expect_judged("vibrate 30 ms, - 30 ms, vibrate 30 ms", ALL, false, WEAK);
        expect_judged("vibrate+red 30 ms", ALL, false, NULL);
        expect_judged("vibrate+red 30 ms", BC_OUTPUT_VIBRATE, false, WEAK);
        expect_judged("vibrate 30 ms, - 30 ms, vibrate 30 ms", ALL, true, NULL); // goes round
        expect_judged("vibrate 30 ms, - 30 ms", ALL, true, WEAK);
}

static void expect_same(const char *x, const char *y, uint32_t outputs, bool repeats, bool same)
{
        struct bc_pattern a = parse(x), b = parse(y);

        if (bc_pattern_is_same(&a, &b, outputs, repeats) != same || bc_pattern_is_same(&b, &a, outputs, repeats) != same)
                fail_msg("\"%s\" and \"%s\" %s: %s", x, y, repeats ? "over and over" : "once", same ? "differ" : "are the same");
}

static void test_what_looks_the_same(void **state)
{
        (void)state;
        for (int repeats = 0; repeats < 2; repeats++) {
                expect_same("red 1 s", "red 1 s", ALL, repeats, true);
                expect_same("red 1 s", "blue 1 s", ALL, repeats, false);
                expect_same("red 1 s", "blue 1 s", BC_OUTPUT_RED, repeats, false);
                expect_same("red 1 s", "blue 1 s", BC_OUTPUT_GREEN, repeats, true); // nothing, both
                expect_same("", "", ALL, repeats, true);
                expect_same("", "red 1 s", ALL, repeats, false);
                expect_same("", "red 1 s", BC_OUTPUT_BLUE, repeats, true);
                expect_same("", "- 1 s", ALL, repeats, true);
                expect_same("red 1 s, blue 1 s", "red 1 s, - 1 s", BC_OUTPUT_RED, repeats, true);
                expect_same("red 1 s, blue 1 s", "red 1 s, - 1 s", ALL, repeats, false);
                expect_same("red 500 ms, red 500 ms, - 1 s", "red 1 s, - 1 s", ALL, repeats, true);
                expect_same("red 200 ms, - 200 ms", "red 500 ms, - 500 ms", ALL, repeats, false);
                // Pitch is not for everybody's ears.
                expect_same("tone500 1 s", "tone1000 1 s", ALL, repeats, true);
                // When it begins, nobody knows.
                expect_same("- 1 s, red 500 ms, - 500 ms", "red 500 ms, - 1500 ms", ALL, repeats, true);
        }
        // Of one that is shown once, what counts ends with the last light; how often it is there counts.
        expect_same("vibrate 100 ms", "vibrate 100 ms, - 900 ms", ALL, false, true);
        expect_same("vibrate 100 ms, - 100 ms", "vibrate 100 ms, - 100 ms, vibrate 100 ms, - 100 ms", ALL, false, false);
        expect_same("vibrate 1 s", "vibrate 2 s", ALL, false, false);
        // Of one that stands, only how it goes on.
        expect_same("red 100 ms", "red 100 ms, - 900 ms", ALL, true, false);
        expect_same("red 1 s", "red 2 s", ALL, true, true);
        expect_same("red 1 s, - 1 s", "red 1 s, - 1 s, red 1 s, - 1 s", ALL, true, true);
        expect_same("red 1 s, - 1 s", "red 1 s, - 1 s, red 1 s, - 2 s", ALL, true, false);
        expect_same("red 500 ms, - 500 ms", "- 500 ms, red 500 ms", ALL, true, true);
        expect_same("red 500 ms, - 500 ms", "red 200 ms, - 500 ms, red 300 ms", ALL, true, true);
        expect_same("red 300 ms, blue 400 ms, - 500 ms", "blue 400 ms, - 500 ms, red 300 ms", ALL, true, true);
        expect_same("red 300 ms, blue 400 ms, - 500 ms", "red 300 ms, - 500 ms, blue 400 ms", ALL, true, false);
        expect_same("red 2 s, - 1 s", "red 3 s, - 2 s", ALL, true, false);
}

static void test_the_step_at_an_instant(void **state)
{
        struct bc_pattern pattern = parse("red 100 ms, - 50 ms, blue 1 s");
        int64_t next_ns, begin_ns = 0;

        (void)state;
        for (size_t i = 0; i < pattern.steps; i++) {
                int64_t end_ns = begin_ns + pattern.step[i].length_ns;

                assert_ptr_equal(bc_pattern_at(&pattern, begin_ns, &next_ns), &pattern.step[i]);
                assert_int_equal(next_ns, end_ns);
                assert_ptr_equal(bc_pattern_at(&pattern, end_ns - 1, &next_ns), &pattern.step[i]);
                assert_int_equal(next_ns, end_ns);
                begin_ns = end_ns;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good_ones),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_every_error_has_its_reason),
                cmocka_unit_test(test_random_bytes),
                cmocka_unit_test(test_what_is_noticed),
                cmocka_unit_test(test_what_looks_the_same),
                cmocka_unit_test(test_the_step_at_an_instant),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
