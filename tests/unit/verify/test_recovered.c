// SPDX-License-Identifier: EUPL-1.2
// Rules 8 and 9: what recovery signed, and what that proves.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "shared_trial.h"

static void test_rule_08_recovered_end(void **state)
{
        static const struct {
                bool no_anchor;
                uint32_t medium; // record.md, key 58
                int64_t age_ns;
                enum bc_verdict expected;
        } cases[] = { { false, 1, 0, BC_VERDICT_AUTHENTIC },
                      { false, 1, 2000000000, BC_VERDICT_AUTHENTIC },
                      { false, 1, 2000000001, BC_VERDICT_UNPROVEN },
                      { false, 1, -1, BC_VERDICT_UNPROVEN },
                      { false, 2, 0, BC_VERDICT_AUTHENTIC },
                      { false, 3, 0, BC_VERDICT_UNPROVEN }, // written seldom: what came behind it, it does not know
                      { false, 4, 0, BC_VERDICT_AUTHENTIC },
                      { false, 5, 2000000000, BC_VERDICT_AUTHENTIC },
                      { true, 1, 0, BC_VERDICT_UNPROVEN } };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                forge->no_anchor = cases[i].no_anchor;
                forge->anchor_medium = cases[i].medium;
                forge->anchor_age_ns = cases[i].age_ns;
                forge_write(forge, "IPPaatg R IPPaa R Z F");
                trial_expect(&trial, trial_recording(&trial, forge), cases[i].expected);
                forge_free(forge);
        }
}

enum anchor {
        ANCHOR_LATER_RECORD,
        ANCHOR_OTHER_HASH,
        ANCHOR_LATER_SEGMENT,
        ANCHOR_DISAGREES,
        ANCHOR_LATER_RECORDING,
        ANCHOR_EARLIER_RECORDING,
        ANCHOR_NO_RECORDING, // it knows of none yet
        ANCHOR_IN_A_TPM,     // alone: minutes behind
        ANCHOR_EARLIER_IN_A_TPM,
        ANCHOR_ALSO_IN_A_TPM,
        ANCHORS,
};

static void move_anchor(void *user, struct bc_record *record)
{
        enum anchor anchor = *(const enum anchor *)user;

        if (record->kind != BC_RECORD_RECOVERED)
                return;
        if (anchor == ANCHOR_LATER_RECORD)
                record->found.anchor.index += 3;
        else if (anchor == ANCHOR_OTHER_HASH)
                record->found.anchor.hash[0] ^= 1;
        else if (anchor == ANCHOR_LATER_SEGMENT)
                record->found.anchor.segment++;
        else if (anchor == ANCHOR_DISAGREES)
                record->found.agrees = false;
        else if (anchor == ANCHOR_LATER_RECORDING)
                record->found.anchor.recording++;
        else if (anchor == ANCHOR_NO_RECORDING)
                memset(&record->found.anchor, 0, sizeof(record->found.anchor));
        else if (anchor == ANCHOR_EARLIER_RECORDING || anchor == ANCHOR_EARLIER_IN_A_TPM)
                record->found.anchor.recording--;
        record->found.anchor.medium = anchor == ANCHOR_IN_A_TPM || anchor == ANCHOR_EARLIER_IN_A_TPM ? 3 : anchor == ANCHOR_ALSO_IN_A_TPM ? 4 : 1;
}

// Somebody cut the tail and let the device recover the rest: the anchor says what was there.
static void test_rule_08_laundered_cut(void **state)
{
        static const enum bc_verdict expected[] = { BC_VERDICT_TAMPERED, BC_VERDICT_TAMPERED, BC_VERDICT_TAMPERED,
                                                    BC_VERDICT_TAMPERED, BC_VERDICT_UNPROVEN, BC_VERDICT_AUTHENTIC,
                                                    BC_VERDICT_AUTHENTIC, BC_VERDICT_UNPROVEN, BC_VERDICT_UNPROVEN,
                                                    BC_VERDICT_AUTHENTIC };

        (void)state;
        for (enum anchor anchor = ANCHOR_LATER_RECORD; anchor < ANCHORS; anchor++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                forge->on_record = move_anchor;
                forge->user = &anchor;
                forge_write(forge, "IPPaatg R IPPaa R Z F");
                enum bc_verdict verdict = trial_recording(&trial, forge);
                trial_expect(&trial, verdict, expected[anchor]);
                if (verdict != BC_VERDICT_AUTHENTIC)
                        assert_true(trial_found(&trial, BC_FINDING_ANCHOR, verdict));
                forge_free(forge);
        }
}

// Of the first segment, that was abandoned, nothing was signed: how long the recording lasted its first record tells, which is in the
// second one.
static void test_rule_08_anchor_before_an_unsigned_segment(void **state)
{
        enum anchor anchor = ANCHOR_NO_RECORDING;
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->on_record = move_anchor;
        forge->user = &anchor;
        const struct forge_segment *segment = forge_write(forge, "IPPaatg IPPaa");
        forge_abandon(forge, segment->size, forge->end_ticks[0] - 3 * 1600);
        forge_write(forge, "IPPaatg R IPPaa R Z F");
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
        forge_free(forge);
}

// The cut is in a segment that is not the last one any more: somebody put another one behind it, which nobody signed.
static void test_rule_08_laundered_cut_before_another_segment(void **state)
{
        static const enum anchor anchors[] = { ANCHOR_LATER_RECORD, ANCHOR_OTHER_HASH, ANCHOR_DISAGREES };

        (void)state;
        for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                enum anchor anchor = anchors[i];

                forge->on_record = move_anchor;
                forge->user = &anchor;
                forge_write(forge, "IPPaatg R IPPaa R Z F");
                forge->on_record = NULL;
                forge_write(forge, "IPPaatg IPPaa Z F");
                trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_TAMPERED, BC_FINDING_ANCHOR);
                forge_free(forge);
        }
}

static void test_rule_09_recovery_vouches_for_nothing(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge_write(forge, "IPPaatg R IPPaa R IPPaa Z F"); // the last fragment was never signed
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_UNPROVEN, BC_FINDING_UNSIGNED);
        forge_free(forge);
}

static const char moved_text[] = "what no record covers";

static void move_tail(void *user, struct bc_record *record)
{
        unsigned n;

        (void)user;
        if (record->kind != BC_RECORD_RECOVERED)
                return;
        record->found.before += sizeof(moved_text);
        record->found.moved = true;
        record->found.moved_bytes = sizeof(moved_text);
        assert_int_equal(EVP_Digest(moved_text, sizeof(moved_text), record->found.moved_sha256, &n, EVP_sha256(), NULL), 1);
}

static void test_rule_09_tail_is_kept(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        char path[TRIAL_PATH_BYTES];

        (void)state;
        forge->on_record = move_tail;
        forge_write(forge, "IPPaatg R IPPaa R Z F");
        forge_save(forge, trial.folder, false, path, sizeof(path));
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
        forge_file(path, "0001.tail", moved_text, sizeof(moved_text));
        trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_AUTHENTIC);
        forge_file(path, "0001.tail", moved_text, sizeof(moved_text) - 1);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        forge_remove(path);
        forge_free(forge);
}

// Recovery was cut off itself, eleven times: the tails are one, in the order in which they were made.
static void test_rule_09_tails_are_one(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        char path[TRIAL_PATH_BYTES], name[16];

        (void)state;
        forge->on_record = move_tail;
        forge_write(forge, "IPPaatg R IPPaa R Z F");
        forge_save(forge, trial.folder, false, path, sizeof(path));
        for (size_t nth = 1; nth <= 11; nth++) { // one byte each, and what is left
                snprintf(name, sizeof(name), nth == 1 ? "0001.tail" : "0001-%zu.tail", nth);
                forge_file(path, name, moved_text + nth - 1, nth < 11 ? 1 : sizeof(moved_text) - 10);
        }
        trial_expect(&trial, trial_path(&trial, path), BC_VERDICT_AUTHENTIC);
        // One that no record speaks of proves nothing, and is nobody's crime.
        forge_file(path, "0001-12.tail", "x", 1);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_UNPROVEN, BC_FINDING_NAME);
        // One that was stated was changed.
        forge_file(path, "0001-2.tail", "x", 1);
        trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_TAMPERED, BC_FINDING_NAME);
        forge_remove(path);
        forge_free(forge);
}

// The power went when the last record was durable and the manifest was not: it says neither that nor why the recording ended.
static void test_manifest_behind_the_last_record(void **state)
{
        static const struct {
                const char *state, *stop_ticks, *stop_reason;
                enum bc_verdict expected;
        } cases[] = {
                { "open", "null", "", BC_VERDICT_AUTHENTIC },
                { "recovered", "null", "", BC_VERDICT_AUTHENTIC },
                { "recovered", "1", "", BC_VERDICT_TAMPERED },
                { "recovered", "null", "button", BC_VERDICT_TAMPERED },
                { "closed", "null", "button", BC_VERDICT_TAMPERED },
        };
        struct forge *forge = forge_new(&trial.identity, 0);
        char path[TRIAL_PATH_BYTES];

        (void)state;
        forge_write(forge, "IPPaatg R IPPaa R X F");
        char *text = forge_manifest(forge);
        forge_save(forge, trial.folder, false, path, sizeof(path));
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                json_t *root = json_loads(text, 0, NULL);

                json_object_set_new(root, "state", json_string(cases[i].state));
                json_object_set_new(root, "stop_ticks", json_loads(cases[i].stop_ticks, JSON_DECODE_ANY, NULL));
                json_object_set_new(root, "stop_reason", json_string(cases[i].stop_reason));
                char *edited = json_dumps(root, JSON_INDENT(1));
                assert_non_null(edited);
                forge_file(path, "manifest.json", edited, strlen(edited));
                free(edited);
                json_decref(root);
                trial_expect(&trial, trial_path(&trial, path), cases[i].expected);
        }
        free(text);
        forge_remove(path);
        forge_free(forge);
}

// Its manifest may lag behind, or be one that recovery began anew; what it states of the recording is held against the
// records all the same. Nobody signed this one.
static void test_recovered_manifest(void **state)
{
        static const struct {
                const char *from, *to;
                enum bc_verdict expected;
        } edits[] = {
                { "\"version\"", "\"version\"", BC_VERDICT_AUTHENTIC }, // as it is
                { "\"gaps\": []", "\"gaps\": null", BC_VERDICT_UNPROVEN },
                { "\"marks\": []", "\"marks\": [{\"ticks\":6240001,\"text\":\"x\",\"count\":1}]", BC_VERDICT_UNPROVEN },
                { "\"device\": \"BC-0042\"", "\"device\": \"BC-0043\"", BC_VERDICT_TAMPERED },
                { "\"bytes\": ", "\"bytes\": 1", BC_VERDICT_TAMPERED },
        };
        struct forge *forge = forge_new(&trial.identity, 0);
        char path[TRIAL_PATH_BYTES], edited[8192];

        (void)state;
        forge_write(forge, "IPPaatg R IPPaa R Z F");
        char *text = forge_manifest(forge);
        forge_save(forge, trial.folder, false, path, sizeof(path));
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                char *at = strstr(text, edits[i].from);
                assert_non_null(at);
                int n = snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, edits[i].to,
                                 at + strlen(edits[i].from));
                forge_file(path, "manifest.json", edited, (size_t)n);
                trial_expect(&trial, trial_path(&trial, path), edits[i].expected);
        }
        free(text);
        forge_remove(path);
        forge_free(forge);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_08_recovered_end),
                cmocka_unit_test(test_rule_08_laundered_cut),
                cmocka_unit_test(test_rule_08_anchor_before_an_unsigned_segment),
                cmocka_unit_test(test_rule_08_laundered_cut_before_another_segment),
                cmocka_unit_test(test_rule_09_recovery_vouches_for_nothing),
                cmocka_unit_test(test_rule_09_tail_is_kept),
                cmocka_unit_test(test_rule_09_tails_are_one),
                cmocka_unit_test(test_manifest_behind_the_last_record),
                cmocka_unit_test(test_recovered_manifest),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
