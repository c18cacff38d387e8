// SPDX-License-Identifier: EUPL-1.2
// Plain text: UTF-8 (RFC 3629) without control characters (U+0000 to U+001F, U+007F to U+009F). What people wrote goes into files
// only as such. Pure; any thread.
#ifndef BC_FORMAT_TEXT_H
#define BC_FORMAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Whether these n bytes are plain text; an empty one is.
bool bc_text_is_plain(const char *text, size_t n);

// Copies what is there up to a 0, at most what fits into size bytes with a 0 behind it, whole characters only. Each byte that is
// not of plain text becomes '?'. The length.
size_t bc_text_clean(const char *text, char *ret_text, size_t size);

#endif
