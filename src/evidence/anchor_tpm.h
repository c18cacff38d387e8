// SPDX-License-Identifier: EUPL-1.2
// The anchor in a TPM's memory (docs/formats/ledger.md, 4): two small slots, and how often they are written, for such memory is only good
// for some 100,000 writes. Used by the anchor alone.
#ifndef BC_EVIDENCE_ANCHOR_TPM_H
#define BC_EVIDENCE_ANCHOR_TPM_H

#include "evidence/anchor.h"

struct bc_anchor_tpm {
        uint32_t index;     // 0: there is none
        uint64_t turn;      // of the newest slot; 0: none is whole
        unsigned newest;    // which one that is
        uint64_t epoch;     // that it knows
        uint64_t recording; // of the record of a segment that it knows
        bool paced;         // written_ns is known
        bool weighty;       // something that matters has not been written
        int64_t written_ns; // when it was written, or the run began
};

// *ret_damaged: no slot is whole. 0; or a negative errno, and why in text: see bc_nv_read().
int bc_anchor_tpm_open(struct bc_anchor_tpm *tpm, uint32_t index, struct bc_anchor_state *ret_state, bool *ret_damaged, char *text,
                       size_t text_bytes);

// Whether it is time to write this. To be asked whenever there is something to write: it remembers what mattered until that is written.
bool bc_anchor_tpm_is_due(struct bc_anchor_tpm *tpm, const struct bc_anchor_state *state, enum bc_anchor_weight weight, int64_t now_ns);

// 0; or a negative errno, and why in text.
int bc_anchor_tpm_write(struct bc_anchor_tpm *tpm, const struct bc_anchor_state *state, uint64_t turn, int64_t now_ns, char *text,
                        size_t text_bytes);

// Defines the index, with a slot that says nothing. 0; or a negative errno, and why in text: see bc_nv_define().
int bc_anchor_tpm_make(uint32_t index, char *text, size_t text_bytes);

#endif
