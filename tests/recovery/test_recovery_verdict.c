// SPDX-License-Identifier: EUPL-1.2
// A power cut is no crime. Whatever it leaves, and whatever the next one leaves of the recovery, the device's own word for it is never
// judged as tampering, and where the tail anchor agrees and all is covered, it is proven (docs/formats/record.md, 10).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counts.h"
#include "unit/evidence/scene.h"
#include "verdict.h"

#define MS BC_NS_PER_MS

static struct specimen quick, slow, abandoned, landed; // by their signer; abandoned: segment 1, by a write that failed; landed: by a sync
static struct scene_marks *marks;

static int make(void **state)
{
        (void)state;
        marks = malloc(sizeof(*marks));
        assert_non_null(marks);
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &quick);
        scene_record(400 * MS, SCENE_WELL, &slow);
        scene_record(700 * MS, SCENE_WRITE, &abandoned);
        scene_record(0, SCENE_END, &landed);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        free(marks);
        specimen_done(&quick);
        specimen_done(&slow);
        specimen_done(&abandoned);
        specimen_done(&landed);
        notary_done(&scene_notary);
        return 0;
}

// ---- what the first cut left -------------------------------------------------------------------------------------

// Segment 3 of the recording, with its last write torn; the first `whole` records hold. Some sectors have what they had, and the
// box of the last record is whole.
static void tear_last_write(struct specimen *before, size_t whole)
{
        struct specimen_file *file = specimen_find(before, "0003.mp4");

        scene_marks(file, marks);
        assert_true(marks->records > whole + 1);
        specimen_cut(file, marks->end[whole]);
        memset(file->bytes + marks->at[whole] - 40, 0, 30);
}

static struct bc_anchor_state leave(int what, struct specimen *ret_before)
{
        struct specimen_file *file;
        size_t whole = 4;

        switch (what) {
        case 0: // the last write torn
                scene_on_the_way(&quick, ret_before);
                tear_last_write(ret_before, whole);
                break;
        case 1: // the last record torn
                scene_on_the_way(&quick, ret_before);
                file = specimen_find(ret_before, "0003.mp4");
                scene_marks(file, marks);
                specimen_cut(file, marks->end[whole]);
                memset(file->bytes + marks->at[whole] + 50, 0, 100);
                break;
        case 2: // nothing behind the last record
                scene_on_the_way(&quick, ret_before);
                file = specimen_find(ret_before, "0003.mp4");
                scene_marks(file, marks);
                specimen_cut(file, marks->end[whole - 1]);
                break;
        case 3: // a fragment behind the last record
                scene_on_the_way(&quick, ret_before);
                file = specimen_find(ret_before, "0003.mp4");
                scene_marks(file, marks);
                specimen_cut(file, marks->at[whole]);
                break;
        default: // ended by its recorder, and torn within the final moov; the anchor had not come to that
                specimen_copy(&quick, ret_before);
                file = specimen_find(ret_before, "0004.mp4");
                if (!file)
                        file = specimen_find(ret_before, "0003.mp4");
                scene_marks(file, marks);
                specimen_unfinish(file);
                scene_set_manifest(ret_before, &quick, specimen_find(ret_before, "0004.mp4") ? "ccco" : "cco");
                file->size = marks->end[marks->records - 1] + 600; // the bytes are still there
                memset(file->bytes + marks->end[marks->records - 1] + 8, 0, 200);
                return scene_no_anchor;
        }
        scene_set_manifest(ret_before, &quick, "cco");
        return scene_anchor(ANCHOR_AGREES, marks, whole);
}

static const int situations = 5;

static void expect_proven(const struct clinic *clinic, int what, int nth, uint32_t seed)
{
        enum bc_verdict verdict = verdict_of(clinic, false);

        if (verdict == BC_VERDICT_AUTHENTIC)
                return;
        (void)verdict_of(clinic, true);
        fail_msg("situation %d, cut at call %d, torn by %u: %s", what, nth, seed, bc_verdict_name(verdict));
}

static void test_rule_08_power_cut_is_proven(void **state)
{
        (void)state;
        for (int what = 0; what < situations; what++) {
                struct specimen before;
                struct bc_anchor_state anchor = leave(what, &before);
                struct clinic clinic;

                clinic_open(&clinic, &before);
                assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
                expect_proven(&clinic, what, -1, 0);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// Without an anchor, or with one that names more than is there, the same is not proven, or worse.
static void test_rule_08_not_without_the_anchor(void **state)
{
        (void)state;
        for (int what = 0; what < 4; what++) {
                struct specimen before;
                struct bc_anchor_state anchor = leave(what, &before);
                struct clinic clinic;

                clinic_open(&clinic, &before);
                assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
                assert_int_equal(verdict_of(&clinic, false), BC_VERDICT_UNPROVEN);
                clinic_close(&clinic);

                anchor = scene_anchor(ANCHOR_AHEAD, marks, 4);
                clinic_open(&clinic, &before);
                assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
                assert_int_equal(verdict_of(&clinic, false), BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// Somebody cuts segment 2 off, and puts something behind it that was never signed: the anchor names what is not there any more.
static void test_rule_08_cut_behind_an_unsigned_segment(void **state)
{
        struct bc_anchor_state anchor;
        struct specimen before;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        scene_on_the_way(&quick, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        specimen_cut(file, marks->at[0]);
        file = specimen_find(&before, "0002.mp4");
        scene_marks(file, marks);
        specimen_unfinish(file);
        specimen_cut(file, marks->end[2]);
        scene_set_manifest(&before, &quick, "coo");
        anchor = scene_anchor(ANCHOR_AHEAD, marks, 5);
        anchor.segment = 2;
        clinic_open(&clinic, &before);
        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
        assert_int_equal(verdict_of(&clinic, false), BC_VERDICT_TAMPERED);
        clinic_close(&clinic);
        specimen_done(&before);
}

// ---- failed writes -----------------------------------------------------------------------------------------------

// The sync of a segment's end failed, and all of it is there. Until the next start nobody can say that it was durable; from then on it is
// proven without that end.
static void test_rule_07_end_that_landed(void **state)
{
        struct specimen_file *file = specimen_find(&landed, "0001.mp4");
        struct clinic clinic;

        (void)state;
        scene_marks(file, marks);
        assert_int_equal(marks->kind[marks->records - 1], BC_RECORD_CONTINUES); // else this shows nothing
        clinic_open(&clinic, &landed);
        clinic_list(&clinic);
        assert_int_equal(verdict_of(&clinic, false), BC_VERDICT_UNPROVEN);
        assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
        expect_proven(&clinic, -1, -1, 0);
        clinic_close(&clinic);
}

static void test_rule_07_abandoned(void **state)
{
        struct clinic clinic;

        (void)state;
        clinic_open(&clinic, &abandoned);
        clinic_list(&clinic);
        expect_proven(&clinic, -2, -1, 0);
        assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
        expect_proven(&clinic, -2, -1, 0);
        clinic_close(&clinic);
}

// Neither has segment 2 its last record, nor 3 its first, as with a signer that is late: recovery's record in 3 follows the last one that the
// recorder signed, not recovery's own in 2.
static void test_rule_09_chain_behind_a_recovered_segment(void **state)
{
        struct specimen before;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        scene_on_the_way(&slow, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        specimen_cut(file, marks->at[0]);
        file = specimen_find(&before, "0002.mp4");
        scene_marks(file, marks);
        specimen_unfinish(file);
        specimen_cut(file, marks->at[marks->records - 1]);
        scene_set_manifest(&before, &slow, "coo");
        clinic_open(&clinic, &before);
        assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
        if (verdict_of(&clinic, false) != BC_VERDICT_UNPROVEN)
                (void)verdict_of(&clinic, true);
        assert_int_equal(verdict_of(&clinic, false), BC_VERDICT_UNPROVEN);
        clinic_close(&clinic);
        specimen_done(&before);
}

// ---- and the next one of the recovery ----------------------------------------------------------------------------

// cuts: starts that are cut off one behind the other, the first at its nth call. Whether the first one was.
static bool cut_off(int what, const struct specimen *before, const struct bc_anchor_state *anchor, int nth, unsigned cuts, uint32_t seed)
{
        struct clinic clinic;
        uint32_t random = seed + (uint32_t)nth;
        bool struck = false;

        clinic_open(&clinic, before);
        for (unsigned i = 0; i < cuts; i++) {
                scene_tear(seed + i);
                (void)scene_start(&clinic, anchor, i == 0 ? nth : (int)(notary_random(&random) % 25), 1 << 30);
                struck |= i == 0 && scene_struck() > 0;
                clinic_list(&clinic);
        }
        scene_tear(0);
        assert_int_equal(scene_start(&clinic, anchor, 0, 0).failed, 0);
        expect_proven(&clinic, what, nth, seed);
        // And once more changes nothing.
        clinic_list(&clinic);
        assert_int_equal(scene_start(&clinic, anchor, 0, 0).failed, 0);
        expect_proven(&clinic, what, nth, seed);
        clinic_close(&clinic);
        return struck;
}

static void test_rule_09_recovery_cut_off_at_each_call(void **state)
{
        uint32_t seeds = counts_of(1, 4, 40);

        (void)state;
        for (int what = 0; what < situations; what++) {
                struct specimen before;
                struct bc_anchor_state anchor = leave(what, &before);
                int calls = 0;

                for (uint32_t seed = 1; seed <= seeds; seed++)
                        for (int nth = 0; cut_off(what, &before, &anchor, nth, 1 + seed % 3, seed * 1000); nth++)
                                calls++;
                assert_true(calls > 8 * (int)seeds);
                specimen_done(&before);
        }
}

// Told to stop at any of its calls: what is begun it ends or leaves as it was, and the next start goes on.
static void test_stopped_at_each_call(void **state)
{
        (void)state;
        for (int what = 0; what < situations; what++) {
                struct specimen before;
                struct bc_anchor_state anchor = leave(what, &before);
                unsigned stopped = 0;
                bool struck = true;

                for (int nth = 0; struck; nth++) {
                        struct bc_recovery_report report;
                        struct specimen after;
                        struct clinic clinic;

                        clinic_open(&clinic, &before);
                        scene_stops(true);
                        report = scene_start(&clinic, &anchor, nth, 1);
                        scene_stops(false);
                        struck = scene_struck() > 0;
                        assert_int_equal(report.failed, 0);
                        assert_int_equal(clinic_is_listed(&clinic), report.stopped);
                        stopped += report.stopped;
                        specimen_take(clinic.folder_fd, &after);
                        if (nth == 0) // before anything of the first file was looked at
                                for (size_t i = 0; i < before.files; i++)
                                        specimen_assert_unchanged(&before, &after, before.file[i].name);
                        specimen_done(&after);
                        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
                        expect_proven(&clinic, what, nth, 0);
                        clinic_close(&clinic);
                }
                assert_true(stopped > 2);
                specimen_done(&before);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_08_power_cut_is_proven),
                cmocka_unit_test(test_rule_08_not_without_the_anchor),
                cmocka_unit_test(test_rule_08_cut_behind_an_unsigned_segment),
                cmocka_unit_test(test_rule_07_end_that_landed),
                cmocka_unit_test(test_rule_07_abandoned),
                cmocka_unit_test(test_rule_09_chain_behind_a_recovered_segment),
                cmocka_unit_test(test_rule_09_recovery_cut_off_at_each_call),
                cmocka_unit_test(test_stopped_at_each_call),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
