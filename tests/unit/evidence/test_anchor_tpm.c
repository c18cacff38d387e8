// SPDX-License-Identifier: EUPL-1.2
// The anchor in a TPM's memory, alone and with a file, with a software TPM: what it finds, what it refuses, how seldom it is written.
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

#include "chip.h"
#include "evidence/anchor.h"
#include "evidence/anchor_slot.h"
#include "evidence/anchor_tpm.h"
#include "evidence/nv.h"
#include "evidence/tpm.h"
#include "folder.h"

#define INDEX 0x01800bca
#define PLACE "tpm2:0x01800BCA"
#define SLOT 192
#define RECORDING 4
#define S BC_NS_PER_S
#define TEXT_BYTES 400

struct desk {
        struct chip chip;
        char folder[FOLDER_PATH_BYTES], file[FOLDER_PATH_BYTES + 16], both[FOLDER_PATH_BYTES + 48];
        int fd;
        char text[TEXT_BYTES];
};

// For each test, so that a TPM ends also where one fails.
static int desk_make(void **state)
{
        struct desk *desk = calloc(1, sizeof(*desk));

        assert_non_null(desk);
        *state = desk;
        chip_make(&desk->chip);
        folder_make(desk->folder);
        desk->fd = folder_open(desk->folder);
        snprintf(desk->file, sizeof(desk->file), "%s/anchor", desk->folder);
        snprintf(desk->both, sizeof(desk->both), PLACE " %s", desk->file);
        assert_int_equal(bc_anchor_tpm_make(INDEX, desk->text, sizeof(desk->text)), 0);
        return 0;
}

static int desk_done(void **state)
{
        struct desk *desk = *state;

        close(desk->fd);
        folder_remove(desk->folder);
        chip_done(&desk->chip);
        free(desk);
        return 0;
}

static struct bc_anchor_state state_of(uint64_t n)
{
        struct bc_anchor_state state = { .epoch = 1, .sequence = n + 1, .recording = n + 2, .segment = (uint32_t)n + 3, .index = (uint32_t)n + 4,
                                         .tail_ns = (int64_t)n + 5, .boot = n + 6, .counter = n + 7 };

        memset(state.hash, (int)n + 8, sizeof(state.hash));
        memset(state.tail_hash, (int)n + 9, sizeof(state.tail_hash));
        return state;
}

static void check_is(const struct bc_anchor_state *got, uint64_t n)
{
        struct bc_anchor_state expected = n > 0 ? state_of(n) : (struct bc_anchor_state){ 0 };

        assert_memory_equal(got, &expected, sizeof(expected));
}

static struct bc_anchor *open_at(struct desk *desk, const char *place, struct bc_anchor_found *ret_found)
{
        struct bc_anchor *anchor = NULL;
        int r = bc_anchor_open(place, false, desk->text, sizeof(desk->text), &anchor, ret_found);

        if (r < 0)
                fail_msg("%s", desk->text);
        return anchor;
}

static struct bc_anchor_found look_at(struct desk *desk, const char *place)
{
        struct bc_anchor_found found;

        bc_anchor_free(open_at(desk, place, &found));
        return found;
}

static int write_at(struct desk *desk, struct bc_anchor *anchor, uint64_t n, enum bc_anchor_weight weight, int64_t now_ns)
{
        struct bc_anchor_state state = state_of(n);

        return bc_anchor_write(anchor, &state, weight, now_ns, desk->text, sizeof(desk->text));
}

// At once, at a place that is opened for it.
static void put(struct desk *desk, const char *place, uint64_t n)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor = open_at(desk, place, &found);

        assert_int_equal(write_at(desk, anchor, n, BC_ANCHOR_LAST, 0), 0);
        bc_anchor_free(anchor);
}

// ---- places ----------------------------------------------------------------------------------------------------

static void test_places(void **state)
{
        static const char *const wrong[] = { "", "anchor", "tpm2:", "tpm2:0x01800bc", "tpm2:0x01800bcaa", "tpm2:0x017fffff", "tpm2:0x01c00000",
                                             "tpm2:01800bca00", "tpm2:0x01800bcg", "tpm2:0x01800bca anchor", "tpm2:0x01800bca x/anchor",
                                             "tpm2:0x 1800bca", "tpm2:0x+1800bca", "TPM2:0x01800bca", " /anchor", "tpm2:0x81000001" };
        struct bc_anchor_place place;
        char text[TEXT_BYTES], longest[PATH_MAX + 8];

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
        struct desk *desk = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;

        found = look_at(desk, PLACE);
        check_is(&found.state, 0);
        assert_false(found.damaged || found.behind);
        assert_int_equal(bc_anchor_tpm_make(INDEX, desk->text, sizeof(desk->text)), -EEXIST);
        assert_non_null(strstr(desk->text, "tpm2:0x01800bca"));
        anchor = open_at(desk, PLACE, &found);
        for (uint64_t n = 1; n < 9; n++) {
                assert_int_equal(write_at(desk, anchor, n, BC_ANCHOR_LAST, 0), 0);
                if (n % 3 == 0) {
                        bc_anchor_free(anchor);
                        chip_end(&desk->chip, n == 3);
                        chip_start(&desk->chip);
                        anchor = open_at(desk, PLACE, &found);
                        check_is(&found.state, n);
                        check_is(&found.other, 0);
                        assert_int_equal(bc_anchor_medium(anchor, desk->fd), BC_ANCHOR_TPM);
                }
        }
        bc_anchor_free(anchor);
}

// A slot that a power cut tore, at each of its bytes; the older one counts, and the next write heals it.
static void test_torn(void **state)
{
        struct desk *desk = *state;
        uint8_t slots[2 * SLOT], torn[SLOT];
        struct bc_anchor_found found;

        put(desk, PLACE, 1);
        for (size_t at = 0; at < SLOT; at += at < 16 || at > SLOT - 4 ? 1 : 7) {
                size_t newer;

                put(desk, PLACE, 2);
                put(desk, PLACE, 3);
                if ((at & 1) == 0)
                        put(desk, PLACE, 4);
                assert_int_equal(bc_nv_read(INDEX, slots, sizeof(slots), desk->text, sizeof(desk->text)), 0);
                // Which one is newer is told by its turn, big-endian behind the mark.
                newer = memcmp(slots + 8, slots + SLOT + 8, 8) < 0;
                for (size_t i = 0; i < SLOT - at; i++)
                        torn[i] = (uint8_t)~slots[newer * SLOT + at + i];
                assert_int_equal(bc_nv_write(INDEX, sizeof(slots), newer * SLOT + at, torn, SLOT - at, desk->text, sizeof(desk->text)), 0);
                found = look_at(desk, PLACE);
                assert_false(found.damaged);
                check_is(&found.state, (at & 1) == 0 ? 3 : 2);
                put(desk, PLACE, 5);
                found = look_at(desk, PLACE);
                check_is(&found.state, 5);
        }
        // Neither is whole: it says nothing, and that it did.
        memset(slots, 0x55, sizeof(slots));
        assert_int_equal(bc_nv_write(INDEX, sizeof(slots), 0, slots, sizeof(slots), desk->text, sizeof(desk->text)), 0);
        found = look_at(desk, PLACE);
        assert_true(found.damaged);
        check_is(&found.state, 0);
        put(desk, PLACE, 6);
        found = look_at(desk, PLACE);
        assert_false(found.damaged);
        check_is(&found.state, 6);
}

// Whoever it is who writes is told the truth: what counted as written is there after the TPM was killed, or what was on its way then.
static void test_killed(void **state)
{
        struct desk *desk = *state;

        put(desk, PLACE, 1);
        for (int round = 0; round < 12; round++) {
                struct bc_anchor_found found;
                uint8_t done = 0, last = 0;
                int ends[2], reached = 0;
                pid_t writer;

                assert_int_equal(pipe(ends), 0);
                writer = fork();
                assert_true(writer >= 0);
                if (writer == 0) {
                        struct bc_anchor *anchor = open_at(desk, PLACE, &found);

                        for (uint8_t n = 1; n < 200 && write_at(desk, anchor, n, BC_ANCHOR_LAST, 0) == 0; n++)
                                (void)!write(ends[1], &n, 1);
                        _exit(0);
                }
                close(ends[1]);
                while (reached < 3 + 5 * round && read(ends[0], &done, 1) == 1) {
                        last = done;
                        reached++;
                }
                chip_end(&desk->chip, true);
                while (read(ends[0], &done, 1) == 1)
                        last = done;
                close(ends[0]);
                assert_int_equal(waitpid(writer, NULL, 0), writer);
                assert_in_range(last, 3, 198); // it was at it
                chip_start(&desk->chip);
                found = look_at(desk, PLACE);
                assert_false(found.damaged);
                check_is(&found.state, found.state.sequence - 1);
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

static void check_refused(struct desk *desk, const char *place, int error, const char *words)
{
        struct bc_anchor *anchor = NULL;
        struct bc_anchor_found found;

        desk->text[0] = 0;
        assert_int_equal(bc_anchor_open(place, false, desk->text, sizeof(desk->text), &anchor, &found), -error);
        if (!strstr(desk->text, words) || strncmp(desk->text, "anchor tpm2:0x018000", 20) != 0)
                fail_msg("%s", desk->text);
}

static void test_refused(void **state)
{
        struct desk *desk = *state;
        const TPMA_NV right = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA;
        char both[FOLDER_PATH_BYTES + 48];
        struct bc_anchor_found found;

        check_refused(desk, "tpm2:0x01800001", ENOENT, "the TPM has no such index");
        define(0x01800002, right, 2 * SLOT - 1);
        check_refused(desk, "tpm2:0x01800002", EINVAL, "has 383 bytes and attributes 0x02040004, not 384 and 0x02040004");
        define(0x01800003, right | TPMA_NV_ORDERLY, 2 * SLOT);
        check_refused(desk, "tpm2:0x01800003", EINVAL, "attributes 0x06040004");
        define(0x01800004, right | TPMA_NV_WRITE_STCLEAR, 2 * SLOT);
        check_refused(desk, "tpm2:0x01800004", EINVAL, "as bodycam-provision(1) defines it");
        define(0x01800005, TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA, 2 * SLOT);
        check_refused(desk, "tpm2:0x01800005", EINVAL, "as bodycam-provision(1) defines it");
        // With a file, too: it is not taken for the whole.
        snprintf(both, sizeof(both), "tpm2:0x01800001 %s", desk->file);
        check_refused(desk, both, ENOENT, "the TPM has no such index");
        assert_false(folder_has(desk->fd, "anchor"));
        // The right kind, by somebody who wrote nothing: that says nothing, and cannot have come about by itself.
        define(0x01800006, right, 2 * SLOT);
        found = look_at(desk, "tpm2:0x01800006");
        assert_true(found.damaged);
        chip_end(&desk->chip, false);
        check_refused(desk, "tpm2:0x01800006", ENODEV, "no TPM answers at swtpm:path=");
}

// ---- how seldom ------------------------------------------------------------------------------------------------

static uint64_t in_tpm(struct desk *desk)
{
        struct bc_anchor_found found = look_at(desk, PLACE);

        return found.state.epoch > 0 ? found.state.sequence - 1 : 0;
}

// Within one and the same recording.
static int go_on(struct desk *desk, struct bc_anchor *anchor, uint64_t n, enum bc_anchor_weight weight, int64_t now_ns)
{
        struct bc_anchor_state state = state_of(n);

        state.recording = RECORDING;
        return bc_anchor_write(anchor, &state, weight, now_ns, desk->text, sizeof(desk->text));
}

static void test_how_seldom(void **state)
{
        struct desk *desk = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        struct bc_anchor_state next = state_of(50);

        next.recording = RECORDING;
        anchor = open_at(desk, PLACE, &found);
        // A new epoch at once.
        assert_int_equal(go_on(desk, anchor, 1, BC_ANCHOR_LIGHT, 100 * S), 0);
        assert_int_equal(in_tpm(desk), 1);
        assert_int_equal(go_on(desk, anchor, 2, BC_ANCHOR_LIGHT, 699 * S), 0);
        assert_int_equal(in_tpm(desk), 1);
        assert_int_equal(go_on(desk, anchor, 3, BC_ANCHOR_LIGHT, 700 * S), 0);
        assert_int_equal(in_tpm(desk), 3);
        // What matters, half a minute later, even if it is no more by then.
        assert_int_equal(go_on(desk, anchor, 4, BC_ANCHOR_WEIGHTY, 701 * S), 0);
        assert_int_equal(go_on(desk, anchor, 5, BC_ANCHOR_LIGHT, 729 * S), 0);
        assert_int_equal(in_tpm(desk), 3);
        assert_int_equal(go_on(desk, anchor, 6, BC_ANCHOR_LIGHT, 730 * S), 0);
        assert_int_equal(in_tpm(desk), 6);
        assert_int_equal(go_on(desk, anchor, 7, BC_ANCHOR_LIGHT, 761 * S), 0);
        assert_int_equal(in_tpm(desk), 6);
        // The last at once, and another epoch.
        assert_int_equal(go_on(desk, anchor, 8, BC_ANCHOR_LAST, 762 * S), 0);
        assert_int_equal(in_tpm(desk), 8);
        next.epoch = 2;
        assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_LIGHT, 763 * S, NULL, 0), 0);
        assert_int_equal(in_tpm(desk), 50);
        bc_anchor_free(anchor);
        // A program that ends soon and begins again, over and over, wears nothing out.
        for (int64_t run = 0; run < 5; run++) {
                anchor = open_at(desk, PLACE, &found);
                next.sequence++;
                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_WEIGHTY, (1000 + run * 100) * S, NULL, 0), 0);
                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_WEIGHTY, (1029 + run * 100) * S, NULL, 0), 0);
                assert_int_equal(in_tpm(desk), 50);
                bc_anchor_free(anchor);
        }
}

// One that began just as the TPM was written is not left for ten minutes without a record in it.
static void test_rule_08_a_record_of_each_recording(void **state)
{
        struct desk *desk = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor = open_at(desk, PLACE, &found);
        // The run, and that a recording has begun, of which nothing is signed yet.
        struct bc_anchor_state next = { .epoch = 1, .sequence = 2, .boot = 1, .counter = RECORDING };

        assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_WEIGHTY, 100 * S, NULL, 0), 0);
        assert_int_equal(in_tpm(desk), 1);
        assert_int_equal(go_on(desk, anchor, 2, BC_ANCHOR_LIGHT, 101 * S), 0);
        assert_int_equal(in_tpm(desk), 1);
        assert_int_equal(go_on(desk, anchor, 3, BC_ANCHOR_LIGHT, 130 * S), 0);
        assert_int_equal(in_tpm(desk), 3);
        // It is known: what is signed later in it is not hurried.
        assert_int_equal(go_on(desk, anchor, 4, BC_ANCHOR_LIGHT, 170 * S), 0);
        assert_int_equal(in_tpm(desk), 3);
        bc_anchor_free(anchor);
        // Nor by a run that goes on from it, but the first record of the next one is.
        anchor = open_at(desk, PLACE, &found);
        assert_int_equal(go_on(desk, anchor, 5, BC_ANCHOR_LIGHT, 200 * S), 0);
        assert_int_equal(go_on(desk, anchor, 6, BC_ANCHOR_LIGHT, 240 * S), 0);
        assert_int_equal(in_tpm(desk), 3);
        assert_int_equal(write_at(desk, anchor, 7, BC_ANCHOR_LIGHT, 241 * S), 0);
        assert_int_equal(in_tpm(desk), 7);
        bc_anchor_free(anchor);
}

// ---- in both ---------------------------------------------------------------------------------------------------

// The file's newer slot, as a power cut leaves it.
static void tear_file(struct desk *desk)
{
        size_t size, newer;
        char *bytes = folder_read(desk->fd, "anchor", &size);

        assert_int_equal(size, BC_ANCHOR_BYTES);
        newer = memcmp(bytes + 8, bytes + BC_ANCHOR_BLOCK_BYTES + 8, 8) < 0;
        memset(bytes + newer * BC_ANCHOR_BLOCK_BYTES, 0x55, BC_ANCHOR_BLOCK_BYTES);
        folder_write(desk->fd, "anchor", bytes, size);
        free(bytes);
}

static void test_in_both(void **state)
{
        struct desk *desk = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        char *old, *new;
        size_t size;

        anchor = open_at(desk, desk->both, &found);
        assert_false(found.damaged || found.behind);
        assert_int_equal(bc_anchor_medium(anchor, desk->fd), BC_ANCHOR_BESIDE_AND_TPM);
        assert_int_equal(write_at(desk, anchor, 1, BC_ANCHOR_LIGHT, 0), 0); // a new epoch
        for (uint64_t n = 2; n < 7; n++)
                assert_int_equal(write_at(desk, anchor, n, BC_ANCHOR_LIGHT, 1 * S), 0);
        bc_anchor_free(anchor);
        found = look_at(desk, desk->both);
        check_is(&found.state, 6);
        check_is(&found.other, 1);
        assert_false(found.damaged || found.behind);
        old = folder_read(desk->fd, "anchor", &size);
        put(desk, desk->both, 7);
        found = look_at(desk, desk->both);
        check_is(&found.state, 7);
        check_is(&found.other, 7);
        new = folder_read(desk->fd, "anchor", &size);

        // An old file: the TPM's counts, and the next write goes beyond both.
        folder_write(desk->fd, "anchor", old, size);
        anchor = open_at(desk, desk->both, &found);
        check_is(&found.state, 7);
        check_is(&found.other, 6);
        assert_true(found.behind);
        assert_int_equal(bc_anchor_medium(anchor, desk->fd), BC_ANCHOR_TPM);
        assert_int_equal(write_at(desk, anchor, 8, BC_ANCHOR_LIGHT, 0), 0);
        bc_anchor_free(anchor);
        found = look_at(desk, desk->both);
        check_is(&found.state, 8);
        check_is(&found.other, 7);
        assert_false(found.behind);
        // Beyond both, but not over what was the file's newer slot.
        tear_file(desk);
        found = look_at(desk, desk->file);
        check_is(&found.state, 6);

        // None, or a damaged one: likewise.
        for (int gone = 0; gone < 2; gone++) {
                if (gone)
                        assert_int_equal(unlinkat(desk->fd, "anchor", 0), 0);
                else
                        folder_write(desk->fd, "anchor", "?", 1);
                found = look_at(desk, desk->both);
                check_is(&found.state, 7);
                check_is(&found.other, 0);
                assert_true(found.behind);
                assert_int_equal(found.damaged, !gone);
        }
        // A file that is newer, and knows of less of the recordings.
        assert_int_equal(unlinkat(desk->fd, "anchor", 0), 0);
        for (int i = 0; i < 3; i++)
                put(desk, desk->both, 7 + (uint64_t)i);
        for (int i = 0; i < 20; i++)
                put(desk, desk->file, 3);
        anchor = open_at(desk, desk->both, &found);
        assert_int_equal(found.state.recording, state_of(9).recording);
        assert_int_equal(found.state.index, state_of(9).index);
        assert_int_equal(found.state.sequence, state_of(3).sequence);
        check_is(&found.other, 9);
        assert_int_equal(bc_anchor_medium(anchor, desk->fd), BC_ANCHOR_TPM);
        bc_anchor_free(anchor);
        put(desk, PLACE, 7);

        // A damaged index: the file counts, and it is said; that the TPM vouches for it is not.
        folder_write(desk->fd, "anchor", new, size);
        memset(new, 0x55, 2 * SLOT);
        assert_int_equal(bc_nv_write(INDEX, 2 * SLOT, 0, (uint8_t *)new, 2 * SLOT, desk->text, sizeof(desk->text)), 0);
        anchor = open_at(desk, desk->both, &found);
        check_is(&found.state, 7);
        check_is(&found.other, 0);
        assert_true(found.damaged && !found.behind);
        assert_int_equal(bc_anchor_medium(anchor, desk->fd), BC_ANCHOR_BESIDE);
        bc_anchor_free(anchor);
        free(old);
        free(new);
}

// By somebody who has the file, but not the TPM.
static void forge_file(struct desk *desk, const struct bc_anchor_state *state, uint64_t turn)
{
        uint8_t bytes[BC_ANCHOR_BYTES] = { 0 };

        assert_int_equal(bc_anchor_slot_make(state, turn, bytes + turn % 2 * BC_ANCHOR_BLOCK_BYTES, BC_ANCHOR_SLOT_BYTES), 0);
        folder_write(desk->fd, "anchor", bytes, sizeof(bytes));
}

// A run that goes on from what was found, and fills both slots of the TPM.
static void live(struct desk *desk)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor = open_at(desk, desk->both, &found);
        struct bc_anchor_state next = found.state;

        next.boot++;
        next.counter++;
        for (int i = 0; i < 2; i++, next.sequence++)
                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_LAST, 0, desk->text, sizeof(desk->text)), 0);
        bc_anchor_free(anchor);
}

// Numbers that leave none to count on with would make the device write into the TPM what it cannot read again, and a forged file were all
// that is left.
static void test_rule_12_numbers_used_up(void **state)
{
        const uint64_t far = (uint64_t)INT64_MAX / 2;
        struct desk *desk = *state;
        struct bc_anchor_found found;
        struct bc_anchor_state next;

        put(desk, desk->both, 9);
        for (int field = 0; field < 6; field++) {
                struct bc_anchor_state forged = state_of(9);
                uint64_t *const number[] = { NULL, &forged.epoch, &forged.sequence, &forged.recording, &forged.boot, &forged.counter };

                if (field > 0)
                        *number[field] = far;
                found = look_at(desk, PLACE);
                next = found.state;
                forge_file(desk, &forged, field == 0 ? far : 1000);
                found = look_at(desk, desk->both);
                assert_memory_equal(&found.state, &next, sizeof(next));
                assert_true(found.damaged && found.behind);
                live(desk);
                found = look_at(desk, desk->both);
                assert_false(found.damaged || found.behind);
                assert_int_equal(found.state.boot, next.boot + 1);
        }
        // What the card made it count up to, it can read again.
        next = state_of(9);
        next.counter = INT64_MAX;
        for (int i = 0; i < 2; i++) {
                struct bc_anchor *anchor = open_at(desk, PLACE, &found);

                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_LAST, 0, desk->text, sizeof(desk->text)), 0);
                bc_anchor_free(anchor);
        }
        found = look_at(desk, desk->both);
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
        struct desk *desk = *state;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                struct bc_anchor_found found;

                forge_file(desk, &wrong[i], 9);
                found = look_at(desk, desk->file);
                assert_true(found.damaged);
                check_is(&found.state, 0);
        }
}

// One that goes away while it is used: it is said, the file is written all the same, and it is tried again.
static void test_goes_away(void **state)
{
        struct desk *desk = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;

        anchor = open_at(desk, desk->both, &found);
        assert_int_equal(write_at(desk, anchor, 1, BC_ANCHOR_LIGHT, 0), 0);
        chip_end(&desk->chip, false);
        assert_int_equal(write_at(desk, anchor, 2, BC_ANCHOR_LIGHT, 10 * S), 0); // nothing to do for it
        assert_int_equal(write_at(desk, anchor, 3, BC_ANCHOR_WEIGHTY, 40 * S), -ENODEV);
        assert_non_null(strstr(desk->text, "anchor tpm2:0x01800bca: no TPM answers"));
        assert_int_equal(write_at(desk, anchor, 4, BC_ANCHOR_LIGHT, 41 * S), -ENODEV);
        found = look_at(desk, desk->file);
        check_is(&found.state, 4);
        chip_start(&desk->chip);
        assert_int_equal(write_at(desk, anchor, 5, BC_ANCHOR_LIGHT, 42 * S), 0);
        assert_int_equal(in_tpm(desk), 5);
        assert_int_equal(write_at(desk, anchor, 6, BC_ANCHOR_LIGHT, 43 * S), 0);
        assert_int_equal(in_tpm(desk), 5);
        bc_anchor_free(anchor);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_places),
                cmocka_unit_test_setup_teardown(test_each_write_counts, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_torn, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_killed, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_refused, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_how_seldom, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_rule_08_a_record_of_each_recording, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_in_both, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_rule_12_numbers_used_up, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_no_such_record, desk_make, desk_done),
                cmocka_unit_test_setup_teardown(test_goes_away, desk_make, desk_done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
