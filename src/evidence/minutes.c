// SPDX-License-Identifier: EUPL-1.2
#include "evidence/minutes.h"

// Two bit rates of 32 bits: below 2^37.
static uint64_t bytes_per_minute(const struct bc_minutes_rate *rate)
{
        uint64_t payload = (((uint64_t)rate->picture_bps + rate->sound_bps) * 60 + 7) / 8;
        uint64_t overhead = (payload * BC_MINUTES_OVERHEAD_PPM + 999999) / 1000000;

        if (overhead < 60 * BC_MINUTES_OVERHEAD_BYTES)
                overhead = 60 * BC_MINUTES_OVERHEAD_BYTES;
        return payload + overhead + 60 * BC_MINUTES_BESIDE_BYTES;
}

uint64_t bc_minutes_bytes(const struct bc_minutes_rate *rate, uint32_t minutes)
{
        uint64_t bytes;

        return __builtin_mul_overflow(bytes_per_minute(rate), minutes, &bytes) ? UINT64_MAX : bytes;
}

uint32_t bc_minutes_left(const struct bc_minutes_rate *rate, uint64_t room_bytes, uint32_t reserve_minutes)
{
        uint64_t minutes = room_bytes / bytes_per_minute(rate);

        if (minutes <= reserve_minutes)
                return 0;
        minutes -= reserve_minutes;
        return minutes < UINT32_MAX ? (uint32_t)minutes : UINT32_MAX;
}
