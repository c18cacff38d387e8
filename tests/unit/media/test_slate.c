// SPDX-License-Identifier: EUPL-1.2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/slate.h"

struct look {
        unsigned amber, black, dark, other;
};

static struct look look_at(const struct bc_frame *frame, uint32_t from_y, uint32_t until_y, uint32_t from_x,
                           uint32_t until_x)
{
        struct look look = { 0 };

        for (uint32_t y = from_y / 2 * 2; y < until_y; y += 2)
                for (uint32_t x = from_x / 2 * 2; x < until_x; x += 2) {
                        size_t chroma = (size_t)(y / 2) * frame->stride_bytes[1];
                        uint8_t luma = frame->plane[0][(size_t)y * frame->stride_bytes[0] + x];
                        uint8_t u, v;

                        if (frame->format == BC_PIXEL_NV12) {
                                u = frame->plane[1][chroma + x];
                                v = frame->plane[1][chroma + x + 1];
                        } else {
                                u = frame->plane[1][chroma + x / 2];
                                v = frame->plane[2][chroma + x / 2];
                        }
                        if (luma > 150 && u < 80 && v > 140)
                                look.amber++;
                        else if (luma == 16 && u == 128 && v == 128)
                                look.black++;
                        else if (luma > 16 && luma < 60 && u == 128 && v == 128)
                                look.dark++;
                        else
                                look.other++;
                }
        return look;
}

static void check(uint32_t width_px, uint32_t height_px, enum bc_pixel_format format)
{
        uint32_t edge = (width_px < height_px ? width_px : height_px) / 20 * 2;
        struct bc_slate *slate;
        struct bc_frame *frame;
        struct look look;

        assert_int_equal(bc_slate_new(width_px, height_px, format, &slate), 0);
        frame = bc_slate_frame(slate, 5);
        assert_int_equal(frame->time_ns, 5);
        assert_int_equal(frame->lost, 0);
        assert_int_equal(frame->width_px, width_px);
        assert_int_equal(frame->height_px, height_px);

        // Within the border nothing but stripes, about as much of the one as of the other, on all four sides.
        for (int side = 0; side < 4; side++) {
                look = look_at(frame, side == 1 ? height_px - edge : 0, side == 0 ? edge : height_px,
                               side == 3 ? width_px - edge : 0, side == 2 ? edge : width_px);
                assert_int_equal(look.dark + look.other, 0);
                assert_true(look.amber * 4 > look.black && look.black * 4 > look.amber);
        }
        look = look_at(frame, height_px / 4 * 2, height_px / 4 * 2 + 2, width_px / 4, width_px * 3 / 4);
        assert_int_equal(look.amber + look.black + look.other, 0);

        bc_frame_release(frame);
        bc_slate_free(slate);
}

static void test_it_cannot_be_taken_for_darkness(void **state)
{
        (void)state;
        check(1920, 1080, BC_PIXEL_I420);
        check(1920, 1080, BC_PIXEL_NV12);
        check(180, 320, BC_PIXEL_I420);
        check(66, 50, BC_PIXEL_NV12);
}

static void test_the_smallest_one(void **state)
{
        struct bc_slate *slate;

        (void)state;
        assert_int_equal(bc_slate_new(16, 16, BC_PIXEL_NV12, &slate), 0);
        assert_true(look_at(bc_slate_frame(slate, 0), 0, 2, 0, 16).amber > 0);
        bc_slate_free(slate);
        bc_slate_free(NULL);
}

static void test_it_comes_back_freshly_painted(void **state)
{
        enum bc_pixel_format formats[] = { BC_PIXEL_I420, BC_PIXEL_NV12 };
        size_t size = 66 * 50 * 3 / 2;

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct bc_slate *slate;
                struct bc_frame *frame;
                uint8_t *before = malloc(size);

                assert_int_equal(bc_slate_new(66, 50, formats[i], &slate), 0);
                frame = bc_slate_frame(slate, 1);
                memcpy(before, frame->plane[0], size); // its planes lie one behind the other
                memset(frame->plane[0], 99, size);
                frame = bc_slate_frame(slate, 2);
                assert_memory_equal(frame->plane[0], before, size);
                free(before);
                bc_slate_free(slate);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_it_cannot_be_taken_for_darkness),
                cmocka_unit_test(test_the_smallest_one),
                cmocka_unit_test(test_it_comes_back_freshly_painted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
