// SPDX-License-Identifier: EUPL-1.2
// An agency for recordings of tests to be sealed for, and its key.
#ifndef SEAL_H
#define SEAL_H

#include "evidence/agency.h"
#include "unit/evidence/scene.h"
#include "verify/opener.h"

struct seal {
        char *folder;
        struct bc_agency *agency;
        struct bc_opener *opener;
};

void seal_make(struct seal *ret_seal);
void seal_done(struct seal *seal);

// The records in a sealed file; marks->at and the like are places in its plain text. None where nothing of it can be opened.
void seal_marks(const struct seal *seal, const struct specimen_file *file, struct scene_marks *ret_marks);

#endif
