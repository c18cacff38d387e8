// SPDX-License-Identifier: EUPL-1.2
// How often an anchor's TPM is written: seldom, for its memory wears out, and never too late for what it is there for.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "anchorage.h"

#define RECORDING 4
#define S BC_NS_PER_S

// Within one and the same recording.
static int go_on(struct anchorage *here, struct bc_anchor *anchor, uint64_t n, enum bc_anchor_weight weight, int64_t now_ns)
{
        struct bc_anchor_state state = anchorage_state(n);

        state.recording = RECORDING;
        return bc_anchor_write(anchor, &state, weight, now_ns, here->text, sizeof(here->text));
}

static void test_how_seldom(void **state)
{
        struct anchorage *here = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        struct bc_anchor_state next = anchorage_state(50);

        next.recording = RECORDING;
        anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);
        // A new epoch at once.
        assert_int_equal(go_on(here, anchor, 1, BC_ANCHOR_LIGHT, 100 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 1);
        assert_int_equal(go_on(here, anchor, 2, BC_ANCHOR_LIGHT, 699 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 1);
        assert_int_equal(go_on(here, anchor, 3, BC_ANCHOR_LIGHT, 700 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 3);
        // What matters, half a minute later, even if it is no more by then.
        assert_int_equal(go_on(here, anchor, 4, BC_ANCHOR_WEIGHTY, 701 * S), 0);
        assert_int_equal(go_on(here, anchor, 5, BC_ANCHOR_LIGHT, 729 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 3);
        assert_int_equal(go_on(here, anchor, 6, BC_ANCHOR_LIGHT, 730 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 6);
        assert_int_equal(go_on(here, anchor, 7, BC_ANCHOR_LIGHT, 761 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 6);
        // The last at once, and another epoch.
        assert_int_equal(go_on(here, anchor, 8, BC_ANCHOR_LAST, 762 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 8);
        next.epoch = 2;
        assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_LIGHT, 763 * S, NULL, 0), 0);
        assert_int_equal(anchorage_in_tpm(here), 50);
        bc_anchor_free(anchor);
        // A program that ends soon and begins again, over and over, wears nothing out.
        for (int64_t run = 0; run < 5; run++) {
                anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);
                next.sequence++;
                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_WEIGHTY, (1000 + run * 100) * S, NULL, 0), 0);
                assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_WEIGHTY, (1029 + run * 100) * S, NULL, 0), 0);
                assert_int_equal(anchorage_in_tpm(here), 50);
                bc_anchor_free(anchor);
        }
}

// One that began just as the TPM was written is not left for ten minutes without a record in it.
static void test_rule_08_a_record_of_each_recording(void **state)
{
        struct anchorage *here = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);
        // The run, and that a recording has begun, of which nothing is signed yet.
        struct bc_anchor_state next = { .epoch = 1, .sequence = 2, .boot = 1, .counter = RECORDING };

        assert_int_equal(bc_anchor_write(anchor, &next, BC_ANCHOR_WEIGHTY, 100 * S, NULL, 0), 0);
        assert_int_equal(anchorage_in_tpm(here), 1);
        assert_int_equal(go_on(here, anchor, 2, BC_ANCHOR_LIGHT, 101 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 1);
        assert_int_equal(go_on(here, anchor, 3, BC_ANCHOR_LIGHT, 130 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 3);
        // It is known: what is signed later in it is not hurried.
        assert_int_equal(go_on(here, anchor, 4, BC_ANCHOR_LIGHT, 170 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 3);
        bc_anchor_free(anchor);
        // Nor by a run that goes on from it, but the first record of the next one is.
        anchor = anchorage_open(here, ANCHORAGE_PLACE, &found);
        assert_int_equal(go_on(here, anchor, 5, BC_ANCHOR_LIGHT, 200 * S), 0);
        assert_int_equal(go_on(here, anchor, 6, BC_ANCHOR_LIGHT, 240 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 3);
        assert_int_equal(anchorage_write(here, anchor, 7, BC_ANCHOR_LIGHT, 241 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 7);
        bc_anchor_free(anchor);
}

// One that goes away while it is used: it is said, the file is written all the same, and it is tried again.
static void test_goes_away(void **state)
{
        struct anchorage *here = *state;
        struct bc_anchor_found found;
        struct bc_anchor *anchor;

        anchor = anchorage_open(here, here->both, &found);
        assert_int_equal(anchorage_write(here, anchor, 1, BC_ANCHOR_LIGHT, 0), 0);
        chip_end(&here->chip, false);
        assert_int_equal(anchorage_write(here, anchor, 2, BC_ANCHOR_LIGHT, 10 * S), 0); // nothing to do for it
        assert_int_equal(anchorage_write(here, anchor, 3, BC_ANCHOR_WEIGHTY, 40 * S), -ENODEV);
        assert_non_null(strstr(here->text, "anchor tpm2:0x01800bca: no TPM answers"));
        assert_int_equal(anchorage_write(here, anchor, 4, BC_ANCHOR_LIGHT, 41 * S), -ENODEV);
        found = anchorage_look(here, here->file);
        anchorage_check(&found.state, 4);
        chip_start(&here->chip);
        assert_int_equal(anchorage_write(here, anchor, 5, BC_ANCHOR_LIGHT, 42 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 5);
        assert_int_equal(anchorage_write(here, anchor, 6, BC_ANCHOR_LIGHT, 43 * S), 0);
        assert_int_equal(anchorage_in_tpm(here), 5);
        bc_anchor_free(anchor);
}

// What an anchor knew that was lost and is back is not written over with nothing; what is known by now stays.
static void test_adopts_what_it_knew(void **state)
{
        const struct bc_anchor_state known = anchorage_state(7);
        struct bc_anchor_state got = { .boot = 1, .counter = 99 }, expected = known;

        (void)state;
        expected.counter = 99;
        bc_anchor_state_adopt(&got, &known);
        assert_memory_equal(&got, &expected, sizeof(got));
        got = anchorage_state(3);
        got.boot = 99;
        expected = got;
        expected.counter = known.counter;
        bc_anchor_state_adopt(&got, &known);
        assert_memory_equal(&got, &expected, sizeof(got));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_adopts_what_it_knew),
                cmocka_unit_test_setup_teardown(test_how_seldom, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_rule_08_a_record_of_each_recording, anchorage_make, anchorage_done),
                cmocka_unit_test_setup_teardown(test_goes_away, anchorage_make, anchorage_done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
