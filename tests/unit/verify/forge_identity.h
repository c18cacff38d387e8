// SPDX-License-Identifier: EUPL-1.2
// Keys and certificates for tests, made on the spot: lawful ones and every kind that is not. What fails aborts.
#ifndef TEST_VERIFY_FORGE_IDENTITY_H
#define TEST_VERIFY_FORGE_IDENTITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORGE_RECORDED_S INT64_C(1795655534) // 2026-11-26, when the tests' recordings are made
#define FORGE_ARC "2.25.141109206085313761295305289576533557891."

struct forge_authority {
        EVP_PKEY *key;
        X509 *certificate;
};

struct forge_want {
        const char *name, *device;           // CN; serialNumber, may be NULL
        const char *curve;                   // NULL: P-256; "RSA": 2048 bits
        const struct forge_authority *issuer; // NULL: itself
        bool ca;
        const char *usage;                   // NULL: what belongs there
        const char *constraints;             // NULL: what belongs there
        const char *policy;                  // last number in our arc; NULL: none
        bool twice;                          // the policy stands in two extensions; without one, a comment does
        int64_t from_s, until_s;             // 0: a year around the recording
        const EVP_MD *digest;                // NULL: SHA-256
        EVP_PKEY *key;                       // NULL: a new one; shared
        const char *purpose;                 // extended key usage; NULL: none
};

struct forge_authority forge_certify(const struct forge_want *want);
void forge_authority_done(struct forge_authority *authority);

// The private key 1 of a curve, which everybody knows: for what is kept and has to be made again under the same key.
EVP_PKEY *forge_key_of_everybody(const char *curve);

// Root, issuer below it and the device's own.
struct forge_identity {
        struct forge_authority root, issuer, device;
};

struct forge_identity forge_identity(const char *device, const char *policy, const char *curve);
// The device with the key of everybody.
struct forge_identity forge_identity_of_everybody(const char *device, const char *curve);
void forge_identity_done(struct forge_identity *identity);

// Writes certificates, or a revocation list of the issuer that names this certificate, as PEM into a new file of the folder.
void forge_pem(const char *path, X509 *certificate);
void forge_revoke(const char *path, const struct forge_authority *issuer, X509 *certificate, int64_t revoked_s, int reason);

#endif
