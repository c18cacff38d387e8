// SPDX-License-Identifier: EUPL-1.2
// The file camera: whatever a clip's pictures are, they come upright, with their aspect, between black bars,
// in I420 of limited range.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/log.h>

#include "base/cleanup.h"
#include "contract/clips.h"
#include "contract/levels.h"

#define SIDE_MAX 1024

// The last picture, copied.
struct copy {
        uint32_t width, height;
        uint8_t luma[SIDE_MAX * SIDE_MAX], cb[SIDE_MAX * SIDE_MAX / 4], cr[SIDE_MAX * SIDE_MAX / 4];
        unsigned count, lost, errors;
        int64_t time_ns;
        bool unordered;
};

static void copy_plane(uint8_t *to, const uint8_t *plane, uint32_t stride, uint32_t width, uint32_t height)
{
        for (uint32_t row = 0; row < height; row++)
                memcpy(to + row * width, plane + (size_t)row * stride, width);
}

static void on_frame(void *user, struct bc_frame *frame)
{
        struct copy *copy = user;

        copy->unordered |= copy->count > 0 && frame->time_ns <= copy->time_ns;
        copy->time_ns = frame->time_ns;
        copy->count++;
        copy->lost += frame->lost;
        copy->width = frame->width_px;
        copy->height = frame->height_px;
        copy_plane(copy->luma, frame->plane[0], frame->stride_bytes[0], copy->width, copy->height);
        copy_plane(copy->cb, frame->plane[1], frame->stride_bytes[1], copy->width / 2, copy->height / 2);
        copy_plane(copy->cr, frame->plane[2], frame->stride_bytes[2], copy->width / 2, copy->height / 2);
        bc_frame_release(frame);
}

static void on_error(void *user, int error)
{
        struct copy *copy = user;

        (void)error;
        copy->errors++;
}

// Shows a clip for some time and keeps its last picture.
static void watch(const char *clip, uint32_t width, uint32_t height, int64_t ns, struct copy *copy)
{
        struct bc_camera_sink sink = { .on_frame = on_frame, .on_error = on_error, .user = copy };
        struct bc_clock *clock;
        struct bc_camera *camera;

        memset(copy, 0, sizeof(*copy));
        assert_int_equal(bc_clock_new_simulated(0, &clock), 0);
        camera = levels_open(clock, clip, NULL, 0, width, height);
        assert_non_null(camera);
        assert_int_equal(bc_camera_start(camera, &sink), 0);
        bc_clock_run_until(clock, ns);
        bc_camera_free(camera);
        bc_clock_free(clock);
        assert_true(copy->count > 0);
        assert_int_equal(copy->errors, 0);
        assert_false(copy->unordered);
        assert_int_equal(copy->width, width);
        assert_int_equal(copy->height, height);
}

static unsigned luma(const struct copy *copy, uint32_t x, uint32_t y)
{
        return copy->luma[y * copy->width + x];
}

static void check_luma(const struct copy *copy, uint32_t x, uint32_t y, unsigned expected)
{
        assert_in_range(luma(copy, x, y) + 3, expected, expected + 6);
}

static void check_black(const struct copy *copy, uint32_t x, uint32_t y)
{
        size_t chroma = (size_t)(y / 2) * (copy->width / 2) + x / 2;

        assert_int_equal(luma(copy, x, y), 16);
        assert_int_equal(copy->cb[chroma], 128);
        assert_int_equal(copy->cr[chroma], 128);
}

// ---- orientation ---------------------------------------------------------------------------------------------

// Writes a copy of quarters.mp4 with another matrix in its track header (ISO/IEC 14496-12, 8.3.2).
static void write_turned(const char *name, const int matrix[4])
{
        char from_path[CLIP_PATH_BYTES], to_path[CLIP_PATH_BYTES];
        BC_CLEANUP(bc_cleanup_stream) FILE *from = fopen(clip_path("quarters.mp4", from_path), "rb");
        BC_CLEANUP(bc_cleanup_stream) FILE *to = fopen(clip_path(name, to_path), "wb");
        static uint8_t bytes[65536];
        const int32_t numbers[9] = { matrix[0] * 65536,
                                     matrix[1] * 65536,
                                     0,
                                     matrix[2] * 65536,
                                     matrix[3] * 65536,
                                     0,
                                     0,
                                     0,
                                     1 << 30 };
        size_t size, at = 0;

        assert_non_null(from);
        assert_non_null(to);
        size = fread(bytes, 1, sizeof(bytes), from);
        while (at + 80 < size && memcmp(bytes + at, "tkhd", 4) != 0)
                at++;
        assert_true(at + 80 < size);
        for (unsigned i = 0; i < 36; i++)
                bytes[at + 44 + i] = (uint8_t)((uint32_t)numbers[i / 4] >> (24 - i % 4 * 8));
        assert_int_equal(fwrite(bytes, 1, size, to), size);
}

// A stored point (x, y) is shown at (a x + c y, b x + d y): the standard's own words, for each quarter.
static void check_turned(const int matrix[4])
{
        static struct copy copy;
        uint32_t width = matrix[0] ? 160 : 120, height = matrix[0] ? 120 : 160;

        write_turned("turned.mp4", matrix);
        watch("turned.mp4", width, height, BC_NS_PER_S, &copy);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
                int x = quarter % 2 ? 1 : -1, y = quarter / 2 ? 1 : -1;
                int shown_x = matrix[0] * x + matrix[2] * y, shown_y = matrix[1] * x + matrix[3] * y;

                check_luma(&copy, shown_x < 0 ? width / 4 : width * 3 / 4,
                           shown_y < 0 ? height / 4 : height * 3 / 4, 50 * (quarter + 1));
        }
        assert_int_equal(copy.lost, 0);
}

static void test_orientations(void **state)
{
        static const int matrices[][4] = {
                { 1, 0, 0, 1 },  { -1, 0, 0, -1 },
                { 0, 1, -1, 0 }, { 0, -1, 1, 0 }, // turned by 0, 180, 90, 270 degrees
                { -1, 0, 0, 1 }, { 1, 0, 0, -1 },
                { 0, 1, 1, 0 },  { 0, -1, -1, 0 }, // and mirrored
        };

        (void)state;
        for (unsigned i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++)
                check_turned(matrices[i]);
}

// ---- aspect --------------------------------------------------------------------------------------------------

static void test_black_bars(void **state)
{
        static struct copy copy;

        (void)state;
        watch("quarters.mp4", 320, 120, BC_NS_PER_S, &copy);
        check_black(&copy, 0, 60);
        check_black(&copy, 79, 0);
        check_black(&copy, 240, 119);
        check_luma(&copy, 84, 4, 50);
        check_luma(&copy, 235, 115, 200);

        watch("quarters.mp4", 160, 240, BC_NS_PER_S, &copy);
        check_black(&copy, 80, 0);
        check_black(&copy, 0, 59);
        check_black(&copy, 159, 180);
        check_luma(&copy, 4, 64, 50);
        check_luma(&copy, 155, 175, 200);

        // Far from any aspect of a picture, and the smallest frame there is.
        watch("quarters.mp4", 1024, 16, BC_NS_PER_S, &copy);
        check_black(&copy, 0, 8);
        watch("quarters.mp4", 16, 16, BC_NS_PER_S, &copy);
        check_black(&copy, 8, 0);
        check_black(&copy, 8, 15);
}

// 720 x 576 with samples of 16:15 is 4:3.
static void test_samples_that_are_not_square(void **state)
{
        static struct copy copy;

        (void)state;
        watch("interlaced.mpg", 640, 360, BC_NS_PER_S, &copy);
        check_black(&copy, 78, 180);
        check_black(&copy, 561, 180);
        assert_true(luma(&copy, 84, 180) > 30); // the test picture's red bar
        assert_true(luma(&copy, 555, 180) > 30);
}

static void test_full_range_becomes_limited(void **state)
{
        static struct copy copy;

        (void)state;
        watch("full-range.avi", 160, 120, BC_NS_PER_S, &copy);
        check_luma(&copy, 40, 60, 16);
        check_luma(&copy, 120, 60, 235);
}

// ---- whatever there is ---------------------------------------------------------------------------------------

static void test_formats(void **state)
{
        static const struct {
                const char *clip;
                unsigned frames; // in 2 s
        } clips[] = {
                { "plain.mp4", 50 },    { "silent.mp4", 50 },   { "xvid.avi", 50 },
                { "transport.ts", 50 }, { "odd.mkv", 50 },      { "interlaced.mpg", 50 },
                { "rgb.mov", 20 },      { "deep.mkv", 20 },     { "palette.gif", 20 },
                { "still.png", 50 },    { "smallest.mkv", 50 }, { "untimed.h264", 20 },
        };
        static struct copy copy;

        (void)state;
        for (unsigned i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
                watch(clips[i].clip, 320, 240, 2 * BC_NS_PER_S - 1, &copy);
                if (copy.count != clips[i].frames || copy.lost != 0)
                        fail_msg("%s: %u pictures, %u lost", clips[i].clip, copy.count, copy.lost);
        }
}

// One field of each picture is shown, for two of a moving scene side by side look like a comb.
static void test_no_comb(void **state)
{
        static struct copy copy;
        uint64_t comb = 0, smooth = 0;

        (void)state;
        watch("comb.mkv", 256, 256, BC_NS_PER_S, &copy);
        for (uint32_t y = 64; y < 192; y++)
                for (uint32_t x = 0; x < 256; x++) {
                        int above = (int)luma(&copy, x, y - 1), here = (int)luma(&copy, x, y);

                        comb += (uint64_t)abs(2 * here - above - (int)luma(&copy, x, y + 1));
                        smooth += (uint64_t)here;
                }
        assert_true(comb * 100 < smooth);
}

int main(void)
{
        av_log_set_level(AV_LOG_ERROR);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_orientations),
                cmocka_unit_test(test_black_bars),
                cmocka_unit_test(test_samples_that_are_not_square),
                cmocka_unit_test(test_full_range_becomes_limited),
                cmocka_unit_test(test_formats),
                cmocka_unit_test(test_no_comb),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
