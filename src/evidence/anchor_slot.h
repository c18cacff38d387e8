// SPDX-License-Identifier: EUPL-1.2
// A slot of the anchor: its state, a number that grows, and a checksum by which one that a power cut tore is known
// (docs/formats/ledger.md, 4). Pure. Used by the anchor alone.
#ifndef BC_EVIDENCE_ANCHOR_SLOT_H
#define BC_EVIDENCE_ANCHOR_SLOT_H

#include "evidence/anchor.h"

#define BC_ANCHOR_SLOT_BYTES_MIN 192

// n: BC_ANCHOR_SLOT_BYTES_MIN or more; the checksum is the last of it. 0 or -ENOMEM.
int bc_anchor_slot_make(const struct bc_anchor_state *state, uint64_t turn, uint8_t *ret_slot, size_t n);

// Its turn, from 1; 0: it is no whole slot.
uint64_t bc_anchor_slot_read(const uint8_t *slot, size_t n, struct bc_anchor_state *ret_state);

#endif
