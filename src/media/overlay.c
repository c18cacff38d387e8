// SPDX-License-Identifier: EUPL-1.2
#include "media/overlay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/banner.h"
#include "media/cell.h"
#include "media/glyphs.h"
#include "media/overlay_text.h"

// Of the shorter side: 30 px at 1080p. The floor is what can be read at 320x180 after 500 kbit/s.
#define EM_OF_SIDE 36
#define EM_MIN_PX 13
#define MARGIN_OF_SIDE 48

struct item {
        enum bc_overlay_content content;
        const char *what;
        char *fixed;          // the text of an id
        uint32_t reserved_px; // its cells in their widest form
        // As composed:
        uint32_t x_px, width_px;          // 0 wide: not yet, or no marks
        char text[BC_OVERLAY_TEXT_BYTES]; // of time and position
        uint32_t marks;
};

struct line {
        size_t first, count; // items
        uint32_t reserved_px;
        uint32_t width_px;     // of what is composed
        struct bc_frame strip; // reserved_px wide; the pixels are the line's
};

struct bc_overlay {
        enum bc_corner corner;
        uint32_t width_px, height_px;
        enum bc_pixel_format format;
        uint32_t em_px, margin_px, pad_x_px, pad_y_px, line_px;
        struct bc_glyphs *glyphs;
        struct bc_banner *banner;
        struct item items[BC_OVERLAY_CONTENTS];
        size_t item_count;
        struct line lines[BC_OVERLAY_LINES_MAX];
        size_t line_count;
};

BC_DEFINE_CLEANUP(overlay, struct bc_overlay, bc_overlay_free)

// ---- lines -----------------------------------------------------------------------------------------------------

static uint32_t cell_px(const struct bc_overlay *overlay, uint32_t text_px)
{
        return bc_cell_even(text_px + 2 * overlay->pad_x_px);
}

static uint32_t gap_px(const struct bc_overlay *overlay)
{
        return bc_cell_even(overlay->pad_y_px);
}

static struct bc_cell_text cell_text(const struct bc_overlay *overlay, const char *text)
{
        return (struct bc_cell_text){ overlay->glyphs, text, overlay->pad_x_px, overlay->pad_y_px };
}

// The cell at x: as much of it as is not there already.
static void put_text(const struct bc_overlay *overlay, struct line *line, struct item *item, uint32_t x,
                     const char *text)
{
        bool is_there = item->width_px && item->x_px == x;
        struct bc_cell_area area = { .x = x, .height_px = overlay->line_px };
        struct bc_cell_text after = cell_text(overlay, text);
        const char *before = item->fixed ? item->fixed : item->text;

        if (is_there && !strcmp(text, before))
                return;
        area.width_px = cell_px(overlay, bc_glyphs_width_px(overlay->glyphs, text));
        if (is_there)
                bc_cell_redraw(&line->strip, &area, &bc_cell_black, &after, before, item->width_px);
        else
                bc_cell_draw(&line->strip, &area, &bc_cell_black, &after);
        item->x_px = x;
        item->width_px = area.width_px;
        if (!item->fixed)
                memcpy(item->text, text, strlen(text) + 1);
}

// The marks' cells from x on, from the first that is not there already.
static void put_marks(const struct bc_overlay *overlay, struct line *line, struct item *item, uint32_t x,
                      uint32_t marks)
{
        bool is_there = item->x_px == x;
        uint32_t end = x;

        if (is_there && item->marks == marks)
                return;
        for (unsigned bit = 0; bit < BC_MARK_BITS; bit++) {
                struct bc_cell_text text = cell_text(overlay, bc_overlay_text_mark(bit));
                struct bc_cell_area area = { .x = end, .height_px = overlay->line_px };

                is_there = is_there && !((item->marks ^ marks) & 1u << bit);
                if (!(marks & 1u << bit))
                        continue;
                area.width_px = end ? gap_px(overlay) : 0;
                if (!is_there)
                        bc_cell_fill(&line->strip, &area, &bc_cell_black);
                area.x += area.width_px;
                area.width_px = cell_px(overlay, bc_glyphs_width_px(overlay->glyphs, text.text));
                if (!is_there)
                        bc_cell_draw(&line->strip, &area, &bc_cell_red, &text);
                end = area.x + area.width_px;
        }
        item->x_px = x;
        item->width_px = end - x;
        item->marks = marks;
}

static void compose(const struct bc_overlay *overlay, struct line *line, struct item *item, uint32_t x,
                    const struct bc_moment *moment)
{
        char text[BC_OVERLAY_TEXT_BYTES];

        if (item->content == BC_OVERLAY_STATE) {
                put_marks(overlay, line, item, x, moment->marks);
        } else if (item->fixed) {
                put_text(overlay, line, item, x, item->fixed);
        } else {
                if (item->content == BC_OVERLAY_TIME)
                        bc_overlay_text_time(moment, text);
                else
                        bc_overlay_text_position(moment, text);
                put_text(overlay, line, item, x, text);
        }
}

static bool is_of_shape(const struct bc_overlay *overlay, const struct bc_frame *frame)
{
        return frame->width_px == overlay->width_px && frame->height_px == overlay->height_px &&
               frame->format == overlay->format;
}

void bc_overlay_draw(struct bc_overlay *overlay, struct bc_frame *frame, const struct bc_moment *moment)
{
        bool bottom = overlay->corner == BC_CORNER_BOTTOM_LEFT || overlay->corner == BC_CORNER_BOTTOM_RIGHT;
        bool right = overlay->corner == BC_CORNER_TOP_RIGHT || overlay->corner == BC_CORNER_BOTTOM_RIGHT;
        uint32_t y = overlay->margin_px;

        if (!is_of_shape(overlay, frame))
                return;
        if (bottom)
                y = overlay->height_px - overlay->margin_px -
                    (uint32_t)overlay->line_count * overlay->line_px;
        for (size_t i = 0; i < overlay->line_count; i++, y += overlay->line_px) {
                struct line *line = &overlay->lines[i];

                line->width_px = 0;
                for (size_t k = line->first; k < line->first + line->count; k++) {
                        struct item *item = &overlay->items[k];

                        compose(overlay, line, item, line->width_px, moment);
                        line->width_px += item->width_px;
                }
                bc_cell_copy(&line->strip, line->width_px, frame,
                             right ? overlay->width_px - overlay->margin_px - line->width_px
                                   : overlay->margin_px,
                             y);
        }
}

void bc_overlay_banner(const struct bc_overlay *overlay, struct bc_frame *frame, const char *text)
{
        if (overlay->banner && is_of_shape(overlay, frame))
                bc_banner_draw(overlay->banner, frame, text);
}

// ---- making ----------------------------------------------------------------------------------------------------

static int add_items(struct bc_overlay *overlay, const struct bc_overlay_config *config)
{
        const struct {
                enum bc_overlay_content content;
                const char *what, *fixed;
        } all[BC_OVERLAY_CONTENTS] = {
                { BC_OVERLAY_TIME, "time", NULL },
                { BC_OVERLAY_DEVICE, "device id", config->device },
                { BC_OVERLAY_UNIT, "unit id", config->unit },
                { BC_OVERLAY_POSITION, "position", NULL },
                { BC_OVERLAY_STATE, "state", NULL },
        };

        for (size_t i = 0; i < BC_OVERLAY_CONTENTS; i++) {
                bool id = all[i].content == BC_OVERLAY_DEVICE || all[i].content == BC_OVERLAY_UNIT;
                struct item *item = &overlay->items[overlay->item_count];

                if (!(config->contents & all[i].content) || (id && (!all[i].fixed || !all[i].fixed[0])))
                        continue;
                item->content = all[i].content;
                item->what = all[i].what;
                if (id) {
                        item->fixed = strdup(all[i].fixed);
                        if (!item->fixed)
                                return -ENOMEM;
                }
                overlay->item_count++;
        }
        return 0;
}

static int make_glyphs(struct bc_overlay *overlay, const char *font_path, char *text, size_t text_bytes)
{
        struct bc_glyphs_use uses[BC_OVERLAY_CONTENTS];

        for (size_t i = 0; i < overlay->item_count; i++) {
                const struct item *item = &overlay->items[i];

                uses[i].what = item->what;
                if (item->content == BC_OVERLAY_TIME)
                        uses[i].text = "0123456789-:TZ " BC_OVERLAY_NO_TIME;
                else if (item->content == BC_OVERLAY_POSITION)
                        uses[i].text = "0123456789-. ±?m " BC_OVERLAY_NO_FIX;
                else if (item->content == BC_OVERLAY_STATE)
                        uses[i].text = "REC EMERGENCY MUTED";
                else
                        uses[i].text = item->fixed;
        }
        return bc_glyphs_new(font_path, overlay->em_px, uses, overlay->item_count, text, text_bytes,
                             &overlay->glyphs);
}

static uint32_t wider_px(const struct bc_overlay *overlay, const char *a, const char *b)
{
        uint32_t a_px = bc_glyphs_widest_px(overlay->glyphs, a),
                 b_px = bc_glyphs_widest_px(overlay->glyphs, b);

        return cell_px(overlay, a_px > b_px ? a_px : b_px);
}

static uint32_t widest_px(const struct bc_overlay *overlay, const struct item *item)
{
        uint32_t width_px = 0;

        if (item->content == BC_OVERLAY_TIME)
                return wider_px(overlay, BC_OVERLAY_TIME_WIDEST, BC_OVERLAY_NO_TIME);
        if (item->content == BC_OVERLAY_POSITION)
                return wider_px(overlay, BC_OVERLAY_POSITION_WIDEST, BC_OVERLAY_NO_FIX);
        if (item->content != BC_OVERLAY_STATE)
                return cell_px(overlay, bc_glyphs_width_px(overlay->glyphs, item->fixed));
        for (unsigned bit = 0; bit < BC_MARK_BITS; bit++)
                width_px += gap_px(overlay) +
                            cell_px(overlay, bc_glyphs_width_px(overlay->glyphs, bc_overlay_text_mark(bit)));
        return width_px;
}

static int flow(struct bc_overlay *overlay, char *text, size_t text_bytes)
{
        uint32_t room_px = overlay->width_px - 2 * overlay->margin_px;
        uint32_t lines = (overlay->height_px - 2 * overlay->margin_px) / overlay->line_px;

        if (lines > BC_OVERLAY_LINES_MAX)
                lines = BC_OVERLAY_LINES_MAX;
        for (size_t i = 0; i < overlay->item_count; i++) {
                struct item *item = &overlay->items[i];
                struct line *line = overlay->line_count ? &overlay->lines[overlay->line_count - 1] : NULL;

                item->reserved_px = widest_px(overlay, item);
                if (item->reserved_px > room_px) {
                        snprintf(text, text_bytes,
                                 "overlay: the %s needs %u px, a picture of %ux%u has room for %u",
                                 item->what, item->reserved_px, overlay->width_px, overlay->height_px,
                                 room_px);
                        return -EINVAL;
                }
                if (!line || line->reserved_px + item->reserved_px > room_px) {
                        if (overlay->line_count == lines) {
                                snprintf(
                                        text, text_bytes,
                                        "overlay: no line left for the %s, a picture of %ux%u has room for %u",
                                        item->what, overlay->width_px, overlay->height_px, lines);
                                return -EINVAL;
                        }
                        line = &overlay->lines[overlay->line_count++];
                        line->first = i;
                }
                line->count++;
                line->reserved_px += item->reserved_px;
        }
        return 0;
}

static int make_strips(struct bc_overlay *overlay)
{
        for (size_t i = 0; i < overlay->line_count; i++) {
                struct line *line = &overlay->lines[i];
                size_t luma = (size_t)line->reserved_px * overlay->line_px;
                bool planar = overlay->format == BC_PIXEL_I420;
                uint32_t chroma_stride = planar ? line->reserved_px / 2 : line->reserved_px;
                uint8_t *pixels = malloc(luma * 3 / 2);

                if (!pixels)
                        return -ENOMEM;
                line->strip = (struct bc_frame){
                        .width_px = line->reserved_px,
                        .height_px = overlay->line_px,
                        .format = overlay->format,
                        .plane = { pixels, pixels + luma, planar ? pixels + luma + luma / 4 : NULL },
                        .stride_bytes = { line->reserved_px, chroma_stride, planar ? chroma_stride : 0 },
                };
        }
        return 0;
}

static void choose_sizes(struct bc_overlay *overlay)
{
        uint32_t shorter_px = overlay->width_px < overlay->height_px ? overlay->width_px : overlay->height_px;

        overlay->em_px = shorter_px / EM_OF_SIDE > EM_MIN_PX ? shorter_px / EM_OF_SIDE : EM_MIN_PX;
        overlay->margin_px = bc_cell_even(shorter_px / MARGIN_OF_SIDE);
        overlay->pad_x_px = overlay->em_px / 2;
        overlay->pad_y_px = overlay->em_px / 7 + 1;
}

static int make(const struct bc_overlay_config *config, char *text, size_t text_bytes,
                struct bc_overlay *overlay)
{
        int r = add_items(overlay, config);

        if (r < 0)
                return r;
        choose_sizes(overlay);
        if (overlay->item_count) {
                r = make_glyphs(overlay, config->font_path, text, text_bytes);
                if (r < 0)
                        return r;
                overlay->line_px = bc_cell_even(bc_glyphs_above_px(overlay->glyphs) +
                                                bc_glyphs_below_px(overlay->glyphs) + 2 * overlay->pad_y_px);
                r = flow(overlay, text, text_bytes);
                if (r < 0)
                        return r;
        }
        r = make_strips(overlay);
        if (r < 0)
                return r;
        return bc_banner_new(config->font_path, config->width_px, config->height_px, text, text_bytes,
                             &overlay->banner);
}

int bc_overlay_new(const struct bc_overlay_config *config, char *text, size_t text_bytes,
                   struct bc_overlay **ret_overlay)
{
        BC_CLEANUP(bc_cleanup_overlay) struct bc_overlay *overlay = calloc(1, sizeof(*overlay));
        bool small = config->width_px < BC_OVERLAY_WIDTH_MIN_PX ||
                     config->height_px < BC_OVERLAY_HEIGHT_MIN_PX;
        int r = -ENOMEM;

        if (config->contents && !config->font_path) {
                snprintf(text, text_bytes, "overlay: no font");
                return -EINVAL;
        }
        if (small && config->contents) {
                snprintf(text, text_bytes,
                         "overlay: a picture of %ux%u has no room for text: switch its contents off",
                         config->width_px, config->height_px);
                return -EINVAL;
        }
        if (overlay) {
                overlay->corner = config->corner;
                overlay->width_px = config->width_px;
                overlay->height_px = config->height_px;
                overlay->format = config->format;
                r = small || !config->font_path ? 0 : make(config, text, text_bytes, overlay);
        }
        if (r == -ENOMEM)
                snprintf(text, text_bytes, "overlay: no memory");
        if (r < 0)
                return r;
        *ret_overlay = BC_TAKE(overlay);
        return 0;
}

void bc_overlay_free(struct bc_overlay *overlay)
{
        if (!overlay)
                return;
        for (size_t i = 0; i < overlay->item_count; i++)
                free(overlay->items[i].fixed);
        for (size_t i = 0; i < overlay->line_count; i++)
                free(overlay->lines[i].strip.plane[0]);
        bc_glyphs_free(overlay->glyphs);
        bc_banner_free(overlay->banner);
        free(overlay);
}
