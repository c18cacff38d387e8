// SPDX-License-Identifier: EUPL-1.2
// What is drawn is for test_overlay_read.py; here is what is refused, what is left alone, and what is not done.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

// ---- only what changed is composed -----------------------------------------------------------------------------

static uint32_t random_below(uint32_t *seed, uint32_t end)
{
        *seed = *seed * 1664525u + 1013904223u;
        return (uint32_t)((uint64_t)(*seed >> 8) * end >> 24);
}

// Often a little, as of a clock and a receiver; at times much, so that texts get longer and shorter and cells move.
static void change(struct bc_moment *moment, uint32_t *seed)
{
        switch (random_below(seed, 12)) {
        case 0:
                break;
        case 1:
        case 2:
                moment->source = BC_UTC_GNSS;
                moment->utc_ns += BC_NS_PER_S;
                break;
        case 3:
                moment->source = BC_UTC_GNSS;
                moment->utc_ns = (INT64_C(1795655534) + random_below(seed, 1u << 24) * 31) * BC_NS_PER_S;
                break;
        case 4:
                moment->source = moment->source == BC_UTC_NONE ? BC_UTC_GNSS : BC_UTC_NONE;
                break;
        case 5:
        case 6:
                moment->fix.mode = BC_FIX_3D;
                moment->fix.lat_e7 += (int32_t)random_below(seed, 400) - 200;
                moment->fix.lon_e7 -= (int32_t)random_below(seed, 90000) - 45000;
                break;
        case 7:
                moment->fix.mode = BC_FIX_3D;
                moment->fix.lat_e7 = ((int32_t)random_below(seed, 1801) - 900) * 999983;
                moment->fix.lon_e7 = ((int32_t)random_below(seed, 3601) - 1800) * 999979;
                break;
        case 8:
                moment->fix.mode = moment->fix.mode == BC_FIX_NONE ? BC_FIX_3D : BC_FIX_NONE;
                break;
        case 9:
                moment->fix.accuracy_mm = (int32_t)random_below(seed, 5) < 1 ? BC_FIX_UNKNOWN
                                                                             : (int32_t)random_below(seed, 20000);
                break;
        case 10:
                moment->marks ^= 1u << random_below(seed, BC_MARK_BITS);
                break;
        default:
                moment->marks = random_below(seed, 1u << BC_MARK_BITS);
        }
}

static void unmark(struct fenced *fenced)
{
        for (size_t i = 0; i < fenced->size; i++)
                fenced->memory[i] = mark_at(i);
}

// One overlay through all moments, and a new one for each of them.
static void check_as_new(const struct bc_overlay_config *config, uint32_t seed, unsigned moments)
{
        struct bc_overlay *overlay = overlay_of(config);
        struct fenced drawn = fenced_new(config, 0, 0), expected = fenced_new(config, 0, 0);
        struct bc_moment moment = moment_of(5);

        for (unsigned i = 0; i < moments; i++) {
                struct bc_overlay *fresh = overlay_of(config);

                unmark(&drawn);
                unmark(&expected);
                bc_overlay_draw(overlay, &drawn.frame, &moment);
                bc_overlay_draw(fresh, &expected.frame, &moment);
                if (memcmp(drawn.memory, expected.memory, drawn.size))
                        fail_msg("%s, %ux%u, format %d, corner %d: moment %u is not drawn as by a new overlay",
                                 config->font_path, config->width_px, config->height_px, (int)config->format,
                                 (int)config->corner, i);
                bc_overlay_free(fresh);
                change(&moment, &seed);
        }
        free(drawn.memory);
        free(expected.memory);
        bc_overlay_free(overlay);
}

// The slanted faces' glyphs reach into their neighbours' advances.
static void test_changes_are_drawn_as_by_a_new_overlay(void **state)
{
        static const char *const fonts[] = {
                "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
                "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                "/usr/share/fonts/truetype/dejavu/DejaVuSans-Oblique.ttf",
                "/usr/share/fonts/truetype/dejavu/DejaVuSerif-BoldItalic.ttf",
        };
        // Lines of several items, and nearly one item to a line.
        static const uint32_t sizes[][2] = { { 854, 480 }, { 322, 182 } };

        (void)state;
        for (uint32_t i = 0; i < 16; i++) {
                struct bc_overlay_config config =
                        config_of(sizes[i / 8][0], sizes[i / 8][1], i / 4 % 2 ? BC_PIXEL_NV12 : BC_PIXEL_I420);

                config.font_path = fonts[i % 4];
                config.corner = i % 2 ? BC_CORNER_BOTTOM_RIGHT : BC_CORNER_TOP_LEFT;
                if (!access(config.font_path, R_OK))
                        check_as_new(&config, i + 1, 150);
                else
                        assert_true(i % 4 > 1);
        }
}

// With new text in each frame.
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
                cmocka_unit_test(test_changes_are_drawn_as_by_a_new_overlay),
                cmocka_unit_test(test_drawing_allocates_nothing),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_a_picture_too_small_for_text),
                cmocka_unit_test(test_what_is_not_shown_is_not_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
