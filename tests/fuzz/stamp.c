// SPDX-License-Identifier: EUPL-1.2
// A file that is handed to the verifier as a time stamp: refused with a reason, or of the authority that is believed, and
// then over what that has stamped, at its time.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "everybody.h"
#include "place.h"
#include "target.h"
#include "verify/stamp.h"

static struct bc_stamp_trust *believe(uint8_t ret_sha256[BC_HASH_BYTES])
{
        struct forge_authority root, authority;
        struct bc_stamp_trust *trust;
        char fault[200];

        everybody_stamps(&root, &authority);
        forge_pem(fuzz_place_path("root.pem"), root.certificate);
        FUZZ_EXPECT(bc_stamp_trust_new(&trust) == 0);
        FUZZ_EXPECT(bc_stamp_trust_add(trust, fuzz_place_path("root.pem"), fault, sizeof(fault)) == 0);
        remove(fuzz_place_path("root.pem"));
        FUZZ_EXPECT(EVP_Digest(EVERYBODY_STAMPED, strlen(EVERYBODY_STAMPED), ret_sha256, NULL, EVP_sha256(),
                               NULL) == 1);
        forge_authority_done(&root);
        forge_authority_done(&authority);
        return trust;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static struct bc_stamp_trust *trust;
        static uint8_t stamped[BC_HASH_BYTES];
        struct bc_witnesses witnesses = { 0 };
        uint8_t sha256[BC_HASH_BYTES];
        char fault[200] = "";

        if (!trust)
                trust = believe(stamped);
        fuzz_place_write("stamp.tsr", bytes, n);
        int r = bc_stamp_add(trust, fuzz_place_path("stamp.tsr"), &witnesses, fault, sizeof(fault));
        if (r < 0) {
                FUZZ_EXPECT(witnesses.count == 0 && (r != -EBADMSG || fault[0]));
        } else {
                const struct bc_witness *witness = witnesses.witness;
                int64_t s = witness->utc_ns / BC_NS_PER_S;

                FUZZ_EXPECT(witnesses.count == 1 && witness->kind == BC_WITNESS_STAMP);
                FUZZ_EXPECT(memcmp(witness->hash, stamped, BC_HASH_BYTES) == 0);
                FUZZ_EXPECT(s >= FORGE_RECORDED_S && s <= FORGE_RECORDED_S + 86400);
                FUZZ_EXPECT(EVP_Digest(bytes, n, sha256, NULL, EVP_sha256(), NULL) == 1);
                FUZZ_EXPECT(memcmp(witness->nonce, sha256, BC_HASH_BYTES) == 0 &&
                            witness->nonce_bytes == BC_HASH_BYTES);
        }
        bc_witnesses_done(&witnesses);
        return 0;
}
