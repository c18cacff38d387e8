// SPDX-License-Identifier: EUPL-1.2
// manifest.sig: what the device's key signed of a final manifest.json, in the form that `openssl cms -verify` reads
// (docs/formats/manifest.md, 9): CMS SignedData, detached, without attributes, with the device's certificates.
//
// Pure; any thread.
#ifndef BC_EVIDENCE_ENDORSEMENT_H
#define BC_EVIDENCE_ENDORSEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

// Wraps a signature (r and s, as the signer gives them) and the certificates, the device's first. *ret_der is the
// caller's to free(). 0; -EINVAL: certificate and algorithm do not fit; -ENOMEM.
int bc_endorsement_wrap(enum bc_record_algorithm algorithm, const struct bc_record_bytes *chain, size_t chain_count,
                        const uint8_t *signature, size_t signature_bytes, uint8_t **ret_der, size_t *ret_bytes);

// Whether der is a signature of the device's own over these bytes. public_key: SubjectPublicKeyInfo.
bool bc_endorsement_recognise(const struct bc_record_bytes *public_key, const uint8_t *der, size_t der_bytes, const void *bytes,
                              size_t n);

#endif
