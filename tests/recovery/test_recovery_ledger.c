// SPDX-License-Identifier: EUPL-1.2
// Recovery and the ledger: what was closed or recovered once is not recovered again (EVIDENCE 10), and a recording that the power cut off
// between two segments is stated to be whole, where it is (docs/formats/record.md, 10; ledger.md, 3).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "after.h"
#include "start.h"
#include "verdict.h"

#define MS BC_NS_PER_MS

static struct specimen quick, abandoned; // abandoned: segment 1, by a write that failed
static struct scene_marks *marks;

static int make(void **state)
{
        (void)state;
        marks = malloc(sizeof(*marks));
        assert_non_null(marks);
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &quick);
        scene_record(700 * MS, SCENE_WRITE, &abandoned);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        free(marks);
        specimen_done(&quick);
        specimen_done(&abandoned);
        notary_done(&scene_notary);
        return 0;
}

// What a run told of recording 1. Segment 0: it was not recovered.
struct told {
        bool closed, another; // another: and of recording 2, that it came to nothing
        uint32_t segments, segment;
        uint8_t hash[BC_HASH_BYTES];
};

static void tell(struct bc_ledger *ledger, void *user)
{
        const struct told *told = user;
        struct bc_ledger_entry entry;

        bc_entry_beginning(&entry, 1, 1, 110 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, false);
        if (told->another) {
                bc_entry_beginning(&entry, 1, 2, 150 * BC_TICKS_PER_S);
                bc_ledger_tell(ledger, &entry, false);
                bc_entry_closing(&entry, 1, 2, 0, NULL);
                bc_ledger_tell(ledger, &entry, true);
        }
        if (told->segment > 0)
                bc_entry_recovery(&entry, 1, 1, told->segment, told->hash);
        else if (told->closed)
                bc_entry_closing(&entry, 1, 1, told->segments, told->hash);
        else
                return;
        bc_ledger_tell(ledger, &entry, true);
}

static struct specimen_file *last_of(struct specimen *specimen)
{
        struct specimen_file *last = NULL;
        char name[BC_SEGMENT_NAME_BYTES_MAX];

        for (uint32_t number = 1; number < 10; number++) {
                struct specimen_file *file;

                bc_segment_name(number, name);
                file = specimen_find(specimen, name);
                last = file ? file : last;
        }
        return last;
}

static uint32_t number_of(const struct specimen_file *file)
{
        return (uint32_t)strtoul(file->name, NULL, 10);
}

// ---- rule 10 -----------------------------------------------------------------------------------------------------

static void expect_untouched(const struct clinic *clinic, struct specimen *before, const char *name)
{
        struct specimen after;

        specimen_take(clinic->folder_fd, &after);
        specimen_assert_unchanged(before, &after, name);
        specimen_done(&after);
}

// The recording was closed, and the ledger says with which record. Somebody cuts it off, at any place, lists it as open and lets
// the device find it. It signs nothing.
static void test_rule_10_closed_and_cut_off(void **state)
{
        struct told told = { .closed = true };

        (void)state;
        for (size_t keep = 0; keep < 4; keep++) {
                struct specimen before;
                struct specimen_file *file;
                struct clinic clinic;

                specimen_copy(&quick, &before);
                file = last_of(&before);
                told.segments = number_of(file);
                scene_marks(file, marks);
                assert_true(marks->records > 3);
                memcpy(told.hash, marks->hash[marks->records - 1], BC_HASH_BYTES);
                specimen_unfinish(file);
                if (keep == 3) // its own last record alone
                        specimen_cut(file, marks->at[marks->records - 1]);
                else if (keep > 0)
                        specimen_cut(file, marks->end[keep - 1]);
                else
                        specimen_cut(file, 100); // within the head
                scene_set_manifest(&before, &quick, told.segments == 3 ? "ccc" : "cccc");
                clinic_open(&clinic, &before);
                clinic_list(&clinic);
                (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
                (void)start_run(&clinic, &(struct start){ .anchor = NULL });
                expect_untouched(&clinic, &before, file->name);
                assert_true(verdict_is_given_up(&clinic));
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// With its last record it is as it was: what a power cut took, moov and patch, is written, and nothing is signed.
static void test_rule_10_closed_and_whole(void **state)
{
        struct told told = { .closed = true };
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        specimen_copy(&quick, &before);
        file = last_of(&before);
        told.segments = number_of(file);
        scene_marks(file, marks);
        memcpy(told.hash, marks->hash[marks->records - 1], BC_HASH_BYTES);
        specimen_unfinish(file);
        scene_set_manifest(&before, &quick, told.segments == 3 ? "cco" : "ccco");
        clinic_open(&clinic, &before);
        clinic_list(&clinic);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = NULL }).failed, 0);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_unchanged(&quick, &after, file->name);
        specimen_done(&after);
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        clinic_close(&clinic);
        specimen_done(&before);
}

// A segment that was abandoned before the close is recovered all the same.
static void test_rule_10_abandoned_before_the_close(void **state)
{
        struct told told = { .closed = true };
        struct specimen before;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        specimen_copy(&abandoned, &before);
        specimen_append(specimen_find(&before, "0001.mp4"), "rubbish that came late", 22);
        file = last_of(&before);
        told.segments = number_of(file);
        scene_marks(file, marks);
        memcpy(told.hash, marks->hash[marks->records - 1], BC_HASH_BYTES);
        clinic_open(&clinic, &before);
        clinic_list(&clinic);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = NULL }).failed, 0);
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        assert_true(folder_has(clinic.folder_fd, "0001.tail"));
        clinic_close(&clinic);
        specimen_done(&before);
}

// A segment of another device lies in the folder: that is reported, too.
static void test_rule_10_another_device_is_reported(void **state)
{
        struct notary ours = scene_notary;
        struct told told = { .closed = false };
        struct specimen before, strange;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &strange);
        notary_done(&scene_notary);
        scene_notary = ours;
        scene_on_the_way(&quick, &before);
        file = specimen_find(&strange, "0003.mp4");
        specimen_set(&before, "0003.mp4", file->bytes, file->size - 100);
        scene_set_manifest(&before, &quick, "cco");
        clinic_open(&clinic, &before);
        clinic_list(&clinic);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        assert_false(verdict_is_given_up(&clinic));
        (void)start_run(&clinic, &(struct start){ .anchor = NULL });
        expect_untouched(&clinic, &before, "0003.mp4");
        assert_true(verdict_is_given_up(&clinic));
        clinic_close(&clinic);
        specimen_done(&strange);
        specimen_done(&before);
}

// Somebody takes the number out of counter.json, so that nobody looks: the anchor knows it all the same.
static void test_rule_08_taken_out_of_the_list(void **state)
{
        static const struct {
                size_t whole;
                enum anchoring anchoring;
                enum bc_verdict verdict;
        } cases[] = { { 4, ANCHOR_AGREES, BC_VERDICT_AUTHENTIC }, { 2, ANCHOR_AHEAD, BC_VERDICT_TAMPERED } };
        struct told told = { .closed = false };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct specimen_file *file;
                struct clinic clinic;

                scene_on_the_way(&quick, &before);
                file = specimen_find(&before, "0003.mp4");
                scene_marks(file, marks);
                anchor = scene_anchor(cases[i].anchoring, marks, cases[i].whole);
                specimen_cut(file, marks->end[cases[i].whole - 1]);
                scene_set_manifest(&before, &quick, "cco");
                clinic_open(&clinic, &before);
                (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
                clinic_unlist(&clinic);
                (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                EXPECT_STORE(&clinic, cases[i].verdict);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// The same, where an earlier start had come to the first segment alone when the power went: that is not the end.
static void test_rule_08_taken_out_while_it_was_recovered(void **state)
{
        struct told told = { .segment = 1 };
        struct bc_anchor_state anchor;
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        scene_on_the_way(&quick, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        anchor = scene_anchor(ANCHOR_AGREES, marks, 4);
        specimen_cut(file, marks->end[3]);
        scene_set_manifest(&before, &quick, "cco");
        clinic_open(&clinic, &before);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        clinic_unlist(&clinic);
        (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
        specimen_take(clinic.folder_fd, &after);
        scene_marks(specimen_find(&after, "0003.mp4"), marks);
        assert_int_equal(marks->kind[marks->records - 1], BC_RECORD_RECOVERED);
        specimen_done(&after);
        clinic_close(&clinic);
        specimen_done(&before);
}

// Recovered, by the ledger, and cut off again behind that: it is not recovered a second time.
static void test_rule_10_recovered_and_cut_off(void **state)
{
        struct told told = { .closed = false };
        struct bc_anchor_state anchor;
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;

        (void)state;
        scene_on_the_way(&quick, &before);
        file = specimen_find(&before, "0003.mp4");
        scene_marks(file, marks);
        specimen_cut(file, marks->end[3]);
        scene_set_manifest(&before, &quick, "cco");
        anchor = scene_anchor(ANCHOR_AGREES, marks, 4);
        clinic_open(&clinic, &before);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        specimen_take(clinic.folder_fd, &after);
        clinic_close(&clinic);

        // As it is now on the card; the next day somebody shortens it.
        file = specimen_find(&after, "0003.mp4");
        scene_marks(file, marks);
        assert_int_equal(marks->kind[marks->records - 1], BC_RECORD_RECOVERED);
        told.segment = 3;
        memcpy(told.hash, marks->hash[marks->records - 1], BC_HASH_BYTES);
        specimen_unfinish(file);
        specimen_cut(file, marks->end[1]);
        clinic_open(&clinic, &after);
        clinic_list(&clinic);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
        expect_untouched(&clinic, &after, "0003.mp4");
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

// The same of a sealed file, which is looked at from outside: somebody cuts it off and takes away the record beside it.
static void test_rule_10_sealed_and_cut_off(void **state)
{
        struct told told = { .closed = false };
        struct specimen before;
        struct clinic clinic;

        (void)state;
        scene_on_the_way(&quick, &before);
        specimen_remove(&before, "0003.mp4");
        scene_set_manifest(&before, &quick, "cco");
        clinic_open(&clinic, &before);
        clinic_list(&clinic);
        folder_write(clinic.folder_fd, "0003.mp4.sealed", "nobody but the agency can tell what this is", 43);
        (void)start_run(&clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
        (void)start_run(&clinic, &(struct start){ .anchor = NULL });
        assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
        assert_int_equal(unlinkat(clinic.folder_fd, "0003.recovered", 0), 0);
        folder_write(clinic.folder_fd, "0003.mp4.sealed", "nobody but the agency", 21);
        clinic_list(&clinic);
        (void)start_run(&clinic, &(struct start){ .anchor = NULL });
        assert_false(folder_has(clinic.folder_fd, "0003.recovered"));
        clinic_close(&clinic);
        specimen_done(&before);
}

// ---- cut off between two segments --------------------------------------------------------------------------------

// Segments 1 and 2, which says that another one follows; of that there is so much.
static void open_between(struct clinic *clinic, struct specimen *ret_before, size_t bytes, bool another)
{
        struct told told = { .another = another };
        struct specimen_file *third;

        scene_on_the_way(&quick, ret_before);
        third = specimen_find(ret_before, "0003.mp4");
        if (bytes > 0) {
                specimen_cut(third, bytes);
                memset(third->bytes + 4, 0, 4); // no head of ours
        } else {
                specimen_remove(ret_before, "0003.mp4");
        }
        scene_set_manifest(ret_before, &quick, bytes > 0 ? "ccc" : "cc");
        scene_marks(specimen_find(ret_before, "0002.mp4"), marks);
        assert_int_equal(marks->kind[marks->records - 1], BC_RECORD_CONTINUES);
        clinic_open(clinic, ret_before);
        clinic_list(clinic);
        (void)start_run(clinic, &(struct start){ .tell = tell, .user = &told, .idle = true });
}

// At the next start the device states what it found; where the anchor agrees nothing is missing.
static void test_rule_08_cut_off_between_segments(void **state)
{
        (void)state;
        for (enum after after = 0; after < AFTERS; after++) {
                struct bc_anchor_state anchor, later = { .recording = 1, .segment = 4, .index = 1 };
                struct bc_recovery_report report;
                struct specimen before;
                struct clinic clinic;

                open_between(&clinic, &before, 0, after == AFTER_ELSEWHERE);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                anchor = after_anchor(marks, after);
                report = start_run(&clinic, &(struct start){ .anchor = &anchor });
                assert_int_equal(report.failed, 0);
                assert_int_equal(report.waiting, 1);
                assert_false(report.stopped);
                assert_true(clinic_is_listed(&clinic)); // until the ledger has it
                EXPECT_STORE(&clinic, after_expected[after]);
                // Whatever the anchor says by then, it was stated.
                report = start_run(&clinic, &(struct start){ .anchor = &later });
                assert_int_equal(report.waiting, 0);
                assert_false(clinic_is_listed(&clinic));
                EXPECT_STORE(&clinic, after_expected[after]);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// Who took away what came behind put something there that is no segment, lest the device sees that nothing does.
static void test_rule_08_cut_off_and_a_stranger_behind(void **state)
{
        (void)state;
        for (int label = 0; label < 2; label++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                open_between(&clinic, &before, 0, false);
                anchor = after_anchor(marks, AFTER_LATER);
                if (label)
                        assert_int_equal(linkat(clinic.folder_fd, "0001.mp4", clinic.folder_fd, "0005.mp4", 0), 0);
                else
                        assert_int_equal(mkdirat(clinic.folder_fd, "0005.mp4", 0755), 0);
                for (int i = 0; i < 2; i++)
                        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).waiting, 1 - i);
                assert_int_equal(unlinkat(clinic.folder_fd, "0005.mp4", label ? 0 : AT_REMOVEDIR), 0);
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// The power goes again before the ledger has it: the recording is still listed, and it is stated at the next start.
static void test_rule_08_cut_off_before_the_ledger_has_it(void **state)
{
        (void)state;
        for (int cuts = 1; cuts <= 3; cuts++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                open_between(&clinic, &before, 700, false);
                anchor = after_anchor(marks, AFTER_LAST);
                for (int i = 0; i < cuts; i++)
                        (void)start_run(&clinic, &(struct start){ .anchor = &anchor, .cut_off = true });
                for (int i = 0; i < 2; i++)
                        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
                assert_false(clinic_is_listed(&clinic));
                EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// What there was of the next segment has no head: it moves to a tail as a whole, and the statement covers it.
static void test_rule_09_cut_off_in_the_first_write(void **state)
{
        struct bc_anchor_state anchor;
        struct specimen before, after;
        struct clinic clinic;

        (void)state;
        open_between(&clinic, &before, 700, false);
        anchor = after_anchor(marks, AFTER_LAST);
        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
        assert_true(folder_has(clinic.folder_fd, "0003.tail"));
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        specimen_take(clinic.folder_fd, &after);
        specimen_find(&after, "0003.tail")->bytes[9] ^= 1;
        specimen_put(&after, clinic.folder_fd);
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        assert_int_equal(unlinkat(clinic.folder_fd, "0003.tail", 0), 0);
        EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
        specimen_done(&after);
        clinic_close(&clinic);
        specimen_done(&before);
}

// Nothing of its first write had reached the card but its name.
static void test_rule_09_cut_off_before_the_first_write(void **state)
{
        struct bc_anchor_state anchor;
        struct specimen before;
        struct clinic clinic;

        (void)state;
        open_between(&clinic, &before, 0, false);
        folder_write(clinic.folder_fd, "0003.mp4", "", 0);
        anchor = after_anchor(marks, AFTER_LAST);
        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
        assert_true(folder_has(clinic.folder_fd, "0003.tail"));
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        folder_write(clinic.folder_fd, "0003.tail", "something", 9);
        EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
        clinic_close(&clinic);
        specimen_done(&before);
}

// What was stated holds: a segment that is put behind, or taken away, is found.
static void test_rule_10_changed_behind_the_statement(void **state)
{
        (void)state;
        for (int taken = 0; taken < 2; taken++) {
                const struct specimen_file *third = specimen_find(&quick, "0003.mp4");
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                open_between(&clinic, &before, 0, false);
                anchor = after_anchor(marks, AFTER_LAST);
                (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                if (taken)
                        assert_int_equal(unlinkat(clinic.folder_fd, "0002.mp4", 0), 0);
                else
                        folder_write(clinic.folder_fd, "0003.mp4", third->bytes, third->size);
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                // Nor does the device go on from there.
                clinic_list(&clinic);
                (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_10_closed_and_cut_off),
                cmocka_unit_test(test_rule_10_closed_and_whole),
                cmocka_unit_test(test_rule_10_abandoned_before_the_close),
                cmocka_unit_test(test_rule_10_another_device_is_reported),
                cmocka_unit_test(test_rule_08_taken_out_of_the_list),
                cmocka_unit_test(test_rule_08_taken_out_while_it_was_recovered),
                cmocka_unit_test(test_rule_10_recovered_and_cut_off),
                cmocka_unit_test(test_rule_10_sealed_and_cut_off),
                cmocka_unit_test(test_rule_08_cut_off_between_segments),
                cmocka_unit_test(test_rule_08_cut_off_and_a_stranger_behind),
                cmocka_unit_test(test_rule_08_cut_off_before_the_ledger_has_it),
                cmocka_unit_test(test_rule_09_cut_off_in_the_first_write),
                cmocka_unit_test(test_rule_09_cut_off_before_the_first_write),
                cmocka_unit_test(test_rule_10_changed_behind_the_statement),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
