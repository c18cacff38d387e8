// SPDX-License-Identifier: EUPL-1.2
// The anchor's file (docs/formats/ledger.md, 4). Used by the anchor alone.
#ifndef BC_EVIDENCE_ANCHOR_FILE_H
#define BC_EVIDENCE_ANCHOR_FILE_H

#include "evidence/anchor.h"

struct bc_anchor_file {
        int fd;        // -1: not open
        uint64_t turn; // of the newest slot
};

// Opens it, or makes one that says nothing. *ret_damaged: what was there is no anchor, or has a number above count_max, and is called
// PATH.damaged now. only_looks: nothing is made or renamed, and fd is -1 where there is none. 0; -EINVAL: it is no regular file; or another negative errno. The caller closes fd, also then.
int bc_anchor_file_open(struct bc_anchor_file *file, const char *path, bool only_looks, uint64_t count_max, struct bc_anchor_state *ret_state,
                        bool *ret_damaged);

// The next turn after `turn` that leaves the newest slot alone.
uint64_t bc_anchor_file_turn_after(const struct bc_anchor_file *file, uint64_t turn);

// 0 or negative errno.
int bc_anchor_file_write(struct bc_anchor_file *file, const struct bc_anchor_state *state, uint64_t turn);

// BC_ANCHOR_ELSEWHERE or BC_ANCHOR_BESIDE.
uint32_t bc_anchor_file_medium(const struct bc_anchor_file *file, int fd);

#endif
