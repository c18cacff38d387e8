// SPDX-License-Identifier: EUPL-1.2
// Sealed recordings that were cut off: recovery cannot look into them, and what manifest.json says of them anybody may have written. What it
// states of the last file, and of the one that the tail anchor knows, is enough for whoever has a key (docs/formats/sealed.md, 7).
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

#include "format/sealed.h"
#include "after.h"
#include "seal.h"
#include "start.h"
#include "vault.h"
#include "verdict.h"

// ---- cut off within a segment ----------------------------------------------------------------------------------

// Whatever manifest.json says: where the anchor agrees it is proven, and where somebody took more away it is not hidden.
static void test_rule_08_sealed_and_called_closed(void **state)
{
        (void)state;
        for (int closed = 0; closed < 2; closed++)
                for (int taken = 0; taken < 3; taken++) {
                        static const enum bc_verdict expected[] = { BC_VERDICT_AUTHENTIC, BC_VERDICT_TAMPERED, BC_VERDICT_UNPROVEN };
                        struct specimen before;
                        struct specimen_file *file;
                        struct bc_anchor_state anchor;
                        struct clinic clinic;

                        specimen_copy(&vault.sealed, &before);
                        file = specimen_find(&before, THIRD);
                        vault_marks(file);
                        assert_true(vault.marks->records > 6);
                        anchor = vault_anchor(3, taken == 1 ? 5 : 3);
                        specimen_cut(file, vault_end(file, 3));
                        vault_open(&clinic, &before, closed, false);
                        vault_recover(&clinic, taken == 2 ? NULL : &anchor);
                        assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
                        EXPECT_STORE(&clinic, expected[taken]);
                        verdict_key(NULL);
                        EXPECT_STORE(&clinic, BC_VERDICT_UNJUDGED);
                        verdict_key(vault.seal.opener);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

// The anchor knows segment 2, which somebody cut; and put something behind it that nobody signed.
static void test_rule_08_sealed_cut_behind_another(void **state)
{
        struct specimen before;
        struct specimen_file *file;
        struct bc_anchor_state anchor;
        struct clinic clinic;

        (void)state;
        specimen_copy(&vault.sealed, &before);
        specimen_cut(specimen_find(&before, THIRD), 100);
        file = specimen_find(&before, SECOND);
        vault_marks(file);
        anchor = vault_anchor(2, vault.marks->records - 2);
        specimen_cut(file, vault_end(file, 3));
        vault_open(&clinic, &before, true, false);
        vault_recover(&clinic, &anchor);
        assert_true(folder_has(clinic.folder_fd, "0002.recovered"));
        assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
        clinic_close(&clinic);
        specimen_done(&before);
}

// Or something that is no segment: behind it, or beside it under the same number.
static void test_rule_08_sealed_cut_and_a_stranger(void **state)
{
        static const char *const names[] = { "0005.mp4", "0005.mp4.sealed", "0003.mp4" };

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct bc_anchor_state anchor;
                struct specimen_file *file;
                struct specimen before;
                struct clinic clinic;

                specimen_copy(&vault.sealed, &before);
                file = specimen_find(&before, THIRD);
                vault_marks(file);
                anchor = vault_anchor(3, 5);
                anchor.segment = 4; // which is gone
                specimen_cut(file, vault_end(file, 3));
                vault_open(&clinic, &before, true, false);
                assert_int_equal(mkdirat(clinic.folder_fd, names[i], 0755), 0);
                vault_recover(&clinic, &anchor);
                assert_true(folder_has(clinic.folder_fd, "0003.recovered"));
                assert_int_equal(unlinkat(clinic.folder_fd, names[i], AT_REMOVEDIR), 0);
                EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// Of a recording that the ledger calls closed nothing is to be stated, and what is gone of it shows.
static void close_it(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        start_begin(ledger, NULL);
        bc_entry_closing(&entry, 1, 1, 3, user);
        bc_ledger_tell(ledger, &entry, true);
}

static void test_rule_10_sealed_and_closed(void **state)
{
        (void)state;
        for (int cut = 0; cut < 2; cut++) {
                struct specimen before;
                struct specimen_file *file;
                struct bc_anchor_state anchor;
                struct clinic clinic;

                specimen_copy(&vault.sealed, &before);
                file = specimen_find(&before, THIRD);
                vault_marks(file);
                anchor = vault_anchor(3, cut ? 3 : vault.marks->records - 1);
                if (cut)
                        specimen_cut(file, vault_end(file, 3));
                clinic_open(&clinic, &before);
                vault_write_manifest(&clinic, true);
                clinic_list(&clinic);
                (void)start_run(&clinic, &(struct start){ .tell = close_it, .user = vault.marks->hash[vault.marks->records - 1], .idle = true });
                assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).waiting, 0);
                assert_false(folder_has(clinic.folder_fd, "0003.recovered"));
                EXPECT_STORE(&clinic, cut ? BC_VERDICT_TAMPERED : BC_VERDICT_AUTHENTIC);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// ---- cut off between two segments --------------------------------------------------------------------------------

static void copy_two(struct specimen *ret_before)
{
        specimen_copy(&vault.sealed, ret_before);
        specimen_remove(ret_before, THIRD);
        vault_marks(specimen_find(ret_before, SECOND));
        assert_int_equal(vault.marks->kind[vault.marks->records - 1], BC_RECORD_CONTINUES);
}

static void test_rule_08_sealed_cut_off_between(void **state)
{
        (void)state;
        for (enum after after = 0; after < AFTERS; after++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                copy_two(&before);
                anchor = after_anchor(vault.marks, after);
                vault_open(&clinic, &before, after % 2, after == AFTER_ELSEWHERE);
                EXPECT_STORE(&clinic, BC_VERDICT_UNPROVEN);
                vault_recover(&clinic, &anchor);
                EXPECT_STORE(&clinic, after_expected[after]);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// The power goes again before the ledger has it: it is told again, of the record that lies there.
static void test_rule_08_sealed_cut_off_before_the_ledger_has_it(void **state)
{
        (void)state;
        for (int cuts = 1; cuts <= 3; cuts++) {
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                copy_two(&before);
                anchor = after_anchor(vault.marks, AFTER_LAST);
                vault_open(&clinic, &before, true, false);
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

// What was stated holds: what is put behind, or taken away, is found.
static void test_rule_10_sealed_changed_behind_the_statement(void **state)
{
        static const struct {
                const char *taken, *put;
                enum bc_verdict verdict;
        } cases[] = { { SECOND, NULL, BC_VERDICT_TAMPERED },
                      { "0002.recovered", NULL, BC_VERDICT_TAMPERED },
                      { NULL, THIRD, BC_VERDICT_TAMPERED } };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct specimen_file *third = specimen_find(&vault.sealed, THIRD);
                struct bc_anchor_state anchor;
                struct specimen before;
                struct clinic clinic;

                copy_two(&before);
                anchor = after_anchor(vault.marks, AFTER_LAST);
                vault_open(&clinic, &before, true, false);
                vault_recover(&clinic, &anchor);
                if (cases[i].taken)
                        assert_int_equal(unlinkat(clinic.folder_fd, cases[i].taken, 0), 0);
                if (cases[i].put)
                        folder_write(clinic.folder_fd, cases[i].put, third->bytes, third->size / 2);
                EXPECT_STORE(&clinic, cases[i].verdict);
                clinic_close(&clinic);
                specimen_done(&before);
        }
}

// ---- cut off in the first write of a segment ---------------------------------------------------------------------

// The bytes of a segment's first write that reached the card, or zeros in their place.
static void tear_first_write(struct specimen *before, const char *name, int what)
{
        struct specimen_file *file;
        struct vault_parts parts;

        specimen_copy(&vault.sealed, before);
        file = specimen_find(before, name);
        vault_parts(file, &parts);
        size_t sizes[] = { 0, 5, 100, parts.header - 1, parts.header, parts.header + 7, parts.begin, parts.begin + 3, parts.chunk[0] - 1 };
        const size_t cuts = sizeof(sizes) / sizeof(sizes[0]);

        if ((size_t)what < cuts) {
                specimen_cut(file, sizes[what]);
                return;
        }
        // Sectors that did not reach the card.
        static const size_t lost[][2] = { { 0, 100000 }, { 0, 512 }, { 100, 300 }, { 512, 1024 } };
        size_t from = lost[(size_t)what - cuts][0], to = lost[(size_t)what - cuts][1];
        specimen_cut(file, parts.chunk[0]);
        memset(file->bytes + from, 0, (to < file->size ? to : file->size) - from);
}

static const int tears = 13;

static void test_rule_09_sealed_cut_off_in_the_first_write(void **state)
{
        (void)state;
        for (int what = 0; what < tears; what++)
                for (enum after after = 0; after < AFTERS; after++) {
                        struct bc_anchor_state anchor;
                        struct specimen before;
                        struct clinic clinic;

                        // What of segment 2 is not there shows without the anchor.
                        if (after == AFTER_FALSE)
                                continue;
                        tear_first_write(&before, THIRD, what);
                        vault_marks(specimen_find(&before, SECOND));
                        anchor = after_anchor(vault.marks, after);
                        vault_open(&clinic, &before, after % 2, after == AFTER_ELSEWHERE);
                        vault_recover(&clinic, &anchor);
                        enum bc_verdict verdict = verdict_of_store(&clinic, false);
                        if (verdict != after_expected[after]) {
                                (void)verdict_of_store(&clinic, true);
                                fail_msg("tear %d, anchor %d: %s", what, (int)after, bc_verdict_name(verdict));
                        }
                        // As the power cut left it, and no otherwise.
                        folder_write(clinic.folder_fd, THIRD, "something else", 14);
                        EXPECT_STORE(&clinic, BC_VERDICT_TAMPERED);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

// Nor was anything of the recording durable before. The anchor knows of no recording, or has a record of it that is gone.
static void test_rule_09_sealed_nothing_of_it(void **state)
{
        (void)state;
        for (int what = 0; what < tears; what++)
                for (int named = 0; named < 2; named++) {
                        struct bc_anchor_state anchor;
                        struct specimen before;
                        struct clinic clinic;

                        tear_first_write(&before, FIRST, what);
                        specimen_remove(&before, SECOND);
                        specimen_remove(&before, THIRD);
                        vault_marks(specimen_find(&vault.sealed, FIRST));
                        anchor = vault_anchor(1, 0);
                        vault_open(&clinic, &before, named, false);
                        vault_recover(&clinic, named ? &anchor : NULL);
                        EXPECT_STORE(&clinic, named ? BC_VERDICT_TAMPERED : BC_VERDICT_AUTHENTIC);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_08_sealed_and_called_closed),
                cmocka_unit_test(test_rule_08_sealed_cut_behind_another),
                cmocka_unit_test(test_rule_08_sealed_cut_and_a_stranger),
                cmocka_unit_test(test_rule_10_sealed_and_closed),
                cmocka_unit_test(test_rule_08_sealed_cut_off_between),
                cmocka_unit_test(test_rule_08_sealed_cut_off_before_the_ledger_has_it),
                cmocka_unit_test(test_rule_10_sealed_changed_behind_the_statement),
                cmocka_unit_test(test_rule_09_sealed_cut_off_in_the_first_write),
                cmocka_unit_test(test_rule_09_sealed_nothing_of_it),
        };

        return cmocka_run_group_tests(tests, vault_make, vault_forget);
}
