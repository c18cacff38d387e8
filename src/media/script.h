// SPDX-License-Identifier: EUPL-1.2
// Text that can be drawn by putting one glyph behind the other, from left to right: which that is, and its characters.
#ifndef BC_MEDIA_SCRIPT_H
#define BC_MEDIA_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

// The next character of UTF-8 text, which *at is moved behind. 1; 0 at the end; -EILSEQ where no valid character
// (RFC 3629) begins: *at stays.
int bc_script_next(const char **at, uint32_t *ret_code);

// Whether the character is drawn alone and in its place: Latin, Greek, Cyrillic, Armenian, Georgian, Ethiopic,
// Cherokee, Chinese, Japanese, Korean syllables, signs. Not: what joins the character before it, scripts whose letters
// change with their neighbours or run to the left, control and format characters.
bool bc_script_is_plain(uint32_t code);

#endif
