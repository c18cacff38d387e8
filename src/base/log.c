// SPDX-License-Identifier: EUPL-1.2
#include "base/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/journal.h"

#define LINE_BYTES_MAX 1024
#define IDENTIFIER "bodycamd" // of all that this library is in, the only one that the journal hears

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

static void add_number(struct bc_journal_entry *entry, const char *name, int64_t number)
{
        char text[sizeof("-9223372036854775808")];

        snprintf(text, sizeof(text), "%" PRId64, number);
        (void)bc_journal_add(entry, name, text);
}

static bool tell_journal(int priority, const char *message_id, const struct bc_log_field *fields, const char *text)
{
        struct bc_journal_entry entry = { .used = 0 };

        // Without a kind there is nothing to add to what the stream brings. And the journal knows a stream's unit, while a
        // datagram of a process that has ended meanwhile, for wrong settings, may be nobody's.
        if (!message_id || !bc_journal_has(STDERR_FILENO))
                return false;
        // What must be there comes first: there is room for it.
        (void)bc_journal_add(&entry, "MESSAGE", text);
        add_number(&entry, "PRIORITY", priority);
        (void)bc_journal_add(&entry, "SYSLOG_IDENTIFIER", IDENTIFIER);
        (void)bc_journal_add(&entry, "MESSAGE_ID", message_id);
        for (; fields && fields->name; fields++)
                if (fields->text)
                        (void)bc_journal_add(&entry, fields->name, fields->text);
                else
                        add_number(&entry, fields->name, fields->number);
        return bc_journal_send(&entry, BC_JOURNAL_SOCKET) == 0;
}

static void tell_stderr(int priority, const char *text)
{
        struct pollfd writable = { .fd = STDERR_FILENO, .events = POLLOUT };
        char line[LINE_BYTES_MAX + 64];
        int n;

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

__attribute__((format(printf, 4, 0))) static void tell(int priority, const char *message_id,
                                                       const struct bc_log_field *fields, const char *format,
                                                       va_list arguments)
{
        char text[LINE_BYTES_MAX];

        if (priority >= LOG_DEBUG && !getenv("BC_DEBUG"))
                return;
        if (vsnprintf(text, sizeof(text), format, arguments) < 0)
                return;
        // A line is a line: what a file name or a bus peer put in must not forge another.
        for (char *c = text; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';
        if (!tell_journal(priority, message_id, fields, text))
                tell_stderr(priority, text);
}

void bc_log(int priority, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        tell(priority, NULL, NULL, format, arguments);
        va_end(arguments);
}

void bc_log_event(int priority, const char *message_id, const struct bc_log_field *fields, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        tell(priority, message_id, fields, format, arguments);
        va_end(arguments);
}
