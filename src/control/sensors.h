// SPDX-License-Identifier: EUPL-1.2
// Camera and microphone, on and off: the pipeline behind them, a camera that did not start, and what can be said of both.
//
// Thread-bound: the main loop's thread. Switching on and off opens encoders and joins threads.
#ifndef BC_CONTROL_SENSORS_H
#define BC_CONTROL_SENSORS_H

#include <stdbool.h>

#include "base/loop.h"
#include "control/capture.h"
#include "media/pipeline.h"

struct bc_sensors {
        struct bc_clock *clock;
        struct bc_pipeline *pipeline; // borrowed
        struct bc_capture *capture;   // as well
        struct bc_timer *camera_retry;
        bool run;
        bool stop_is_due; // once nothing of the ring is needed any more
};

// 0 or -ENOMEM.
int bc_sensors_init(struct bc_sensors *sensors, struct bc_loop *loop, struct bc_capture *capture);
void bc_sensors_done(struct bc_sensors *sensors);

void bc_sensors_start(struct bc_sensors *sensors);
// Off and on again, for a pipeline out of which nothing comes. Empties the ring.
void bc_sensors_restart(struct bc_sensors *sensors);

// Sensors go on again into an emptied ring, so they go off only when nothing in it is needed any more.
void bc_sensors_stop_when_idle(struct bc_sensors *sensors);
// Nothing is needed. Whether they went off.
bool bc_sensors_idle(struct bc_sensors *sensors);
// At the end, whatever is needed.
void bc_sensors_stop(struct bc_sensors *sensors);

#endif
