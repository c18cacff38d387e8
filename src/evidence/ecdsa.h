// SPDX-License-Identifier: EUPL-1.2
// ECDSA signatures in the two forms they come in: r and s one behind the other (RFC 9053, 2.1), as records have them, and the DER
// that OpenSSL, X.509 and CMS have (RFC 3279, 2.2.3). Pure but for OpenSSL; any thread.
#ifndef BC_EVIDENCE_ECDSA_H
#define BC_EVIDENCE_ECDSA_H

#include <stddef.h>
#include <stdint.h>

#define BC_ECDSA_DER_BYTES_MAX 112 // of P-384: two numbers of 49 bytes

// n: of both numbers. 0 or -ENOMEM, also where n is that of another curve.
int bc_ecdsa_encode(const uint8_t *signature, size_t n, uint8_t ret_der[BC_ECDSA_DER_BYTES_MAX], size_t *ret_der_bytes);

#endif
