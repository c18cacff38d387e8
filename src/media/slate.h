// SPDX-License-Identifier: EUPL-1.2
// The picture that stands in for a camera that delivers none: a dark field within a border of amber and black
// stripes, so that nobody takes it for a covered lens or a dark night. What it has to say is written into it
// (media/overlay.h).
#ifndef BC_MEDIA_SLATE_H
#define BC_MEDIA_SLATE_H

#include <stdint.h>

#include "bodycam/frame.h"

struct bc_slate;

// Both sides even. 0 or -ENOMEM.
int bc_slate_new(uint32_t width_px, uint32_t height_px, enum bc_pixel_format format,
                 struct bc_slate **ret_slate);
void bc_slate_free(struct bc_slate *slate);

// Lends the slate as a frame of that media time, freshly painted: what was written over it is gone. There is one frame,
// changed by each call; bc_frame_release() on it does nothing, it lives until the slate is freed.
struct bc_frame *bc_slate_frame(struct bc_slate *slate, int64_t time_ns);

#endif
