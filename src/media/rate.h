// SPDX-License-Identifier: EUPL-1.2
// Holds the picture lane within its bit rate, whatever the camera and the encoder do. Pure arithmetic; thread-bound.
//
// An encoder's rate control counts frames, at the nominal distance, and keeps its own buffer of one second (VBV).
// Two things are then still open, and the ring must not be surprised by either:
//  - Frames come faster or slower than nominal (variable frame rate, night exposure). The budget per frame follows
//    the pace, from half to twice the nominal one; a camera at more than twice its nominal pace loses frames.
//  - An encoder does not keep its VBV: x264 with 4 or 8 sliced threads and one frame of noise in every GOP spent
//    1.33 times its bit rate, without end. Once the level is above what a kept VBV can show, the budget shrinks;
//    then frames are not encoded; and last a coded frame is thrown away. All of it is counted as lost.
// The level is a leaky bucket in time: what was spent, as time at bit_rate, minus the media time that passed.
//
// Measured: libx264 164, ultrafast to veryfast, white noise (steady, every second second, in one of two or one of 30
// frames, 3 s in 20), 16x16 to 1920x1080, 1 to 60 fps, 40 to 120 s each. The highest level, and frames lost by it:
//   slices                             1        2        4        8
//   x264 alone, bc_rate_least_bps()+   1.00 s   1.6 s    12.2 s   21.6 s, after 60 s and growing
//   the same through bc_rate           1.00 s   1.94 s   2.39 s   2.86 s
//   frames lost                        none     none     none     up to 1 %
// Two slices go over 1.1 s only at 160x120 and smaller. Below bc_rate_least_bps() one slice alone does, too: 11.8 s at
// 640x480 with 5 kbit/s, where not even the coarsest quantiser makes noise small enough.
#ifndef BC_MEDIA_RATE_H
#define BC_MEDIA_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/time.h"

// The level never goes above this: any window of T holds at most (T + BC_RATE_LEVEL_MAX_NS) * bit rate.
#define BC_RATE_LEVEL_MAX_NS (3 * BC_NS_PER_S)

struct bc_rate {
        uint32_t bit_rate_bps;
        int64_t interval_ns; // nominal
        int64_t window_ns;   // over which the pace is measured
        int64_t newest_ns;   // time of the newest frame; -1: none yet
        int64_t lead_ns;     // how far the budget given out runs ahead of media time
        int64_t level_ns;
        uint32_t pace_eighths; // the newest frame's budget, in eighths of the nominal one
};

void bc_rate_init(struct bc_rate *rate, uint32_t bit_rate_bps, int64_t interval_ns);

// A frame of media time time_ns (they increase) wants to be encoded. False: it must not.
bool bc_rate_admit(struct bc_rate *rate, int64_t time_ns);

// The bit rate, at the nominal frame distance, that the encoder should keep for the frame just admitted.
uint32_t bc_rate_budget_bps(const struct bc_rate *rate);

// A coded frame has this size. False: it does not fit any more and must be thrown away; nothing is spent then.
bool bc_rate_spend(struct bc_rate *rate, uint32_t size_bytes);

// The most frames it admits in any window of span_ns.
uint64_t bc_rate_units(uint32_t rate_mhz, int64_t span_ns);

// The least bit rate at which x264 keeps its VBV of one second with nothing but noise to encode.
uint64_t bc_rate_least_bps(uint32_t width_px, uint32_t height_px, uint32_t rate_mhz);

// Bytes that bit_rate_bps makes in time_ns, rounded up.
uint64_t bc_rate_bytes(uint32_t bit_rate_bps, int64_t time_ns);

#endif
