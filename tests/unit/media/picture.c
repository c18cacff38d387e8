// SPDX-License-Identifier: EUPL-1.2
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#define PADDING 48

static void count_release(struct bc_frame *frame)
{
        unsigned *released = frame->owner;

        if (released)
                __atomic_add_fetch(released, 1, __ATOMIC_RELAXED);
}

struct bc_frame *picture_new(uint32_t width_px, uint32_t height_px, enum bc_pixel_format format,
                             unsigned *released)
{
        struct bc_frame *frame = calloc(1, sizeof(*frame));
        int planes = format == BC_PIXEL_NV12 ? 2 : 3;

        frame->width_px = width_px;
        frame->height_px = height_px;
        frame->format = format;
        frame->release = count_release;
        frame->owner = released;
        for (int i = 0; i < planes; i++) {
                uint32_t row = i && format == BC_PIXEL_I420 ? width_px / 2 : width_px;

                frame->stride_bytes[i] = row + PADDING;
                frame->plane[i] = malloc((size_t)frame->stride_bytes[i] * (i ? height_px / 2 : height_px));
        }
        picture_paint(frame, 0);
        return frame;
}

void picture_free(struct bc_frame *frame)
{
        for (int i = 0; i < BC_FRAME_PLANES_MAX; i++)
                free(frame->plane[i]);
        free(frame);
}

static uint8_t wave(unsigned phase)
{
        unsigned at = phase % 256;

        return (uint8_t)(at < 128 ? 40 + at : 40 + 255 - at);
}

void picture_paint(struct bc_frame *frame, unsigned number)
{
        for (int i = 0; i < BC_FRAME_PLANES_MAX && frame->plane[i]; i++)
                for (uint32_t y = 0; y < frame->height_px / (i ? 2 : 1); y++) {
                        uint8_t *row = frame->plane[i] + (size_t)y * frame->stride_bytes[i];

                        for (uint32_t x = 0; x < frame->stride_bytes[i]; x++)
                                row[x] = wave(x * 2 + y * (unsigned)(i + 1) + number * 3);
                }
}

void picture_paint_noise(struct bc_frame *frame, uint64_t *seed)
{
        for (int i = 0; i < BC_FRAME_PLANES_MAX && frame->plane[i]; i++) {
                size_t size = (size_t)frame->stride_bytes[i] * (frame->height_px / (i ? 2 : 1));

                for (size_t at = 0; at < size; at++) {
                        *seed ^= *seed << 13;
                        *seed ^= *seed >> 7;
                        *seed ^= *seed << 17;
                        frame->plane[i][at] = (uint8_t)*seed;
                }
        }
}
