// SPDX-License-Identifier: EUPL-1.2
#include "contract/cameras.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/clips.h"
#include "file/file.h"
#include "pattern/pattern.h"

#define RATE_MHZ 30000
#define WAIT_NS (20 * BC_NS_PER_S)

static int say(int r, const char *text)
{
        if (r < 0)
                fprintf(stderr, "%s\n", text);
        return r;
}

static int open_pattern(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                        const struct bc_pattern_config *config, struct bc_camera **ret_camera)
{
        struct bc_camera_config camera = { width_px, height_px, RATE_MHZ };
        char text[256] = "";

        return say(bc_pattern_camera_open(clock, config, &camera, text, sizeof(text), ret_camera), text);
}

static int open_pattern_i420(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                             struct bc_camera **ret_camera)
{
        return open_pattern(clock, width_px, height_px, &(struct bc_pattern_config){ 0 }, ret_camera);
}

static int open_pattern_nv12(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                             struct bc_camera **ret_camera)
{
        return open_pattern(clock, width_px, height_px,
                            &(struct bc_pattern_config){ .format = BC_PIXEL_NV12 }, ret_camera);
}

static int open_pattern_jitter(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                               struct bc_camera **ret_camera)
{
        struct bc_pattern_config config = { .noise = true, .jitter_ns = 9 * BC_NS_PER_MS, .seed = 7 };

        return open_pattern(clock, width_px, height_px, &config, ret_camera);
}

static int open_file(struct bc_clock *clock, uint32_t width_px, uint32_t height_px, const char *clip,
                     struct bc_camera **ret_camera)
{
        char path[CLIP_PATH_BYTES], text[512] = "";
        struct bc_file_config config = { .clip_path = clip_path(clip, path),
                                         .origin_ns = bc_clock_now_ns(clock) };
        struct bc_camera_config camera = { width_px, height_px, RATE_MHZ };

        return say(bc_file_camera_open(clock, &config, &camera, text, sizeof(text), ret_camera), text);
}

static int open_file_plain(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                           struct bc_camera **ret_camera)
{
        return open_file(clock, width_px, height_px, "silent.mp4", ret_camera);
}

static int open_file_vfr(struct bc_clock *clock, uint32_t width_px, uint32_t height_px,
                         struct bc_camera **ret_camera)
{
        return open_file(clock, width_px, height_px, "vfr.mkv", ret_camera);
}

static const struct camera_kind kinds[] = {
        { "pattern", open_pattern_i420, bc_pattern_camera_set_fault, BC_PIXEL_I420, 1 },
        { "pattern-nv12", open_pattern_nv12, bc_pattern_camera_set_fault, BC_PIXEL_NV12, 1 },
        { "pattern-jitter", open_pattern_jitter, bc_pattern_camera_set_fault, BC_PIXEL_I420,
          18 * BC_NS_PER_MS },
        { "file", open_file_plain, bc_file_camera_set_fault, BC_PIXEL_I420, 1 },
        { "file-vfr", open_file_vfr, bc_file_camera_set_fault, BC_PIXEL_I420, INT64_MAX },
};

const struct camera_kind *camera_kind_named(const char *name)
{
        for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return &kinds[i];
        return NULL;
}

// ---- witness -------------------------------------------------------------------------------------------------

static bool is_as_promised(const struct witness *witness, const struct bc_frame *frame)
{
        const struct bc_camera_info *info = witness->info;
        unsigned planes = witness->kind->format == BC_PIXEL_NV12 ? 2 : 3;
        uint32_t chroma_bytes = planes == 2 ? info->width_px : info->width_px / 2;

        if (frame->width_px != info->width_px || frame->height_px != info->height_px ||
            frame->format != witness->kind->format || frame->stride_bytes[0] < info->width_px)
                return false;
        for (unsigned i = 0; i < planes; i++)
                if (!frame->plane[i] || (i > 0 && frame->stride_bytes[i] < chroma_bytes))
                        return false;
        return true;
}

// The receiver may write into all of it; with AddressSanitizer this proves that all of it is there.
static void scribble(struct bc_frame *frame)
{
        for (uint32_t row = 0; row < frame->height_px; row++)
                memset(frame->plane[0] + (size_t)row * frame->stride_bytes[0], 0x5a, frame->width_px);
        for (uint32_t row = 0; row < frame->height_px / 2; row++) {
                if (frame->format == BC_PIXEL_NV12) {
                        memset(frame->plane[1] + (size_t)row * frame->stride_bytes[1], 0x5a, frame->width_px);
                        continue;
                }
                memset(frame->plane[1] + (size_t)row * frame->stride_bytes[1], 0x5a, frame->width_px / 2);
                memset(frame->plane[2] + (size_t)row * frame->stride_bytes[2], 0x5a, frame->width_px / 2);
        }
}

static void on_frame(void *user, struct bc_frame *frame)
{
        struct witness *witness = user;
        int64_t now_ns = bc_clock_now_ns(witness->clock), until_ns;

        bc_monitor_lock(&witness->monitor);
        if (!is_as_promised(witness, frame))
                witness->complain = true;
        if (witness->count < SEEN_MAX)
                witness->seen[witness->count] = (struct seen){ frame->time_ns, now_ns, frame->lost };
        witness->count++;
        until_ns = now_ns + witness->dwell_ns;
        witness->dwell_ns = 0;
        bc_monitor_wake(&witness->monitor);
        while (bc_clock_now_ns(witness->clock) < until_ns)
                (void)bc_monitor_wait(&witness->monitor, until_ns);
        scribble(frame);
        if (witness->hold && witness->held_count < 16)
                witness->held[witness->held_count++] = frame;
        else
                bc_frame_release(frame);
        bc_monitor_unlock(&witness->monitor);
}

static void on_error(void *user, int error)
{
        struct witness *witness = user;

        bc_monitor_lock(&witness->monitor);
        witness->errors++;
        witness->error = error;
        bc_monitor_unlock(&witness->monitor);
}

void witness_init(struct witness *witness, struct bc_clock *clock, const struct camera_kind *kind,
                  const struct bc_camera *camera)
{
        memset(witness, 0, sizeof(*witness));
        witness->clock = clock;
        witness->kind = kind;
        witness->info = &camera->info;
        if (bc_monitor_init(&witness->monitor, clock) < 0)
                abort();
}

void witness_done(struct witness *witness)
{
        witness_release_held(witness);
        bc_monitor_done(&witness->monitor);
}

struct bc_camera_sink witness_sink(struct witness *witness)
{
        return (struct bc_camera_sink){ .on_frame = on_frame, .on_error = on_error, .user = witness };
}

unsigned witness_count(struct witness *witness)
{
        unsigned count;

        bc_monitor_lock(&witness->monitor);
        count = witness->count;
        bc_monitor_unlock(&witness->monitor);
        return count;
}

void witness_hold(struct witness *witness, bool hold)
{
        bc_monitor_lock(&witness->monitor);
        witness->hold = hold;
        bc_monitor_unlock(&witness->monitor);
}

void witness_release_held(struct witness *witness)
{
        bc_monitor_lock(&witness->monitor);
        while (witness->held_count > 0)
                bc_frame_release(witness->held[--witness->held_count]);
        bc_monitor_unlock(&witness->monitor);
}

bool witness_wait(struct witness *witness, unsigned count)
{
        int64_t deadline_ns = bc_clock_now_ns(witness->clock) + WAIT_NS;
        bool enough;

        bc_monitor_lock(&witness->monitor);
        while (witness->count < count && bc_clock_now_ns(witness->clock) < deadline_ns)
                (void)bc_monitor_wait(&witness->monitor, deadline_ns);
        enough = witness->count >= count;
        bc_monitor_unlock(&witness->monitor);
        return enough;
}
