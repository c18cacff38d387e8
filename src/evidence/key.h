// SPDX-License-Identifier: EUPL-1.2
// The device's private key, wherever it is: in a file, in a TPM 2.0, in a token that speaks PKCS#11. It signs as records want it
// (docs/formats/record.md, 3): ECDSA with P-256 and SHA-256 or P-384 and SHA-384, r and s, s low.
//
// OpenSSL works in a context of its own that reads no openssl.cnf; it loads the provider that the URI needs and no other. Nothing
// ever asks on a terminal. One thread at a time; what is in a TPM or a token takes as long as that takes. Ways to reach one may be
// connections: the process ignores SIGPIPE, or it ends when the other side goes.
#ifndef BC_EVIDENCE_KEY_H
#define BC_EVIDENCE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "evidence/key_uri.h"
#include "format/record.h"

struct bc_key;

// Opens it and lets it sign once, to see that public and private key are of one pair. 0 or negative errno with the reason in text:
// -EINVAL the URI or the key; -EPERM others may read its file or its PIN's;
// -EACCES the token takes no such PIN: do not try again, tokens lock themselves; -EIO the TPM or the token does not answer as it
// should; or as open(2) has it.
int bc_key_open(const char *uri, char *text, size_t text_bytes, struct bc_key **ret_key);
void bc_key_close(struct bc_key *key);

enum bc_key_place bc_key_place(const struct bc_key *key);
enum bc_record_algorithm bc_key_algorithm(const struct bc_key *key);

// The public key, a SubjectPublicKeyInfo in DER. Lent until bc_key_close().
struct bc_record_bytes bc_key_public(const struct bc_key *key);

// Signs bytes. 0; -EIO: the TPM or the token failed; -ENOMEM.
int bc_key_sign(struct bc_key *key, const uint8_t *bytes, size_t size, uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX],
                size_t *ret_bytes);

#endif
