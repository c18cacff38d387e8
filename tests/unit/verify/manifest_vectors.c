// SPDX-License-Identifier: EUPL-1.2
// Writes docs/formats/vectors/manifest, as manifest.md, 9 describes it: manifest_vectors DIR, which must be empty. The device's
// key is everybody's; certificates and signatures are other ones each time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forge.h"
#include "forge_cms.h"
#include "manifest_forgeries.h"

static void save(const char *folder, const char *name, struct forge_der der)
{
        forge_file(folder, name, der.bytes, der.n);
        forge_der_done(&der);
}

// Its manifest is the caller's to free.
static char *write_recording(const struct forge_identity *identity, uint64_t number, const char *folder, char *path,
                             size_t path_bytes)
{
        struct forge *forge = forge_new(identity, 0);
        struct forge_cms how = { .signer = &identity->device, .issuer = { &identity->issuer } };

        forge->recording = number;
        forge->segments_stated = 2;
        forge_write(forge, "IPPaatg R IPPaa C F");
        forge_write(forge, "IPPaatg R IPPaa X F");
        char *manifest = forge_final_manifest(forge);
        forge_save(forge, folder, false, path, path_bytes);
        forge_file(path, "manifest.json", manifest, strlen(manifest));
        save(path, "manifest.sig", forge_cms(&how, manifest, strlen(manifest)));
        forge_free(forge);
        return manifest;
}

int main(int argc, char **argv)
{
        char path[4096];

        if (argc != 2) {
                fputs("usage: manifest_vectors DIR\n", stderr);
                return 2;
        }
        struct forge_identity small = forge_identity_of_everybody("BC-0042", "P-256"),
                              large = forge_identity_of_everybody("BC-0042", "P-384");
        snprintf(path, sizeof(path), "%s/root.pem", argv[1]);
        forge_pem(path, small.root.certificate);
        forge_pem(path, large.root.certificate);
        free(write_recording(&large, 18, argv[1], path, sizeof(path)));
        char *manifest = write_recording(&small, 17, argv[1], path, sizeof(path));
        for (size_t i = 0; i < MANIFEST_FORGERIES; i++) {
                snprintf(path, sizeof(path), "%s.sig", manifest_forgery[i].name);
                save(argv[1], path, manifest_forge(i, &small, manifest));
        }
        free(manifest);
        forge_identity_done(&small);
        forge_identity_done(&large);
        return 0;
}
