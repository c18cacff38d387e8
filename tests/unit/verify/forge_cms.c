// SPDX-License-Identifier: EUPL-1.2
#include "forge_cms.h"

#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/ts.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok)
{
        if (!ok)
                abort();
}

static struct forge_der take(BIO *out)
{
        struct forge_der der;
        char *bytes;

        der.n = (size_t)BIO_get_mem_data(out, &bytes);
        der.bytes = malloc(der.n + 1);
        must(der.bytes != NULL);
        memcpy(der.bytes, bytes, der.n);
        BIO_free(out);
        return der;
}

void forge_der_done(struct forge_der *der)
{
        free(der->bytes);
        *der = (struct forge_der){ 0 };
}

static const EVP_MD *digest_of(const struct forge_cms *how, const struct forge_authority *signer)
{
        if (how->digest)
                return how->digest;
        return EVP_PKEY_get_bits(signer->key) == 384 ? EVP_sha384() : EVP_sha256();
}

// The other one of the two that verify.
static void raise_s(CMS_SignerInfo *signer, const EVP_PKEY *key)
{
        ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
        const unsigned char *at = ASN1_STRING_get0_data(signature);
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(signature));
        EC_GROUP *group = EC_GROUP_new_by_curve_name(EVP_PKEY_get_bits(key) == 384 ? NID_secp384r1
                                                                                   : NID_X9_62_prime256v1);
        BIGNUM *s = BN_new(), *half = BN_new();
        unsigned char *der = NULL;

        must(pair && group && s && half && BN_rshift1(half, EC_GROUP_get0_order(group)) == 1);
        must(BN_cmp(ECDSA_SIG_get0_s(pair), half) > 0
                     ? BN_copy(s, ECDSA_SIG_get0_s(pair)) != NULL
                     : BN_sub(s, EC_GROUP_get0_order(group), ECDSA_SIG_get0_s(pair)) == 1);
        must(ECDSA_SIG_set0(pair, BN_dup(ECDSA_SIG_get0_r(pair)), s) == 1);
        int n = i2d_ECDSA_SIG(pair, &der);
        must(n > 0 && ASN1_OCTET_STRING_set(signature, der, n) == 1);
        OPENSSL_free(der);
        ECDSA_SIG_free(pair);
        EC_GROUP_free(group);
        BN_free(half);
}

static bool is_high(CMS_SignerInfo *signer, const EVP_PKEY *key)
{
        const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
        const unsigned char *at = ASN1_STRING_get0_data(signature);
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(signature));
        EC_GROUP *group = EC_GROUP_new_by_curve_name(EVP_PKEY_get_bits(key) == 384 ? NID_secp384r1
                                                                                   : NID_X9_62_prime256v1);
        BIGNUM *half = BN_new();

        must(pair && group && half && BN_rshift1(half, EC_GROUP_get0_order(group)) == 1);
        bool high = BN_cmp(ECDSA_SIG_get0_s(pair), half) > 0;
        BN_free(half);
        EC_GROUP_free(group);
        ECDSA_SIG_free(pair);
        return high;
}

static void add_list(CMS_ContentInfo *cms, const struct forge_authority *issuer)
{
        X509_CRL *list = X509_CRL_new();
        ASN1_TIME *time = ASN1_TIME_set(NULL, FORGE_RECORDED_S);

        must(list && time && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1);
        must(X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate)) == 1);
        must(X509_CRL_set1_lastUpdate(list, time) == 1 && X509_CRL_set1_nextUpdate(list, time) == 1);
        must(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0 && CMS_add1_crl(cms, list) == 1);
        ASN1_TIME_free(time);
        X509_CRL_free(list);
}

static void add_signer(CMS_ContentInfo *cms, const struct forge_cms *how,
                       const struct forge_authority *signer, unsigned flags)
{
        bool attributes = how->attributes || how->no_message_digest;
        CMS_SignerInfo *info;

        flags |= (attributes ? 0 : CMS_NOATTR) | CMS_NOSMIMECAP | (how->by_key_id ? CMS_USE_KEYID : 0) |
                 (how->no_certificate ? CMS_NOCERTS : 0);
        info = CMS_add1_signer(cms, signer->certificate, signer->key, digest_of(how, signer), flags);
        must(info != NULL);
        must(!how->unsigned_attribute ||
             CMS_unsigned_add1_attr_by_NID(info, NID_friendlyName, V_ASN1_UTF8STRING, "x", 1) == 1);
}

static CMS_ContentInfo *sign(const struct forge_cms *how, const void *content, size_t n)
{
        unsigned flags = CMS_BINARY | CMS_PARTIAL | (how->embedded ? 0 : CMS_DETACHED);
        BIO *in = BIO_new_mem_buf(content, (int)n);
        CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);

        must(in && cms);
        must(!how->another_type || CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo)) == 1);
        if (how->signer)
                add_signer(cms, how, how->signer, flags);
        else
                must(!how->embedded || CMS_set_detached(cms, 0) == 1);
        if (how->second)
                add_signer(cms, how, how->second, flags);
        for (size_t i = 0; i < 3 && how->issuer[i]; i++)
                must(CMS_add1_cert(cms, how->issuer[i]->certificate) == 1);
        if (how->revocations)
                add_list(cms, how->issuer[0]);
        must(!how->signer || CMS_final(cms, in, NULL, CMS_BINARY | (how->embedded ? 0 : CMS_DETACHED)) == 1);
        if (how->no_message_digest) { // OpenSSL signs none without it
                CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);

                X509_ATTRIBUTE_free(CMS_signed_delete_attr(
                        info, CMS_signed_get_attr_by_NID(info, NID_pkcs9_messageDigest, -1)));
        }
        BIO_free(in);
        return cms;
}

struct forge_der forge_cms(const struct forge_cms *how, const void *content, size_t n)
{
        CMS_ContentInfo *cms = sign(how, content, n);
        bool straight = how->signer && !how->attributes && !how->no_message_digest && !how->second &&
                        EVP_PKEY_is_a(how->signer->key, "EC");
        BIO *out = BIO_new(BIO_s_mem());

        // ECDSA takes s as it comes: again until it is as it should be.
        while (straight && !how->high_s &&
               is_high(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), how->signer->key)) {
                CMS_ContentInfo_free(cms);
                cms = sign(how, content, n);
        }
        if (how->claimed || how->claimed_signature) {
                X509_ALGOR *hash, *signature;

                CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), NULL, NULL,
                                         &hash, &signature);
                if (how->claimed)
                        X509_ALGOR_set_md(hash, how->claimed);
                must(!how->claimed_signature ||
                     X509_ALGOR_set0(signature, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL) == 1);
        }
        if (straight && how->high_s)
                raise_s(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), how->signer->key);
        must(out != NULL);
        for (unsigned i = 0; i < how->strangers; i++) { // nothing signed covers them
                struct forge_authority stranger = forge_certify(
                        &(struct forge_want){ .name = "Nobody", .key = how->signer->key });

                must(CMS_add1_cert(cms, stranger.certificate) == 1);
                forge_authority_done(&stranger);
        }
        if (how->streamed) {
                BIO *in = BIO_new_mem_buf(content, (int)n);
                CMS_ContentInfo_free(cms);
                cms = CMS_sign(how->signer->certificate, how->signer->key, NULL, in,
                               CMS_BINARY | CMS_STREAM | CMS_NOATTR | (how->embedded ? 0 : CMS_DETACHED));
                must(cms && i2d_CMS_bio_stream(out, cms, in, CMS_STREAM | CMS_BINARY) == 1);
                BIO_free(in);
        } else {
                must(i2d_CMS_bio(out, cms) == 1);
        }
        CMS_ContentInfo_free(cms);
        return take(out);
}

struct forge_der forge_cms_other(unsigned which, const struct forge_authority *recipient, const void *content,
                                 size_t n)
{
        static const unsigned char key[32] = { 7 };
        BIO *in = BIO_new_mem_buf(content, (int)n), *out = BIO_new(BIO_s_mem());
        STACK_OF(X509) *recipients = sk_X509_new_null();
        CMS_ContentInfo *cms;

        must(in && out && recipients && sk_X509_push(recipients, recipient->certificate) > 0);
        cms = which == 0   ? CMS_data_create(in, CMS_BINARY)
              : which == 1 ? CMS_digest_create(in, EVP_sha256(), CMS_BINARY)
              : which == 2 ? CMS_encrypt(recipients, in, EVP_aes_256_cbc(), CMS_BINARY)
                           : CMS_EncryptedData_encrypt(in, EVP_aes_256_cbc(), key, sizeof(key), CMS_BINARY);
        must(cms && i2d_CMS_bio(out, cms) == 1);
        CMS_ContentInfo_free(cms);
        sk_X509_free(recipients);
        BIO_free(in);
        return take(out);
}

// ---- time stamps -----------------------------------------------------------------------------------------------

static int tell_time(struct TS_resp_ctx *context, void *user, long *ret_s, long *ret_us)
{
        (void)context;
        (void)user;
        *ret_s = FORGE_RECORDED_S;
        *ret_us = 0;
        return 1;
}

static BIO *ask(const uint8_t sha256[32])
{
        TS_REQ *request = TS_REQ_new();
        TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
        X509_ALGOR *algorithm = X509_ALGOR_new();
        BIO *out = BIO_new(BIO_s_mem());

        must(request && imprint && algorithm && out && TS_REQ_set_version(request, 1) == 1);
        X509_ALGOR_set_md(algorithm, EVP_sha256());
        must(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1);
        must(TS_MSG_IMPRINT_set_msg(imprint, (unsigned char *)(uintptr_t)sha256, 32) == 1); // it copies
        must(TS_REQ_set_msg_imprint(request, imprint) == 1 && TS_REQ_set_cert_req(request, 1) == 1);
        must(i2d_TS_REQ_bio(out, request) == 1);
        X509_ALGOR_free(algorithm);
        TS_MSG_IMPRINT_free(imprint);
        TS_REQ_free(request);
        return out;
}

struct forge_der forge_stamp(const struct forge_authority *authority, const struct forge_authority *root,
                             const uint8_t sha256[32], bool token, int accuracy_s)
{
        TS_RESP_CTX *context = TS_RESP_CTX_new();
        ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
        STACK_OF(X509) *chain = sk_X509_new_null();
        BIO *request = ask(sha256), *out = BIO_new(BIO_s_mem());

        must(context && policy && chain && out && sk_X509_push(chain, root->certificate) > 0);
        must(TS_RESP_CTX_set_signer_cert(context, authority->certificate) == 1);
        must(TS_RESP_CTX_set_signer_key(context, authority->key) == 1 &&
             TS_RESP_CTX_set_certs(context, chain) == 1);
        must(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()) == 1 &&
             TS_RESP_CTX_add_md(context, EVP_sha256()) == 1);
        must(TS_RESP_CTX_set_def_policy(context, policy) == 1);
        must(accuracy_s == 0 || TS_RESP_CTX_set_accuracy(context, accuracy_s, 0, 0) == 1);
        TS_RESP_CTX_set_time_cb(context, tell_time, NULL);
        TS_RESP *response = TS_RESP_create_response(context, request);
        must(response && TS_RESP_get_token(response));
        must(token ? i2d_PKCS7_bio(out, TS_RESP_get_token(response)) == 1
                   : i2d_TS_RESP_bio(out, response) == 1);
        TS_RESP_free(response);
        TS_RESP_CTX_free(context);
        ASN1_OBJECT_free(policy);
        sk_X509_free(chain);
        BIO_free(request);
        return take(out);
}
