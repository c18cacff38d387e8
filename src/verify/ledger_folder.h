// SPDX-License-Identifier: EUPL-1.2
// What lies in STORE/ledger (ledger.md, 1): the files, in the order in which they were written. Opens none. Thread-bound.
#ifndef BC_VERIFY_LEDGER_FOLDER_H
#define BC_VERIFY_LEDGER_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "verify/finding.h"

#define BC_LEDGER_FILE_NAME_BYTES 48 // "EEEEEE-BBBBBB-SSSSSSSSSSSS.ledger", or with longer numbers
#define BC_LEDGER_FILES_MAX 1000000

struct bc_ledger_file {
        uint64_t epoch, boot, sequence; // of its first record
        char name[BC_LEDGER_FILE_NAME_BYTES];
};

struct bc_ledger_folder {
        struct bc_ledger_file *file;
        size_t files, room;
};

// Finds what does not belong. 0 or negative errno (-E2BIG: too many files); bc_ledger_folder_done() in any case.
int bc_ledger_folder_read(int folder_fd, struct bc_ledger_folder *ret_folder, struct bc_findings *findings);
void bc_ledger_folder_done(struct bc_ledger_folder *folder);

#endif
