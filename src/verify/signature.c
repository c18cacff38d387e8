// SPDX-License-Identifier: EUPL-1.2
#include "verify/signature.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/objects.h>
#include <string.h>

#include "base/cleanup.h"

BC_DEFINE_CLEANUP(group, EC_GROUP, EC_GROUP_free)
BC_DEFINE_CLEANUP(number, BIGNUM, BN_free)
BC_DEFINE_CLEANUP(digest, EVP_MD_CTX, EVP_MD_CTX_free)
BC_DEFINE_CLEANUP(pair, ECDSA_SIG, ECDSA_SIG_free)

int bc_signature_algorithm(const EVP_PKEY *key, enum bc_record_algorithm *ret_algorithm)
{
        char name[32];
        size_t n;

        if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, name, sizeof(name), &n) != 1)
                return -EBADMSG;
        if (strcmp(name, SN_X9_62_prime256v1) == 0)
                *ret_algorithm = BC_RECORD_ES256;
        else if (strcmp(name, SN_secp384r1) == 0)
                *ret_algorithm = BC_RECORD_ES384;
        else
                return -EBADMSG;
        return 0;
}

// s of at most half the group's order: of s and order - s, which both verify, one is refused.
static int check_low(enum bc_record_algorithm algorithm, const BIGNUM *s)
{
        int curve = algorithm == BC_RECORD_ES256 ? NID_X9_62_prime256v1 : NID_secp384r1;
        BC_CLEANUP(bc_cleanup_group) EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
        BC_CLEANUP(bc_cleanup_number) BIGNUM *half = BN_new();

        if (!group || !half || BN_rshift1(half, EC_GROUP_get0_order(group)) != 1)
                return -ENOMEM;
        return BN_cmp(s, half) <= 0 ? 0 : -EBADMSG;
}

int bc_signature_check_low(enum bc_record_algorithm algorithm, const uint8_t *der, size_t der_bytes)
{
        const unsigned char *at = der;
        BC_CLEANUP(bc_cleanup_pair) ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_bytes);

        return pair && at == der + der_bytes ? check_low(algorithm, ECDSA_SIG_get0_s(pair)) : -EBADMSG;
}

int bc_signature_check(EVP_PKEY *key, enum bc_record_algorithm algorithm, const struct bc_record_message *message)
{
        bool small = algorithm == BC_RECORD_ES256;
        size_t half = small ? 32 : 48, n;
        uint8_t signed_bytes[BC_RECORD_BYTES_MAX + 64], der_bytes[2 * 48 + 16], *der = der_bytes;

        if (message->signature.n != 2 * half)
                return -EBADMSG;
        int r = bc_record_to_be_signed(message, signed_bytes, sizeof(signed_bytes), &n);
        if (r < 0)
                return r;
        BC_CLEANUP(bc_cleanup_pair) ECDSA_SIG *pair = ECDSA_SIG_new();
        BC_CLEANUP(bc_cleanup_number) BIGNUM *first = BN_bin2bn(message->signature.bytes, (int)half, NULL);
        BC_CLEANUP(bc_cleanup_number) BIGNUM *second = BN_bin2bn(message->signature.bytes + half, (int)half, NULL);
        BC_CLEANUP(bc_cleanup_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
        if (!pair || !first || !second || !digest)
                return -ENOMEM;
        r = check_low(algorithm, second);
        if (r < 0)
                return r;
        ECDSA_SIG_set0(pair, first, second); // takes both
        first = second = NULL;
        int der_n = i2d_ECDSA_SIG(pair, &der);
        if (der_n <= 0 || EVP_DigestVerifyInit(digest, NULL, small ? EVP_sha256() : EVP_sha384(), NULL, key) != 1)
                return -EIO;
        return EVP_DigestVerify(digest, der_bytes, (size_t)der_n, signed_bytes, n) == 1 ? 0 : -EBADMSG;
}
