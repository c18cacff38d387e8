// SPDX-License-Identifier: EUPL-1.2
// Draws the overlay into raw pictures, for whoever wants to look at it or to read it back (test_overlay_read.py):
//
//      overlay-picture width=1280 height=720 [name=value ...] <in.yuv >out.yuv
//
// Rows without padding. Without ground=slate pictures come from stdin until it ends. Names: format (i420, nv12), corner
// (tl, tr, bl, br), contents (letters of TDUPS), device, unit, font, utc_ms (of the first picture; none), step_ms
// (from one picture to the next), lat_e7, lon_e7, accuracy_mm, fix (0: none), marks (a number), banner (text).
// A refusal goes to stderr, exit status 3.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/overlay.h"
#include "media/slate.h"

#define MS INT64_C(1000000)

struct request {
        struct bc_overlay_config config;
        struct bc_moment moment;
        int64_t step_ms;
        const char *banner;
        bool slate;
};

static void choose(struct bc_overlay_config *config, const char *name, const char *value)
{
        const char *corners[] = { "tl", "tr", "bl", "br" };

        for (unsigned i = 0; i < 4; i++)
                if (!strcmp(name, "corner") && !strcmp(value, corners[i]))
                        config->corner = (enum bc_corner)i;
        if (!strcmp(name, "format"))
                config->format = !strcmp(value, "nv12") ? BC_PIXEL_NV12 : BC_PIXEL_I420;
        if (strcmp(name, "contents") != 0)
                return;
        config->contents = 0;
        for (unsigned i = 0; i < BC_OVERLAY_CONTENTS; i++)
                config->contents |= strchr(value, "TDUPS"[i]) ? 1u << i : 0;
}

static int take(struct request *request, char *argument)
{
        char *value = strchr(argument, '=');
        const struct {
                const char *name, **at;
        } texts[] = {
                { "device", &request->config.device },
                { "unit", &request->config.unit },
                { "font", &request->config.font_path },
                { "banner", &request->banner },
        };

        if (!value)
                return -1;
        *value++ = 0;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (!strcmp(argument, texts[i].name))
                        *texts[i].at = value;
        choose(&request->config, argument, value);
        if (!strcmp(argument, "width"))
                request->config.width_px = (uint32_t)strtoul(value, NULL, 10);
        else if (!strcmp(argument, "height"))
                request->config.height_px = (uint32_t)strtoul(value, NULL, 10);
        else if (!strcmp(argument, "utc_ms") && !strcmp(value, "none"))
                request->moment.source = BC_UTC_NONE;
        else if (!strcmp(argument, "utc_ms"))
                request->moment.utc_ns = strtoll(value, NULL, 10) * MS;
        else if (!strcmp(argument, "step_ms"))
                request->step_ms = strtoll(value, NULL, 10);
        else if (!strcmp(argument, "lat_e7"))
                request->moment.fix.lat_e7 = (int32_t)strtol(value, NULL, 10);
        else if (!strcmp(argument, "lon_e7"))
                request->moment.fix.lon_e7 = (int32_t)strtol(value, NULL, 10);
        else if (!strcmp(argument, "accuracy_mm"))
                request->moment.fix.accuracy_mm = (int32_t)strtol(value, NULL, 10);
        else if (!strcmp(argument, "fix") && !strcmp(value, "0"))
                request->moment.fix.mode = BC_FIX_NONE;
        else if (!strcmp(argument, "marks"))
                request->moment.marks = (uint32_t)strtoul(value, NULL, 10);
        else if (!strcmp(argument, "ground"))
                request->slate = !strcmp(value, "slate");
        return 0;
}

static void draw(struct bc_overlay *overlay, const struct request *request, struct bc_frame *frame,
                 int64_t number)
{
        struct bc_moment moment = request->moment;

        moment.utc_ns += number * request->step_ms * MS;
        if (request->banner)
                bc_overlay_banner(overlay, frame, request->banner);
        bc_overlay_draw(overlay, frame, &moment);
}

static int run(struct bc_overlay *overlay, const struct request *request)
{
        const struct bc_overlay_config *config = &request->config;
        size_t luma = (size_t)config->width_px * config->height_px, size = luma * 3 / 2;
        uint32_t chroma = config->format == BC_PIXEL_NV12 ? config->width_px : config->width_px / 2;
        uint8_t *pixels = malloc(size);
        struct bc_frame frame = {
                .width_px = config->width_px,
                .height_px = config->height_px,
                .format = config->format,
                .plane = { pixels, pixels + luma,
                           config->format == BC_PIXEL_NV12 ? NULL : pixels + luma + luma / 4 },
                .stride_bytes = { config->width_px, chroma, chroma },
        };
        bool written = pixels;

        for (int64_t i = 0; written && fread(pixels, size, 1, stdin) == 1; i++) {
                draw(overlay, request, &frame, i);
                written = fwrite(pixels, size, 1, stdout) == 1;
        }
        free(pixels);
        return written ? 0 : 1;
}

static int run_slate(struct bc_overlay *overlay, const struct request *request)
{
        const struct bc_overlay_config *config = &request->config;
        struct bc_slate *slate;
        struct bc_frame *frame;
        int r = bc_slate_new(config->width_px, config->height_px, config->format, &slate);

        if (r < 0)
                return 1;
        frame = bc_slate_frame(slate, 0);
        draw(overlay, request, frame, 0);
        r = fwrite(frame->plane[0], (size_t)config->width_px * config->height_px * 3 / 2, 1, stdout) == 1 ? 0
                                                                                                          : 1;
        bc_slate_free(slate);
        return r;
}

int main(int argc, char **argv)
{
        struct request request = {
                .config = { .font_path = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
                            .contents = 31,
                            .device = "BC-000123",
                            .unit = "UNIT 12-34" },
                .moment = { .source = BC_UTC_GNSS,
                            .utc_ns = INT64_C(1795655534000) * MS,
                            .marks = BC_MARK_REC,
                            .fix = { .mode = BC_FIX_3D,
                                     .lat_e7 = 593293000,
                                     .lon_e7 = 180686000,
                                     .accuracy_mm = 4200 } },
                .step_ms = 40,
        };
        struct bc_overlay *overlay;
        char text[256];
        int r;

        for (int i = 1; i < argc; i++)
                if (take(&request, argv[i]) < 0)
                        return 2;
        if (bc_overlay_new(&request.config, text, sizeof(text), &overlay) < 0) {
                fprintf(stderr, "%s\n", text);
                return 3;
        }
        r = request.slate ? run_slate(overlay, &request) : run(overlay, &request);
        bc_overlay_free(overlay);
        return r;
}
