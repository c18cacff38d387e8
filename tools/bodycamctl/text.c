// SPDX-License-Identifier: EUPL-1.2
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

// The length of the UTF-8 character at text, 0 when it is none; the character in *ret_character.
static size_t decode(const char *text, uint32_t *ret_character)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *byte = (const unsigned char *)text;
        size_t length = byte[0] < 0x80 ? 1 : byte[0] >> 5 == 6 ? 2 : byte[0] >> 4 == 14 ? 3 : byte[0] >> 3 == 30 ? 4 : 0;
        uint32_t character;

        if (length == 0)
                return 0;
        character = length == 1 ? byte[0] : byte[0] & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if (byte[i] >> 6 != 2) // the end of the text, too
                        return 0;
                character = character << 6 | (byte[i] & 0x3fu);
        }
        if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
                return 0;
        *ret_character = character;
        return length;
}

static bool is_harmful(uint32_t character)
{
        return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x061c ||
               (character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
               (character >= 0x2060 && character <= 0x206f) || character == 0xfeff;
}

void bc_text_tidy(const char *text, char *ret_text, size_t bytes)
{
        size_t used = 0, fits = 0; // fits: so much can stay in front of "..."

        while (*text) {
                uint32_t character = 0;
                size_t length = decode(text, &character);
                bool bad = length == 0 || is_harmful(character);
                size_t put = bad ? 1 : length;

                if (used + 3 < bytes)
                        fits = used;
                if (used + put >= bytes) {
                        memcpy(ret_text + fits, "...", 4);
                        return;
                }
                if (bad)
                        ret_text[used] = '?';
                else
                        memcpy(ret_text + used, text, length);
                used += put;
                text += length ? length : 1;
        }
        ret_text[used] = 0;
}

json_t *bc_text_to_json(const char *text)
{
        char clean[BC_TEXT_BYTES];

        bc_text_tidy(text, clean, sizeof(clean));
        return json_string(clean);
}

size_t bc_text_width(const char *text)
{
        size_t width = 0;

        for (; *text; text++)
                width += ((unsigned char)*text & 0xc0) != 0x80;
        return width;
}

void bc_text_put_json(const json_t *value)
{
        BC_CLEANUP(bc_cleanup_memory) char *line =
                value ? json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) : NULL;

        for (const char *c = line; c && *c; c++)
                if (*c == 0x7f) // the one control character that jansson leaves as it is
                        fputs("\\u007f", stdout);
                else
                        putchar(*c);
}

void bc_text_print_json(json_t *value)
{
        bc_text_put_json(value);
        putchar('\n');
        json_decref(value);
}
