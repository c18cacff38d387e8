// SPDX-License-Identifier: EUPL-1.2
// A receiver's log in NMEA 0183, replayed: the first report comes when the receiver is started the first time, each
// further one as much later as the log says. After a stop it goes on at what is due then; after the last report it is
// silent, as a dead receiver is. What is read from the log and how is in nmea/log.h.
#ifndef BC_NMEA_GNSS_H
#define BC_NMEA_GNSS_H

#include <stddef.h>

#include "base/loop.h"
#include "bodycam/gnss.h"
#include "bodycam/simulation.h"

// Reads all of the file, of at most BC_NMEA_FILE_MAX_BYTES. Borrows the loop. 0, or negative errno with a message in
// text naming file and, where it is about one, line: -ENOENT and the like, -EFBIG, -EINVAL (no regular file),
// -EBADMSG (nothing usable in it).
int bc_nmea_gnss_open(struct bc_loop *loop, const char *path, char *text, size_t text_bytes,
                      struct bc_gnss **ret_gnss);

// See bodycam/simulation.h and simulated/gnss.h.
void bc_nmea_gnss_set_fault(struct bc_gnss *gnss, enum bc_fault fault);

#endif
