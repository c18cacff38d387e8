// SPDX-License-Identifier: EUPL-1.2
// What is followed, as a screen of the terminal on standard output; q ends the loop.
//
// Plain ECMA-48 sequences, which every terminal of the last decades knows: what is drawn is one page of rows, from the top,
// once a second. ncurses would bring a library and a terminal database onto the device for that.
#ifndef BC_BODYCAMCTL_SCREEN_H
#define BC_BODYCAMCTL_SCREEN_H

#include <stdbool.h>

#include "follow.h"

struct bc_screen;

// Whether standard output is a terminal that can be drawn on.
bool bc_screen_is_possible(void);

// Takes the terminal, which bc_screen_free() gives back as it was. 0 or negative errno; *ret_sink is to be told then. Borrows
// the loop.
int bc_screen_new(struct bc_loop *loop, struct bc_screen **ret_screen, struct bc_follow_sink *ret_sink);
void bc_screen_free(struct bc_screen *screen);

#endif
