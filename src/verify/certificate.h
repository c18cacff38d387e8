// SPDX-License-Identifier: EUPL-1.2
// Who signed: certificates of devices, judged by the trust anchors that the user names and by nothing else (record.md, 4).
//
// struct bc_trust: built by one thread, immutable and usable by any thread afterwards. struct bc_certificate: thread-bound.
#ifndef BC_VERIFY_CERTIFICATE_H
#define BC_VERIFY_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/record.h"
#include "verify/finding.h"

#define BC_CERTIFICATE_NAME_BYTES 200
#define BC_CERTIFICATE_SERIAL_BYTES 64

struct bc_trust;

// Without anchors. 0 or -ENOMEM.
int bc_trust_new(struct bc_trust **ret_trust);
void bc_trust_free(struct bc_trust *trust);

// Adds the certificates, or the revocation lists, of a PEM file: at least one, and nothing else in it. 0; -EBADMSG: not of
// that form, with what is wrong in text; or negative errno.
int bc_trust_add_roots(struct bc_trust *trust, const char *path, char *text, size_t text_bytes);
int bc_trust_add_revocations(struct bc_trust *trust, const char *path, char *text, size_t text_bytes);

size_t bc_trust_roots(const struct bc_trust *trust);
// Whether one of the anchors signed it, whatever the time.
bool bc_trust_vouches(const struct bc_trust *trust, X509 *certificate);

// How well the key is kept, by the CA's word.
enum bc_protection {
        BC_PROTECTION_NOT_SAID,
        BC_PROTECTION_FILE,
        BC_PROTECTION_TPM,
        BC_PROTECTION_HARDWARE,
};

// What is said of a signer in a report. Names hold untrusted text.
struct bc_signer {
        bool known; // the rest is filled in
        bool test;  // by a policy in it, or in a certificate above it
        bool trusted;
        enum bc_protection protection;
        enum bc_record_algorithm algorithm;
        char subject[BC_CERTIFICATE_NAME_BYTES], issuer[BC_CERTIFICATE_NAME_BYTES], root[BC_CERTIFICATE_NAME_BYTES];
        char serial[BC_CERTIFICATE_SERIAL_BYTES]; // hexadecimal
        uint8_t sha256[BC_HASH_BYTES];
        uint8_t key_sha256[BC_HASH_BYTES]; // of the public key: that of all certificates for it (RFC 5280, 4.2.1.2, with SHA-256)
        int64_t from_ns, until_ns; // its validity, UTC
        int64_t judged_ns;         // the instant at which validity was judged
        bool judged_now;           // that is the present: when it was recorded is not known
};

struct bc_certificate {
        EVP_PKEY *key; // NULL: cannot be used
        X509 *leaf;
        STACK_OF(X509) *issuers;
        struct bc_signer signer;
};

void bc_certificate_init(struct bc_certificate *certificate);
void bc_certificate_done(struct bc_certificate *certificate);

// Reads an x5chain and judges the device's certificate by itself: its hash, its device id, key, usage. What is wrong is found.
// 0: its key can be used; -EBADMSG: it cannot; -ENOMEM.
int bc_certificate_open(struct bc_certificate *certificate, const struct bc_record *record, uint64_t offset,
                        struct bc_findings *findings);

// Where the instants come from at which certificates are judged.
enum bc_instant {
        BC_INSTANT_CLAIMED,   // the records say so: whoever has the key can write any time
        BC_INSTANT_WITNESSED, // others do: by then it was there [16]
        BC_INSTANT_NOW,       // nobody does: the present, for which no recording is blamed
};

// Follows the chain to an anchor, as it was at each of these instants (UTC). Without any anchor that is what is found.
void bc_certificate_trust(struct bc_certificate *certificate, const struct bc_trust *trust, const int64_t *utc_ns,
                          size_t instants, enum bc_instant from, struct bc_findings *findings);

// Within the part: judges the certificates of a verified chain by the revocation lists given (verify/revocation.c).
void bc_revocation_judge(const STACK_OF(X509_CRL) *lists, const STACK_OF(X509) *chain, int64_t utc_ns,
                         enum bc_instant from, struct bc_findings *findings);

// Within the part: RFC 2253, control characters escaped. Always ends with 0.
void bc_certificate_name(const X509_NAME *name, char ret_text[BC_CERTIFICATE_NAME_BYTES]);

// Within the part: 0 and UTC; -ERANGE.
int bc_certificate_time(const ASN1_TIME *time, int64_t *ret_utc_ns);

const char *bc_protection_name(enum bc_protection protection);

#endif
