// SPDX-License-Identifier: EUPL-1.2
// Somebody has had the card in his hands. Each test is named after what he did.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared_trial.h"
#include "store_trial.h"

static struct store_trial store;

static int set_up(void **state)
{
        (void)state;
        store_trial_init(&store, &trial);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        store_trial_done(&store);
        return 0;
}

static struct forge_ledger_file *file(size_t i)
{
        return &store.ledger->file[i];
}

static size_t record_bytes(size_t i, size_t record)
{
        return file(i)->record_at[record + 1] - file(i)->record_at[record];
}

static void witness(uint64_t sequence, const uint8_t hash[BC_HASH_BYTES])
{
        char text[200], fault[200];
        int n = snprintf(text, sizeof(text), "BC-0042:1:%d:", (int)sequence);

        for (size_t i = 0; i < BC_HASH_BYTES; i++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "%02x", (unsigned)hash[i]);
        assert_int_equal(bc_witnesses_add(&store.witnesses, text, fault, sizeof(fault)), 0);
}

static void drop_recordings(void)
{
        for (size_t i = 0; i < store.recordings; i++)
                forge_free(store.recording[i]);
        store.recordings = 0;
}

// ---- records ---------------------------------------------------------------------------------------------------

static void test_record_removed(void **state)
{
        (void)state;
        for (size_t i = 0; i < 2; i++)
                for (size_t k = 0; k + 1 < file(i)->records; k++) {
                        struct forge_ledger *whole = forge_ledger_copy(store.ledger);
                        forge_ledger_splice(file(i), file(i)->record_at[k], record_bytes(i, k), NULL, 0);
                        store_trial_expect(&store, BC_VERDICT_TAMPERED);
                        assert_false(store.verdict.whole);
                        forge_ledger_free(store.ledger);
                        store.ledger = whole;
                }
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
}

static void test_record_removed_at_the_end_of_a_file(void **state)
{
        (void)state;
        forge_ledger_splice(file(0), file(0)->record_at[7], record_bytes(0, 7), NULL, 0);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

static void test_records_reordered(void **state)
{
        uint8_t record[BC_RECORD_BYTES_MAX];
        size_t n = record_bytes(0, 3);

        (void)state;
        memcpy(record, file(0)->bytes + file(0)->record_at[3], n);
        forge_ledger_splice(file(0), file(0)->record_at[3], n, NULL, 0);
        forge_ledger_splice(file(0), file(0)->record_at[5] - n, 0, record, n);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

static void test_record_replayed(void **state)
{
        uint8_t record[BC_RECORD_BYTES_MAX];

        (void)state;
        for (size_t k = 1; k < file(0)->records; k++) {
                struct forge_ledger *whole = forge_ledger_copy(store.ledger);
                size_t n = record_bytes(0, k);
                memcpy(record, file(0)->bytes + file(0)->record_at[k], n);
                forge_ledger_splice(file(0), file(0)->size, 0, record, n);
                store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
                forge_ledger_free(store.ledger);
                store.ledger = whole;
        }
}

// Every byte of the ledger, sooner or later; the last record of all can be lost to a power cut as well, and is not proven then.
static void test_record_changed(void **state)
{
        (void)state;
        drop_recordings();
        for (size_t i = 0; i < 2; i++)
                for (size_t at = i; at < file(i)->size; at += 13) {
                        bool last = i == 1 && at >= file(1)->record_at[file(1)->records - 1];
                        file(i)->bytes[at] ^= 0x10;
                        enum bc_verdict verdict = store_trial_judge(&store);
                        assert_int_not_equal(store.verdict.findings.verdict,
                                             last ? BC_VERDICT_UNJUDGED : BC_VERDICT_AUTHENTIC);
                        assert_true(verdict == BC_VERDICT_TAMPERED ||
                                    (last && bc_ledger_head(&store.verdict)->sequence == 10));
                        file(i)->bytes[at] ^= 0x10;
                }
}

// By one that the device signed in its place, in a copy of the store: only the hash in the next one tells.
static void test_record_exchanged(void **state)
{
        struct forge_ledger *copy = forge_ledger_new(&trial.identity);

        (void)state;
        drop_recordings();
        forge_ledger_start(copy, false);
        forge_ledger_splice(file(0), file(0)->record_at[0], record_bytes(0, 0), copy->file[0].bytes, copy->file[0].size);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
        assert_int_equal(store.verdict.links, 1);
        forge_ledger_free(copy);
}

static void on_sequence(void *user, struct bc_record *record)
{
        (void)user;
        record->ledger++;
}

// A number is left out, and everything else is right.
static void test_number_skipped(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        store.ledger->on_record = on_sequence;
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
        assert_non_null(strstr(store.verdict.findings.finding[0].text, "records 13 to 13 of epoch 1 are not there"));
}

static void test_bytes_put_in(void **state)
{
        static const uint8_t zeros[BC_RECORD_BYTES_MAX + 1];

        (void)state;
        forge_ledger_splice(file(0), file(0)->record_at[4], 0, zeros, 100);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
        forge_ledger_splice(file(0), file(0)->record_at[4], 100, NULL, 0);
        forge_ledger_splice(file(1), file(1)->size, 0, zeros, sizeof(zeros));
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
}

// ---- files -----------------------------------------------------------------------------------------------------

static void test_first_file_removed(void **state)
{
        (void)state;
        file(0)->left_out = true;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

static void test_middle_file_removed(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        file(1)->left_out = true;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

// What nothing hangs on and nobody has witnessed can be cut without a trace in the ledger itself.
static void test_rule_12_last_file_removed(void **state)
{
        (void)state;
        file(1)->left_out = true;
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        witness(11, store.ledger->hash);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_last_file_removed_that_a_recording_hangs_on(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        store_trial_record(&store, 19, true, (const char *const[]){ "IPPaatg R X F", NULL });
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        file(2)->left_out = true;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_all_files_removed(void **state)
{
        (void)state;
        file(0)->left_out = file(1)->left_out = true;
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_NO_RECORD);
}

static void test_tail_cut(void **state)
{
        uint8_t hash[BC_HASH_BYTES];

        (void)state;
        forge_ledger_hash(file(1), 1, hash);
        forge_ledger_splice(file(1), file(1)->record_at[2], record_bytes(1, 2), NULL, 0);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_int_equal(bc_ledger_head(&store.verdict)->sequence, 10);
        witness(10, hash); // it goes so far
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        witness(11, store.ledger->hash);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_file_added(void **state)
{
        (void)state;
        store.ledger->file[2] = (struct forge_ledger_file){
                .epoch = 1, .boot = 3, .sequence = 12, .bytes = malloc(file(0)->size), .size = file(0)->size
        };
        memcpy(file(2)->bytes, file(0)->bytes, file(0)->size);
        store.ledger->files = 3;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

static void test_file_renamed(void **state)
{
        (void)state;
        file(1)->boot++;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

static void test_rule_12_witness_of_another_history(void **state)
{
        uint8_t hash[BC_HASH_BYTES] = { 1 };

        (void)state;
        witness(5, hash);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

// ---- two histories ---------------------------------------------------------------------------------------------

static void test_two_stores_mixed(void **state)
{
        struct forge_identity other = forge_identity("BC-0043", NULL, NULL);
        struct forge_ledger *foreign = forge_ledger_new(&other);

        (void)state;
        memcpy(foreign->device, "BC-0043", 8);
        foreign->boot = 4;
        foreign->sequence = store.ledger->sequence;
        memcpy(foreign->hash, store.ledger->hash, BC_HASH_BYTES);
        forge_ledger_start(foreign, false);
        store.ledger->file[2] = foreign->file[0];
        store.ledger->files = 3;
        foreign->files = 0;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
        forge_ledger_free(foreign);
        forge_identity_done(&other);
}

// EVIDENCE 13: the card was copied, and both copies went on.
static void test_rule_13_fork(void **state)
{
        struct forge_ledger *copy = forge_ledger_copy(store.ledger);
        const struct bc_ledger_link *one, *two;

        (void)state;
        copy->boot++; // the anchor knew of one more
        forge_ledger_start(store.ledger, true);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        struct store_trial other = { .trial = &trial, .ledger = copy };
        forge_ledger_start(copy, true);
        store_trial_judge(&other);
        assert_true(other.verdict.whole);
        assert_true(bc_store_find_fork(&store.verdict, &other.verdict, &one, &two));
        assert_int_equal(one->sequence, 12);
        assert_memory_not_equal(one->hash, two->hash, BC_HASH_BYTES);
        assert_false(bc_store_find_fork(&store.verdict, &store.verdict, &one, &two));
        // And in one folder.
        store.ledger->file[3] = copy->file[2];
        store.ledger->files = 4;
        copy->files = 2;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
        assert_non_null(strstr(store.verdict.findings.finding[0].text, "fork"));
        store_trial_done(&other);
}

static void test_epoch_goes_back(void **state)
{
        (void)state;
        forge_ledger_roll_back(store.ledger, 40);
        store_trial_expect(&store, BC_VERDICT_UNPROVEN);
        store.ledger->epoch = 1;
        store.ledger->sequence = 11;
        forge_ledger_start(store.ledger, false);
        // Under the name that its record has it comes earlier, and under one that comes later the name is wrong.
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
        file(3)->epoch = 2;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

static void test_epoch_without_rollback(void **state)
{
        (void)state;
        store.ledger->epoch = 2;
        store.ledger->sequence = 0;
        forge_ledger_start(store.ledger, false);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_epoch_before_removed(void **state)
{
        (void)state;
        forge_ledger_roll_back(store.ledger, 40);
        file(0)->left_out = file(1)->left_out = true;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CHAIN);
}

// ---- recordings ------------------------------------------------------------------------------------------------

static void test_rule_12_recording_removed(void **state)
{
        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct forge *forge = store.recording[i];
                store.recording[i] = NULL;
                store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_MISSING);
                store.recording[i] = forge;
        }
        drop_recordings();
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_MISSING);
}

static void test_recording_removed_that_was_only_begun(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        forge_ledger_begun(store.ledger, 19);
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
        forge_ledger_closed(store.ledger, 19, 0, NULL); // nothing of it was signed
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
}

static void test_number_left_out(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        store_trial_record(&store, 22, true, (const char *const[]){ "IPPaatg R X F", NULL });
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
}

static void test_segment_removed(void **state)
{
        (void)state;
        struct forge_segment last = store.recording[0]->segment[1];
        store.recording[0]->segments = 1; // it says "continues"; the ledger names the record behind that
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
        store.recording[0]->segments = 2;
        store.recording[0]->segment[1] = last;
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
}

// It ends with "close" and says that there are more segments than the ledger says: that is not settled by its word.
static void test_close_states_more_segments(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge_ledger_start(store.ledger, true);
        forge->recording = 19;
        forge->boot = store.ledger->boot;
        forge->ledger = store.ledger->sequence;
        forge->segments_stated = 3;
        memcpy(forge->prev, store.ledger->hash, BC_HASH_BYTES);
        forge_ledger_begun(store.ledger, 19);
        forge_write(forge, "IPPaatg R X F");
        forge_ledger_closed(store.ledger, 19, 1, forge->prev);
        store.recording[store.recordings++] = forge;
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
}

static void test_recording_of_another_device(void **state)
{
        struct forge_identity other = trial.identity;

        (void)state;
        other.device = forge_certify(&(struct forge_want){
                .name = "other", .device = "BC-0043", .issuer = &trial.identity.issuer });
        struct forge *forge = forge_new(&other, 0);
        memcpy(forge->device, "BC-0043", 8);
        forge_write(forge, "IPPaatg R X F");
        store.recording[store.recordings++] = forge;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
        forge_authority_done(&other.device);
}

// Of this device, by its key, and from another history of it.
static void test_recording_of_another_history(void **state)
{
        static const uint64_t hangs_on[] = { 3, 212 };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct forge *forge = forge_new(&trial.identity, 0);
                forge->recording = 19;
                forge->ledger = hangs_on[i]; // 3: with another hash; 212: there is none
                forge_write(forge, "IPPaatg R X F");
                store.recording[2] = forge;
                store.recordings = 3;
                store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
                forge_free(forge);
                store.recordings = 2;
        }
}

static void test_recording_exchanged(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 0);

        (void)state;
        forge->recording = 18;
        forge->ledger = store.recording[1]->ledger;
        forge_ledger_hash(file(0), (size_t)forge->ledger - 1, forge->prev);
        forge_write(forge, "IPPaatg R IPPaa R X F");
        forge_free(store.recording[1]);
        store.recording[1] = forge;
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

// ---- a device that lies ----------------------------------------------------------------------------------------

static void on_time(void *user, struct bc_record *record)
{
        (void)user;
        record->signed_ns -= 100 * BC_NS_PER_S;
}

static void test_clock_goes_back(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        store.ledger->on_record = on_time;
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_TIME);
}

static void test_clean_start_without_stop(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        forge_ledger_start(store.ledger, true);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_run_without_start(void **state)
{
        (void)state;
        store.ledger->boot++;
        store.ledger->file_wanted = true;
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_event_behind_stop(void **state)
{
        (void)state;
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_number_begun_twice(void **state)
{
        (void)state;
        forge_ledger_start(store.ledger, true);
        forge_ledger_begun(store.ledger, 18);
        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
}

static void test_details(void **state)
{
        static const uint8_t hash[BC_HASH_BYTES];
        static const struct {
                uint32_t event;
                const char *types;
        } bad[] = { { 2, "" },    { 2, "i" },  { 2, "tt" },  { 3, "n" },   { 5, "i" },   { 5, "it" },
                    { 6, "iit" }, { 6, "ii" }, { 7, "iin" }, { 9, "iii" }, { 10, "it" }, { 12, "nnn" },
                    { 13, "n" },  { 14, "b" }, { 16, "t" },  { 17, "in" }, { 20, "ii" }, { 20, "iin" } };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                struct store_trial other;
                char types[6] = "";
                store_trial_init_empty(&other, &trial);
                forge_ledger_start(other.ledger, false);
                memcpy(types, bad[i].types, strlen(bad[i].types));
                // Up to three values of each type's kind.
                const char *t = types;
                if (strcmp(t, "tt") == 0)
                        forge_ledger_event(other.ledger, bad[i].event, t, "a", "b");
                else if (t[0] == 't')
                        forge_ledger_event(other.ledger, bad[i].event, t, "a");
                else if (t[0] == 'b')
                        forge_ledger_event(other.ledger, bad[i].event, t, 1);
                else if (strcmp(t, "it") == 0)
                        forge_ledger_event(other.ledger, bad[i].event, t, INT64_C(1), "a");
                else if (strcmp(t, "iit") == 0)
                        forge_ledger_event(other.ledger, bad[i].event, t, INT64_C(1), INT64_C(1), "a");
                else
                        forge_ledger_event(other.ledger, bad[i].event, t, INT64_C(1), INT64_C(1), INT64_C(1),
                                           hash);
                forge_ledger_record(other.ledger, BC_NS_PER_S);
                store_trial_expect_found(&other, BC_VERDICT_TAMPERED, BC_FINDING_RECORD);
                store_trial_done(&other);
        }
}

int main(void)
{
#define ATTACK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                ATTACK(test_record_removed),
                ATTACK(test_record_removed_at_the_end_of_a_file),
                ATTACK(test_records_reordered),
                ATTACK(test_record_replayed),
                ATTACK(test_record_changed),
                ATTACK(test_record_exchanged),
                ATTACK(test_number_skipped),
                ATTACK(test_bytes_put_in),
                ATTACK(test_first_file_removed),
                ATTACK(test_middle_file_removed),
                ATTACK(test_rule_12_last_file_removed),
                ATTACK(test_last_file_removed_that_a_recording_hangs_on),
                ATTACK(test_all_files_removed),
                ATTACK(test_tail_cut),
                ATTACK(test_file_added),
                ATTACK(test_file_renamed),
                ATTACK(test_rule_12_witness_of_another_history),
                ATTACK(test_two_stores_mixed),
                ATTACK(test_rule_13_fork),
                ATTACK(test_epoch_goes_back),
                ATTACK(test_epoch_without_rollback),
                ATTACK(test_epoch_before_removed),
                ATTACK(test_rule_12_recording_removed),
                ATTACK(test_recording_removed_that_was_only_begun),
                ATTACK(test_number_left_out),
                ATTACK(test_segment_removed),
                ATTACK(test_close_states_more_segments),
                ATTACK(test_recording_of_another_device),
                ATTACK(test_recording_of_another_history),
                ATTACK(test_recording_exchanged),
                ATTACK(test_clock_goes_back),
                ATTACK(test_clean_start_without_stop),
                ATTACK(test_run_without_start),
                ATTACK(test_event_behind_stop),
                ATTACK(test_number_begun_twice),
                ATTACK(test_details),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
