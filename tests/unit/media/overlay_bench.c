// SPDX-License-Identifier: EUPL-1.2
// How long the overlay takes per 1080p frame; for the build that ships:
//
//      cmake --preset release && cmake --build build/release --target overlay-bench
//      build/release/tests/unit/media/overlay-bench
//
// Frames come from a pool larger than the caches, as a camera's do: the rows written to are cold. What differs from the
// frame before: see the table in main().
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bodycam/time.h"
#include "media/overlay.h"

enum { WIDTH = 1920, HEIGHT = 1080, FRAMES = 24, ROUNDS = 6000 };

static int64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * BC_NS_PER_S + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
        int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

        return (left > right) - (left < right);
}

enum change {
        SECOND = 1 << 0,
        POSITION = 1 << 1,
        MARKS = 1 << 2,
        EVERYTHING = 1 << 3,
};

static void run(struct bc_overlay *overlay, struct bc_frame *frames, const char *format, const char *what,
                uint32_t change, int64_t every)
{
        const struct bc_moment blank = { .source = BC_UTC_NONE, .fix = { .mode = BC_FIX_NONE } };
        static int64_t took_ns[ROUNDS];

        for (int64_t i = 0; i < ROUNDS; i++) {
                int64_t step = i / every, start_ns;
                struct bc_moment moment = {
                        .source = BC_UTC_GNSS,
                        .utc_ns = INT64_C(1795655534) * BC_NS_PER_S + (change & SECOND ? step : 0) * BC_NS_PER_S,
                        .fix = { .mode = BC_FIX_3D,
                                 .lat_e7 = 593293000 + (change & POSITION ? (int32_t)step * 130 : 0),
                                 .lon_e7 = 180686000 - (change & POSITION ? (int32_t)step * 270 : 0),
                                 .accuracy_mm = 4200 },
                        .marks = BC_MARK_REC | BC_MARK_EMERGENCY | BC_MARK_MUTED,
                };

                if (change & MARKS && step % 2)
                        moment.marks = BC_MARK_REC | BC_MARK_MUTED;
                if (change & EVERYTHING)
                        bc_overlay_draw(overlay, &frames[i % FRAMES], &blank);
                start_ns = now_ns();
                bc_overlay_draw(overlay, &frames[i % FRAMES], &moment);
                took_ns[i] = now_ns() - start_ns;
        }
        qsort(took_ns, ROUNDS, sizeof(took_ns[0]), by_size);
        printf("%s  %-28s  median %6.1f us  p99 %6.1f us\n", format, what, (double)took_ns[ROUNDS / 2] / 1000,
               (double)took_ns[ROUNDS * 99 / 100] / 1000);
}

int main(void)
{
        static const struct {
                const char *what;
                uint32_t change;
                int64_t every; // frames
        } runs[] = {
                { "nothing", 0, 1 },
                { "second", SECOND, 1 },
                { "position", POSITION, 1 },
                { "second, position", SECOND | POSITION, 1 },
                { "second, position, marks", SECOND | POSITION | MARKS, 1 },
                // From no clock, no fix and no marks to all of them: each cell is new or moves.
                { "everything", EVERYTHING, 1 },
                // As at 30 frames a second.
                { "second, every 30th frame", SECOND, 30 },
                { "position, every 3rd frame", POSITION, 3 },
        };

        for (int nv12 = 0; nv12 < 2; nv12++) {
                struct bc_overlay_config config = {
                        .font_path = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
                        .contents = 31,
                        .device = "BC-000123",
                        .unit = "CENTRAL DISTRICT UNIT 12-34",
                        .width_px = WIDTH,
                        .height_px = HEIGHT,
                        .format = nv12 ? BC_PIXEL_NV12 : BC_PIXEL_I420,
                };
                struct bc_frame frames[FRAMES];
                struct bc_overlay *overlay;
                char text[256];

                if (bc_overlay_new(&config, text, sizeof(text), &overlay) < 0) {
                        fprintf(stderr, "%s\n", text);
                        return 1;
                }
                for (size_t i = 0; i < FRAMES; i++) {
                        size_t luma = (size_t)WIDTH * HEIGHT;
                        uint8_t *pixels = malloc(luma * 3 / 2);

                        if (!pixels)
                                return 1;
                        memset(pixels, 100, luma * 3 / 2);
                        frames[i] = (struct bc_frame){
                                .width_px = WIDTH,
                                .height_px = HEIGHT,
                                .format = config.format,
                                .plane = { pixels, pixels + luma, nv12 ? NULL : pixels + luma + luma / 4 },
                                .stride_bytes = { WIDTH, nv12 ? WIDTH : WIDTH / 2, nv12 ? 0 : WIDTH / 2 },
                        };
                }
                for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
                        run(overlay, frames, nv12 ? "NV12" : "I420", runs[i].what, runs[i].change,
                            runs[i].every);
                for (size_t i = 0; i < FRAMES; i++)
                        free(frames[i].plane[0]);
                bc_overlay_free(overlay);
        }
        return 0;
}
