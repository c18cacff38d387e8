// SPDX-License-Identifier: EUPL-1.2
// The payload of a record: docs/formats/record.md, 5 and 6.
#ifndef BC_FORMAT_PAYLOAD_H
#define BC_FORMAT_PAYLOAD_H

#include "format/coder.h"

// Whether there is such a kind. BC_CODE_KIND() takes no other.
bool bc_payload_kind_is_known(uint64_t kind);

// kind must be set, and known. Reading: the record must hold zeros besides.
void bc_code_payload(struct bc_coder *coder, struct bc_record *record);

#endif
