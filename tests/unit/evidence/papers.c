// SPDX-License-Identifier: EUPL-1.2
#include "papers.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define YEAR_2025_S 1735689600
#define YEAR_2125_S 4891363200

const struct paper_text paper_device = {
        .name = "Body camera", .serial = PAPER_DEVICE, .curve = "P-256", .hash = "SHA256", .usage = "critical,digitalSignature",
        .basic = "critical,CA:FALSE", .policies = PAPER_POLICY(1) "," PAPER_POLICY(2), .from_s = YEAR_2025_S, .until_s = YEAR_2125_S,
};

const struct paper_text paper_authority = {
        .name = "Authority", .curve = "P-256", .hash = "SHA256", .usage = "critical,keyCertSign,cRLSign", .basic = "critical,CA:TRUE",
        .from_s = YEAR_2025_S, .until_s = YEAR_2125_S,
};

static void add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
        X509_EXTENSION *extension;

        if (!value)
                return;
        extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

// With an ASN.1 NULL for content.
static void add_null(X509 *certificate, const char *name, int critical)
{
        ASN1_OBJECT *object = OBJ_txt2obj(name, 1);
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension;

        assert_int_equal(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05\x00", 2), 1);
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(object);
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
        const uint8_t *bytes = (const uint8_t *)value;

        // As a PrintableString, and what does not fit one as a UTF8String all the same.
        if (value && X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes, -1, -1, 0) != 1)
                assert_int_equal(X509_NAME_add_entry_by_txt(name, field, V_ASN1_UTF8STRING, bytes, -1, -1, 0), 1);
}

// A bit of the signature's last byte.
static void damage(X509 *certificate)
{
        const ASN1_BIT_STRING *signature;

        X509_get0_signature(&signature, NULL, certificate);
        signature->data[signature->length - 1] ^= 1;
}

void paper_make(const struct paper_text *text, const struct paper *issuer, struct paper *ret_paper)
{
        EVP_PKEY *key = text->curve ? EVP_EC_gen(text->curve) : EVP_RSA_gen((unsigned)text->rsa_bits);
        X509 *certificate = X509_new();
        X509_NAME *name = X509_get_subject_name(certificate);
        CONF *none = NCONF_new(NULL); // policies are not parsed without one
        X509V3_CTX context;

        assert_non_null(key);
        assert_int_equal(X509_set_version(certificate, text->version_1 ? X509_VERSION_1 : X509_VERSION_3), 1);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), text->from_s));
        assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), text->until_s));
        add_name(name, "CN", text->name);
        add_name(name, "serialNumber", text->serial);
        add_name(name, "serialNumber", text->second_serial);
        assert_int_equal(X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer->certificate) : name), 1);
        assert_int_equal(X509_set_pubkey(certificate, key), 1);
        X509V3_set_ctx(&context, issuer ? issuer->certificate : certificate, certificate, NULL, NULL, 0);
        X509V3_set_nconf(&context, none);
        if (!text->version_1) {
                add_extension(certificate, &context, NID_key_usage, text->usage);
                add_extension(certificate, &context, NID_basic_constraints, text->basic);
                add_extension(certificate, &context, NID_certificate_policies, text->policies);
                add_extension(certificate, &context, NID_key_usage, text->usage_twice ? text->usage : NULL);
                add_extension(certificate, &context, NID_certificate_policies, text->policies_twice ? text->policies : NULL);
                if (text->malformed_policies)
                        add_null(certificate, "2.5.29.32", 0);
                if (text->unknown_critical)
                        add_null(certificate, "1.2.3.4", 1);
        }
        assert_true(X509_sign(certificate, issuer ? issuer->key : key, EVP_get_digestbyname(text->hash)) > 0);
        if (text->damaged)
                damage(certificate);
        NCONF_free(none);
        *ret_paper = (struct paper){ key, certificate };
}

void paper_free(struct paper *paper)
{
        EVP_PKEY_free(paper->key);
        X509_free(paper->certificate);
        *paper = (struct paper){ 0 };
}

void paper_write(const char *path, const struct paper *const *papers, size_t count)
{
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        for (size_t i = 0; i < count; i++)
                assert_int_equal(PEM_write_X509(file, papers[i]->certificate), 1);
        assert_int_equal(fclose(file), 0);
}

void paper_write_key(const char *path, EVP_PKEY *key, bool encrypted)
{
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, encrypted ? EVP_aes_256_cbc() : NULL, encrypted ? "secret" : NULL,
                                                   encrypted ? 6 : 0, NULL, NULL), 1);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, 0600), 0);
}
