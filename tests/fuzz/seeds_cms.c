// SPDX-License-Identifier: EUPL-1.2
// Writes the files that fuzzing of manifest.sig and of time stamps began with into FOLDER/endorsement and FOLDER/stamp:
// the camera's own, and what OpenSSL makes besides: fuzz_seeds_cms FOLDER
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "everybody.h"
#include "evidence/endorsement.h"
#include "unit/verify/forge.h"
#include "unit/verify/forge_cms.h"

static void save(const char *folder, const char *target, const char *name, size_t number,
                 struct forge_der der)
{
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s/%s-%zu", folder, target, name, number);
        FILE *file = fopen(path, "we");
        if (!file || fwrite(der.bytes, 1, der.n, file) != der.n || fclose(file) != 0) {
                perror(path);
                exit(1);
        }
        forge_der_done(&der);
}

// As the camera does it, with its one certificate or the issuer's as well.
static struct forge_der wrap(const struct forge_identity *device, bool large, size_t certificates)
{
        struct bc_record_bytes chain[2];
        unsigned char *der[2] = { 0 };
        uint8_t signature[96];
        struct forge_der made;

        chain[0].n = (size_t)i2d_X509(device->device.certificate, &der[0]);
        chain[1].n = (size_t)i2d_X509(device->issuer.certificate, &der[1]);
        chain[0].bytes = der[0];
        chain[1].bytes = der[1];
        forge_sign(device->device.key, (const uint8_t *)EVERYBODY_MANIFEST, strlen(EVERYBODY_MANIFEST),
                   signature, large ? 48 : 32);
        if (bc_endorsement_wrap(large ? BC_RECORD_ES384 : BC_RECORD_ES256, chain, certificates, signature,
                                large ? 96 : 64, &made.bytes, &made.n) < 0)
                exit(1);
        OPENSSL_free(der[0]);
        OPENSSL_free(der[1]);
        return made;
}

static void save_endorsements(const char *folder, bool large)
{
        struct forge_identity device = forge_identity_of_everybody("BC-0042", large ? "P-384" : "P-256");
        struct forge_authority rsa = forge_certify(&(struct forge_want){ .name = "RSA", .curve = "RSA" });
        const struct forge_cms how[] = {
                { .signer = &device.device },
                { .signer = &device.device, .issuer = { &device.issuer, &device.root } },
                { .signer = &device.device, .second = &device.issuer },
                { .issuer = { &device.device, &device.issuer } },
                { .signer = &device.device, .attributes = true },
                { .signer = &device.device, .unsigned_attribute = true },
                { .signer = &device.device, .embedded = true },
                { .signer = &device.device, .by_key_id = true, .no_certificate = true },
                { .signer = &device.device, .issuer = { &device.issuer }, .revocations = true },
                { .signer = &device.device, .digest = EVP_sha1() },
                { .signer = &device.device, .strangers = 3 },
                { .signer = &device.device, .high_s = true },
                { .signer = &device.device, .streamed = true, .embedded = true },
                { .signer = &rsa },
        };

        for (size_t i = 1; i <= 2; i++)
                save(folder, "endorsement", large ? "camera384" : "camera", i, wrap(&device, large, i));
        for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++)
                save(folder, "endorsement", large ? "cms384" : "cms", i,
                     forge_cms(&how[i], EVERYBODY_MANIFEST, strlen(EVERYBODY_MANIFEST)));
        for (unsigned i = 0; i < 4; i++)
                save(folder, "endorsement", large ? "other384" : "other", i,
                     forge_cms_other(i, &device.device, EVERYBODY_MANIFEST, strlen(EVERYBODY_MANIFEST)));
        forge_identity_done(&device);
        forge_authority_done(&rsa);
}

static void save_stamps(const char *folder)
{
        struct forge_authority root, authority;
        uint8_t hash[32];

        everybody_stamps(&root, &authority);
        if (EVP_Digest(EVERYBODY_STAMPED, strlen(EVERYBODY_STAMPED), hash, NULL, EVP_sha256(), NULL) != 1)
                exit(1);
        for (size_t i = 0; i < 4; i++)
                save(folder, "stamp", i % 2 ? "token" : "response", i,
                     forge_stamp(&authority, &root, hash, i % 2, i < 2 ? 0 : 60));
        save(folder, "stamp", "cms", 0,
             forge_cms(&(struct forge_cms){ .signer = &authority,
                                            .attributes = true,
                                            .embedded = true,
                                            .another_type = true },
                       "0", 1));
        forge_authority_done(&root);
        forge_authority_done(&authority);
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                fputs("usage: fuzz_seeds_cms FOLDER\n", stderr);
                return 2;
        }
        save_endorsements(argv[1], false);
        save_endorsements(argv[1], true);
        save_stamps(argv[1]);
        return 0;
}
