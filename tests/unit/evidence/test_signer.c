// SPDX-License-Identifier: EUPL-1.2
// The signer: order, answers, time, and its end. A signature that is right, and facts as records have them.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notary.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS

static struct notary notary;
static struct bc_clock *clock_;

static void open_signer(const struct notary_temper *temper)
{
        assert_int_equal(bc_clock_new_simulated(10 * S, &clock_), 0);
        notary_set(&notary, temper);
        notary_open(&notary, clock_, 3, 4);
}

static void close_signer(void)
{
        bc_clock_enter(clock_);
        bc_clock_release(clock_, BC_NS_NEVER);
        notary_close(&notary);
        bc_clock_leave(clock_);
        bc_clock_free(clock_);
}

static struct bc_signing *make_signing(uint64_t sequence)
{
        struct bc_signing *signing = calloc(1, sizeof(*signing));
        static const uint8_t details[] = { 0xa0 };

        assert_non_null(signing);
        signing->record.kind = BC_RECORD_LEDGER;
        bc_facts_state(&notary.facts, 10 * S, &signing->record);
        signing->record.ledger = sequence;
        signing->record.events = 1;
        signing->record.event[0] = (struct bc_record_event){ 10 * S, 3, { details, 1 } };
        return signing;
}

static void check_signed(const struct bc_signing *signing, bool with_chain)
{
        struct bc_record_message *message = malloc(sizeof(*message));
        struct bc_record *record = malloc(sizeof(*record));
        uint8_t hash[BC_HASH_BYTES];

        assert_int_equal(signing->error, 0);
        assert_int_equal(bc_record_parse(signing->box, signing->box_bytes, record, message, NULL, 0, NULL), 0);
        assert_true(witness_recognises(&notary, record, message));
        assert_int_equal(record->chain_count, with_chain ? 2 : 0);
        assert_int_equal(record->epoch, 3);
        assert_int_equal(record->boot, 4);
        assert_int_equal(record->utc.source, BC_UTC_GNSS);
        assert_int_equal(record->utc.age_ns, 1);
        assert_int_equal(bc_facts_hash(signing->box, signing->box_bytes, hash), 0);
        assert_memory_equal(hash, signing->hash, BC_HASH_BYTES);
        free(record);
        free(message);
}

static void test_it_signs(void **state)
{
        struct bc_signing *signing;

        (void)state;
        open_signer(&(struct notary_temper){ .pace_ns = 40 * MS });
        assert_int_equal(bc_signer_pace_ns(notary.signer), 0);
        for (unsigned i = 0; i < 4; i++) {
                signing = make_signing(i + 1);
                signing->with_chain = i % 2;
                bc_signer_ask(notary.signer, signing);
                bc_clock_run_until(clock_, bc_clock_now_ns(clock_) + 39 * MS);
                assert_false(bc_signer_fetch(notary.signer, signing));
                bc_clock_run_until(clock_, bc_clock_now_ns(clock_) + 1 * MS);
                assert_true(bc_signer_fetch(notary.signer, signing));
                assert_false(bc_signer_fetch(notary.signer, signing));
                check_signed(signing, i % 2);
                assert_int_equal(bc_signer_pace_ns(notary.signer), 40 * MS);
                free(signing);
        }
        close_signer();
}

static pthread_mutex_t order_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t order[16];
static size_t ordered;

static void on_done(void *user)
{
        pthread_mutex_lock(&order_mutex);
        order[ordered++] = ((struct bc_signing *)user)->record.ledger;
        pthread_mutex_unlock(&order_mutex);
}

// What is urgent goes before what is not, and each among its own as it came.
static void test_order(void **state)
{
        static const uint64_t expected[] = { 1, 3, 5, 6, 2, 4, 7 };
        struct bc_signing *signing[7];

        (void)state;
        ordered = 0;
        open_signer(&(struct notary_temper){ .pace_ns = 100 * MS });
        for (unsigned i = 0; i < 7; i++) {
                signing[i] = make_signing(i + 1);
                signing[i]->urgent = i == 2 || i == 4 || i == 5;
                signing[i]->on_done = on_done;
                signing[i]->user = signing[i];
                bc_signer_ask(notary.signer, signing[i]);
                if (i == 0)
                        bc_clock_run_until(clock_, 10 * S + 1 * MS); // it is at work
        }
        bc_clock_run_until(clock_, 12 * S);
        assert_int_equal(ordered, 7);
        for (unsigned i = 0; i < 7; i++) {
                assert_int_equal(order[i], expected[i]);
                assert_true(bc_signer_fetch(notary.signer, signing[i]));
                check_signed(signing[i], false);
                free(signing[i]);
        }
        close_signer();
}

// Whoever asked may give it up, and free what the record borrows: an event's details.
static void test_what_is_borrowed(void **state)
{
        static const uint8_t details[] = { 0xa1, 0x01, 0x65, 'w', 'o', 'r', 'd', 's' };
        struct bc_signing *signing[3];
        const unsigned asked = notary.asked;
        uint8_t *borrowed[3];

        (void)state;
        open_signer(&(struct notary_temper){ .pace_ns = 100 * MS });
        for (unsigned i = 0; i < 3; i++) {
                borrowed[i] = malloc(sizeof(details));
                assert_non_null(borrowed[i]);
                memcpy(borrowed[i], details, sizeof(details));
                signing[i] = make_signing(i + 1);
                assert_int_equal(signing[i]->record.events, 1);
                signing[i]->record.event[0].details = (struct bc_record_bytes){ borrowed[i], sizeof(details) };
                bc_signer_ask(notary.signer, signing[i]);
                memset(borrowed[i], 0xff, sizeof(details));
                free(borrowed[i]);
        }
        bc_clock_run_until(clock_, bc_clock_now_ns(clock_) + 50 * MS); // the first is at work
        bc_signer_abandon(notary.signer, signing[1]);
        bc_clock_run_until(clock_, bc_clock_now_ns(clock_) + 160 * MS);
        for (unsigned i = 0; i < 3; i += 2) {
                assert_true(bc_signer_fetch(notary.signer, signing[i])); // the third, too: no time was spent on the second
                check_signed(signing[i], false);
                assert_non_null(memmem(signing[i]->box, signing[i]->box_bytes, details, sizeof(details)));
                free(signing[i]);
        }
        close_signer();
        assert_int_equal(notary.asked - asked, 2);
}

static void test_wait(void **state)
{
        struct bc_signing *signing;

        (void)state;
        open_signer(&(struct notary_temper){ .pace_ns = 300 * MS });
        signing = make_signing(1);
        bc_clock_enter(clock_);
        bc_clock_release(clock_, BC_NS_NEVER);
        bc_signer_ask(notary.signer, signing);
        assert_int_equal(bc_signer_wait(notary.signer, signing, 10 * S + 20 * MS), -ETIMEDOUT);
        assert_int_equal(bc_clock_now_ns(clock_), 10 * S + 20 * MS);
        assert_int_equal(bc_signer_wait(notary.signer, signing, BC_NS_NEVER), 0);
        assert_int_equal(bc_clock_now_ns(clock_), 10 * S + 300 * MS);
        check_signed(signing, false);
        bc_clock_leave(clock_);
        free(signing);
        close_signer();
}

static void test_failures(void **state)
{
        struct bc_signing *signing;

        (void)state;
        open_signer(&(struct notary_temper){ .broken = true });
        signing = make_signing(1);
        bc_signer_ask(notary.signer, signing);
        bc_clock_run_until(clock_, 11 * S);
        assert_true(bc_signer_fetch(notary.signer, signing));
        assert_int_equal(signing->error, -EIO);
        // The same one again.
        notary_set(&notary, &(struct notary_temper){ .pace_ns = 0 });
        bc_signer_ask(notary.signer, signing);
        bc_clock_run_until(clock_, 12 * S);
        assert_true(bc_signer_fetch(notary.signer, signing));
        check_signed(signing, false);
        signing->record.epoch = 0; // not lawful
        bc_signer_ask(notary.signer, signing);
        bc_clock_run_until(clock_, 13 * S);
        assert_true(bc_signer_fetch(notary.signer, signing));
        assert_int_equal(signing->error, -EINVAL);
        free(signing);
        close_signer();
}

// The end: what waits is answered.
static void test_end(void **state)
{
        struct bc_signing *signing[3];

        (void)state;
        open_signer(&(struct notary_temper){ .pace_ns = 1 * S });
        for (unsigned i = 0; i < 3; i++) {
                signing[i] = make_signing(i + 1);
                bc_signer_ask(notary.signer, signing[i]);
        }
        bc_clock_run_until(clock_, 10 * S + 1 * MS);
        close_signer();
        check_signed(signing[0], false);
        assert_int_equal(signing[1]->error, -ESHUTDOWN);
        assert_int_equal(signing[2]->error, -ESHUTDOWN);
        for (unsigned i = 0; i < 3; i++)
                free(signing[i]);
}

// ---- facts -----------------------------------------------------------------------------------------------------

static void test_facts(void **state)
{
        struct bc_record *record = calloc(1, sizeof(*record));
        struct bc_facts_config config = { .device = "D-1", .epoch = 1, .boot = 2 };
        const uint8_t hash[BC_HASH_BYTES] = { 1, 2 };
        uint8_t program[BC_HASH_BYTES] = { 0 }, got[BC_HASH_BYTES];
        struct bc_facts facts;
        uint64_t sequence;

        (void)state;
        assert_non_null(record);
        config.device = "";
        assert_int_equal(bc_facts_init(&facts, &config), -EINVAL);
        config.device = "123456789012345678901234567890123";
        assert_int_equal(bc_facts_init(&facts, &config), -EINVAL);
        config.device = "12345678901234567890123456789012";
        config.drivers = BC_RECORD_DRIVERS_MAX + 1;
        assert_int_equal(bc_facts_init(&facts, &config), -EINVAL);
        config.drivers = 0;
        assert_int_equal(bc_facts_init(&facts, &config), 0);
        // Nothing is known.
        record->index = 2;
        bc_facts_state(&facts, 5 * S, record);
        bc_facts_state_capture(&facts, 5 * S, record);
        assert_string_equal(record->device, config.device);
        assert_int_equal(record->signed_ns, 5 * S);
        assert_int_equal(record->utc.source, 0);
        assert_int_equal(record->utc.age_ns, BC_RECORD_UNKNOWN);
        assert_false(record->position.known);
        assert_false(record->battery.known);
        assert_int_equal(record->ledger, 0);
        bc_facts_set_ledger(&facts, 12, hash);
        bc_facts_set_settings(&facts, hash);
        bc_facts_set_battery(&facts, &(struct bc_battery_level){ .percent = BC_BATTERY_UNKNOWN, .minutes = 7, .charging = true });
        bc_facts_state(&facts, 6 * S, record);
        bc_facts_state_capture(&facts, 6 * S, record);
        assert_int_equal(record->ledger, 12);
        assert_memory_equal(record->settings, hash, BC_HASH_BYTES);
        assert_true(record->battery.known);
        assert_int_equal(record->battery.percent, BC_RECORD_UNKNOWN);
        assert_int_equal(record->battery.minutes, 7);
        assert_true(record->battery.charging);
        bc_facts_ledger(&facts, &sequence, got);
        assert_int_equal(sequence, 12);
        assert_memory_equal(got, hash, BC_HASH_BYTES);
        bc_facts_done(&facts);
        assert_int_equal(bc_facts_hash_program(program), 0);
        assert_memory_not_equal(program, (uint8_t[BC_HASH_BYTES]){ 0 }, BC_HASH_BYTES);
        // A sensor's fix, and its drivers in the first record alone.
        assert_int_equal(bc_clock_new_simulated(0, &clock_), 0);
        notary_open(&notary, clock_, 1, 1);
        for (uint32_t index = 1; index < 3; index++) {
                memset(record, 0, sizeof(*record));
                record->index = index;
                bc_facts_state_capture(&notary.facts, 7 * S, record);
                assert_int_equal(record->drivers, index == 1);
                assert_int_equal(record->position.mode, 3);
                assert_int_equal(record->position.age_ns, 500);
                assert_int_equal(record->position.accuracy_mm, 5000);
                assert_int_equal(record->position.lat_e7, 500000000);
                assert_int_equal(record->position.lon_e7, -70000000);
                assert_int_equal(record->captured, 1000);
                assert_int_equal(record->dropped, 3);
        }
        close_signer();
        free(record);
}

static int make(void **state)
{
        (void)state;
        notary_make(&notary);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        notary_done(&notary);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_it_signs), cmocka_unit_test(test_order), cmocka_unit_test(test_wait),
                cmocka_unit_test(test_what_is_borrowed),
                cmocka_unit_test(test_failures), cmocka_unit_test(test_end),   cmocka_unit_test(test_facts),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
