// SPDX-License-Identifier: EUPL-1.2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "segments.h"

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

        struct bc_init init = segment_init_full(480);
        struct segment segment;
        segment_write(&segment, &init, 0, "IPaatg R Pa");
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
                cmocka_unit_test(test_example),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
