// SPDX-License-Identifier: EUPL-1.2
// ECDSA signatures of records (RFC 9053, 2.1), in the one form that record.md, 3 allows. Pure; any thread.
#ifndef BC_VERIFY_SIGNATURE_H
#define BC_VERIFY_SIGNATURE_H

#include <openssl/evp.h>

#include "format/record.h"

// The algorithm that follows from a public key: 0; -EBADMSG: neither P-256 nor P-384.
int bc_signature_algorithm(const EVP_PKEY *key, enum bc_record_algorithm *ret_algorithm);

// The second part of a signature in DER (ECDSA-Sig-Value): 0: it is low; -EBADMSG: high, or no such signature; -ENOMEM.
int bc_signature_check_low(enum bc_record_algorithm algorithm, const uint8_t *der, size_t der_bytes);

// 0; -EBADMSG: the signature is not this key's over this message, or not in its one form (length, low s); -EIO, -ENOMEM.
int bc_signature_check(EVP_PKEY *key, enum bc_record_algorithm algorithm, const struct bc_record_message *message);

#endif
