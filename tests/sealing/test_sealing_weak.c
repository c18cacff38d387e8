// SPDX-License-Identifier: EUPL-1.2
// [rule 21] What CMS would do by itself, or another writer did, is refused on reading although the key opens it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "film.h"
#include "format/envelope.h"
#include "parties.h"

struct way {
        const char *key;             // of the recipient
        const EVP_CIPHER *cipher;    // of the content
        int padding;                 // RSA
        const EVP_MD *digest, *mask; // OAEP; with ECDH the digest is the KDF's
        const EVP_CIPHER *wrap;      // ECDH
        unsigned flags;
        size_t content_bytes;        // 0: 32
};

static X509 *read_certificate(const char *path)
{
        FILE *file = fopen(path, "re");
        X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

        assert_non_null(certificate);
        fclose(file);
        return certificate;
}

// The envelope made in this way; what the way does not say is CMS's own choice.
static int make_envelope(const char *path, const struct way *way, unsigned char **ret_der)
{
        X509 *certificate = read_certificate(path);
        bool authenticated = EVP_CIPHER_get_mode(way->cipher) == EVP_CIPH_GCM_MODE;
        CMS_ContentInfo *message = authenticated ? CMS_AuthEnvelopedData_create(way->cipher)
                                                 : CMS_EnvelopedData_create(way->cipher);
        CMS_RecipientInfo *info = CMS_add1_recipient(message, certificate, NULL, NULL, CMS_KEY_PARAM | CMS_BINARY | way->flags);
        EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);
        static const uint8_t key[64] = { 1, 2, 3 };
        BIO *content;
        int n;

        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS) {
                if (way->padding)
                        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, way->padding), 1);
                if (way->digest)
                        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(context, way->digest), 1);
                if (way->mask)
                        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(context, way->mask), 1);
        } else {
                if (way->digest)
                        assert_int_equal(EVP_PKEY_CTX_set_ecdh_kdf_md(context, way->digest), 1);
                if (way->wrap)
                        assert_int_equal(
                                EVP_EncryptInit_ex(CMS_RecipientInfo_kari_get0_ctx(info), way->wrap, NULL, NULL, NULL),
                                1);
        }
        CMS_set_detached(message, 0);
        content = CMS_dataInit(message, NULL);
        assert_non_null(content);
        assert_true(BIO_write(content, key, (int)(way->content_bytes ? way->content_bytes : 32)) > 0);
        assert_int_equal(BIO_flush(content), 1);
        assert_int_equal(CMS_dataFinal(message, content), 1);
        BIO_free_all(content);
        *ret_der = NULL;
        n = i2d_CMS_ContentInfo(message, ret_der);
        assert_true(n > 0);
        CMS_ContentInfo_free(message);
        X509_free(certificate);
        return n;
}

// What the reader finds in a file with such an envelope: the commitment of the file is wrong in any case, so an
// envelope that is taken ends there.
static enum bc_unseal_finding find(const char *folder, const struct way *way)
{
        struct bc_sealed_header header = film_about();
        uint8_t bytes[BC_SEALED_HEADER_BYTES_MAX + BC_SEALED_COMMITMENT_BYTES] = { 0 };
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = NULL;
        char fault[BC_OPENER_FAULT_BYTES], key[PARTY_PATH_BYTES];
        struct film_outcome outcome;
        struct party party;
        unsigned char *der;
        size_t n;

        // One key of each kind is enough, and RSA's take long to make.
        snprintf(key, sizeof(key), "%s/%s.key", folder, way->key);
        party_make(&party, folder, way->key, &(struct party_wish){ .key = way->key,
                                                                   .same_key_as = access(key, R_OK) == 0 ? key : NULL });
        assert_int_equal(bc_opener_load(&(struct bc_opener_source){ .key_path = party.key_path }, &opener, fault), 0);
        header.envelope_bytes = (size_t)make_envelope(party.certificate_path, way, &der);
        header.envelope = der;
        assert_int_equal(bc_sealed_header_write(&header, bytes, sizeof(bytes), &n), 0);
        OPENSSL_free(der);
        film_read(bytes, n + BC_SEALED_COMMITMENT_BYTES, opener, &outcome);
        assert_int_equal(outcome.plain_bytes, 0);
        film_outcome_done(&outcome);
        return outcome.report.finding;
}

static void expect(void **state, struct way way, enum bc_unseal_finding finding)
{
        assert_int_equal(find(*state, &way), finding);
}

static const struct way *good_rsa(void)
{
        static struct way way;

        way = (struct way){ "RSA-3072", EVP_aes_256_gcm(), RSA_PKCS1_OAEP_PADDING, EVP_sha256(), EVP_sha256(), NULL, 0, 0 };
        return &way;
}

static const struct way *good_ec(void)
{
        static struct way way;

        way = (struct way){ "P-256", EVP_aes_256_gcm(), 0, EVP_sha256(), NULL, EVP_aes_256_wrap(), 0, 0 };
        return &way;
}

// That the ways below are refused means something: these, made by the same means, are taken.
static void test_rule_21_the_good_ways_are_taken(void **state)
{
        struct way way = *good_ec();

        expect(state, *good_rsa(), BC_UNSEAL_HEADER_ALTERED);
        expect(state, way, BC_UNSEAL_HEADER_ALTERED);
        way.key = "P-384";
        expect(state, way, BC_UNSEAL_HEADER_ALTERED);
}

static void test_rule_21_content_ciphers(void **state)
{
        const EVP_CIPHER *ciphers[] = { EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_cbc(), EVP_aes_128_cbc(),
                                        EVP_des_ede3_cbc() };

        for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
                struct way way = *good_rsa();

                way.cipher = ciphers[i];
                expect(state, way, BC_UNSEAL_WEAK);
        }
}

static void test_rule_21_rsa(void **state)
{
        struct way way = *good_rsa();

        way.padding = 0, way.digest = way.mask = NULL; // CMS's own choice
        expect(state, way, BC_UNSEAL_WEAK);
        way.padding = RSA_PKCS1_PADDING;
        expect(state, way, BC_UNSEAL_WEAK);
        way.padding = RSA_PKCS1_OAEP_PADDING; // with SHA-1
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_rsa();
        way.digest = EVP_sha1();
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_rsa();
        way.mask = EVP_sha1();
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_rsa();
        way.digest = EVP_sha512(); // each of the two by itself
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_rsa();
        way.mask = EVP_sha512();
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_rsa();
        way.key = "RSA-2048";
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_rsa();
        way.digest = way.mask = EVP_sha512(); // not weak, and not of this format
        expect(state, way, BC_UNSEAL_WEAK);
}

static void test_rule_21_ecdh(void **state)
{
        struct way way = *good_ec();

        way.digest = NULL; // CMS's own choice: SHA-1
        expect(state, way, BC_UNSEAL_WEAK);
        way.digest = EVP_sha224();
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_ec();
        way.wrap = EVP_aes_128_wrap();
        expect(state, way, BC_UNSEAL_WEAK);
        way = *good_ec();
        way.wrap = EVP_des_ede3_wrap();
        expect(state, way, BC_UNSEAL_WEAK);
}

static void test_other_contents(void **state)
{
        struct way way = *good_ec();

        way.content_bytes = 16;
        expect(state, way, BC_UNSEAL_WEAK);
        way.content_bytes = 33;
        expect(state, way, BC_UNSEAL_WEAK);
}

// A password, a key encryption key: other kinds of recipients that CMS knows, beside a good one.
static void test_rule_21_other_recipients(void **state)
{
        static unsigned char pass[] = "pass", kek[32], id[4] = { 1 };
        struct bc_envelope envelope;

        for (int kind = 0; kind < 3; kind++) {
                CMS_ContentInfo *message = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
                unsigned char *der = NULL, *key = OPENSSL_memdup(kek, sizeof(kek));
                BIO *content;
                struct party party;
                X509 *certificate;
                CMS_RecipientInfo *info;
                int n;

                party_make(&party, *state, "good", &(struct party_wish){ .key = "P-256" });
                certificate = read_certificate(party.certificate_path);
                info = CMS_add1_recipient(message, certificate, NULL, NULL, CMS_KEY_PARAM);
                assert_int_equal(EVP_PKEY_CTX_set_ecdh_kdf_md(CMS_RecipientInfo_get0_pkey_ctx(info), EVP_sha256()), 1);
                assert_int_equal(
                        EVP_EncryptInit_ex(CMS_RecipientInfo_kari_get0_ctx(info), EVP_aes_256_wrap(), NULL, NULL, NULL),
                        1);
                if (kind == 1)
                        assert_non_null(CMS_add0_recipient_password(message, -1, NID_undef, NID_undef,
                                                                    OPENSSL_memdup(pass, 4), 4, EVP_aes_256_cbc()));
                if (kind == 2)
                        assert_non_null(CMS_add0_recipient_key(message, NID_undef, key, sizeof(kek),
                                                               OPENSSL_memdup(id, 4), 4, NULL, NULL, NULL));
                else
                        OPENSSL_free(key);
                CMS_set_detached(message, 0);
                content = CMS_dataInit(message, NULL);
                assert_int_equal(BIO_write(content, kek, 32), 32);
                assert_int_equal(BIO_flush(content), 1);
                assert_int_equal(CMS_dataFinal(message, content), 1);
                n = i2d_CMS_ContentInfo(message, &der);
                assert_int_equal(bc_envelope_parse(der, (size_t)n, &envelope), kind == 0 ? 0 : -ENOTSUP);
                BIO_free_all(content);
                CMS_ContentInfo_free(message);
                X509_free(certificate);
                OPENSSL_free(der);
        }
}

static int make_folder(void **state)
{
        *state = party_folder_make();
        return 0;
}

static int remove_folder(void **state)
{
        party_folder_remove(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_21_the_good_ways_are_taken),
                cmocka_unit_test(test_rule_21_content_ciphers),
                cmocka_unit_test(test_rule_21_rsa),
                cmocka_unit_test(test_rule_21_ecdh),
                cmocka_unit_test(test_other_contents),
                cmocka_unit_test(test_rule_21_other_recipients),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
