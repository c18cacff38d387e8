// SPDX-License-Identifier: EUPL-1.2
// Everything that a lawful device can leave behind is judged as what it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/counts.h"
#include "shape.h"
#include "shared_trial.h"

#define SHAPES 200
#define SHAPES_LONG 10000

static void check_lone(const char *words, enum bc_verdict expected)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        const struct forge_segment *segment = forge_write(forge, words);

        trial_expect(&trial, trial_file(&trial, segment->bytes, segment->size), expected);
        forge_free(forge);
}

static void check_recording(struct forge *forge, enum bc_verdict expected)
{
        trial_expect(&trial, trial_recording(&trial, forge), expected);
        forge_free(forge);
}

static void test_one_segment(void **state)
{
        (void)state;
        check_lone("IPPaatg R IPPaa R IPPaaa X F", BC_VERDICT_AUTHENTIC);
        check_lone("IPPaatg R IPPaa R IPPaaa R X M", BC_VERDICT_AUTHENTIC);
        check_lone("IPPaatg IPPaa IPPaaa X F", BC_VERDICT_AUTHENTIC);
        check_lone("IPPaatg IPPaa L IPPaaa R IPPaa L IPaa L aa X F", BC_VERDICT_AUTHENTIC);
        check_lone("R IPPaatg R R X F", BC_VERDICT_AUTHENTIC);
        check_lone("IPPaatg R IPPaa X", BC_VERDICT_AUTHENTIC); // the power went before the moov
        check_lone("IPPaatg R IPPaa X m", BC_VERDICT_UNPROVEN);
        check_lone("IPPaatg R IPPaa R", BC_VERDICT_UNPROVEN);
        check_lone("IPPaatg R IPPaa", BC_VERDICT_UNPROVEN);
        check_lone("IPPaatg R IPPaa C F", BC_VERDICT_UNPROVEN);
        check_lone("IPPaatg IPPaa", BC_VERDICT_UNJUDGED);
        check_lone("IPPaatg R IPPaa R Z F", BC_VERDICT_AUTHENTIC);
        check_lone("IPPaatg R IPPaa R IPaa Z F", BC_VERDICT_UNPROVEN); // signed by recovery alone
        check_lone("IPPaatg IPPaa Z F", BC_VERDICT_UNPROVEN);
}

static void test_several_segments(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->segments_stated = 4;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa L C F");
        forge_write(forge, "IPPaaa R PPPaa C F");
        forge_write(forge, "IPPaa R aa X F");
        check_recording(forge, BC_VERDICT_AUTHENTIC);
}

static void test_p384(void **state)
{
        struct trial other;

        (void)state;
        trial_init_with(&other, NULL, "P-384");
        struct forge *forge = forge_new(&other.identity, 0);
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect(&other, trial_recording(&other, forge), BC_VERDICT_AUTHENTIC);
        assert_int_equal(other.verdict.segment[0].signer.algorithm, BC_RECORD_ES384);
        forge_free(forge);
        trial_done(&other);
}

static void test_manifest(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->segments_stated = 2;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect(&trial, trial_whole(&trial, forge), BC_VERDICT_AUTHENTIC);
        forge_free(forge);
}

// A write failed: what the segment counts is stated by its successor, which repeats a GOP.
static void test_abandoned(void **state)
{
        (void)state;
        for (int unsigned_fragments = 0; unsigned_fragments < 2; unsigned_fragments++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                struct forge_segment *segment = forge_write(forge,
                                                            unsigned_fragments ? "IPPaatg R IPPaa IPaa" : "IPPaatg R IPPaa R");
                forge_abandon(forge, segment->size, segment->init.label.base_ticks + 3 * 1600);
                forge->segments_stated = 2;
                forge_write(forge, "IPPaatg R IPPaa X F");
                check_recording(forge, BC_VERDICT_AUTHENTIC);
        }
}

static void test_every_shape(void **state)
{
        uint32_t shapes = counts_of(SHAPES / 4, SHAPES, SHAPES_LONG);

        (void)state;
        for (uint32_t seed = 1; seed <= shapes; seed++) {
                struct forge *forge = shape_new(&trial.identity, seed, 5);
                enum bc_verdict verdict = trial_recording(&trial, forge);
                if (verdict != BC_VERDICT_AUTHENTIC)
                        print_error("shape %u\n", seed);
                trial_expect(&trial, verdict, BC_VERDICT_AUTHENTIC);
                forge_free(forge);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_segment), cmocka_unit_test(test_several_segments), cmocka_unit_test(test_p384),
                cmocka_unit_test(test_manifest),    cmocka_unit_test(test_abandoned),        cmocka_unit_test(test_every_shape),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
