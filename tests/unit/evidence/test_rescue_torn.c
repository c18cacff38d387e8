// SPDX-License-Identifier: EUPL-1.2
// What a power cut leaves of the last write is any of its sectors. Recovery goes by what records prove, not by where they stand: the
// longest prefix in which each has the bytes that it was signed for (docs/formats/record.md, 10; EVIDENCE rules 9 and 10).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counts.h"
#include "scene.h"

#define MS BC_NS_PER_MS
#define SECTOR 512

static struct specimen quick, slow; // by their signer
static struct scene_marks *marks, *other;

static int make(void **state)
{
        (void)state;
        marks = malloc(sizeof(*marks));
        other = malloc(sizeof(*other));
        assert_non_null(marks);
        assert_non_null(other);
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &quick);
        scene_record(400 * MS, SCENE_WELL, &slow);
        return 0;
}

static int forget(void **state)
{
        (void)state;
        free(marks);
        free(other);
        specimen_done(&quick);
        specimen_done(&slow);
        notary_done(&scene_notary);
        return 0;
}

// Segment 3 up to the end of its record n (from 0), as while it was written.
static struct specimen_file *up_to(const struct specimen *recorded, size_t n, struct specimen *ret_before)
{
        struct specimen_file *file;

        scene_on_the_way(recorded, ret_before);
        file = specimen_find(ret_before, "0003.mp4");
        scene_marks(file, marks);
        assert_true(n < marks->records);
        specimen_cut(file, marks->end[n]);
        return file;
}

// Recovers it: the first `whole` records count, and the anchor names the last of them.
static void expect_kept(const struct specimen *before, const struct specimen_file *file, size_t whole, uint64_t kept)
{
        struct bc_anchor_state anchor = whole > 0 ? scene_anchor(ANCHOR_AGREES, marks, whole) : scene_no_anchor;
        struct witness *witness;
        struct clinic clinic;

        clinic_open(&clinic, before);
        assert_int_equal(scene_start(&clinic, &anchor, 0, 0).failed, 0);
        assert_false(clinic_is_listed(&clinic));
        witness = scene_look(&clinic, WITNESS_ENDED);
        assert_int_equal(witness->segments, 3);
        assert_int_equal(witness->by_kind[BC_RECORD_RECOVERED], 1);
        assert_int_equal(witness->recovered[2]->index, whole + 1);
        scene_check_found(witness->recovered[2], &anchor, file->size, kept, true);
        scene_check_tail(&clinic, "0003.tail", witness->recovered[2], file->bytes + kept, file->size - kept);
        assert_memory_equal(witness->segment[2]->bytes, file->bytes, kept);
        witness_free(witness);
        clinic_close(&clinic);
}

// What stands in a sector that was not written: zeros, or what was there before.
static void lose_sector(struct specimen_file *file, uint64_t from, uint64_t sector, uint32_t *seed, bool zeros)
{
        uint64_t at = sector * SECTOR < from ? from : sector * SECTOR, end = (sector + 1) * SECTOR;

        for (; at < end && at < file->size; at++)
                file->bytes[at] = zeros ? 0 : (uint8_t)(file->bytes[at] ^ (1 + notary_random(seed) % 255));
}

// Each sector of the last write by itself, and many of them together; the record's box may be whole behind them.
static void test_rule_09_torn_last_write(void **state)
{
        int rounds = (int)counts_of(10, 40, 1000);
        struct specimen before;
        struct specimen_file *file;
        uint32_t seed = 3;

        (void)state;
        file = up_to(&quick, 4, &before);
        uint64_t from = marks->end[3], first = from / SECTOR, sectors = (file->size - 1) / SECTOR - first + 1;
        assert_true(sectors > 2);
        for (uint64_t i = 0; i < 2 * sectors + (uint64_t)rounds; i++) {
                struct specimen torn;

                specimen_copy(&before, &torn);
                file = specimen_find(&torn, "0003.mp4");
                if (i < 2 * sectors)
                        lose_sector(file, from, first + i / 2, &seed, i % 2);
                else
                        for (uint64_t k = 0; k < sectors; k++)
                                if (k == i % sectors || notary_random(&seed) % 2)
                                        lose_sector(file, from, first + k, &seed, notary_random(&seed) % 2);
                expect_kept(&torn, file, 4, from);
                specimen_done(&torn);
        }
        specimen_done(&before);
}

// One bit of a sample, far behind its header, with a record over it that is as it was.
static void test_rule_09_hash_of_range(void **state)
{
        struct specimen before;
        struct specimen_file *file;

        (void)state;
        for (size_t record = 1; record < 4; record++) {
                file = up_to(&quick, 4, &before);
                file->bytes[marks->at[record] - 3] ^= 1;
                expect_kept(&before, file, record, marks->end[record - 1]);
                specimen_done(&before);
        }
        // A slow signer's record covers several fragments that were written before it; it is looked at as a whole.
        file = up_to(&slow, 3, &before);
        file->bytes[marks->covered[3] - 3] ^= 1;
        expect_kept(&before, file, 3, marks->end[2]);
        specimen_done(&before);
}

// Nothing is proven of a segment whose first record does not hold: it is kept up to that, as found.
static void test_rule_09_first_record_torn(void **state)
{
        struct specimen before;
        struct specimen_file *file;

        (void)state;
        for (int kind = 0; kind < 3; kind++) {
                file = up_to(&quick, 2, &before);
                if (kind == 0)
                        file->bytes[marks->at[0] - 3] ^= 1;
                else if (kind == 1)
                        memset(file->bytes + marks->at[0] + 100, 0, marks->end[0] - marks->at[0] - 100);
                else
                        file->bytes[marks->end[0] - 5] ^= 1; // of the signature
                expect_kept(&before, file, 0, marks->at[0]);
                specimen_done(&before);
        }
}

// The last record is cut off, zeroed or changed at each of its bytes: then there is no record there.
static void test_rule_09_torn_record(void **state)
{
        struct specimen before;
        struct specimen_file *file;
        uint32_t seed = 7;

        (void)state;
        for (unsigned step = 0; step < 3; step++)
                for (uint64_t at = 24; at < 300; at += 23) { // behind the box's header
                        file = up_to(&quick, 4, &before);
                        uint64_t box = marks->at[4];
                        if (step == 0)
                                specimen_cut(file, box + at);
                        else if (step == 1)
                                memset(file->bytes + box + at, 0, (size_t)(file->size - box - at));
                        else
                                file->bytes[box + at] ^= (uint8_t)(1 + notary_random(&seed) % 255);
                        expect_kept(&before, file, 4, marks->end[3]);
                        specimen_done(&before);
                }
}

// Our own, of another segment; of this one, but an earlier one again: what stale sectors may hold.
static void test_rule_09_record_out_of_place(void **state)
{
        struct specimen before;
        struct specimen_file *file, *second;

        (void)state;
        for (int kind = 0; kind < 2; kind++) {
                file = up_to(&quick, 1, &before);
                second = specimen_find(&before, "0002.mp4");
                scene_marks(second, other);
                if (kind == 0) {
                        specimen_append(file, second->bytes + other->at[2], other->end[2] - other->at[2]);
                } else {
                        uint8_t *again = malloc(marks->end[1] - marks->at[1]);

                        assert_non_null(again);
                        memcpy(again, file->bytes + marks->at[1], marks->end[1] - marks->at[1]);
                        specimen_append(file, again, marks->end[1] - marks->at[1]);
                        free(again);
                }
                expect_kept(&before, file, 2, marks->end[1]);
                specimen_done(&before);
        }
}

// Another device's record behind ours does not make the segment another's; its first record does.
static void test_rule_10_another_device(void **state)
{
        struct notary ours = scene_notary, theirs;
        struct specimen before, strange, after;
        struct specimen_file *file, *first;
        struct clinic clinic;

        (void)state;
        notary_make(&scene_notary);
        scene_record(0, SCENE_WELL, &strange);
        theirs = scene_notary;
        scene_notary = ours;
        first = specimen_find(&strange, "0003.mp4");
        scene_marks(first, other);

        file = up_to(&quick, 2, &before);
        specimen_append(file, first->bytes + other->at[0], other->end[0] - other->at[0]);
        expect_kept(&before, file, 3, marks->end[2]);
        specimen_done(&before);

        (void)up_to(&strange, 2, &before);
        clinic_open(&clinic, &before);
        (void)scene_start(&clinic, &scene_no_anchor, 0, 0);
        specimen_take(clinic.folder_fd, &after);
        specimen_assert_unchanged(&before, &after, "0003.mp4");
        assert_null(specimen_find(&after, "0003.tail"));
        specimen_done(&after);
        clinic_close(&clinic);

        // Of theirs, too, only a whole record counts: one that is torn is nobody's.
        specimen_done(&before);
        (void)up_to(&quick, 2, &before);
        (void)up_to(&strange, 2, &after);
        first = specimen_find(&after, "0003.mp4");
        first->bytes[marks->end[0] - 5] ^= 1;
        specimen_set(&before, "0003.mp4", first->bytes, first->size);
        expect_kept(&before, specimen_find(&before, "0003.mp4"), 0, marks->at[0]);
        specimen_done(&before);
        specimen_done(&after);
        specimen_done(&strange);
        scene_notary = theirs;
        notary_done(&scene_notary);
        scene_notary = ours;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_09_torn_last_write),     cmocka_unit_test(test_rule_09_hash_of_range),
                cmocka_unit_test(test_rule_09_first_record_torn),   cmocka_unit_test(test_rule_09_torn_record),
                cmocka_unit_test(test_rule_09_record_out_of_place), cmocka_unit_test(test_rule_10_another_device),
        };

        return cmocka_run_group_tests(tests, make, forget);
}
