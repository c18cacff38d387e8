// SPDX-License-Identifier: EUPL-1.2
// What others have seen of a device's ledger, and when: heads (EVIDENCE 12), nonces that were given to it, and time stamps
// (RFC 3161) over heads. A ledger without a head that was seen is not what the device wrote; times bracket what it claims
// (EVIDENCE 16). Thread-bound.
#ifndef BC_VERIFY_WITNESS_H
#define BC_VERIFY_WITNESS_H

#include "verify/ledger.h"

// "DEVICE:EPOCH:SEQUENCE:HASH", the hash in 64 hexadecimal digits; behind it "@2026-11-26T01:12:14Z": when it was seen, by the
// user's word. Or "nonce:HEX@2026-11-26T01:12:14Z": before then nobody could know it.
#define BC_WITNESS_TEXT_BYTES (BC_RECORD_DEVICE_BYTES_MAX + 2 * 21 + 2 * BC_HASH_BYTES + 4)

enum bc_witness_kind {
        BC_WITNESS_HEAD,
        BC_WITNESS_NONCE,
        BC_WITNESS_STAMP, // of a time stamping authority: over a head, or its own hash was given to the device as a nonce, or both
};

enum bc_witness_side {
        BC_WITNESS_NOT_BEFORE, // what hangs on the record was made after the witness's time
        BC_WITNESS_NOT_AFTER,  // the record, and all before it, was made before the witness's time
};

struct bc_witness {
        enum bc_witness_kind kind;
        int64_t utc_ns;    // BC_RECORD_UNKNOWN: not said
        int64_t spread_ns; // as a bound from below it is so much less
        uint8_t nonce[BC_RECORD_NONCE_BYTES_MAX];
        size_t nonce_bytes;
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];
        uint64_t epoch, sequence;
        uint8_t hash[BC_HASH_BYTES];
};

struct bc_witnesses {
        struct bc_witness *witness;
        size_t count, room;
};

// Adds a head or a nonce, or all heads and nonces of a file that has one on each line (empty lines and lines that begin with # say nothing; at most
// 1 MiB). 0; -EBADMSG: neither, with what is wrong in text; or negative errno.
int bc_witnesses_add(struct bc_witnesses *witnesses, const char *head_or_path, char *text, size_t text_bytes);
int bc_witnesses_add_one(struct bc_witnesses *witnesses, const struct bc_witness *witness); // 0 or -ENOMEM
void bc_witnesses_done(struct bc_witnesses *witnesses);

// Whether it is of this ledger: a head of its device, a nonce or a stamped head that is in it. What is wrong, or was recognised, is found.
bool bc_witness_judge(const struct bc_witness *witness, struct bc_ledger_verdict *ledger);

// The record of the ledger that it tells this of; NULL: none.
const struct bc_ledger_link *bc_witness_find(const struct bc_witness *witness, const struct bc_ledger_verdict *ledger,
                                             enum bc_witness_side side);

// By when what that record ends, itself included, was there, by the earliest witness of it or of a later one; 0: nobody's.
int64_t bc_witnesses_not_after(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger, uint64_t epoch,
                               uint64_t sequence);

// The head of a ledger that has one.
void bc_witness_text(const struct bc_ledger_verdict *ledger, char ret_text[BC_WITNESS_TEXT_BYTES]);

#endif
