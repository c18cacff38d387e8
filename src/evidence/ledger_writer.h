// SPDX-License-Identifier: EUPL-1.2
// The files that a run of the ledger writes (docs/formats/ledger.md, 1). One that a write or a sync failed in is left as it is: the same
// record begins the next one. Used by the ledger alone, from its thread.
#ifndef BC_EVIDENCE_LEDGER_WRITER_H
#define BC_EVIDENCE_LEDGER_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/ledger_name.h"
#include "evidence/signer.h"

struct bc_ledger_writer {
        int fd; // of the newest file; -1: the next record begins one
        uint64_t bytes;
        bool is_new; // nothing in it is durable
        char name[BC_LEDGER_NAME_BYTES], made_name[BC_LEDGER_NAME_BYTES]; // made: the last one that this run began
};

void bc_ledger_writer_init(struct bc_ledger_writer *writer);

// Whether the next record begins a file, and has the certificates with it.
static inline bool bc_ledger_writer_begins(const struct bc_ledger_writer *writer)
{
        return writer->fd < 0;
}

// Makes what was signed durable. 0 or negative errno: then whether it is there is not known, and it is to be written again, the same bytes.
int bc_ledger_writer_write(struct bc_ledger_writer *writer, int store_fd, int folder_fd, const struct bc_signing *signing);

void bc_ledger_writer_done(struct bc_ledger_writer *writer, int store_fd);

#endif
