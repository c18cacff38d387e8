// SPDX-License-Identifier: EUPL-1.2
// What failed writes and power cuts leave between two segments, and what somebody who takes one out leaves (record.md, 7; rules 6, 7).
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_trial.h"
#include "store_trial.h"

// ---- numbers that nothing has ------------------------------------------------------------------------------------

// Nothing could be written as segment 2: the recorder went on with 3, and what it signed there follows what it had signed in 1.
static void test_rule_07_skipped_number(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->segments_stated = 3;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge->next_number = 3;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge->next_number = 7;
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect(&trial, trial_recording(&trial, forge), BC_VERDICT_AUTHENTIC);
        assert_true(trial_found(&trial, BC_FINDING_MISSING, BC_VERDICT_NOTE));
        forge_free(forge);
}

// Nobody can make such a gap by taking segments out: what comes behind follows what is not there.
static void test_rule_07_segment_taken_out(void **state)
{
        char path[TRIAL_PATH_BYTES], file[TRIAL_PATH_BYTES + 16];

        (void)state;
        for (int last = 2; last <= 3; last++) {
                struct forge *forge = forge_new(&trial.identity, 0);

                forge->segments_stated = 4;
                for (int i = 0; i < 3; i++)
                        forge_write(forge, "IPPaatg R IPPaa C F");
                forge_write(forge, "IPPaatg R IPPaa X F");
                forge_save(forge, trial.folder, false, path, sizeof(path));
                for (int number = 2; number <= last; number++) {
                        snprintf(file, sizeof(file), "%s/%04d.mp4", path, number);
                        assert_int_equal(unlink(file), 0);
                }
                trial_expect_found(&trial, trial_path(&trial, path), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
                forge_remove(path);
                forge_free(forge);
        }
}

// Media time is judged across the skipped number as anywhere else.
static void test_rule_06_hole_at_a_skipped_number(void **state)
{
        (void)state;
        for (int declared = 0; declared < 2; declared++) {
                struct forge *forge = forge_new(&trial.identity, 0);

                forge->segments_stated = 2;
                forge_write(forge, "IPPaatg R IPPaa C F");
                int64_t from = forge->end_ticks[0], to = from + 10 * 1600;
                for (size_t i = 0; i < FORGE_TRACKS; i++) {
                        from = forge->last_ticks[i] < from ? forge->last_ticks[i] : from;
                        forge->end_ticks[i] += i == 1 ? (to - forge->end_ticks[i] + 1023) / 1024 * 1024 : to - forge->end_ticks[i];
                }
                if (declared)
                        forge_declare(forge, 5, from, to, 1);
                forge->next_number = 3;
                forge_write(forge, "IPPaatg R IPPaa X F");
                trial_expect(&trial, trial_recording(&trial, forge), declared ? BC_VERDICT_AUTHENTIC : BC_VERDICT_TAMPERED);
                if (!declared)
                        assert_true(trial_found(&trial, BC_FINDING_TIME, BC_VERDICT_TAMPERED));
                forge_free(forge);
        }
}

// Recovery signs what it found in the folder: that is no word on what was between.
static void test_rule_09_recovery_does_not_close_a_gap(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge->next_number = 3;
        forge_write(forge, "IPPaatg IPPaa Z F");
        trial_expect_found(&trial, trial_recording(&trial, forge), BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
        forge_free(forge);
}

// ---- an end whose sync failed, and whose bytes are there --------------------------------------------------------

// The recorder abandoned segment 1 before its end; `end` reached the card all the same.
static void judge_landed(const char *end, enum bc_verdict expected)
{
        struct forge *forge = forge_new(&trial.identity, 0);
        struct forge_segment *segment = forge_write(forge, "IPPaatg R IPPaa R");
        uint8_t prev[BC_HASH_BYTES];

        memcpy(prev, forge->prev, sizeof(prev));
        forge_abandon(forge, segment->size, segment->init.label.base_ticks + 3 * 1600);
        forge_go_on(forge, end);
        memcpy(forge->prev, prev, sizeof(prev));
        forge->segments_stated = 2;
        forge_write(forge, "IPPaatg R IPPaa X F");
        trial_expect_found(&trial, trial_recording(&trial, forge), expected, BC_FINDING_END);
        forge_free(forge);
}

static void test_rule_07_end_that_landed(void **state)
{
        (void)state;
        judge_landed("C", BC_VERDICT_UNPROVEN);
        judge_landed("C m", BC_VERDICT_UNPROVEN);
        judge_landed("C M", BC_VERDICT_UNPROVEN);
        judge_landed("C F", BC_VERDICT_UNPROVEN);
        judge_landed("R", BC_VERDICT_UNPROVEN);
        judge_landed("X F", BC_VERDICT_TAMPERED); // no recorder goes on behind a close
}

// ---- with the ledger ---------------------------------------------------------------------------------------------

// Segment 1 came to nothing, and what was signed first hangs on the ledger: nothing is missing. Taken out, it is.
static void test_rule_07_first_number_skipped(void **state)
{
        (void)state;
        for (int taken = 0; taken < 2; taken++) {
                struct store_trial store;

                store_trial_init_empty(&store, &trial);
                forge_ledger_start(store.ledger, false);
                struct forge *forge = store_trial_record(&store, 17, false, (const char *const[]){ NULL });
                if (taken)
                        forge_write(forge, "IPPaatg R IPPaa C F");
                forge->next_number = 2;
                forge->segments_stated = 1;
                forge_write(forge, "IPPaatg R IPPaa X F");
                forge_ledger_closed(store.ledger, 17, 1, forge->prev);
                forge_ledger_stop(store.ledger);
                if (taken)
                        forge->segment[0].left_out = true;
                store_trial_expect(&store, taken ? BC_VERDICT_UNPROVEN : BC_VERDICT_AUTHENTIC);
                store_trial_done(&store);
        }
}

// The sync of the very last record failed: the ledger names the one before it. Another record is another matter.
static void test_rule_07_close_that_landed(void **state)
{
        (void)state;
        for (int before = 0; before < 3; before++) {
                struct store_trial store;
                uint8_t hash[3][BC_HASH_BYTES]; // of the last records, the newest last

                store_trial_init_empty(&store, &trial);
                forge_ledger_start(store.ledger, false);
                struct forge *forge = store_trial_record(&store, 17, false, (const char *const[]){ "IPPaatg R", NULL });
                memcpy(hash[0], forge->prev, BC_HASH_BYTES);
                forge_go_on(forge, "IPPaa R");
                memcpy(hash[1], forge->prev, BC_HASH_BYTES);
                forge_go_on(forge, "X F");
                memcpy(hash[2], forge->prev, BC_HASH_BYTES);
                forge_ledger_closed(store.ledger, 17, 1, hash[2 - before]);
                forge_ledger_stop(store.ledger);
                store_trial_expect(&store, before == 0 ? BC_VERDICT_AUTHENTIC : before == 1 ? BC_VERDICT_UNPROVEN : BC_VERDICT_TAMPERED);
                store_trial_done(&store);
        }
}

// By the ledger the recording ended with segment 1; of the last one, that came to no record, only recovery's is there.
static void test_rule_09_recovered_behind_the_last_record(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        struct forge *forge = store_trial_record(&store, 17, false, (const char *const[]){ "IPPaatg R IPPaa C F", NULL });
        forge_ledger_closed(store.ledger, 17, 2, forge->prev);
        forge_write(forge, "IPPaatg IPPaa Z F");
        forge_ledger_stop(store.ledger);
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_UNSIGNED);
        store_trial_done(&store);
}

// What the device states of a recording that breaks off between two segments is judged with its anchor's word, and is in the report.
static void test_rule_08_broke_off(void **state)
{
        static const struct {
                const char *types; // of recording, segment, hash, medium, age, tail
                int64_t medium, age_ns;
                enum bc_verdict expected;
        } cases[] = {
                { "iihiinn", 1, 0, BC_VERDICT_AUTHENTIC },
                { "iihiinn", 5, INT64_C(2000000000), BC_VERDICT_AUTHENTIC },
                { "iihiinn", 1, INT64_C(2000000001), BC_VERDICT_UNPROVEN },
                { "iihiinn", 3, 0, BC_VERDICT_UNPROVEN }, // a TPM's memory alone
                { "iihiinn", 1, -1, BC_VERDICT_UNPROVEN },
                { "iihinnn", 1, 0, BC_VERDICT_TAMPERED },
                { "iihinnn", 3, 0, BC_VERDICT_TAMPERED },
                { "iihnnnn", 0, 0, BC_VERDICT_UNPROVEN },
                { "iihii", 1, 0, BC_VERDICT_TAMPERED }, // not its keys
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct store_trial store;

                store_trial_init_empty(&store, &trial);
                forge_ledger_start(store.ledger, false);
                struct forge *forge = store_trial_record(&store, 17, false, (const char *const[]){ "IPPaatg R IPPaa C F", NULL });
                forge_ledger_start(store.ledger, false);
                if (strcmp(cases[i].types, "iihiinn") == 0 || strcmp(cases[i].types, "iihii") == 0)
                        forge_ledger_event(store.ledger, 19, cases[i].types, INT64_C(17), INT64_C(1), forge->prev, cases[i].medium, cases[i].age_ns);
                else if (strcmp(cases[i].types, "iihinnn") == 0)
                        forge_ledger_event(store.ledger, 19, cases[i].types, INT64_C(17), INT64_C(1), forge->prev, cases[i].medium);
                else
                        forge_ledger_event(store.ledger, 19, cases[i].types, INT64_C(17), INT64_C(1), forge->prev);
                forge_ledger_record(store.ledger, BC_NS_PER_S);
                forge_ledger_stop(store.ledger);
                store_trial_expect(&store, cases[i].expected);
                if (cases[i].expected == BC_VERDICT_AUTHENTIC) {
                        assert_int_equal(store.verdict.notes, 1);
                        assert_int_equal(store.verdict.note[0].event, BC_LEDGER_BROKE_OFF);
                }
                store_trial_done(&store);
        }
}

// What it states of one of which it found nothing, or not even the folder.
static void test_rule_08_nothing(void **state)
{
        static const struct {
                const char *types; // of recording, medium, named, tail
                int64_t medium;
                int named;
                enum bc_verdict expected;
        } cases[] = {
                { "iibnn", 1, 0, BC_VERDICT_AUTHENTIC }, { "iibnn", 4, 0, BC_VERDICT_AUTHENTIC },
                { "iibnn", 3, 0, BC_VERDICT_UNPROVEN },  { "iibnn", 1, 1, BC_VERDICT_TAMPERED },
                { "iibnn", 3, 1, BC_VERDICT_TAMPERED },  { "inbnn", 0, 0, BC_VERDICT_UNPROVEN },
                { "iibii", 1, 0, BC_VERDICT_TAMPERED }, // a tail without a hash
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                for (int late = 0; late < 2; late++) {
                        struct store_trial store;

                        store_trial_init_empty(&store, &trial);
                        forge_ledger_start(store.ledger, false);
                        (void)store_trial_record(&store, 16, true, (const char *const[]){ "IPPaatg R X F", NULL });
                        forge_ledger_begun(store.ledger, 17);
                        if (late) // the device went on
                                forge_ledger_record(store.ledger, 3 * BC_NS_PER_S);
                        forge_ledger_start(store.ledger, false);
                        if (cases[i].types[1] == 'i')
                                forge_ledger_event(store.ledger, 21, cases[i].types, INT64_C(17), cases[i].medium, cases[i].named, INT64_C(1), INT64_C(1));
                        else
                                forge_ledger_event(store.ledger, 21, cases[i].types, INT64_C(17), cases[i].named);
                        forge_ledger_record(store.ledger, BC_NS_PER_S);
                        forge_ledger_stop(store.ledger);
                        store_trial_expect(&store, late && cases[i].expected == BC_VERDICT_AUTHENTIC ? BC_VERDICT_UNPROVEN : cases[i].expected);
                        store_trial_done(&store);
                }
}

#define EMPTY_HEAD "{\"version\": 1, \"device\": \"BC-0042\", \"recording\": 17, \"state\": \"closed\", \"ticks_per_second\": 48000, "
#define EMPTY_LISTS "\"segments\": [], \"gaps\": [], \"clock\": [], "

// There is nothing in a folder that a manifest.json could be held against; it is no place for anybody's words all the same.
static void test_rule_08_nothing_and_a_manifest(void **state)
{
        static const char lawful[] = EMPTY_HEAD EMPTY_LISTS "\"marks\": []}";
        static const char marked[] = EMPTY_HEAD EMPTY_LISTS "\"marks\": [{\"ticks\": 1, \"text\": \"guilty\", \"count\": 1}]}";
        static const char read_back[] = EMPTY_HEAD EMPTY_LISTS "\"read_back\": true, \"files\": [], "
                                        "\"marks\": [{\"ticks\": 1, \"text\": \"guilty\", \"count\": 1}]}";
        static const struct {
                const char *manifest, *signed_text;
                enum bc_verdict expected;
        } cases[] = {
                { lawful, NULL, BC_VERDICT_AUTHENTIC },
                { EMPTY_HEAD EMPTY_LISTS "\"files\": [], \"marks\": []}", EMPTY_HEAD EMPTY_LISTS "\"files\": [], \"marks\": []}",
                  BC_VERDICT_AUTHENTIC },
                { lawful, marked, BC_VERDICT_TAMPERED }, // of something else
                { NULL, lawful, BC_VERDICT_UNPROVEN },
                { marked, NULL, BC_VERDICT_UNPROVEN },
                { read_back, read_back, BC_VERDICT_UNPROVEN },
                { EMPTY_HEAD EMPTY_LISTS "\"marks\": [], \"guilty\": true}", NULL, BC_VERDICT_TAMPERED },
                { "{\"version\": 1, \"device\": \"BC-0043\", \"recording\": 17, \"ticks_per_second\": 48000, " EMPTY_LISTS "\"marks\": []}",
                  NULL, BC_VERDICT_TAMPERED },
                { "{\"version\": 1, \"device\": \"BC-0042\", \"recording\": 18, \"ticks_per_second\": 48000, " EMPTY_LISTS "\"marks\": []}",
                  NULL, BC_VERDICT_TAMPERED },
                { EMPTY_HEAD "\"segments\": [{\"file\": \"0001.mp4\", \"state\": \"closed\"}], \"marks\": []}", NULL, BC_VERDICT_UNPROVEN },
                { EMPTY_HEAD "\"segments\": [{\"file\": \"0001.mp4\", \"state\": \"empty\"}], \"marks\": []}", NULL, BC_VERDICT_AUTHENTIC },
                { "no JSON", NULL, BC_VERDICT_TAMPERED },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                for (int nothing = 0; nothing < 2; nothing++) {
                        struct store_trial store;

                        store_trial_init_empty(&store, &trial);
                        store.manifest = cases[i].manifest;
                        store.signed_text = cases[i].signed_text;
                        forge_ledger_start(store.ledger, false);
                        (void)store_trial_record(&store, 17, false, (const char *const[]){ NULL });
                        if (nothing) {
                                forge_ledger_start(store.ledger, false);
                                forge_ledger_event(store.ledger, 21, "iibnn", INT64_C(17), INT64_C(1), 0);
                                forge_ledger_record(store.ledger, BC_NS_PER_S);
                        } else {
                                forge_ledger_closed(store.ledger, 17, 0, NULL);
                        }
                        forge_ledger_stop(store.ledger);
                        store_trial_expect(&store, cases[i].expected);
                        store_trial_done(&store);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_07_skipped_number),
                cmocka_unit_test(test_rule_07_segment_taken_out),
                cmocka_unit_test(test_rule_06_hole_at_a_skipped_number),
                cmocka_unit_test(test_rule_09_recovery_does_not_close_a_gap),
                cmocka_unit_test(test_rule_07_end_that_landed),
                cmocka_unit_test(test_rule_07_first_number_skipped),
                cmocka_unit_test(test_rule_07_close_that_landed),
                cmocka_unit_test(test_rule_09_recovered_behind_the_last_record),
                cmocka_unit_test(test_rule_08_broke_off),
                cmocka_unit_test(test_rule_08_nothing),
                cmocka_unit_test(test_rule_08_nothing_and_a_manifest),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
