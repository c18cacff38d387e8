// SPDX-License-Identifier: EUPL-1.2
// Segments that could not be written any further: what those behind them state of them, and what is a lie (rule 7).
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared_trial.h"

// A successor may repeat a GOP and not more.
static void test_rule_07_abandoned(void **state)
{
        static const struct {
                int64_t pictures_back;
                enum bc_verdict expected;
        } cases[] = {
                { 0, BC_VERDICT_AUTHENTIC }, { 3, BC_VERDICT_AUTHENTIC }, { 4, BC_VERDICT_TAMPERED }, { 6, BC_VERDICT_TAMPERED }
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                struct forge_segment *segment = forge_write(forge, "IPPaaaaatg R IPPaaaa R IPPaaaaaa");
                forge->segments_stated = 2;
                forge_abandon(forge, segment->size, forge->end_ticks[0] - cases[i].pictures_back * 1600);
                forge_write(forge, "IPPaatg R IPPaa X F");
                trial_expect(&trial, trial_recording(&trial, forge), cases[i].expected);
                // What nothing vouches for but the successor.
                segment->bytes[segment->size - 1] ^= 1;
                trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_HASH);
                segment->bytes[segment->size - 1] ^= 1;
                segment->size--;
                trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE);
                segment->size++;
                forge_free(forge);
        }
}

static void test_rule_07_abandoned_with_bytes_behind(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        struct forge_segment *segment = forge_write(forge, "IPPaaaaa R IPPaaaaa R IPP");

        (void)state;
        forge->segments_stated = 2;
        forge_abandon(forge, segment->box_at[segment->boxes - 1], forge->end_ticks[0] - 3 * 1600);
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_UNPROVEN);
        forge_free(forge);
}

// Nothing of it was signed when it was abandoned: its successor vouches for all of it, and the chain goes on from before.
static void test_rule_07_abandoned_unsigned(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->segments_stated = 3;
        forge_write(forge, "IPPaatg R IPPaa C F");
        struct forge_segment *segment = forge_write(forge, "IPPaatg IPPaa");
        forge_abandon(forge, segment->size, forge->end_ticks[0] - 3 * 1600);
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
        segment->bytes[segment->layout.bytes + 400] ^= 1;
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED);
        forge_free(forge);
}

// Several in a row, all but the first before anything of them was signed: the next record there is states all of their ends.
static struct forge *abandoned_in_a_row(size_t n)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        forge->segments_stated = (uint32_t)n + 1;
        for (size_t i = 0; i < n; i++) {
                const struct forge_segment *segment = forge_write(forge, i == 0 ? "IPPaatg R IPPaa" : "IPPaatg IPPaa");
                forge_abandon(forge, segment->size, forge->end_ticks[0] - 3 * 1600);
        }
        return forge;
}

static void test_rule_07_abandoned_in_a_row(void **state)
{
        (void)state;
        for (size_t n = 2; n <= BC_RECORD_SUCCEEDS_MAX; n++) {
                struct forge *forge = abandoned_in_a_row(n);
                forge_write(forge, "IPPaatg R IPPaa X F");
                trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
                for (size_t i = 0; i < n; i++) { // each is vouched for, to its last byte
                        struct forge_segment *segment = &forge->segment[i];
                        segment->bytes[segment->size - 1] ^= 1;
                        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_HASH);
                        segment->bytes[segment->size - 1] ^= 1;
                        segment->size--;
                        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_COVERAGE);
                        segment->size++;
                }
                forge_free(forge);
        }
        // One of them is not named, as where there were more than a record can name.
        struct forge *forge = abandoned_in_a_row(3);
        memmove(&forge->succeeds[0], &forge->succeeds[1], 2 * sizeof(forge->succeeds[0]));
        forge->succeeds_count = 2;
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_UNPROVEN, BC_FINDING_END);
        forge_free(forge);
        // One of them is not there.
        forge = abandoned_in_a_row(3);
        forge_write(forge, "IPPaatg R IPPaa X F");
        struct forge dropped = *forge;
        memmove(&dropped.segment[1], &dropped.segment[2], 2 * sizeof(dropped.segment[0]));
        dropped.segments = 3;
        trial_expect_found(&trial, trial_recording(&trial, &dropped), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
        forge_free(forge);
}

// Who was recorded in between would have stated it: a device that says so later lies.
static void test_rule_07_abandoned_stated_too_late(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        const struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa");

        (void)state;
        forge->segments_stated = 3;
        forge_abandon(forge, segment->size, forge->end_ticks[0]);
        forge->succeeds_count = 0;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge->succeeds_count = 1;
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
        forge_free(forge);
}

// Recovery finds a segment of which nothing was signed, and its successor's word for it: what it appends changes nothing.
static void test_rule_07_abandoned_and_recovered(void **state)
{
        struct forge *forge = abandoned_in_a_row(2);
        uint8_t prev[BC_HASH_BYTES], newest[BC_HASH_BYTES];

        (void)state;
        memcpy(prev, forge->prev, sizeof(prev));
        forge_write(forge, "IPPaatg R IPPaa X F");
        memcpy(newest, forge->prev, sizeof(newest));
        memcpy(forge->prev, prev, sizeof(prev));
        forge->no_anchor = true;
        forge->segments = 2;
        forge_go_on(forge, "Z F");
        forge->segments = 3;
        memcpy(forge->prev, newest, sizeof(newest));
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
        forge->segment[1].bytes[forge->segment[1].layout.bytes + 400] ^= 1;
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED);
        forge_free(forge);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_07_abandoned),
                cmocka_unit_test(test_rule_07_abandoned_with_bytes_behind),
                cmocka_unit_test(test_rule_07_abandoned_unsigned),
                cmocka_unit_test(test_rule_07_abandoned_in_a_row),
                cmocka_unit_test(test_rule_07_abandoned_stated_too_late),
                cmocka_unit_test(test_rule_07_abandoned_and_recovered),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
