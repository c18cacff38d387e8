// SPDX-License-Identifier: EUPL-1.2
// The video thread: frames of a camera, or slates, with the overlay drawn into them, encoded into the ring's picture lane,
// and what is said about them in its telemetry lanes.
//
// Of every frame that does not become a unit the next unit's `lost` tells: those the camera lost, those that found
// the queue full, those with an impossible time or shape, those over the bit rate.
#ifndef BC_MEDIA_VIDEO_H
#define BC_MEDIA_VIDEO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "media/pipeline.h"

#define BC_VIDEO_SLATE_EVERY_NS BC_NS_PER_S

// The time without frames after which a slate comes: a camera at its own pace must never look dead.
static inline int64_t bc_video_patience_ns(int64_t slate_after_ns, int64_t interval_ns)
{
        return slate_after_ns > 2 * interval_ns ? slate_after_ns : 2 * interval_ns;
}

struct bc_video;

// Opens the encoder. Borrows what parts and config point to. Failures are logged.
int bc_video_new(const struct bc_pipeline_parts *parts, const struct bc_pipeline_config *config,
                 const struct bc_pipeline_sink *sink, struct bc_video **ret_video);
void bc_video_free(struct bc_video *video);

const struct bc_picture_stream *bc_video_stream(const struct bc_video *video);

// Starts thread and camera; a camera that does not start is replaced by slates. start_ns: nothing older than that
// becomes a unit.
int bc_video_start(struct bc_video *video, int64_t start_ns);

// Whether the camera did not start, and tries again. Both by the thread that started it, before it is stopped.
bool bc_video_lacks_camera(const struct bc_video *video);
void bc_video_retry_camera(struct bc_video *video);

// Stops the camera, encodes what is in the queue, ends the lane.
void bc_video_stop(struct bc_video *video);

// Adds the picture's counters.
void bc_video_counters(struct bc_video *video, struct bc_pipeline_counters *counters);

#endif
