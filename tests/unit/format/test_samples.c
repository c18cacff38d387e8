// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/samples.h"
#include "segments.h"

static int allocations_left = -1; // -1: no limit

void *__real_reallocarray(void *pointer, size_t n, size_t bytes);
void *__wrap_reallocarray(void *pointer, size_t n, size_t bytes);
void *__wrap_reallocarray(void *pointer, size_t n, size_t bytes)
{
        if (allocations_left == 0)
                return NULL;
        if (allocations_left > 0)
                allocations_left--;
        return __real_reallocarray(pointer, n, bytes);
}

static const struct bc_sample picture[] = { { 1600, 100, true }, { 1600, 10, false }, { 1700, 10, false } };
static const struct bc_sample sound[] = { { 1024, 7, true }, { 1024, 8, true } };

static void test_gathers(void **state)
{
        (void)state;
        const struct bc_init init = segment_init(0);
        struct bc_sample_table table;
        bc_sample_table_init(&table, &init);
        const struct bc_run first[] = { segment_run(0, 0, picture, 3), segment_run(1, 0, sound, 2) };
        const struct bc_run second[] = { segment_run(0, 4900, picture, 2), segment_run(1, 2048, sound, 2) };
        const struct bc_run third[] = { segment_run(1, 4096, sound, 1) };
        assert_int_equal(bc_sample_table_add(&table, 1000, 1, first, 2), 0);
        uint64_t header = bc_fragment_header_bytes(first, 2);
        assert_int_equal(table.end_offset, 1000 + header + 120 + 15);
        assert_int_equal(bc_sample_table_add(&table, 2000, 2, second, 2), 0);
        assert_int_equal(bc_sample_table_add(&table, 9000, 3, third, 1), 0);
        assert_int_equal(table.fragments, 3);
        assert_int_equal(table.track[0].samples, 5);
        assert_int_equal(table.track[0].duration_ticks, 4900 + 3200);
        assert_int_equal(table.track[0].sync_samples, 2);
        assert_int_equal(table.track[0].stts_entries, 3); // 2 x 1600, 1700, 2 x 1600
        assert_int_equal(table.track[0].stsc_entries, 2);
        assert_int_equal(table.track[0].chunk[0].offset, 1000 + header);
        assert_int_equal(table.track[1].chunk[0].offset, 1000 + header + 120);
        assert_int_equal(table.track[1].samples, 5);
        assert_int_equal(table.track[1].stts_entries, 1);
        assert_int_equal(table.track[1].stsc_entries, 2); // 2, 2, 1
        assert_int_equal(table.track[1].chunks, 3);
        bc_sample_table_done(&table);
        bc_sample_table_done(&table);
}

static void test_law_of_a_segment(void **state)
{
        (void)state;
        const struct bc_init init = segment_init(0);
        struct bc_sample_table table, before;
        bc_sample_table_init(&table, &init);
        const struct bc_run headless = segment_run(0, 0, picture + 1, 1);
        assert_int_equal(bc_sample_table_add(&table, 0, 1, &headless, 1), -EBADMSG); // no key frame
        const struct bc_run late = segment_run(0, 1, picture, 1);
        assert_int_equal(bc_sample_table_add(&table, 0, 1, &late, 1), -EBADMSG);
        const struct bc_run first = segment_run(0, 0, picture, 3);
        assert_int_equal(bc_sample_table_add(&table, 0, 2, &first, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 0, 1, &first, 1), 0);
        before = table;

        const struct bc_run good = segment_run(0, 4900, picture, 1);
        const struct bc_run hole = segment_run(0, 4901, picture, 1), overlap = segment_run(0, 4899, picture, 1);
        const struct bc_run again = segment_run(0, 0, picture, 1), other = segment_run(2, 0, sound, 1);
        const struct bc_run sound_hole[] = { good, segment_run(1, 1, sound, 1) };
        assert_int_equal(bc_sample_table_add(&table, 1000, 2, &hole, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 1000, 2, &overlap, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 1000, 2, &again, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 1000, 2, &other, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 1000, 2, sound_hole, 2), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 1000, 1, &good, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, 1000, 3, &good, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, table.end_offset - 1, 2, &good, 1), -EBADMSG);
        assert_int_equal(bc_sample_table_add(&table, UINT64_MAX, 2, &good, 1), -EFBIG);
        assert_int_equal(bc_sample_table_add(&table, UINT32_MAX - 100, 2, &good, 1), -EFBIG);
        assert_memory_equal(&table, &before, sizeof(table));
        assert_int_equal(bc_sample_table_add(&table, table.end_offset, 2, &good, 1), 0);
        bc_sample_table_done(&table);
}

// Key frame or not is a question for pictures alone.
static void test_all_but_pictures_are_sync(void **state)
{
        (void)state;
        static const struct bc_sample mixed[] = { { 1024, 7, true }, { 1024, 8, false } };
        struct bc_init init = segment_init_full(0);
        struct bc_sample_table table;
        init.track[init.tracks++] = init.track[0];
        bc_sample_table_init(&table, &init);
        for (uint32_t track = 1; track < 5; track++) {
                const struct bc_run good = segment_run(track, 0, mixed, 1), bad = segment_run(track, 0, mixed, 2);
                bool picture_track = track == 4;
                assert_int_equal(bc_sample_table_add(&table, table.end_offset, table.fragments + 1, &bad, 1),
                                 picture_track ? 0 : -EBADMSG);
                assert_int_equal(table.track[track].samples, picture_track ? 2 : 0);
                if (picture_track)
                        continue;
                assert_int_equal(bc_sample_table_add(&table, table.end_offset, table.fragments + 1, &good, 1), 0);
        }
        bc_sample_table_done(&table);
}

static void test_bounded_in_samples(void **state)
{
        (void)state;
        struct bc_sample *many = calloc(BC_FRAGMENT_SAMPLES_MAX, sizeof(*many));
        const struct bc_init init = segment_init(0);
        struct bc_sample_table table;
        int r = 0;
        for (size_t i = 0; i < BC_FRAGMENT_SAMPLES_MAX; i++)
                many[i] = (struct bc_sample){ UINT32_MAX, 1, true };
        bc_sample_table_init(&table, &init);
        for (uint32_t i = 0; r == 0; i++) {
                struct bc_run run = segment_run(0, table.track[0].duration_ticks, many, BC_FRAGMENT_SAMPLES_MAX);
                r = bc_sample_table_add(&table, table.end_offset, i + 1, &run, 1);
        }
        assert_int_equal(r, -EFBIG);
        assert_int_equal(table.track[0].samples, BC_SEGMENT_SAMPLES_MAX);
        assert_true(table.track[0].duration_ticks == (uint64_t)BC_SEGMENT_SAMPLES_MAX * UINT32_MAX);
        bc_sample_table_done(&table);
        free(many);
}

// Each allocation in turn fails; the table is as before and takes the fragment when memory is there again.
static void test_no_memory(void **state)
{
        (void)state;
        const struct bc_init init = segment_init(0);
        const struct bc_run run[] = { segment_run(0, 0, picture, 3), segment_run(1, 0, sound, 2) };
        for (int allowed = 0; allowed < 4; allowed++) {
                struct bc_sample_table table;
                bc_sample_table_init(&table, &init);
                allocations_left = allowed;
                assert_int_equal(bc_sample_table_add(&table, 0, 1, run, 2), -ENOMEM);
                assert_int_equal(table.fragments, 0);
                assert_int_equal(table.track[0].samples, 0);
                allocations_left = -1;
                assert_int_equal(bc_sample_table_add(&table, 0, 1, run, 2), 0);
                bc_sample_table_done(&table);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gathers),
                cmocka_unit_test(test_law_of_a_segment),
                cmocka_unit_test(test_all_but_pictures_are_sync),
                cmocka_unit_test(test_bounded_in_samples),
                cmocka_unit_test(test_no_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
