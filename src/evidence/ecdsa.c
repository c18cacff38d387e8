// SPDX-License-Identifier: EUPL-1.2
#include "evidence/ecdsa.h"

#include <errno.h>

#include <openssl/ecdsa.h>

#include "base/cleanup.h"

BC_DEFINE_CLEANUP(pair, ECDSA_SIG, ECDSA_SIG_free)

int bc_ecdsa_encode(const uint8_t *signature, size_t n, uint8_t ret_der[BC_ECDSA_DER_BYTES_MAX], size_t *ret_der_bytes)
{
        BC_CLEANUP(bc_cleanup_pair) ECDSA_SIG *pair = ECDSA_SIG_new();
        int half = (int)(n / 2), der_bytes;
        BIGNUM *r = BN_bin2bn(signature, half, NULL), *s = BN_bin2bn(signature + half, half, NULL);
        unsigned char *at = ret_der;

        if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
                BN_free(r);
                BN_free(s);
                return -ENOMEM;
        }
        der_bytes = i2d_ECDSA_SIG(pair, NULL);
        if (der_bytes <= 0 || der_bytes > BC_ECDSA_DER_BYTES_MAX)
                return -ENOMEM;
        *ret_der_bytes = (size_t)i2d_ECDSA_SIG(pair, &at);
        return 0;
}
