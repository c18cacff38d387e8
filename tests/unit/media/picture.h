// SPDX-License-Identifier: EUPL-1.2
// Camera frames with something to see in them.
#ifndef TEST_MEDIA_PICTURE_H
#define TEST_MEDIA_PICTURE_H

#include <stdint.h>

#include "bodycam/frame.h"

// A frame with memory of its own (with padding right of each row) and a release that counts in *released.
struct bc_frame *picture_new(uint32_t width_px, uint32_t height_px, enum bc_pixel_format format,
                             unsigned *released);
void picture_free(struct bc_frame *frame);

// Soft waves that wander with the number, in luma and chroma.
void picture_paint(struct bc_frame *frame, unsigned number);
void picture_paint_noise(struct bc_frame *frame, uint64_t *seed);

#endif
