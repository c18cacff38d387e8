// SPDX-License-Identifier: EUPL-1.2
// Names of the ledger's files (docs/formats/ledger.md, 1), and all of them that lie in its folder. Any thread.
#ifndef BC_EVIDENCE_LEDGER_NAME_H
#define BC_EVIDENCE_LEDGER_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define BC_LEDGER_FOLDER "ledger" // in the store
#define BC_LEDGER_NAME_BYTES 72

struct bc_ledger_name {
        uint64_t epoch, boot, sequence; // of the file's first record
        char text[BC_LEDGER_NAME_BYTES];
};

struct bc_ledger_names {
        struct bc_ledger_name *name; // the newest first
        size_t count, room;
};

// "EEEEEE-BBBBBB-SSSSSSSSSSSS.ledger"
void bc_ledger_name(uint64_t epoch, uint64_t boot, uint64_t sequence, char ret_name[BC_LEDGER_NAME_BYTES]);

// Other names in the folder are passed over. 0 or negative errno; bc_ledger_names_done() in any case.
int bc_ledger_names_list(int folder_fd, struct bc_ledger_names *ret_names);
void bc_ledger_names_done(struct bc_ledger_names *names);

#endif
