// SPDX-License-Identifier: EUPL-1.2
#include "forge_identity.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HALF_A_YEAR_S INT64_C(15768000)

static void must(bool ok)
{
        if (!ok)
                abort();
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
        CONF *nothing = NCONF_new(NULL); // policies want one, be it empty
        X509V3_CTX context;

        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        must(nothing != NULL);
        X509V3_set_nconf(&context, nothing);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        must(extension && X509_add_ext(certificate, extension, -1) == 1);
        X509_EXTENSION_free(extension);
        NCONF_free(nothing);
}

static void name(X509 *certificate, const struct forge_want *want)
{
        X509_NAME *subject = X509_get_subject_name(certificate);

        must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)want->name, -1, -1, 0) == 1);
        if (want->device)
                must(X509_NAME_add_entry_by_txt(subject, "serialNumber", MBSTRING_ASC, (const unsigned char *)want->device, -1,
                                                -1, 0) == 1);
}

struct forge_authority forge_certify(const struct forge_want *want)
{
        static long serial = 1000;
        struct forge_authority made = { 0 };
        const char *curve = want->curve ? want->curve : "P-256";
        char policy[128];

        if (want->key)
                must(EVP_PKEY_up_ref(made.key = want->key) == 1);
        else
                made.key = strcmp(curve, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(curve);
        made.certificate = X509_new();
        must(made.key && made.certificate);
        X509 *certificate = made.certificate, *issuer = want->issuer ? want->issuer->certificate : certificate;
        must(X509_set_version(certificate, X509_VERSION_3) == 1);
        must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++) == 1);
        must(ASN1_TIME_set(X509_getm_notBefore(certificate), want->from_s ? want->from_s : FORGE_RECORDED_S - HALF_A_YEAR_S) !=
             NULL);
        must(ASN1_TIME_set(X509_getm_notAfter(certificate), want->until_s ? want->until_s : FORGE_RECORDED_S + HALF_A_YEAR_S) !=
             NULL);
        must(X509_set_pubkey(certificate, made.key) == 1);
        name(certificate, want);
        must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
        extend(certificate, issuer, NID_basic_constraints,
               want->constraints ? want->constraints
               : want->ca        ? "critical,CA:TRUE"
                                 : "critical,CA:FALSE");
        extend(certificate, issuer, NID_key_usage,
               want->usage ? want->usage
               : want->ca  ? "critical,keyCertSign,cRLSign"
                           : "critical,digitalSignature");
        extend(certificate, issuer, NID_subject_key_identifier, "hash");
        if (want->purpose)
                extend(certificate, issuer, NID_ext_key_usage, want->purpose);
        if (want->issuer)
                extend(certificate, issuer, NID_authority_key_identifier, "keyid");
        if (want->policy) {
                snprintf(policy, sizeof(policy), FORGE_ARC "%s", want->policy);
                for (int i = 0; i <= want->twice; i++)
                        extend(certificate, issuer, NID_certificate_policies, policy);
        }
        for (int i = 0; want->twice && !want->policy && i < 2; i++)
                extend(certificate, issuer, NID_netscape_comment, "a comment");
        must(X509_sign(certificate, want->issuer ? want->issuer->key : made.key, want->digest ? want->digest : EVP_sha256()) > 0);
        return made;
}

EVP_PKEY *forge_key_of_everybody(const char *curve)
{
        EC_GROUP *group = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(curve));
        uint8_t point[1 + 2 * 48];
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        EVP_PKEY *key = NULL;

        must(group && build && context);
        size_t n = EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED, point,
                                      sizeof(point), NULL);
        must(n > 0 && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, n) == 1 &&
             OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, BN_value_one()) == 1);
        OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
        must(params && EVP_PKEY_fromdata_init(context) == 1 && EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) == 1);
        OSSL_PARAM_free(params);
        OSSL_PARAM_BLD_free(build);
        EVP_PKEY_CTX_free(context);
        EC_GROUP_free(group);
        return key;
}

void forge_authority_done(struct forge_authority *authority)
{
        EVP_PKEY_free(authority->key);
        X509_free(authority->certificate);
        *authority = (struct forge_authority){ 0 };
}

static struct forge_identity identify(const char *device, const char *policy, const char *curve, EVP_PKEY *key)
{
        struct forge_identity made;

        made.root = forge_certify(&(struct forge_want){ .name = "Agency root", .ca = true, .curve = curve });
        made.issuer = forge_certify(&(struct forge_want){
                .name = "Agency devices", .ca = true, .issuer = &made.root, .curve = curve });
        made.device = forge_certify(&(struct forge_want){
                .name = "Body camera", .device = device, .issuer = &made.issuer, .policy = policy, .curve = curve, .key = key });
        return made;
}

struct forge_identity forge_identity(const char *device, const char *policy, const char *curve)
{
        return identify(device, policy, curve, NULL);
}

struct forge_identity forge_identity_of_everybody(const char *device, const char *curve)
{
        EVP_PKEY *key = forge_key_of_everybody(curve);
        struct forge_identity made = identify(device, NULL, curve, key);

        EVP_PKEY_free(key);
        return made;
}

void forge_identity_done(struct forge_identity *identity)
{
        forge_authority_done(&identity->root);
        forge_authority_done(&identity->issuer);
        forge_authority_done(&identity->device);
}

void forge_pem(const char *path, X509 *certificate)
{
        FILE *file = fopen(path, "a");

        must(file && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0);
}

void forge_revoke(const char *path, const struct forge_authority *issuer, X509 *certificate, int64_t revoked_s, int reason)
{
        X509_CRL *list = X509_CRL_new();
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME *time = ASN1_TIME_set(NULL, revoked_s);
        ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
        FILE *file = fopen(path, "w");

        must(list && entry && time && why && file);
        must(X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1);
        must(X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate)) == 1);
        must(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) == 1 &&
             X509_REVOKED_set_revocationDate(entry, time) == 1);
        must(ASN1_ENUMERATED_set(why, reason) == 1 && X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, why, 0, 0) == 1);
        must(ASN1_TIME_set(time, FORGE_RECORDED_S + 86400) != NULL);
        must(X509_CRL_set1_lastUpdate(list, time) == 1 && X509_CRL_set1_nextUpdate(list, time) == 1);
        must(X509_CRL_add0_revoked(list, entry) == 1 && X509_CRL_sort(list) == 1);
        must(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0);
        must(PEM_write_X509_CRL(file, list) == 1 && fclose(file) == 0);
        ASN1_TIME_free(time);
        ASN1_ENUMERATED_free(why);
        X509_CRL_free(list);
}
