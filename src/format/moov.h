// SPDX-License-Identifier: EUPL-1.2
// The two moovs of a segment: one set of functions writes both, so that they cannot disagree. Used within format.
#ifndef BC_FORMAT_MOOV_H
#define BC_FORMAT_MOOV_H

#include "format/box.h"
#include "format/init.h"
#include "format/samples.h"

// Seconds from 1904-01-01, where the file format counts from, to 1970-01-01.
#define BC_EPOCH_1904_S INT64_C(2082844800)

// Handler types (14496-12, 8.4.3): what tells the kinds of track apart.
#define BC_HANDLER_PICTURE BC_BOX_TYPE('v', 'i', 'd', 'e')
#define BC_HANDLER_SOUND BC_BOX_TYPE('s', 'o', 'u', 'n')
#define BC_HANDLER_TEXT BC_BOX_TYPE('s', 'b', 't', 'l')
#define BC_HANDLER_POSITION BC_BOX_TYPE('m', 'e', 't', 'a')

// table NULL: the init moov, without samples and with mvex. Else the final moov, with samples and without mvex.
void bc_moov_write(struct bc_writer *writer, const struct bc_init *init, const struct bc_sample_table *table);

#endif
