// SPDX-License-Identifier: EUPL-1.2
// Feeds a ring with a stream whose every unit says which one it is, on a simulated clock, as the pipeline would.
#ifndef FEEDER_H
#define FEEDER_H

#include "base/clock.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"

#define FEEDER_TELEMETRY_BYTES 32 // of a unit of telemetry

struct feeder;

struct feeder_config {
        int64_t start_ns;
        int64_t interval_ns;          // between two pictures
        int64_t jitter_ns;            // start times are off by up to this much, at random
        unsigned gop;                 // pictures
        uint32_t picture_bytes, key_bytes, sound_bytes;
        int64_t picture_delay_ns, sound_delay_ns; // from a unit's end (sound) or start (picture) to the ring
        uint32_t seed;
        bool sound, telemetry;
};

extern const struct feeder_config feeder_default; // 30 fps, GOP of 1 s, sound, telemetry

// Whether it feeds this lane.
bool feeder_has(const struct feeder_config *config, enum bc_lane lane);

// Bytes of unit number n of a lane: the number, then a pattern of it.
void feeder_fill(uint8_t *bytes, size_t size, enum bc_lane lane, uint64_t number);
// The number; fails the test when the bytes are not of one unit of this lane.
uint64_t feeder_check(const uint8_t *bytes, size_t size, enum bc_lane lane);

// Start time of a unit, for as long as the test runs. A text starts with each key frame and with the picture a third of
// a GOP behind it, a position with each key frame.
int64_t feeder_time(const struct feeder_config *config, enum bc_lane lane, uint64_t number);

struct feeder *feeder_start(struct bc_clock *clock, struct bc_ring *ring, const struct feeder_config *config);

// From the next unit on the lane carries slates or silence, or real units again.
void feeder_substitute(struct feeder *feeder, enum bc_lane lane, bool substitute);

// From the next unit on the sound is muted, or not any more.
void feeder_mute(struct feeder *feeder, bool muted);

// Ends the lanes now and joins. The clock must be free to run, or the caller not one of its threads.
void feeder_stop(struct feeder *feeder);

void feeder_stream(const struct feeder_config *config, struct bc_stream *ret_stream);

#endif
