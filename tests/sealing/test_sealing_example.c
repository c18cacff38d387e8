// SPDX-License-Identifier: EUPL-1.2
// The worked example of docs/formats/sealed.md opens, and every value that leads there is the one it states.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "film.h"
#include "parties.h"
#include "unit/format/sealed_example.h"

static void write_key(const char *path)
{
        size_t n;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *der = sealed_example("private-key", &n);
        const unsigned char *at = der;
        EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)n);
        FILE *file = fopen(path, "we");

        assert_non_null(key);
        assert_non_null(file);
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        EVP_PKEY_free(key);
}

static void test_example(void **state)
{
        char *folder = party_folder_make(), path[PARTY_PATH_BYTES], fault[BC_OPENER_FAULT_BYTES];
        size_t n, plain_bytes, hash_bytes, key_bytes, envelope_bytes;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *file = sealed_example("file", &n);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *plain = sealed_example("plain", &plain_bytes);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *hash = sealed_example("header-sha256", &hash_bytes);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *key = sealed_example("file-key", &key_bytes);
        BC_CLEANUP(bc_cleanup_memory) uint8_t *envelope = sealed_example("envelope", &envelope_bytes);
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = NULL;
        struct film_outcome outcome;
        struct bc_opened opened;

        (void)state;
        snprintf(path, sizeof(path), "%s/key.pem", folder);
        write_key(path);
        assert_int_equal(bc_opener_load(&(struct bc_opener_source){ .key_path = path }, &opener, fault), 0);
        assert_int_equal(bc_opener_open(opener, envelope, envelope_bytes, &opened), 0);
        assert_memory_equal(opened.file_key, key, key_bytes);
        film_read(file, n, opener, &outcome);
        assert_int_equal(outcome.report.finding, BC_UNSEAL_WHOLE);
        assert_int_equal(outcome.report.chunks, 3);
        assert_memory_equal(outcome.report.header_hash, hash, hash_bytes);
        assert_int_equal(outcome.plain_bytes, plain_bytes);
        assert_memory_equal(outcome.plain, plain, plain_bytes);
        film_outcome_done(&outcome);
        party_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_example) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
