// SPDX-License-Identifier: EUPL-1.2
// The certificates of a device (docs/formats/record.md, 4): PEM, the device's own first, each followed by its issuer's, without the root.
//
// No system trust store, no clock: whether a root vouches for them and whether they are valid at some time is judged by whoever
// reads the evidence. What a verifier would refuse whatever the root is refused here, before anything is recorded with it.
#ifndef BC_EVIDENCE_CHAIN_H
#define BC_EVIDENCE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

// Room for the news in the record that carries them (BC_RECORD_BYTES_MAX).
#define BC_CHAIN_BYTES_MAX 6144
#define BC_CHAIN_NAME_BYTES 256

// How the key is protected, by the CA's word. Numbers of the policies.
enum bc_protection {
        BC_PROTECTION_NOT_SAID = 0,
        BC_PROTECTION_FILE = 2,
        BC_PROTECTION_TPM = 3,
        BC_PROTECTION_HARDWARE = 4, // hardware security module or secure element
};

// Immutable once loaded.
struct bc_chain {
        struct bc_record_bytes certificate[BC_RECORD_CHAIN_MAX]; // DER
        size_t count;
        uint8_t x5t[BC_HASH_BYTES]; // SHA-256 of the first
        bool is_test;               // one of them is marked so: what it signs is evidence of nothing
        enum bc_protection protection;
        struct bc_record_bytes public_key; // of the first: SubjectPublicKeyInfo, DER
        int64_t valid_from_s, valid_until_s; // since 1970: when all of them are valid
        char subject[BC_CHAIN_NAME_BYTES], issuer[BC_CHAIN_NAME_BYTES]; // of the first, RFC 2253, ASCII
};

// 0 or negative errno, the reason in text with path, the certificate's number in the file from 1, and what is wrong: -EINVAL; or as
// open(2) has it.
int bc_chain_load(const char *path, const char *device_id, char *text, size_t text_bytes, struct bc_chain **ret_chain);

// The same for bytes of a file, which `path` only names.
int bc_chain_parse(const char *path, const char *pem, size_t size, const char *device_id, char *text, size_t text_bytes,
                   struct bc_chain **ret_chain);
void bc_chain_free(struct bc_chain *chain);

// Whether all certificates are valid then; else text says what is wrong. A warning: a camera records, whatever its clock says.
bool bc_chain_is_valid_at(const struct bc_chain *chain, int64_t utc_ns, char *text, size_t text_bytes);

#endif
