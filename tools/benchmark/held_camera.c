// SPDX-License-Identifier: EUPL-1.2
// A camera whose frames are all in memory already: stands in for bc_file_camera_open() in bodycamd-held.
//
// The file holds raw I420 frames of the size asked for, one after the other. They are lent as they lie there, as a
// camera's DMA buffers are, so a frame costs what the port costs and nothing else. Frame k is delivered at k intervals
// after the start; after the last one the first comes again. The overlay writes into them: its text stands over that
// of the loop before, and the file itself is not changed.
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "file/file.h"

struct held_frame {
        struct bc_frame frame;
        atomic_bool lent;
};

struct held_camera {
        struct bc_camera camera;
        struct bc_monitor monitor; // of stopping
        bool stopping;
        struct bc_thread *thread;
        struct bc_camera_sink sink;
        int64_t start_ns;
        uint32_t rate_mhz;
        uint8_t *pixels;
        size_t pixels_bytes, frames;
        struct held_frame *frame;
};

static struct held_camera *held(struct bc_camera *camera)
{
        return (struct held_camera *)(void *)((char *)camera - offsetof(struct held_camera, camera));
}

static void release(struct bc_frame *frame)
{
        struct held_frame *slot = frame->owner;

        atomic_store(&slot->lent, false);
}

// False: the camera is being stopped.
static bool wait_until(struct held_camera *self, int64_t due_ns)
{
        bool go_on;

        bc_monitor_lock(&self->monitor);
        while (!self->stopping && bc_clock_now_ns(self->monitor.clock) < due_ns)
                (void)bc_monitor_wait(&self->monitor, due_ns); // the loop looks at the state itself
        go_on = !self->stopping;
        bc_monitor_unlock(&self->monitor);
        return go_on;
}

static void run(void *user)
{
        struct held_camera *self = user;
        uint32_t lost = 0;

        for (int64_t k = 0;; k++) {
                int64_t time_ns = self->start_ns + (int64_t)((__int128)k * 1000 * BC_NS_PER_S / self->rate_mhz);
                struct held_frame *slot = &self->frame[(size_t)k % self->frames];

                if (!wait_until(self, time_ns))
                        return;
                if (atomic_exchange(&slot->lent, true)) {
                        lost++;
                        continue;
                }
                slot->frame.time_ns = time_ns;
                slot->frame.lost = lost;
                lost = 0;
                self->sink.on_frame(self->sink.user, &slot->frame);
        }
}

static int start(struct bc_camera *camera, const struct bc_camera_sink *sink)
{
        struct held_camera *self = held(camera);

        self->sink = *sink;
        self->stopping = false;
        self->start_ns = bc_clock_now_ns(self->monitor.clock);
        return bc_thread_start(self->monitor.clock, "camera", run, self, &self->thread);
}

static void stop(struct bc_camera *camera)
{
        struct held_camera *self = held(camera);

        bc_monitor_lock(&self->monitor);
        self->stopping = true;
        bc_monitor_wake(&self->monitor);
        bc_monitor_unlock(&self->monitor);
        bc_thread_join(BC_TAKE(self->thread));
}

static void free_camera(struct bc_camera *camera)
{
        struct held_camera *self = held(camera);

        stop(camera);
        bc_monitor_done(&self->monitor);
        free(self->frame);
        munmap(self->pixels, self->pixels_bytes);
        free(self);
}

static const struct bc_camera_ops ops = { .start = start, .stop = stop, .free = free_camera };

static int map_frames(struct held_camera *self, const char *path)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        const struct bc_camera_info *info = &self->camera.info;
        size_t luma_bytes = (size_t)info->width_px * info->height_px, frame_bytes = luma_bytes * 3 / 2;
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        self->frames = (size_t)status.st_size / frame_bytes;
        self->pixels_bytes = self->frames * frame_bytes;
        if (self->frames == 0 || self->pixels_bytes != (size_t)status.st_size)
                return -EBADMSG;
        self->frame = calloc(self->frames, sizeof(*self->frame));
        if (!self->frame)
                return -ENOMEM;
        self->pixels = mmap(NULL, self->pixels_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        if (self->pixels == MAP_FAILED) {
                free(self->frame);
                return -errno;
        }
        for (size_t i = 0; i < self->frames; i++) {
                uint8_t *pixels = self->pixels + i * frame_bytes;

                self->frame[i].frame = (struct bc_frame){
                        .width_px = info->width_px,
                        .height_px = info->height_px,
                        .format = BC_PIXEL_I420,
                        .plane = { pixels, pixels + luma_bytes, pixels + luma_bytes * 5 / 4 },
                        .stride_bytes = { info->width_px, info->width_px / 2, info->width_px / 2 },
                        .release = release,
                        .owner = &self->frame[i],
                };
        }
        return 0;
}

int __wrap_bc_file_camera_open(struct bc_clock *clock, const struct bc_file_config *config,
                               const struct bc_camera_config *camera_config, char *text, size_t text_bytes,
                               struct bc_camera **ret_camera);

int __wrap_bc_file_camera_open(struct bc_clock *clock, const struct bc_file_config *config,
                               const struct bc_camera_config *camera_config, char *text, size_t text_bytes,
                               struct bc_camera **ret_camera)
{
        BC_CLEANUP(bc_cleanup_memory) struct held_camera *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return -ENOMEM;
        self->rate_mhz = camera_config->rate_mhz;
        self->camera = (struct bc_camera){
                .ops = &ops,
                .info = {
                        .driver = "held",
                        .simulated = true,
                        .format = BC_PIXEL_I420,
                        .width_px = camera_config->width_px,
                        .height_px = camera_config->height_px,
                        .interval_ns = (1000 * BC_NS_PER_S + camera_config->rate_mhz / 2) / camera_config->rate_mhz,
                },
        };
        r = map_frames(self, config->clip_path);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: no raw I420 frames of that size: %s", config->clip_path, strerror(-r));
                return r;
        }
        bc_monitor_init(&self->monitor, clock);
        *ret_camera = &BC_TAKE(self)->camera;
        return 0;
}
