// SPDX-License-Identifier: EUPL-1.2
// What a recorder seals its segments with: the agency's certificates, as many sealers as segments can be open at once, and one
// buffer for what is on its way to the card. Made once, so that nothing is allocated while fragments are sealed.
//
// Thread-bound to the recorder.
#ifndef BC_EVIDENCE_SEALING_H
#define BC_EVIDENCE_SEALING_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "evidence/sealer.h"

// The segment being written and those that wait for their last record, of the recording being written and of those that are closed.
#define BC_SEALING_SEGMENTS_MAX 16

struct bc_sealing;

// plain_bytes: of the largest write that is expected. Borrows the agency. 0 or what bc_sealer_new() says.
int bc_sealing_new(const struct bc_agency *agency, size_t plain_bytes, struct bc_sealing **ret_sealing);
void bc_sealing_free(struct bc_sealing *sealing); // NULL is allowed; all sealers were given back
BC_DEFINE_CLEANUP(sealing, struct bc_sealing, bc_sealing_free)

// A sealer for one segment, until it is given back. NULL: all are taken.
struct bc_sealer *bc_sealing_take(struct bc_sealing *sealing);

// Whatever it was sealing can never be gone on with: its key is wiped.
void bc_sealing_give(struct bc_sealing *sealing, struct bc_sealer *sealer);

// Room for the beginning of a file and so many bytes of plain text, sealed; valid until the next call. Allocates only where that is
// more than was expected. NULL: out of memory.
uint8_t *bc_sealing_room(struct bc_sealing *sealing, size_t plain_bytes, size_t *ret_room);

#endif
