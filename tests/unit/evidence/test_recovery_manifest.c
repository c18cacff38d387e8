// SPDX-License-Identifier: EUPL-1.2
// Recovery of recordings whose manifest is lost, damaged, somebody else's, or knows more than the files.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "specimen.h"

static struct specimen recorded; // by the group's setup; closed

static int record(void **state)
{
        (void)state;
        specimen_record(&recorded);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        specimen_done(&recorded);
        return 0;
}

static enum bc_segment_state state_of(struct bc_manifest *manifest, uint32_t number)
{
        assert_non_null(bc_manifest_find_segment(manifest, number));
        return bc_manifest_find_segment(manifest, number)->state;
}

static void test_no_manifest(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_remove(&before, BC_MANIFEST_NAME);
        specimen_recover(&before, &after, &manifest);
        assert_string_equal(manifest.device, "test");
        assert_int_equal(manifest.counter, 1);
        assert_int_equal(manifest.state, BC_RECORDING_RECOVERED);
        assert_int_equal(manifest.press_ticks, BC_TICKS_UNKNOWN);
        assert_int_equal(strlen(manifest.boot_id), 32); // as the segments say
        assert_true(manifest.gaps_unknown);
        assert_non_null(strstr((char *)specimen_find(&after, BC_MANIFEST_NAME)->bytes, "\"gaps\": null"));
        assert_true(manifest.clock_unknown && manifest.marks_unknown);
        assert_int_equal(manifest.segments, 3);
        for (uint32_t number = 1; number <= 3; number++) {
                assert_int_equal(state_of(&manifest, number), BC_SEGMENT_RECOVERED);
                assert_true(manifest.segment[number - 1].bytes > 1000);
                assert_int_equal(manifest.segment[number - 1].number, number);
        }
        assert_int_equal(manifest.segment[1].first_ticks, manifest.segment[0].end_ticks);
        specimen_assert_finished(&recorded, &after, "0003.mp4");
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

static void test_damaged_manifests_are_kept(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_set_text(&before, BC_MANIFEST_NAME, "{\"version\": 1, \"devi");
        specimen_set_text(&before, BC_MANIFEST_NAME ".damaged", "an earlier one");
        specimen_set_kind(&before, BC_MANIFEST_NAME ".damaged-2", 'd');
        specimen_recover(&before, &after, &manifest);
        specimen_assert_unchanged(&before, &after, BC_MANIFEST_NAME ".damaged");
        assert_string_equal((char *)specimen_find(&after, BC_MANIFEST_NAME ".damaged-3")->bytes, "{\"version\": 1, \"devi");
        assert_int_equal(manifest.segments, 3);
        assert_true(manifest.gaps_unknown);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

static void test_many_damaged_manifests(void **state)
{
        struct bc_recovery_report report;
        struct specimen before;
        struct clinic clinic;
        char *text;
        size_t size;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        specimen_set_text(&before, BC_MANIFEST_NAME, "rubbish");
        clinic_open(&clinic, &before);
        for (int nth = 1; nth <= 99; nth++) {
                char name[48];

                snprintf(name, sizeof(name), nth == 1 ? "%s" : "%s-%d", BC_MANIFEST_NAME ".damaged", nth);
                folder_write_text(clinic.folder_fd, name, "x");
        }
        clinic_recover(&clinic, &report); // not one more, and not one destroyed for it
        assert_int_equal(report.failed, 1);
        assert_true(clinic_is_listed(&clinic));
        text = folder_read(clinic.folder_fd, BC_MANIFEST_NAME, &size);
        assert_string_equal(text, "rubbish");
        free(text);
        assert_false(folder_has(clinic.folder_fd, BC_MANIFEST_NAME ".damaged-100"));
        clinic_close(&clinic);
        specimen_done(&before);
}

static void test_a_manifest_that_is_no_file(void **state)
{
        for (const char *kind = "dlp"; *kind; kind++) {
                struct specimen before, after;
                struct bc_manifest manifest;

                (void)state;
                specimen_on_the_way(&recorded, &before);
                specimen_set_kind(&before, BC_MANIFEST_NAME, *kind);
                specimen_recover(&before, &after, &manifest);
                assert_int_equal(specimen_find(&after, BC_MANIFEST_NAME ".damaged")->kind, *kind);
                assert_int_equal(manifest.segments, 3);
                specimen_assert_finished(&recorded, &after, "0001.mp4"); // the link led there
                bc_manifest_done(&manifest);
                specimen_done(&after);
                specimen_done(&before);
        }
}

static void test_the_manifest_of_another_recording(void **state)
{
        struct specimen before, after;
        struct specimen_file *file;
        struct bc_manifest manifest;
        char *at;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        file = specimen_find(&before, BC_MANIFEST_NAME);
        at = strstr((char *)file->bytes, "\"recording\": 1");
        assert_non_null(at);
        at[13] = '2';
        specimen_recover(&before, &after, &manifest);
        assert_int_equal(manifest.counter, 1);
        assert_int_equal(specimen_find(&after, BC_MANIFEST_NAME ".damaged")->size, file->size);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// What the manifest knew is still in it; gaps that lasted end where the picture does.
static void test_the_manifest_is_carried_on(void **state)
{
        struct specimen before, after;
        struct bc_manifest manifest;
        struct clinic clinic;
        uint8_t *text;
        size_t size;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        clinic_open(&clinic, &before);
        clinic_manifest(&clinic, &manifest);
        bc_manifest_add_gap(&manifest, BC_GAP_FRAMES_LOST, 127 * BC_TICKS_PER_S, 127 * BC_TICKS_PER_S + 1600, 1);
        bc_manifest_add_gap(&manifest, BC_GAP_NO_SOUND, 133 * BC_TICKS_PER_S, BC_TICKS_UNKNOWN, 0);
        assert_int_equal(bc_manifest_save(&manifest, clinic.folder_fd), 0);
        bc_manifest_done(&manifest);
        text = (uint8_t *)folder_read(clinic.folder_fd, BC_MANIFEST_NAME, &size);
        specimen_set(&before, BC_MANIFEST_NAME, text, size);
        free(text);
        clinic_close(&clinic);
        specimen_recover(&before, &after, &manifest);
        assert_string_equal(manifest.reason, "button");
        assert_int_equal(manifest.press_ticks, 130 * BC_TICKS_PER_S);
        assert_int_equal(manifest.stop_ticks, BC_TICKS_UNKNOWN);
        assert_int_equal(state_of(&manifest, 1), BC_SEGMENT_CLOSED);
        assert_false(manifest.gaps_unknown);
        assert_int_equal(manifest.gaps, 2);
        assert_int_equal(manifest.gap[0].count, 1);
        assert_int_equal(manifest.gap[1].to_ticks, manifest.segment[2].end_ticks);
        bc_manifest_done(&manifest);
        specimen_done(&after);
        specimen_done(&before);
}

// Everything was closed but for the counter: nothing changes.
static void test_a_closed_recording_that_is_still_listed(void **state)
{
        struct specimen after;
        struct bc_manifest manifest;

        (void)state;
        specimen_recover(&recorded, &after, &manifest);
        specimen_assert_same(&recorded, &after);
        assert_int_equal(manifest.state, BC_RECORDING_CLOSED);
        bc_manifest_done(&manifest);
        specimen_done(&after);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_manifest),
                cmocka_unit_test(test_damaged_manifests_are_kept),
                cmocka_unit_test(test_many_damaged_manifests),
                cmocka_unit_test(test_a_manifest_that_is_no_file),
                cmocka_unit_test(test_the_manifest_of_another_recording),
                cmocka_unit_test(test_the_manifest_is_carried_on),
                cmocka_unit_test(test_a_closed_recording_that_is_still_listed),
        };

        return cmocka_run_group_tests(tests, record, forget);
}
