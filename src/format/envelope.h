// SPDX-License-Identifier: EUPL-1.2
// The envelope in the header of a sealed file: CMS AuthEnvelopedData (RFC 5083, 5084, 5652, 5753, 8017) in DER that
// holds a file key for several recipients. Here is the judgement of its form alone; OpenSSL makes and opens it.
//
// CMS says which algorithms a message uses and readers follow, so a weak one would be followed as well. Exactly those
// of docs/formats/sealed.md are accepted, on writing as on reading, and no field that it does not list.
//
// Pure; any thread; allocates nothing.
#ifndef BC_FORMAT_ENVELOPE_H
#define BC_FORMAT_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#define BC_ENVELOPE_RECIPIENTS_MAX 8
#define BC_ENVELOPE_RSA_BITS_MIN 3072
#define BC_ENVELOPE_RSA_BITS_MAX 8192

enum bc_envelope_kind {
        BC_ENVELOPE_RSA,  // RSA-OAEP, SHA-256
        BC_ENVELOPE_P256, // ECDH, X9.63 KDF with SHA-256, AES-256 key wrap
        BC_ENVELOPE_P384,
};

struct bc_envelope_recipient {
        enum bc_envelope_kind kind;
        const uint8_t *id; // IssuerAndSerialNumber of the certificate, DER; lent out of the envelope
        size_t id_bytes;
};

struct bc_envelope {
        size_t recipients; // 1 to BC_ENVELOPE_RECIPIENTS_MAX, in the order of the envelope
        struct bc_envelope_recipient recipient[BC_ENVELOPE_RECIPIENTS_MAX];
};

// 0; -ENOTSUP: a CMS message with another algorithm, kind of message or of recipient, or a key that is too short;
// -EBADMSG: anything else that is not the form. On failure nothing is set.
int bc_envelope_parse(const uint8_t *bytes, size_t n, struct bc_envelope *ret_envelope);

#endif
