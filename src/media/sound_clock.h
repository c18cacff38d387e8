// SPDX-License-Identifier: EUPL-1.2
// Puts a microphone's samples on the media clock: whatever rate the device really has, the sample of tick n comes
// out as number n.
//
// The device counts samples; its clock differs from the media clock by up to some 100 ppm. Each chunk tells when
// its first sample was captured. The distance of that time stamp from the place where the chunk would come to lie
// (the error) steers a resampler: filtered, then a proportional and an integral part, so that a constant rate
// error leaves no error behind. Sound is stretched by at most BC_SOUND_STEER_MAX_PPB, never cut, as long as the
// error stays within BC_SOUND_JUMP_NS. Beyond, and where the device says so, samples are missing (silence goes in, and
// its blocks are flagged) or come twice (they are dropped). After silence or junk the next chunk is put exactly at its
// time stamp.
//
// What is muted goes no further than here: zeros are put in its place, sample by sample, before anything is computed from it.
//
// All arithmetic on time is in integers. Thread-bound.
#ifndef BC_MEDIA_SOUND_CLOCK_H
#define BC_MEDIA_SOUND_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "bodycam/time.h"

#define BC_SOUND_JUMP_NS (40 * BC_NS_PER_MS)
#define BC_SOUND_STEER_MAX_PPB 5000000
#define BC_SOUND_RATE_ERROR_MAX_PPB 1000000

struct bc_sound_clock;

struct bc_sound_clock_config {
        uint32_t rate_hz;    // nominal, 8000 .. 192000
        uint32_t channels;   // 1 or 2
        int64_t first_block; // the first block that is put out
        // A block is complete: 1024 samples from media tick block * 1024 on, one plane per channel. flags, as its unit's:
        // BC_UNIT_SUBSTITUTE: it holds inserted silence; BC_UNIT_MUTED: it holds muted samples. An error ends the call it is
        // made from, which returns it.
        int (*on_block)(void *user, int64_t block, const float *const *plane, uint16_t flags);
        // Whether the sample captured at from_ns is muted. *ret_until_ns: up to when, but at most to_ns, the answer is the
        // same; later than from_ns. NULL: nothing is.
        bool (*is_muted)(void *user, int64_t from_ns, int64_t to_ns, int64_t *ret_until_ns);
        void *user;
};

// 0, -EINVAL, -ENOMEM.
int bc_sound_clock_new(const struct bc_sound_clock_config *config, struct bc_sound_clock **ret_clock);
void bc_sound_clock_free(struct bc_sound_clock *clock);

// `samples` holds count samples per channel, interleaved, the first of them captured at time_ns. The number of them
// that were used (not dropped), or negative errno; -EBADMSG: the time stamp is impossible, before the clock's zero or
// after now_ns; the chunk was dropped.
int bc_sound_clock_put(struct bc_sound_clock *clock, const int16_t *samples, size_t count, int64_t time_ns,
                       int64_t now_ns);

// What is put next does not follow what was put before: samples in between were lost. It is put exactly at its time stamp,
// and the block of the break is flagged, however short it is.
void bc_sound_clock_break(struct bc_sound_clock *clock);

// Silence until until_ns. Nothing if the sound reaches there already.
int bc_sound_clock_fill(struct bc_sound_clock *clock, int64_t until_ns);

// Silence until the block begun is complete and put out.
int bc_sound_clock_finish(struct bc_sound_clock *clock);

// The media time that is reached: where the next sample would come to lie.
int64_t bc_sound_clock_reached_ns(const struct bc_sound_clock *clock);

// Of the device against the media clock, as steered now; above 0: it is fast.
int64_t bc_sound_clock_rate_error_ppb(const struct bc_sound_clock *clock);

#endif
