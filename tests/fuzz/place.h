// SPDX-License-Identifier: EUPL-1.2
// A folder of the target's own for what is read from files. It is removed when the program ends in the ordinary way.
#ifndef TEST_FUZZ_PLACE_H
#define TEST_FUZZ_PLACE_H

#include <stddef.h>
#include <stdint.h>

// Writes the file anew; the folder's descriptor, which stays open.
int fuzz_place_write(const char *name, const uint8_t *bytes, size_t n);

// The same in a folder in it, whose descriptor is *ret_folder_fd.
int fuzz_place_write_in(const char *folder, const char *name, const uint8_t *bytes, size_t n, int *ret_folder_fd);

// The path of a file in it.
const char *fuzz_place_path(const char *name);

#endif
