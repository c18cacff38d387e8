// SPDX-License-Identifier: EUPL-1.2
// Every bound that follows from the settings, computed in one place and shown at start.
#ifndef BC_APP_BOUNDS_H
#define BC_APP_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bodycam/ring.h"
#include "control/settings.h"
#include "evidence/recorder.h"
#include "media/pipeline.h"

#define BC_RING_BYTES_MAX ((size_t)1 << 30)

struct bc_bounds {
        struct bc_pipeline_config pipeline; // borrows text of the settings
        struct bc_ring_config ring;
        struct bc_recorder_config recorder;
        int64_t stop_within_ns;
};

// rate_mhz: the camera's own pace, which for a clip need not be the one in the settings.
// 0, or -ERANGE with a message in text: the ring would be larger than BC_RING_BYTES_MAX.
int bc_bounds_derive(const struct bc_settings *settings, uint32_t rate_mhz, char *text, size_t text_bytes,
                     struct bc_bounds *ret_bounds);

// One line each, by print_line.
void bc_bounds_print(const struct bc_bounds *bounds, const struct bc_settings *settings,
                     void (*print_line)(const char *line));

#endif
