// SPDX-License-Identifier: EUPL-1.2
#include "format/text.h"

#include <stdint.h>
#include <string.h>

// Bytes of the plain character at text, of which n bytes are at hand; 0 when there is none (RFC 3629, 4).
static size_t plain_bytes(const char *text, size_t n)
{
        uint8_t at[4] = { 0 }; // zeros behind the end: no byte of a character

        memcpy(at, text, n < sizeof(at) ? n : sizeof(at));
        if (at[0] < 0x80)
                return at[0] >= 0x20 && at[0] != 0x7f ? 1 : 0;
        size_t bytes = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
        if (at[0] < 0xc2 || at[0] > 0xf4)
                return 0;
        uint8_t low = at[0] == 0xc2 || at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80; // no control, shortest form only
        uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf; // no surrogates, up to U+10FFFF
        if (at[1] < low || at[1] > high)
                return 0;
        for (size_t i = 2; i < bytes; i++)
                if (at[i] < 0x80 || at[i] > 0xbf)
                        return 0;
        return bytes;
}

bool bc_text_is_plain(const char *text, size_t n)
{
        for (size_t at = 0, bytes; at < n; at += bytes) {
                bytes = plain_bytes(text + at, n - at);
                if (bytes == 0)
                        return false;
        }
        return true;
}

size_t bc_text_clean(const char *text, char *ret_text, size_t size)
{
        size_t n = strlen(text), used = 0;

        if (size == 0)
                return 0;
        for (size_t at = 0; at < n;) {
                size_t bytes = plain_bytes(text + at, n - at), take = bytes > 0 ? bytes : 1;
                if (take > size - 1 - used)
                        break;
                if (bytes > 0)
                        memcpy(ret_text + used, text + at, bytes);
                else
                        ret_text[used] = '?';
                at += take;
                used += take;
        }
        ret_text[used] = '\0';
        return used;
}
