// SPDX-License-Identifier: EUPL-1.2
// What the corpora of endorsement and stamp are made with and judged by: keys that everybody knows, so that they can be
// made again.
#ifndef TEST_FUZZ_EVERYBODY_H
#define TEST_FUZZ_EVERYBODY_H

#include "unit/verify/forge_identity.h"

#define EVERYBODY_MANIFEST "{\n \"version\": 1,\n \"device\": \"BC-0042\"\n}\n"
#define EVERYBODY_STAMPED "a head of a ledger"

// An authority of time stamps, and its root.
void everybody_stamps(struct forge_authority *ret_root, struct forge_authority *ret_authority);

#endif
