// SPDX-License-Identifier: EUPL-1.2
// The device's key in a file, and its signatures; TPM and token are in tests/scenario/test_keys.py.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/identity.h"
#include "folder.h"
#include "papers.h"

struct bench {
        char folder[FOLDER_PATH_BYTES], key_path[FOLDER_PATH_BYTES + 16], chain_path[FOLDER_PATH_BYTES + 16];
        struct paper root, device;
};

static void write_device(struct bench *bench, const char *curve)
{
        struct paper_text text = paper_device;
        const struct paper *chain[] = { &bench->device };

        text.curve = curve;
        paper_free(&bench->device);
        paper_make(&text, &bench->root, &bench->device);
        paper_write(bench->chain_path, chain, 1);
        paper_write_key(bench->key_path, bench->device.key, false);
}

static int make(void **state)
{
        struct bench *bench = calloc(1, sizeof(*bench));

        assert_non_null(bench);
        folder_make(bench->folder);
        snprintf(bench->key_path, sizeof(bench->key_path), "%s/device.key", bench->folder);
        snprintf(bench->chain_path, sizeof(bench->chain_path), "%s/device.pem", bench->folder);
        paper_make(&paper_authority, NULL, &bench->root);
        write_device(bench, "P-256");
        *state = bench;
        return 0;
}

static int clear(void **state)
{
        struct bench *bench = *state;

        paper_free(&bench->root);
        paper_free(&bench->device);
        folder_remove(bench->folder);
        free(bench);
        return 0;
}

static struct bc_identity *load(const struct bench *bench, const char *uri)
{
        struct bc_identity *identity = NULL;
        char text[512] = "";

        if (bc_identity_load(uri, bench->chain_path, PAPER_DEVICE, text, sizeof(text), &identity) != 0)
                fail_msg("%s", text);
        return identity;
}

static void expect_refusal(const struct bench *bench, const char *uri, int error, const char *words)
{
        struct bc_identity *identity = NULL;
        char text[512] = "";
        int r = bc_identity_load(uri, bench->chain_path, PAPER_DEVICE, text, sizeof(text), &identity);

        if (r != -error || !strstr(text, words))
                fail_msg("%s: expected \"%s\" (%d), got \"%s\" (%d)", uri, words, -error, text, r);
        assert_null(identity);
}

// Another way to look at it than the code's: OpenSSL's own verification, and half the order by shifting.
static void verify(const struct bench *bench, int curve, const char *hash, const uint8_t *bytes, size_t size, const uint8_t *signature,
                   size_t n)
{
        EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
        BIGNUM *r = BN_bin2bn(signature, (int)n / 2, NULL), *s = BN_bin2bn(signature + n / 2, (int)n / 2, NULL), *half = BN_new();
        ECDSA_SIG *numbers = ECDSA_SIG_new();
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t *der = NULL;
        int der_bytes;

        assert_int_equal(BN_rshift1(half, EC_GROUP_get0_order(group)), 1);
        assert_true(BN_cmp(s, half) <= 0);
        assert_int_equal(ECDSA_SIG_set0(numbers, r, s), 1);
        der_bytes = i2d_ECDSA_SIG(numbers, &der);
        assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_get_digestbyname(hash), NULL, bench->device.key), 1);
        assert_int_equal(EVP_DigestVerify(context, der, (size_t)der_bytes, bytes, size), 1);
        OPENSSL_free(der);
        ECDSA_SIG_free(numbers);
        EVP_MD_CTX_free(context);
        BN_free(half);
        EC_GROUP_free(group);
}

static void test_signatures(void **state)
{
        static const struct {
                const char *curve, *hash;
                int nid;
                enum bc_record_algorithm algorithm;
                size_t bytes;
        } cases[] = {
                { "P-256", "SHA256", NID_X9_62_prime256v1, BC_RECORD_ES256, 64 },
                { "P-384", "SHA384", NID_secp384r1, BC_RECORD_ES384, 96 },
        };
        struct bench *bench = *state;

        for (size_t c = 0; c < 2; c++) {
                struct bc_identity *identity;
                uint8_t bytes[1000] = { 0 }, signature[BC_SIGNATURE_BYTES_MAX];
                size_t n;

                write_device(bench, cases[c].curve);
                identity = load(bench, bench->key_path);
                assert_int_equal(identity->algorithm, cases[c].algorithm);
                assert_int_equal(bc_key_place(identity->key), BC_KEY_FILE);
                assert_true(identity->chain->is_test);
                for (size_t i = 0; i < 1000; i++) {
                        bytes[0] = (uint8_t)i;
                        memset(signature, 0xaa, sizeof(signature));
                        assert_int_equal(bc_identity_sign(identity, bytes, i, signature, &n), 0);
                        assert_int_equal(n, cases[c].bytes);
                        verify(bench, cases[c].nid, cases[c].hash, bytes, i, signature, n);
                }
                bc_identity_free(identity);
        }
        bc_identity_free(NULL);
}

static void test_forms_of_a_file(void **state)
{
        struct bench *bench = *state;
        char uri[FOLDER_PATH_BYTES + 32];
        FILE *file;

        snprintf(uri, sizeof(uri), "file:%s", bench->key_path);
        bc_identity_free(load(bench, uri));
        snprintf(uri, sizeof(uri), "file://%s", bench->key_path);
        bc_identity_free(load(bench, uri));
        // As `openssl ecparam -genkey` writes it: the curve's parameters first, then the older form of a key.
        file = fopen(bench->key_path, "we");
        fputs("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", file);
        assert_int_equal(PEM_write_PrivateKey_ex(file, bench->device.key, NULL, NULL, 0, NULL, NULL, NULL, NULL), 1);
        fclose(file);
        bc_identity_free(load(bench, bench->key_path));
        file = fopen(bench->key_path, "we");
        assert_int_equal(i2d_PKCS8PrivateKey_fp(file, bench->device.key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        bc_identity_free(load(bench, bench->key_path));
}

static void test_uris_that_are_refused(void **state)
{
        struct bench *bench = *state;
        char longest[2100], text[512];
        struct bc_key *key;

        expect_refusal(bench, "device.key", EINVAL, "allowed are an absolute path");
        expect_refusal(bench, "", EINVAL, "allowed are an absolute path");
        expect_refusal(bench, "file:device.key", EINVAL, "allowed are an absolute path");
        expect_refusal(bench, "file://host/device.key", EINVAL, "allowed are an absolute path");
        expect_refusal(bench, "http://host/device.key", EINVAL, "allowed are an absolute path");
        expect_refusal(bench, "handle:", EINVAL, "a persistent handle is");
        expect_refusal(bench, "handle:0x80000001", EINVAL, "a persistent handle is");
        expect_refusal(bench, "handle:0x81800000", EINVAL, "a persistent handle is");
        expect_refusal(bench, "handle:0x81000001?pass", EINVAL, "a persistent handle is");
        expect_refusal(bench, "handle:0x8100000g", EINVAL, "a persistent handle is");
        expect_refusal(bench, "pkcs11:object=x", EINVAL, "names no module");
        expect_refusal(bench, "pkcs11:object=x?module-path=relative.so", EINVAL, "names no module");
        expect_refusal(bench, "pkcs11:object=%zz?module-path=/no.so", EINVAL, "key pkcs11:");
        expect_refusal(bench, "pkcs11:colour=red?module-path=/no.so", EINVAL, "RFC 7512");
        expect_refusal(bench, "pkcs11:object=x?module-path=/no/such.so", ENOENT, "the module /no/such.so cannot be loaded");
        memset(longest, 'a', sizeof(longest) - 1);
        longest[0] = '/';
        longest[sizeof(longest) - 1] = 0;
        expect_refusal(bench, longest, EINVAL, "longer than 2048 bytes");
        // A PIN is not repeated to whoever reads the log.
        assert_int_equal(bc_key_open("pkcs11:object=x?pin-value=123456", text, sizeof(text), &key), -EINVAL);
        assert_non_null(strstr(text, "pin-value"));
        assert_null(strstr(text, "123456"));
}

static void test_who_may_read_it(void **state)
{
        static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644, 0777 };
        struct bench *bench = *state;
        char other[FOLDER_PATH_BYTES + 16], mode[32];

        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                assert_int_equal(chmod(bench->key_path, bad[i]), 0);
                snprintf(mode, sizeof(mode), "its mode is %04o", (unsigned)bad[i]);
                expect_refusal(bench, bench->key_path, EPERM, mode);
        }
        assert_int_equal(chmod(bench->key_path, 0400), 0);
        bc_identity_free(load(bench, bench->key_path));
        if (geteuid() == 0) {
                assert_int_equal(chown(bench->key_path, 12345, 0), 0);
                expect_refusal(bench, bench->key_path, EPERM, "belongs to user 12345");
                assert_int_equal(chown(bench->key_path, 0, 0), 0);
        }
        snprintf(other, sizeof(other), "%s/other", bench->folder);
        assert_int_equal(rename(bench->key_path, other), 0);
        expect_refusal(bench, bench->key_path, ENOENT, "No such file");
        assert_int_equal(symlink("other", bench->key_path), 0);
        expect_refusal(bench, bench->key_path, ELOOP, "symbolic link");
        assert_int_equal(unlink(bench->key_path), 0);
        assert_int_equal(mkdir(bench->key_path, 0700), 0);
        expect_refusal(bench, bench->key_path, EINVAL, "not a regular file");
        assert_int_equal(rmdir(bench->key_path), 0);
        assert_int_equal(mkfifo(bench->key_path, 0600), 0);
        expect_refusal(bench, bench->key_path, EINVAL, "not a regular file");
}

static void write_key(const struct bench *bench, const void *bytes, size_t n)
{
        FILE *file = fopen(bench->key_path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, n, file), n);
        assert_int_equal(fclose(file), 0);
}

static void test_keys_that_are_refused(void **state)
{
        struct bench *bench = *state;
        EVP_PKEY *rsa = EVP_RSA_gen(2048), *large = EVP_EC_gen("P-521"), *other = EVP_EC_gen("P-256"), *koblitz = EVP_EC_gen("secp256k1");
        FILE *file;
        char *zeros = calloc(1, 16385);

        write_key(bench, "", 0);
        expect_refusal(bench, bench->key_path, EINVAL, "it is empty");
        write_key(bench, "hello\n", 6);
        expect_refusal(bench, bench->key_path, EINVAL, "there is no private key");
        write_key(bench, zeros, 16385);
        expect_refusal(bench, bench->key_path, EFBIG, "larger than 16384 bytes");
        write_key(bench, zeros, 16384);
        expect_refusal(bench, bench->key_path, EINVAL, "there is no private key");
        paper_write_key(bench->key_path, rsa, false);
        expect_refusal(bench, bench->key_path, EINVAL, "neither P-256 nor P-384");
        paper_write_key(bench->key_path, large, false);
        expect_refusal(bench, bench->key_path, EINVAL, "neither P-256 nor P-384");
        paper_write_key(bench->key_path, koblitz, false);
        expect_refusal(bench, bench->key_path, EINVAL, "neither P-256 nor P-384");
        paper_write_key(bench->key_path, bench->device.key, true);
        expect_refusal(bench, bench->key_path, EINVAL, "encrypted with a password");
        paper_write_key(bench->key_path, other, false);
        expect_refusal(bench, bench->key_path, EINVAL, "certificate 1 is not for the key");
        file = fopen(bench->key_path, "ae");
        assert_int_equal(PEM_write_PKCS8PrivateKey(file, bench->device.key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        expect_refusal(bench, bench->key_path, EINVAL, "more than one key");
        file = fopen(bench->key_path, "we");
        assert_int_equal(PEM_write_PUBKEY(file, bench->device.key), 1);
        fclose(file);
        expect_refusal(bench, bench->key_path, EINVAL, "there is no private key");
        free(zeros);
        EVP_PKEY_free(rsa);
        EVP_PKEY_free(large);
        EVP_PKEY_free(other);
        EVP_PKEY_free(koblitz);
}

// A private key whose public half is another's: what it signs would prove nothing.
static void test_halves_of_two_keys(void **state)
{
        struct bench *bench = *state;
        EVP_PKEY *other = EVP_EC_gen("P-256");
        uint8_t *mine = NULL, *theirs = NULL;
        int n = i2d_PrivateKey(bench->device.key, &mine), m = i2d_PrivateKey(other, &theirs);

        assert_int_equal(n, m);
        memcpy(mine + n - 64, theirs + m - 64, 64); // SEC 1: the public key ends it
        write_key(bench, mine, (size_t)n);
        expect_refusal(bench, bench->key_path, EINVAL, "public and private key do not belong together");
        OPENSSL_free(mine);
        OPENSSL_free(theirs);
        EVP_PKEY_free(other);
}

static void test_explicit_parameters(void **state)
{
        struct bench *bench = *state;

        assert_int_equal(EVP_PKEY_set_utf8_string_param(bench->device.key, "encoding", "explicit"), 1);
        paper_write_key(bench->key_path, bench->device.key, false);
        expect_refusal(bench, bench->key_path, EINVAL, "neither P-256 nor P-384");
}

// Every byte of the file changed: a refusal or the same key, never a crash.
static void test_damaged_bytes(void **state)
{
        struct bench *bench = *state;
        uint8_t *der = NULL;
        int n = i2d_PrivateKey(bench->device.key, &der);

        for (int i = 0; i < n; i++) {
                struct bc_identity *identity;
                char text[512];

                for (unsigned bit = 0; bit < 8; bit += 3) {
                        der[i] ^= (uint8_t)(1u << bit);
                        write_key(bench, der, (size_t)n);
                        if (bc_identity_load(bench->key_path, bench->chain_path, PAPER_DEVICE, text, sizeof(text), &identity) == 0)
                                bc_identity_free(identity);
                        der[i] ^= (uint8_t)(1u << bit);
                }
        }
        OPENSSL_free(der);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_signatures, make, clear),
                cmocka_unit_test_setup_teardown(test_forms_of_a_file, make, clear),
                cmocka_unit_test_setup_teardown(test_uris_that_are_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_who_may_read_it, make, clear),
                cmocka_unit_test_setup_teardown(test_keys_that_are_refused, make, clear),
                cmocka_unit_test_setup_teardown(test_halves_of_two_keys, make, clear),
                cmocka_unit_test_setup_teardown(test_explicit_parameters, make, clear),
                cmocka_unit_test_setup_teardown(test_damaged_bytes, make, clear),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
