// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recognise.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "evidence/ecdsa.h"

static void free_key(EVP_PKEY **key)
{
        EVP_PKEY_free(*key);
}

static void free_context(EVP_MD_CTX **context)
{
        EVP_MD_CTX_free(*context);
}

static void free_certificate(X509 **certificate)
{
        X509_free(*certificate);
}

static bool is_signed(EVP_PKEY *key, const struct bc_record *record, const struct bc_record_message *message)
{
        const EVP_MD *digest = record->algorithm == BC_RECORD_ES384 ? EVP_sha384() : EVP_sha256();
        BC_CLEANUP(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
        BC_CLEANUP(bc_cleanup_memory) uint8_t *bytes = malloc(BC_RECORD_BYTES_MAX + 64);
        uint8_t der[BC_ECDSA_DER_BYTES_MAX];
        size_t n, der_bytes;

        return context && bytes && bc_ecdsa_encode(message->signature.bytes, message->signature.n, der, &der_bytes) == 0 &&
               bc_record_to_be_signed(message, bytes, BC_RECORD_BYTES_MAX + 64, &n) == 0 &&
               EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
               EVP_DigestVerify(context, der, der_bytes, bytes, n) == 1;
}

bool bc_recognise(const struct bc_record_bytes *public_key, const struct bc_record *record, const struct bc_record_message *message)
{
        const unsigned char *at = public_key->bytes;
        BC_CLEANUP(free_key) EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)public_key->n);

        return key && is_signed(key, record, message);
}

bool bc_recognise_signer(const struct bc_record *record, const struct bc_record_message *message)
{
        const unsigned char *at = record->chain_count > 0 ? record->chain[0].bytes : NULL;
        BC_CLEANUP(free_certificate) X509 *certificate = at ? d2i_X509(NULL, &at, (long)record->chain[0].n) : NULL;
        EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
        uint8_t sha256[BC_HASH_BYTES];

        // Of other kinds of key no record is signed.
        return key && EVP_PKEY_is_a(key, "EC") &&
               EVP_Digest(record->chain[0].bytes, record->chain[0].n, sha256, NULL, EVP_sha256(), NULL) == 1 &&
               memcmp(sha256, record->x5t, BC_HASH_BYTES) == 0 && is_signed(key, record, message);
}
