// SPDX-License-Identifier: EUPL-1.2
// COSE_Sign1 (RFC 9052) as far as it concerns a record's form: docs/formats/record.md, 3. No key, no hash. Pure; any thread.
#ifndef BC_FORMAT_COSE_H
#define BC_FORMAT_COSE_H

#include "format/coder.h"

#define BC_RECORD_VERSION 1
#define BC_COSE_SIGN1_TAG 18

// Reading sets kind, algorithm, x5t and chain; fails where the kind is not known.
void bc_code_protected(struct bc_coder *coder, struct bc_record *record);

// What a signature is over.
void bc_cose_put_sig_structure(struct bc_writer *writer, struct bc_record_bytes protected_header, struct bc_record_bytes payload);

// 64 or 96.
size_t bc_cose_signature_bytes(enum bc_record_algorithm algorithm);

// r and s of the right length, neither 0, r below the group's order and s at most half of it: so a signature has one form.
bool bc_cose_signature_is_lawful(enum bc_record_algorithm algorithm, const uint8_t *signature, size_t n);

// Both s and the order less s are valid; this takes the lower one. 0, or -EINVAL: it is no signature in either form.
int bc_cose_lower(enum bc_record_algorithm algorithm, uint8_t *signature, size_t n);

#endif
