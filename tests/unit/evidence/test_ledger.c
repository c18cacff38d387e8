// SPDX-License-Identifier: EUPL-1.2
// The ledger: nothing is lost without a count, the chain never forks, whatever the card and the signer do (docs/formats/ledger.md).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

// ---- life ------------------------------------------------------------------------------------------------------

static struct bc_anchor_state anchor_of(const struct desk *desk)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        char text[256];

        assert_int_equal(bc_anchor_open(desk->anchor, false, text, sizeof(text), &anchor, &found), 0);
        bc_anchor_free(anchor);
        return found.state;
}

static void test_rule_11_start_life_stop(void **state)
{
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_card.watched = true;
        for (int run = 1; run <= 4; run++) {
                struct archive *archive;
                const bool crashes = run == 3;

                desk_start(&desk, &(struct notary_temper){ .pace_ns = run * 90 * MS });
                assert_int_equal(desk.found.boot, run);
                assert_int_equal(desk.found.epoch, 1);
                assert_false(desk.found.rolled_back);
                assert_int_equal(desk.found.clean, run == 2 || run == 3);
                assert_int_equal(desk.found.last_ns == BC_RECORD_UNKNOWN, run == 1);
                bc_ledger_note_counter(desk.ledger, (uint64_t)run * 10);
                desk_run(&desk, desk.base_ns + 600 * S);
                desk_stop(&desk, !crashes);
                archive = archive_read(&desk);
                assert_int_equal(archive_count(archive, BC_ENTRY_START), run);
                assert_int_equal(archive_count(archive, BC_ENTRY_STOP), run - (run >= 3));
                assert_true(archive_count(archive, BC_ENTRY_LIFE) >= (unsigned)run * 10);
                for (size_t i = 1; i < archive->records; i++)
                        if (archive->record[i].boot == archive->record[i - 1].boot)
                                assert_true(archive->record[i].signed_ns - archive->record[i - 1].signed_ns <= 60 * S);
                assert_int_equal(archive->event[archive->events - 1].kind == BC_ENTRY_STOP, !crashes);
                archive_free(archive);
                desk_look(&desk);
                assert_int_equal(desk.found.counter, (uint64_t)run * 10);
                assert_int_equal(desk.found.clean, !crashes);
        }
        assert_true(desk_card.anchors > 20);
        desk_done(&desk);
}

// The anchor is at most two seconds behind, a record a second, what is urgent is there at once.
static void test_how_soon(void **state)
{
        struct bc_anchor_state anchored;
        const uint8_t hash[BC_HASH_BYTES] = { 7 };
        struct archive *archive;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_start(&desk, NULL);
        desk_run(&desk, 100 * S);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 1);
        archive_free(archive);
        desk_run(&desk, 110 * S);
        desk_tell(&desk, 1, false);
        desk_run(&desk, 110 * S + 900 * MS);
        desk_tell(&desk, 2, false);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 1);
        archive_free(archive);
        desk_run(&desk, 111 * S + 1 * MS);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 2);
        archive_free(archive);
        desk_run(&desk, 120 * S);
        desk_tell(&desk, 3, true);
        bc_ledger_note_tail(desk.ledger, 9, 8, 7, hash, 120 * S);
        desk_run(&desk, 120 * S + 1 * MS);
        archive = archive_read(&desk);
        assert_int_equal(archive->records, 3);
        desk_run(&desk, 122 * S);
        anchored = anchor_of(&desk);
        assert_int_equal(anchored.sequence, 3);
        assert_memory_equal(anchored.hash, archive->record[2].hash, BC_HASH_BYTES);
        assert_int_equal(anchored.recording, 9);
        assert_int_equal(anchored.segment, 8);
        assert_int_equal(anchored.index, 7);
        assert_int_equal(anchored.tail_ns, 120 * S);
        assert_memory_equal(anchored.tail_hash, hash, BC_HASH_BYTES);
        archive_free(archive);
        desk_stop(&desk, true);
        desk_done(&desk);
}

// A battery that is pulled as soon as the first record is there: the anchor knows of it, so nothing looks like a rollback.
static void test_first_record_is_anchored(void **state)
{
        struct desk desk;

        (void)state;
        desk_make(&desk);
        for (int run = 1; run <= 3; run++) {
                desk_start(&desk, NULL);
                assert_false(desk.found.rolled_back);
                desk_run(&desk, desk.base_ns + 1 * MS);
                desk_stop(&desk, false);
        }
        desk_look(&desk);
        assert_int_equal(desk.found.head.sequence, 3);
        assert_int_equal(desk.found.anchor.sequence, 3);
        assert_int_equal(desk.found.boot, 4);
        desk_done(&desk);
}

static void test_rotation(void **state)
{
        struct archive *archive;
        unsigned told = 0;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_card.watched = true;
        desk_start(&desk, NULL);
        for (int i = 0; i < 280; i++) {
                desk_run(&desk, desk.base_ns + 1100 * MS);
                for (int k = 0; k < 100; k++)
                        desk_tell(&desk, told++, false);
        }
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        archive_check_told(archive, told);
        assert_true(archive->files >= 3);
        assert_int_equal(archive->torn, 0);
        assert_int_equal(archive_count(archive, BC_ENTRY_FLOOD), 0);
        for (size_t i = 0; i < archive->records; i++)
                assert_true(archive->record[i].file_end <= BC_LEDGER_FILE_BYTES + BC_RECORD_BYTES_MAX);
        archive_free(archive);
        desk_done(&desk);
}

// ---- trouble ---------------------------------------------------------------------------------------------------

static void test_rule_14_flood(void **state)
{
        struct archive *archive;
        struct desk desk;
        unsigned told = 0;

        (void)state;
        desk_make(&desk);
        desk_card.watched = true;
        desk_start(&desk, NULL);
        desk_run(&desk, 101 * S);
        for (int round = 0; round < 3; round++) {
                desk_card.from = desk_card.calls;
                desk_card.every = 1;
                desk_card.failures = 1000;
                for (int i = 0; i < 1000; i++)
                        desk_tell(&desk, told++, i % 7 == 0);
                desk_run(&desk, desk.base_ns + 30 * S);
                desk_card.failures = 0;
                desk_run(&desk, desk.base_ns + 20 * S);
                for (int i = 0; i < 20; i++)
                        desk_tell(&desk, told++, false);
                desk_run(&desk, desk.base_ns + 20 * S);
        }
        for (int i = 0; i < 1000; i++)
                desk_tell(&desk, told++, false);
        desk_stop(&desk, true);
        archive = archive_read(&desk);
        assert_true(archive_count(archive, BC_ENTRY_FLOOD) >= 8);
        archive_check_told(archive, told);
        assert_int_equal(archive->event[archive->events - 1].kind, BC_ENTRY_STOP);
        archive_free(archive);
        desk_done(&desk);
}

static void with_faults(unsigned from, unsigned every, unsigned failures, uint32_t seed, const struct notary_temper *temper)
{
        struct archive *archive;
        unsigned told = 0;
        struct desk desk;

        desk_make(&desk);
        desk_card.watched = true;
        desk_card.from = from;
        desk_card.every = every;
        desk_card.failures = failures;
        desk_card.seed = seed;
        for (int run = 0; run < 3; run++) {
                desk_start(&desk, temper);
                assert_false(desk.found.rolled_back);
                for (int i = 0; i < 6; i++) {
                        desk_tell(&desk, told++, i % 2);
                        desk_run(&desk, desk.base_ns + 700 * MS);
                }
                desk_run(&desk, desk.base_ns + 40 * S);
                desk_stop(&desk, true);
        }
        archive = archive_read(&desk);
        archive_check_told(archive, told);
        assert_int_equal(archive_count(archive, BC_ENTRY_START), 3);
        assert_int_equal(archive_count(archive, BC_ENTRY_STOP), 3);
        assert_int_equal(archive->record[archive->records - 1].epoch, 1);
        archive_free(archive);
        desk_done(&desk);
}

static void test_each_call_fails(void **state)
{
        (void)state;
        for (unsigned n = 1; n < 45; n++)
                with_faults(n, 1, 1 + n % 2, 0, NULL);
}

static void test_faults_at_random(void **state)
{
        int rounds = getenv("BC_LONG") ? 300 : 30;

        (void)state;
        for (int i = 0; i < rounds; i++) {
                const struct notary_temper temper = { .pace_ns = 0, .pace_max_ns = i % 3 * 400 * MS, .fails_one_in = i % 4 == 3 ? 4 : 0,
                                                      .seed = (uint32_t)i + 1 };

                with_faults(1, 2 + (unsigned)i % 5, 12, (uint32_t)i + 5, &temper);
        }
}

// Records cannot be written; what is recorded goes on, and its anchor does.
static void test_anchor_goes_on_without_the_ledger(void **state)
{
        const uint8_t hash[BC_HASH_BYTES] = { 3 };
        struct bc_anchor_state anchored;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_card.watched = true;
        desk_start(&desk, NULL);
        desk_run(&desk, 105 * S);
        desk_card.from = desk_card.calls;
        desk_card.every = 1;
        desk_card.failures = 1000000;
        desk_tell(&desk, 1, true);
        bc_ledger_note_tail(desk.ledger, 1, 2, 3, hash, 105 * S);
        desk_run(&desk, 107 * S);
        anchored = anchor_of(&desk);
        assert_int_equal(anchored.index, 3);
        assert_int_equal(anchored.sequence, 1);
        desk_card.failures = 0;
        desk_stop(&desk, true);
        desk_done(&desk);
}

// Nor while a slow signer signs for the ledger.
static void test_anchor_does_not_wait_for_a_signature(void **state)
{
        const struct notary_temper slow = { .pace_ns = 5 * S };
        const uint8_t hash[BC_HASH_BYTES] = { 3 };
        struct bc_anchor_state anchored;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_start(&desk, &slow);
        desk_run(&desk, 110 * S);
        desk_tell(&desk, 1, true);
        desk_run(&desk, 110 * S + 500 * BC_NS_PER_MS);
        bc_ledger_note_tail(desk.ledger, 1, 2, 3, hash, 110 * S);
        desk_run(&desk, 112 * S);
        anchored = anchor_of(&desk);
        assert_int_equal(anchored.index, 3);
        assert_int_equal(anchored.sequence, 1);
        desk_stop(&desk, true);
        desk_done(&desk);
}

// A number from an old card, given before the ledger was open, does not undo what the anchor knows.
static void test_rule_13_counter_goes_up_alone(void **state)
{
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_start(&desk, NULL);
        bc_ledger_note_counter(desk.ledger, 6);
        desk_run(&desk, 103 * S);
        bc_ledger_note_counter(desk.ledger, 4);
        desk_run(&desk, 106 * S);
        assert_int_equal(anchor_of(&desk).counter, 6);
        desk_stop(&desk, true);
        assert_int_equal(anchor_of(&desk).counter, 6);
        desk_done(&desk);
}

// A run of which nothing durable knows gives its number to the next one: nothing else is signed in it until the ledger has it, or the anchor.
static void test_rule_13_no_run_has_anothers_number(void **state)
{
        struct bc_signing *signing = bc_signing_new();
        struct desk desk;
        uint64_t boot;

        (void)state;
        assert_non_null(signing);
        for (int by_anchor = 0; by_anchor < 2; by_anchor++) {
                desk_make(&desk);
                desk_start_unwritable(&desk);
                bc_signer_ask(desk_notary.signer, signing);
                desk_run(&desk, desk.base_ns + 20 * S);
                assert_true(desk.troubled);
                assert_false(bc_signer_fetch(desk_notary.signer, signing));
                desk_card.anchor_fails = false;
                if (!by_anchor)
                        desk_card.failures = 0;
                desk_run(&desk, desk.base_ns + 22 * S);
                assert_true(bc_signer_fetch(desk_notary.signer, signing));
                assert_int_equal(desk.troubled, by_anchor);
                boot = desk.found.boot;
                desk_stop(&desk, false);
                desk_card.failures = 0;
                desk_start(&desk, NULL);
                assert_true(desk.found.boot > boot);
                desk_stop(&desk, true);
                desk_done(&desk);
        }
        free(signing);
}

// And the other way round.
static void test_ledger_goes_on_without_its_anchor(void **state)
{
        struct archive *archive;
        struct desk desk;

        (void)state;
        desk_make(&desk);
        desk_start(&desk, NULL);
        desk_run(&desk, 105 * S);
        desk_card.watched = desk_card.anchor_fails = true;
        for (unsigned i = 0; i < 10; i++) {
                desk_tell(&desk, i, true);
                desk_run(&desk, desk.base_ns + 2 * S);
        }
        archive = archive_read(&desk);
        archive_check_told(archive, 10);
        archive_free(archive);
        desk_stop(&desk, true);
        desk_card.anchor_fails = false;
        desk_look(&desk);
        assert_false(desk.found.rolled_back);
        assert_true(desk.found.clean);
        desk_done(&desk);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_11_start_life_stop),
                cmocka_unit_test(test_how_soon),
                cmocka_unit_test(test_first_record_is_anchored),
                cmocka_unit_test(test_rotation),
                cmocka_unit_test(test_rule_14_flood),
                cmocka_unit_test(test_each_call_fails),
                cmocka_unit_test(test_faults_at_random),
                cmocka_unit_test(test_anchor_goes_on_without_the_ledger),
                cmocka_unit_test(test_anchor_does_not_wait_for_a_signature),
                cmocka_unit_test(test_rule_13_counter_goes_up_alone),
                cmocka_unit_test(test_rule_13_no_run_has_anothers_number),
                cmocka_unit_test(test_ledger_goes_on_without_its_anchor),
        };

        return cmocka_run_group_tests(tests, desk_make_notary, desk_forget_notary);
}
