// SPDX-License-Identifier: EUPL-1.2
// Text from outside (the bus, manifests, names of files) on its way to a terminal or into JSON. Pure functions.
#ifndef BC_BODYCAMCTL_TEXT_H
#define BC_BODYCAMCTL_TEXT_H

#include <jansson.h>
#include <stddef.h>

#define BC_TEXT_BYTES 1000 // what is longer is cut, and ends with "..."

// Copies text with a "?" for each control character (C0, DEL, C1), each character that turns the direction of
// writing or ends a line, and each byte that is no UTF-8. bytes: room in ret_text, at least 4.
void bc_text_tidy(const char *text, char *ret_text, size_t bytes);

// The same, as a JSON string of at most BC_TEXT_BYTES. NULL: out of memory.
json_t *bc_text_to_json(const char *text);

// Columns that cleaned text takes, one a character.
size_t bc_text_width(const char *text);

// Prints a value as one line of ASCII. Takes it; NULL (out of memory): an empty line.
void bc_text_print_json(json_t *value);

// The same without the end of line, borrowing the value.
void bc_text_put_json(const json_t *value);

#endif
