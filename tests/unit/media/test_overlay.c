// SPDX-License-Identifier: EUPL-1.2
// What is drawn is for test_overlay_read.py; here is what is refused, what is left alone, and what is not done.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bodycam/time.h"
#include "media/overlay.h"

#define MONO "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
#define ALL 31u

// ---- every allocation of the program, the C library's too ------------------------------------------------------

static unsigned long allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
        allocations++;
        return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        allocations++;
        return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
        allocations++;
        return __libc_realloc(memory, size);
}
#endif

// ---- frames ----------------------------------------------------------------------------------------------------

// A frame with bytes around and between its rows that nobody may touch.
struct fenced {
        struct bc_frame frame;
        uint8_t *memory;
        size_t size;
};

#define FENCE 64

static uint8_t mark_at(size_t at)
{
        return (uint8_t)(at * 37 + at / 251);
}

static struct fenced fenced_new(const struct bc_overlay_config *config, uint32_t more_luma, uint32_t more_chroma)
{
        bool planar = config->format == BC_PIXEL_I420;
        uint32_t luma_stride = config->width_px + more_luma;
        uint32_t chroma_stride = (planar ? config->width_px / 2 : config->width_px) + more_chroma;
        size_t luma = (size_t)luma_stride * config->height_px, chroma = (size_t)chroma_stride * config->height_px / 2;
        struct fenced fenced = { .size = luma + chroma * (planar ? 2 : 1) + 4 * FENCE };
        uint8_t *at;

        fenced.memory = malloc(fenced.size);
        assert_non_null(fenced.memory);
        for (size_t i = 0; i < fenced.size; i++)
                fenced.memory[i] = mark_at(i);
        at = fenced.memory + FENCE;
        fenced.frame = (struct bc_frame){
                .width_px = config->width_px,
                .height_px = config->height_px,
                .format = config->format,
                .plane = { at, at + luma + FENCE, planar ? at + luma + chroma + 2 * FENCE : NULL },
                .stride_bytes = { luma_stride, chroma_stride, planar ? chroma_stride : 0 },
        };
        return fenced;
}

// Whether a byte is a pixel of the frame; then *ret_twin is its place in a frame without padding.
static bool is_pixel(const struct fenced *fenced, size_t at, const struct bc_frame *twin, const uint8_t **ret_twin)
{
        const struct bc_frame *frame = &fenced->frame;

        for (int plane = 0; plane < 3 && frame->plane[plane]; plane++) {
                const uint8_t *byte = fenced->memory + at;
                uint32_t width = twin->stride_bytes[plane], rows = frame->height_px / (plane ? 2 : 1);
                size_t offset = (size_t)(byte - frame->plane[plane]);

                if (byte < frame->plane[plane] || offset >= (size_t)frame->stride_bytes[plane] * rows ||
                    offset % frame->stride_bytes[plane] >= width)
                        continue;
                *ret_twin = twin->plane[plane] + offset / frame->stride_bytes[plane] * width +
                            offset % frame->stride_bytes[plane];
                return true;
        }
        return false;
}

static struct bc_overlay_config config_of(uint32_t width_px, uint32_t height_px, enum bc_pixel_format format)
{
        return (struct bc_overlay_config){
                .font_path = MONO, .contents = ALL, .device = "BC-000123", .unit = "UNIT 12-34",
                .width_px = width_px, .height_px = height_px, .format = format,
        };
}

static struct bc_overlay *overlay_of(const struct bc_overlay_config *config)
{
        struct bc_overlay *overlay = NULL;
        char text[256];

        assert_int_equal(bc_overlay_new(config, text, sizeof(text), &overlay), 0);
        return overlay;
}

static struct bc_moment moment_of(int64_t number)
{
        return (struct bc_moment){
                .source = BC_UTC_GNSS,
                .utc_ns = INT64_C(1795655534) * BC_NS_PER_S + number * BC_NS_PER_S,
                .fix = { .mode = BC_FIX_3D, .lat_e7 = 593293000 + (int32_t)number * 111, .lon_e7 = 180686000,
                         .accuracy_mm = 5000 },
                .marks = (uint32_t)number % 8,
        };
}

// ---- tests -----------------------------------------------------------------------------------------------------

static void check_fences(enum bc_corner corner, enum bc_pixel_format format, uint32_t more_luma, uint32_t more_chroma)
{
        struct bc_overlay_config config = config_of(322, 182, format);
        struct fenced tight, wide;
        struct bc_moment moment = moment_of(7);
        struct bc_overlay *overlay;
        uint32_t drawn = 0;

        config.corner = corner;
        overlay = overlay_of(&config);
        tight = fenced_new(&config, 0, 0);
        wide = fenced_new(&config, more_luma, more_chroma);
        // The same pixels in both, so that after drawing they must be the same again.
        for (size_t i = 0; i < wide.size; i++) {
                const uint8_t *twin;

                if (is_pixel(&wide, i, &tight.frame, &twin))
                        wide.memory[i] = *twin;
        }
        bc_overlay_draw(overlay, &wide.frame, &moment);
        bc_overlay_banner(overlay, &wide.frame, "NO PICTURE");
        bc_overlay_draw(overlay, &tight.frame, &moment);
        bc_overlay_banner(overlay, &tight.frame, "NO PICTURE");
        for (size_t i = 0; i < wide.size; i++) {
                const uint8_t *twin;

                if (is_pixel(&wide, i, &tight.frame, &twin))
                        assert_int_equal(wide.memory[i], *twin);
                else
                        assert_int_equal(wide.memory[i], mark_at(i));
        }
        for (size_t i = 0; i < tight.size; i++) {
                const uint8_t *twin;

                if (!is_pixel(&tight, i, &tight.frame, &twin))
                        assert_int_equal(tight.memory[i], mark_at(i));
                else
                        drawn += tight.memory[i] != mark_at(i);
        }
        assert_true(drawn > 2000);
        bc_overlay_free(overlay);
        free(tight.memory);
        free(wide.memory);
}

static void test_nothing_beside_the_picture_is_touched(void **state)
{
        (void)state;
        for (unsigned corner = 0; corner < 4; corner++) {
                check_fences((enum bc_corner)corner, BC_PIXEL_I420, 37, 13);
                check_fences((enum bc_corner)corner, BC_PIXEL_NV12, 13, 37);
                check_fences((enum bc_corner)corner, BC_PIXEL_NV12, 62, 62);
        }
}

static void test_another_shape_is_left_alone(void **state)
{
        struct bc_overlay_config config = config_of(640, 360, BC_PIXEL_I420), others[] = {
                config_of(640, 362, BC_PIXEL_I420),
                config_of(638, 360, BC_PIXEL_I420),
                config_of(640, 360, BC_PIXEL_NV12),
        };
        struct bc_overlay *overlay = overlay_of(&config);
        struct bc_moment moment = moment_of(1);

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct fenced fenced = fenced_new(&others[i], 0, 0);

                bc_overlay_draw(overlay, &fenced.frame, &moment);
                bc_overlay_banner(overlay, &fenced.frame, "NO PICTURE");
                for (size_t at = 0; at < fenced.size; at++)
                        assert_int_equal(fenced.memory[at], mark_at(at));
                free(fenced.memory);
        }
        bc_overlay_free(overlay);
        bc_overlay_free(NULL);
}

// With new text in each frame, so that every line is composed again.
static void test_drawing_allocates_nothing(void **state)
{
        struct bc_overlay_config config = config_of(1920, 1080, BC_PIXEL_NV12);
        struct bc_overlay *overlay = overlay_of(&config);
        struct fenced fenced = fenced_new(&config, 0, 0);
        unsigned long before;

        (void)state;
        before = allocations;
        for (int64_t i = 0; i < 50; i++) {
                struct bc_moment moment = moment_of(i);

                bc_overlay_draw(overlay, &fenced.frame, &moment);
                bc_overlay_draw(overlay, &fenced.frame, &moment);
                bc_overlay_banner(overlay, &fenced.frame, "NO PICTURE SINCE 2026-11-26T01:12:14Z");
        }
        assert_int_equal(allocations, before);
        free(fenced.memory);
        bc_overlay_free(overlay);
#ifdef COUNTS_ALLOCATIONS
        assert_true(before > 10); // what bc_overlay_new() took
#else
        skip();
#endif
}

static void assert_refused(const struct bc_overlay_config *config, int error, const char *expected)
{
        struct bc_overlay *overlay = NULL;
        char text[256] = "";

        assert_int_equal(bc_overlay_new(config, text, sizeof(text), &overlay), error);
        assert_string_equal(text, expected);
        assert_null(overlay);
}

static void test_refusals(void **state)
{
        struct bc_overlay_config config = config_of(320, 180, BC_PIXEL_I420);

        (void)state;
        config.unit = "A unit whose name is too long for this one";
        assert_refused(&config, -EINVAL, "overlay: the unit id needs 348 px, a picture of 320x180 has room for 312");
        config.unit = "\u05d0";
        assert_refused(&config, -EINVAL, "overlay: unit id: U+05D0 needs shaping or right-to-left order, "
                                         "which the overlay does not do");
        config.unit = "\u4e2d";
        assert_refused(&config, -EINVAL, "overlay font " MONO " lacks glyph U+4E2D of the unit id");
        config.unit = NULL;
        config.device = "A\xff";
        assert_refused(&config, -EINVAL, "overlay: device id: not UTF-8 from byte 2 on");
        config.device = NULL;
        config.font_path = "/nowhere.ttf";
        assert_refused(&config, -ENOENT, "overlay font /nowhere.ttf: No such file or directory");
        config.font_path = NULL;
        assert_refused(&config, -EINVAL, "overlay: no font");
}

static void test_a_picture_too_small_for_text(void **state)
{
        struct bc_overlay_config config = config_of(318, 180, BC_PIXEL_I420);

        (void)state;
        assert_refused(&config, -EINVAL, "overlay: a picture of 318x180 has no room for text: switch its contents off");
        config = config_of(320, 178, BC_PIXEL_I420);
        assert_refused(&config, -EINVAL, "overlay: a picture of 320x178 has no room for text: switch its contents off");
        config.contents = 0;
        bc_overlay_free(overlay_of(&config));
}

static void test_what_is_not_shown_is_not_asked_for(void **state)
{
        struct bc_overlay_config config = config_of(640, 360, BC_PIXEL_I420);

        (void)state;
        config.contents = BC_OVERLAY_TIME;
        config.unit = "\u05d0";
        bc_overlay_free(overlay_of(&config));
        config.contents = 0;
        config.font_path = NULL;
        bc_overlay_free(overlay_of(&config));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_beside_the_picture_is_touched),
                cmocka_unit_test(test_another_shape_is_left_alone),
                cmocka_unit_test(test_drawing_allocates_nothing),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_a_picture_too_small_for_text),
                cmocka_unit_test(test_what_is_not_shown_is_not_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
