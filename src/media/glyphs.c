// SPDX-License-Identifier: EUPL-1.2
#include "media/glyphs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ft2build.h>
#include <freetype/freetype.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "media/script.h"

#define FONT_BYTES_MAX (64u << 20)
#define SIDE_PX_MAX 4096 // of one glyph

struct glyph {
        uint32_t code;
        // The bitmap's upper left corner, from the pen on the baseline; top is upwards.
        int32_t left_px, top_px;
        uint32_t width_px, height_px;
        uint32_t advance_px;
        size_t at; // in coverage, rows of width_px bytes
};

struct bc_glyphs {
        struct glyph *glyphs; // by code
        size_t count;
        uint8_t *coverage;
        size_t coverage_bytes;
        uint32_t above_px, below_px;
        uint32_t digit_px; // the widest digit's advance
};

// ---- making ----------------------------------------------------------------------------------------------------

struct font {
        FT_Library library;
        FT_Face face;
        char *bytes;
};

static void font_done(struct font *font)
{
        if (font->face)
                FT_Done_Face(font->face);
        if (font->library)
                FT_Done_FreeType(font->library);
        free(font->bytes);
}

BC_DEFINE_CLEANUP(glyphs, struct bc_glyphs, bc_glyphs_free)

static int font_load(struct font *font, const char *path, size_t *ret_size)
{
        // A font is often a link, which bc_file_load() does not follow.
        BC_CLEANUP(bc_cleanup_memory) char *real = realpath(path, NULL);

        if (!real)
                return -errno;
        return bc_file_load(AT_FDCWD, real, FONT_BYTES_MAX, &font->bytes, ret_size);
}

static int font_open(struct font *font, const char *path, uint32_t size_px, char *text, size_t text_bytes)
{
        size_t size;
        int r = font_load(font, path, &size);

        if (r < 0) {
                snprintf(text, text_bytes, "overlay font %s: %s", path,
                         r == -EINVAL ? "no regular file" : strerror(-r));
                return r;
        }
        if (FT_Init_FreeType(&font->library))
                return -ENOMEM;
        if (FT_New_Memory_Face(font->library, (const FT_Byte *)font->bytes, (FT_Long)size, 0, &font->face)) {
                snprintf(text, text_bytes, "overlay font %s: not a font", path);
                return -EINVAL;
        }
        if (!FT_IS_SCALABLE(font->face) || FT_Set_Pixel_Sizes(font->face, 0, size_px)) {
                snprintf(text, text_bytes, "overlay font %s: its glyphs cannot be scaled", path);
                return -EINVAL;
        }
        if (FT_Select_Charmap(font->face, FT_ENCODING_UNICODE)) {
                snprintf(text, text_bytes, "overlay font %s: no table from Unicode to its glyphs", path);
                return -EINVAL;
        }
        return 0;
}

static int check_text(const struct bc_glyphs_use *use, char *text, size_t text_bytes)
{
        const char *at = use->text;
        uint32_t code;
        int r;

        while ((r = bc_script_next(&at, &code)) > 0) {
                bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);

                if (!control && bc_script_is_plain(code))
                        continue;
                if (control)
                        snprintf(text, text_bytes, "overlay: %s: U+%04X is a control character", use->what,
                                 code);
                else
                        snprintf(text, text_bytes,
                                 "overlay: %s: U+%04X needs shaping or right-to-left order, "
                                 "which the overlay does not do",
                                 use->what, code);
                return -EINVAL;
        }
        if (r < 0) {
                snprintf(text, text_bytes, "overlay: %s: not UTF-8 from byte %zu on", use->what,
                         (size_t)(at - use->text) + 1);
                return -EINVAL;
        }
        return 0;
}

static const struct glyph *find(const struct bc_glyphs *glyphs, uint32_t code)
{
        size_t from = 0, until = glyphs->count;

        while (from < until) {
                size_t middle = from + (until - from) / 2;

                if (glyphs->glyphs[middle].code == code)
                        return &glyphs->glyphs[middle];
                if (glyphs->glyphs[middle].code < code)
                        from = middle + 1;
                else
                        until = middle;
        }
        return NULL;
}

static int render(struct bc_glyphs *glyphs, FT_Face face, uint32_t code)
{
        const FT_GlyphSlot slot = face->glyph;
        const FT_Bitmap *bitmap = &slot->bitmap;
        size_t before = 0;
        struct glyph *more;
        uint8_t *coverage;

        // No embedded bitmaps: their sizes jump, and they may be of one bit.
        if (FT_Load_Char(face, code, FT_LOAD_RENDER | FT_LOAD_NO_BITMAP))
                return -EINVAL;
        if (bitmap->width && bitmap->rows &&
            (bitmap->pixel_mode != FT_PIXEL_MODE_GRAY || bitmap->num_grays != 256))
                return -EINVAL;
        if (bitmap->width > SIDE_PX_MAX || bitmap->rows > SIDE_PX_MAX ||
            labs(slot->bitmap_left) > SIDE_PX_MAX || labs(slot->bitmap_top) > SIDE_PX_MAX ||
            slot->advance.x < 0 || slot->advance.x / 64 > SIDE_PX_MAX)
                return -EINVAL;

        more = realloc(glyphs->glyphs, (glyphs->count + 1) * sizeof(*more));
        if (!more)
                return -ENOMEM;
        glyphs->glyphs = more;
        coverage = realloc(glyphs->coverage,
                           glyphs->coverage_bytes + (size_t)bitmap->width * bitmap->rows + 1);
        if (!coverage)
                return -ENOMEM;
        glyphs->coverage = coverage;
        for (unsigned y = 0; y < bitmap->rows; y++)
                memcpy(glyphs->coverage + glyphs->coverage_bytes + (size_t)y * bitmap->width,
                       bitmap->buffer + (ptrdiff_t)y * bitmap->pitch, bitmap->width);

        while (before < glyphs->count && glyphs->glyphs[before].code < code)
                before++;
        memmove(&more[before + 1], &more[before], (glyphs->count - before) * sizeof(*more));
        more[before] = (struct glyph){
                .code = code,
                .left_px = slot->bitmap_left,
                .top_px = slot->bitmap_top,
                .width_px = bitmap->width,
                .height_px = bitmap->rows,
                .advance_px = (uint32_t)((slot->advance.x + 32) / 64),
                .at = glyphs->coverage_bytes,
        };
        glyphs->count++;
        glyphs->coverage_bytes += (size_t)bitmap->width * bitmap->rows;
        return 0;
}

static int add_text(struct bc_glyphs *glyphs, FT_Face face, const char *font_path,
                    const struct bc_glyphs_use *use, char *text, size_t text_bytes)
{
        const char *at = use->text;
        uint32_t code;

        while (bc_script_next(&at, &code) > 0) {
                int r;

                if (find(glyphs, code))
                        continue;
                if (!FT_Get_Char_Index(face, code)) {
                        snprintf(text, text_bytes, "overlay font %s lacks glyph U+%04X of the %s", font_path,
                                 code, use->what);
                        return -EINVAL;
                }
                r = render(glyphs, face, code);
                if (r == -EINVAL)
                        snprintf(text, text_bytes, "overlay font %s: glyph U+%04X of the %s cannot be drawn",
                                 font_path, code, use->what);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void measure(struct bc_glyphs *glyphs)
{
        for (size_t i = 0; i < glyphs->count; i++) {
                const struct glyph *glyph = &glyphs->glyphs[i];
                int32_t below_px = (int32_t)glyph->height_px - glyph->top_px;

                if (!glyph->height_px)
                        continue;
                if (glyph->top_px > (int32_t)glyphs->above_px)
                        glyphs->above_px = (uint32_t)glyph->top_px;
                if (below_px > (int32_t)glyphs->below_px)
                        glyphs->below_px = (uint32_t)below_px;
                if (glyph->code >= '0' && glyph->code <= '9' && glyph->advance_px > glyphs->digit_px)
                        glyphs->digit_px = glyph->advance_px;
        }
}

static int make(const char *font_path, uint32_t size_px, const struct bc_glyphs_use *uses, size_t count,
                char *text, size_t text_bytes, struct bc_glyphs **ret_glyphs)
{
        BC_CLEANUP(bc_cleanup_glyphs) struct bc_glyphs *glyphs = calloc(1, sizeof(*glyphs));
        BC_CLEANUP(font_done) struct font font = { 0 };
        int r;

        if (!glyphs)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                r = check_text(&uses[i], text, text_bytes);
                if (r < 0)
                        return r;
        }
        r = font_open(&font, font_path, size_px, text, text_bytes);
        for (size_t i = 0; i < count && r >= 0; i++)
                r = add_text(glyphs, font.face, font_path, &uses[i], text, text_bytes);
        if (r < 0)
                return r;
        measure(glyphs);
        *ret_glyphs = BC_TAKE(glyphs);
        return 0;
}

int bc_glyphs_new(const char *font_path, uint32_t size_px, const struct bc_glyphs_use *uses, size_t count,
                  char *text, size_t text_bytes, struct bc_glyphs **ret_glyphs)
{
        int r = make(font_path, size_px, uses, count, text, text_bytes, ret_glyphs);

        if (r == -ENOMEM)
                snprintf(text, text_bytes, "overlay: no memory for the font's glyphs");
        return r;
}

void bc_glyphs_free(struct bc_glyphs *glyphs)
{
        if (!glyphs)
                return;
        free(glyphs->glyphs);
        free(glyphs->coverage);
        free(glyphs);
}

// ---- drawing ---------------------------------------------------------------------------------------------------

uint32_t bc_glyphs_above_px(const struct bc_glyphs *glyphs)
{
        return glyphs->above_px;
}

uint32_t bc_glyphs_below_px(const struct bc_glyphs *glyphs)
{
        return glyphs->below_px;
}

// The glyph of the next character, NULL where there is none to draw; false at the end.
static bool next_glyph(const struct bc_glyphs *glyphs, const char **at, const struct glyph **ret_glyph)
{
        uint32_t code;

        if (bc_script_next(at, &code) <= 0)
                return false;
        *ret_glyph = find(glyphs, code);
        if (!*ret_glyph)
                *ret_glyph = find(glyphs, '?');
        return true;
}

static uint32_t sum(const struct bc_glyphs *glyphs, const char *text, bool widest)
{
        const struct glyph *glyph;
        uint32_t width_px = 0;

        while (next_glyph(glyphs, &text, &glyph)) {
                bool digit = glyph && glyph->code >= '0' && glyph->code <= '9';

                width_px += !glyph ? 0 : widest && digit ? glyphs->digit_px : glyph->advance_px;
        }
        return width_px;
}

uint32_t bc_glyphs_width_px(const struct bc_glyphs *glyphs, const char *text)
{
        return sum(glyphs, text, false);
}

uint32_t bc_glyphs_widest_px(const struct bc_glyphs *glyphs, const char *text)
{
        return sum(glyphs, text, true);
}

static int64_t larger(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

// luma + (white - luma) * coverage / 255, rounded. In 16 bits, many at a time: (n + n / 256 + 1) / 256 is n / 255 for
// each n below 65535.
static uint8_t blend(uint8_t luma, uint8_t coverage)
{
        uint16_t more = (uint16_t)((uint16_t)((uint16_t)(BC_GLYPHS_WHITE - luma) * coverage) + 127u);

        return (uint8_t)(luma + ((uint16_t)(more + (more >> 8) + 1u) >> 8));
}

static void draw_glyph(const struct bc_glyphs *glyphs, const struct glyph *glyph,
                       const struct bc_glyphs_cell *cell, int64_t x_px, int64_t baseline_px)
{
        int64_t left = x_px + glyph->left_px, top = baseline_px - glyph->top_px;
        int64_t from = larger(0, -left), until = smaller(glyph->width_px, cell->width_px - left);
        int64_t last = smaller(glyph->height_px, cell->height_px - top);

        for (int64_t row = larger(0, -top); row < last && from < until; row++) {
                const uint8_t *restrict coverage = glyphs->coverage + glyph->at + row * glyph->width_px +
                                                   from;
                uint8_t *restrict at = cell->luma + (top + row) * (int64_t)cell->stride_bytes + left + from;

                for (int64_t i = 0; i < until - from; i++)
                        at[i] = blend(at[i], coverage[i]);
        }
}

void bc_glyphs_draw(const struct bc_glyphs *glyphs, const char *text, const struct bc_glyphs_cell *cell,
                    int32_t x_px, uint32_t baseline_px)
{
        const struct glyph *glyph;
        int64_t pen_px = x_px;

        while (next_glyph(glyphs, &text, &glyph)) {
                if (!glyph)
                        continue;
                draw_glyph(glyphs, glyph, cell, pen_px, baseline_px);
                pen_px += glyph->advance_px;
        }
}

// ---- comparing -------------------------------------------------------------------------------------------------

static void include(const struct glyph *glyph, int32_t x_px, int32_t *from_px, int32_t *until_px)
{
        int32_t left, right;

        if (!glyph || !glyph->width_px)
                return;
        left = x_px + glyph->left_px;
        right = left + (int32_t)glyph->width_px;
        *from_px = left < *from_px ? left : *from_px;
        *until_px = right > *until_px ? right : *until_px;
}

bool bc_glyphs_next_change(const struct bc_glyphs *glyphs, struct bc_glyphs_comparison *comparison,
                           int32_t *ret_from_px, int32_t *ret_until_px)
{
        int32_t from_px = INT32_MAX, until_px = INT32_MIN;
        bool same = false;

        while (!same || from_px >= until_px) {
                const struct glyph *before = NULL, *after = NULL;
                bool more = next_glyph(glyphs, &comparison->before, &before);

                if (!next_glyph(glyphs, &comparison->after, &after) && !more)
                        break;
                same = before == after && comparison->before_px == comparison->after_px;
                if (!same) {
                        include(before, comparison->before_px, &from_px, &until_px);
                        include(after, comparison->after_px, &from_px, &until_px);
                }
                comparison->before_px += before ? (int32_t)before->advance_px : 0;
                comparison->after_px += after ? (int32_t)after->advance_px : 0;
        }
        *ret_from_px = from_px;
        *ret_until_px = until_px;
        return from_px < until_px;
}
