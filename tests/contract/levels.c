// SPDX-License-Identifier: EUPL-1.2
#include "contract/levels.h"

#include <stdio.h>
#include <stdlib.h>

#include "contract/clips.h"
#include "file/file.h"

static int picture_of(const struct bc_frame *frame)
{
        uint64_t sum = 0, count = 0;

        for (uint32_t y = frame->height_px / 4; y < frame->height_px * 3 / 4; y++)
                for (uint32_t x = frame->width_px / 4; x < frame->width_px * 3 / 4; x++, count++)
                        sum += frame->plane[0][(size_t)y * frame->stride_bytes[0] + x];
        sum = (sum + count / 2) / count; // mean luma
        return sum >= 14 ? (int)(sum - 16 + 2) / 4 : -1;
}

static void on_frame(void *user, struct bc_frame *frame)
{
        struct levels *levels = user;

        bc_monitor_lock(&levels->monitor);
        if (levels->count < LEVELS_MAX)
                levels->level[levels->count++] = (struct level){ frame->time_ns, picture_of(frame),
                                                                 frame->lost };
        bc_monitor_unlock(&levels->monitor);
        bc_frame_release(frame);
}

static void on_error(void *user, int error)
{
        struct levels *levels = user;

        bc_monitor_lock(&levels->monitor);
        levels->errors++;
        levels->error = error;
        bc_monitor_unlock(&levels->monitor);
}

struct levels *levels_new(struct bc_clock *clock)
{
        struct levels *levels = calloc(1, sizeof(*levels));

        if (!levels || bc_monitor_init(&levels->monitor, clock) < 0)
                abort();
        return levels;
}

void levels_free(struct levels *levels)
{
        bc_monitor_done(&levels->monitor);
        free(levels);
}

struct bc_camera_sink levels_sink(struct levels *levels)
{
        return (struct bc_camera_sink){ .on_frame = on_frame, .on_error = on_error, .user = levels };
}

struct bc_camera *levels_open(struct bc_clock *clock, const char *clip, const char *sound, int64_t origin_ns,
                              uint32_t width_px, uint32_t height_px)
{
        char path[CLIP_PATH_BYTES], sound_path[CLIP_PATH_BYTES], text[1024] = "";
        struct bc_file_config config = {
                .clip_path = clip_path(clip, path),
                .sound_path = sound ? clip_path(sound, sound_path) : NULL,
                .origin_ns = origin_ns,
        };
        struct bc_camera *camera = NULL;

        if (bc_file_camera_open(clock, &config, &(struct bc_camera_config){ width_px, height_px, 30000 },
                                text, sizeof(text), &camera) < 0)
                fprintf(stderr, "%s\n", text);
        return camera;
}
