// SPDX-License-Identifier: EUPL-1.2
// How much a test does of what is random or has no end: as much as was asked for (BC_LONG=1, tools/test --long), a share, or a
// part of the share (BC_SHORT=1: where the machine is emulated or the code slowed down, and another suite does the share).
// Never fewer kinds of things, only fewer of each.
#ifndef BC_TESTS_COUNTS_H
#define BC_TESTS_COUNTS_H

#include <stdint.h>
#include <stdlib.h>

static inline uint32_t counts_of(uint32_t few, uint32_t share, uint32_t all)
{
        return getenv("BC_LONG") ? all : getenv("BC_SHORT") ? few : share;
}

#endif
