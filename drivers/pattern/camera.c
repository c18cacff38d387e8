// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "pattern/card.h"
#include "pattern/pattern.h"
#include "simulated/camera.h"
#include "simulated/random.h"

#define MHZ_NS (1000 * BC_NS_PER_S) // 1 mHz is one frame in this time
#define SWEEP_NS (4 * BC_NS_PER_S)  // the moving card crosses the picture in this time

struct pattern {
        struct bc_pattern_config config;
        uint32_t rate_mhz;
        int64_t frame; // the one next() went to
};

// Where frame k belongs. 128 bits: 10^12 k is past 64 within hours.
static int64_t grid_ns(const struct pattern *pattern, int64_t k)
{
        return (int64_t)(((__int128)k * MHZ_NS + pattern->rate_mhz / 2) / pattern->rate_mhz);
}

// When it comes.
static int64_t time_ns(const struct pattern *pattern, int64_t k)
{
        int64_t jitter_ns = bc_random_jitter_ns(pattern->config.seed, (uint64_t)k, pattern->config.jitter_ns);

        return k == 0 ? 0 : grid_ns(pattern, k) + jitter_ns;
}

// Covers an instant: it starts there or before, and the frame after it later.
static bool covers_whole_second(const struct pattern *pattern, int64_t k)
{
        int64_t start_ns = time_ns(pattern, k), end_ns = time_ns(pattern, k + 1);
        int64_t second_ns = (start_ns + BC_NS_PER_S - 1) / BC_NS_PER_S * BC_NS_PER_S;

        return second_ns < end_ns;
}

static int seek(void *scene, int64_t from_ns)
{
        struct pattern *pattern = scene;
        int64_t k = (int64_t)((__int128)from_ns * pattern->rate_mhz / MHZ_NS) - 1;

        if (k < 0)
                k = 0;
        while (time_ns(pattern, k) < from_ns)
                k++;
        pattern->frame = k - 1;
        return 0;
}

static int next(void *scene, int64_t now_ns, int64_t *ret_time_ns, uint32_t *ret_lost)
{
        struct pattern *pattern = scene;

        (void)now_ns;
        pattern->frame++;
        *ret_time_ns = time_ns(pattern, pattern->frame);
        *ret_lost = 0;
        return 0;
}

static int paint(void *scene, struct bc_frame *frame)
{
        const struct pattern *pattern = scene;
        struct bc_card card = {
                .number = (uint32_t)pattern->frame,
                .flash = covers_whole_second(pattern, pattern->frame),
                .noise = pattern->config.noise,
                .seed = pattern->config.seed,
                .phase = (uint32_t)(grid_ns(pattern, pattern->frame) % SWEEP_NS * 1000 / SWEEP_NS),
        };

        bc_card_paint(&card, frame);
        return 0;
}

static const struct bc_scene_ops scene_ops = { .seek = seek, .next = next, .paint = paint, .free = free };

int bc_pattern_camera_open(struct bc_clock *clock, const struct bc_pattern_config *config,
                           const struct bc_camera_config *camera_config, char *text, size_t text_bytes,
                           struct bc_camera **ret_camera)
{
        BC_CLEANUP(bc_cleanup_memory) struct pattern *pattern = NULL;
        struct bc_camera_info info = {
                .driver = "pattern",
                .simulated = true,
                .format = config->format,
                .width_px = camera_config->width_px,
                .height_px = camera_config->height_px,
        };
        int r;

        if (camera_config->rate_mhz < BC_PATTERN_RATE_MIN_MHZ ||
            camera_config->rate_mhz > BC_PATTERN_RATE_MAX_MHZ) {
                snprintf(text, text_bytes, "pattern: rate of %" PRIu32 " mHz, must be %u to %u",
                         camera_config->rate_mhz, BC_PATTERN_RATE_MIN_MHZ, BC_PATTERN_RATE_MAX_MHZ);
                return -EINVAL;
        }
        info.interval_ns = (MHZ_NS + camera_config->rate_mhz / 2) / camera_config->rate_mhz;
        if (config->jitter_ns < 0 || config->jitter_ns >= info.interval_ns / 2) {
                snprintf(text, text_bytes,
                         "pattern: jitter of %" PRId64 " ns, must be below half of %" PRId64,
                         config->jitter_ns, info.interval_ns);
                return -EINVAL;
        }
        pattern = malloc(sizeof(*pattern));
        if (!pattern) {
                snprintf(text, text_bytes, "pattern: no memory");
                return -ENOMEM;
        }
        *pattern = (struct pattern){ .config = *config, .rate_mhz = camera_config->rate_mhz };
        r = bc_simulated_camera_new(clock, &info, &scene_ops, pattern, ret_camera);
        if (r == -EINVAL)
                snprintf(text, text_bytes,
                         "pattern: size %" PRIu32 "x%" PRIu32 ", sides must be even and %d to %d",
                         info.width_px, info.height_px, BC_PICTURE_SIDE_MIN_PX, BC_PICTURE_SIDE_MAX_PX);
        else if (r < 0)
                snprintf(text, text_bytes, "pattern: no memory for frames of %" PRIu32 "x%" PRIu32,
                         info.width_px, info.height_px);
        if (r < 0)
                return r;
        pattern = NULL;
        return 0;
}

void bc_pattern_camera_set_fault(struct bc_camera *camera, enum bc_fault fault)
{
        bc_simulated_camera_set_fault(camera, fault);
}
