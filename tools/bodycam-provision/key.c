// SPDX-License-Identifier: EUPL-1.2
#include <stdio.h>

#include "base/cleanup.h"
#include "evidence/key.h"
#include "provision.h"

enum bc_provision_exit bc_provision_key(const struct bc_provision *provision)
{
        static const char *const places[] = { [BC_KEY_FILE] = "a file", [BC_KEY_TPM] = "a TPM 2.0", [BC_KEY_TOKEN] = "a token" };
        char text[BC_PROVISION_TEXT_BYTES];
        struct bc_key_uri uri;
        struct bc_key *key;
        int r = bc_key_uri_parse(provision->uri, text, sizeof(text), &uri);

        if (r < 0)
                return bc_provision_refuse(text);
        switch (uri.place) {
        case BC_KEY_FILE:
                r = bc_make_in_file(uri.path, provision->algorithm, text, sizeof(text));
                break;
        case BC_KEY_TPM:
                r = bc_make_in_tpm(uri.handle, provision->algorithm, text, sizeof(text));
                break;
        case BC_KEY_TOKEN:
                r = bc_make_in_token(provision->uri, provision->algorithm, text, sizeof(text));
                break;
        }
        // As the recorder will: what it could not open would be of no use.
        if (r == 0)
                r = bc_key_open(provision->uri, text, sizeof(text), &key);
        if (r < 0)
                return bc_provision_refuse(text);
        printf("made a key in %s: %s, %s\n", places[uri.place], provision->uri,
               bc_key_algorithm(key) == BC_RECORD_ES384 ? "P-384" : "P-256");
        bc_key_close(key);
        return BC_PROVISION_DONE;
}
