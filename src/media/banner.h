// SPDX-License-Identifier: EUPL-1.2
// A line of large text across the middle of a picture of one size: what a slate has to say.
//
// Immutable once made: any thread.
#ifndef BC_MEDIA_BANNER_H
#define BC_MEDIA_BANNER_H

#include <stddef.h>
#include <stdint.h>

#include "bodycam/frame.h"

// Fills most of the width: what a slate has within its border (media/slate.h).
#define BC_BANNER_MEASURE "NO PICTURE SINCE 0000-00-00T00:00:00Z"

struct bc_banner;

// As bc_glyphs_new().
int bc_banner_new(const char *font_path, uint32_t width_px, uint32_t height_px, char *text, size_t text_bytes,
                  struct bc_banner **ret_banner);
void bc_banner_free(struct bc_banner *banner);

// Draws into a frame of that size. Text longer than the measure goes on in a further line. For A-Z, 0-9, space and
// -:.?; others are drawn as ?. Allocates nothing.
void bc_banner_draw(const struct bc_banner *banner, struct bc_frame *frame, const char *text);

#endif
