// SPDX-License-Identifier: EUPL-1.2
// A ledger whose anchor is in a TPM and in a file, of which one place fails.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip.h"
#include "desk.h"
#include "evidence/anchor_tpm.h"

#define S BC_NS_PER_S
#define INDEX 0x01800bca
#define PLACE "tpm2:0x01800bca"

// What it knows, and how often it was written or a number larger by what was written elsewhere.
static struct bc_anchor_state in_tpm(uint64_t *ret_turn)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        char text[256];

        assert_int_equal(bc_anchor_open(PLACE, true, text, sizeof(text), &anchor, &found), 0);
        *ret_turn = bc_anchor_turn(anchor);
        bc_anchor_free(anchor);
        return found.state;
}

// Neither the ledger nor the anchor's file can be written: the TPM knows of the run, which is enough for what is recorded to be signed. And it
// is not written again and again for that: its memory wears out.
static void test_one_place_is_enough(void **state)
{
        struct bc_signing *signing = bc_signing_new();
        char file[sizeof(((struct desk *)0)->anchor)], text[256];
        struct chip chip;
        struct desk desk;
        uint64_t turn, later;

        (void)state;
        assert_non_null(signing);
        chip_make(&chip);
        assert_int_equal(bc_anchor_tpm_make(INDEX, text, sizeof(text)), 0);
        desk_make(&desk);
        memcpy(file, desk.anchor, sizeof(file));
        assert_true(snprintf(desk.anchor, sizeof(desk.anchor), PLACE " %s", file) < (int)sizeof(desk.anchor));
        desk_start_unwritable(&desk);
        bc_signer_ask(desk_notary.signer, signing);
        desk_run(&desk, desk.base_ns + 5 * S);
        assert_true(bc_signer_fetch(desk_notary.signer, signing));
        assert_int_equal(in_tpm(&turn).boot, desk.found.boot);
        desk_run(&desk, desk.base_ns + 500 * S);
        (void)in_tpm(&later);
        assert_true(later == turn);
        assert_true(desk.troubled);
        desk_stop(&desk, false);
        desk_done(&desk);
        chip_done(&chip);
        free(signing);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_place_is_enough),
        };

        return cmocka_run_group_tests(tests, desk_make_notary, desk_forget_notary);
}
