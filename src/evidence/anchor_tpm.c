// SPDX-License-Identifier: EUPL-1.2
#include "evidence/anchor_tpm.h"

#include <errno.h>
#include <string.h>

#include "evidence/anchor_slot.h"
#include "evidence/nv.h"
#include "evidence/refusal.h"

// As small as it gets: a TPM has a few kilobytes for everybody.
#define SLOT_BYTES BC_ANCHOR_SLOT_BYTES_MIN
#define BYTES (2 * SLOT_BYTES)

_Static_assert(BYTES <= BC_NV_BYTES_MAX, "read in one command");

int bc_anchor_tpm_open(struct bc_anchor_tpm *tpm, uint32_t index, struct bc_anchor_state *ret_state, bool *ret_damaged, char *text,
                       size_t text_bytes)
{
        uint8_t slots[BYTES];
        int r = bc_nv_read(index, slots, sizeof(slots), text, text_bytes);

        if (r < 0)
                return r;
        *tpm = (struct bc_anchor_tpm){ .index = index };
        for (unsigned i = 0; i < 2; i++) {
                struct bc_anchor_state state;
                uint64_t turn = bc_anchor_slot_read(slots + i * SLOT_BYTES, SLOT_BYTES, BC_ANCHOR_COUNT_MAX_TPM, &state);

                if (turn > tpm->turn) {
                        tpm->turn = turn;
                        tpm->newest = i;
                        tpm->epoch = state.epoch;
                        tpm->recording = state.recording;
                        *ret_state = state;
                }
        }
        *ret_damaged = tpm->turn == 0;
        return 0;
}

bool bc_anchor_tpm_is_due(struct bc_anchor_tpm *tpm, const struct bc_anchor_state *state, enum bc_anchor_weight weight, int64_t now_ns)
{
        if (!tpm->paced)
                tpm->written_ns = now_ns; // a run that ends soon, over and over, writes nothing
        tpm->paced = true;
        // A recording may have begun with what was written before it had a record: for ten minutes it could be cut at will, unseen.
        tpm->weighty |= weight != BC_ANCHOR_LIGHT || state->recording != tpm->recording;
        return weight == BC_ANCHOR_LAST || state->epoch != tpm->epoch ||
               now_ns - tpm->written_ns >= (tpm->weighty ? BC_ANCHOR_TPM_SOON_NS : BC_ANCHOR_TPM_LATER_NS);
}

int bc_anchor_tpm_write(struct bc_anchor_tpm *tpm, const struct bc_anchor_state *state, uint64_t turn, int64_t now_ns, char *text,
                        size_t text_bytes)
{
        unsigned slot = tpm->turn > 0 ? 1 - tpm->newest : 0;
        uint8_t bytes[SLOT_BYTES];
        int r = bc_anchor_slot_make(state, turn, bytes, sizeof(bytes));

        if (r < 0)
                return bc_refusal(text, text_bytes, -r, "anchor: no memory");
        r = bc_nv_write(tpm->index, BYTES, slot * SLOT_BYTES, bytes, sizeof(bytes), text, text_bytes);
        if (r < 0)
                return r;
        tpm->turn = turn;
        tpm->newest = slot;
        tpm->epoch = state->epoch;
        tpm->recording = state->recording;
        tpm->weighty = false;
        tpm->written_ns = now_ns;
        return 0;
}

int bc_anchor_tpm_make(uint32_t index, char *text, size_t text_bytes)
{
        static const struct bc_anchor_state nothing;
        uint8_t slots[BYTES] = { 0 };
        int r = bc_anchor_slot_make(&nothing, 1, slots, SLOT_BYTES);

        return r < 0 ? bc_refusal(text, text_bytes, -r, "anchor: no memory") : bc_nv_define(index, slots, sizeof(slots), text, text_bytes);
}
