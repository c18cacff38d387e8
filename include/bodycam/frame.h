// SPDX-License-Identifier: EUPL-1.2
// One picture on its way from a camera to the encoder.
//
// Lifetime: the camera driver owns a fixed pool of frames. It lends one by on_frame(); from then on the receiver
// holds it alone, may write into the pixels (the overlay does), and gives it back with bc_frame_release() from
// any thread. The pixels stay where they are meanwhile. A driver must accept the release after its stop().
#ifndef BODYCAM_FRAME_H
#define BODYCAM_FRAME_H

#include <stdint.h>

enum bc_pixel_format {
        BC_PIXEL_I420, // three planes: Y, U, V; U and V are half width, half height
        BC_PIXEL_NV12, // two planes: Y, then U and V interleaved, half height
};

#define BC_FRAME_PLANES_MAX 3
#define BC_PICTURE_SIDE_MIN_PX 16
#define BC_PICTURE_SIDE_MAX_PX 8192

struct bc_frame {
        int64_t time_ns; // media time of the start of exposure (bodycam/time.h)
        uint32_t width_px, height_px; // both even
        enum bc_pixel_format format;
        uint8_t *plane[BC_FRAME_PLANES_MAX];
        uint32_t stride_bytes[BC_FRAME_PLANES_MAX];
        uint32_t lost; // frames the driver knows were lost since the one before
        void (*release)(struct bc_frame *frame);
        void *owner; // the driver's
};

// Gives a frame back to its driver. NULL is allowed. Any thread.
static inline void bc_frame_release(struct bc_frame *frame)
{
        if (frame)
                frame->release(frame);
}

#endif
