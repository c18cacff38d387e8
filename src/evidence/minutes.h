// SPDX-License-Identifier: EUPL-1.2
// How long the store's room lasts, in minutes of recording.
//
// What a second takes is what the encoders make of it at their bit rates, and what the container adds. That was measured
// (docs/formats/segment.md, "Overhead"): 98153 bytes over 60 s of 1080p30 with sound, 0.162 % at 8.07 Mbit/s. It is made of
// tables with an entry per unit, so at a low bit rate its share is larger: taken is the larger one of the measured share and
// the measured bytes per second. BC_MINUTES_BESIDE_BYTES is for text, position, manifest, whole blocks of the file system, and
// up to 60 pictures a second. Rather too few minutes than too many (tests/unit/evidence/test_minutes.c). Pure.
#ifndef BC_EVIDENCE_MINUTES_H
#define BC_EVIDENCE_MINUTES_H

#include <stdint.h>

#define BC_MINUTES_OVERHEAD_PPM 1620
#define BC_MINUTES_OVERHEAD_BYTES 1636 // per second
#define BC_MINUTES_BESIDE_BYTES 1500   // per second

struct bc_minutes_rate {
        uint32_t picture_bps, sound_bps;
};

// What minutes of recording take, rounded up; UINT64_MAX where that is more than can be counted.
uint64_t bc_minutes_bytes(const struct bc_minutes_rate *rate, uint32_t minutes);

// How many whole minutes fit into room_bytes beside reserve_minutes that are kept for an emergency; at most UINT32_MAX.
uint32_t bc_minutes_left(const struct bc_minutes_rate *rate, uint64_t room_bytes, uint32_t reserve_minutes);

#endif
