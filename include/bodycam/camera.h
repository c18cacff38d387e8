// SPDX-License-Identifier: EUPL-1.2
// Port: camera. Users call the functions, drivers fill the table; the simulated drivers are equal siblings.
#ifndef BODYCAM_CAMERA_H
#define BODYCAM_CAMERA_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/frame.h"

struct bc_camera;

// What a user asks of a camera. A driver delivers exactly this size, scaling (aspect kept, black bars) if it must.
struct bc_camera_config {
        uint32_t width_px, height_px; // even, BC_PICTURE_SIDE_MIN_PX .. BC_PICTURE_SIDE_MAX_PX
        uint32_t rate_mhz;            // nominal frames per 1000 s: 30000 is 30 fps; a source with its own times keeps them
};

// Known once the driver is open, immutable after that.
struct bc_camera_info {
        const char *driver;  // "file", "pattern", "libcamera"
        bool simulated;
        enum bc_pixel_format format;
        uint32_t width_px, height_px;
        int64_t interval_ns; // nominal time between two frames
};

// Called on the driver's thread, never after stop() has returned.
struct bc_camera_sink {
        // Lends the frame until bc_frame_release(). Must not block.
        void (*on_frame)(void *user, struct bc_frame *frame);
        // The device is gone or failed (negative errno). Frames may come again later without a further call.
        void (*on_error)(void *user, int error);
        void *user;
};

struct bc_camera_ops {
        int (*start)(struct bc_camera *camera, const struct bc_camera_sink *sink);
        void (*stop)(struct bc_camera *camera);
        void (*free)(struct bc_camera *camera);
};

struct bc_camera {
        const struct bc_camera_ops *ops;
        struct bc_camera_info info;
};

// Starts delivery. 0 or negative errno. Thread-bound: start, stop, free from one thread.
static inline int bc_camera_start(struct bc_camera *camera, const struct bc_camera_sink *sink)
{
        return camera->ops->start(camera, sink);
}

// Ends delivery and waits until on_frame() is not running any more. May be started again.
static inline void bc_camera_stop(struct bc_camera *camera)
{
        camera->ops->stop(camera);
}

// All lent frames must have been released. NULL is allowed.
static inline void bc_camera_free(struct bc_camera *camera)
{
        if (camera)
                camera->ops->free(camera);
}

#endif
