// SPDX-License-Identifier: EUPL-1.2
// Text burned into the picture before it is encoded: white on near-black cells in a corner, marks on red ones.
//
// Items in this order, those that the contents name, each a whole that is never split; as many on a line as fit by
// their widest forms, so that no item ever changes its line:
//
//      TIME      2026-11-26T01:12:14Z                  TIME NOT SET without a clock
//      DEVICE    the device id
//      UNIT      the unit id, where there is one
//      POSITION  59.329300 18.068600 ±5 m              NO FIX without a position, ±? without an accuracy
//      STATE     REC EMERGENCY MUTED                   those that the moment has; none: nothing
//
// Letters have an em of a thirty-sixth of the shorter side, at least 13 px. A bold face reads better in small pictures.
//
// Lines are composed once, and what changes in them is: the characters of a time or a position, cells that move or
// come. A frame costs that and a copy of the lines' rows. Cells lie on even pixels, so that no colour runs into the
// picture beside them.
//
// Thread-bound: one thread draws. The object is made in any.
#ifndef BC_MEDIA_OVERLAY_H
#define BC_MEDIA_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

#include "bodycam/frame.h"
#include "bodycam/moment.h"

enum bc_corner {
        BC_CORNER_TOP_LEFT,
        BC_CORNER_TOP_RIGHT,
        BC_CORNER_BOTTOM_LEFT,
        BC_CORNER_BOTTOM_RIGHT,
};

enum bc_overlay_content {
        BC_OVERLAY_TIME = 1 << 0,
        BC_OVERLAY_DEVICE = 1 << 1,
        BC_OVERLAY_UNIT = 1 << 2,
        BC_OVERLAY_POSITION = 1 << 3,
        BC_OVERLAY_STATE = 1 << 4,
};
#define BC_OVERLAY_CONTENTS 5

#define BC_OVERLAY_WIDTH_MIN_PX 320 // without contents a picture may be smaller
#define BC_OVERLAY_HEIGHT_MIN_PX 180
#define BC_OVERLAY_LINES_MAX 6

struct bc_overlay_config {
        const char *font_path; // NULL: no font is opened, nothing is ever drawn; for no contents only
        enum bc_corner corner;
        uint32_t contents;         // enum bc_overlay_content
        const char *device, *unit; // UTF-8; NULL or "": not there
        uint32_t width_px, height_px; // both even
        enum bc_pixel_format format;
};

struct bc_overlay;

// Borrows config for the call. A refusal says why in text, in one line: -EINVAL for what cannot be drawn, else the
// errno of the font's file, or -ENOMEM.
int bc_overlay_new(const struct bc_overlay_config *config, char *text, size_t text_bytes,
                   struct bc_overlay **ret_overlay);
void bc_overlay_free(struct bc_overlay *overlay);

// Draws what is known of the frame's moment. Neither allocates nor fails: whatever the numbers are, they fit. A frame
// that is not of the configured size and format is left alone.
void bc_overlay_draw(struct bc_overlay *overlay, struct bc_frame *frame, const struct bc_moment *moment);

// Writes a line across the middle of a frame that must be told from all others (media/banner.h). Nothing happens when
// there is no font, the picture is smaller than the least size, or the frame is of another shape.
void bc_overlay_banner(const struct bc_overlay *overlay, struct bc_frame *frame, const char *text);

#endif
