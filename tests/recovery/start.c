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

// What the anchor knows of recordings, as if the run before had written it.
static void set_tail(const char *path, const struct bc_anchor_state *tail)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor;
        char text[256];

        assert_int_equal(bc_anchor_open(path, false, text, sizeof(text), &anchor, &found), 0);
        found.state.recording = tail->recording;
        found.state.segment = tail->segment;
        found.state.index = tail->index;
        found.state.tail_ns = tail->tail_ns;
        memcpy(found.state.tail_hash, tail->tail_hash, BC_HASH_BYTES);
        assert_int_equal(bc_anchor_write(anchor, &found.state, BC_ANCHOR_LIGHT, 0, NULL, 0), 0);
        bc_anchor_free(anchor);
}

void start_begin(struct bc_ledger *ledger, void *user)
{
        struct bc_ledger_entry entry;

        bc_entry_beginning(&entry, bc_signer_now_ns(scene_notary.signer), 1, 110 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, true);
        if (!user)
                return;
        bc_entry_beginning(&entry, bc_signer_now_ns(scene_notary.signer), 2, 150 * BC_TICKS_PER_S);
        bc_ledger_tell(ledger, &entry, false);
        bc_entry_closing(&entry, bc_signer_now_ns(scene_notary.signer), 2, 0, NULL);
        bc_ledger_tell(ledger, &entry, true);
}

struct bc_recovery_report start_run(const struct clinic *clinic, const struct start *start)
{
        const struct notary_temper temper = { .pace_ns = 0 };
        struct bc_recovery_report report = { 0 };
        char text[256], anchor[FOLDER_PATH_BYTES + 16];
        struct bc_ledger *ledger;
        struct bc_clock *clock;
        struct bc_store *store;

        snprintf(anchor, sizeof(anchor), "%s/anchor", clinic->path); // a test may have it on the same medium
        assert_int_equal(bc_clock_new_real(&clock), 0);
        assert_int_equal(bc_store_open(clinic->path, NOTARY_DEVICE, text, sizeof(text), &store), 0);
        if (start->anchor)
                set_tail(anchor, start->anchor);
        notary_set(&scene_notary, &temper);
        ledger = notary_open_ledger(&scene_notary, clock, bc_store_fd(store), anchor);
        if (start->tell)
                start->tell(ledger, start->user);

        struct bc_rescue_kit kit = { .service = &scene_notary.attestation, .public_key = scene_notary.public_key, .reset = 1 };
        memcpy(kit.x5t, scene_notary.x5t, BC_HASH_BYTES);
        if (!start->idle)
                assert_int_equal(bc_recovery_run(store, &kit, NULL, &report), 0);
        bc_ledger_free(ledger, "shutdown", start->cut_off ? 0 : GIVE_UP_NS);
        scene_notary.attestation.ledger = NULL;
        notary_close(&scene_notary);
        bc_store_free(store);
        bc_clock_free(clock);
        return report;
}
