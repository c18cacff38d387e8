// SPDX-License-Identifier: EUPL-1.2
// What is followed, as lines on standard output: one for each change, alarm, going and coming back.
//
// Ends the loop when standard output takes no more.
#ifndef BC_BODYCAMCTL_LINES_H
#define BC_BODYCAMCTL_LINES_H

#include "follow.h"

struct bc_lines;

// 0 or negative errno; *ret_sink is to be told then. Borrows the loop.
int bc_lines_new(struct bc_loop *loop, bool json, struct bc_lines **ret_lines, struct bc_follow_sink *ret_sink);
void bc_lines_free(struct bc_lines *lines);

// When something was, by the properties of that moment: UTC, or media time where the clock is not set.
#define BC_LINES_WHEN_BYTES 40
void bc_lines_when(const json_t *properties, char ret_when[BC_LINES_WHEN_BYTES]);

#endif
