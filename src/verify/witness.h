// SPDX-License-Identifier: EUPL-1.2
// Heads of ledgers that somebody else has seen (EVIDENCE 12): a ledger without one of them is not what the device wrote.
// Thread-bound.
#ifndef BC_VERIFY_WITNESS_H
#define BC_VERIFY_WITNESS_H

#include "verify/ledger.h"

// "DEVICE:EPOCH:SEQUENCE:HASH", the hash in 64 hexadecimal digits.
#define BC_WITNESS_TEXT_BYTES (BC_RECORD_DEVICE_BYTES_MAX + 2 * 21 + 2 * BC_HASH_BYTES + 4)

struct bc_witness {
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];
        uint64_t epoch, sequence;
        uint8_t hash[BC_HASH_BYTES];
};

struct bc_witnesses {
        struct bc_witness *witness;
        size_t count, room;
};

// Adds a head, or all heads of a file that has one on each line (empty lines and lines that begin with # say nothing; at most
// 1 MiB). 0; -EBADMSG: neither, with what is wrong in text; or negative errno.
int bc_witnesses_add(struct bc_witnesses *witnesses, const char *head_or_path, char *text, size_t text_bytes);
void bc_witnesses_done(struct bc_witnesses *witnesses);

// Whether the head is of this ledger's device; if so, and it is not in the ledger, that is found.
bool bc_witness_judge(const struct bc_witness *witness, struct bc_ledger_verdict *ledger);

// The head of a ledger that has one.
void bc_witness_text(const struct bc_ledger_verdict *ledger, char ret_text[BC_WITNESS_TEXT_BYTES]);

#endif
