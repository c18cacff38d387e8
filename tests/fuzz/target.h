// SPDX-License-Identifier: EUPL-1.2
// A fuzz target: one function that takes hostile bytes. libFuzzer calls it (preset fuzz), or replay.c with the files of a folder.
#ifndef TEST_FUZZ_TARGET_H
#define TEST_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// libFuzzer's name. 0: nothing was wrong; what is wrong ends the program.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

// Ends the program unless this holds.
#define FUZZ_EXPECT(holds)                                                                    \
        do {                                                                                  \
                if (!(holds)) {                                                               \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);   \
                        abort();                                                              \
                }                                                                             \
        } while (0)

#endif
