// SPDX-License-Identifier: EUPL-1.2
// A simulated camera: all of a camera but what it shows. It paces the pictures of a scene on the clock, owns
// the fixed pool of frames, counts what is lost, and plays the faults of bodycam/simulation.h.
//
// The world goes on without it: a scene says which picture belongs to which media time, so after a stop, a
// stall or a slow moment the camera shows what is there now, and never builds up delay.
#ifndef BC_SIMULATED_CAMERA_H
#define BC_SIMULATED_CAMERA_H

#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"
#include "bodycam/simulation.h"

#define BC_SIMULATED_FRAMES                                                                                  \
        6 // of a pool: more than any user holds (a queue of three, one encoded, one on its way)

// What the camera shows. Called on the camera's thread only, one call at a time.
struct bc_scene_ops {
        // The next picture asked for is the first one at or after from_ns. 0 or negative errno.
        int (*seek)(void *scene, int64_t from_ns);
        // Goes to the next picture: its media time, later than the one before, and in *ret_lost the pictures
        // that belong between the two and could not be had. A scene that has fallen far behind now_ns may
        // leave pictures out so. -EAGAIN: not there yet, call again; so that a long way can be broken off. On
        // any other negative errno the camera reports it and seeks again a second later.
        int (*next)(void *scene, int64_t now_ns, int64_t *ret_time_ns, uint32_t *ret_lost);
        // Paints that picture into planes of the camera's size and format, perhaps more than once, perhaps
        // not at all. A negative errno loses this picture only.
        int (*paint)(void *scene, struct bc_frame *frame);
        void (*free)(void *scene);
};

// Whether a camera can have this size: even sides of BC_PICTURE_SIDE_MIN_PX to BC_PICTURE_SIDE_MAX_PX.
bool bc_simulated_camera_has_size(uint32_t width_px, uint32_t height_px);

// Takes the scene if it succeeds; borrows the clock. The driver's name in info must be a constant.
// 0, -EINVAL (size odd or out of range) or -ENOMEM.
int bc_simulated_camera_new(struct bc_clock *clock, const struct bc_camera_info *info,
                            const struct bc_scene_ops *ops, void *scene, struct bc_camera **ret_camera);

// From now on; what becomes due meanwhile is lost and counted. Any thread.
void bc_simulated_camera_set_fault(struct bc_camera *camera, enum bc_fault fault);

#endif
