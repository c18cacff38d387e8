// SPDX-License-Identifier: EUPL-1.2
// Port: microphone. Users call the functions, drivers fill the table.
#ifndef BODYCAM_MIC_H
#define BODYCAM_MIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bc_mic;

// Known once the driver is open, immutable after that.
struct bc_mic_info {
        const char *driver; // "file", "tone", "alsa"
        bool simulated;
        uint32_t rate_hz;   // nominal; the device's true rate may be off by some 100 ppm
        uint32_t channels;  // 1 or 2, interleaved
        size_t period_samples; // read() delivers at most this many samples per channel at once
};

// What one read delivers.
struct bc_mic_chunk {
        size_t samples;  // per channel: 1 .. info.period_samples
        int64_t time_ns; // media time at which the first of them was captured
        bool broken;     // samples between the chunk before and this one were lost, however few: the device said so
};

struct bc_mic_ops {
        int (*start)(struct bc_mic *mic);
        int (*read)(struct bc_mic *mic, int16_t *samples, int64_t deadline_ns, struct bc_mic_chunk *ret_chunk);
        void (*cancel)(struct bc_mic *mic);
        void (*stop)(struct bc_mic *mic);
        void (*free)(struct bc_mic *mic);
};

struct bc_mic {
        const struct bc_mic_ops *ops;
        struct bc_mic_info info;
};

// Starts capture. 0 or negative errno.
static inline int bc_mic_start(struct bc_mic *mic)
{
        return mic->ops->start(mic);
}

// Waits for sound until deadline_ns (media time). 0: samples holds what *ret_chunk says. -ETIMEDOUT: none came.
// -ECANCELED: bc_mic_cancel(). Another negative errno: the device failed; reading on is allowed and may recover,
// and such a call does not return before deadline_ns unless it is cancelled.
static inline int bc_mic_read(struct bc_mic *mic, int16_t *samples, int64_t deadline_ns,
                              struct bc_mic_chunk *ret_chunk)
{
        return mic->ops->read(mic, samples, deadline_ns, ret_chunk);
}

// Makes a read() under way, and every later one until start(), return -ECANCELED. Any thread.
static inline void bc_mic_cancel(struct bc_mic *mic)
{
        mic->ops->cancel(mic);
}

static inline void bc_mic_stop(struct bc_mic *mic)
{
        mic->ops->stop(mic);
}

// NULL is allowed.
static inline void bc_mic_free(struct bc_mic *mic)
{
        if (mic)
                mic->ops->free(mic);
}

#endif
