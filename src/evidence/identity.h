// SPDX-License-Identifier: EUPL-1.2
// Who the device is, to whom it may show: its key (evidence/key.h) and the certificates that vouch for it
// (docs/formats/record.md, 4). Loading one judges all that can be judged without a root and without a clock; what is not fit to sign
// evidence is refused.
#ifndef BC_EVIDENCE_IDENTITY_H
#define BC_EVIDENCE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/chain.h"
#include "evidence/key.h"

// Immutable once loaded.
struct bc_identity {
        enum bc_record_algorithm algorithm;
        struct bc_chain *chain; // certificates, test or not, protection, x5t
        struct bc_key *key;
};

// Opens the key and reads the certificates. 0 or negative errno, the reason in text, naming the file or URI: as bc_key_open() and
// bc_chain_load() have them; -EINVAL: the key is not that of the first certificate.
int bc_identity_load(const char *key_uri, const char *certificates_path, const char *device_id, char *text, size_t text_bytes,
                     struct bc_identity **ret_identity);
void bc_identity_free(struct bc_identity *identity);

// Signs what bc_record_to_be_signed() gives. As bc_key_sign(): one thread at a time.
int bc_identity_sign(struct bc_identity *identity, const uint8_t *to_be_signed, size_t size,
                     uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX], size_t *ret_bytes);

#endif
