// SPDX-License-Identifier: EUPL-1.2
// The files of the ledger as they lie in STORE/ledger (docs/formats/ledger.md, 1): finding where the chain has come to, and
// whether it has a certain record. What goes on from a chain has to know that it is its own: the head's signature is judged. Used by the
// ledger alone.
#ifndef BC_EVIDENCE_LEDGER_FILE_H
#define BC_EVIDENCE_LEDGER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/ledger_name.h"
#include "format/record.h"

#define BC_LEDGER_FILE_BYTES (1 << 20) // one that has as many is not written any further
#define BC_LEDGER_LOAD_BYTES_MAX (BC_LEDGER_FILE_BYTES + BC_RECORD_BYTES_MAX) // none of ours is larger

// Whose ledger it is to be.
struct bc_ledger_owner {
        const char *device;
        struct bc_record_bytes public_key; // SubjectPublicKeyInfo, DER
        uint8_t x5t[BC_HASH_BYTES];
        struct bc_record_bytes issuer;     // certificate of who issued the owner's, DER; n 0: not at hand
};

// The newest whole record of a ledger that is the owner's. epoch 0: there is none.
struct bc_ledger_head {
        uint64_t epoch, boot, sequence;
        uint8_t hash[BC_HASH_BYTES];
        int64_t signed_ns;
        bool stopped; // its last event is `stop`
        bool handed_over; // the owner's key may not go on from it: a former key signed it and did not name the owner's (`key`), or it names another
};

#define BC_LEDGER_STRANGERS_MAX 3

struct bc_ledger_search {
        // Asked.
        struct bc_ledger_owner owner;
        uint64_t epoch, sequence;  // whether the chain has that record
        const uint8_t *hash;       // with that hash; NULL: it is not asked
        bool patient;              // a file that cannot be read ends the search; else it counts as one that is not there
        bool only_looks;           // strangers keep their names
        // Found.
        struct bc_ledger_head head;
        bool has;
        // Files that were left out: others signed them, and they are called NAME.foreign1 or so now, if not only_looks; or they cannot be read.
        char stranger[BC_LEDGER_STRANGERS_MAX][BC_LEDGER_NAME_BYTES];
        size_t strangers, unreadable;
        uint64_t unreadable_boot; // the largest number in their names; 0: there are none
};

// Looks through the folder. What is not the owner's is put aside, and nothing is gone on from. 0 or negative errno.
int bc_ledger_find_head(int folder_fd, struct bc_ledger_search *search);

// Gives it a name that nothing here reads, NAME.foreign1 or so: what is not ours is never removed. 0; -ENOENT; negative errno.
int bc_ledger_put_aside(int folder_fd, const char *name);

#endif
