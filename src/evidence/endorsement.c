// SPDX-License-Identifier: EUPL-1.2
#include "evidence/endorsement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "evidence/ecdsa.h"

BC_DEFINE_CLEANUP(cms, CMS_ContentInfo, CMS_ContentInfo_free)
BC_DEFINE_CLEANUP(x509, X509, X509_free)
BC_DEFINE_CLEANUP(pkey, EVP_PKEY, EVP_PKEY_free)
BC_DEFINE_CLEANUP(context, EVP_MD_CTX, EVP_MD_CTX_free)

static void free_der(unsigned char **der)
{
        OPENSSL_free(*der);
}

static X509 *read_certificate(const struct bc_record_bytes *bytes)
{
        const unsigned char *at = bytes->bytes;

        return d2i_X509(NULL, &at, (long)bytes->n);
}

int bc_endorsement_wrap(enum bc_record_algorithm algorithm, const struct bc_record_bytes *chain, size_t chain_count,
                        const uint8_t *signature, size_t signature_bytes, uint8_t **ret_der, size_t *ret_bytes)
{
        const EVP_MD *digest = algorithm == BC_RECORD_ES384 ? EVP_sha384() : EVP_sha256();
        const unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_NOATTR | CMS_NOSMIMECAP;
        BC_CLEANUP(bc_cleanup_cms) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
        BC_CLEANUP(bc_cleanup_x509) X509 *leaf = chain_count > 0 ? read_certificate(&chain[0]) : NULL;
        BC_CLEANUP(bc_cleanup_pkey) EVP_PKEY *public_key = leaf ? X509_get_pubkey(leaf) : NULL;
        BC_CLEANUP(free_der) unsigned char *der = NULL;
        uint8_t signature_der[BC_ECDSA_DER_BYTES_MAX];
        size_t signature_der_bytes;
        CMS_SignerInfo *signer;
        int r, n;

        if (!public_key)
                return -EINVAL;
        // The private key may be in a TPM or a token, and is the signer's alone: this only says whose signature it will be.
        signer = cms ? CMS_add1_signer(cms, leaf, public_key, digest, flags) : NULL;
        if (!signer)
                return -ENOMEM;
        r = bc_ecdsa_encode(signature, signature_bytes, signature_der, &signature_der_bytes);
        if (r == 0 && ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(signer), signature_der, (int)signature_der_bytes) != 1)
                r = -ENOMEM;
        for (size_t i = 1; r == 0 && i < chain_count; i++) {
                BC_CLEANUP(bc_cleanup_x509) X509 *issuer = read_certificate(&chain[i]);

                r = issuer && CMS_add1_cert(cms, issuer) == 1 ? 0 : -ENOMEM;
        }
        if (r < 0)
                return r;
        n = i2d_CMS_ContentInfo(cms, &der);
        *ret_der = n > 0 ? malloc((size_t)n) : NULL;
        if (!*ret_der)
                return -ENOMEM;
        memcpy(*ret_der, der, (size_t)n);
        *ret_bytes = (size_t)n;
        return 0;
}

bool bc_endorsement_recognise(const struct bc_record_bytes *public_key, const uint8_t *der, size_t der_bytes, const void *bytes,
                              size_t n)
{
        const unsigned char *at = der, *key_at = public_key->bytes;
        BC_CLEANUP(bc_cleanup_cms) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der_bytes);
        BC_CLEANUP(bc_cleanup_pkey) EVP_PKEY *key = d2i_PUBKEY(NULL, &key_at, (long)public_key->n);
        BC_CLEANUP(bc_cleanup_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
        STACK_OF(CMS_SignerInfo) *signers = cms ? CMS_get0_SignerInfos(cms) : NULL;
        CMS_SignerInfo *signer = signers && sk_CMS_SignerInfo_num(signers) == 1 ? sk_CMS_SignerInfo_value(signers, 0) : NULL;
        const ASN1_OCTET_STRING *signature = signer ? CMS_SignerInfo_get0_signature(signer) : NULL;
        const EVP_MD *digest;

        if (!signature || !key || !context || at != der + der_bytes || CMS_signed_get_attr_count(signer) >= 0)
                return false;
        digest = EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
        return EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
               EVP_DigestVerify(context, ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature), bytes, n) == 1;
}
