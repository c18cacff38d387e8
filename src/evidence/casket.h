// SPDX-License-Identifier: EUPL-1.2
// Recovery's work on a sealed segment: it is looked at from outside and left as it is, for the device cannot open it and nobody may go
// on with it [rule 19]. Used by recovery alone.
#ifndef BC_EVIDENCE_CASKET_H
#define BC_EVIDENCE_CASKET_H

#include "evidence/patient.h"

// Whether NNNN.mp4.sealed is no regular file, or by its header another segment: it says so, and that it is left alone. 1, 0 or negative
// errno.
int bc_casket_is_stranger(struct bc_ward *ward, uint32_t number);

// Sees to NNNN.mp4.sealed, which is never opened for writing: where the recorder did not end it, NNNN.recovered beside it is a signed
// record of its length and hash as they were found, and of the tail anchor (docs/formats/record.md, kind 8). Cut off by the next power
// cut, it ends the same way. 0 or negative errno.
int bc_casket_treat(struct bc_ward *ward, uint32_t number);

#endif
