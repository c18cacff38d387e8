// SPDX-License-Identifier: EUPL-1.2
// A token that speaks PKCS#11: a hardware security module, a smart card or a secure element. Its module is loaded from the path in the
// URI (module-path) and nowhere else: what /etc/pkcs11 lists does not count.
//
// One thread at a time.
#ifndef BC_EVIDENCE_TOKEN_H
#define BC_EVIDENCE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

struct bc_token;

// Opens a session with the one token that the URI names and logs in with the PIN from pin-source, where the URI has one.
// Errors as bc_key_open() has them.
int bc_token_open(const char *uri, bool writing, char *text, size_t text_bytes, struct bc_token **ret_token);
void bc_token_close(struct bc_token *token);

// Finds the one key pair that the URI names, by `object` (label), `id` or both. 0; -ENOENT: none; others with text.
int bc_token_find(struct bc_token *token, const char *uri, char *text, size_t text_bytes);

// Makes a key pair of that name, which never leaves the token. -EEXIST: there is one.
int bc_token_make(struct bc_token *token, const char *uri, enum bc_record_algorithm algorithm, char *text, size_t text_bytes);

// Of the key that was found. The public key's point, uncompressed; lent.
enum bc_record_algorithm bc_token_algorithm(const struct bc_token *token);
struct bc_record_bytes bc_token_point(const struct bc_token *token);

// ECDSA over a hash: r and s, each as long as the group's order. 0 or -EIO.
int bc_token_sign(struct bc_token *token, const uint8_t *hash, size_t hash_bytes, uint8_t *signature, size_t signature_bytes);

#endif
