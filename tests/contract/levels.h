// SPDX-License-Identifier: EUPL-1.2
// A camera's sink that reads from each picture which one of its clip it is: picture n has luma 16 + 4 n
// throughout (make_clips).
#ifndef BC_TESTS_LEVELS_H
#define BC_TESTS_LEVELS_H

#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"

#define LEVELS_MAX 60000

struct level {
        int64_t time_ns;
        int picture; // number within the clip; -1: none of its luma
        uint32_t lost;
};

struct levels {
        struct bc_monitor monitor;
        unsigned count, errors;
        int error;
        struct level level[LEVELS_MAX];
};

// Caller frees with levels_free().
struct levels *levels_new(struct bc_clock *clock);
void levels_free(struct levels *levels);
struct bc_camera_sink levels_sink(struct levels *levels);

// Opens a clip of CLIPS at 64 x 48, or the size given; the test fails with what it says if that fails.
struct bc_camera *levels_open(struct bc_clock *clock, const char *clip, const char *sound, int64_t origin_ns,
                              uint32_t width_px, uint32_t height_px);

#endif
