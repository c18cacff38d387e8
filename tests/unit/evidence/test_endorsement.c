// SPDX-License-Identifier: EUPL-1.2
// manifest.sig: made with what the signer gives; OpenSSL reads it; the device's own is recognised, and nothing else is.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/ecdsa.h>

#include "evidence/endorsement.h"
#include "evidence/manifest.h"
#include "folder.h"
#include "notary.h"

static struct notary notary;
static struct bc_clock *clock_;

static struct bc_signing *ask(const char *text, size_t n)
{
        struct bc_signing *signing = bc_signing_new();

        assert_non_null(signing);
        signing->manifest = malloc(n + 1);
        assert_non_null(signing->manifest);
        memcpy(signing->manifest, text, n);
        signing->manifest_bytes = n;
        bc_signer_ask(notary.signer, signing);
        bc_clock_run_until(clock_, bc_clock_now_ns(clock_) + BC_NS_PER_S);
        assert_true(bc_signer_fetch(notary.signer, signing));
        return signing;
}

static int set_up(void **state)
{
        (void)state;
        notary_make(&notary);
        assert_int_equal(bc_clock_new_simulated(10 * BC_NS_PER_S, &clock_), 0);
        notary_set(&notary, &(struct notary_temper){ 0 });
        notary_open(&notary, clock_, 1, 1);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        bc_clock_enter(clock_);
        bc_clock_release(clock_, BC_NS_NEVER);
        notary_close(&notary);
        bc_clock_leave(clock_);
        bc_clock_free(clock_);
        notary_done(&notary);
        return 0;
}

static const char manifest[] = "{\n \"version\": 1\n}";

// As openssl has it, of the authority that the notary's certificate is from.
static bool openssl_verifies(const uint8_t *der, size_t n, const char *content)
{
        const unsigned char *at = der;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)n);
        BIO *in = BIO_new_mem_buf(content, -1);
        X509_STORE *store = X509_STORE_new();
        bool good;

        assert_non_null(cms);
        assert_int_equal(X509_STORE_add_cert(store, notary.authority.certificate), 1);
        X509_STORE_set_purpose(store, X509_PURPOSE_ANY);
        X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
        good = CMS_verify(cms, NULL, store, in, NULL, CMS_BINARY | CMS_DETACHED) == 1;
        X509_STORE_free(store);
        BIO_free(in);
        CMS_ContentInfo_free(cms);
        return good;
}

static void test_openssl_reads_it(void **state)
{
        struct bc_signing *signing = ask(manifest, strlen(manifest));
        uint8_t *der;
        size_t n;

        (void)state;
        assert_int_equal(signing->error, 0);
        // Without the authority's own certificate, which has the same issuer and number as the device's here.
        assert_int_equal(bc_endorsement_wrap(BC_RECORD_ES256, notary.certificate, 1, signing->signature, signing->signature_bytes,
                                             &der, &n), 0);
        assert_true(openssl_verifies(der, n, manifest));
        assert_false(openssl_verifies(der, n, "{\n \"version\": 2\n}"));
        assert_true(bc_endorsement_recognise(&notary.public_key, der, n, manifest, strlen(manifest)));
        assert_false(bc_endorsement_recognise(&notary.public_key, der, n, manifest, strlen(manifest) - 1));
        // Cut anywhere, or longer: not one is recognised.
        for (size_t i = 0; i < n; i++)
                assert_false(bc_endorsement_recognise(&notary.public_key, der, i, manifest, strlen(manifest)));
        free(der);
        bc_signer_abandon(notary.signer, signing);
}

static void test_another_device_s_is_not_recognised(void **state)
{
        struct bc_signing *signing = ask(manifest, strlen(manifest));
        struct paper other;
        struct bc_record_bytes key = { 0 };
        unsigned char *spki = NULL;
        uint8_t *der;
        size_t n;

        (void)state;
        paper_make(&paper_device, &notary.authority, &other);
        key.n = (size_t)i2d_PUBKEY(other.key, &spki);
        key.bytes = spki;
        assert_int_equal(bc_endorsement_wrap(BC_RECORD_ES256, notary.certificate, 2, signing->signature, signing->signature_bytes,
                                             &der, &n), 0);
        assert_false(bc_endorsement_recognise(&key, der, n, manifest, strlen(manifest)));
        free(der);
        OPENSSL_free(spki);
        paper_free(&other);
        bc_signer_abandon(notary.signer, signing);
}

// What is signed for a record begins with 0x84: the signer takes nothing for a manifest that could be one.
static void test_only_what_begins_as_a_manifest_is_signed(void **state)
{
        static const char *const refused[] = { "\x84" "jSignature1", " {}", "[]", "x" };

        (void)state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
                struct bc_signing *signing = ask(refused[i], strlen(refused[i]));

                assert_int_equal(signing->error, -EINVAL);
                assert_int_equal(signing->signature_bytes, 0);
                bc_signer_abandon(notary.signer, signing);
        }
        struct bc_signing *signing = ask("", 0);
        assert_int_equal(signing->error, -EINVAL);
        bc_signer_abandon(notary.signer, signing);
}

// Given up while it waits: the signer frees it, bytes and all (the sanitizer looks on).
static void test_abandoned(void **state)
{
        struct bc_signing *signing = bc_signing_new();

        (void)state;
        assert_non_null(signing);
        signing->manifest = strdup(manifest);
        signing->manifest_bytes = strlen(manifest);
        bc_signer_ask(notary.signer, signing);
        bc_signer_abandon(notary.signer, signing);
        bc_clock_run_until(clock_, bc_clock_now_ns(clock_) + BC_NS_PER_S);
}

// ---- docs/formats/vectors/manifest -----------------------------------------------------------------------------------

// r and s as the signer gives them.
static void numbers(const ASN1_OCTET_STRING *signature, size_t half, uint8_t *ret_signature)
{
        const unsigned char *at = ASN1_STRING_get0_data(signature);
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(signature));

        assert_non_null(pair);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, (int)half), (int)half);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + half, (int)half), (int)half);
        ECDSA_SIG_free(pair);
}

// The manifest is what the camera writes, and of the same parts it makes the same signature file, to the byte.
static void check_vector(const char *name, enum bc_record_algorithm algorithm)
{
        size_t half = algorithm == BC_RECORD_ES256 ? 32 : 48, n, der_bytes, made_bytes, saved_bytes;
        char path[1024], made_path[FOLDER_PATH_BYTES];
        struct bc_record_bytes chain[2], key;
        unsigned char *leaf = NULL, *issuer = NULL, *spki = NULL;
        uint8_t signature[96], *made;
        struct bc_manifest loaded;

        snprintf(path, sizeof(path), "%s/docs/formats/vectors/manifest/%s", getenv("BC_SOURCE_DIR"), name);
        int fd = folder_open(path);
        char *text = folder_read(fd, "manifest.json", &n), *der = folder_read(fd, "manifest.sig", &der_bytes);

        bc_manifest_init(&loaded);
        assert_int_equal(bc_manifest_load(&loaded, fd), 0);
        folder_make(made_path);
        int made_fd = folder_open(made_path);
        assert_int_equal(bc_manifest_save(&loaded, made_fd), 0);
        char *saved = folder_read(made_fd, "manifest.json", &saved_bytes);
        assert_string_equal(saved, text);
        bc_manifest_done(&loaded);

        const unsigned char *at = (const unsigned char *)der;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der_bytes);
        STACK_OF(X509) *certificates = CMS_get1_certs(cms);
        CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
        assert_int_equal(sk_X509_num(certificates), 2);
        X509 *first = sk_X509_value(certificates, 0), *second = sk_X509_value(certificates, 1);
        bool swapped = CMS_SignerInfo_cert_cmp(signer, first) != 0;
        chain[0].n = (size_t)i2d_X509(swapped ? second : first, &leaf);
        chain[1].n = (size_t)i2d_X509(swapped ? first : second, &issuer);
        key.n = (size_t)i2d_PUBKEY(X509_get0_pubkey(swapped ? second : first), &spki);
        chain[0].bytes = leaf;
        chain[1].bytes = issuer;
        key.bytes = spki;
        numbers(CMS_SignerInfo_get0_signature(signer), half, signature);
        assert_int_equal(bc_endorsement_wrap(algorithm, chain, 2, signature, 2 * half, &made, &made_bytes), 0);
        assert_int_equal(made_bytes, der_bytes);
        assert_memory_equal(made, der, der_bytes);
        assert_true(bc_endorsement_recognise(&key, made, made_bytes, text, n));
        assert_false(bc_endorsement_recognise(&key, made, made_bytes, text, n - 1));

        folder_remove(made_path);
        close(made_fd);
        close(fd);
        sk_X509_pop_free(certificates, X509_free);
        CMS_ContentInfo_free(cms);
        OPENSSL_free(leaf);
        OPENSSL_free(issuer);
        OPENSSL_free(spki);
        free(made);
        free(saved);
        free(text);
        free(der);
}

static void test_vectors(void **state)
{
        (void)state;
        check_vector("BC-0042-000017", BC_RECORD_ES256);
        check_vector("BC-0042-000018", BC_RECORD_ES384);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_openssl_reads_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_device_s_is_not_recognised, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_only_what_begins_as_a_manifest_is_signed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_abandoned, set_up, tear_down),
                cmocka_unit_test(test_vectors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
