// SPDX-License-Identifier: EUPL-1.2
// Numbers that look random and are a function of a seed and an index alone: the same in every run, in any
// order.
#ifndef BC_SIMULATED_RANDOM_H
#define BC_SIMULATED_RANDOM_H

#include <stdint.h>

// splitmix64 (Steele, Lea, Flood 2014), addressed by index.
static inline uint64_t bc_random_at(uint64_t seed, uint64_t index)
{
        uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

// Evenly spread over -span_ns .. +span_ns; span_ns >= 0.
static inline int64_t bc_random_jitter_ns(uint64_t seed, uint64_t index, int64_t span_ns)
{
        return (int64_t)(bc_random_at(seed, index) % (2 * (uint64_t)span_ns + 1)) - span_ns;
}

#endif
