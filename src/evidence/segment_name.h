// SPDX-License-Identifier: EUPL-1.2
// What files of segments are called. Pure.
#ifndef BC_EVIDENCE_SEGMENT_NAME_H
#define BC_EVIDENCE_SEGMENT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#define BC_SEGMENTS_MAX 9999 // of a recording: NNNN.mp4
#define BC_SEGMENT_NAME_BYTES_MAX 16

void bc_segment_name(uint32_t number, char ret_name[BC_SEGMENT_NAME_BYTES_MAX]); // "0001.mp4"
void bc_segment_file_name(uint32_t number, bool sealed, char ret_name[BC_SEGMENT_NAME_BYTES_MAX]); // or "0001.mp4.sealed"
void bc_recovered_name(uint32_t number, char ret_name[BC_SEGMENT_NAME_BYTES_MAX]); // "0001.recovered", beside a sealed one

// The number of a name that is exactly one of these two; 0 for any other.
uint32_t bc_segment_number(const char *name, bool *ret_sealed);

#endif
