// SPDX-License-Identifier: EUPL-1.2
// What a segment says of itself in its head: tracks, and where it belongs.
#ifndef BC_EVIDENCE_DESCRIBE_H
#define BC_EVIDENCE_DESCRIBE_H

#include "evidence/recording.h"
#include "format/init.h"

// The kernel's id of this boot in 32 hexadecimal digits; empty when it cannot be read.
void bc_describe_boot(char ret_text[33]);

// The same in bytes; zeros when it cannot be read.
void bc_describe_boot_bytes(uint8_t ret_bytes[BC_BOOT_ID_BYTES]);

// The head of the recording's next segment: its base and the place of its sound must be known.
void bc_describe_segment(const struct bc_recording *recording, struct bc_init *ret_init);

// The same for the header of the sealed file that it lies in, but for the envelope.
void bc_describe_sealed(const struct bc_recording *recording, const struct bc_label *label, struct bc_sealed_header *ret_header);

#endif
