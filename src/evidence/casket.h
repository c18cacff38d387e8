// SPDX-License-Identifier: EUPL-1.2
// Recovery's work on a sealed segment: it is looked at from outside and left as it is, for the device cannot open it and nobody may go
// on with it [rule 19]. Used by recovery alone.
#ifndef BC_EVIDENCE_CASKET_H
#define BC_EVIDENCE_CASKET_H

#include "evidence/patient.h"

// Sees to NNNN.mp4.sealed, which is never opened for writing. 0 or negative errno.
int bc_casket_treat(struct bc_ward *ward, uint32_t number);

#endif
