// SPDX-License-Identifier: EUPL-1.2
// What is known of time, place and state, over the last minutes: control tells it as it happens, the video thread and
// the recorder ask what held at an instant.
//
// Whoever asks for a frame's instant gets what was told before or at that instant: a frame that waited in the queue while
// a button was pressed is still of before. What is told holds from the moment of the call on, so that no frame asked for
// before could have known it: marks change exactly between two frames. Nothing is repeated for want of news: a fix is gone
// when it is older than fresh_ns.
//
// Bounded: of each kind the newest entries are remembered; who asks for an instant before them gets the oldest, but
// never a fix of later.
// Thread-safe; a call never waits but for another call's few instructions. Allocates nothing after bc_telemetry_new().
#ifndef BC_MEDIA_TELEMETRY_H
#define BC_MEDIA_TELEMETRY_H

#include <stdint.h>

#include "base/clock.h"
#include "bodycam/moment.h"

#define BC_TELEMETRY_MARKS 64
#define BC_TELEMETRY_ANCHORS 64 // at one a minute, an hour
#define BC_TELEMETRY_FIXES 2048 // at ten a second, more than the longest pre-event

struct bc_telemetry;

// Borrows the clock. 0 or -ENOMEM.
int bc_telemetry_new(struct bc_clock *clock, int64_t fresh_ns, struct bc_telemetry **ret_telemetry);
void bc_telemetry_free(struct bc_telemetry *telemetry);

// ---- what is told --------------------------------------------------------------------------------------------

void bc_telemetry_set_marks(struct bc_telemetry *telemetry, uint32_t marks); // enum bc_mark
void bc_telemetry_set_anchor(struct bc_telemetry *telemetry, const struct bc_utc_anchor *anchor);
void bc_telemetry_set_fix(struct bc_telemetry *telemetry, const struct bc_fix *fix);

// ---- what was so ---------------------------------------------------------------------------------------------

void bc_telemetry_at(struct bc_telemetry *telemetry, int64_t time_ns, struct bc_moment *ret_moment);

#endif
