// SPDX-License-Identifier: EUPL-1.2
// A manifest.sig that anybody may have written. What the verifier takes for the device's is one for OpenSSL and for the
// camera, too, and is it over no other text and by no other key.
#include <string.h>

#include <openssl/cms.h>

#include "everybody.h"
#include "evidence/endorsement.h"
#include "place.h"
#include "target.h"
#include "verify/endorsement.h"

struct judged_key {
        uint8_t sha256[BC_HASH_BYTES];
        uint8_t spki[200];
        size_t spki_bytes;
};

static void load(bool large, struct judged_key *key)
{
        struct forge_identity device = forge_identity_of_everybody("BC-0042", large ? "P-384" : "P-256");
        unsigned char *at = key->spki;

        FUZZ_EXPECT(X509_pubkey_digest(device.device.certificate, EVP_sha256(), key->sha256, NULL) == 1);
        key->spki_bytes = (size_t)i2d_PUBKEY(device.device.key, &at);
        FUZZ_EXPECT(key->spki_bytes > 0 && key->spki_bytes <= sizeof(key->spki));
        forge_identity_done(&device);
}

static enum bc_endorsement judge(int folder_fd, const struct judged_key *key, const char *manifest)
{
        struct bc_segment_verdict segment = { .file = "0001.mp4", .signer = { .known = true } };
        struct bc_recording_verdict verdict = {
                .fd = folder_fd, .folder = { .signature = true }, .segment = &segment, .segments = 1
        };

        memcpy(segment.signer.key_sha256, key->sha256, BC_HASH_BYTES);
        bc_endorsement_judge(&verdict, NULL, NULL, manifest, strlen(manifest));
        enum bc_endorsement endorsement = verdict.endorsement;
        FUZZ_EXPECT(endorsement == BC_ENDORSEMENT_SIGNED || endorsement == BC_ENDORSEMENT_WRONG);
        FUZZ_EXPECT((verdict.findings.count == 0) == (endorsement == BC_ENDORSEMENT_SIGNED));
        return endorsement;
}

static void check_signed(const struct judged_key *key, const uint8_t *bytes, size_t n)
{
        struct bc_record_bytes spki = { key->spki, key->spki_bytes };
        const unsigned char *at = bytes;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)n);
        BIO *in = BIO_new_mem_buf(EVERYBODY_MANIFEST, -1);

        FUZZ_EXPECT(cms && in);
        FUZZ_EXPECT(CMS_verify(cms, NULL, NULL, in, NULL,
                               CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY) == 1);
        FUZZ_EXPECT(
                bc_endorsement_recognise(&spki, bytes, n, EVERYBODY_MANIFEST, strlen(EVERYBODY_MANIFEST)));
        CMS_ContentInfo_free(cms);
        BIO_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static struct judged_key key[2];
        unsigned good = 0;

        if (key[0].spki_bytes == 0)
                for (size_t i = 0; i < 2; i++)
                        load(i == 1, &key[i]);
        int folder_fd = fuzz_place_write("manifest.sig", bytes, n);
        for (size_t i = 0; i < 2; i++) {
                if (judge(folder_fd, &key[i], EVERYBODY_MANIFEST) != BC_ENDORSEMENT_SIGNED)
                        continue;
                good++;
                check_signed(&key[i], bytes, n);
                FUZZ_EXPECT(judge(folder_fd, &key[i], EVERYBODY_MANIFEST " ") == BC_ENDORSEMENT_WRONG);
        }
        FUZZ_EXPECT(good <= 1);
        return 0;
}
