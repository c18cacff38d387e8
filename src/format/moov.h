// SPDX-License-Identifier: EUPL-1.2
// The two moovs of a segment: one set of functions writes both, so that they cannot disagree. Used within format.
#ifndef BC_FORMAT_MOOV_H
#define BC_FORMAT_MOOV_H

#include "format/box.h"
#include "format/init.h"
#include "format/samples.h"

// table NULL: the init moov, without samples and with mvex. Else the final moov, with samples and without mvex.
void bc_moov_write(struct bc_writer *writer, const struct bc_init *init, const struct bc_sample_table *table);

#endif
