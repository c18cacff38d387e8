// SPDX-License-Identifier: EUPL-1.2
// Reads a recording back from its folder and says which units it holds, where and when.
#ifndef JUDGE_H
#define JUDGE_H

#include "bodycam/ring.h"
#include "evidence/manifest.h"
#include "feeder.h"

struct judged_unit {
        uint32_t segment;
        uint64_t number;
        int64_t ticks, duration_ticks; // media time
        bool sync;
};

struct judged {
        struct bc_manifest manifest;
        struct judged_unit *unit[BC_LANE_COUNT];
        size_t units[BC_LANE_COUNT], room[BC_LANE_COUNT];
        uint32_t segments, finished, fragments;
        int64_t longest_fragment_ticks;
        unsigned tails, strangers; // other files
};

// Fails the test when anything in the folder cannot be read as it should.
void judge_read(int recordings_fd, const char *name, struct judged *ret_judged);
void judge_done(struct judged *judged);

// Every unit of the feeder from the first one held on is there exactly once, at its time, without a hole, up to the
// last one: no unit is in two segments. Returns the start of the first picture.
int64_t judge_whole(const struct judged *judged, const struct feeder_config *config);

// Number of gaps of a kind, or of all kinds (-1).
unsigned judge_gaps(const struct judged *judged, int kind);

#endif
