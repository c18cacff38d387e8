// SPDX-License-Identifier: EUPL-1.2
// The worked example of docs/formats/sealed.md, out of sealed_example.txt.
#ifndef TEST_FORMAT_SEALED_EXAMPLE_H
#define TEST_FORMAT_SEALED_EXAMPLE_H

#include <stddef.h>
#include <stdint.h>

// What stands under this name, in memory that the caller frees.
uint8_t *sealed_example(const char *name, size_t *ret_bytes);

#endif
