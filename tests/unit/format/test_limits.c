// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segments.h"

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
        bc_sample_table_init(&table, &init);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_up_to_4_gib),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
