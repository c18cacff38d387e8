// SPDX-License-Identifier: EUPL-1.2
// The device's certificates: what is read from them, and each thing for which they are refused, with its words.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/chain.h"
#include "folder.h"
#include "papers.h"

struct bench {
        char folder[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16];
        struct paper root, middle, device;
};

static int make(void **state)
{
        struct bench *bench = calloc(1, sizeof(*bench));
        struct paper_text root = paper_authority, middle = paper_authority;

        assert_non_null(bench);
        root.name = "Root";
        middle.name = "Middle";
        folder_make(bench->folder);
        snprintf(bench->path, sizeof(bench->path), "%s/device.pem", bench->folder);
        paper_make(&root, NULL, &bench->root);
        paper_make(&middle, &bench->root, &bench->middle);
        paper_make(&paper_device, &bench->middle, &bench->device);
        *state = bench;
        return 0;
}

static int clear(void **state)
{
        struct bench *bench = *state;

        paper_free(&bench->root);
        paper_free(&bench->middle);
        paper_free(&bench->device);
        folder_remove(bench->folder);
        free(bench);
        return 0;
}

#define WRITE(bench, ...)                                                                       \
        do {                                                                                    \
                const struct paper *papers_[] = { __VA_ARGS__ };                                \
                paper_write((bench)->path, papers_, sizeof(papers_) / sizeof(*papers_));        \
        } while (0)

static struct bc_chain *load(const struct bench *bench)
{
        struct bc_chain *chain = NULL;
        char text[512] = "";

        if (bc_chain_load(bench->path, PAPER_DEVICE, text, sizeof(text), &chain) != 0)
                fail_msg("%s", text);
        return chain;
}

static void expect_refusal(const struct bench *bench, int error, const char *words)
{
        struct bc_chain *chain = NULL;
        char text[512] = "", path[128];
        int r = bc_chain_load(bench->path, PAPER_DEVICE, text, sizeof(text), &chain);

        snprintf(path, sizeof(path), "certificates %s: ", bench->path);
        if (r != -error || !strstr(text, words) || strncmp(text, path, strlen(path)) != 0)
                fail_msg("expected \"%s\" (%d), got \"%s\" (%d)", words, -error, text, r);
        assert_null(chain);
        assert_int_equal(bc_chain_load(bench->path, PAPER_DEVICE, NULL, 0, &chain), -error);
}

static void test_what_is_read(void **state)
{
        struct bench *bench = *state;
        uint8_t *der = NULL, hash[32];
        struct bc_chain *chain;
        int n = i2d_X509(bench->device.certificate, &der);

        WRITE(bench, &bench->device, &bench->middle);
        chain = load(bench);
        assert_int_equal(chain->count, 2);
        assert_int_equal(chain->certificate[0].n, n);
        assert_memory_equal(chain->certificate[0].bytes, der, (size_t)n);
        SHA256(der, (size_t)n, hash);
        assert_memory_equal(chain->x5t, hash, 32);
        OPENSSL_free(der);
        assert_true(chain->is_test);
        assert_int_equal(chain->protection, BC_PROTECTION_FILE);
        assert_string_equal(chain->subject, "serialNumber=" PAPER_DEVICE ",CN=Body camera");
        assert_string_equal(chain->issuer, "CN=Middle");
        assert_int_equal(chain->valid_from_s, paper_device.from_s);
        assert_int_equal(chain->valid_until_s, paper_device.until_s);
        bc_chain_free(chain);
        WRITE(bench, &bench->device); // the root's own: no issuer between
        chain = load(bench);
        assert_int_equal(chain->count, 1);
        bc_chain_free(chain);
        bc_chain_free(NULL);
}

static void test_policies(void **state)
{
        static const struct {
                const char *device, *middle;
                bool is_test;
                enum bc_protection protection;
        } cases[] = {
                { NULL, NULL, false, BC_PROTECTION_NOT_SAID },
                { PAPER_POLICY(1), NULL, true, BC_PROTECTION_NOT_SAID },
                { NULL, PAPER_POLICY(1) "," PAPER_POLICY(2), true, BC_PROTECTION_NOT_SAID },
                { PAPER_POLICY(2), NULL, false, BC_PROTECTION_FILE },
                { PAPER_POLICY(3) ",1.2.3.4", "1.2.3.4", false, BC_PROTECTION_TPM },
                { PAPER_POLICY(4) "," PAPER_POLICY(1), NULL, true, BC_PROTECTION_HARDWARE },
                { PAPER_POLICY(5) "," PAPER_POLICY(11) "," PAPER_POLICY(1.1), NULL, false, BC_PROTECTION_NOT_SAID },
                { "2.25.141109206085313761295305289576533557892.1,2.25.14110920608531376129530528957653355789.1", NULL, false,
                  BC_PROTECTION_NOT_SAID },
        };
        struct bench *bench = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                struct paper_text device_text = paper_device, middle_text = paper_authority;
                struct paper device, middle;
                struct bc_chain *chain;

                device_text.policies = cases[i].device;
                middle_text.policies = cases[i].middle;
                paper_make(&middle_text, &bench->root, &middle);
                paper_make(&device_text, &middle, &device);
                WRITE(bench, &device, &middle);
                chain = load(bench);
                assert_int_equal(chain->is_test, cases[i].is_test);
                assert_int_equal(chain->protection, cases[i].protection);
                bc_chain_free(chain);
                paper_free(&device);
                paper_free(&middle);
        }
}

static void test_a_device_that_is_refused(void **state)
{
        struct {
                struct paper_text text;
                const char *words;
        } cases[32];
        struct bench *bench = *state;
        size_t n = 0;

#define CASE(words_, ...)                                            \
        do {                                                         \
                cases[n].text = paper_device;                        \
                cases[n].words = words_;                             \
                struct paper_text *t = &cases[n++].text;             \
                __VA_ARGS__;                                         \
        } while (0)
        CASE("subject has no serialNumber", t->serial = NULL);
        CASE("more than one serialNumber", t->second_serial = PAPER_DEVICE);
        CASE("is for the device TEST-0002, this one is TEST-0001", t->serial = "TEST-0002");
        CASE("is for the device test-0001,", t->serial = "test-0001");
        CASE("is for the device TEST-0001 ,", t->serial = "TEST-0001 ");
        CASE("is for the device TEST-000,", t->serial = "TEST-000");
        CASE("is for the device TEST?[31m?,", t->serial = "TEST\033[31m\n");
        CASE("neither P-256 nor P-384", t->curve = "P-521");
        CASE("neither P-256 nor P-384", t->curve = "secp256k1");
        CASE("neither P-256 nor P-384", t->curve = NULL, t->rsa_bits = 2048);
        CASE("no critical keyUsage", t->usage = NULL);
        CASE("no critical keyUsage", t->usage = "digitalSignature");
        CASE("lacks digitalSignature", t->usage = "critical,keyAgreement,nonRepudiation");
        CASE("does not say in basicConstraints", t->basic = NULL);
        CASE("is that of a CA", t->basic = "critical,CA:TRUE", t->usage = "critical,digitalSignature,keyCertSign");
        CASE("is signed with SHA1", t->hash = "SHA1");
        CASE("is signed with SHA224", t->hash = "SHA224");
        CASE("critical extension that is not known", t->unknown_critical = true);
        CASE("not of version 3", t->version_1 = true);
        CASE("signature is not that of certificate 2", t->damaged = true);
        CASE("an extension twice", t->usage_twice = true);
        CASE("an extension twice", t->policies_twice = true);
        CASE("extensions are malformed", t->policies = NULL, t->malformed_policies = true);
        CASE("two ways in which its key is protected", t->policies = PAPER_POLICY(2) "," PAPER_POLICY(3));
#undef CASE
        for (size_t i = 0; i < n; i++) {
                struct paper device;

                paper_make(&cases[i].text, &bench->middle, &device);
                WRITE(bench, &device, &bench->middle);
                expect_refusal(bench, EINVAL, cases[i].words);
                paper_free(&device);
        }
}

static void test_an_issuer_that_is_refused(void **state)
{
        struct {
                struct paper_text text;
                const char *words;
        } cases[12];
        struct bench *bench = *state;
        size_t n = 0;

#define CASE(words_, ...)                                            \
        do {                                                         \
                cases[n].text = paper_authority;                     \
                cases[n].words = words_;                             \
                struct paper_text *t = &cases[n++].text;             \
                __VA_ARGS__;                                         \
        } while (0)
        CASE("certificate 2: it is not that of a CA", t->basic = "critical,CA:FALSE", t->usage = "critical,digitalSignature");
        CASE("certificate 2: it is not that of a CA", t->basic = NULL, t->usage = NULL);
        CASE("certificate 2: it is not that of a CA", t->usage = "critical,cRLSign");
        CASE("certificate 2: it is signed with SHA1", t->hash = "SHA1");
        CASE("certificate 1: it is signed with RSA of 1024 bits", t->curve = NULL, t->rsa_bits = 1024);
        CASE("certificate 2: its key is weak", t->curve = "P-224");
        CASE("certificate 2: it has a critical extension", t->unknown_critical = true);
#undef CASE
        for (size_t i = 0; i < n; i++) {
                struct paper middle, device;

                paper_make(&cases[i].text, &bench->root, &middle);
                paper_make(&paper_device, &middle, &device);
                WRITE(bench, &device, &middle);
                expect_refusal(bench, EINVAL, cases[i].words);
                paper_free(&device);
                paper_free(&middle);
        }
}

// The root's key is not in the file, but what it signed is.
static void test_a_weak_root(void **state)
{
        struct bench *bench = *state;
        struct paper_text text = paper_authority;
        struct paper root, middle, device;

        text.curve = NULL;
        text.rsa_bits = 1024;
        paper_make(&text, NULL, &root);
        paper_make(&paper_authority, &root, &middle);
        paper_make(&paper_device, &middle, &device);
        WRITE(bench, &device, &middle);
        expect_refusal(bench, EINVAL, "certificate 2: it is signed with RSA of 1024 bits");
        paper_free(&device);
        paper_free(&middle);
        paper_free(&root);
}

static void test_rsa_authorities(void **state)
{
        struct bench *bench = *state;
        struct paper_text text = paper_authority;
        struct paper middle, device;
        struct bc_chain *chain;

        text.curve = NULL;
        text.rsa_bits = 2048;
        text.hash = "SHA512";
        paper_make(&text, &bench->root, &middle);
        paper_make(&paper_device, &middle, &device);
        WRITE(bench, &device, &middle);
        chain = load(bench);
        assert_int_equal(chain->count, 2);
        bc_chain_free(chain);
        paper_free(&device);
        paper_free(&middle);
}

static void test_order_and_number(void **state)
{
        struct bench *bench = *state;
        struct paper_text text = paper_authority;
        struct paper a, b, c, device;
        struct bc_chain *chain;

        WRITE(bench, &bench->middle, &bench->device);
        expect_refusal(bench, EINVAL, "certificate 1: its subject has no serialNumber");
        WRITE(bench, &bench->device, &bench->middle, &bench->root);
        expect_refusal(bench, EINVAL, "certificate 3: it is a root");
        WRITE(bench, &bench->device, &bench->middle, &bench->middle);
        expect_refusal(bench, EINVAL, "certificate 2 was not issued by certificate 3");
        text.name = "A";
        paper_make(&text, &bench->root, &a);
        WRITE(bench, &bench->device, &a);
        expect_refusal(bench, EINVAL, "certificate 1 was not issued by certificate 2");
        text.name = "B";
        text.basic = "critical,CA:TRUE,pathlen:0";
        paper_make(&text, &a, &b);
        text.name = "C";
        text.basic = "critical,CA:TRUE";
        paper_make(&text, &b, &c);
        paper_make(&paper_device, &c, &device);
        WRITE(bench, &device, &c, &b, &a);
        expect_refusal(bench, EINVAL, "certificate 3: it allows 0 CAs below it, there are 1");
        paper_free(&device);
        paper_free(&c);
        paper_free(&b);
        text.name = "B";
        text.basic = "critical,CA:TRUE,pathlen:1";
        paper_make(&text, &a, &b);
        text.name = "C";
        text.basic = "critical,CA:TRUE,pathlen:0";
        paper_make(&text, &b, &c);
        paper_make(&paper_device, &c, &device);
        WRITE(bench, &device, &c, &b, &a);
        chain = load(bench);
        assert_int_equal(chain->count, 4);
        bc_chain_free(chain);
        WRITE(bench, &device, &c, &b, &a, &bench->root);
        expect_refusal(bench, EINVAL, "more than 4 certificates");
        WRITE(bench, &device, &b, &c, &a);
        expect_refusal(bench, EINVAL, "certificate 3: it allows 0 CAs below it, there are 1");
        paper_free(&device);
        paper_free(&c);
        paper_free(&b);
        paper_free(&a);
}

static void test_a_device_that_vouches_for_itself(void **state)
{
        struct bench *bench = *state;
        struct paper device;

        paper_make(&paper_device, NULL, &device);
        WRITE(bench, &device);
        expect_refusal(bench, EINVAL, "certificate 1: it is issued by itself");
        paper_free(&device);
}

// Two of one name: only the signature tells them apart.
static void test_a_namesake(void **state)
{
        struct bench *bench = *state;
        struct paper_text text = paper_authority;
        struct paper other;

        text.name = "Middle";
        paper_make(&text, &bench->root, &other);
        WRITE(bench, &bench->device, &other);
        expect_refusal(bench, EINVAL, "certificate 1: its signature is not that of certificate 2");
        paper_free(&other);
}

static char *read_path(const char *path, size_t *ret_n)
{
        FILE *file = fopen(path, "re");
        char *bytes = calloc(1, 32768);

        assert_non_null(file);
        assert_non_null(bytes);
        *ret_n = fread(bytes, 1, 32767, file);
        fclose(file);
        return bytes;
}

static void write_path(const char *path, const void *bytes, size_t n)
{
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, n, file), n);
        assert_int_equal(fclose(file), 0);
}

static void test_files_that_are_refused(void **state)
{
        struct bench *bench = *state;
        char other[FOLDER_PATH_BYTES + 16], *pem, *big;
        size_t n;

        expect_refusal(bench, ENOENT, "No such file");
        assert_int_equal(mkdir(bench->path, 0700), 0);
        expect_refusal(bench, EINVAL, "not a regular file");
        assert_int_equal(rmdir(bench->path), 0);
        assert_int_equal(mkfifo(bench->path, 0600), 0);
        expect_refusal(bench, EINVAL, "not a regular file");
        assert_int_equal(unlink(bench->path), 0);
        WRITE(bench, &bench->device, &bench->middle);
        snprintf(other, sizeof(other), "%s/other", bench->folder);
        assert_int_equal(rename(bench->path, other), 0);
        assert_int_equal(symlink("other", bench->path), 0);
        expect_refusal(bench, ELOOP, "symbolic link");
        assert_int_equal(unlink(bench->path), 0);
        assert_int_equal(rename(other, bench->path), 0);

        pem = read_path(bench->path, &n);
        write_path(bench->path, "", 0);
        expect_refusal(bench, EINVAL, "there is no certificate");
        write_path(bench->path, "hello\n", 6);
        expect_refusal(bench, EINVAL, "there is no certificate");
        write_path(bench->path, pem, n - 40);
        expect_refusal(bench, EINVAL, "behind certificate 1 it is damaged");
        big = calloc(1, 65537);
        write_path(bench->path, big, 65537);
        expect_refusal(bench, EFBIG, "");
        free(big);
        free(pem);
        paper_write_key(bench->path, bench->device.key, false);
        expect_refusal(bench, EINVAL, "something that is no certificate: PRIVATE KEY");
}

// Every byte of the file changed, and every length of it: never more than a refusal.
static void test_damaged_bytes(void **state)
{
        struct bench *bench = *state;
        struct bc_chain *chain;
        char *pem, text[512];
        size_t n, refused = 0;

        WRITE(bench, &bench->device, &bench->middle);
        pem = read_path(bench->path, &n);
        for (size_t i = 0; i < n; i++) {
                char kept = pem[i];

                pem[i] = (char)(kept == 'A' ? 'B' : 'A');
                if (bc_chain_parse("x", pem, n, PAPER_DEVICE, text, sizeof(text), &chain) == 0)
                        bc_chain_free(chain);
                else
                        refused++;
                pem[i] = kept;
        }
        // All but what lies outside: of the second's signature nothing here is able to judge.
        assert_true(refused > n / 2);
        for (size_t i = 0; i < n; i++)
                if (bc_chain_parse("x", pem, i, PAPER_DEVICE, text, sizeof(text), &chain) == 0) {
                        assert_true(chain->count == 1 || i == n - 1); // but for the last line's end
                        bc_chain_free(chain);
                }
        free(pem);
}

static void write_der(const char *path, const uint8_t *der, long n)
{
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(PEM_write(file, "CERTIFICATE", "", der, n) > 0);
        assert_int_equal(fclose(file), 0);
}

static void test_one_form(void **state)
{
        struct bench *bench = *state;
        uint8_t *der = NULL, longer[4096];
        int n = i2d_X509(bench->device.certificate, &der);

        memcpy(longer, der, (size_t)n);
        longer[n] = 0;
        write_der(bench->path, longer, n);
        bc_chain_free(load(bench));
        write_der(bench->path, longer, n + 1);
        expect_refusal(bench, EINVAL, "certificate 1 cannot be read");
        // The same in BER: the length of the outermost SEQUENCE in three bytes in place of two.
        assert_int_equal(der[1], 0x82);
        longer[1] = 0x83;
        longer[2] = 0;
        memcpy(longer + 3, der + 2, (size_t)n - 2);
        write_der(bench->path, longer, n + 1);
        expect_refusal(bench, EINVAL, "certificate 1 is not in DER");
        OPENSSL_free(der);
}

static void test_size(void **state)
{
        struct bench *bench = *state;
        struct paper_text text = paper_authority;
        struct paper large, larger, largest, device;
        char policies[4 * 1024] = "1.2.3.4";

        for (unsigned i = 0; i < 220; i++) // some 10 bytes each, in DER
                snprintf(policies + strlen(policies), sizeof(policies) - strlen(policies), ",1.2.3.4.%u", 100000 + i);
        text.policies = policies;
        paper_make(&text, &bench->root, &large);
        text.name = "Larger";
        paper_make(&text, &large, &larger);
        text.name = "Largest";
        paper_make(&text, &larger, &largest);
        paper_make(&paper_device, &largest, &device);
        WRITE(bench, &device, &largest, &larger, &large);
        expect_refusal(bench, EINVAL, "at most 6144 fit a record");
        paper_free(&device);
        paper_free(&largest);
        paper_free(&larger);
        paper_free(&large);
}

static void test_time_is_a_warning(void **state)
{
        struct bench *bench = *state;
        struct paper_text text = paper_device;
        struct paper device;
        struct bc_chain *chain;
        char words[256] = "";

        text.from_s = 1800000000;
        text.until_s = 1900000000;
        paper_make(&text, &bench->middle, &device);
        WRITE(bench, &device, &bench->middle);
        chain = load(bench);
        assert_true(bc_chain_is_valid_at(chain, INT64_C(1800000000000000000), words, sizeof(words)));
        assert_string_equal(words, "");
        assert_true(bc_chain_is_valid_at(chain, INT64_C(1900000000999999999), words, sizeof(words)));
        assert_false(bc_chain_is_valid_at(chain, INT64_C(1799999999999999999), words, sizeof(words)));
        assert_string_equal(words, "the certificates are not valid before 2027-01-15T08:00:00Z");
        assert_false(bc_chain_is_valid_at(chain, INT64_C(1900000001000000000), words, sizeof(words)));
        assert_string_equal(words, "the certificates are valid no longer: they were until 2030-03-17T17:46:40Z");
        bc_chain_free(chain);
        paper_free(&device);
        // Without end (RFC 5280, 4.1.2.5).
        text.until_s = 253402300799;
        paper_make(&text, &bench->middle, &device);
        WRITE(bench, &device);
        chain = load(bench);
        assert_int_equal(chain->valid_until_s, 253402300799);
        assert_true(bc_chain_is_valid_at(chain, INT64_MAX, words, sizeof(words)));
        bc_chain_free(chain);
        paper_free(&device);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_is_read, make, clear),
                cmocka_unit_test_setup_teardown(test_policies, make, clear),
                cmocka_unit_test_setup_teardown(test_a_device_that_is_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_an_issuer_that_is_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_a_weak_root, make, clear),
                cmocka_unit_test_setup_teardown(test_rsa_authorities, make, clear),
                cmocka_unit_test_setup_teardown(test_order_and_number, make, clear),
                cmocka_unit_test_setup_teardown(test_a_device_that_vouches_for_itself, make, clear),
                cmocka_unit_test_setup_teardown(test_a_namesake, make, clear),
                cmocka_unit_test_setup_teardown(test_files_that_are_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_damaged_bytes, make, clear),
                cmocka_unit_test_setup_teardown(test_one_form, make, clear),
                cmocka_unit_test_setup_teardown(test_size, make, clear),
                cmocka_unit_test_setup_teardown(test_time_is_a_warning, make, clear),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
