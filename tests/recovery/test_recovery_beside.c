// SPDX-License-Identifier: EUPL-1.2
// The record beside a sealed segment that was cut off (docs/formats/sealed.md, 7), where something else lies in its place already.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start.h"
#include "vault.h"
#include "verdict.h"

// What recovery wrote beside segment 3 of a copy that it then forgot. The caller frees it.
static char *record_beside(const struct specimen *before, const struct bc_anchor_state *anchor, size_t *ret_bytes)
{
        struct clinic clinic;
        char *record;

        vault_open(&clinic, before, true, false);
        vault_recover(&clinic, anchor);
        record = folder_read(clinic.folder_fd, "0003.recovered", ret_bytes);
        clinic_close(&clinic);
        return record;
}

enum planted {
        RECORD, // a record of recovery, as it is given
        NOTHING,
        FOLDER,
        LINK,
        KINDS_PLANTED,
};

static void plant(const struct clinic *clinic, enum planted what, const char *record, size_t n)
{
        static const char name[] = "0003.recovered";

        if (what == FOLDER)
                assert_int_equal(mkdirat(clinic->folder_fd, name, 0755), 0);
        else if (what == LINK)
                assert_int_equal(symlinkat("/dev/zero", clinic->folder_fd, name), 0);
        else
                folder_write(clinic->folder_fd, name, record, what == NOTHING ? 0 : n);
}

// Somebody cuts more away, and puts something else in the place of the record, to take it away once recovery has been through.
static void test_rule_08_sealed_cut_and_record_planted(void **state)
{
        (void)state;
        for (int what = 0; what < KINDS_PLANTED; what++)
                for (int agrees = 0; agrees < 2; agrees++) {
                        struct bc_anchor_state anchor;
                        struct specimen_file *file;
                        struct specimen before;
                        struct clinic clinic;
                        char *record;
                        size_t n;

                        specimen_copy(&vault.sealed, &before);
                        file = specimen_find(&before, THIRD);
                        vault_marks(file);
                        anchor = vault_anchor(3, agrees ? 3 : 5);
                        record = record_beside(&before, &anchor, &n);
                        record[n - 1] ^= 1; // so that nobody has signed it
                        specimen_cut(file, vault_end(file, 3));
                        vault_open(&clinic, &before, true, false);
                        plant(&clinic, (enum planted)what, record, n);
                        vault_recover(&clinic, &anchor);
                        EXPECT_STORE(&clinic, agrees ? BC_VERDICT_UNPROVEN : BC_VERDICT_TAMPERED); // something lies there that is not its own
                        assert_int_equal(verdict_alarms(&clinic, "put aside, foreign: 000001/0003.recovered"), 1);
                        if (what == RECORD) {
                                size_t after_bytes;
                                char *after = folder_read(clinic.folder_fd, "0003.recovered.foreign1", &after_bytes);

                                assert_int_equal(after_bytes, n);
                                assert_memory_equal(after, record, n);
                                free(after);
                        }
                        assert_int_equal(unlinkat(clinic.folder_fd, "0003.recovered.foreign1", what == FOLDER ? AT_REMOVEDIR : 0), 0);
                        EXPECT_STORE(&clinic, agrees ? BC_VERDICT_AUTHENTIC : BC_VERDICT_TAMPERED);
                        free(record);
                        clinic_close(&clinic);
                        specimen_done(&before);
                }
}

// A former key's record, of which the ledger has not heard, is no stranger's where the recording began under that key. Beside one of this
// key's it is: whoever has a former key is not to keep recovery silent.
static void test_rule_17_former_keys_record_beside_it(void **state)
{
        (void)state;
        for (int of_former = 0; of_former < 2; of_former++) {
                struct notary ours = scene_notary, former;
                struct bc_anchor_state anchor;
                struct specimen_file *file;
                struct specimen before;
                struct clinic clinic;
                char *record, *after;
                size_t n, after_bytes;

                specimen_copy(&vault.sealed, &before);
                file = specimen_find(&before, THIRD);
                vault_marks(file);
                anchor = vault_anchor(3, 3);
                specimen_cut(file, vault_end(file, 3));
                notary_make_again(&former, &ours);
                scene_notary = former;
                record = record_beside(&before, &anchor, &n);
                if (!of_former)
                        scene_notary = ours;
                vault_open(&clinic, &before, true, false); // where its ledger says that it has begun
                scene_notary = ours;
                plant(&clinic, RECORD, record, n);
                assert_int_equal(start_run(&clinic, &(struct start){ .anchor = &anchor }).failed, 0);
                assert_int_equal(folder_has(clinic.folder_fd, "0003.recovered.foreign1"), !of_former);
                after = folder_read(clinic.folder_fd, "0003.recovered", &after_bytes);
                assert_int_equal(after_bytes == n && memcmp(after, record, n) == 0, of_former);
                assert_int_equal(verdict_is_given_up(&clinic), of_former);
                if (!of_former) {
                        (void)start_run(&clinic, &(struct start){ .anchor = &anchor });
                        assert_int_equal(unlinkat(clinic.folder_fd, "0003.recovered.foreign1", 0), 0);
                        EXPECT_STORE(&clinic, BC_VERDICT_AUTHENTIC);
                }
                free(after);
                free(record);
                clinic_close(&clinic);
                specimen_done(&before);
                notary_done(&former);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_08_sealed_cut_and_record_planted),
                cmocka_unit_test(test_rule_17_former_keys_record_beside_it),
        };

        return cmocka_run_group_tests(tests, vault_make, vault_forget);
}
