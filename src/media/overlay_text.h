// SPDX-License-Identifier: EUPL-1.2
// What the overlay says of a moment. Plain functions.
#ifndef BC_MEDIA_OVERLAY_TEXT_H
#define BC_MEDIA_OVERLAY_TEXT_H

#include "bodycam/moment.h"

#define BC_OVERLAY_TEXT_BYTES 64 // holds any of these

#define BC_OVERLAY_NO_TIME "TIME NOT SET"
#define BC_OVERLAY_NO_FIX "NO FIX"

// As wide as these get, whatever the moment.
#define BC_OVERLAY_TIME_WIDEST "0000-00-00T00:00:00Z"
#define BC_OVERLAY_POSITION_WIDEST "-000.000000 -000.000000 ±0000000 m"

// UTC in whole seconds, never ahead; BC_OVERLAY_NO_TIME when there is none.
void bc_overlay_text_time(const struct bc_moment *moment, char ret_text[BC_OVERLAY_TEXT_BYTES]);

// Latitude and longitude in degrees, the nearest millionth (0.11 m at the most), minus for south and west; accuracy in
// metres, rounded up so that it never promises more than the receiver does, `±?` when that does not tell.
void bc_overlay_text_position(const struct bc_moment *moment, char ret_text[BC_OVERLAY_TEXT_BYTES]);

// The word for a mark: bit is its number, below BC_MARK_BITS.
const char *bc_overlay_text_mark(unsigned bit);

#endif
