// SPDX-License-Identifier: EUPL-1.2
#include "media/banner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/cell.h"
#include "media/glyphs.h"

#define EM_MIN_PX 8
#define LINE_BYTES 128
#define LINES_MAX 8

struct bc_banner {
        uint32_t width_px, height_px; // of the picture
        struct bc_glyphs *glyphs;
        uint32_t pad_y_px, line_px;
};

static uint32_t room_px(uint32_t width_px)
{
        return width_px / 20 * 17;
}

// The size to try next: by proportion, and smaller in any case, as advances are rounded.
static uint32_t smaller(uint32_t em_px, uint32_t wanted_px, uint32_t measured_px)
{
        uint32_t fitting_px = (uint32_t)((uint64_t)em_px * wanted_px / measured_px);

        return fitting_px < em_px ? fitting_px : em_px - 1;
}

BC_DEFINE_CLEANUP(banner, struct bc_banner, bc_banner_free)

// The largest atlas at which the measure fills its room.
int bc_banner_new(const char *font_path, uint32_t width_px, uint32_t height_px, char *text, size_t text_bytes,
                  struct bc_banner **ret_banner)
{
        const struct bc_glyphs_use use = { "slate", "ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789-:.?" };
        BC_CLEANUP(bc_cleanup_banner) struct bc_banner *banner = calloc(1, sizeof(*banner));
        uint32_t em_px = height_px / 4, measured_px = UINT32_MAX;

        if (!banner) {
                snprintf(text, text_bytes, "overlay: no memory");
                return -ENOMEM;
        }
        banner->width_px = width_px;
        banner->height_px = height_px;
        while (measured_px > room_px(width_px) && em_px >= EM_MIN_PX) {
                int r;

                bc_glyphs_free(banner->glyphs);
                banner->glyphs = NULL;
                r = bc_glyphs_new(font_path, em_px, &use, 1, text, text_bytes, &banner->glyphs);
                if (r < 0)
                        return r;
                banner->pad_y_px = em_px / 4;
                banner->line_px = bc_cell_even(bc_glyphs_above_px(banner->glyphs) +
                                               bc_glyphs_below_px(banner->glyphs) + 2 * banner->pad_y_px);
                measured_px = bc_glyphs_widest_px(banner->glyphs, BC_BANNER_MEASURE);
                if (measured_px > room_px(width_px))
                        em_px = smaller(em_px, room_px(width_px), measured_px);
        }
        *ret_banner = BC_TAKE(banner);
        return 0;
}

void bc_banner_free(struct bc_banner *banner)
{
        if (!banner)
                return;
        bc_glyphs_free(banner->glyphs);
        free(banner);
}

// Cuts the first line's words off text into line. False at the end.
static bool next_words(const struct bc_banner *banner, const char **text, char line[LINE_BYTES])
{
        size_t length = 0;

        *text += strspn(*text, " ");
        while ((*text)[length]) {
                size_t word = length + strspn(*text + length, " ");
                size_t more = word + strcspn(*text + word, " ");

                if (more >= LINE_BYTES)
                        break;
                memcpy(line, *text, more);
                line[more] = 0;
                if (length && bc_glyphs_width_px(banner->glyphs, line) > room_px(banner->width_px))
                        break;
                length = more;
        }
        line[length] = 0;
        *text += length;
        return length;
}

void bc_banner_draw(const struct bc_banner *banner, struct bc_frame *frame, const char *text)
{
        char lines[LINES_MAX][LINE_BYTES];
        uint32_t widest_px = 0, pad_px = banner->line_px / 4;
        struct bc_cell_area area = { .height_px = banner->line_px };
        size_t count = 0;

        while (count < LINES_MAX && (count + 1) * banner->line_px <= banner->height_px &&
               next_words(banner, &text, lines[count])) {
                uint32_t line_px = bc_glyphs_width_px(banner->glyphs, lines[count++]);

                widest_px = line_px > widest_px ? line_px : widest_px;
        }
        area.width_px = bc_cell_even(widest_px + 2 * pad_px);
        if (area.width_px > banner->width_px)
                area.width_px = banner->width_px;
        area.x = (banner->width_px - area.width_px) / 4 * 2;
        area.y = (banner->height_px - (uint32_t)count * banner->line_px) / 4 * 2;
        for (size_t i = 0; i < count; i++, area.y += area.height_px) {
                uint32_t line_px = bc_glyphs_width_px(banner->glyphs, lines[i]);
                struct bc_cell_text line = {
                        .glyphs = banner->glyphs,
                        .text = lines[i],
                        .pad_x_px = line_px < area.width_px ? (area.width_px - line_px) / 2 : 0,
                        .pad_y_px = banner->pad_y_px,
                };

                bc_cell_draw(frame, &area, &bc_cell_black, &line);
        }
}
