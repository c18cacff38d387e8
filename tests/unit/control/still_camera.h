// SPDX-License-Identifier: EUPL-1.2
// A camera that looks at a grey wall, 64x48 at 10 fps, for tests that are not about the picture.
#ifndef STILL_CAMERA_H
#define STILL_CAMERA_H

#include "base/clock.h"
#include "bodycam/camera.h"

#define STILL_INTERVAL_NS (BC_NS_PER_S / 10)

struct bc_camera *still_camera_new(struct bc_clock *clock);

// The next so many starts fail.
void still_camera_fail_starts(struct bc_camera *camera, int starts);

#endif
