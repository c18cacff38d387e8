// SPDX-License-Identifier: EUPL-1.2
// The file metadata in both moovs of a segment: make, model, device, location. Used within format.
#ifndef BC_FORMAT_ABOUT_H
#define BC_FORMAT_ABOUT_H

#include <stdbool.h>

#include "format/bytes.h"
#include "format/track.h"

// Whether these texts can be written: UTF-8 without control characters, a location as struct bc_about says.
bool bc_about_ok(const struct bc_about *about);

// Writes udta; nothing when there is nothing to say. The device is the label's.
void bc_about_write(struct bc_writer *writer, const struct bc_init *init);

// Fetches the texts from the udta that the reader stands before; the device it skips. Looks at nothing else.
void bc_about_read(struct bc_reader *reader, struct bc_about *about);

#endif
