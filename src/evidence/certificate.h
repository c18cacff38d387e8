// SPDX-License-Identifier: EUPL-1.2
// What docs/formats/record.md, 4, asks of one certificate. Pure; any thread that has the certificate to itself.
#ifndef BC_EVIDENCE_CERTIFICATE_H
#define BC_EVIDENCE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

struct x509_st; // OpenSSL's X509

#define BC_POLICY_TEST 1u // the others are enum bc_protection

// The policies of ours that it carries: bit n for .n.
unsigned bc_certificate_policies(struct x509_st *certificate);

// Each 0, or -EINVAL with what is wrong in text.
// Of every certificate: version, how it is signed, extensions that nobody here understands.
int bc_certificate_judge(struct x509_st *certificate, char *text, size_t text_bytes);
// Of the device's own: whose it is, key, usage, that it is no CA.
int bc_certificate_judge_device(struct x509_st *certificate, const char *device_id, char *text, size_t text_bytes);
// Of an issuer's, with so many CAs between it and the device's; a root is refused.
int bc_certificate_judge_issuer(struct x509_st *certificate, size_t between, char *text, size_t text_bytes);

// Of certificates as a record brings them, DER: whether one is a lawful one of the device that the issuer signed, at whatever time; false as well
// where the issuer is not at hand (n 0). And its key, a SubjectPublicKeyInfo that the caller frees: 0, -EBADMSG or -ENOMEM.
bool bc_certificate_is_from(const struct bc_record_bytes *certificate, const struct bc_record_bytes *issuer, const char *device_id);
int bc_certificate_key(const struct bc_record_bytes *certificate, uint8_t **ret_key, size_t *ret_bytes);

#endif
