// SPDX-License-Identifier: EUPL-1.2
// A slot of the anchor: its state, a number that grows, and a checksum by which one that a power cut tore is known
// (docs/formats/ledger.md, 4). Pure. Used by the anchor alone.
#ifndef BC_EVIDENCE_ANCHOR_SLOT_H
#define BC_EVIDENCE_ANCHOR_SLOT_H

#include "evidence/anchor.h"

#define BC_ANCHOR_SLOT_BYTES_MIN 192

// Numbers that nobody else vouches for go up to here: there are some left to count on with. Those of a TPM, which the device alone has
// written, may all be read again, whatever they were counted on from.
#define BC_ANCHOR_COUNT_MAX ((uint64_t)INT64_MAX / 2)
#define BC_ANCHOR_COUNT_MAX_TPM ((uint64_t)INT64_MAX)

// n: BC_ANCHOR_SLOT_BYTES_MIN or more; the checksum is the last of it. 0 or -ENOMEM.
int bc_anchor_slot_make(const struct bc_anchor_state *state, uint64_t turn, uint8_t *ret_slot, size_t n);

// Its turn, from 1; 0: it is no whole slot, or has a number above count_max, or names a record that there cannot be.
uint64_t bc_anchor_slot_read(const uint8_t *slot, size_t n, uint64_t count_max, struct bc_anchor_state *ret_state);

// The largest number in it.
uint64_t bc_anchor_slot_count(const struct bc_anchor_state *state, uint64_t turn);

#endif
