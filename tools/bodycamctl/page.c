// SPDX-License-Identifier: EUPL-1.2
#include "page.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "text.h"

#define INDENT 11        // columns of a label
#define NARROWEST 20     // columns of text, however narrow the terminal
#define ROW_BYTES 4000

// ECMA-48's Select Graphic Rendition; the sixteen old colours, which every terminal shows on its own ground.
static const char *const rendition[] = {
        [BC_TONE_PLAIN] = "",       [BC_TONE_QUIET] = "2",       [BC_TONE_GOOD] = "32",  [BC_TONE_NOTE] = "36",
        [BC_TONE_WARNING] = "1;33", [BC_TONE_ALERT] = "1;31",    [BC_TONE_LOUD] = "1;37;41",
};

bool bc_page_terminal(int fd, size_t *ret_columns, size_t *ret_lines)
{
        struct winsize size;

        if (!isatty(fd))
                return false;
        *ret_columns = 80;
        *ret_lines = 24;
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
                *ret_columns = size.ws_col;
                *ret_lines = size.ws_row;
        }
        return true;
}

static bool is_coloured(void)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return (!no_color || !*no_color) && term && *term && strcmp(term, "dumb") != 0;
}

void bc_page_init(struct bc_page *page, int fd)
{
        size_t lines;

        *page = (struct bc_page){ 0 };
        if (bc_page_terminal(fd, &page->width, &lines))
                page->colour = is_coloured();
}

void bc_page_done(struct bc_page *page)
{
        for (size_t i = 0; i < page->lines; i++)
                free(page->line[i].text);
        free(page->line);
        page->line = NULL;
        page->lines = page->room = 0;
}

static void add_line(struct bc_page *page, enum bc_tone tone, const char *label, const char *text, size_t bytes)
{
        char *line;

        if (page->lines == page->room) {
                size_t room = page->room ? page->room * 2 : 32;
                struct bc_line *larger = reallocarray(page->line, room, sizeof(*larger));
                if (!larger)
                        return;
                page->line = larger;
                page->room = room;
        }
        if (asprintf(&line, "%-*s%.*s", INDENT, label, (int)bytes, text) < 0)
                return;
        page->line[page->lines++] = (struct bc_line){ line, strlen(line) - bytes, tone };
}

// How many bytes of text go into one line: up to the last space within width columns, else a whole word's part.
static size_t first_line(const char *text, size_t width)
{
        size_t columns = 0, space = 0, i = 0;

        for (; text[i]; i++) {
                bool starts = ((unsigned char)text[i] & 0xc0) != 0x80;
                if (starts && columns == width)
                        return text[i] == ' ' || !space ? i : space;
                columns += starts;
                if (text[i] == ' ')
                        space = i;
        }
        return i;
}

void bc_page_add(struct bc_page *page, enum bc_tone tone, const char *label, const char *format, ...)
{
        size_t width = page->width > INDENT + NARROWEST ? page->width - INDENT : NARROWEST;
        char text[ROW_BYTES], *at = text;
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        do {
                size_t bytes = page->width ? first_line(at, width) : strlen(at);
                add_line(page, tone, label, at, bytes);
                label = "";
                at += bytes;
                while (*at == ' ')
                        at++;
        } while (*at);
}

void bc_page_print(const struct bc_page *page, size_t first, size_t count, const char *end, FILE *stream)
{
        for (size_t i = first; i < page->lines && i - first < count; i++) {
                const struct bc_line *line = &page->line[i];
                const char *code = page->colour ? rendition[line->tone] : "";

                fwrite(line->text, 1, line->label_bytes, stream);
                if (*code)
                        fprintf(stream, "\033[%sm%s\033[0m%s\n", code, line->text + line->label_bytes, end);
                else
                        fprintf(stream, "%s%s\n", line->text + line->label_bytes, end);
        }
}

void bc_page_show(const struct bc_page *page)
{
        bc_page_print(page, 0, SIZE_MAX, "", stdout);
}
