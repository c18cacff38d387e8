// SPDX-License-Identifier: EUPL-1.2
// A simulated microphone: all of a microphone but what it hears. Its device has a sample clock of its own,
// which may be off the media clock, and it stamps what it captured with media time. As with the simulated
// camera, the world goes on without it: after a stop, a stall or a slow reader it hears what is there now,
// and the time stamps show the hole.
#ifndef BC_SIMULATED_MIC_H
#define BC_SIMULATED_MIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/mic.h"
#include "bodycam/simulation.h"

#define BC_SAMPLE_RATE_ERROR_MAX_PPB 1000000

// The device's sample clock: sample n is captured at origin_ns + n / (rate_hz * (1 + error_ppb / 10^9)).
struct bc_sample_clock {
        int64_t origin_ns;
        uint32_t rate_hz;
        int32_t error_ppb;
};

// Media time at which a sample is captured, to the nearest ns; sample >= 0.
int64_t bc_sample_clock_time_ns(const struct bc_sample_clock *clock, int64_t sample);

// The first sample captured at or after time_ns; 0 for a time before origin_ns.
int64_t bc_sample_clock_at(const struct bc_sample_clock *clock, int64_t time_ns);

// What the microphone hears. Called on the reader's thread only.
struct bc_sound_ops {
        // Fills in `count` samples per channel, from sample number `first` of the device on. Numbers never go
        // back, but leave out what nobody read. 0 or negative errno: the device fails.
        int (*hear)(void *sound, int64_t first, size_t count, int16_t *samples);
        void (*free)(void *sound);
};

struct bc_simulated_mic_config {
        struct bc_mic_info info;
        struct bc_sample_clock sample_clock;
        int64_t stamp_jitter_ns; // time stamps are off by up to this, below half a period
        uint64_t seed;           // of that
};

// Takes the sound if it succeeds; borrows the clock. 0, -EINVAL or -ENOMEM.
int bc_simulated_mic_new(struct bc_clock *clock, const struct bc_simulated_mic_config *config,
                         const struct bc_sound_ops *ops, void *sound, struct bc_mic **ret_mic);

// The device overwrites so much of what it would deliver next, and says so, as after an overrun. Any thread.
void bc_simulated_mic_overrun(struct bc_mic *mic, int64_t lost_ns);

// From now on. After a fault the sound goes on with what is captured from that moment. Any thread.
void bc_simulated_mic_set_fault(struct bc_mic *mic, enum bc_fault fault);

#endif
