// SPDX-License-Identifier: EUPL-1.2
// The recorder's flags in plain words: what each means, and what to do. Immutable.
#ifndef BC_BODYCAMCTL_WARNING_H
#define BC_BODYCAMCTL_WARNING_H

#include <jansson.h>

#include "page.h"

struct bc_warning {
        const char *flag;
        enum bc_tone tone;
        const char *meaning, *remedy;
};

// NULL: a flag that this program does not know.
const struct bc_warning *bc_warning_find(const char *flag);

// Adds a row for each flag of an array, the gravest first.
void bc_warning_describe(const json_t *flags, struct bc_page *page);

#endif
