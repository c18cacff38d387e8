// SPDX-License-Identifier: EUPL-1.2
// Writes a clip through src/format, the way the recorder does.
#ifndef TRIAL_OWN_H
#define TRIAL_OWN_H

#include "packets.h"

struct own_options {
        int64_t fragment_ticks;
        size_t record_bytes;    // 0: none; else each fragment gets a record box of that size, ...
        size_t record_delay;    // ...this many fragments after it
        bool append, patch;     // finalise: the two steps
};

int own_write(const struct clip *clip, const struct own_options *options, const char *path);

// Prints what bc_scan_file() says of a file, as JSON, with every fragment's end and track counts.
int own_scan(const char *path);

#endif
