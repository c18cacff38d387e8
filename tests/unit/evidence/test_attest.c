// SPDX-License-Identifier: EUPL-1.2
// Records of recordings, whatever the signer and the card do: the chain in the files is right, and nobody waited for it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "notary.h"
#include "witness.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define WRITES_MAX 2000

// ---- the card --------------------------------------------------------------------------------------------------

static struct {
        pthread_mutex_t mutex;
        bool watched;
        struct bc_clock *clock;
        unsigned calls, fails_every, first, struck; // of writes and syncs of segments, from the first-th on
        uint32_t seed;                              // not 0: fails at random, once in fails_every
        unsigned failures;                          // that are left
        int64_t stall_ns;                           // each 7th sync takes so long
        int64_t written_ns[WRITES_MAX];             // when each fragment went out
        size_t writes;
} card = { .mutex = PTHREAD_MUTEX_INITIALIZER };

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);

static bool is_segment(int fd)
{
        char link[32], path[256];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
        return strstr(path, ".mp4") != NULL;
}

static bool strikes(int fd)
{
        bool strikes = false;

        if (!card.watched || !is_segment(fd))
                return false;
        pthread_mutex_lock(&card.mutex);
        card.calls++;
        if (card.fails_every > 0 && card.failures > 0 && card.calls >= card.first)
                strikes = card.seed ? notary_random(&card.seed) % card.fails_every == 0 :
                                      (card.calls - card.first) % card.fails_every == 0;
        card.struck += strikes;
        card.failures -= strikes;
        pthread_mutex_unlock(&card.mutex);
        return strikes;
}

static void stall(int64_t stall_ns)
{
        int64_t until_ns = bc_clock_now_ns(card.clock) + stall_ns;
        struct bc_monitor monitor;

        bc_monitor_init(&monitor, card.clock);
        bc_monitor_lock(&monitor);
        while (bc_monitor_wait(&monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&monitor);
        bc_monitor_done(&monitor);
}

int __wrap_fdatasync(int fd)
{
        if (strikes(fd)) {
                errno = EIO;
                return -1;
        }
        if (card.watched && card.stall_ns && card.calls % 7 == 0 && is_segment(fd))
                stall(card.stall_ns);
        return __real_fdatasync(fd);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        const char *kind = size >= 8 ? (const char *)bytes + 4 : "";

        if (card.watched && is_segment(fd) && size > 8 && (!memcmp(kind, "ftyp", 4) || !memcmp(kind, "moof", 4))) {
                pthread_mutex_lock(&card.mutex);
                assert_true(card.writes < WRITES_MAX);
                card.written_ns[card.writes++] = bc_clock_now_ns(card.clock);
                pthread_mutex_unlock(&card.mutex);
        }
        if (strikes(fd)) {
                // Half of it may be there; the patch lies in one sector.
                if (card.calls % 2 && size > 8)
                        (void)__real_pwrite(fd, bytes, size / 2, offset);
                errno = EIO;
                return -1;
        }
        return __real_pwrite(fd, bytes, size, offset);
}

// ---- a signed bench --------------------------------------------------------------------------------------------

struct act {
        struct bench bench;
        struct notary notary;
        uint8_t first[BC_HASH_BYTES];
};

static void on_clock(struct bench *bench)
{
        struct act *act = bench->user;

        card.clock = bench->clock;
        notary_open(&act->notary, bench->clock, 1, 1);
        memset(act->first, 0x5a, sizeof(act->first));
        bc_facts_set_ledger(&act->notary.facts, 17, act->first);
        bench->config.attestation = &act->notary.attestation;
}

static size_t thick_bytes; // not 0: of the issuer's certificate

static void make_thick(struct notary *notary)
{
        uint8_t *bytes = OPENSSL_zalloc(thick_bytes);

        assert_non_null(bytes);
        OPENSSL_free((void *)notary->certificate[1].bytes);
        notary->certificate[1] = (struct bc_record_bytes){ bytes, thick_bytes };
}

static struct act *act_begin(const struct notary_temper *temper, int64_t segment_ns)
{
        struct act *act = calloc(1, sizeof(*act));

        assert_non_null(act);
        card.watched = false;
        card.calls = card.fails_every = card.struck = 0;
        card.first = 1;
        card.failures = 1000;
        card.seed = 0;
        card.writes = 0;
        card.stall_ns = 0;
        bench_defaults(&act->bench);
        act->bench.config.pre_event_ns = 2 * S;
        act->bench.config.segment_ns = segment_ns;
        act->bench.feed.picture_bytes = 60;
        act->bench.feed.key_bytes = 300;
        act->bench.on_clock = on_clock;
        act->bench.user = act;
        notary_make(&act->notary);
        if (thick_bytes > 0)
                make_thick(&act->notary);
        notary_set(&act->notary, temper);
        bench_make(&act->bench);
        bench_run_until(&act->bench, 110 * S);
        card.watched = true;
        return act;
}

static void act_record(struct act *act, int64_t seconds)
{
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        bench_run_until(&act->bench, (110 + seconds) * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, (110 + seconds) * S, "button"), 0);
}

static struct witness *act_read(struct act *act, uint64_t counter, unsigned rules)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];

        bc_store_name(act->bench.store, counter, name);
        return witness_read(bc_store_recordings_fd(act->bench.store), name, &act->notary, counter, act->first, rules);
}

static void act_end(struct act *act)
{
        card.watched = false;
        bench_stop_threads(&act->bench);
        notary_close(&act->notary);
        bench_done(&act->bench);
        notary_done(&act->notary);
        free(act);
}

// ---- the signer's pace -----------------------------------------------------------------------------------------

static const struct notary_temper tempers[] = {
        { .pace_ns = 0 },
        { .pace_ns = 5 * MS },
        { .pace_ns = 50 * MS },
        { .pace_ns = 300 * MS },
        { .pace_ns = 3 * S },
        { .pace_ns = 0, .pace_max_ns = 60 * MS, .seed = 3 },
        { .pace_ns = 0, .pace_max_ns = 900 * MS, .seed = 4 },
        { .pace_ns = 0, .pace_max_ns = 4 * S, .seed = 5 },
        { .pace_ns = 1 * MS, .fails_one_in = 3, .seed = 6 },
        { .pace_ns = 0, .pace_max_ns = 700 * MS, .fails_one_in = 4, .seed = 7 },
};
#define TEMPERS (sizeof(tempers) / sizeof(*tempers))

static void test_every_pace(void **state)
{
        static int64_t quick_ns[WRITES_MAX];
        size_t quick = 0;

        (void)state;
        for (size_t i = 0; i < TEMPERS; i++) {
                struct act *act = act_begin(&tempers[i], 1 * S);
                struct witness *witness;

                act_record(act, 12);
                bench_run_until(&act->bench, 160 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                if (i == 0) {
                        quick = card.writes;
                        memcpy(quick_ns, card.written_ns, sizeof(quick_ns));
                        assert_true(quick >= 24);
                }
                assert_int_equal(card.writes, quick);
                assert_int_equal(act->bench.notice[BC_RECORDER_TROUBLE], 0);
                for (size_t k = 0; k < quick; k++)
                        if (card.written_ns[k] < quick_ns[k] || card.written_ns[k] - quick_ns[k] > BC_ATTEST_PATIENCE_NS)
                                fail_msg("temper %zu: fragment %zu went out %lld us later", i, k,
                                         (long long)(card.written_ns[k] - quick_ns[k]) / 1000);
                // A signer that is slower than segments are long leaves some to the next start.
                bool brisk = tempers[i].pace_ns < 900 * MS && tempers[i].pace_max_ns < S;

                witness = act_read(act, 1, brisk && !tempers[i].fails_one_in ? WITNESS_GAPS | WITNESS_CLOSED : 0);
                if (i == 0) {
                        // One for each fragment, in its own write, and one more for each end.
                        assert_int_equal(witness->records, quick + witness->segments);
                }
                assert_true(witness->records > 0);
                assert_true(notary_failures(&act->notary) > 0 || !tempers[i].fails_one_in);
                witness_free(witness);
                act_end(act);
        }
}

// Long segments: all of it is signed in the end, however slow.
static void test_slow_signer_of_long_segments(void **state)
{
        static const int64_t pace_ns[] = { 50 * MS, 300 * MS, 3 * S };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                const struct notary_temper temper = { .pace_ns = pace_ns[i] };
                struct act *act = act_begin(&temper, 8 * S);
                struct witness *witness;

                act_record(act, 30);
                bench_run_until(&act->bench, 160 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED] > 0, pace_ns[i] > 2 * S);
                witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
                assert_int_equal(bc_store_left_open_count(act->bench.store), 0);
                witness_free(witness);
                act_end(act);
        }
}

static void test_signer_that_changes(void **state)
{
        static const struct notary_temper turn[] = { { .pace_ns = 0 }, { .pace_ns = 400 * MS }, { .broken = true }, { .pace_ns = 1 * MS },
                                                     { .pace_ns = 2 * S }, { .pace_ns = 15 * MS } };
        struct act *act = act_begin(&turn[0], 5 * S);
        struct witness *witness;

        (void)state;
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        for (int i = 0; i < 24; i++) {
                bench_run_until(&act->bench, 110 * S + i * 1700 * MS);
                notary_set(&act->notary, &turn[i % 6]);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, 110 * S + i * 1700 * MS, i % 2 ? "a mark" : ""), 0);
        }
        bench_run_until(&act->bench, 152 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 152 * S, "button"), 0);
        bench_run_until(&act->bench, 180 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
        witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
        assert_int_equal(witness->marks, 24);
        witness_free(witness);
        act_end(act);
}

// Nothing is ever signed: the recording is there all the same, an alarm was raised, and it ends.
static void test_signer_that_never_signs(void **state)
{
        const struct notary_temper temper = { .broken = true };
        struct act *act = act_begin(&temper, 4 * S);
        struct judged judged;

        (void)state;
        act_record(act, 20);
        bench_run_until(&act->bench, 118 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED], 1);
        bench_run_until(&act->bench, 180 * S);
        assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
        bench_read(&act->bench, 1, &judged);
        judge_whole(&judged, &act->bench.feed);
        judge_done(&judged);
        assert_int_equal(bc_store_left_open_count(act->bench.store), 0); // of earlier runs
        act_end(act);
}

// What no record can state costs no proof: a position that is none is left out.
static void test_extras_that_are_wrong(void **state)
{
        static const struct notary_temper lost[] = { { .lost = true }, { .lost = true, .pace_ns = 300 * MS } };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct act *act = act_begin(&lost[i], 3 * S);
                struct witness *witness;

                assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
                bench_run_until(&act->bench, 112 * S);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, 112 * S, "lost"), 0);
                bench_run_until(&act->bench, 120 * S);
                assert_int_equal(bc_recorder_stop(act->bench.recorder, 120 * S, "button"), 0);
                bench_run_until(&act->bench, 140 * S);
                assert_int_equal(act->bench.notice[BC_RECORDER_CLOSED], 1);
                assert_int_equal(act->bench.notice[BC_RECORDER_SIGNED], 0); // no alarm: it was signed in time
                assert_int_equal(act->bench.notice[BC_RECORDER_TROUBLE], 0);
                witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
                assert_int_equal(witness->marks, 1);
                assert_false(witness->last.position.known);
                witness_free(witness);
                act_end(act);
        }
}

// Certificates that leave no room for the news in their record: these come with the next one.
static void test_more_than_a_box_holds(void **state)
{
        static const struct notary_temper broken = { .broken = true }, well = { .pace_ns = 0 };
        struct act *act;
        struct witness *witness;

        (void)state;
        thick_bytes = 12000;
        act = act_begin(&broken, 6 * S);
        thick_bytes = 0;
        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        for (int i = 0; i < 60; i++) {
                bench_run_until(&act->bench, 111 * S + i * 20 * MS);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, 111 * S + i * 20 * MS,
                                                  "1234567890123456789012345678901234567890123456789012345678901234"), 0);
        }
        notary_set(&act->notary, &well);
        bench_run_until(&act->bench, 120 * S);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, 120 * S, "button"), 0);
        bench_run_until(&act->bench, 140 * S);
        witness = act_read(act, 1, WITNESS_CLOSED | WITNESS_GAPS);
        assert_int_equal(witness->marks, 60);
        witness_free(witness);
        act_end(act);
}

// ---- the card's troubles ---------------------------------------------------------------------------------------

static void with_faults(const struct notary_temper *temper, unsigned first, unsigned fails_every, unsigned failures, uint32_t seed)
{
        struct act *act = act_begin(temper, 3 * S);
        struct witness *witness;

        card.first = first;
        card.fails_every = fails_every;
        card.failures = failures;
        card.seed = seed;
        act_record(act, 8);
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
        unsigned step = getenv("BC_LONG") ? 1 : 3;

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct act *act = act_begin(&temper[i], 3 * S);
                unsigned calls;

                act_record(act, 8);
                bench_run_until(&act->bench, 140 * S);
                calls = card.calls;
                act_end(act);
                for (unsigned n = 1 + (unsigned)i; n <= calls; n += step)
                        with_faults(&temper[i], n, 1, 1, 0);
        }
}

static void test_random_faults(void **state)
{
        int rounds = getenv("BC_LONG") ? 200 : 20;

        (void)state;
        for (int i = 0; i < rounds; i++) {
                struct notary_temper temper = tempers[i % (int)TEMPERS];

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
        for (size_t i = 0; i < TEMPERS; i++) {
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_pace),
                cmocka_unit_test(test_slow_signer_of_long_segments),
                cmocka_unit_test(test_signer_that_changes),
                cmocka_unit_test(test_signer_that_never_signs),
                cmocka_unit_test(test_extras_that_are_wrong),
                cmocka_unit_test(test_more_than_a_box_holds),
                cmocka_unit_test(test_successor_of_abandoned),
                cmocka_unit_test(test_successor_of_two),
                cmocka_unit_test(test_card_that_stalls),
                cmocka_unit_test(test_recorder_that_is_dropped),
                cmocka_unit_test(test_every_call_fails_once),
                cmocka_unit_test(test_random_faults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
