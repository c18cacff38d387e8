// SPDX-License-Identifier: EUPL-1.2
#include "still_camera.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define WIDTH 64
#define HEIGHT 48
#define POOL 6

struct still_frame {
        struct bc_frame frame;
        atomic_bool lent;
        uint8_t pixels[WIDTH * HEIGHT * 3 / 2];
};

struct still_camera {
        struct bc_camera camera;
        struct bc_camera_sink sink;
        struct bc_thread *thread;
        struct bc_monitor monitor;
        bool stopping;
        int start_errors;
        struct still_frame pool[POOL];
};

static struct still_camera *still(struct bc_camera *camera)
{
        return (struct still_camera *)(void *)((char *)camera - offsetof(struct still_camera, camera));
}

static void release(struct bc_frame *frame)
{
        atomic_store(&((struct still_frame *)frame->owner)->lent, false);
}

static void deliver(struct still_camera *self, int64_t time_ns)
{
        for (unsigned i = 0; i < POOL; i++) {
                struct still_frame *one = &self->pool[i];
                if (atomic_exchange(&one->lent, true))
                        continue;
                one->frame = (struct bc_frame){
                        .time_ns = time_ns,
                        .width_px = WIDTH,
                        .height_px = HEIGHT,
                        .format = BC_PIXEL_I420,
                        .plane = { one->pixels, one->pixels + WIDTH * HEIGHT, one->pixels + WIDTH * HEIGHT * 5 / 4 },
                        .stride_bytes = { WIDTH, WIDTH / 2, WIDTH / 2 },
                        .release = release,
                        .owner = one,
                };
                self->sink.on_frame(self->sink.user, &one->frame);
                return;
        }
}

static void run(void *user)
{
        struct still_camera *self = user;
        int64_t due_ns = bc_clock_now_ns(self->monitor.clock) / STILL_INTERVAL_NS * STILL_INTERVAL_NS;

        for (;;) {
                bool stopping;

                due_ns += STILL_INTERVAL_NS;
                bc_monitor_lock(&self->monitor);
                while (!self->stopping && bc_clock_now_ns(self->monitor.clock) < due_ns)
                        bc_monitor_wait(&self->monitor, due_ns);
                stopping = self->stopping;
                bc_monitor_unlock(&self->monitor);
                if (stopping)
                        return;
                deliver(self, due_ns);
        }
}

static int start(struct bc_camera *camera, const struct bc_camera_sink *sink)
{
        struct still_camera *self = still(camera);

        if (self->start_errors > 0) {
                self->start_errors--;
                return -ENODEV;
        }
        self->sink = *sink;
        self->stopping = false;
        return bc_thread_start(self->monitor.clock, "still", run, self, &self->thread);
}

static void stop(struct bc_camera *camera)
{
        struct still_camera *self = still(camera);

        bc_monitor_lock(&self->monitor);
        self->stopping = true;
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
        bc_thread_join(self->thread);
        self->thread = NULL;
}

static void free_camera(struct bc_camera *camera)
{
        bc_monitor_done(&still(camera)->monitor);
        free(still(camera));
}

static const struct bc_camera_ops ops = { start, stop, free_camera };

struct bc_camera *still_camera_new(struct bc_clock *clock)
{
        struct still_camera *self = calloc(1, sizeof(*self));

        if (!self)
                return NULL;
        for (unsigned i = 0; i < POOL; i++)
                memset(self->pool[i].pixels, 128, sizeof(self->pool[i].pixels));
        bc_monitor_init(&self->monitor, clock);
        self->camera = (struct bc_camera){
                .ops = &ops,
                .info = { .driver = "still", .simulated = true, .format = BC_PIXEL_I420, .width_px = WIDTH,
                          .height_px = HEIGHT, .interval_ns = STILL_INTERVAL_NS },
        };
        return &self->camera;
}

void still_camera_fail_starts(struct bc_camera *camera, int starts)
{
        still(camera)->start_errors = starts;
}
