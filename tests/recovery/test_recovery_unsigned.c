// SPDX-License-Identifier: EUPL-1.2
// Segments that end while nothing can be signed, for the signer hangs or its key is gone, and then the power goes. None of them has a record
// that ends it, and those behind the first have none at all: nothing of these is proven, and nothing of it is tampering (docs/SECURITY.md).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/counts.h"
#include "seal.h"
#include "start.h"
#include "unit/evidence/bench.h"
#include "verdict.h"

#define S BC_NS_PER_S
#define MS BC_NS_PER_MS
#define PRESS_NS (110 * S)
#define HANGS_NS (60 * S)

static struct scene_marks *marks;
static struct seal seal;

static int make(void **state)
{
        (void)state;
        marks = malloc(sizeof(*marks));
        assert_non_null(marks);
        notary_make(&scene_notary);
        seal_make(&seal);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        free(marks);
        notary_done(&scene_notary);
        seal_done(&seal);
        return 0;
}

// ---- the recording ---------------------------------------------------------------------------------------------

struct outage {
        bool sealed;
        bool hangs;       // else it fails
        int64_t from_ns;  // since the press; below 0: from before the first record
        int64_t to_ns;    // it signs again; 0: never
        int64_t until_ns; // when the power goes
        int64_t segment_ns;
};

static void on_clock(struct bench *bench)
{
        notary_open(&scene_notary, bench->clock, 1, 1);
        bench->config.attestation = &scene_notary.attestation;
}

static void set_signer(const struct outage *outage, bool out)
{
        const struct notary_temper temper = { .pace_ns = out && outage->hangs ? outage->to_ns ? outage->to_ns - outage->from_ns : HANGS_NS : 0,
                                              .broken = out && !outage->hangs };

        notary_set(&scene_notary, &temper);
}

// The files as the power cut leaves them, all that was written being durable.
static void record(const struct outage *outage, struct specimen *ret_specimen)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];
        struct bench bench;
        int fd;

        bench_defaults(&bench);
        bench.config.pre_event_ns = 1 * S;
        bench.config.segment_ns = outage->segment_ns;
        bench.config.boot = 1; // as the notary's
        bench.config.agency = outage->sealed ? seal.agency : NULL;
        bench.feed.picture_bytes = 60;
        bench.feed.key_bytes = 400;
        bench.on_clock = on_clock;
        set_signer(outage, outage->from_ns < 0);
        bench_make(&bench);
        bench_run_until(&bench, PRESS_NS);
        assert_int_equal(bc_recorder_start(bench.recorder, PRESS_NS, "button"), 0);
        if (outage->from_ns >= 0) {
                bench_run_until(&bench, PRESS_NS + outage->from_ns);
                set_signer(outage, true);
        }
        if (outage->to_ns > 0) {
                bench_run_until(&bench, PRESS_NS + (outage->hangs ? outage->from_ns + 900 * MS : outage->to_ns)); // one hangs, those behind do not
                set_signer(outage, false);
        }
        bench_run_until(&bench, PRESS_NS + outage->until_ns);
        bc_store_name(bench.store, 1, name);
        fd = openat(bc_store_recordings_fd(bench.store), name, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        specimen_take(fd, ret_specimen);
        close(fd);
        set_signer(outage, false);
        bench_run_until(&bench, PRESS_NS + outage->until_ns + HANGS_NS + 20 * S);
        assert_int_equal(bc_recorder_stop(bench.recorder, PRESS_NS + outage->until_ns + HANGS_NS + 20 * S, "button"), 0);
        bench_run_until(&bench, PRESS_NS + outage->until_ns + HANGS_NS + 40 * S);
        bench_stop_threads(&bench);
        notary_close(&scene_notary);
        bench_done(&bench);
}

// What the anchor had come to: the last record there is. And how many segments have no record, and how many no end.
static struct bc_anchor_state look(struct specimen *specimen, bool sealed, unsigned *ret_bare, unsigned *ret_open)
{
        struct bc_anchor_state anchor = { .recording = 0 };

        *ret_bare = *ret_open = 0;
        for (uint32_t number = 1; number < 30; number++) {
                char name[BC_SEGMENT_NAME_BYTES_MAX];
                const struct specimen_file *file;

                bc_segment_file_name(number, sealed, name);
                file = specimen_find(specimen, name);
                if (!file)
                        continue;
                if (sealed)
                        seal_marks(&seal, file, marks);
                else
                        scene_marks(file, marks);
                *ret_bare += marks->records == 0;
                *ret_open += marks->records == 0 || marks->kind[marks->records - 1] == BC_RECORD_FRAGMENT;
                if (marks->records == 0)
                        continue;
                anchor = (struct bc_anchor_state){ .recording = 1, .segment = number, .index = (uint32_t)marks->records };
                anchor.tail_ns = marks->signed_ns[marks->records - 1];
                memcpy(anchor.tail_hash, marks->hash[marks->records - 1], BC_HASH_BYTES);
        }
        return anchor;
}

static void begin(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        (void)user;
        bc_entry_beginning(&entry, bc_signer_now_ns(scene_notary.signer), 1, PRESS_NS / BC_NS_PER_S * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, true);
}

struct found {
        unsigned bare, open; // segments without a record, and without one that ends them
        enum bc_verdict verdict;
};

static struct found recover(const struct outage *outage)
{
        struct bc_anchor_state anchor;
        struct specimen before;
        struct clinic clinic;
        struct found found;

        record(outage, &before);
        anchor = look(&before, outage->sealed, &found.bare, &found.open);
        clinic_open(&clinic, &before);
        clinic_list(&clinic);
        verdict_key(outage->sealed ? seal.opener : NULL);
        (void)start_run(&clinic, &(struct start){ .tell = begin, .idle = true });
        for (int i = 0; i < 2; i++)
                assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
        assert_false(clinic_is_listed(&clinic));
        found.verdict = verdict_of_store(&clinic, false);
        if (found.verdict == BC_VERDICT_TAMPERED)
                (void)verdict_of_store(&clinic, true);
        clinic_close(&clinic);
        specimen_done(&before);
        return found;
}

static void expect(const struct outage *outage, unsigned bare, unsigned open, enum bc_verdict verdict, int line)
{
        struct found found = recover(outage);

        if (found.bare != bare || found.open != open || found.verdict != verdict)
                fail_msg("line %d, %s, %s: %u segments without a record, %u without an end: %s", line, outage->sealed ? "sealed" : "clear",
                         outage->hangs ? "hangs" : "fails", found.bare, found.open, bc_verdict_name(found.verdict));
}
#define EXPECT(outage, bare, open, verdict) expect(outage, bare, open, verdict, __LINE__)

// ---- what becomes of it ----------------------------------------------------------------------------------------

static void with_each(void (*test)(struct outage outage))
{
        for (int way = 0; way < 4; way++)
                test((struct outage){ .sealed = way & 1, .hangs = way & 2, .from_ns = 1700 * MS, .segment_ns = 2 * S });
}

static unsigned step(void)
{
        return counts_of(2, 1, 1);
}

// Of as many segments as may wait, and of more.
static void never_signed(struct outage outage)
{
        for (unsigned ended = 1; ended <= BC_ATTEST_ENDED_MAX + 2; ended += step()) {
                outage.from_ns = -1;
                outage.until_ns = ended * outage.segment_ns + 1500 * MS;
                EXPECT(&outage, ended + 1, ended + 1, BC_VERDICT_UNPROVEN);
                outage.from_ns = 1700 * MS;
                outage.until_ns = ended * outage.segment_ns + 1900 * MS;
                EXPECT(&outage, ended, ended + 1, BC_VERDICT_UNPROVEN);
        }
}

// For so long that each is left to the next start.
static void left(struct outage outage)
{
        outage.segment_ns = 5 * S;
        for (unsigned ended = 2; ended <= BC_ATTEST_ENDED_MAX + 1; ended += step()) {
                outage.until_ns = ended * outage.segment_ns + 1900 * MS;
                EXPECT(&outage, ended, ended + 1, BC_VERDICT_UNPROVEN);
        }
}

// In time for the next record to state those that were abandoned.
static void signed_again(struct outage outage)
{
        for (unsigned ended = 1; ended <= BC_ATTEST_ENDED_MAX + 2; ended += step()) {
                unsigned over = ended > BC_ATTEST_ENDED_MAX ? ended - BC_ATTEST_ENDED_MAX : 0;
                outage.to_ns = ended * outage.segment_ns + 1900 * MS;
                outage.until_ns = outage.to_ns + 2500 * MS;
                EXPECT(&outage, over, over + 1, BC_VERDICT_AUTHENTIC);
        }
        // Others were given up meanwhile.
        outage.segment_ns = 5 * S;
        for (unsigned ended = 3; ended <= 5; ended += step()) {
                outage.to_ns = ended * outage.segment_ns + 1900 * MS;
                outage.until_ns = outage.to_ns + 500 * MS;
                EXPECT(&outage, ended - 3, ended - 1, BC_VERDICT_AUTHENTIC);
        }
}

static void test_rule_09_unsigned_segments(void **state)
{
        (void)state;
        with_each(never_signed);
}

static void test_rule_09_unsigned_segments_that_were_left(void **state)
{
        (void)state;
        with_each(left);
}

static void test_rule_07_unsigned_segments_and_signed_again(void **state)
{
        (void)state;
        with_each(signed_again);
}

// And the power goes again, at each call of the recovery, which had a torn last write to see to.
static void test_rule_09_unsigned_and_cut_off_again(void **state)
{
        (void)state;
        for (unsigned ended = counts_of(3, 2, 2); ended <= 3; ended++) {
                const struct outage outage = { .from_ns = 1700 * MS, .until_ns = ended * 2 * S + 1900 * MS, .segment_ns = 2 * S };
                char name[BC_SEGMENT_NAME_BYTES_MAX];
                struct bc_anchor_state anchor;
                struct specimen before;
                unsigned bare, open, cuts = 0;

                record(&outage, &before);
                anchor = look(&before, false, &bare, &open);
                assert_int_equal(bare, ended);
                bc_segment_name(ended + 1, name);
                specimen_cut(specimen_find(&before, name), specimen_find(&before, name)->size - 100);
                for (bool struck = true; struck; cuts += struck) {
                        struct clinic clinic;
                        enum bc_verdict verdict;

                        clinic_open(&clinic, &before);
                        clinic_list(&clinic);
                        scene_tear(cuts + 1);
                        (void)scene_start(&clinic, &anchor, (int)cuts, 1 << 30);
                        struck = scene_struck() > 0;
                        scene_tear(0);
                        clinic_list(&clinic);
                        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
                        verdict = verdict_of(&clinic, false);
                        if (verdict != BC_VERDICT_UNPROVEN) {
                                (void)verdict_of(&clinic, true);
                                fail_msg("%u segments, cut off at call %u: %s", ended, cuts, bc_verdict_name(verdict));
                        }
                        clinic_close(&clinic);
                }
                assert_true(cuts > 20);
                specimen_done(&before);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_09_unsigned_segments),
                cmocka_unit_test(test_rule_09_unsigned_segments_that_were_left),
                cmocka_unit_test(test_rule_09_unsigned_and_cut_off_again),
                cmocka_unit_test(test_rule_07_unsigned_segments_and_signed_again),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
