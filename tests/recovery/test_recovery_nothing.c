// SPDX-License-Identifier: EUPL-1.2
// Cut off before anything of a recording was on the card, or before the anchor knew of the device's first recording: nothing is lost, and the
// device's word for it is proven as far as its anchor goes. Who empties a folder, or takes it away, is found (docs/formats/ledger.md, 7).
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

#include "start.h"
#include "verdict.h"

static struct specimen recorded; // closed
static struct scene_marks *marks;

static int make(void **state)
{
        (void)state;
        marks = malloc(sizeof(*marks));
        assert_non_null(marks);
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &recorded);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        free(marks);
        specimen_done(&recorded);
        notary_done(&scene_notary);
        return 0;
}

// ---- what the run before told the ledger -----------------------------------------------------------------------

// The device went on for long behind that.
static void begin_early(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        (void)user;
        bc_entry_beginning(&entry, bc_signer_now_ns(scene_notary.signer) - 3 * BC_NS_PER_S, 1, 110 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, true);
}

static void begin_second(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        (void)user;
        bc_entry_beginning(&entry, bc_signer_now_ns(scene_notary.signer), 2, 150 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, true);
}

static void tell_nothing(struct bc_ledger *ledger, void *user)
{
        (void)ledger, (void)user;
}

static void close_with(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        start_begin(ledger, NULL);
        bc_entry_closing(&entry, bc_signer_now_ns(scene_notary.signer), 1, user ? 3 : 0, user);
        bc_ledger_tell(ledger, &entry, true);
}

// ---- what is on the card ---------------------------------------------------------------------------------------

enum left { LEFT_EMPTY, LEFT_MANIFEST, LEFT_NO_FOLDER, LEFT_NO_BYTES, LEFT_NO_HEAD, LEFTS };

static void remove_folder(const struct clinic *clinic)
{
        int fd = openat(clinic->store_fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct specimen after;

        specimen_take(clinic->folder_fd, &after);
        for (size_t i = 0; i < after.files; i++)
                assert_int_equal(unlinkat(clinic->folder_fd, after.file[i].name, 0), 0);
        specimen_done(&after);
        assert_int_equal(unlinkat(fd, SPECIMEN_NAME, AT_REMOVEDIR), 0);
        close(fd);
}

static void open_clinic(struct clinic *clinic, enum left left, void (*tell)(struct bc_ledger *ledger, void *user), void *user)
{
        struct specimen before;

        specimen_copy(&recorded, &before);
        scene_set_manifest(&before, &recorded, "");
        if (left != LEFT_MANIFEST)
                specimen_remove(&before, BC_MANIFEST_NAME);
        for (char name[] = "0001.mp4"; specimen_find(&before, name); name[3]++) {
                struct specimen_file *file = specimen_find(&before, name);

                if (name[3] != '1' || (left != LEFT_NO_BYTES && left != LEFT_NO_HEAD)) {
                        specimen_remove(&before, name);
                        continue;
                }
                specimen_unfinish(file);
                specimen_cut(file, left == LEFT_NO_BYTES ? 0 : 700);
                if (left == LEFT_NO_HEAD)
                        memset(file->bytes + 4, 0, 4);
        }
        clinic_open(clinic, &before);
        clinic_list(clinic);
        if (left == LEFT_NO_FOLDER)
                remove_folder(clinic);
        (void)start_run(clinic, &(struct start){ .tell = tell, .user = user, .idle = true });
        specimen_done(&before);
}

// The nth record of segment 1.
static struct bc_anchor_state anchor_on(uint64_t recording, size_t nth)
{
        struct bc_anchor_state anchor = { .recording = recording, .segment = 1, .index = (uint32_t)nth + 1 };

        scene_marks(specimen_find(&recorded, "0001.mp4"), marks);
        anchor.tail_ns = marks->signed_ns[nth];
        memcpy(anchor.tail_hash, marks->hash[nth], BC_HASH_BYTES);
        return anchor;
}

static void recover(const struct clinic *clinic, const struct bc_anchor_state *anchor, unsigned waiting)
{
        struct bc_recovery_report report = start_run(clinic, &(struct start){ .anchor = anchor });

        assert_int_equal(report.failed, 0);
        assert_int_equal(report.waiting, waiting);
        assert_int_equal(clinic_is_listed(clinic), waiting);
        if (waiting == 0)
                return;
        report = start_run(clinic, &(struct start){ .anchor = anchor });
        assert_int_equal(report.failed + report.waiting, 0);
        assert_false(clinic_is_listed(clinic));
}

// ---- nothing of it was on the card -----------------------------------------------------------------------------

static void test_rule_08_cut_off_before_anything(void **state)
{
        void (*const told[])(struct bc_ledger *, void *) = { start_begin, tell_nothing };

        (void)state;
        for (enum left left = 0; left < LEFTS; left++)
                for (size_t i = 0; i < 2; i++) {
                        struct clinic clinic;

                        open_clinic(&clinic, left, told[i], NULL);
                        if (left != LEFT_NO_FOLDER)
                                assert_int_not_equal(verdict_of_store(&clinic, false), BC_VERDICT_AUTHENTIC); // else this shows nothing
                        recover(&clinic, NULL, 1);
                        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                        clinic_close(&clinic);
                }
}

// The power goes again before the ledger has it.
static void test_rule_08_nothing_before_the_ledger_has_it(void **state)
{
        (void)state;
        for (enum left left = 0; left < LEFTS; left++) {
                struct clinic clinic;

                open_clinic(&clinic, left, start_begin, NULL);
                for (int i = 0; i < 2; i++)
                        (void)start_run(&clinic, &(struct start){ .cut_off = true });
                for (int i = 0; i < 2; i++)
                        assert_int_equal(start_run(&clinic, &(struct start){ .anchor = NULL }).failed, 0);
                assert_false(clinic_is_listed(&clinic));
                EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                clinic_close(&clinic);
        }
}

// Somebody emptied the folder, or took it away, before the device looked: the anchor knows a record of it; whether the number is still in
// counter.json or not.
static void test_rule_08_emptied(void **state)
{
        (void)state;
        for (enum left left = 0; left < LEFTS; left++)
                for (int listed = 0; listed < 2; listed++) {
                        struct bc_anchor_state anchor = anchor_on(1, 3);
                        struct clinic clinic;

                        open_clinic(&clinic, left, start_begin, NULL);
                        if (!listed)
                                clinic_unlist(&clinic);
                        if (listed)
                                recover(&clinic, &anchor, 1);
                        else
                                (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                        clinic_close(&clinic);
                }
}

// And put something there that is no segment of it, lest the device finds nothing; and took that away afterwards.
static void test_rule_08_emptied_for_a_stranger(void **state)
{
        (void)state;
        for (int kind = 0; kind < 3; kind++)
                for (int sealed = 0; sealed < 2; sealed++) {
                        const char *const name = sealed ? "0002.mp4.sealed" : "0002.mp4";
                        struct bc_anchor_state anchor = anchor_on(1, 3);
                        struct clinic clinic;
                        int fd = -1;

                        open_clinic(&clinic, LEFT_EMPTY, start_begin, NULL);
                        if (kind == 0)
                                assert_int_equal(mkdirat(clinic.folder_fd, name, 0755), 0);
                        if (kind == 1)
                                assert_int_equal(symlinkat("nowhere", clinic.folder_fd, name), 0);
                        if (kind == 2) { // of another recording, or by its label of another number
                                const struct specimen_file *file = specimen_find(&recorded, "0001.mp4");

                                if (sealed)
                                        continue;
                                fd = openat(clinic.folder_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                                assert_int_equal(write(fd, file->bytes, file->size), file->size);
                                close(fd);
                        }
                        recover(&clinic, &anchor, 1);
                        assert_int_equal(unlinkat(clinic.folder_fd, name, kind == 0 ? AT_REMOVEDIR : 0), 0);
                        remove_folder(&clinic);
                        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                        clinic_close(&clinic);
                }
}

// Another card is in the camera than the one that the anchor knows the recording of: that is a matter for the ledger.
static void test_rule_12_of_another_card(void **state)
{
        (void)state;
        for (int begun = 0; begun < 2; begun++) {
                struct bc_anchor_state anchor = anchor_on(2, 3);
                struct clinic clinic;

                open_clinic(&clinic, LEFT_EMPTY, close_with, NULL);
                clinic_unlist(&clinic);
                EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                if (begun)
                        (void)start_run(&clinic, &(struct start){ .tell = begin_second, .idle = true });
                (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                EXPECT_STORE(&clinic, begun ? BC_VERDICT_TAMPERED : BC_VERDICT_AUTHENTIC);
                clinic_close(&clinic);
        }
}

// The ledger knows its end: nothing else is stated of it.
static void test_rule_10_closed_and_emptied(void **state)
{
        (void)state;
        for (enum left left = 0; left < LEFT_NO_BYTES; left++) {
                struct bc_anchor_state anchor = anchor_on(1, 3);
                struct clinic clinic;

                open_clinic(&clinic, left, close_with, marks->hash[3]);
                recover(&clinic, &anchor, 0);
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
        }
}

// A later recording's anchor says nothing of this one, a lost one nothing at all; and where the ledger shows that the device went on, the
// recording had lasted.
static void test_rule_08_nothing_is_not_proven(void **state)
{
        (void)state;
        for (enum left left = 0; left < LEFTS; left++) {
                struct bc_anchor_state later = anchor_on(2, 0);
                struct clinic clinic;
                char path[FOLDER_PATH_BYTES + 16];

                open_clinic(&clinic, left, start_begin, &later);
                recover(&clinic, &later, 1);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                clinic_close(&clinic);

                open_clinic(&clinic, left, start_begin, NULL);
                snprintf(path, sizeof(path), "%s/anchor", clinic.path);
                assert_int_equal(unlink(path), 0);
                recover(&clinic, NULL, 1);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                clinic_close(&clinic);

                open_clinic(&clinic, left, begin_early, NULL);
                recover(&clinic, NULL, 1);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                clinic_close(&clinic);
        }
}

// What was hidden while the device looked, and put back.
static void test_rule_10_put_back(void **state)
{
        const struct specimen_file *first = specimen_find(&recorded, "0001.mp4");
        struct clinic clinic;

        (void)state;
        open_clinic(&clinic, LEFT_EMPTY, start_begin, NULL);
        recover(&clinic, NULL, 1);
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        folder_write(clinic.folder_fd, "0001.mp4", first->bytes, first->size);
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        // Nor without the list that it is not in.
        assert_int_equal(unlinkat(clinic.folder_fd, BC_MANIFEST_NAME, 0), 0);
        (void)unlinkat(clinic.folder_fd, "manifest.sig", 0);
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        clinic_close(&clinic);

        // What recovery set aside is stated.
        open_clinic(&clinic, LEFT_NO_HEAD, start_begin, NULL);
        recover(&clinic, NULL, 1);
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        folder_write(clinic.folder_fd, "0001.tail", "something else", 14);
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        assert_int_equal(unlinkat(clinic.folder_fd, "0001.tail", 0), 0);
        EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
        clinic_close(&clinic);
}

// It came to nothing while the device ran, which the ledger says.
static void test_closed_without_a_segment(void **state)
{
        struct clinic clinic;

        (void)state;
        open_clinic(&clinic, LEFT_MANIFEST, close_with, NULL);
        clinic_unlist(&clinic);
        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
        clinic_close(&clinic);
}

// ---- the device's first recording ------------------------------------------------------------------------------

// Of the device's first recording, the first n records.
static void open_first(struct clinic *clinic, size_t n)
{
        struct specimen before;
        struct specimen_file *file;

        specimen_copy(&recorded, &before);
        specimen_remove(&before, "0002.mp4");
        specimen_remove(&before, "0003.mp4");
        file = specimen_find(&before, "0001.mp4");
        specimen_unfinish(file);
        scene_marks(file, marks);
        assert_true(n <= marks->records);
        specimen_cut(file, marks->end[n - 1]);
        scene_set_manifest(&before, &recorded, "o");
        clinic_open(clinic, &before);
        clinic_list(clinic);
        (void)start_run(clinic, &(struct start){ .tell = start_begin, .idle = true });
        specimen_done(&before);
}

// The anchor is there, and knows of no recording: no more than 2 s of it can have been durable.
static void test_rule_08_anchor_before_the_first_recording(void **state)
{
        const size_t records[] = { 1, 2, 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
                struct clinic clinic;
                size_t n = records[i];

                scene_marks(specimen_find(&recorded, "0001.mp4"), marks);
                n = n > 0 ? n : marks->records - 1;
                bool young = marks->signed_ns[n - 1] - marks->signed_ns[0] <= 2 * BC_NS_PER_S;
                assert_int_equal(young, i < 2);
                open_first(&clinic, n);
                recover(&clinic, NULL, 0);
                EXPECT_STORE(&clinic, young ? BC_VERDICT_AUTHENTIC : BC_VERDICT_UNPROVEN);
                clinic_close(&clinic);
        }
}

// One that was lost says nothing, in the run that finds it lost and in those behind it.
static void test_rule_08_anchor_lost(void **state)
{
        (void)state;
        for (int later = 0; later < 2; later++) {
                char path[FOLDER_PATH_BYTES + 16];
                struct clinic clinic;

                open_first(&clinic, 1);
                snprintf(path, sizeof(path), "%s/anchor", clinic.path);
                assert_int_equal(unlink(path), 0);
                if (later)
                        (void)start_run(&clinic, &(struct start){ .idle = true });
                recover(&clinic, NULL, 0);
                assert_int_equal(verdict_of(&clinic, false), BC_VERDICT_UNPROVEN);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                clinic_close(&clinic);
        }
}

// ---- the first second of all -----------------------------------------------------------------------------------

static struct bc_anchor_state read_anchor(const struct clinic *clinic, const struct bc_anchor_state *put)
{
        char path[FOLDER_PATH_BYTES + 16], text[256];
        struct bc_anchor_found found;
        struct bc_anchor *anchor;

        snprintf(path, sizeof(path), "%s/anchor", clinic->path);
        assert_int_equal(bc_anchor_open(path, false, text, sizeof(text), &anchor, &found), 0);
        if (put)
                assert_int_equal(bc_anchor_write(anchor, put, BC_ANCHOR_LIGHT, 0, text, sizeof(text)), 0);
        bc_anchor_free(anchor);
        return found.state;
}

// A ledger is opened, and the power goes before a record of it is written.
static void open_alone(const struct clinic *clinic)
{
        const struct bc_ledger_owner owner = notary_owner(&scene_notary);
        char anchor[FOLDER_PATH_BYTES + 16], text[256];
        struct bc_standing standing;

        snprintf(anchor, sizeof(anchor), "%s/anchor", clinic->path);
        bc_standing_init(&standing);
        assert_int_equal(bc_standing_look(&standing, clinic->store_fd, anchor, &owner, true, text, sizeof(text)), 0);
        assert_false(standing.found.rolled_back);
        bc_standing_done(&standing);
}

// The power goes before the ledger's first record, or behind it before the anchor knows that: no rollback.
static void test_rule_12_cut_off_at_the_first_record(void **state)
{
        (void)state;
        for (int written = 0; written < 2; written++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                specimen_copy(&recorded, &before);
                clinic_open(&clinic, &before);
                open_alone(&clinic);
                anchor = read_anchor(&clinic, NULL);
                assert_int_equal(anchor.epoch, 1);
                assert_int_equal(anchor.sequence, 0);
                if (written) {
                        (void)start_run(&clinic, &(struct start){ .idle = true });
                        assert_true(read_anchor(&clinic, &anchor).sequence > 0);
                }
                for (int i = 0; i < 2; i++) {
                        (void)start_run(&clinic, &(struct start){ .idle = true });
                        assert_int_equal(read_anchor(&clinic, NULL).epoch, 1);
                }
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_08_cut_off_before_anything),
                cmocka_unit_test(test_rule_08_nothing_before_the_ledger_has_it),
                cmocka_unit_test(test_rule_08_emptied),
                cmocka_unit_test(test_rule_08_emptied_for_a_stranger),
                cmocka_unit_test(test_rule_12_of_another_card),
                cmocka_unit_test(test_rule_10_closed_and_emptied),
                cmocka_unit_test(test_rule_08_nothing_is_not_proven),
                cmocka_unit_test(test_rule_10_put_back),
                cmocka_unit_test(test_closed_without_a_segment),
                cmocka_unit_test(test_rule_08_anchor_before_the_first_recording),
                cmocka_unit_test(test_rule_08_anchor_lost),
                cmocka_unit_test(test_rule_12_cut_off_at_the_first_record),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
