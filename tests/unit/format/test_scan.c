// SPDX-License-Identifier: EUPL-1.2
// Whole segments: written, cut, finalised, damaged, and read back.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/bytes.h"
#include "format/record.h"
#include "segments.h"

#define WORDS "IPPaa PPPa R IPaaa a R R PPP"

// The end of the last fragment, and of the last box, that lie whole below `size`.
static uint64_t last_whole(const struct segment *segment, uint64_t size, bool fragment)
{
        uint64_t end = segment->layout.bytes;
        for (size_t i = 0; i < segment->boxes && segment->box_end[i] <= size; i++)
                if (!fragment || segment->box_is_fragment[i])
                        end = segment->box_end[i];
        return end;
}

// The moov rebuilt from what the scan gathered is the one that the writer's own table gives.
static void assert_same_moov(const struct segment *segment, const struct bc_scan *scan)
{
        size_t n = bc_finalise_bytes(&segment->init, &segment->table), m, k;
        uint8_t *a = malloc(n), *b = malloc(n);
        assert_int_equal(scan->moov_bytes, n);
        assert_int_equal(bc_finalise_build(&segment->init, &segment->table, a, n, &m), 0);
        assert_int_equal(m, n);
        assert_int_equal(bc_finalise_build(&scan->init, &scan->table, b, n, &k), 0);
        assert_int_equal(k, n);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
}

static void test_a_segment_in_all_its_states(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480);
        struct segment segment;
        struct bc_scan scan;
        segment_write(&segment, &init, 0, WORDS);
        uint64_t end = segment.size;

        // as the recorder leaves it, fragment by fragment
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_int_equal(scan.table.fragments, 5);
        assert_int_equal(scan.records, 3);
        assert_int_equal(scan.fragments_end, end);
        assert_int_equal(scan.boxes_end, end);
        assert_int_equal(scan.rest_offset, end);
        assert_int_equal(scan.moov, BC_MOOV_NONE);
        assert_int_equal(scan.stop, 0);
        assert_false(bc_scan_finished(&scan));
        assert_memory_equal(&scan.init, &init, sizeof(init));
        assert_same_moov(&segment, &scan);
        bc_scan_done(&scan);

        // appended, not yet patched
        segment_append_moov(&segment);
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_int_equal(scan.moov, BC_MOOV_WHOLE);
        assert_int_equal(scan.moov_offset, end);
        assert_int_equal(scan.rest_offset, segment.size);
        assert_false(scan.layout.patched);
        assert_false(bc_scan_finished(&scan));
        bc_scan_done(&scan);

        // patched
        uint8_t original[BC_PATCH_BYTES], unpatched[BC_PATCH_BYTES];
        memcpy(original, segment.bytes + segment.layout.moov_offset, BC_PATCH_BYTES);
        segment_patch(&segment, end);
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_true(bc_scan_finished(&scan));
        assert_int_equal(scan.table.fragments, 5);
        bc_finalise_unpatch(&scan.layout, unpatched);
        assert_memory_equal(original, unpatched, BC_PATCH_BYTES);
        bc_scan_done(&scan);

        // patched to another place
        segment_patch(&segment, end - 1);
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_int_equal(scan.moov, BC_MOOV_WHOLE);
        assert_false(bc_scan_finished(&scan));
        bc_scan_done(&scan);

        // one byte too many
        segment_patch(&segment, end);
        segment_append(&segment, "", 1);
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_int_equal(scan.rest_offset, segment.size - 1);
        assert_false(bc_scan_finished(&scan));
        bc_scan_done(&scan);
        segment_done(&segment);
}

static void test_cut_at_every_byte(void **state)
{
        (void)state;
        struct bc_init init = segment_init(-1024);
        struct segment segment;
        struct bc_scan scan;
        segment_write(&segment, &init, 0, WORDS);
        uint64_t end = segment.size;
        segment_append_moov(&segment);
        for (size_t cut = 0; cut <= segment.size; cut++) {
                int r = segment_scan(&segment, cut, &scan);
                if (cut < segment.layout.bytes) {
                        assert_int_equal(r, -ENODATA);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(scan.fragments_end, last_whole(&segment, cut, true));
                assert_int_equal(scan.boxes_end, last_whole(&segment, cut, false));
                if (cut >= end + 8) {
                        assert_int_equal(scan.moov, cut == segment.size ? BC_MOOV_WHOLE : BC_MOOV_CUT);
                        assert_int_equal(scan.rest_offset, cut);
                } else {
                        assert_int_equal(scan.moov, BC_MOOV_NONE);
                        assert_int_equal(scan.rest_offset, scan.boxes_end);
                        assert_int_equal(scan.stop, cut == scan.boxes_end ? 0 : -ENODATA);
                }
                bc_scan_done(&scan);
        }
        segment_done(&segment);
}

// Cut, then what power loss leaves: zeros, or something random, up to the old length.
static void test_cut_and_filled(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0);
        uint32_t random = 7;
        for (unsigned i = 0; i < 400; i++) {
                struct segment segment;
                struct bc_scan scan;
                segment_write(&segment, &init, 0, WORDS);
                size_t cut = segment.layout.bytes +
                             segment_random(&random, (uint32_t)(segment.size - segment.layout.bytes));
                for (size_t at = cut; at < segment.size; at++)
                        segment.bytes[at] = i % 2 ? 0 : (uint8_t)segment_random(&random, 256);
                assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
                // A fragment whose boxes are whole stays one whatever its samples hold: only a signature tells.
                assert_true(scan.fragments_end >= last_whole(&segment, cut, true));
                assert_int_equal(scan.moov, BC_MOOV_NONE);
                if (scan.boxes_end < segment.size)
                        assert_true(scan.stop == -ENODATA || scan.stop == -EBADMSG);
                bc_scan_done(&scan);
                segment_done(&segment);
        }
}

static void expect_stop(const char *words, const void *bytes, size_t n, int stop, enum bc_moov_state moov)
{
        struct bc_init init = segment_init(0);
        struct segment segment;
        struct bc_scan scan;
        segment_write(&segment, &init, 0, words);
        uint64_t end = segment.size;
        segment_append(&segment, bytes, n);
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_int_equal(scan.boxes_end, end);
        assert_int_equal(scan.rest_offset, end);
        assert_int_equal(scan.stop, stop);
        assert_int_equal(scan.moov, moov);
        bc_scan_done(&scan);
        segment_done(&segment);
}

static void test_foreign_boxes_end_the_walk(void **state)
{
        (void)state;
        uint8_t box[BC_RECORD_BYTES_MAX + 64] = { 0 };
#define HEADER(...) memcpy(box, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
        HEADER(0, 0, 0, 8, 'f', 'r', 'e', 'e');
        expect_stop("IP", box, 8, -EBADMSG, BC_MOOV_NONE);
        HEADER(0, 0, 0, 0, 'f', 'r', 'e', 'e');
        expect_stop("IP", box, 80, -EBADMSG, BC_MOOV_NONE);
        HEADER(0, 0, 0, 7, 'm', 'o', 'o', 'f');
        expect_stop("IP", box, 80, -EBADMSG, BC_MOOV_NONE);
        HEADER(0, 0, 0, 1, 'm', 'o', 'o', 'f', 0, 0, 0, 0, 0, 0, 0, 80);
        expect_stop("IP", box, 80, -EBADMSG, BC_MOOV_NONE);
        HEADER(0, 0, 0, 1, 'm', 'd', 'a', 't', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
        expect_stop("IP", box, 80, -ENODATA, BC_MOOV_NONE);
        HEADER(0, 0, 0, 8, 'm', 'o', 'o', 'v');
        expect_stop("IP", box, 8, 0, BC_MOOV_FOREIGN);
        HEADER(0, 0, 0, 0, 'm', 'o', 'o', 'v');
        expect_stop("IP", box, 200, 0, BC_MOOV_FOREIGN);
        HEADER(0xff, 0xff, 0xff, 0xff, 'm', 'o', 'o', 'v');
        expect_stop("IP", box, 200, 0, BC_MOOV_FOREIGN);
#undef HEADER

        // uuid boxes: another id, too long, in the long form, "up to the end"
        assert_int_equal(bc_record_header(40, box), 0);
        box[20] ^= 1;
        expect_stop("IP", box, 64, -EBADMSG, BC_MOOV_NONE);
        assert_int_equal(bc_record_header(BC_RECORD_BYTES_MAX - BC_RECORD_HEADER_BYTES, box), 0);
        box[3]++;
        expect_stop("IP", box, BC_RECORD_BYTES_MAX + 1, -EBADMSG, BC_MOOV_NONE);
        expect_stop("IP", box, BC_RECORD_BYTES_MAX, -ENODATA, BC_MOOV_NONE);
        assert_int_equal(bc_record_header(40, box), 0);
        memset(box, 0, 4);
        expect_stop("IP", box, 64, -EBADMSG, BC_MOOV_NONE);
        uint8_t form[32] = { 0, 0, 0, 1, 'u', 'u', 'i', 'd', 0, 0, 0, 0, 0, 0, 0, 32 };
        memcpy(form + 16, bc_record_id, 16);
        expect_stop("IP", form, 32, -EBADMSG, BC_MOOV_NONE);
}

// A fragment that is well-formed but does not go on where the one before ended.
static void test_fragments_out_of_order_end_the_walk(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0);
        struct segment segment;
        segment_write(&segment, &init, 0, "IPa IPa IPa");
        size_t head = segment.layout.bytes, one = (size_t)segment.box_end[0] - head;
        uint8_t *kept = malloc(segment.size);
        memcpy(kept, segment.bytes, segment.size);
        const int swaps[][3] = { { 1, 0, 2 }, { 0, 2, 1 }, { 0, 0, 1 }, { 0, 2, 2 }, { 0, 1, 1 } };
        const uint32_t whole[] = { 0, 1, 1, 1, 2 };
        for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
                struct bc_scan scan;
                for (size_t k = 0; k < 3; k++)
                        memcpy(segment.bytes + head + k * one, kept + head + (size_t)swaps[i][k] * one, one);
                assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
                assert_int_equal(scan.table.fragments, whole[i]);
                assert_int_equal(scan.stop, -EBADMSG);
                assert_int_equal(scan.rest_offset, head + whole[i] * one);
                bc_scan_done(&scan);
        }
        free(kept);
        segment_done(&segment);
}

static void test_any_changed_byte_of_the_moov_is_foreign(void **state)
{
        (void)state;
        struct bc_init init = segment_init(480);
        struct segment segment;
        struct bc_scan scan;
        segment_write(&segment, &init, 0, "IPPaa PPPa");
        uint64_t end = segment.size;
        segment_append_moov(&segment);
        segment_patch(&segment, end);
        for (size_t at = (size_t)end; at < segment.size; at++) {
                segment.bytes[at] ^= 0x10;
                assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
                assert_int_equal(scan.moov, at < end + 8 && at >= end + 4 ? BC_MOOV_NONE : BC_MOOV_FOREIGN);
                assert_int_equal(scan.rest_offset, end);
                assert_false(bc_scan_finished(&scan));
                bc_scan_done(&scan);
                segment.bytes[at] ^= 0x10;
        }
        assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
        assert_true(bc_scan_finished(&scan));
        bc_scan_done(&scan);
        segment_done(&segment);
}

// Any layout: round trip, a cut, both tables the same moov, the moov compared and taken.
static void test_random_layouts(void **state)
{
        (void)state;
        uint32_t random = 2024;
        for (unsigned i = 0; i < 300; i++) {
                static const int64_t starts[] = { 0, 480, 1440000, -480, -1024 };
                struct bc_init init = segment_init(starts[i % 5]);
                char words[2000];
                size_t n = 0, fragments = 1 + segment_random(&random, 40);
                bool sound = segment_random(&random, 8) > 0;
                words[n++] = 'I';
                for (size_t f = 0; f < fragments; f++) {
                        if (f > 0)
                                words[n++] = segment_random(&random, 4) == 0 ? 'I' : 'P';
                        for (uint32_t k = segment_random(&random, 12); k > 0; k--)
                                words[n++] = "IPPPPPa"[segment_random(&random, sound ? 7 : 6)];
                        words[n++] = ' ';
                        while (segment_random(&random, 3) == 0 && n < sizeof(words) - 100) {
                                words[n++] = 'R';
                                words[n++] = ' ';
                        }
                }
                words[n] = '\0';

                struct segment segment;
                struct bc_scan scan;
                segment_write(&segment, &init, random | 1, words);
                uint64_t end = segment.size;
                size_t cut = segment.layout.bytes + segment_random(&random, (uint32_t)(end - segment.layout.bytes));
                assert_int_equal(segment_scan(&segment, cut, &scan), 0);
                assert_int_equal(scan.fragments_end, last_whole(&segment, cut, true));
                bc_scan_done(&scan);

                assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
                assert_int_equal(scan.boxes_end, end);
                assert_int_equal(scan.table.fragments, fragments);
                assert_same_moov(&segment, &scan);
                bc_scan_done(&scan);

                segment_append_moov(&segment);
                segment_patch(&segment, end);
                assert_int_equal(segment_scan(&segment, segment.size, &scan), 0);
                assert_true(bc_scan_finished(&scan));
                bc_scan_done(&scan);
                segment_done(&segment);
        }
}

// The sound track's edits in the final moov: how long the last one shows, -1 for no edit list; and both durations.
static void check_edits(int64_t start_ticks, const char *words, int64_t shown, uint64_t track_ticks, uint64_t movie)
{
        struct bc_init init = segment_init(start_ticks);
        struct segment segment;
        segment_write(&segment, &init, 0, words);
        size_t end = segment.size;
        segment_append_moov(&segment);
        const uint8_t *moov = segment.bytes + end, *elst = memmem(moov, segment.size - end, "elst", 4);
        assert_int_equal(elst != NULL, shown >= 0);
        if (elst) {
                struct bc_reader r = bc_reader_on(elst + 4, 64);
                bc_get_u32(&r);
                if (start_ticks > 0) {
                        assert_int_equal(bc_get_u32(&r), 2);
                        assert_int_equal(bc_get_u64(&r), start_ticks);
                        assert_true(bc_get_u64(&r) == UINT64_MAX);
                        bc_get_u32(&r);
                } else
                        assert_int_equal(bc_get_u32(&r), 1);
                assert_int_equal(bc_get_u64(&r), shown);
                assert_int_equal(bc_get_u64(&r), start_ticks < 0 ? -start_ticks : 0);
        }
        struct bc_reader mvhd = bc_reader_on(moov + 8 + 8 + 24, 8);
        assert_int_equal(bc_get_u64(&mvhd), movie);
        const uint8_t *first = memmem(moov, segment.size - end, "tkhd", 4);
        const uint8_t *tkhd = memmem(first + 4, (size_t)(segment.bytes + segment.size - first) - 4, "tkhd", 4);
        struct bc_reader r = bc_reader_on(tkhd + 4 + 28, 8);
        assert_int_equal(bc_get_u64(&r), track_ticks);
        segment_done(&segment);
}

static void test_edits_and_durations_of_the_final_moov(void **state)
{
        (void)state;
        check_edits(0, "IPPPaaa", -1, 3072, 6400);
        check_edits(480, "IPPPaaa", 3072, 3552, 6400);
        check_edits(1440000, "IPPPaaa", 3072, 1443072, 1443072);
        check_edits(-480, "IPPPaaa", 2592, 2592, 6400);
        check_edits(-1024, "IPPPaaa", 2048, 2048, 6400);
        check_edits(-1024, "IPPPa", 0, 0, 6400); // nothing but priming
        check_edits(-3000, "IPPPa", 0, 0, 6400);
        check_edits(1440000, "IPPP", -1, 0, 6400); // the sound never came
        check_edits(-1024, "IPPP", -1, 0, 6400);
}

static int fail_after(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct segment *segment = user;
        if (offset >= segment->table.end_offset)
                return -EIO;
        memcpy(bytes, segment->bytes + offset, n);
        return 0;
}

struct seen {
        uint64_t offset[8];
        unsigned records, fragments;
        int answer;
};

static int on_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct seen *seen = user;
        assert_int_equal(bytes, BC_RECORD_HEADER_BYTES + 40);
        seen->offset[seen->records++] = offset;
        return seen->answer;
}

static const struct segment *reported_segment;

static int read_reported(void *user, uint64_t offset, void *bytes, size_t n)
{
        (void)user;
        memcpy(bytes, reported_segment->bytes + offset, n);
        return 0;
}

static int on_fragment(void *user, uint64_t offset, const struct bc_fragment *fragment)
{
        struct seen *seen = user;
        assert_int_equal(fragment->sequence, ++seen->fragments);
        assert_memory_equal(reported_segment->bytes + offset + 4, "moof", 4);
        return 0;
}

static void test_callbacks(void **state)
{
        (void)state;
        struct bc_init init = segment_init(0);
        struct segment segment;
        struct bc_scan scan;
        segment_write(&segment, &init, 0, "IPPaa R PPP R R");
        reported_segment = &segment;
        struct seen seen = { 0 };
        struct bc_scan_source source = { .read = read_reported, .size = segment.size, .on_record = on_record,
                                         .on_fragment = on_fragment, .user = &seen };
        assert_int_equal(bc_scan_file(&source, &scan), 0);
        bc_scan_done(&scan);
        assert_int_equal(seen.records, 3);
        assert_int_equal(seen.fragments, 2);
        assert_int_equal(seen.offset[0], segment.box_end[0]);
        assert_int_equal(seen.offset[1], segment.box_end[2]);
        assert_int_equal(seen.offset[2], segment.box_end[3]);

        seen = (struct seen){ .answer = -ECANCELED };
        assert_int_equal(bc_scan_file(&source, &scan), -ECANCELED);
        assert_int_equal(seen.records, 1);

        // an error of the medium is no statement about the file
        struct bc_scan_source broken = { .read = fail_after, .size = segment.size, .user = &segment };
        assert_int_equal(bc_scan_file(&broken, &scan), -EIO);
        segment_done(&segment);
}

// A file that is none of ours, or of another make.
static void test_other_files(void **state)
{
        (void)state;
        struct bc_scan scan;
        uint8_t other[70000];
        struct segment segment = { .bytes = other };
        memset(other, 0, sizeof(other));
        assert_int_equal(segment_scan(&segment, 0, &scan), -ENODATA);
        assert_int_equal(segment_scan(&segment, sizeof(other), &scan), -EBADMSG);
        uint32_t random = 5;
        for (unsigned i = 0; i < 1000; i++) {
                struct bc_init init = segment_init(0);
                size_t n;
                assert_int_equal(bc_init_write(&init, other, sizeof(other), &n), 0);
                for (unsigned k = 0; k < 4; k++) // the right beginning, then four bytes of damage
                        other[32 + segment_random(&random, (uint32_t)n - 32)] = (uint8_t)segment_random(&random, 256);
                int r = segment_scan(&segment, sizeof(other), &scan);
                assert_true(r == 0 || r == -EBADMSG);
                if (r == 0)
                        bc_scan_done(&scan);
        }
}

// A file of some GiB of which only the boxes exist: what lies between reads as zeros.
struct sparse {
        struct { uint64_t offset; size_t size; const uint8_t *bytes; } part[8];
        size_t parts;
        uint64_t size, read;
};

static int read_sparse(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct sparse *sparse = user;
        sparse->read += n;
        memset(bytes, 0, n);
        for (size_t i = 0; i < sparse->parts; i++) {
                uint64_t from = sparse->part[i].offset, to = from + sparse->part[i].size;
                for (uint64_t at = from > offset ? from : offset; at < to && at < offset + n; at++)
                        ((uint8_t *)bytes)[at - offset] = sparse->part[i].bytes[at - from];
        }
        return 0;
}

static void add_part(struct sparse *sparse, const uint8_t *bytes, size_t n)
{
        sparse->part[sparse->parts].offset = sparse->size;
        sparse->part[sparse->parts].size = n;
        sparse->part[sparse->parts++].bytes = bytes;
        sparse->size += n;
}

// Two fragments of nearly 2 GiB, then one that ends `spare` bytes below 4 GiB; then the moov if it is asked for.
static void check_4_gib(uint64_t spare, bool moov, int stop, uint32_t fragments, enum bc_moov_state state)
{
        static uint8_t head[BC_INIT_BYTES_MAX], header[3][200], tail[4000];
        struct bc_init init = segment_init(0);
        struct bc_sample_table table;
        struct sparse sparse = { 0 };
        struct bc_scan scan;
        size_t n;
        bc_sample_table_init(&table, init.tracks);
        assert_int_equal(bc_init_write(&init, head, sizeof(head), &n), 0);
        add_part(&sparse, head, n);
        for (uint32_t i = 0; i < 3; i++) {
                struct bc_sample sample = { 1600, INT32_MAX - 20000, true };
                if (i == 2)
                        sample.size_bytes = (uint32_t)(UINT32_MAX - spare - sparse.size - 108);
                struct bc_run run = segment_run(0, i * 1600, &sample, 1);
                assert_int_equal(bc_fragment_build(i + 1, &run, 1, header[i], sizeof(header[i]), &n), 0);
                assert_int_equal(n, 108);
                int r = bc_sample_table_add(&table, sparse.size, i + 1, &run, 1);
                assert_int_equal(r, i == 2 && stop ? stop : 0);
                add_part(&sparse, header[i], n);
                sparse.size += sample.size_bytes;
        }
        if (moov) {
                assert_int_equal(bc_finalise_build(&init, &table, tail, sizeof(tail), &n), 0);
                add_part(&sparse, tail, n);
        }
        struct bc_scan_source source = { .read = read_sparse, .size = sparse.size, .user = &sparse };
        assert_int_equal(bc_scan_file(&source, &scan), 0);
        assert_int_equal(scan.table.fragments, fragments);
        assert_int_equal(scan.stop, stop);
        assert_int_equal(scan.moov, state);
        assert_true(sparse.read < BC_INIT_BYTES_MAX + 3 * 200 + sizeof(tail)); // a little of each fragment
        bc_scan_done(&scan);
        bc_sample_table_done(&table);
}

static void test_up_to_4_gib(void **state)
{
        (void)state;
        check_4_gib(0, false, 0, 3, BC_MOOV_NONE);
        check_4_gib((uint64_t)-1, false, -EFBIG, 2, BC_MOOV_NONE); // one byte beyond
        check_4_gib(2000, true, 0, 3, BC_MOOV_WHOLE);
        check_4_gib(1000, true, 0, 3, BC_MOOV_FOREIGN); // the moov would end beyond
}

// The worked example of docs/formats/segment.md: every byte of a small file, in all its states.
static void test_example(void **state)
{
        (void)state;
        char path[4096], line[1000];
        snprintf(path, sizeof(path), "%s/tests/unit/format/example.txt", getenv("BC_SOURCE_DIR"));
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        uint8_t expected[8192], patch[BC_PATCH_BYTES] = { 0 };
        size_t n = 0, patched = 0;
        while (fgets(line, sizeof(line), file)) {
                char *hex = strchr(line, '|');
                if (line[0] == '#' || !hex)
                        continue;
                uint8_t *into = line[0] == 'p' ? patch : expected + n;
                for (hex++; *hex && *hex != '\n'; hex += 3) {
                        assert_true(n < sizeof(expected));
                        *into++ = (uint8_t)strtoul((const char[]){ hex[1], hex[2], 0 }, NULL, 16);
                }
                if (line[0] == 'p')
                        patched = (size_t)(into - patch);
                else
                        n = (size_t)(into - expected);
        }
        fclose(file);
        assert_int_equal(patched, BC_PATCH_BYTES);

        struct bc_init init = segment_init(480);
        struct segment segment;
        segment_write(&segment, &init, 0, "IPaa R Pa");
        uint64_t end = segment.size;
        segment_append_moov(&segment);
        assert_int_equal(segment.size, n);
        for (size_t i = 0; i < n; i++)
                if (segment.bytes[i] != expected[i])
                        fail_msg("byte %zu is %02x, not %02x", i, segment.bytes[i], expected[i]);
        segment_patch(&segment, end);
        assert_memory_equal(segment.bytes + segment.layout.moov_offset, patch, BC_PATCH_BYTES);
        segment_done(&segment);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_segment_in_all_its_states),
                cmocka_unit_test(test_cut_at_every_byte),
                cmocka_unit_test(test_cut_and_filled),
                cmocka_unit_test(test_foreign_boxes_end_the_walk),
                cmocka_unit_test(test_fragments_out_of_order_end_the_walk),
                cmocka_unit_test(test_any_changed_byte_of_the_moov_is_foreign),
                cmocka_unit_test(test_edits_and_durations_of_the_final_moov),
                cmocka_unit_test(test_random_layouts),
                cmocka_unit_test(test_callbacks),
                cmocka_unit_test(test_other_files),
                cmocka_unit_test(test_up_to_4_gib),
                cmocka_unit_test(test_example),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
