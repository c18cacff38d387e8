// SPDX-License-Identifier: EUPL-1.2
#include "manifest_forgeries.h"

#include <stdlib.h>
#include <string.h>

enum forgery {
        ANOTHER_TEXT,
        ANOTHER_KEY,
        NO_SIGNER,
        TWO_SIGNERS,
        EMBEDDED,
        ATTRIBUTES,
        ANOTHER_HASH,
        SAID_TO_BE_SHA1,
        HIGH_S,
        BY_KEY_ID,
        REVOCATIONS,
        STRANGER,
        INDEFINITE,
        BYTE_BEHIND,
        CUT,
};

const struct manifest_forgery manifest_forgery[MANIFEST_FORGERIES] = {
        [ANOTHER_TEXT] = { "another-text", "it is not one over this manifest.json" },
        [ANOTHER_KEY] = { "another-key", "not by the key that the records are signed with" },
        [NO_SIGNER] = { "no-signer", "not the SignedData of one signer" },
        [TWO_SIGNERS] = { "two-signers", "not the SignedData of one signer" },
        [EMBEDDED] = { "embedded", "not detached" },
        [ATTRIBUTES] = { "attributes", "it has attributes" },
        [ANOTHER_HASH] = { "another-hash", "its hash is not the key's" },
        [SAID_TO_BE_SHA1] = { "said-to-be-sha1", "its hash is not the key's" },
        [HIGH_S] = { "high-s", "not in the one form of a signature (low s)" },
        [BY_KEY_ID] = { "key-id", "not of the form that the camera gives it" },
        [REVOCATIONS] = { "revocation-list", "not of the form that the camera gives it" },
        [STRANGER] = { "stranger", "it holds certificates that are not the issuers'" },
        [INDEFINITE] = { "indefinite", "not DER" },
        [BYTE_BEHIND] = { "byte-behind", "more follows it" },
        [CUT] = { "cut", "it is no CMS" },
};

// The outermost box of no stated length, with an end.
static void make_indefinite(struct forge_der *der)
{
        if (der->bytes[1] != 0x82)
                abort();
        der->bytes[1] = 0x80;
        memmove(der->bytes + 2, der->bytes + 4, der->n - 4);
        memset(der->bytes + der->n - 2, 0, 2);
}

struct forge_der manifest_forge(size_t i, const struct forge_identity *identity, const char *manifest)
{
        struct forge_authority other = forge_certify(
                &(struct forge_want){ .name = "Body camera", .device = "BC-0042", .issuer = &identity->issuer });
        struct forge_cms how = { .signer = &identity->device, .issuer = { &identity->issuer } };
        const char *text = manifest;

        switch (i) {
        case ANOTHER_TEXT:
                text = "{}";
                break;
        case ANOTHER_KEY:
                how.signer = &other;
                break;
        case NO_SIGNER:
                how.signer = NULL;
                how.issuer[1] = &identity->device;
                break;
        case TWO_SIGNERS:
                how.second = &other;
                break;
        case EMBEDDED:
                how.embedded = true;
                break;
        case ATTRIBUTES:
                how.attributes = true;
                break;
        case ANOTHER_HASH:
                how.digest = EVP_sha512();
                break;
        case SAID_TO_BE_SHA1:
                how.claimed = EVP_sha1();
                break;
        case HIGH_S:
                how.high_s = true;
                break;
        case BY_KEY_ID:
                how.by_key_id = true;
                break;
        case REVOCATIONS:
                how.revocations = true;
                break;
        case STRANGER:
                how.strangers = 1;
                break;
        default:
                break;
        }
        struct forge_der der = forge_cms(&how, text, strlen(text));
        if (i == INDEFINITE)
                make_indefinite(&der);
        if (i == BYTE_BEHIND)
                der.bytes[der.n++] = 0; // there is room for one
        if (i == CUT)
                der.n--;
        forge_authority_done(&other);
        return der;
}
