// SPDX-License-Identifier: EUPL-1.2
// Records of recordings, whatever the card does: the chain in the files is right, and nobody waited for it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act.h"
#include "lib/counts.h"
#include "format/finalise.h"

// ---- the card's troubles ---------------------------------------------------------------------------------------

static void with_faults(const struct notary_temper *temper, unsigned first, unsigned fails_every, unsigned failures, uint32_t seed)
{
        struct act *act = act_begin(temper, 3 * S);
        struct witness *witness;

        card.first = first;
        card.fails_every = fails_every;
        card.failures = failures;
        card.seed = seed;
        act_record_marked(act, 8);
        bench_run_until(&act->bench, 200 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
        witness = act_read(act, 1, 0);
        witness_free(witness);
        act_end(act);
}

// One write or sync fails, each in its turn.
static void test_every_call_fails_once(void **state)
{
        static const struct notary_temper temper[] = { { .pace_ns = 0 }, { .pace_ns = 120 * MS }, { .pace_ns = 700 * MS } };
        unsigned step = counts_of(10, 3, 1);

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct act *act = act_begin(&temper[i], 3 * S);
                unsigned calls;

                act_record_marked(act, 8);
                bench_run_until(&act->bench, 140 * S);
                calls = card.calls;
                act_end(act);
                for (unsigned n = 1 + (unsigned)i; n <= calls; n += step)
                        with_faults(&temper[i], n, 1, 1, 0);
        }
}

static void test_random_faults(void **state)
{
        int rounds = (int)counts_of(10, 20, 200);

        (void)state;
        for (int i = 0; i < rounds; i++) {
                struct notary_temper temper = tempers[i % (int)ACT_TEMPERS];

                temper.seed = (uint32_t)i + 1;
                with_faults(&temper, 1, 3 + (unsigned)i % 17, 12, (uint32_t)i + 77);
        }
}

static void test_card_that_stalls(void **state)
{
        static const int64_t stall_ns[] = { 300 * MS, 4 * S };

        (void)state;
        for (size_t i = 0; i < 8; i++) {
                struct act *act = act_begin(&tempers[i], 2 * S);
                struct witness *witness;

                card.stall_ns = stall_ns[i % 2];
                act_record(act, 12);
                bench_run_until(&act->bench, 250 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                witness = act_read(act, 1, 0);
                witness_free(witness);
                act_end(act);
        }
}

// A power cut: what is durable is proven up to the last record.
static void test_recorder_that_is_dropped(void **state)
{
        (void)state;
        for (size_t i = 0; i < ACT_TEMPERS; i++) {
                struct act *act = act_begin(&tempers[i], 3 * S);
                struct witness *witness;

                act->bench.config.give_up_ns = 0;
                assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&act->bench, 117 * S + 300 * MS);
                witness = act_read(act, 1, 0);
                assert_true(witness->records > 0);
                witness_free(witness);
                act_end(act);
        }
}

// ---- abandoned segments ----------------------------------------------------------------------------------------

static void test_successor_of_abandoned(void **state)
{
        (void)state;
        for (size_t i = 0; i < 4; i++) {
                struct act *act = act_begin(&tempers[i], 30 * S);
                struct witness *witness;

                assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&act->bench, 114 * S);
                card.calls = 0;
                card.first = 1 + (unsigned)i / 2;
                card.fails_every = card.failures = 1;
                bench_run_until(&act->bench, 118 * S);
                assert_int_equal(card.struck, 1);
                assert_int_equal(bc_recorder_stop(act->bench.recorder, 118 * S, "button"), 0);
                bench_run_until(&act->bench, 150 * S);
                witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
                assert_int_equal(witness->segments, 2);
                assert_true(witness->segment[0]->abandoned);
                assert_int_equal(witness->by_kind[BC_RECORD_CLOSE], 1);
                witness_free(witness);
                act_end(act);
        }
}

// Two in a row, the second while its first record was still with a slow signer: the next record there is proves both ends.
static void test_successor_of_two(void **state)
{
        const struct notary_temper temper = { .pace_ns = 1500 * MS };
        struct act *act = act_begin(&temper, 30 * S);
        struct witness *witness;

        (void)state;
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        bench_run_until(&act->bench, 114 * S);
        for (int i = 0; i < 2; i++) { // a write of 0001.mp4, and then the second one of 0002.mp4
                card.calls = 0;
                card.first = i == 0 ? 1 : 3;
                card.fails_every = card.failures = 1;
                bench_run_until(&act->bench, 114 * S + (i + 1) * 700 * MS);
        }
        assert_int_equal(card.struck, 2);
        bench_run_until(&act->bench, 118 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 118 * S, "button"), 0);
        bench_run_until(&act->bench, 150 * S);
        witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
        assert_int_equal(witness->segments, 3);
        assert_int_equal(witness->segment[1]->records, 0);
        assert_true(witness->segment[0]->abandoned && witness->segment[1]->abandoned);
        assert_int_equal(witness->by_kind[BC_RECORD_CLOSE], 1);
        witness_free(witness);
        act_end(act);
}

// The first record's range, as it lies on the card.
static void read_first(struct act *act, size_t *ret_n, uint8_t **ret_bytes, struct bc_record *record)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        struct bc_record_message *message = malloc(sizeof(*message));
        int folder_fd;
        uint8_t *id;

        bc_store_name(act->bench.store, 1, name);
        folder_fd = openat(bc_store_recordings_fd(act->bench.store), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *ret_bytes = (uint8_t *)folder_read(folder_fd, "0001.mp4", ret_n);
        close(folder_fd);
        id = memmem(*ret_bytes, *ret_n, bc_record_id, sizeof(bc_record_id));
        assert_true(message && id);
        assert_int_equal(bc_record_parse(id - 8, (size_t)(id[-8] << 24 | id[-7] << 16 | id[-6] << 8 | id[-5]), record, message, NULL, 0, NULL), 0);
        free(message);
}

// A card that keeps other bytes than it was given, whoever makes it so: the record is over those that were given.
static void test_rule_25_what_is_written_is_hashed(void **state)
{
        static const off_t lie_at[] = { 0, 1000, 3000 };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct act *act = act_begin(&tempers[0], 30 * S);
                struct bc_record *record = malloc(sizeof(*record));
                uint8_t hash[BC_HASH_BYTES], *bytes;
                struct bc_init_layout layout;
                struct bc_init init;
                size_t n;

                assert_non_null(record);
                card.lie_at = lie_at[i];
                act_record(act, 4);
                bench_run_until(&act->bench, 118 * S);
                read_first(act, &n, &bytes, record);
                assert_int_equal(record->offset, 0);
                assert_true(record->bytes > 3000);
                bytes[lie_at[i]] ^= lie_at[i] > 0; // as it was given to the card
                assert_int_equal(bc_init_parse(bytes, n, &init, &layout), 0);
                bc_finalise_unpatch(&layout, bytes + layout.moov_offset);
                assert_int_equal(bc_facts_hash(bytes, record->bytes, hash), 0);
                assert_memory_equal(hash, record->sha256, sizeof(hash));
                bytes[lie_at[i]] ^= lie_at[i] > 0; // as the card keeps it
                assert_int_equal(bc_facts_hash(bytes, record->bytes, hash), 0);
                assert_int_equal(!memcmp(hash, record->sha256, sizeof(hash)), lie_at[i] == 0);
                free(bytes);
                free(record);
                act_end(act);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_call_fails_once),
                cmocka_unit_test(test_random_faults),
                cmocka_unit_test(test_card_that_stalls),
                cmocka_unit_test(test_recorder_that_is_dropped),
                cmocka_unit_test(test_rule_25_what_is_written_is_hashed),
                cmocka_unit_test(test_successor_of_abandoned),
                cmocka_unit_test(test_successor_of_two),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
