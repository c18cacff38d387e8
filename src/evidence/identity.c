// SPDX-License-Identifier: EUPL-1.2
#include "evidence/identity.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "evidence/refusal.h"

BC_DEFINE_CLEANUP(identity, struct bc_identity, bc_identity_free)

int bc_identity_load(const char *key_uri, const char *certificates_path, const char *device_id, char *text, size_t text_bytes,
                     struct bc_identity **ret_identity)
{
        BC_CLEANUP(bc_cleanup_identity) struct bc_identity *identity = calloc(1, sizeof(*identity));
        struct bc_record_bytes public;
        int r;

        if (!identity)
                return bc_refusal(text, text_bytes, ENOMEM, "identity: no memory");
        r = bc_chain_load(certificates_path, device_id, text, text_bytes, &identity->chain);
        if (r == 0)
                r = bc_key_open(key_uri, text, text_bytes, &identity->key);
        if (r < 0)
                return r;
        public = bc_key_public(identity->key);
        if (public.n != identity->chain->public_key.n || memcmp(public.bytes, identity->chain->public_key.bytes, public.n) != 0)
                return bc_refusal(text, text_bytes, EINVAL, "certificates %s: certificate 1 is not for the key %s", certificates_path,
                                  key_uri);
        identity->algorithm = bc_key_algorithm(identity->key);
        *ret_identity = BC_TAKE(identity);
        return 0;
}

void bc_identity_free(struct bc_identity *identity)
{
        if (!identity)
                return;
        bc_key_close(identity->key);
        bc_chain_free(identity->chain);
        free(identity);
}

int bc_identity_sign(struct bc_identity *identity, const uint8_t *to_be_signed, size_t size,
                     uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX], size_t *ret_bytes)
{
        return bc_key_sign(identity->key, to_be_signed, size, ret_signature, ret_bytes);
}
