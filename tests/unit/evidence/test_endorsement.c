// SPDX-License-Identifier: EUPL-1.2
// manifest.sig: made with what the signer gives; OpenSSL reads it; the device's own is recognised, and nothing else is.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>

#include "evidence/endorsement.h"
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_openssl_reads_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_device_s_is_not_recognised, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_only_what_begins_as_a_manifest_is_signed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_abandoned, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
