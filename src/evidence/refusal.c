// SPDX-License-Identifier: EUPL-1.2
#include "evidence/refusal.h"

#include <stdarg.h>
#include <stdio.h>

int bc_refusal(char *text, size_t text_bytes, int error, const char *format, ...)
{
        va_list arguments;

        if (!text || text_bytes == 0)
                return -error;
        va_start(arguments, format);
        if (vsnprintf(text, text_bytes, format, arguments) < 0)
                text[0] = 0;
        va_end(arguments);
        for (; *text; text++)
                if (*text < 0x20 || *text > 0x7e)
                        *text = '?';
        return -error;
}
