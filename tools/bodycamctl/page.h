// SPDX-License-Identifier: EUPL-1.2
// A page for people: rows of a label and a text, wrapped to a terminal's width, some of them coloured.
//
// A page is built in memory and then printed whole or in part. Without memory rows are left out. Thread-bound.
#ifndef BC_BODYCAMCTL_PAGE_H
#define BC_BODYCAMCTL_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum bc_tone {
        BC_TONE_PLAIN,
        BC_TONE_QUIET,
        BC_TONE_GOOD,
        BC_TONE_NOTE,
        BC_TONE_WARNING,
        BC_TONE_ALERT,
        BC_TONE_LOUD, // an alert that fills its line
};

struct bc_line {
        char *text;
        size_t label_bytes; // these are not coloured
        enum bc_tone tone;
};

struct bc_page {
        struct bc_line *line;
        size_t lines, room;
        size_t width; // columns; 0: nothing is wrapped
        bool colour;
};

// For what a file descriptor leads to: a terminal's width and colours (none with NO_COLOR or TERM=dumb), or neither.
void bc_page_init(struct bc_page *page, int fd);
void bc_page_done(struct bc_page *page);

// Adds a row. What is wrapped is indented like the text of the first line.
__attribute__((format(printf, 4, 5)))
void bc_page_add(struct bc_page *page, enum bc_tone tone, const char *label, const char *format, ...);

// Prints count lines from the first-th on, each with an end (before the end of line).
void bc_page_print(const struct bc_page *page, size_t first, size_t count, const char *end, FILE *stream);

// Prints all of it to standard output.
void bc_page_show(const struct bc_page *page);

// The size of the terminal: true, or false where there is none.
bool bc_page_terminal(int fd, size_t *ret_columns, size_t *ret_lines);

#endif
