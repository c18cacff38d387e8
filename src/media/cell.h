// SPDX-License-Identifier: EUPL-1.2
// Opaque cells of text in a picture of either format. They lie on even pixels, so that the colour of a pair of pixels
// is never shared with the picture beside a cell.
#ifndef BC_MEDIA_CELL_H
#define BC_MEDIA_CELL_H

#include <stdint.h>

#include "bodycam/frame.h"
#include "media/glyphs.h"

// BT.601, limited range.
struct bc_cell_colour {
        uint8_t y, u, v;
};

extern const struct bc_cell_colour bc_cell_black, bc_cell_red;

// Within the frame, all numbers even.
struct bc_cell_area {
        uint32_t x, y, width_px, height_px;
};

// px or one more.
static inline uint32_t bc_cell_even(uint32_t px)
{
        return (px + 1) & ~1u;
}

void bc_cell_fill(struct bc_frame *frame, const struct bc_cell_area *area, const struct bc_cell_colour *colour);

// White text, its first advance pad_x_px from the left, the highest glyph pad_y_px from the top.
struct bc_cell_text {
        const struct bc_glyphs *glyphs;
        const char *text;
        uint32_t pad_x_px, pad_y_px;
};

// Fills and writes.
void bc_cell_draw(struct bc_frame *frame, const struct bc_cell_area *area, const struct bc_cell_colour *ground,
                  const struct bc_cell_text *text);

// The same pixels as of bc_cell_draw(), where that has drawn the text before into an area that began at the same place
// and was before_px wide: only the columns that differ are drawn.
void bc_cell_redraw(struct bc_frame *frame, const struct bc_cell_area *area, const struct bc_cell_colour *ground,
                    const struct bc_cell_text *text, const char *before, uint32_t before_px);

// Copies the left width_px of all of strip's rows to x, y of a frame of the same format; all even.
void bc_cell_copy(const struct bc_frame *strip, uint32_t width_px, struct bc_frame *frame, uint32_t x, uint32_t y);

#endif
