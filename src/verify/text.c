// SPDX-License-Identifier: EUPL-1.2
#include "verify/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t bc_text_character(const char *text, size_t n, uint32_t *ret_character)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint8_t first = n > 0 ? (uint8_t)text[0] : 0;
        size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        uint32_t character = length == 1 ? first : first & (0x7fu >> length);

        if (n == 0 || length > n || (first >= 0x80 && first < 0xc2) || first > 0xf4)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if (((uint8_t)text[i] & 0xc0) != 0x80)
                        return 0;
                character = character << 6 | ((uint8_t)text[i] & 0x3f);
        }
        if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
                return 0;
        *ret_character = character;
        return length;
}

static bool is_harmful(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
               (c >= 0xe0000 && c <= 0xe007f);
}

const char *bc_text_escape(const char *text, char *ret_text, size_t bytes)
{
        size_t n = strlen(text), used = 0, length;

        for (size_t at = 0; at < n; at += length) {
                char piece[16];
                uint32_t character = 0;
                length = bc_text_character(text + at, n - at, &character);
                if (length == 0) {
                        length = 1;
                        snprintf(piece, sizeof(piece), "\\x%02x", (unsigned)(uint8_t)text[at]);
                } else if (character == '\\') {
                        snprintf(piece, sizeof(piece), "\\\\");
                } else if (is_harmful(character)) {
                        snprintf(piece, sizeof(piece), character < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)character);
                } else {
                        memcpy(piece, text + at, length);
                        piece[length] = '\0';
                }
                size_t piece_bytes = strlen(piece);
                if (used + piece_bytes + 4 > bytes) { // room for the dots
                        memcpy(ret_text + used, "...", 3);
                        used += 3;
                        break;
                }
                memcpy(ret_text + used, piece, piece_bytes);
                used += piece_bytes;
        }
        ret_text[used] = '\0';
        return ret_text;
}

const char *bc_text_hex(const uint8_t *bytes, size_t n, char *ret_text)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                ret_text[2 * i] = digits[bytes[i] >> 4];
                ret_text[2 * i + 1] = digits[bytes[i] & 15];
        }
        ret_text[2 * n] = '\0';
        return ret_text;
}
