// SPDX-License-Identifier: EUPL-1.2
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 1024

static const char *word(int priority)
{
        switch (priority) {
        case LOG_ERR:
                return "error: ";
        case LOG_WARNING:
                return "warning: ";
        default:
                return "";
        }
}

void bc_log(int priority, const char *format, ...)
{
        char text[LINE_BYTES_MAX], line[LINE_BYTES_MAX + 64];
        struct pollfd writable = { .fd = STDERR_FILENO, .events = POLLOUT };
        va_list arguments;
        int n;

        if (priority >= LOG_DEBUG && !getenv("BC_DEBUG"))
                return;
        va_start(arguments, format);
        n = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (n < 0)
                return;
        // A line is a line: what a file name or a bus peer put in must not forge another.
        for (char *c = text; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';
        if (getenv("JOURNAL_STREAM"))
                n = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
        else
                n = snprintf(line, sizeof(line), "bodycam: %s%s\n", word(priority), text);
        if (n > (int)sizeof(line) - 1)
                n = (int)sizeof(line) - 1;
        // Nobody may wait for whoever reads the log: with its pipe full, the line is lost.
        if (poll(&writable, 1, 0) != 1)
                return;
        if (write(STDERR_FILENO, line, (size_t)n) < 0)
                return; // nowhere left to say it
}
