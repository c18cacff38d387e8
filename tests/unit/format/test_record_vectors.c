// SPDX-License-Identifier: EUPL-1.2
#include "records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct record_specimen specimen;
static struct bc_record record;
static struct bc_record_message message;

static FILE *open_vector(const char *name, const char *suffix)
{
        char path[4096];
        snprintf(path, sizeof(path), "%s/docs/formats/vectors/record-%s.%s", getenv("BC_SOURCE_DIR"), name, suffix);
        FILE *file = fopen(path, "re");
        if (!file)
                fail_msg("%s cannot be opened", path);
        return file;
}

// docs/formats/vectors: the code writes these bytes, and reads them as what is written beside them.
static void test_vectors(void **state)
{
        (void)state;
        static uint8_t written[BC_RECORD_BYTES_MAX], stored[BC_RECORD_BYTES_MAX];
        static char line[2 * BC_RECORD_BYTES_MAX + 2];
        json_error_t error;

        for (size_t i = 0; i < RECORD_VECTORS; i++) {
                const char *name = record_vector(i, &specimen);
                size_t bytes = record_box(&specimen, written);
                FILE *file = open_vector(name, "hex");
                assert_non_null(fgets(line, sizeof(line), file));
                assert_int_equal(fgetc(file), EOF);
                fclose(file);
                assert_int_equal(record_from_hex(line, stored, sizeof(stored)), bytes);
                assert_memory_equal(stored, written, bytes);

                assert_int_equal(bc_record_parse(stored, bytes, &record, &message, NULL, 0, NULL), 0);
                file = open_vector(name, "json");
                json_t *expected = json_loadf(file, JSON_REJECT_DUPLICATES, &error), *found = record_meaning(&record, &message);
                fclose(file);
                assert_non_null(expected);
                if (!json_equal(expected, found))
                        fail_msg("%s is not read as it says", name);
                json_decref(expected);
                json_decref(found);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
