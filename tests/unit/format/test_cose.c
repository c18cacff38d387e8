// SPDX-License-Identifier: EUPL-1.2
// Held against OpenSSL, which has groups, signatures and keys of its own.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include "format/cose.h"
#include "records.h"

static const struct curve {
        enum bc_record_algorithm algorithm;
        int nid;
        const char *name;
        int bytes;
} curves[] = { { BC_RECORD_ES256, NID_X9_62_prime256v1, "P-256", 32 }, { BC_RECORD_ES384, NID_secp384r1, "P-384", 48 } };

static BIGNUM *order_of(const struct curve *curve)
{
        EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
        BIGNUM *order = BN_dup(EC_GROUP_get0_order(group));
        EC_GROUP_free(group);
        assert_non_null(order);
        return order;
}

// A number plus a small one, into its place.
static void put(const BIGNUM *number, int more, uint8_t *at, int bytes)
{
        BIGNUM *sum = BN_dup(number);
        assert_true(more < 0 ? BN_sub_word(sum, (BN_ULONG)-more) : BN_add_word(sum, (BN_ULONG)more));
        assert_int_equal(BN_bn2binpad(sum, at, bytes), bytes);
        BN_free(sum);
}

static void test_bounds(void **state)
{
        (void)state;
        for (size_t i = 0; i < 2; i++) {
                const struct curve *curve = &curves[i];
                BIGNUM *order = order_of(curve), *half = BN_new(), *zero = BN_new();
                uint8_t signature[BC_SIGNATURE_BYTES_MAX + 1];
                size_t n = (size_t)curve->bytes * 2;
                BN_rshift1(half, order);
                const struct {
                        const BIGNUM *r, *s;
                        int r_more, s_more;
                        bool lawful;
                } cases[] = {
                        { zero, zero, 1, 1, true },    { zero, half, 1, 0, true },   { zero, half, 1, 1, false },
                        { zero, order, 1, -1, false }, { zero, order, 1, 0, false }, { zero, zero, 1, 0, false },
                        { zero, zero, 0, 1, false },   { order, zero, -1, 1, true }, { order, zero, 0, 1, false },
                        { order, half, 1, 0, false },  { half, half, 1, 0, true },   { half, half, 0, -1, true },
                };
                for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
                        put(cases[k].r, cases[k].r_more, signature, curve->bytes);
                        put(cases[k].s, cases[k].s_more, signature + curve->bytes, curve->bytes);
                        if (bc_cose_signature_is_lawful(curve->algorithm, signature, n) != cases[k].lawful)
                                fail_msg("case %zu of curve %zu", k, i);
                        assert_false(bc_cose_signature_is_lawful(curve->algorithm, signature, n - 1));
                        assert_false(bc_cose_signature_is_lawful(curve->algorithm, signature, 0));
                }
                assert_int_equal(bc_cose_signature_bytes(curve->algorithm), n);
                put(zero, 1, signature, curve->bytes);
                put(zero, 1, signature + curve->bytes, curve->bytes);
                assert_false(bc_cose_signature_is_lawful(curve->algorithm, signature, n + 1));
                memset(signature, 0xff, sizeof(signature)); // no signature of any form
                assert_int_equal(bc_cose_lower(curve->algorithm, signature, n), -EINVAL);
                memset(signature, 0, sizeof(signature));
                assert_int_equal(bc_cose_lower(curve->algorithm, signature, n), -EINVAL);
                assert_int_equal(bc_cose_lower(curve->algorithm, signature, n - 1), -EINVAL);
                BN_free(order);
                BN_free(half);
                BN_free(zero);
        }
}

static EVP_PKEY *new_key(const struct curve *curve)
{
        EVP_PKEY *key = EVP_EC_gen(curve->name);
        assert_non_null(key);
        return key;
}

// r and s of OpenSSL's signature over these bytes.
static void sign(EVP_PKEY *key, const struct curve *curve, const uint8_t *bytes, size_t n, uint8_t *ret_signature)
{
        uint8_t der[160];
        size_t der_bytes = sizeof(der);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit(context, NULL, curve->bytes == 32 ? EVP_sha256() : EVP_sha384(), NULL, key), 1);
        assert_int_equal(EVP_DigestSign(context, der, &der_bytes, bytes, n), 1);
        EVP_MD_CTX_free(context);
        const unsigned char *at = der;
        ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)der_bytes);
        assert_non_null(both);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(both), ret_signature, curve->bytes), curve->bytes);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(both), ret_signature + curve->bytes, curve->bytes), curve->bytes);
        ECDSA_SIG_free(both);
}

static bool verify(EVP_PKEY *key, const struct curve *curve, const uint8_t *bytes, size_t n, const uint8_t *signature)
{
        ECDSA_SIG *both = ECDSA_SIG_new();
        assert_int_equal(ECDSA_SIG_set0(both, BN_bin2bn(signature, curve->bytes, NULL),
                                        BN_bin2bn(signature + curve->bytes, curve->bytes, NULL)),
                         1);
        unsigned char *der = NULL;
        int der_bytes = i2d_ECDSA_SIG(both, &der);
        assert_true(der_bytes > 0);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestVerifyInit(context, NULL, curve->bytes == 32 ? EVP_sha256() : EVP_sha384(), NULL, key),
                         1);
        int r = EVP_DigestVerify(context, der, (size_t)der_bytes, bytes, n);
        EVP_MD_CTX_free(context);
        OPENSSL_free(der);
        ECDSA_SIG_free(both);
        return r == 1;
}

// Signed by OpenSSL, lowered here, sealed, read back, verified by OpenSSL: with what is to be signed put together by hand.
static void test_signed_for_real(void **state)
{
        (void)state;
        static struct record_specimen specimen;
        static struct bc_record_message message, found;
        static struct bc_record record;
        static uint8_t box[BC_RECORD_BYTES_MAX], signing[BC_RECORD_BYTES_MAX + 64];
        uint32_t random = 7;
        int lowered = 0;

        for (size_t i = 0; i < 80; i++) {
                const struct curve *curve = &curves[i % 2];
                EVP_PKEY *key = new_key(curve);
                uint8_t signature[BC_SIGNATURE_BYTES_MAX], raw[BC_SIGNATURE_BYTES_MAX];
                size_t n = 0, bytes = 0, room = bc_cose_signature_bytes(curve->algorithm);
                record_random(&specimen, record_kinds[i % RECORD_KINDS], &random);
                specimen.record.algorithm = curve->algorithm;
                if (bc_record_compose(&specimen.record, &message) < 0) // the longer signature may be too much
                        fail_msg("seed");
                assert_int_equal(bc_record_to_be_signed(&message, signing, sizeof(signing), &n), 0);
                sign(key, curve, signing, n, raw);
                memcpy(signature, raw, sizeof(raw));
                assert_int_equal(bc_cose_lower(curve->algorithm, signature, room), 0);
                bool was_low = bc_cose_signature_is_lawful(curve->algorithm, raw, room);
                lowered += !was_low;
                assert_int_equal(memcmp(signature, raw, room) == 0, was_low);
                int r = bc_record_seal(&specimen.record, &message, raw, room, box, sizeof(box), &bytes);
                assert_int_equal(r, was_low ? 0 : -EINVAL);
                assert_int_equal(bc_record_seal(&specimen.record, &message, signature, room, box, sizeof(box), &bytes), 0);

                assert_int_equal(bc_record_parse(box, bytes, &record, &found, NULL, 0, NULL), 0);
                struct bc_writer w = bc_writer_on(signing, sizeof(signing));
                bc_put_bytes(&w, "\x84\x6aSignature1", 12);
                bc_cbor_put_bytes(&w, found.protected_header.bytes, found.protected_header.n);
                bc_put_u8(&w, 0x40);
                bc_cbor_put_bytes(&w, found.payload.bytes, found.payload.n);
                assert_true(verify(key, curve, signing, w.used, found.signature.bytes));
                signing[w.used - 1] ^= 1;
                assert_false(verify(key, curve, signing, w.used, found.signature.bytes));
                EVP_PKEY_free(key);
        }
        assert_true(lowered > 15 && lowered < 65);
        assert_int_equal(bc_record_to_be_signed(&message, signing, 20, &(size_t){ 0 }), -ENOBUFS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_signed_for_real),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
