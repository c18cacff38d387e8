// SPDX-License-Identifier: EUPL-1.2
#include "evidence/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "evidence/refusal.h"

#define RSA_BITS_MIN 2048
#define POLICIES "2.25.141109206085313761295305289576533557891."
#define POLICY_MAX 4u

BC_DEFINE_CLEANUP(policies, CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free)
BC_DEFINE_CLEANUP(certificate, X509, X509_free)

unsigned bc_certificate_policies(X509 *certificate)
{
        BC_CLEANUP(bc_cleanup_policies) CERTIFICATEPOLICIES *policies =
                X509_get_ext_d2i(certificate, NID_certificate_policies, NULL, NULL);
        unsigned found = 0;

        for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
                const size_t prefix = sizeof(POLICIES) - 1;
                char name[sizeof(POLICIES) + 8];
                int n = OBJ_obj2txt(name, sizeof(name), sk_POLICYINFO_value(policies, i)->policyid, 1);

                if (n == (int)prefix + 1 && memcmp(name, POLICIES, prefix) == 0 && name[prefix] >= '1' &&
                    name[prefix] <= (char)('0' + POLICY_MAX))
                        found |= 1u << (name[prefix] - '0');
        }
        return found;
}

// ---- every certificate ---------------------------------------------------------------------------------------

static int judge_signature(X509 *certificate, char *text, size_t text_bytes)
{
        const ASN1_BIT_STRING *signature;
        int hash, key, bits;
        uint32_t flags;

        if (X509_get_signature_info(certificate, &hash, &key, &bits, &flags) != 1)
                return bc_refusal(text, text_bytes, EINVAL, "it is signed in a way that is not known");
        if (hash != NID_sha256 && hash != NID_sha384 && hash != NID_sha512)
                return bc_refusal(text, text_bytes, EINVAL, "it is signed with %s, allowed are SHA-256, SHA-384 and SHA-512",
                                  hash == NID_undef ? "a hash that is not known" : OBJ_nid2sn(hash));
        if (key == NID_X9_62_id_ecPublicKey)
                return 0;
        if (key != NID_rsaEncryption && key != NID_rsassaPss)
                return bc_refusal(text, text_bytes, EINVAL, "it is signed with %s, allowed are ECDSA and RSA", OBJ_nid2sn(key));
        // An RSA signature is as long as the modulus: so the root's key is judged, too, which is not here.
        X509_get0_signature(&signature, NULL, certificate);
        if (ASN1_STRING_length(signature) < RSA_BITS_MIN / 8)
                return bc_refusal(text, text_bytes, EINVAL, "it is signed with RSA of %d bits, at least %d are needed",
                                  8 * ASN1_STRING_length(signature), RSA_BITS_MIN);
        return 0;
}

// RFC 5280, 4.2: each once. OpenSSL takes one that stands twice for one that is not there: a test certificate would not look like one.
static bool has_one_twice(const X509 *certificate)
{
        int count = X509_get_ext_count(certificate);

        for (int i = 0; i < count; i++)
                for (int k = 0; k < i; k++)
                        if (OBJ_cmp(X509_EXTENSION_get_object(X509_get_ext(certificate, i)),
                                    X509_EXTENSION_get_object(X509_get_ext(certificate, k))) == 0)
                                return true;
        return false;
}

static bool are_policies_well_formed(const X509 *certificate)
{
        int found;
        BC_CLEANUP(bc_cleanup_policies) CERTIFICATEPOLICIES *policies =
                X509_get_ext_d2i(certificate, NID_certificate_policies, &found, NULL);

        return policies || found == -1;
}

int bc_certificate_judge(X509 *certificate, char *text, size_t text_bytes)
{
        uint32_t flags = X509_get_extension_flags(certificate);

        if (X509_get_version(certificate) != X509_VERSION_3)
                return bc_refusal(text, text_bytes, EINVAL, "it is not of version 3");
        if (has_one_twice(certificate))
                return bc_refusal(text, text_bytes, EINVAL, "it has an extension twice");
        if (flags & EXFLAG_INVALID || !are_policies_well_formed(certificate))
                return bc_refusal(text, text_bytes, EINVAL, "its extensions are malformed");
        if (flags & EXFLAG_CRITICAL)
                return bc_refusal(text, text_bytes, EINVAL, "it has a critical extension that is not known");
        return judge_signature(certificate, text, text_bytes);
}

// ---- the device's --------------------------------------------------------------------------------------------

static int judge_name(X509 *certificate, const char *device_id, char *text, size_t text_bytes)
{
        const X509_NAME *subject = X509_get_subject_name(certificate);
        int at = X509_NAME_get_index_by_NID(subject, NID_serialNumber, -1);
        const ASN1_STRING *value;
        size_t n = strlen(device_id);

        if (at < 0)
                return bc_refusal(text, text_bytes, EINVAL, "its subject has no serialNumber, it must be the device's id, %s", device_id);
        if (X509_NAME_get_index_by_NID(subject, NID_serialNumber, at) >= 0)
                return bc_refusal(text, text_bytes, EINVAL, "its subject has more than one serialNumber");
        value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        if ((size_t)ASN1_STRING_length(value) != n || memcmp(ASN1_STRING_get0_data(value), device_id, n) != 0)
                return bc_refusal(text, text_bytes, EINVAL, "it is for the device %.*s, this one is %s",
                                  ASN1_STRING_length(value) < 64 ? ASN1_STRING_length(value) : 64,
                                  (const char *)ASN1_STRING_get0_data(value), device_id);
        return 0;
}

static bool is_on_curve(EVP_PKEY *key, const char *name)
{
        char group[32];
        size_t n;

        return EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 && strcmp(group, name) == 0;
}

int bc_certificate_judge_device(X509 *certificate, const char *device_id, char *text, size_t text_bytes)
{
        EVP_PKEY *key = X509_get0_pubkey(certificate);
        int place = X509_get_ext_by_NID(certificate, NID_key_usage, -1);
        uint32_t flags = X509_get_extension_flags(certificate);

        if (judge_name(certificate, device_id, text, text_bytes) < 0)
                return -EINVAL;
        if (flags & EXFLAG_SI)
                return bc_refusal(text, text_bytes, EINVAL, "it is issued by itself: no CA vouches for it");
        if (!key || !EVP_PKEY_is_a(key, "EC") || (!is_on_curve(key, "prime256v1") && !is_on_curve(key, "secp384r1")))
                return bc_refusal(text, text_bytes, EINVAL, "its key is neither P-256 nor P-384");
        if (place < 0 || !X509_EXTENSION_get_critical(X509_get_ext(certificate, place)))
                return bc_refusal(text, text_bytes, EINVAL, "it has no critical keyUsage");
        if (!(X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE))
                return bc_refusal(text, text_bytes, EINVAL, "its keyUsage lacks digitalSignature");
        if (!(flags & EXFLAG_BCONS))
                return bc_refusal(text, text_bytes, EINVAL, "it does not say in basicConstraints that it is no CA");
        if (flags & EXFLAG_CA)
                return bc_refusal(text, text_bytes, EINVAL, "it is that of a CA");
        return 0;
}

// ---- an issuer's ---------------------------------------------------------------------------------------------

int bc_certificate_judge_issuer(X509 *certificate, size_t between, char *text, size_t text_bytes)
{
        EVP_PKEY *key = X509_get0_pubkey(certificate);
        uint32_t flags = X509_get_extension_flags(certificate);
        long depth = X509_get_pathlen(certificate);

        if (flags & EXFLAG_SI)
                return bc_refusal(text, text_bytes, EINVAL, "it is a root: who verifies has it, here it is left out");
        if (!(flags & EXFLAG_CA) || !(X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN))
                return bc_refusal(text, text_bytes, EINVAL, "it is not that of a CA, but stands where an issuer's is");
        if (depth >= 0 && (size_t)depth < between)
                return bc_refusal(text, text_bytes, EINVAL, "it allows %ld CAs below it, there are %zu", depth, between);
        if (!key || (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS") ? EVP_PKEY_get_bits(key) < RSA_BITS_MIN
                                                                               : !EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_bits(key) < 256))
                return bc_refusal(text, text_bytes, EINVAL, "its key is weak: EC of 256 bits or RSA of %d are the least", RSA_BITS_MIN);
        return 0;
}

// ---- as a record brings them -----------------------------------------------------------------------------------

// NULL: it is none.
static X509 *read_der(const struct bc_record_bytes *der)
{
        const uint8_t *at = der->bytes;
        X509 *certificate = der->n > 0 ? d2i_X509(NULL, &at, (long)der->n) : NULL;

        if (certificate && at == der->bytes + der->n)
                return certificate;
        X509_free(certificate);
        ERR_clear_error();
        return NULL;
}

bool bc_certificate_is_from(const struct bc_record_bytes *certificate, const struct bc_record_bytes *issuer, const char *device_id)
{
        BC_CLEANUP(bc_cleanup_certificate) X509 *leaf = read_der(certificate);
        BC_CLEANUP(bc_cleanup_certificate) X509 *above = read_der(issuer);
        char text[256];
        bool is_from = leaf && above && bc_certificate_judge(leaf, text, sizeof(text)) == 0 &&
                       bc_certificate_judge_device(leaf, device_id, text, sizeof(text)) == 0 &&
                       X509_check_issued(above, leaf) == X509_V_OK && X509_verify(leaf, X509_get0_pubkey(above)) == 1;

        ERR_clear_error();
        return is_from;
}

int bc_certificate_key(const struct bc_record_bytes *certificate, uint8_t **ret_key, size_t *ret_bytes)
{
        BC_CLEANUP(bc_cleanup_certificate) X509 *leaf = read_der(certificate);
        uint8_t *key = NULL, *copy;
        int n = leaf ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &key) : -1;

        if (n <= 0)
                return -EBADMSG;
        copy = malloc((size_t)n);
        if (copy) {
                memcpy(copy, key, (size_t)n);
                *ret_key = copy;
                *ret_bytes = (size_t)n;
        }
        OPENSSL_free(key);
        return copy ? 0 : -ENOMEM;
}
