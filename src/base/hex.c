// SPDX-License-Identifier: EUPL-1.2
#include "base/hex.h"

#include <string.h>

static int digit_of(char c)
{
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;

        return at ? (int)(at - digits) % 16 : -1;
}

bool bc_hex_read(const char *text, size_t bytes, uint8_t *ret_bytes)
{
        for (size_t i = 0; i < bytes; i++) {
                int high = digit_of(text[2 * i]), low = high < 0 ? -1 : digit_of(text[2 * i + 1]);
                if (low < 0)
                        return false;
                ret_bytes[i] = (uint8_t)(high * 16 + low);
        }
        return true;
}
