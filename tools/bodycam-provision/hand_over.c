// SPDX-License-Identifier: EUPL-1.2
// A change of key that the old key signs (docs/formats/ledger.md, event 16): a run of its own in the ledger that ends with it. The
// daemon does not run meanwhile: the store's lock sees to that.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "evidence/describe.h"
#include "evidence/identity.h"
#include "evidence/ledger.h"
#include "evidence/refusal.h"
#include "evidence/store.h"
#include "provision.h"

#define GIVE_UP_NS (30 * BC_NS_PER_S)

BC_DEFINE_CLEANUP(identity, struct bc_identity, bc_identity_free)
BC_DEFINE_CLEANUP(chain, struct bc_chain, bc_chain_free)
BC_DEFINE_CLEANUP(store, struct bc_store, bc_store_free)
BC_DEFINE_CLEANUP(clock, struct bc_clock, bc_clock_free)

static int sign(void *user, const uint8_t *bytes, size_t n, uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX], size_t *ret_bytes)
{
        return bc_identity_sign(user, bytes, n, ret_signature, ret_bytes);
}

// What a run with these certificates would go on with.
static int look_at_ledger(const struct bc_provision *provision, const struct bc_store *store, const struct bc_chain *chain, char *text,
                          size_t text_bytes)
{
        const struct bc_ledger_owner owner = bc_standing_owner(provision->device, chain);
        struct bc_standing standing;
        int r;

        bc_standing_init(&standing);
        standing.only_looks = true; // what is put aside is for the run to state
        r = bc_standing_look(&standing, bc_store_fd(store), provision->anchor, &owner, true, text, text_bytes);
        if (r == 0 && (standing.found.head.epoch == 0 || standing.found.rolled_back))
                r = bc_refusal(text, text_bytes, ESTALE, "the ledger is not one that these certificates' key may go on with, or not as its anchor knows it");
        bc_standing_done(&standing);
        return r;
}

static int write_run(const struct bc_provision *provision, const struct bc_store *store, struct bc_identity *identity, struct bc_facts *facts,
                     const uint8_t next[BC_HASH_BYTES], char *text, size_t text_bytes)
{
        const struct bc_chain *chain = identity->chain;
        const struct bc_ledger_config config = {
                .store_fd = bc_store_fd(store),
                .anchor_path = provision->anchor,
                .owner = bc_standing_owner(provision->device, chain),
        };
        struct bc_signer_key key = { .algorithm = identity->algorithm, .chain_count = chain->count, .sign = sign, .user = identity };
        BC_CLEANUP(bc_cleanup_clock) struct bc_clock *clock = NULL;
        struct bc_ledger_start start = { .percent = BC_RECORD_UNKNOWN };
        struct bc_ledger *ledger = NULL;
        struct bc_signer *signer = NULL;
        struct bc_ledger_found found;
        bool opened;
        int r = bc_clock_new_real(&clock);

        memcpy(key.x5t, chain->x5t, sizeof(key.x5t));
        memcpy(key.chain, chain->certificate, sizeof(key.chain));
        bc_describe_boot_bytes(start.boot_id);
        if (r == 0)
                r = bc_signer_new(clock, &key, &signer);
        if (r == 0)
                r = bc_ledger_new(&config, &ledger);
        if (r == 0)
                r = bc_ledger_start(ledger, clock, signer, facts, &start);
        if (r < 0)
                bc_refusal(text, text_bytes, -r, "what signs cannot be made: %s", strerror(-r));
        else
                r = bc_ledger_await_look(ledger, GIVE_UP_NS, text, text_bytes, &found);
        opened = r == 0;
        if (r == 0 && found.rolled_back)
                r = bc_refusal(text, text_bytes, ESTALE, "the ledger or its anchor has changed just now: a new epoch was begun, and no key handed over");
        if (r == 0)
                bc_ledger_hand_over(ledger, next);
        bc_ledger_free(ledger, r == 0 ? "key handed over" : "key not handed over", opened ? GIVE_UP_NS : 0);
        bc_signer_free(signer);
        return r;
}

static int hand_over(const struct bc_provision *provision, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_identity) struct bc_identity *identity = NULL;
        BC_CLEANUP(bc_cleanup_chain) struct bc_chain *next = NULL;
        BC_CLEANUP(bc_cleanup_store) struct bc_store *store = NULL;
        struct bc_facts_config config = { .device = provision->device };
        struct bc_facts facts;
        int r = bc_identity_load(provision->uri, provision->certificates, provision->device, text, text_bytes, &identity);

        if (r == 0)
                r = bc_chain_load(provision->next, provision->device, text, text_bytes, &next);
        if (r == 0 && next->public_key.n == identity->chain->public_key.n &&
            memcmp(next->public_key.bytes, identity->chain->public_key.bytes, next->public_key.n) == 0)
                r = bc_refusal(text, text_bytes, EINVAL, "certificates %s: they are for the same key, which needs no handing over", provision->next);
        if (r == 0)
                r = bc_store_open(provision->store, provision->device, text, text_bytes, &store);
        if (r == 0 && bc_store_left_open_count(store) > 0)
                r = bc_refusal(text, text_bytes, EBUSY,
                               "store %s: %zu recordings are not finished; let the daemon start with the old key first", provision->store,
                               bc_store_left_open_count(store));
        if (r == 0)
                r = look_at_ledger(provision, store, identity->chain, text, text_bytes);
        if (r == 0 && (bc_facts_hash_program(config.firmware) < 0 || bc_facts_init(&facts, &config) < 0))
                r = bc_refusal(text, text_bytes, ENOMEM, "no memory");
        if (r < 0)
                return r;
        r = write_run(provision, store, identity, &facts, next->x5t, text, text_bytes);
        bc_facts_done(&facts);
        // As the daemon will find it.
        if (r == 0)
                r = look_at_ledger(provision, store, next, text, text_bytes);
        return r;
}

enum bc_provision_exit bc_provision_hand_over(const struct bc_provision *provision)
{
        char text[BC_PROVISION_TEXT_BYTES] = "";

        if (hand_over(provision, text, sizeof(text)) < 0)
                return bc_provision_refuse(text);
        printf("The ledger says that the key of %s signs from now on. Set [evidence] key and certificates to the new ones before the daemon starts.\n",
               provision->next);
        return BC_PROVISION_DONE;
}
