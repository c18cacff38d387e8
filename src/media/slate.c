// SPDX-License-Identifier: EUPL-1.2
#include "media/slate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static void fill(struct bc_frame *frame, uint32_t y, uint32_t from_x, uint32_t until_x, const struct colour *colour)
{
        // A pair of pixels in both directions has the colour of its upper left one.
        uint32_t from = (from_x + 1) / 2, until = (until_x + 1) / 2;
        size_t line = (size_t)(y / 2) * frame->stride_bytes[1];

        memset(frame->plane[0] + (size_t)y * frame->stride_bytes[0] + from_x, colour->y, until_x - from_x);
        if (y % 2)
                return;
        if (frame->format == BC_PIXEL_I420) {
                memset(frame->plane[1] + line + from, colour->u, until - from);
                memset(frame->plane[2] + line + from, colour->v, until - from);
                return;
        }
        for (uint32_t x = from; x < until; x++) {
                frame->plane[1][line + 2 * x] = colour->u;
                frame->plane[1][line + 2 * x + 1] = colour->v;
        }
}

static void paint(struct bc_frame *frame)
{
        uint32_t width_px = frame->width_px, height_px = frame->height_px;
        uint32_t border_px = (width_px < height_px ? width_px : height_px) / 10 + 1;

        for (uint32_t y = 0; y < height_px; y++) {
                bool middle = y >= border_px && y + border_px < height_px;

                for (uint32_t x = 0, until; x < width_px; x = until) {
                        if (middle && x == border_px) {
                                until = width_px - border_px;
                                fill(frame, y, x, until, &field);
                                continue;
                        }
                        until = x + border_px - (x + y) % border_px;
                        if (until > width_px)
                                until = width_px;
                        if (middle && x < border_px && until > border_px)
                                until = border_px;
                        fill(frame, y, x, until, (x + y) / border_px % 2 ? &amber : &black);
                }
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
        paint(&slate->frame);
        slate->frame.time_ns = time_ns;
        return &slate->frame;
}
