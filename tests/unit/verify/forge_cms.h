// SPDX-License-Identifier: EUPL-1.2
// manifest.sig for tests, by OpenSSL's CMS alone: the lawful one (manifest.md, 9) and those that are not. What fails aborts.
#ifndef TEST_VERIFY_FORGE_CMS_H
#define TEST_VERIFY_FORGE_CMS_H

#include "forge_identity.h"

// All zero but the signer is lawful.
struct forge_cms {
        const struct forge_authority *signer;    // NULL: nobody signs, and only the certificates are in it
        const struct forge_authority *second;    // signs, too
        const struct forge_authority *issuer[3]; // their certificates lie beside the signer's
        const EVP_MD *digest;                    // NULL: the one that goes with the signer's curve
        const EVP_MD *claimed;  // the hash that the signer is said to have used; NULL: the true one
        bool claimed_signature; // the signature is said to be of RSA
        unsigned strangers;     // further certificates, of nobody
        bool embedded;          // what is signed is in it
        bool attributes;        // signed ones, as most programs make them
        bool no_message_digest; // the same, the one that names what is signed taken out again
        bool unsigned_attribute;
        bool by_key_id;      // the signer is named by its key
        bool no_certificate; // not even the signer's
        bool revocations;    // a revocation list, of the first issuer
        bool another_type;   // what is signed is called a time stamp's content
        bool high_s;
        bool streamed; // BER of indefinite length
};

struct forge_der { // with room for one byte more
        uint8_t *bytes;
        size_t n;
};

struct forge_der forge_cms(const struct forge_cms *how, const void *content, size_t n);
// Other CMS: 0 data, 1 digested, 2 enveloped, 3 encrypted; what is in it is the content.
struct forge_der forge_cms_other(unsigned which, const struct forge_authority *recipient, const void *content,
                                 size_t n);
void forge_der_done(struct forge_der *der);

// A time stamp (RFC 3161) over that SHA-256, of FORGE_RECORDED_S; the whole response, or the token in it alone.
struct forge_der forge_stamp(const struct forge_authority *authority, const struct forge_authority *root,
                             const uint8_t sha256[32], bool token, int accuracy_s);

#endif
