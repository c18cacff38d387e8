// SPDX-License-Identifier: EUPL-1.2
#include "media/cell.h"

#include <stdbool.h>
#include <string.h>

// The red is dark enough for white on it to be clear.
const struct bc_cell_colour bc_cell_black = { 16, 128, 128 };
const struct bc_cell_colour bc_cell_red = { 62, 102, 207 };

void bc_cell_fill(struct bc_frame *frame, const struct bc_cell_area *area,
                  const struct bc_cell_colour *colour)
{
        for (uint32_t y = area->y; y < area->y + area->height_px; y++)
                memset(frame->plane[0] + (size_t)y * frame->stride_bytes[0] + area->x, colour->y,
                       area->width_px);
        for (uint32_t y = area->y / 2; y < (area->y + area->height_px) / 2; y++) {
                uint8_t *u = frame->plane[1] + (size_t)y * frame->stride_bytes[1];

                if (frame->format == BC_PIXEL_I420) {
                        memset(u + area->x / 2, colour->u, area->width_px / 2);
                        memset(frame->plane[2] + (size_t)y * frame->stride_bytes[2] + area->x / 2, colour->v,
                               area->width_px / 2);
                        continue;
                }
                if (colour->u == colour->v) {
                        memset(u + area->x, colour->u, area->width_px);
                        continue;
                }
                for (uint32_t x = area->x; x < area->x + area->width_px; x += 2) {
                        u[x] = colour->u;
                        u[x + 1] = colour->v;
                }
        }
}

static uint8_t towards_grey(uint8_t chroma, int share, int whole)
{
        return (uint8_t)(chroma + (128 - chroma) * share / whole);
}

// The glyphs' part of a pair of pixels in both directions loses its colour. How large that is, luma tells.
static void whiten(struct bc_frame *frame, const struct bc_cell_area *area,
                   const struct bc_cell_colour *ground)
{
        int whole = 4 * (BC_GLYPHS_WHITE - ground->y);

        for (uint32_t y = area->y; y < area->y + area->height_px; y += 2)
                for (uint32_t x = area->x; x < area->x + area->width_px; x += 2) {
                        const uint8_t *luma = frame->plane[0] + (size_t)y * frame->stride_bytes[0] + x;
                        const uint8_t *below = luma + frame->stride_bytes[0];
                        int share = luma[0] + luma[1] + below[0] + below[1] - 4 * ground->y;
                        uint8_t *u = frame->plane[1] + (size_t)(y / 2) * frame->stride_bytes[1] + x, *v = u + 1;

                        if (frame->format == BC_PIXEL_I420) {
                                u -= x / 2;
                                v = frame->plane[2] + (size_t)(y / 2) * frame->stride_bytes[2] + x / 2;
                        }
                        if (!share)
                                continue;
                        *u = towards_grey(*u, share, whole);
                        *v = towards_grey(*v, share, whole);
                }
}

// Columns of the area from..until, both even. What reaches into them from characters beside them is drawn too.
static void draw_columns(struct bc_frame *frame, const struct bc_cell_area *area,
                         const struct bc_cell_colour *ground, const struct bc_cell_text *text, uint32_t from,
                         uint32_t until)
{
        const struct bc_cell_area columns = {
                .x = area->x + from,
                .y = area->y,
                .width_px = until - from,
                .height_px = area->height_px,
        };
        const struct bc_glyphs_cell cell = {
                .luma = frame->plane[0] + (size_t)columns.y * frame->stride_bytes[0] + columns.x,
                .stride_bytes = frame->stride_bytes[0],
                .width_px = columns.width_px,
                .height_px = columns.height_px,
        };

        bc_cell_fill(frame, &columns, ground);
        bc_glyphs_draw(text->glyphs, text->text, &cell, (int32_t)text->pad_x_px - (int32_t)from,
                       text->pad_y_px + bc_glyphs_above_px(text->glyphs));
        if (ground->u != 128 || ground->v != 128)
                whiten(frame, &columns, ground);
}

void bc_cell_draw(struct bc_frame *frame, const struct bc_cell_area *area,
                  const struct bc_cell_colour *ground, const struct bc_cell_text *text)
{
        draw_columns(frame, area, ground, text, 0, area->width_px);
}

static uint32_t within(int32_t px, uint32_t width_px)
{
        return px < 0 ? 0 : (uint32_t)px > width_px ? width_px : (uint32_t)px;
}

void bc_cell_redraw(struct bc_frame *frame, const struct bc_cell_area *area,
                    const struct bc_cell_colour *ground, const struct bc_cell_text *text, const char *before,
                    uint32_t before_px)
{
        struct bc_glyphs_comparison comparison = { .before = before, .after = text->text };
        int32_t pad_px = (int32_t)text->pad_x_px, from_px, until_px;

        while (bc_glyphs_next_change(text->glyphs, &comparison, &from_px, &until_px)) {
                uint32_t from = within(pad_px + from_px, area->width_px) & ~1u;
                uint32_t until = bc_cell_even(within(pad_px + until_px, area->width_px));

                if (from < until)
                        draw_columns(frame, area, ground, text, from, until);
        }
        if (before_px < area->width_px)
                draw_columns(frame, area, ground, text, before_px, area->width_px);
}

static void copy_rows(uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride, uint32_t bytes,
                      uint32_t rows)
{
        for (uint32_t y = 0; y < rows; y++)
                memcpy(to + y * to_stride, from + y * from_stride, bytes);
}

void bc_cell_copy(const struct bc_frame *strip, uint32_t width_px, struct bc_frame *frame, uint32_t x,
                  uint32_t y)
{
        bool planar = frame->format == BC_PIXEL_I420;

        copy_rows(frame->plane[0] + (size_t)y * frame->stride_bytes[0] + x, frame->stride_bytes[0],
                  strip->plane[0], strip->stride_bytes[0], width_px, strip->height_px);
        for (int i = 1; i <= (planar ? 2 : 1); i++)
                copy_rows(frame->plane[i] + (size_t)(y / 2) * frame->stride_bytes[i] + (planar ? x / 2 : x),
                          frame->stride_bytes[i], strip->plane[i], strip->stride_bytes[i],
                          planar ? width_px / 2 : width_px, strip->height_px / 2);
}
