// SPDX-License-Identifier: EUPL-1.2
// Untrusted text on its way to a reader. Pure; any thread.
#ifndef BC_VERIFY_TEXT_H
#define BC_VERIFY_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define BC_ESCAPED_BYTES(bytes) (6 * (bytes) + 4)

// Copies text; what could move a cursor, turn the direction of writing, end a line, hide or not be read (C0, DEL, C1, U+2028,
// U+2029, bidirectional and zero-width characters, bytes that are no UTF-8) is written \x1b or \u202e, a backslash twice.
// What has no room ends with "...". bytes: room in ret_text, at least 16. Returns ret_text.
const char *bc_text_escape(const char *text, char *ret_text, size_t bytes);

// The next character of valid UTF-8 (RFC 3629) and its length; 0: there is none.
size_t bc_text_character(const char *text, size_t n, uint32_t *ret_character);

// Lower-case hexadecimal digits; ret_text has room for 2 n + 1.
const char *bc_text_hex(const uint8_t *bytes, size_t n, char *ret_text);

#endif
