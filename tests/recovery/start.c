// SPDX-License-Identifier: EUPL-1.2
#include "start.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define GIVE_UP_NS (20 * BC_NS_PER_S)

static void tell_start(struct bc_ledger *ledger, struct bc_clock *clock, const struct bc_ledger_found *found)
{
        static const uint8_t boot_id[BC_BOOT_ID_BYTES] = { 1 };
        struct bc_ledger_entry entry;

        if (found->rolled_back) {
                bc_entry_rollback(&entry, bc_clock_now_ns(clock), found->head.sequence, found->head.epoch ? found->head.hash : NULL,
                                  found->anchor.sequence, found->anchor.epoch ? found->anchor.hash : NULL);
                bc_ledger_tell(ledger, &entry, false);
        }
        bc_entry_start(&entry, bc_clock_now_ns(clock), found->clean, 1, boot_id, found->last_ns, 50);
        bc_ledger_tell(ledger, &entry, true);
}

struct bc_recovery_report start_run(const struct clinic *clinic, const struct start *start)
{
        const struct notary_temper temper = { .pace_ns = 0 };
        struct bc_recovery_report report = { 0 };
        char text[256], anchor[FOLDER_PATH_BYTES + 16];
        struct bc_ledger_found found;
        struct bc_ledger *ledger;
        struct bc_clock *clock;
        struct bc_store *store;

        snprintf(anchor, sizeof(anchor), "%s/anchor", clinic->path); // a test may have it on the same medium
        assert_int_equal(bc_clock_new_real(&clock), 0);
        assert_int_equal(bc_store_open(clinic->path, NOTARY_DEVICE, text, sizeof(text), &store), 0);
        assert_int_equal(bc_ledger_open(bc_store_fd(store), anchor, text, sizeof(text), &ledger, &found), 0);
        notary_set(&scene_notary, &temper);
        notary_open(&scene_notary, clock, found.epoch, found.boot);
        assert_int_equal(bc_ledger_start(ledger, clock, scene_notary.signer, &scene_notary.facts), 0);
        scene_notary.attestation.ledger = ledger;
        tell_start(ledger, clock, &found);
        if (start->tell)
                start->tell(ledger, start->user);

        struct bc_rescue_kit kit = { .service = &scene_notary.attestation, .public_key = scene_notary.public_key, .reset = 1 };
        memcpy(kit.x5t, scene_notary.x5t, BC_HASH_BYTES);
        if (start->anchor)
                kit.anchor = *start->anchor;
        if (!start->idle)
                assert_int_equal(bc_recovery_run(store, &kit, NULL, &report), 0);
        bc_ledger_free(ledger, "shutdown", GIVE_UP_NS);
        scene_notary.attestation.ledger = NULL;
        notary_close(&scene_notary);
        bc_store_free(store);
        bc_clock_free(clock);
        return report;
}
