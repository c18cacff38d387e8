// SPDX-License-Identifier: EUPL-1.2
// A recording cut off between its segments 2 and 3: which record the tail anchor may name, and what the verifier says then.
#ifndef AFTER_H
#define AFTER_H

#include "unit/evidence/scene.h"
#include "verify/finding.h"

enum after {
        AFTER_LAST,       // the last record there is
        AFTER_ONE_BEFORE, // the one before, as when the cut came within 2 s
        AFTER_OLD,        // one of more than 2 s before
        AFTER_NONE,       // there is no anchor
        AFTER_LATER,      // a record of segment 3, which somebody took away
        AFTER_FALSE,      // a record of segment 2 that is not there
        AFTER_ELSEWHERE,  // one of a later recording
        AFTERS,
};

extern const enum bc_verdict after_expected[AFTERS];

// marks: of segment 2.
struct bc_anchor_state after_anchor(const struct scene_marks *marks, enum after after);

#endif
