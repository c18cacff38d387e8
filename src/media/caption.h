// SPDX-License-Identifier: EUPL-1.2
// A sample of the text track (tx3g, 3GPP TS 26.245, 5.17: the text's length in two bytes, then UTF-8), shown by players as
// a subtitle. One or more lines:
//
//   2026-11-26 011214Z within 0.05 s of ntp  DEVICE UNIT  REC     (or TIME NOT SET instead of the date up to "ntp")
//   CLOCK SET by +3600.0 s                                        (the clock did not go on from the cue before)
//   within 5 m, 1.4 m/s, course 231                               (or NO FIX; nothing without a receiver)
//   Lat:59.329300 Lon:18.068600 Alt:12.3
//
// Position stands last, and no other colon occurs: exiftool reads whatever has a word and a colon before it, up to the
// next such word.
//
// Pure functions, any thread.
#ifndef BC_MEDIA_CAPTION_H
#define BC_MEDIA_CAPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/moment.h"

#define BC_CAPTION_BYTES_MAX 512

// before: the moment of the cue before this one, NULL for none. gnss: there is a receiver. device, unit: at most 64 bytes
// each are used; the colons in them are written as points. Returns the size.
size_t bc_caption_write(const char *device, const char *unit, bool gnss, const struct bc_moment *moment,
                        const struct bc_moment *before, uint8_t bytes[BC_CAPTION_BYTES_MAX]);

#endif
