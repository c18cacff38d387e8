// SPDX-License-Identifier: EUPL-1.2
// Why something that was configured is refused, in words for the person who configured it.
#ifndef BC_EVIDENCE_REFUSAL_H
#define BC_EVIDENCE_REFUSAL_H

#include <stddef.h>

// Writes the text, in which every byte that is not printable ASCII becomes "?": it may quote a file. Cut where there is no room;
// text NULL: nobody wants it. Returns -error, so that a check ends with it. Any thread.
__attribute__((format(printf, 4, 5))) int bc_refusal(char *text, size_t text_bytes, int error, const char *format, ...);

#endif
