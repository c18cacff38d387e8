// SPDX-License-Identifier: EUPL-1.2
// Lengths of time and numbers of bytes as people read them. Pure functions.
#ifndef BC_BODYCAMCTL_SPAN_H
#define BC_BODYCAMCTL_SPAN_H

#include <stdint.h>

#define BC_SPAN_BYTES 40

struct bc_span {
        char text[BC_SPAN_BYTES];
};

// "0.4 s", "12.5 s", "3 min 12 s", "5 h 02 min", "3 d 04 h"; less than nothing is nothing.
struct bc_span bc_span_of_ns(int64_t span_ns);
struct bc_span bc_span_of_minutes(int64_t minutes);

// Ticks of bodycam/time.h: "0:02:41.3".
struct bc_span bc_span_of_ticks(int64_t ticks);

// "23.4 GB"; thousands, as cards are sold.
struct bc_span bc_span_of_bytes(uint64_t bytes);

// How wrong a clock may be: "20 ms", "1.5 s".
struct bc_span bc_span_of_error(int64_t error_ns);

#endif
