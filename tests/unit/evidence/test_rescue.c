// SPDX-License-Identifier: EUPL-1.2
// Recovery of signed recordings: what a record proves is kept, the rest is moved aside, and what was found is signed with the
// anchor's word (docs/formats/record.md, kind 4; EVIDENCE rules 8 to 10), wherever the power went, and went again.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/counts.h"
#include "scene.h"

#define MS BC_NS_PER_MS

static struct specimen quick, slow, abandoned; // by their signer; abandoned: segment 1, by a write that failed

static int make(void **state)
{
        (void)state;
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &quick);
        scene_record(400 * MS, SCENE_WELL, &slow);
        scene_record(700 * MS, SCENE_WRITE, &abandoned);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        specimen_done(&quick);
        specimen_done(&slow);
        specimen_done(&abandoned);
        notary_done(&scene_notary);
        return 0;
}

// ---- a cut -----------------------------------------------------------------------------------------------------

static void cut_at(const struct specimen *recorded, size_t size, enum anchoring anchoring)
{
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen_file *file;
        struct bc_anchor_state anchor;
        struct specimen before;
        struct witness *witness;
        struct clinic clinic;
        struct shape shape;
        size_t whole = 0, fragments = 0;
        uint64_t kept;

        assert_non_null(marks);
        scene_on_the_way(recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        shape_of(file->bytes, file->size, &shape);
        assert_true(size <= file->size);
        while (whole < marks->records && marks->end[whole] <= size)
                whole++;
        while (fragments < shape.fragments && shape.fragment_end[fragments] <= size)
                fragments++;
        if ((whole == 0 && anchoring != ANCHOR_ABSENT && anchoring != ANCHOR_AHEAD) || (whole == marks->records && anchoring == ANCHOR_AHEAD)) {
                specimen_done(&before);
                free(marks);
                return;
        }
        anchor = scene_anchor(anchoring, marks, whole);
        specimen_cut(file, size);
        kept = whole > 0 ? marks->end[whole - 1] : fragments > 0 ? shape.fragment_end[fragments - 1] : 0;
        clinic_open(&clinic, &before);
        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
        assert_false(clinic_is_listed(&clinic));
        witness = scene_look(&clinic, WITNESS_ENDED);
        if (kept == 0) {
                assert_int_equal(witness->segments, 2);
                scene_check_tail(&clinic, "0003.tail", NULL, file->bytes, size);
        } else if (whole == marks->records) {
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 0);
                assert_int_equal(witness->segments, 3);
        } else {
                assert_int_equal(witness->segments, 3);
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
                assert_int_equal(witness->recovered[2]->index, whole + 1);
                assert_int_equal(witness->recovered[2]->epoch, 1);
                assert_int_equal(witness->recovered[2]->boot, 2);
                scene_check_found(witness->recovered[2], &anchor, size, kept, anchoring != ANCHOR_AHEAD && anchoring != ANCHOR_FALSE);
                scene_check_tail(&clinic, "0003.tail", witness->recovered[2], file->bytes + kept, size - kept);
                assert_memory_equal(witness->segment[2]->bytes, file->bytes, kept);
        }
        witness_free(witness);
        // Once more changes nothing.
        clinic_list(&clinic);
        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
        witness = scene_look(&clinic, WITNESS_ENDED);
        assert_true(witness->by_kind[BC_RECORD_RECOVERED] <= 1);
        witness_free(witness);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

static void cut_everywhere(const struct specimen *recorded, uint32_t seed)
{
        int rounds = (int)counts_of(5, 60, 1000);
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file;

        assert_non_null(marks);
        scene_on_the_way(recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        assert_true(marks->records > 3);
        for (size_t i = 0; i < marks->edges; i += counts_of(2, 1, 1))
                for (int off = -1; off <= 1; off++)
                        if (marks->edge[i] + (uint64_t)off <= file->size)
                                cut_at(recorded, marks->edge[i] + (uint64_t)off, (enum anchoring)((i + (size_t)(off + 1)) % ANCHORINGS));
        for (int i = 0; i < rounds; i++)
                cut_at(recorded, 1 + notary_random(&seed) % file->size, (enum anchoring)(i % ANCHORINGS));
        specimen_done(&before);
        free(marks);
}

static void test_cut_of_quick_signer(void **state)
{
        (void)state;
        cut_everywhere(&quick, 1);
}

static void test_cut_of_slow_signer(void **state)
{
        (void)state;
        cut_everywhere(&slow, 2);
}

static void test_each_anchor(void **state)
{
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen before;

        (void)state;
        assert_non_null(marks);
        scene_on_the_way(&quick, &before);
        scene_marks(specimen_find(&before, "0003.mp4"), marks);
        for (int anchoring = 0; anchoring < ANCHORINGS; anchoring++)
                cut_at(&quick, marks->end[2] + 300, (enum anchoring)anchoring);
        specimen_done(&before);
        free(marks);
}

// ---- not to be touched -----------------------------------------------------------------------------------------

static void assert_left_alone(struct specimen *before)
{
        struct specimen after;
        struct clinic clinic;

        clinic_open(&clinic, before);
        (void)scene_start(&clinic, &scene_no_anchor, 0, 0);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_unchanged(before, &after, "0003.mp4");
        assert_null(specimen_find(&after, "0003.tail"));
        specimen_done(&after);
        clinic_close(&clinic);
}

static void test_rule_10_records_of_another_device(void **state)
{
        struct notary ours = scene_notary;
        struct specimen before;

        (void)state;
        scene_on_the_way(&quick, &before);
        specimen_cut(specimen_find(&before, "0003.mp4"), specimen_find(&before, "0003.mp4")->size - 100);
        notary_make(&scene_notary); // another device, of the same name, starts with this card
        assert_left_alone(&before);
        notary_done(&scene_notary);
        scene_notary = ours;
        specimen_done(&before);
}

// ---- finished, but nobody said so ------------------------------------------------------------------------------

static void test_finished_but_listed(void **state)
{
        const struct specimen *recorded[] = { &quick, &slow };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct specimen before, after;
                struct witness *witness;
                struct clinic clinic;

                specimen_copy(recorded[i], &before);
                specimen_set_manifest(&before, "ooo");
                clinic_open(&clinic, &before);
                assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
                witness = scene_look(&clinic, WITNESS_ENDED | WITNESS_CLOSED);
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 0);
                witness_free(witness);
                specimen_take(clinic.folder_fd, &after);
                for (size_t k = 0; k < before.files; k++)
                        if (strstr(before.file[k].name, ".mp4"))
                                specimen_assert_unchanged(&before, &after, before.file[k].name);
                specimen_done(&after);
                specimen_done(&before);
                clinic_close(&clinic);
        }
}

// ---- abandoned -------------------------------------------------------------------------------------------------

// What its successor proves is kept, be it behind the last record.
static void test_abandoned_with_successor(void **state)
{
        struct specimen before;
        struct witness *witness;
        struct clinic clinic;
        uint64_t end;

        (void)state;
        for (int kind = 0; kind < 4; kind++) {
                specimen_copy(&abandoned, &before);
                if (kind == 1) // what the failed write left there
                        specimen_append(specimen_find(&before, "0001.mp4"), "rubbish that came late", 22);
                if (kind == 2) // nobody says so any more
                        specimen_set_manifest(&before, "occ");
                if (kind == 3) {
                        // Somebody says that less of it counts.
                        struct specimen_file *file = specimen_find(&before, "0001.mp4");
                        size_t size = file->size;
                        struct scene_marks *marks = malloc(sizeof(*marks));

                        assert_non_null(marks);
                        scene_marks(file, marks);
                        file->size = marks->end[0];
                        specimen_set_manifest(&before, "acc");
                        specimen_find(&before, "0001.mp4")->size = size;
                        free(marks);
                }
                clinic_open(&clinic, &before);
                witness = scene_look(&clinic, 0);
                assert_true(witness->segment[0]->abandoned);
                end = witness->segment[0]->end;
                assert_true(end > witness->segment[0]->record[witness->segment[0]->records - 1].end); // else this shows nothing
                witness_free(witness);
                assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
                witness = scene_look(&clinic, WITNESS_ENDED);
                assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
                assert_non_null(witness->recovered[0]);
                scene_check_found(witness->recovered[0], &scene_no_anchor, end + (kind == 1 ? 22 : 0), end, true);
                scene_check_tail(&clinic, "0001.tail", witness->recovered[0], (const uint8_t *)"rubbish that came late", kind == 1 ? 22 : 0);
                witness_free(witness);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// The power went before its successor had a record: nobody vouches for what is behind its last one.
static void test_abandoned_without_successor(void **state)
{
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file;
        struct witness *witness;
        struct clinic clinic;

        (void)state;
        assert_non_null(marks);
        specimen_copy(&abandoned, &before);
        for (size_t i = before.files; i-- > 0;)
                if (strstr(before.file[i].name, ".mp4") && strcmp(before.file[i].name, "0001.mp4") != 0)
                        specimen_remove(&before, before.file[i].name);
        specimen_set_manifest(&before, "a");
        file = specimen_find(&before, "0001.mp4");
        scene_marks(file, marks);
        clinic_open(&clinic, &before);
        assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
        witness = scene_look(&clinic, WITNESS_ENDED);
        assert_non_null(witness->recovered[0]);
        scene_check_found(witness->recovered[0], &scene_no_anchor, file->size, marks->end[marks->records - 1], true);
        witness_free(witness);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

// Somebody changed what only the successor proves: nobody vouches for that.
static void test_abandoned_and_changed(void **state)
{
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;
        uint64_t kept;

        (void)state;
        assert_non_null(marks);
        specimen_copy(&abandoned, &before);
        file = specimen_find(&before, "0001.mp4");
        scene_marks(file, marks);
        kept = marks->end[marks->records - 1];
        file->bytes[file->size - 3] ^= 1;
        clinic_open(&clinic, &before);
        assert_int_equal(scene_start(&clinic, &scene_no_anchor, 0, 0).failed, 0);
        scene_check_tail(&clinic, "0001.tail", NULL, file->bytes + kept, file->size - kept);
        specimen_take(clinic.folder_fd, &after);
        scene_marks(specimen_find(&after, "0001.mp4"), marks);
        assert_int_equal(marks->kind[marks->records - 1], BC_RECORD_RECOVERED);
        assert_int_equal(marks->covered[marks->records - 1], kept);
        specimen_done(&after);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

// A manifest that is forged does not cut a segment that has its end.
static void test_forged_manifest(void **state)
{
        struct specimen before, after;
        struct clinic clinic;
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen_file *file;
        size_t size;

        (void)state;
        assert_non_null(marks);
        specimen_copy(&quick, &before);
        file = specimen_find(&before, "0002.mp4");
        scene_marks(file, marks);
        size = file->size;
        file->size = marks->end[2];
        specimen_set_manifest(&before, "cac");
        specimen_find(&before, "0002.mp4")->size = size;
        clinic_open(&clinic, &before);
        (void)scene_start(&clinic, &scene_no_anchor, 0, 0);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_unchanged(&before, &after, "0002.mp4");
        specimen_done(&after);
        clinic_close(&clinic);
        specimen_done(&before);
        free(marks);
}

// ---- cut off itself --------------------------------------------------------------------------------------------

static bool cut_off_at(const struct specimen *before, uint64_t size, uint64_t kept, int nth, int failures)
{
        struct bc_anchor_state anchor = scene_no_anchor;
        struct witness *witness;
        struct clinic clinic;
        bool struck;

        clinic_open(&clinic, before);
        (void)scene_start(&clinic, &anchor, nth, failures);
        struck = scene_struck() > 0;
        clinic_list(&clinic);
        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
        witness = scene_look(&clinic, WITNESS_ENDED);
        assert_int_equal(witness->segments, 3);
        assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
        scene_check_found(witness->recovered[2], &anchor, size, kept, true);
        scene_check_tail(&clinic, "0003.tail", witness->recovered[2],
                   specimen_find((struct specimen *)(uintptr_t)before, "0003.mp4")->bytes + kept, size - kept);
        witness_free(witness);
        clinic_close(&clinic);
        return struck;
}

static void test_recovery_cut_off_at_each_call(void **state)
{
        static const int failures[] = { 1, 1 << 30 };
        struct scene_marks *marks = malloc(sizeof(*marks));
        struct specimen before;
        struct specimen_file *file;
        int faults = 0;

        (void)state;
        assert_non_null(marks);
        scene_on_the_way(&slow, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        specimen_cut(file, marks->end[1] + 900);
        for (size_t i = 0; i < 2; i++)
                for (int nth = 0; cut_off_at(&before, file->size, marks->end[1], nth, failures[i]); nth++)
                        faults++;
        assert_true(faults > 15);
        specimen_done(&before);
        free(marks);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_anchor),
                cmocka_unit_test(test_cut_of_quick_signer),
                cmocka_unit_test(test_cut_of_slow_signer),
                cmocka_unit_test(test_rule_10_records_of_another_device),
                cmocka_unit_test(test_finished_but_listed),
                cmocka_unit_test(test_abandoned_with_successor),
                cmocka_unit_test(test_abandoned_without_successor),
                cmocka_unit_test(test_abandoned_and_changed),
                cmocka_unit_test(test_forged_manifest),
                cmocka_unit_test(test_recovery_cut_off_at_each_call),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
