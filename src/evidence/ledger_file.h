// SPDX-License-Identifier: EUPL-1.2
// The files of the ledger as they lie in STORE/ledger (docs/formats/ledger.md, 1): finding where the chain has come to, and
// whether it has a certain record. Used by the ledger alone.
#ifndef BC_EVIDENCE_LEDGER_FILE_H
#define BC_EVIDENCE_LEDGER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

#define BC_LEDGER_NAME_BYTES 48
#define BC_LEDGER_FOLDER "ledger" // in the store

// The newest whole record of a ledger. epoch 0: there is none.
struct bc_ledger_head {
        uint64_t epoch, boot, sequence;
        uint8_t hash[BC_HASH_BYTES];
        int64_t signed_ns;
        bool stopped; // its last event is `stop`
};

// "EEEEEE-BBBBBB-SSSSSSSSSSSS.ledger"
void bc_ledger_name(uint64_t epoch, uint64_t boot, uint64_t sequence, char ret_name[BC_LEDGER_NAME_BYTES]);

// Looks through the folder. has: whether the chain has the record of that epoch and sequence number with that hash, in *ret_has; the
// hash may be NULL. 0 or negative errno.
int bc_ledger_find_head(int folder_fd, uint64_t epoch, uint64_t sequence, const uint8_t *hash, struct bc_ledger_head *ret_head,
                        bool *ret_has);

#endif
