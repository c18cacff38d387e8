// SPDX-License-Identifier: EUPL-1.2
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Length of the character of UTF-8 (RFC 3629) at text and what it is; 0: there is none.
static size_t decode(const unsigned char *text, uint32_t *ret_character)
{
        static const struct {
                unsigned char mask, lead;
                uint32_t least;
        } forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };

        for (size_t form = 0; form < 4; form++) {
                uint32_t character = text[0] & (unsigned char)~forms[form].mask;

                if ((text[0] & forms[form].mask) != forms[form].lead)
                        continue;
                for (size_t i = 1; i <= form; i++) {
                        if ((text[i] & 0xc0) != 0x80)
                                return 0; // the 0 at the end, too
                        character = character << 6 | (text[i] & 0x3f);
                }
                *ret_character = character;
                return character < forms[form].least || character > 0x10ffff || (character >> 11) == 0x1b ? 0 : form + 1;
        }
        return 0;
}

static bool is_plain(uint32_t c)
{
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
        bool turning = c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

        return !control && !turning;
}

const char *bc_text_plain(const char *text, char ret_text[BC_TEXT_BYTES_MAX])
{
        const unsigned char *at = (const unsigned char *)text;
        size_t used = 0;

        while (*at && used + 4 < BC_TEXT_BYTES_MAX) {
                uint32_t character;
                size_t n = decode(at, &character);

                if (n > 0 && is_plain(character)) {
                        memcpy(ret_text + used, at, n);
                        used += n;
                } else {
                        ret_text[used++] = '?';
                }
                at += n > 0 ? n : 1;
        }
        ret_text[used] = '\0';
        return ret_text;
}
