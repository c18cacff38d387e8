// SPDX-License-Identifier: EUPL-1.2
// The two kinds of top-level `uuid` box of a segment (docs/formats/segment.md): the segment's own label, once,
// behind ftyp, and signature records, anywhere behind the init moov. Of a record only its frame is defined here.
#ifndef BC_FORMAT_RECORD_H
#define BC_FORMAT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "format/box.h"

#define BC_RECORD_BYTES_MAX 16384 // the whole box
#define BC_RECORD_HEADER_BYTES 24

// 98f741df-fbdc-4edd-a2af-e56b029581fa
extern const uint8_t bc_record_id[BC_BOX_ID_BYTES];
// c7849140-736a-4033-b992-8eb98dcd01b8
extern const uint8_t bc_label_id[BC_BOX_ID_BYTES];

// Writes the header of a record box for payload_bytes that follow it: BC_RECORD_HEADER_BYTES bytes. 0, or -EMSGSIZE
// when box and payload together would exceed BC_RECORD_BYTES_MAX.
int bc_record_header(size_t payload_bytes, uint8_t ret_header[BC_RECORD_HEADER_BYTES]);

#endif
