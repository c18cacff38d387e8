// SPDX-License-Identifier: EUPL-1.2
// What the tests of NMEA 0183 share: sentences with the right checksum, and a real receiver's log.
#ifndef BC_TESTS_SENTENCES_H
#define BC_TESTS_SENTENCES_H

#include <stddef.h>

// Writes $BODY*HH, HH being the exclusive or of all characters of body; returns its length. Aborts when too small.
size_t sentence_frame(const char *body, char *line, size_t line_bytes);

// The same for a line that has a frame already: makes its checksum right. line: at least 4 bytes, the last 3 are *HH.
void sentence_repair(char *line, size_t bytes);

// tests/data/boat.nmea; the caller frees it. Aborts when it is not there.
char *sentences_of_boat(size_t *ret_size);

#endif
