// SPDX-License-Identifier: EUPL-1.2
// The anchor in a TPM's memory, alone and with a file, with a software TPM: what it finds, and what it refuses.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "anchorage.h"
#include "evidence/anchor.h"
#include "evidence/anchor_slot.h"
#include "evidence/anchor_tpm.h"
#include "evidence/nv.h"
#include "evidence/tpm.h"
#include "folder.h"

#define SLOT 192
#define S BC_NS_PER_S

// ---- places ----------------------------------------------------------------------------------------------------

static void test_places(void **state)
{
        static const char *const wrong[] = { "", "anchor", "tpm2:", "tpm2:0x01800bc", "tpm2:0x01800bcaa", "tpm2:0x017fffff", "tpm2:0x01c00000",
                                             "tpm2:01800bca00", "tpm2:0x01800bcg", "tpm2:0x01800bca anchor", "tpm2:0x01800bca x/anchor",
                                             "tpm2:0x 1800bca", "tpm2:0x+1800bca", "TPM2:0x01800bca", " /anchor", "tpm2:0x81000001" };
        struct bc_anchor_place place;
        char text[ANCHORAGE_TEXT_BYTES], longest[PATH_MAX + 8];

        (void)state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                text[0] = 0;
                assert_int_equal(bc_anchor_place_parse(wrong[i], text, sizeof(text), &place), -EINVAL);
                assert_non_null(strstr(text, "anchor "));
        }
        memset(longest, 'a', sizeof(longest));
        longest[0] = '/';
        longest[sizeof(longest) - 1] = 0;
        assert_int_equal(bc_anchor_place_parse(longest, text, sizeof(text), &place), -EINVAL);
        assert_int_equal(bc_anchor_place_parse("tpm2:0x01bfffff", text, sizeof(text), &place), 0);
        assert_int_equal(place.index, 0x01bfffff);
        assert_string_equal(place.path, "");
        assert_int_equal(bc_anchor_place_parse("tpm2:0x01800000 /var/an anchor", text, sizeof(text), &place), 0);
        assert_int_equal(place.index, 0x01800000);
        assert_string_equal(place.path, "/var/an anchor");
        assert_int_equal(bc_anchor_place_parse("/tpm2:0x01800000", text, sizeof(text), &place), 0);
        assert_int_equal(place.index, 0);
        assert_string_equal(place.path, "/tpm2:0x01800000");
}

// ---- in a TPM alone --------------------------------------------------------------------------------------------

static void test_each_write_counts(void **state)
{
        struct anchorage *here = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;

        found = anchorage_look(here, ANCHORAGE_PLACE);
        anchorage_check(&found.state, 0);
        assert_false(found.damaged || found.behind);
        assert_int_equal(bc_anchor_tpm_make(ANCHORAGE_INDEX, here->text, sizeof(here->text)), -EEXIST);
        assert_non_null(strstr(here->text, "tpm2:0x01800bca"));
        anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);
        for (uint64_t n = 1; n < 9; n++) {
                assert_int_equal(anchorage_write(here, anchor, n, BC_ANCHOR_LAST, 0), 0);
                if (n % 3 == 0) {
                        bc_anchor_free(anchor);
                        chip_end(&here->chip, n == 3);
                        chip_start(&here->chip);
                        anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);
                        anchorage_check(&found.state, n);
                        anchorage_check(&found.other, 0);
                        assert_int_equal(bc_anchor_medium(anchor, here->fd), BC_ANCHOR_TPM);
                }
        }
        bc_anchor_free(anchor);
}

// A slot that a power cut tore, at each of its bytes; the older one counts, and the next write heals it.
static void test_torn(void **state)
{
        struct anchorage *here = *state;
        uint8_t slots[2 * SLOT], torn[SLOT];
        struct bc_anchor_found found;

        anchorage_put(here, ANCHORAGE_PLACE, 1);
        for (size_t at = 0; at < SLOT; at += at < 16 || at > SLOT - 4 ? 1 : 7) {
                size_t newer;

                anchorage_put(here, ANCHORAGE_PLACE, 2);
                anchorage_put(here, ANCHORAGE_PLACE, 3);
                if ((at & 1) == 0)
                        anchorage_put(here, ANCHORAGE_PLACE, 4);
                assert_int_equal(bc_nv_read(ANCHORAGE_INDEX, slots, sizeof(slots), here->text, sizeof(here->text)), 0);
                // Which one is newer is told by its turn, big-endian behind the mark.
                newer = memcmp(slots + 8, slots + SLOT + 8, 8) < 0;
                for (size_t i = 0; i < SLOT - at; i++)
                        torn[i] = (uint8_t)~slots[newer * SLOT + at + i];
                assert_int_equal(bc_nv_write(ANCHORAGE_INDEX, sizeof(slots), newer * SLOT + at, torn, SLOT - at, here->text,
                                             sizeof(here->text)), 0);
                found = anchorage_look(here, ANCHORAGE_PLACE);
                assert_false(found.damaged);
                anchorage_check(&found.state, (at & 1) == 0 ? 3 : 2);
                anchorage_put(here, ANCHORAGE_PLACE, 5);
                found = anchorage_look(here, ANCHORAGE_PLACE);
                anchorage_check(&found.state, 5);
        }
        // Neither is whole: it says nothing, and that it did.
        memset(slots, 0x55, sizeof(slots));
        assert_int_equal(bc_nv_write(ANCHORAGE_INDEX, sizeof(slots), 0, slots, sizeof(slots), here->text, sizeof(here->text)), 0);
        found = anchorage_look(here, ANCHORAGE_PLACE);
        assert_true(found.damaged);
        anchorage_check(&found.state, 0);
        anchorage_put(here, ANCHORAGE_PLACE, 6);
        found = anchorage_look(here, ANCHORAGE_PLACE);
        assert_false(found.damaged);
        anchorage_check(&found.state, 6);
}

// Whoever it is who writes is told the truth: what counted as written is there after the TPM was killed, or what was on its way then.
static void test_killed(void **state)
{
        struct anchorage *here = *state;

        anchorage_put(here, ANCHORAGE_PLACE, 1);
        for (int round = 0; round < 12; round++) {
                struct bc_anchor_found found;
                uint8_t done = 0, last = 0;
                int ends[2], reached = 0;
                pid_t writer;

                assert_int_equal(pipe(ends), 0);
                writer = fork();
                assert_true(writer >= 0);
                if (writer == 0) {
                        struct bc_anchor *anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);

                        for (uint8_t n = 1; n < 200 && anchorage_write(here, anchor, n, BC_ANCHOR_LAST, 0) == 0; n++)
                                (void)!write(ends[1], &n, 1);
                        _exit(0);
                }
                close(ends[1]);
                while (reached < 3 + 5 * round && read(ends[0], &done, 1) == 1) {
                        last = done;
                        reached++;
                }
                chip_end(&here->chip, true);
                while (read(ends[0], &done, 1) == 1)
                        last = done;
                close(ends[0]);
                assert_int_equal(waitpid(writer, NULL, 0), writer);
                assert_in_range(last, 3, 198); // it was at it
                chip_start(&here->chip);
                found = anchorage_look(here, ANCHORAGE_PLACE);
                assert_false(found.damaged);
                anchorage_check(&found.state, found.state.sequence - 1);
                assert_in_range(found.state.sequence - 1, last, last + 1);
        }
}

// ---- what it refuses -------------------------------------------------------------------------------------------

static void define(uint32_t index, TPMA_NV attributes, uint16_t size)
{
        const TPM2B_NV_PUBLIC public = {
                .nvPublic = { .nvIndex = index, .nameAlg = TPM2_ALG_SHA256, .attributes = attributes, .dataSize = size },
        };
        static const TPM2B_AUTH no_password;
        struct bc_tpm tpm;
        ESYS_TR handle;

        assert_int_equal(bc_tpm_open(&tpm, "test", NULL, 0), 0);
        assert_int_equal(Esys_NV_DefineSpace(tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_password, &public,
                                             &handle), TSS2_RC_SUCCESS);
        bc_tpm_close(&tpm);
}

static void check_refused(struct anchorage *here, const char *place, int error, const char *words)
{
        struct bc_anchor *anchor = NULL;
        struct bc_anchor_found found;

        here->text[0] = 0;
        assert_int_equal(bc_anchor_open(place, false, here->text, sizeof(here->text), &anchor, &found), -error);
        if (!strstr(here->text, words) || strncmp(here->text, "anchor tpm2:0x018000", 20) != 0)
                fail_msg("%s", here->text);
}

static void test_refused(void **state)
{
        struct anchorage *here = *state;
        const TPMA_NV right = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA;
        char both[FOLDER_PATH_BYTES + 48];
        struct bc_anchor_found found;

        check_refused(here, "tpm2:0x01800001", ENOENT, "the TPM has no such index");
        define(0x01800002, right, 2 * SLOT - 1);
        check_refused(here, "tpm2:0x01800002", EINVAL, "has 383 bytes and attributes 0x02040004, not 384 and 0x02040004");
        define(0x01800003, right | TPMA_NV_ORDERLY, 2 * SLOT);
        check_refused(here, "tpm2:0x01800003", EINVAL, "attributes 0x06040004");
        define(0x01800004, right | TPMA_NV_WRITE_STCLEAR, 2 * SLOT);
        check_refused(here, "tpm2:0x01800004", EINVAL, "as bodycam-provision(1) defines it");
        define(0x01800005, TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA, 2 * SLOT);
        check_refused(here, "tpm2:0x01800005", EINVAL, "as bodycam-provision(1) defines it");
        // With a file, too: it is not taken for the whole.
        snprintf(both, sizeof(both), "tpm2:0x01800001 %s", here->file);
        check_refused(here, both, ENOENT, "the TPM has no such index");
        assert_false(folder_has(here->fd, "anchor"));
        // The right kind, by somebody who wrote nothing: that says nothing, and cannot have come about by itself.
        define(0x01800006, right, 2 * SLOT);
        found = anchorage_look(here, "tpm2:0x01800006");
        assert_true(found.damaged);
        chip_end(&here->chip, false);
        check_refused(here, "tpm2:0x01800006", ENODEV, "no TPM answers at swtpm:path=");
}

// ---- in both ---------------------------------------------------------------------------------------------------

// The file's newer slot, as a power cut leaves it.
static void tear_file(struct anchorage *here)
{
        size_t size, newer;
        char *bytes = folder_read(here->fd, "anchor", &size);

        assert_int_equal(size, BC_ANCHOR_BYTES);
        newer = memcmp(bytes + 8, bytes + BC_ANCHOR_BLOCK_BYTES + 8, 8) < 0;
        memset(bytes + newer * BC_ANCHOR_BLOCK_BYTES, 0x55, BC_ANCHOR_BLOCK_BYTES);
        folder_write(here->fd, "anchor", bytes, size);
        free(bytes);
}

static void test_in_both(void **state)
{
        struct anchorage *here = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        char *old, *new;
        size_t size;

        anchor = anchorage_open(here, here->both, &found);
        assert_false(found.damaged || found.behind);
        assert_int_equal(bc_anchor_medium(anchor, here->fd), BC_ANCHOR_BESIDE_AND_TPM);
        assert_int_equal(anchorage_write(here, anchor, 1, BC_ANCHOR_LIGHT, 0), 0); // a new epoch
        for (uint64_t n = 2; n < 7; n++)
                assert_int_equal(anchorage_write(here, anchor, n, BC_ANCHOR_LIGHT, 1 * S), 0);
        bc_anchor_free(anchor);
        found = anchorage_look(here, here->both);
        anchorage_check(&found.state, 6);
        anchorage_check(&found.other, 1);
        assert_false(found.damaged || found.behind);
        old = folder_read(here->fd, "anchor", &size);
        anchorage_put(here, here->both, 7);
        found = anchorage_look(here, here->both);
        anchorage_check(&found.state, 7);
        anchorage_check(&found.other, 7);
        new = folder_read(here->fd, "anchor", &size);

        // An old file: the TPM's counts, and the next write goes beyond both.
        folder_write(here->fd, "anchor", old, size);
        anchor = anchorage_open(here, here->both, &found);
        anchorage_check(&found.state, 7);
        anchorage_check(&found.other, 6);
        assert_true(found.behind);
        assert_int_equal(bc_anchor_medium(anchor, here->fd), BC_ANCHOR_TPM);
        assert_int_equal(anchorage_write(here, anchor, 8, BC_ANCHOR_LIGHT, 0), 0);
        bc_anchor_free(anchor);
        found = anchorage_look(here, here->both);
        anchorage_check(&found.state, 8);
        anchorage_check(&found.other, 7);
        assert_false(found.behind);
        // Beyond both, but not over what was the file's newer slot.
        tear_file(here);
        found = anchorage_look(here, here->file);
        anchorage_check(&found.state, 6);

        // None, or a damaged one: likewise.
        for (int gone = 0; gone < 2; gone++) {
                if (gone)
                        assert_int_equal(unlinkat(here->fd, "anchor", 0), 0);
                else
                        folder_write(here->fd, "anchor", "?", 1);
                found = anchorage_look(here, here->both);
                anchorage_check(&found.state, 7);
                anchorage_check(&found.other, 0);
                assert_true(found.behind);
                assert_int_equal(found.damaged, !gone);
        }
        // A file that is newer, and knows of less of the recordings.
        assert_int_equal(unlinkat(here->fd, "anchor", 0), 0);
        for (int i = 0; i < 3; i++)
                anchorage_put(here, here->both, 7 + (uint64_t)i);
        for (int i = 0; i < 20; i++)
                anchorage_put(here, here->file, 3);
        anchor = anchorage_open(here, here->both, &found);
        assert_int_equal(found.state.recording, anchorage_state(9).recording);
        assert_int_equal(found.state.index, anchorage_state(9).index);
        assert_int_equal(found.state.sequence, anchorage_state(3).sequence);
        anchorage_check(&found.other, 9);
        assert_int_equal(bc_anchor_medium(anchor, here->fd), BC_ANCHOR_TPM);
        bc_anchor_free(anchor);
        anchorage_put(here, ANCHORAGE_PLACE, 7);

        // A damaged index: the file counts, and it is said; that the TPM vouches for it is not.
        folder_write(here->fd, "anchor", new, size);
        memset(new, 0x55, 2 * SLOT);
        assert_int_equal(bc_nv_write(ANCHORAGE_INDEX, 2 * SLOT, 0, (uint8_t *)new, 2 * SLOT, here->text, sizeof(here->text)), 0);
        anchor = anchorage_open(here, here->both, &found);
        anchorage_check(&found.state, 7);
        anchorage_check(&found.other, 0);
        assert_true(found.damaged && !found.behind);
        assert_int_equal(bc_anchor_medium(anchor, here->fd), BC_ANCHOR_BESIDE);
        bc_anchor_free(anchor);
        free(old);
        free(new);
}

// By somebody who has the file, but not the TPM.
static void forge_file(struct anchorage *here, const struct bc_anchor_state *state, uint64_t turn)
{
        uint8_t bytes[BC_ANCHOR_BYTES] = { 0 };

        assert_int_equal(bc_anchor_slot_make(state, turn, bytes + turn % 2 * BC_ANCHOR_BLOCK_BYTES, BC_ANCHOR_SLOT_BYTES), 0);
        folder_write(here->fd, "anchor", bytes, sizeof(bytes));
}

// A run that goes on from what was found, and fills both slots of the TPM.
static void live(struct anchorage *here)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor = anchorage_open(here, here->both, &found);
        struct bc_anchor_state next = found.state;

        next.boot++;
        next.counter++;
        for (int i = 0; i < 2; i++, next.sequence++)
                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_LAST, 0, here->text, sizeof(here->text)), 0);
        bc_anchor_free(anchor);
}

// Numbers that leave none to count on with would make the device write into the TPM what it cannot read again, and a forged file were all
// that is left.
static void test_rule_12_numbers_used_up(void **state)
{
        const uint64_t far = (uint64_t)INT64_MAX / 2;
        struct anchorage *here = *state;
        struct bc_anchor_found found;
        struct bc_anchor_state next;

        anchorage_put(here, here->both, 9);
        for (int field = 0; field < 6; field++) {
                struct bc_anchor_state forged = anchorage_state(9);
                uint64_t *const number[] = { NULL, &forged.epoch, &forged.sequence, &forged.recording, &forged.boot, &forged.counter };

                if (field > 0)
                        *number[field] = far;
                found = anchorage_look(here, ANCHORAGE_PLACE);
                next = found.state;
                forge_file(here, &forged, field == 0 ? far : 1000);
                found = anchorage_look(here, here->both);
                assert_memory_equal(&found.state, &next, sizeof(next));
                assert_true(found.damaged && found.behind);
                live(here);
                found = anchorage_look(here, here->both);
                assert_false(found.damaged || found.behind);
                assert_int_equal(found.state.boot, next.boot + 1);
        }
        // What the card made it count up to, it can read again.
        next = anchorage_state(9);
        next.counter = INT64_MAX;
        for (int i = 0; i < 2; i++) {
                struct bc_anchor *anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);

                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_LAST, 0, here->text, sizeof(here->text)), 0);
                bc_anchor_free(anchor);
        }
        found = anchorage_look(here, here->both);
        assert_false(found.damaged);
        assert_true(found.state.counter == INT64_MAX);
}

// A file that names a record that there cannot be would keep recovery from signing anything.
static void test_no_such_record(void **state)
{
        static const struct bc_anchor_state wrong[] = {
                { .epoch = 1, .recording = 1, .index = 1 },
                { .epoch = 1, .recording = 1, .segment = BC_RECORD_SEGMENTS_MAX + 1, .index = 1 },
                { .epoch = 1, .recording = 1, .segment = 1 },
                { .epoch = 1, .recording = 1, .segment = 1, .index = 1, .tail_ns = -1 },
                { .epoch = 1, .segment = 1 },
                { .epoch = 1, .index = 1 },
                { .epoch = 1, .tail_ns = 1 },
                { .epoch = 1, .tail_hash = { 1 } },
        };
        struct anchorage *here = *state;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                struct bc_anchor_found found;

                forge_file(here, &wrong[i], 9);
                found = anchorage_look(here, here->file);
                assert_true(found.damaged);
                anchorage_check(&found.state, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_places),
                cmocka_unit_test_setup_teardown(test_each_write_counts, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_torn, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_killed, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_refused, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_in_both, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_rule_12_numbers_used_up, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_no_such_record, anchorage_make, anchorage_done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
