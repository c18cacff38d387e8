// SPDX-License-Identifier: EUPL-1.2
// The false manifest.sig of docs/formats/vectors/manifest: name of the file, what is wrong, and the verifier's words for it.
#ifndef TEST_VERIFY_MANIFEST_FORGERIES_H
#define TEST_VERIFY_MANIFEST_FORGERIES_H

#include "forge_cms.h"

#define MANIFEST_FORGERIES 15

struct manifest_forgery {
        const char *name, *words;
};

extern const struct manifest_forgery manifest_forgery[MANIFEST_FORGERIES];

struct forge_der manifest_forge(size_t i, const struct forge_identity *identity, const char *manifest);

#endif
