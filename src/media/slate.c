// SPDX-License-Identifier: EUPL-1.2
#include "media/slate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct colour {
        uint8_t y, u, v;
};

// BT.601, limited range
static const struct colour field = { 40, 128, 128 };
static const struct colour amber = { 176, 52, 160 };
static const struct colour black = { 16, 128, 128 };

struct bc_slate {
        struct bc_frame frame;
        uint8_t *pixels;
};

BC_DEFINE_CLEANUP(slate, struct bc_slate, bc_slate_free)

static void keep(struct bc_frame *frame)
{
        (void)frame;
}

static const struct colour *colour_at(const struct bc_frame *frame, uint32_t x, uint32_t y)
{
        uint32_t shorter_px = frame->width_px < frame->height_px ? frame->width_px : frame->height_px;
        uint32_t border_px = shorter_px / 10 + 1;
        bool inside = x >= border_px && x + border_px < frame->width_px && y >= border_px &&
                      y + border_px < frame->height_px;

        if (inside)
                return &field;
        return (x + y) / border_px % 2 ? &amber : &black;
}

static void lay_out(struct bc_slate *slate)
{
        struct bc_frame *frame = &slate->frame;
        size_t luma = (size_t)frame->width_px * frame->height_px;
        bool interleaved = frame->format == BC_PIXEL_NV12;

        frame->plane[0] = slate->pixels;
        frame->plane[1] = slate->pixels + luma;
        frame->plane[2] = interleaved ? NULL : slate->pixels + luma + luma / 4;
        frame->stride_bytes[0] = frame->width_px;
        frame->stride_bytes[1] = interleaved ? frame->width_px : frame->width_px / 2;
        frame->stride_bytes[2] = interleaved ? 0 : frame->width_px / 2;
}

static void draw(struct bc_slate *slate)
{
        struct bc_frame *frame = &slate->frame;
        bool interleaved = frame->format == BC_PIXEL_NV12;
        uint8_t *u = frame->plane[1], *v = interleaved ? frame->plane[1] + 1 : frame->plane[2];

        for (uint32_t y = 0; y < frame->height_px; y++)
                for (uint32_t x = 0; x < frame->width_px; x++)
                        frame->plane[0][(size_t)y * frame->stride_bytes[0] + x] = colour_at(frame, x, y)->y;
        for (uint32_t y = 0; y < frame->height_px / 2; y++)
                for (uint32_t x = 0; x < frame->width_px / 2; x++) {
                        const struct colour *colour = colour_at(frame, 2 * x, 2 * y);
                        size_t at = (size_t)y * frame->stride_bytes[1] + x * (interleaved ? 2 : 1);

                        u[at] = colour->u;
                        v[at] = colour->v;
                }
}

int bc_slate_new(uint32_t width_px, uint32_t height_px, enum bc_pixel_format format,
                 struct bc_slate **ret_slate)
{
        BC_CLEANUP(bc_cleanup_slate) struct bc_slate *slate = calloc(1, sizeof(*slate));

        if (!slate)
                return -ENOMEM;
        slate->frame = (struct bc_frame){
                .width_px = width_px,
                .height_px = height_px,
                .format = format,
                .release = keep,
                .owner = slate,
        };
        slate->pixels = malloc((size_t)width_px * height_px * 3 / 2);
        if (!slate->pixels)
                return -ENOMEM;
        lay_out(slate);
        draw(slate);
        *ret_slate = BC_TAKE(slate);
        return 0;
}

void bc_slate_free(struct bc_slate *slate)
{
        if (!slate)
                return;
        free(slate->pixels);
        free(slate);
}

struct bc_frame *bc_slate_frame(struct bc_slate *slate, int64_t time_ns)
{
        slate->frame.time_ns = time_ns;
        return &slate->frame;
}
