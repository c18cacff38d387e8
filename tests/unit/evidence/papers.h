// SPDX-License-Identifier: EUPL-1.2
// Keys and certificates for tests, good ones and each kind of bad one.
#ifndef BC_TESTS_PAPERS_H
#define BC_TESTS_PAPERS_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#define PAPER_DEVICE "TEST-0001"
#define PAPER_POLICY(n) "2.25.141109206085313761295305289576533557891." #n

// A certificate and its key.
struct paper {
        EVP_PKEY *key;
        X509 *certificate;
};

// What stands in one. Begin with paper_device or paper_authority.
struct paper_text {
        const char *name, *serial, *second_serial; // serial NULL: none
        const char *curve;                         // P-256, P-384, P-521, secp256k1; NULL: RSA
        size_t rsa_bits;
        const char *hash; // that the issuer signs with
        // As openssl's x509v3_config(5) has them; NULL: not there.
        const char *usage, *basic, *policies;
        bool usage_twice, policies_twice, malformed_policies, unknown_critical, version_1, damaged;
        int64_t from_s, until_s;
};

extern const struct paper_text paper_device, paper_authority;

// issuer NULL: by itself.
void paper_make(const struct paper_text *text, const struct paper *issuer, struct paper *ret_paper);
void paper_free(struct paper *paper);

// Files: PEM, one behind the other; a private key as PKCS#8, mode 0600.
void paper_write(const char *path, const struct paper *const *papers, size_t count);
void paper_write_key(const char *path, EVP_PKEY *key, bool encrypted);

#endif
