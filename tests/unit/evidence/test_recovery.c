// SPDX-License-Identifier: EUPL-1.2
// Segments as a power cut may leave them: cut anywhere, followed by zeros or rubbish, in the middle of being finalised,
// abandoned. Every whole fragment is in a finished file afterwards, every other byte in a tail, and none is lost.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/finalise.h"
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

static uint32_t below(uint32_t *seed, uint32_t limit)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

// ---- what must come out ------------------------------------------------------------------------------------------

static const struct bc_manifest_segment *entry_of(struct bc_manifest *manifest, uint32_t number)
{
        const struct bc_manifest_segment *entry = bc_manifest_find_segment(manifest, number);

        assert_non_null(entry);
        return entry;
}

// The file kept the first `keep` bytes, whole fragments, and is finished; what followed is in the tail (NULL: nothing).
// durable: what the manifest promised.
static void check_kept(const struct clinic *clinic, struct specimen *after, const struct specimen_file *damaged,
                       const struct shape *whole, uint64_t keep, const char *tail_name, uint64_t durable)
{
        struct specimen_file *file = specimen_find(after, damaged->name), *tail;
        uint32_t number = (uint32_t)strtoul(damaged->name, NULL, 10);
        const struct bc_manifest_segment *entry;
        struct bc_manifest manifest;
        struct shape shape;
        size_t rest = tail_name ? damaged->size - keep : 0;

        assert_non_null(file);
        shape_of(file->bytes, file->size, &shape);
        assert_true(shape.finished);
        assert_int_equal(shape.boxes_end, keep);
        assert_int_equal(whole->fragment_end[shape.fragments - 1], keep);
        clinic_manifest(clinic, &manifest);
        entry = entry_of(&manifest, number);
        assert_int_equal(manifest.state, BC_RECORDING_RECOVERED);
        assert_int_equal(entry->state, BC_SEGMENT_RECOVERED);
        assert_int_equal(entry->bytes, file->size);
        assert_int_equal(entry->fragments, shape.fragments);
        assert_int_equal(entry->first_ticks, whole->init.label.base_ticks);
        assert_int_equal(entry->end_ticks, shape.end_ticks);
        assert_int_equal(entry->tail_bytes, rest);
        assert_int_equal(entry->missing_bytes, durable > keep ? durable - keep : 0);
        bc_manifest_done(&manifest);
        specimen_unfinish(file);
        // Of a patched head the eight bytes are the only ones that may differ.
        for (uint64_t at = 0; at < keep; at++)
                if (file->bytes[at] != damaged->bytes[at] && (at < whole->layout.moov_offset ||
                                                              at >= whole->layout.moov_offset + BC_PATCH_BYTES))
                        fail_msg("byte %llu has changed", (unsigned long long)at);
        if (!tail_name)
                return;
        tail = specimen_find(after, tail_name);
        assert_non_null(tail);
        assert_int_equal(tail->size, rest);
        assert_memory_equal(tail->bytes, damaged->bytes + keep, rest);
}

// Nothing whole was in it: all of it is the tail.
static void check_set_aside(const struct clinic *clinic, struct specimen *after, const struct specimen_file *damaged,
                            uint64_t durable)
{
        uint32_t number = (uint32_t)strtoul(damaged->name, NULL, 10);
        const struct bc_manifest_segment *entry;
        struct bc_manifest manifest;
        struct specimen_file *tail;
        char name[32];

        snprintf(name, sizeof(name), "%04u.tail", number);
        tail = specimen_find(after, name);
        assert_null(specimen_find(after, damaged->name));
        assert_non_null(tail);
        assert_int_equal(tail->size, damaged->size);
        assert_memory_equal(tail->bytes, damaged->bytes, damaged->size);
        clinic_manifest(clinic, &manifest);
        entry = entry_of(&manifest, number);
        assert_int_equal(entry->state, BC_SEGMENT_EMPTY);
        assert_int_equal(entry->bytes + entry->fragments, 0);
        assert_int_equal(entry->tail_bytes, damaged->size);
        assert_int_equal(entry->missing_bytes, durable);
        bc_manifest_done(&manifest);
}

// Where the last whole fragment ends when so many bytes are as written and others follow. Whole means its boxes are: that
// samples were damaged inside them only the records of a later version can tell.
static uint64_t last_whole(const struct shape *whole, uint64_t intact, uint64_t size)
{
        uint64_t end = 0;

        for (size_t i = 0; i < whole->fragments; i++)
                if (whole->header_end[i] <= intact && whole->fragment_end[i] <= size)
                        end = whole->fragment_end[i];
        return end;
}

// Recovers, checks everything but the damaged file, and that a second time changes nothing. The caller checks *ret_after.
static void recover_twice(struct clinic *clinic, struct specimen *before, const char *damaged, struct specimen *ret_after)
{
        struct bc_recovery_report report;
        struct specimen again;

        clinic_recover(clinic, &report);
        assert_int_equal(report.recordings, 1);
        assert_int_equal(report.failed, 0);
        assert_false(clinic_is_listed(clinic));
        specimen_take(clinic->folder_fd, ret_after);
        for (size_t i = 0; i < before->files; i++) {
                const struct specimen_file *file = &before->file[i], *now = specimen_find(ret_after, file->name);

                if (!strcmp(file->name, damaged) || !strcmp(file->name, BC_MANIFEST_NAME))
                        continue;
                assert_non_null(now);
                assert_int_equal(now->size, file->size);
                assert_memory_equal(now->bytes, file->bytes, file->size);
        }
        clinic_list(clinic);
        clinic_recover(clinic, &report);
        assert_int_equal(report.failed + report.segments + report.empty, 0);
        assert_int_equal(report.tail_bytes, 0);
        specimen_take(clinic->folder_fd, &again);
        specimen_assert_same(ret_after, &again);
        specimen_done(&again);
}

// 0003.mp4 has its first `size` bytes, then `extra`.
static void one_cut(const struct specimen *whole, size_t size, const void *extra, size_t extra_bytes)
{
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;
        struct shape shape;
        uint64_t keep;

        specimen_copy(whole, &before);
        file = specimen_find(&before, "0003.mp4");
        shape_of(file->bytes, file->size, &shape);
        specimen_cut(file, size);
        specimen_append(file, extra, extra_bytes);
        keep = last_whole(&shape, size, file->size);
        clinic_open(&clinic, &before);
        recover_twice(&clinic, &before, "0003.mp4", &after);
        if (keep > 0)
                check_kept(&clinic, &after, file, &shape, keep, keep < file->size ? "0003.tail" : NULL, shape.boxes_end);
        else
                check_set_aside(&clinic, &after, file, shape.boxes_end);
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

// ---- cuts --------------------------------------------------------------------------------------------------------

static void test_cut_at_every_box(void **state)
{
        struct specimen whole;
        struct specimen_file *file;
        struct shape shape;

        (void)state;
        specimen_on_the_way(&recorded, &whole);
        file = specimen_find(&whole, "0003.mp4");
        shape_of(file->bytes, file->size, &shape);
        assert_true(shape.fragments >= 8 && !shape.finished);
        one_cut(&whole, 0, "", 0);
        for (size_t around = 0; around <= 2; around++) { // before, at, behind
                one_cut(&whole, shape.layout.moov_offset + around - 1, "", 0);
                one_cut(&whole, shape.layout.moov_offset + around + 7, "", 0);
                one_cut(&whole, shape.layout.bytes + around - 1, "", 0);
                one_cut(&whole, shape.layout.bytes + around + 7, "", 0);
                for (size_t i = 0; i < shape.fragments; i++)
                        if (shape.fragment_end[i] + around - 1 <= file->size)
                                one_cut(&whole, shape.fragment_end[i] + around - 1, "", 0);
        }
        specimen_done(&whole);
}

static void test_cut_anywhere_and_what_may_follow(void **state)
{
        uint32_t random = 1, rounds = getenv("BC_LONG") ? 1000 : 30;
        static uint8_t zeros[200000], rubbish[200000];
        struct specimen whole;
        size_t size;

        (void)state;
        specimen_on_the_way(&recorded, &whole);
        size = specimen_find(&whole, "0003.mp4")->size;
        for (size_t i = 0; i < sizeof(rubbish); i++)
                rubbish[i] = (uint8_t)(1 + below(&random, 255));
        for (uint32_t i = 0; i < rounds; i++) {
                size_t n = 1 + below(&random, sizeof(zeros) - 1), cut = below(&random, (uint32_t)size);

                one_cut(&whole, cut, "", 0);
                one_cut(&whole, cut / 512 * 512, zeros, n);
                one_cut(&whole, cut, rubbish, n);
                one_cut(&whole, size, i & 1 ? zeros : rubbish, n); // all fragments whole, then this
        }
        specimen_done(&whole);
}

// ---- cut off while being finalised -------------------------------------------------------------------------------

enum patched { PATCHED_NO, PATCHED_YES };

// 0003.mp4 with all its fragments, `moov_bytes` of its moov, and `extra`. tail: what must be set aside.
static void one_finalising(size_t moov_bytes, enum patched patched, const void *extra, size_t extra_bytes,
                           uint64_t tail_from, const char *tail)
{
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;
        struct shape shape;

        specimen_on_the_way(&recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        specimen_set(&before, "0003.mp4", specimen_find(&recorded, "0003.mp4")->bytes,
                     specimen_find(&recorded, "0003.mp4")->size);
        shape_of(file->bytes, file->size, &shape);
        assert_true(shape.finished);
        if (patched == PATCHED_NO)
                bc_finalise_unpatch(&shape.layout, file->bytes + shape.layout.moov_offset);
        specimen_cut(file, shape.boxes_end + (moov_bytes < shape.moov_bytes ? moov_bytes : shape.moov_bytes));
        specimen_append(file, extra, extra_bytes);
        clinic_open(&clinic, &before);
        recover_twice(&clinic, &before, "0003.mp4", &after);
        if (tail && tail_from > 0) { // behind the moov
                struct specimen_file *set_aside = specimen_find(&after, tail);

                assert_non_null(set_aside);
                assert_int_equal(set_aside->size, extra_bytes);
                assert_memory_equal(set_aside->bytes, extra, extra_bytes);
                shape_of(specimen_find(&after, "0003.mp4")->bytes, specimen_find(&after, "0003.mp4")->size, &shape);
                assert_true(shape.finished);
        } else {
                check_kept(&clinic, &after, file, &shape, shape.boxes_end, tail, shape.boxes_end);
        }
        // However it was left: the same file as if nothing had happened.
        if (specimen_find(&after, "0003.mp4")->size == specimen_find(&recorded, "0003.mp4")->size)
                assert_memory_equal(specimen_find(&after, "0003.mp4")->bytes, specimen_find(&recorded, "0003.mp4")->bytes,
                                    specimen_find(&after, "0003.mp4")->size);
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

static void test_a_moov_that_was_cut_off(void **state)
{
        const size_t cuts[] = { 0, 1, 7, 8, 9, 100, 511, 700 };
        static const uint8_t zeros[600];

        (void)state;
        for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
                // The beginning of its own moov is no tail, once its type can be read: it is completed.
                const char *tail = cuts[i] % 8 == cuts[i] && cuts[i] > 0 ? "0003.tail" : NULL;

                one_finalising(cuts[i], PATCHED_NO, "", 0, 0, tail);
                // The card may have made the patch durable first.
                one_finalising(cuts[i], PATCHED_YES, "", 0, 0, tail);
                if (cuts[i] == 0)
                        continue;
                one_finalising(cuts[i], PATCHED_NO, zeros, sizeof(zeros), 0, "0003.tail");
                one_finalising(cuts[i], PATCHED_YES, zeros, sizeof(zeros), 0, "0003.tail");
        }
}

static void test_a_whole_moov(void **state)
{
        (void)state;
        one_finalising(SIZE_MAX, PATCHED_NO, "", 0, 0, NULL);
        one_finalising(SIZE_MAX, PATCHED_YES, "", 0, 0, NULL); // only the manifest did not learn of it
        one_finalising(SIZE_MAX, PATCHED_NO, "rubbish", 7, 1, "0003.tail");
        one_finalising(SIZE_MAX, PATCHED_YES, "rubbish", 7, 1, "0003.tail");
}

// The moov of other fragments is rubbish like any other.
static void test_the_moov_of_another_segment(void **state)
{
        struct specimen before, after;
        struct specimen_file *file, *other;
        struct clinic clinic;
        struct shape shape, other_shape;

        (void)state;
        specimen_on_the_way(&recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        other = specimen_find(&recorded, "0004.mp4");
        shape_of(file->bytes, file->size, &shape);
        shape_of(other->bytes, other->size, &other_shape);
        specimen_append(file, other->bytes + other_shape.boxes_end, other_shape.moov_bytes);
        clinic_open(&clinic, &before);
        recover_twice(&clinic, &before, "0003.mp4", &after);
        check_kept(&clinic, &after, file, &shape, shape.boxes_end, "0003.tail", shape.boxes_end);
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

// ---- abandoned segments --------------------------------------------------------------------------------------------

// 0003.mp4 was abandoned after `durable` fragments; of the next one `more` bytes have reached the card all the same.
static void one_abandoned(size_t durable, uint64_t more)
{
        struct specimen before, after;
        struct specimen_file *file;
        struct clinic clinic;
        struct shape shape;
        size_t whole_size;

        specimen_on_the_way(&recorded, &before);
        file = specimen_find(&before, "0003.mp4");
        shape_of(file->bytes, file->size, &shape);
        whole_size = file->size;
        specimen_cut(file, shape.fragment_end[durable - 1]);
        specimen_set_manifest(&before, "cca");
        file = specimen_find(&before, "0003.mp4");
        file->size = shape.fragment_end[durable - 1] + more; // the bytes are still there
        assert_true(file->size <= whole_size);
        clinic_open(&clinic, &before);
        recover_twice(&clinic, &before, "0003.mp4", &after);
        check_kept(&clinic, &after, file, &shape, shape.fragment_end[durable - 1], more > 0 ? "0003.tail" : NULL,
                   shape.fragment_end[durable - 1]);
        clinic_close(&clinic);
        specimen_done(&after);
        specimen_done(&before);
}

static void test_what_was_not_called_durable_is_set_aside(void **state)
{
        struct specimen whole;
        struct specimen_file *file;
        struct shape shape;

        (void)state;
        specimen_on_the_way(&recorded, &whole);
        file = specimen_find(&whole, "0003.mp4");
        shape_of(file->bytes, file->size, &shape);
        for (size_t durable = 1; durable < shape.fragments; durable += 3) {
                uint64_t next = shape.fragment_end[durable] - shape.fragment_end[durable - 1];

                one_abandoned(durable, 0);
                one_abandoned(durable, 1);
                one_abandoned(durable, next - 1);
                one_abandoned(durable, next); // whole, but repeated in the successor
                one_abandoned(durable, file->size - shape.fragment_end[durable - 1]);
        }
        specimen_done(&whole);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cut_at_every_box),
                cmocka_unit_test(test_cut_anywhere_and_what_may_follow),
                cmocka_unit_test(test_a_moov_that_was_cut_off),
                cmocka_unit_test(test_a_whole_moov),
                cmocka_unit_test(test_the_moov_of_another_segment),
                cmocka_unit_test(test_what_was_not_called_durable_is_set_aside),
        };

        return cmocka_run_group_tests(tests, record, forget);
}
