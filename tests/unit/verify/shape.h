// SPDX-License-Identifier: EUPL-1.2
// Random recordings that a lawful device can make: of one or several segments, records at once, late or seldom, declared
// gaps, abandoned segments, sound that is missing, every kind of end that is proven.
#ifndef TEST_VERIFY_SHAPE_H
#define TEST_VERIFY_SHAPE_H

#include "forge.h"

// The same seed gives the same shape. segments_max: at most so many.
struct forge *shape_new(const struct forge_identity *identity, uint32_t seed, uint32_t segments_max);

#endif
