// SPDX-License-Identifier: EUPL-1.2
// What targets of records share.
#ifndef TEST_FUZZ_SAME_H
#define TEST_FUZZ_SAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reads a box. Whether it is a record; then writing it again gives the same bytes, or the program ends.
bool fuzz_record_same(const uint8_t *box, size_t n);

#endif
