// SPDX-License-Identifier: EUPL-1.2
// Ledgers that a lawful device can leave behind are judged as what they are, and what they state is reported.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared_trial.h"
#include "store_trial.h"

#define SHAPES 60

static struct forge_ledger_file *last_file(struct forge_ledger *ledger)
{
        return &ledger->file[ledger->files - 1];
}

// A write of the last record failed: `kept` bytes of it stand at the end of its file, and it begins the next one.
static void repeat(struct forge_ledger *ledger, size_t kept)
{
        struct forge_ledger_file *file = last_file(ledger), *next = &ledger->file[ledger->files];
        size_t at = file->record_at[file->records - 1], n = file->size - at;

        *next = (struct forge_ledger_file){ .epoch = ledger->epoch,
                                            .boot = ledger->boot,
                                            .sequence = ledger->sequence };
        next->bytes = malloc(n);
        assert_non_null(next->bytes);
        memcpy(next->bytes, file->bytes + at, n);
        next->size = next->record_at[1] = n;
        next->records = 1;
        if (kept < n)
                forge_ledger_splice(file, at + kept, n - kept, NULL, 0);
        ledger->files++;
}

static void tear_end(struct forge_ledger *ledger, size_t n)
{
        uint8_t part[64] = { 0, 0, 2, 0, 'u', 'u', 'i', 'd' };

        memcpy(part + 8, bc_record_id, sizeof(bc_record_id));
        forge_ledger_splice(last_file(ledger), last_file(ledger)->size, 0, part, n);
}

static void test_whole(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init(&store, &trial);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_true(store.verdict.whole);
        assert_int_equal(store.verdict.links, 11);
        assert_int_equal(store.verdict.runs, 2);
        assert_false(store.verdict.run[0].clean);
        assert_true(store.verdict.run[1].clean);
        assert_true(store.verdict.run[0].stopped);
        assert_int_equal(store.verdict.recordings, 2);
        assert_int_equal(bc_ledger_head(&store.verdict)->sequence, 11);
        assert_memory_equal(bc_ledger_head(&store.verdict)->hash, store.ledger->hash, BC_HASH_BYTES);
        // Between the two runs nobody stated anything, and the clock of the same boot tells for how long.
        assert_int_equal(store.verdict.silences, 1);
        assert_int_equal(store.verdict.silence[0].cause, BC_LEDGER_SILENCE_STOPPED);
        assert_int_equal(store.verdict.silence[0].length_ns, 10 * BC_NS_PER_S);
        store_trial_done(&store);
}

static void test_without_recordings(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        store_trial_done(&store);
}

static void test_rule_11_heartbeat_hole(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        forge_ledger_record(store.ledger, 120 * BC_NS_PER_S);
        forge_ledger_record(store.ledger, 120 * BC_NS_PER_S + 1);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_int_equal(store.verdict.silences, 1);
        assert_int_equal(store.verdict.silence[0].cause, BC_LEDGER_SILENCE_HEARTBEAT);
        assert_int_equal(store.verdict.silence[0].length_ns, 120 * BC_NS_PER_S + 1);
        assert_true(store.verdict.silence[0].to.utc_ns - store.verdict.silence[0].from.utc_ns ==
                    120 * BC_NS_PER_S + 1);
        store_trial_done(&store);
}

static void test_torn_end(void **state)
{
        struct store_trial store;

        (void)state;
        for (size_t n = 1; n <= 64; n++) {
                store_trial_init(&store, &trial);
                tear_end(store.ledger, n);
                store_trial_expect_found(&store, BC_VERDICT_AUTHENTIC, BC_FINDING_END);
                // And it stays as it is when the device starts again.
                forge_ledger_start(store.ledger, true);
                store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
                assert_int_equal(store.verdict.torn, 1);
                store_trial_done(&store);
        }
}

// A power cut: no stop, the last record in part.
static void test_rule_11_unclean_start(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        store.ledger->boot_id++;
        tear_end(store.ledger, 30);
        forge_ledger_start(store.ledger, false);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_int_equal(store.verdict.silences, 1);
        assert_int_equal(store.verdict.silence[0].cause, BC_LEDGER_SILENCE_BROKEN_OFF);
        store_trial_done(&store);
}

static void test_failed_write(void **state)
{
        (void)state;
        for (size_t kept = 0; kept <= 2000; kept += 100) {
                struct store_trial store;
                store_trial_init(&store, &trial);
                forge_ledger_start(store.ledger, true);
                forge_ledger_record(store.ledger, BC_NS_PER_S);
                repeat(store.ledger, kept); // 2000: the whole record
                forge_ledger_record(store.ledger, BC_NS_PER_S);
                forge_ledger_stop(store.ledger);
                store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
                assert_int_equal(bc_ledger_head(&store.verdict)->sequence, 15);
                store_trial_done(&store);
        }
}

static void test_events(void **state)
{
        struct store_trial store;
        uint8_t hash[BC_HASH_BYTES] = { 7 };

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        forge_ledger_event(store.ledger, 4, "tttt", "RECORDING", "EMERGENCY", "EMERGENCY_START", "button");
        forge_ledger_event(store.ledger, 4, "tttt", "STANDBY", "RECORDING", "PRESS", "button");
        forge_ledger_event(store.ledger, 9, "iiin", INT64_C(0), INT64_C(5), INT64_C(48000));
        forge_ledger_event(store.ledger, 10, "bt", 1, "officer");
        forge_ledger_event(store.ledger, 11, "bt", 0, "officer");
        forge_ledger_event(store.ledger, 12, "iii", INT64_C(2), FORGE_RECORDED_S * BC_NS_PER_S,
                           -5 * BC_NS_PER_S);
        forge_ledger_event(store.ledger, 12, "inn", INT64_C(0));
        forge_ledger_event(store.ledger, 13, "h", hash);
        forge_ledger_event(store.ledger, 14, "t", "card full");
        forge_ledger_event(store.ledger, 17, "ii", INT64_C(14), INT64_C(1000));
        forge_ledger_event(store.ledger, 20, "iii", INT64_C(0), INT64_C(48000), INT64_C(1));
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        forge_ledger_event(store.ledger, 2, "t", "shutdown");
        forge_ledger_event(store.ledger, 17, "ii", INT64_C(4), INT64_C(2)); // counts alone come behind a stop
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
        assert_int_equal(store.verdict.notes, 10); // not the ordinary change of state, settings
        assert_int_equal(store.verdict.count[BC_LEDGER_ALARM], 1);
        assert_int_equal(store.verdict.flooded[BC_LEDGER_ALARM], 1000);
        assert_int_equal(store.verdict.note[8].event, BC_LEDGER_MARK);
        store_trial_done(&store);
}

static void test_unknown_event(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        forge_ledger_event(store.ledger, 99, "tbihn", "what", 1, INT64_C(-4),
                           (const uint8_t[BC_HASH_BYTES]){ 1 });
        forge_ledger_record(store.ledger, BC_NS_PER_S);
        store_trial_expect_found(&store, BC_VERDICT_AUTHENTIC, BC_FINDING_LEDGER);
        assert_int_equal(store.verdict.count[0], 1);
        store_trial_done(&store);
}

// EVIDENCE 12: the device said so itself.
static void test_rollback(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init(&store, &trial);
        forge_ledger_roll_back(store.ledger, 40);
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_LEDGER);
        assert_true(store.verdict.whole);
        store_trial_done(&store);
        // On an empty card.
        store_trial_init_empty(&store, &trial);
        store.ledger->boot = 6;
        forge_ledger_roll_back(store.ledger, 40);
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_LEDGER);
        assert_int_equal(bc_ledger_head(&store.verdict)->epoch, 2);
        store_trial_done(&store);
}

// EVIDENCE 17.
static void test_key_change(void **state)
{
        struct forge_identity other = trial.identity;
        struct store_trial store;
        uint8_t x5t[BC_HASH_BYTES];
        unsigned n;

        (void)state;
        other.device = forge_certify(
                &(struct forge_want){ .name = "new", .device = "BC-0042", .issuer = &trial.identity.issuer });
        assert_int_equal(X509_digest(other.device.certificate, EVP_sha256(), x5t, &n), 1);
        for (int stated = 0; stated < 2; stated++) {
                store_trial_init_empty(&store, &trial);
                forge_ledger_start(store.ledger, false);
                if (stated)
                        forge_ledger_event(store.ledger, 16, "h", x5t);
                forge_ledger_record(store.ledger, BC_NS_PER_S);
                store.ledger->identity = &other;
                forge_ledger_start(store.ledger, false);
                if (stated)
                        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
                else
                        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
                // The former key does not come back.
                store.ledger->identity = &trial.identity;
                forge_ledger_start(store.ledger, false);
                store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_CERTIFICATE);
                store_trial_done(&store);
        }
        forge_authority_done(&other.device);
}

// A recording that ended with "continues": complete only where the ledger names just that record.
static void test_continues(void **state)
{
        static const char *const words[] = { "IPPaatg R IPPaa C F", NULL };
        struct store_trial store;

        (void)state;
        for (int closed = 0; closed < 2; closed++) {
                store_trial_init_empty(&store, &trial);
                forge_ledger_start(store.ledger, false);
                store_trial_record(&store, 17, closed, words);
                forge_ledger_start(store.ledger, false);
                if (closed)
                        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
                else
                        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_MISSING);
                store_trial_done(&store);
        }
}

static void test_recovered(void **state)
{
        static const char *const words[] = { "IPPaatg R IPPaa R Z F", NULL };
        struct store_trial store;
        uint8_t other[BC_HASH_BYTES] = { 1 };

        (void)state;
        for (int same = 0; same < 2; same++) {
                store_trial_init_empty(&store, &trial);
                forge_ledger_start(store.ledger, false);
                const struct forge *forge = store_trial_record(&store, 17, false, words);
                forge_ledger_start(store.ledger, false);
                forge_ledger_event(store.ledger, 7, "iih", INT64_C(17), INT64_C(1),
                                   same ? forge->prev : other);
                forge_ledger_record(store.ledger, BC_NS_PER_S);
                if (same)
                        store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
                else
                        store_trial_expect_found(&store, BC_VERDICT_TAMPERED, BC_FINDING_LEDGER);
                store_trial_done(&store);
        }
}

// The device was pulled before it could say that a recording had begun.
static void test_recording_not_named(void **state)
{
        struct store_trial store;

        (void)state;
        store_trial_init_empty(&store, &trial);
        forge_ledger_start(store.ledger, false);
        struct forge *forge = forge_new(&trial.identity, 0);
        forge->boot = 1;
        forge->ledger = 1;
        memcpy(forge->prev, store.ledger->hash, BC_HASH_BYTES);
        forge_write(forge, "IPPaatg R X F");
        store.recording[store.recordings++] = forge;
        store_trial_expect_found(&store, BC_VERDICT_UNPROVEN, BC_FINDING_LEDGER);
        store_trial_done(&store);
}

static void shape(struct store_trial *store, uint32_t seed)
{
        uint32_t random = seed * 2654435761u + 9, runs = 1 + forge_random(&random, 5);
        uint64_t number = 17;
        bool clean = false;

        store_trial_init_empty(store, &trial);
        store->ledger->no_utc = forge_random(&random, 4) == 0;
        for (uint32_t run = 0; run < runs; run++) {
                if (forge_random(&random, 2))
                        store->ledger->boot_id++;
                forge_ledger_start(store->ledger, clean);
                for (uint32_t i = forge_random(&random, 6); i > 0; i--) {
                        forge_ledger_record(store->ledger, (1 + forge_random(&random, 200)) * BC_NS_PER_S);
                        if (forge_random(&random, 3) == 0)
                                repeat(store->ledger, forge_random(&random, 1500));
                        if (forge_random(&random, 4) == 0 && store->recordings < STORE_RECORDINGS_MAX)
                                store_trial_record(store, number++, forge_random(&random, 2),
                                                   (const char *const[]){ "IPPaatg R X F", NULL });
                }
                clean = forge_random(&random, 2);
                if (clean)
                        forge_ledger_stop(store->ledger);
                if (forge_random(&random, 2))
                        tear_end(store->ledger, 1 + forge_random(&random, 60));
        }
}

static void test_every_shape(void **state)
{
        (void)state;
        for (uint32_t seed = 1; seed <= SHAPES; seed++) {
                struct store_trial store;
                shape(&store, seed);
                enum bc_verdict verdict = store_trial_judge(&store);
                if (verdict != BC_VERDICT_AUTHENTIC)
                        print_error("shape %u\n", seed);
                store_trial_expect(&store, BC_VERDICT_AUTHENTIC);
                assert_int_equal(bc_ledger_head(&store.verdict)->sequence, store.ledger->sequence);
                store_trial_done(&store);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_without_recordings),
                cmocka_unit_test(test_rule_11_heartbeat_hole),
                cmocka_unit_test(test_torn_end),
                cmocka_unit_test(test_rule_11_unclean_start),
                cmocka_unit_test(test_failed_write),
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_unknown_event),
                cmocka_unit_test(test_rollback),
                cmocka_unit_test(test_key_change),
                cmocka_unit_test(test_continues),
                cmocka_unit_test(test_recovered),
                cmocka_unit_test(test_recording_not_named),
                cmocka_unit_test(test_every_shape),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
