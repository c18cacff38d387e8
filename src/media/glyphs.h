// SPDX-License-Identifier: EUPL-1.2
// A font's glyphs at one size, rendered once: drawing reads them and neither allocates nor renders.
//
// Immutable once made: any thread. One glyph behind the other by their advances, so fixed-width and proportional fonts
// both do; no kerning, no shaping (media/script.h).
#ifndef BC_MEDIA_GLYPHS_H
#define BC_MEDIA_GLYPHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bc_glyphs;

// What is going to be drawn: every character of the text is in the atlas afterwards. UTF-8.
struct bc_glyphs_use {
        const char *what; // for messages: "unit id"
        const char *text;
};

// A rectangle of luma that is drawn into, limited range: none above white. Nothing outside it is touched.
struct bc_glyphs_cell {
        uint8_t *luma;
        size_t stride_bytes;
        uint32_t width_px, height_px;
};

#define BC_GLYPHS_WHITE 235

// size_px: of the em. A refusal says why in text, in one line: -EINVAL for a text that cannot be drawn or a font that
// cannot do it, else the errno of the font's file, or -ENOMEM.
int bc_glyphs_new(const char *font_path, uint32_t size_px, const struct bc_glyphs_use *uses, size_t count, char *text,
                  size_t text_bytes, struct bc_glyphs **ret_glyphs);
void bc_glyphs_free(struct bc_glyphs *glyphs);

// The most that any glyph of the atlas reaches above the baseline, and below it.
uint32_t bc_glyphs_above_px(const struct bc_glyphs *glyphs);
uint32_t bc_glyphs_below_px(const struct bc_glyphs *glyphs);

// The sum of the text's advances, and the same with each digit taken as the widest of the ten. A character that is not
// in the atlas counts and is drawn as `?` if that is there.
uint32_t bc_glyphs_width_px(const struct bc_glyphs *glyphs, const char *text);
uint32_t bc_glyphs_widest_px(const struct bc_glyphs *glyphs, const char *text);

// Draws white over what is there. x_px: where the first advance begins, perhaps left of the cell; baseline_px: rows
// above the baseline, within the cell.
void bc_glyphs_draw(const struct bc_glyphs *glyphs, const char *text, const struct bc_glyphs_cell *cell, int32_t x_px,
                    uint32_t baseline_px);

// Two texts drawn from the same place on, compared from left to right; begin with the texts and zeros.
struct bc_glyphs_comparison {
        const char *before, *after;
        int32_t before_px, after_px; // where the next advances begin
};

// The next run of characters that are not the same or not in the same place: the columns that their pixels lie in,
// before and after, from where the texts begin. Runs may overlap, as glyphs do. False when there is none left.
bool bc_glyphs_next_change(const struct bc_glyphs *glyphs, struct bc_glyphs_comparison *comparison,
                           int32_t *ret_from_px, int32_t *ret_until_px);

#endif
