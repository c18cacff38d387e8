// SPDX-License-Identifier: EUPL-1.2
#include "simulated/camera.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/thread.h"

#define ALIGN_BYTES 64u
#define RETRY_NS BC_NS_PER_S
#define LATE_MAX_NS BC_NS_PER_S // however late everything is, one picture is shown in this time

struct simulated_camera;

struct pool_frame {
        struct bc_frame frame;
        struct simulated_camera *camera;
        bool taken;
};

struct simulated_camera {
        struct bc_camera camera;
        const struct bc_scene_ops *ops;
        void *scene;
        struct bc_thread *thread;
        struct bc_camera_sink sink; // immutable while the thread runs
        int64_t start_ns;
        uint8_t *pixels; // of all frames
        struct pool_frame frame[BC_SIMULATED_FRAMES];

        struct bc_monitor monitor; // of what follows, and of taken
        bool stopping;
        bool unplugged; // happened and is not reported yet
        enum bc_fault fault;
};

// The thread's own state.
struct run {
        struct simulated_camera *self;
        uint32_t lost;        // since the last frame delivered
        int64_t time_ns;      // of the last picture, shown or lost
        int64_t delivered_ns; // when the last one was
        bool failed;          // the scene does, and that was reported
};

static struct simulated_camera *simulated(struct bc_camera *camera)
{
        return (struct simulated_camera *)(void *)((char *)camera -
                                                   offsetof(struct simulated_camera, camera));
}

// ---- pool ----------------------------------------------------------------------------------------------------

static void release(struct bc_frame *frame)
{
        struct pool_frame *slot = frame->owner;
        struct bc_monitor *monitor = &slot->camera->monitor;

        bc_monitor_lock(monitor);
        if (!slot->taken)
                bc_log_error("%s camera: a frame was released twice", slot->camera->camera.info.driver);
        slot->taken = false;
        bc_monitor_unlock(monitor);
}

static struct bc_frame *take(struct simulated_camera *self)
{
        struct bc_frame *frame = NULL;

        bc_monitor_lock(&self->monitor);
        for (unsigned i = 0; i < BC_SIMULATED_FRAMES && !frame; i++)
                if (!self->frame[i].taken) {
                        self->frame[i].taken = true;
                        frame = &self->frame[i].frame;
                }
        bc_monitor_unlock(&self->monitor);
        return frame;
}

static uint32_t stride_of(uint32_t width_bytes)
{
        return (width_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

struct layout {
        uint32_t luma_stride, chroma_stride;
        size_t luma_bytes, chroma_bytes, frame_bytes; // chroma_bytes: of one plane
};

// Sides are at most BC_PICTURE_SIDE_MAX_PX, so nothing overflows.
static struct layout layout_of(const struct bc_camera_info *info)
{
        bool interleaved = info->format == BC_PIXEL_NV12;
        struct layout l = {
                .luma_stride = stride_of(info->width_px),
                .chroma_stride = stride_of(interleaved ? info->width_px : info->width_px / 2),
        };

        l.luma_bytes = (size_t)l.luma_stride * info->height_px;
        l.chroma_bytes = (size_t)l.chroma_stride * (info->height_px / 2);
        l.frame_bytes = l.luma_bytes + (interleaved ? 1 : 2) * l.chroma_bytes;
        return l;
}

static int make_pool(struct simulated_camera *self)
{
        const struct bc_camera_info *info = &self->camera.info;
        struct layout l = layout_of(info);

        self->pixels = aligned_alloc(ALIGN_BYTES, l.frame_bytes * BC_SIMULATED_FRAMES);
        if (!self->pixels)
                return -ENOMEM;
        for (unsigned i = 0; i < BC_SIMULATED_FRAMES; i++) {
                struct pool_frame *slot = &self->frame[i];
                uint8_t *pixels = self->pixels + i * l.frame_bytes;

                slot->camera = self;
                slot->frame = (struct bc_frame){
                        .width_px = info->width_px,
                        .height_px = info->height_px,
                        .format = info->format,
                        .plane = { pixels, pixels + l.luma_bytes },
                        .stride_bytes = { l.luma_stride, l.chroma_stride },
                        .release = release,
                        .owner = slot,
                };
                if (info->format == BC_PIXEL_I420) {
                        slot->frame.plane[2] = pixels + l.luma_bytes + l.chroma_bytes;
                        slot->frame.stride_bytes[2] = l.chroma_stride;
                }
        }
        return 0;
}

// ---- thread --------------------------------------------------------------------------------------------------

// Waits until due_ns, reporting an unplugging meanwhile. False: the camera is being stopped.
static bool wait_until(struct simulated_camera *self, int64_t due_ns)
{
        bool go_on;

        bc_monitor_lock(&self->monitor);
        while (!self->stopping) {
                if (self->unplugged) {
                        self->unplugged = false;
                        bc_monitor_unlock(&self->monitor);
                        self->sink.on_error(self->sink.user, -ENODEV);
                        bc_monitor_lock(&self->monitor);
                } else if (bc_clock_now_ns(self->monitor.clock) < due_ns) {
                        (void)bc_monitor_wait(&self->monitor, due_ns); // the loop looks at the state itself
                } else {
                        break;
                }
        }
        go_on = !self->stopping;
        bc_monitor_unlock(&self->monitor);
        return go_on;
}

static bool is_faulty(struct simulated_camera *self)
{
        bool faulty;

        bc_monitor_lock(&self->monitor);
        faulty = self->fault != BC_FAULT_NONE;
        bc_monitor_unlock(&self->monitor);
        return faulty;
}

static void add_lost(struct run *run, uint32_t more)
{
        run->lost = more > UINT32_MAX - run->lost ? UINT32_MAX : run->lost + more;
}

// A scene that failed cannot tell what it missed.
static void count_outage(struct run *run, int64_t time_ns)
{
        int64_t missed = (time_ns - run->time_ns - 1) / run->self->camera.info.interval_ns;

        if (run->failed)
                add_lost(run, missed < UINT32_MAX ? (uint32_t)missed : UINT32_MAX);
        run->failed = false;
        run->time_ns = time_ns;
}

// Late: the picture after it is due already. Showing it would only build up delay.
static bool is_late(const struct run *run, int64_t time_ns)
{
        int64_t now_ns = bc_clock_now_ns(run->self->monitor.clock);

        return now_ns - time_ns >= run->self->camera.info.interval_ns &&
               now_ns - run->delivered_ns < LATE_MAX_NS;
}

static struct bc_frame *take_and_paint(struct run *run)
{
        struct simulated_camera *self = run->self;
        struct bc_frame *frame = take(self);

        if (frame && self->ops->paint(self->scene, frame) < 0) {
                release(frame);
                frame = NULL;
        }
        return frame;
}

// Delivers the scene's current picture when it is due, or counts it as lost. False: the camera is being
// stopped.
static bool show(struct run *run, int64_t time_ns)
{
        struct simulated_camera *self = run->self;
        struct bc_frame *frame = NULL;

        if (is_late(run, time_ns)) {
                add_lost(run, 1);
                return wait_until(self, time_ns);
        }
        frame = take_and_paint(run); // ahead of time, so that it comes when it is due
        if (!wait_until(self, time_ns)) {
                bc_frame_release(frame);
                return false;
        }
        if (is_faulty(self)) {
                bc_frame_release(frame);
                frame = NULL;
        } else if (!frame) {
                frame = take_and_paint(run); // one may have come back meanwhile
        }
        if (!frame) {
                add_lost(run, 1);
                return true;
        }
        frame->time_ns = time_ns;
        frame->lost = run->lost;
        run->lost = 0;
        self->sink.on_frame(self->sink.user, frame);
        run->delivered_ns = bc_clock_now_ns(self->monitor.clock);
        return true;
}

static void run_camera(void *user)
{
        struct run run = { .self = user };
        struct simulated_camera *self = user;
        struct bc_clock *clock = self->monitor.clock;
        bool go_on = true;
        int r;

        run.delivered_ns = run.time_ns = self->start_ns;
        r = self->ops->seek(self->scene, self->start_ns);
        while (go_on) {
                int64_t time_ns = 0;
                uint32_t lost = 0;

                if (r >= 0)
                        r = self->ops->next(self->scene, bc_clock_now_ns(clock), &time_ns, &lost);
                if (r >= 0) {
                        count_outage(&run, time_ns);
                        add_lost(&run, lost);
                        go_on = show(&run, time_ns);
                        continue;
                }
                if (r == -EAGAIN) {
                        go_on = wait_until(self, bc_clock_now_ns(clock));
                        r = 0;
                        continue;
                }
                if (!run.failed)
                        self->sink.on_error(self->sink.user, r);
                run.failed = true;
                go_on = wait_until(self, bc_clock_now_ns(clock) + RETRY_NS);
                if (go_on)
                        r = self->ops->seek(self->scene, bc_clock_now_ns(clock));
        }
}

// ---- camera --------------------------------------------------------------------------------------------------

static int start(struct bc_camera *camera, const struct bc_camera_sink *sink)
{
        struct simulated_camera *self = simulated(camera);

        if (self->thread)
                return -EALREADY;
        self->sink = *sink;
        self->start_ns = bc_clock_now_ns(self->monitor.clock);
        bc_monitor_lock(&self->monitor);
        self->stopping = false;
        self->unplugged = self->fault == BC_FAULT_UNPLUG;
        bc_monitor_unlock(&self->monitor);
        return bc_thread_start(self->monitor.clock, "camera", run_camera, self, &self->thread);
}

static void stop(struct bc_camera *camera)
{
        struct simulated_camera *self = simulated(camera);

        bc_monitor_lock(&self->monitor);
        self->stopping = true;
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
        bc_thread_join(BC_TAKE(self->thread));
}

static void free_camera(struct bc_camera *camera)
{
        struct simulated_camera *self = simulated(camera);

        stop(camera);
        self->ops->free(self->scene);
        bc_monitor_done(&self->monitor);
        free(self->pixels);
        free(self);
}

static const struct bc_camera_ops camera_ops = { .start = start, .stop = stop, .free = free_camera };

static bool is_side(uint32_t px)
{
        return px >= BC_PICTURE_SIDE_MIN_PX && px <= BC_PICTURE_SIDE_MAX_PX && px % 2 == 0;
}

bool bc_simulated_camera_has_size(uint32_t width_px, uint32_t height_px)
{
        return is_side(width_px) && is_side(height_px);
}

int bc_simulated_camera_new(struct bc_clock *clock, const struct bc_camera_info *info,
                            const struct bc_scene_ops *ops, void *scene, struct bc_camera **ret_camera)
{
        BC_CLEANUP(bc_cleanup_memory) struct simulated_camera *self = NULL;
        int r;

        if (!bc_simulated_camera_has_size(info->width_px, info->height_px) || info->interval_ns <= 0)
                return -EINVAL;
        self = calloc(1, sizeof(*self));
        if (!self)
                return -ENOMEM;
        self->camera = (struct bc_camera){ .ops = &camera_ops, .info = *info };
        self->ops = ops;
        self->scene = scene;
        r = make_pool(self);
        if (r < 0)
                return r;
        r = bc_monitor_init(&self->monitor, clock);
        if (r < 0) {
                free(self->pixels);
                return r;
        }
        *ret_camera = &BC_TAKE(self)->camera;
        return 0;
}

void bc_simulated_camera_set_fault(struct bc_camera *camera, enum bc_fault fault)
{
        struct simulated_camera *self = simulated(camera);

        bc_monitor_lock(&self->monitor);
        if (fault == BC_FAULT_UNPLUG && self->fault != BC_FAULT_UNPLUG)
                self->unplugged = true;
        self->fault = fault;
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
}
