// SPDX-License-Identifier: EUPL-1.2
// The ring's size, and the settings that are refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "media/rate.h"

// ---- the ring's size -----------------------------------------------------------------------------------------

static bool shoot_noise(const struct test_camera *camera, uint64_t number, struct shot *ret_shot)
{
        shoot_steadily(camera, number, ret_shot);
        ret_shot->noise = number / 25 % 2 || number % 25 == 11; // now and then, and for whole seconds
        return true;
}

// With the worst pictures there are, the ring this configuration asks for holds what it must, at every moment.
static void test_the_ring_holds_its_span_of_noise(void **state)
{
        const int64_t pre_event_ns = 6 * BC_NS_PER_S, stall_ns = 4 * BC_NS_PER_S;
        const int64_t held_ns = pre_event_ns + stall_ns + BC_NS_PER_S / 2;

        (void)state;
        for (uint32_t threads = 1; threads <= 4; threads *= 2) {
                struct bench *bench = set_up();
                uint64_t evicted = 0;

                bench->camera.shoot = shoot_noise;
                bench->config.threads = threads;
                bench->config.bit_rate_bps = (uint32_t)bc_rate_least_bps(160, 120, 25000);
                bc_pipeline_ring_config(&bench->config, true, pre_event_ns, stall_ns, BC_NS_PER_S / 2, 25000,
                                        &bench->ring_config);
                start(bench, true);
                for (int64_t at_ms = 20000; at_ms <= 60000; at_ms += 100) {
                        struct bc_ring_level level;
                        struct bc_cursor cursor;
                        struct bc_unit picture, sound;

                        run_to(bench, at_ms * BC_NS_PER_MS);
                        bc_ring_level(bench->ring, &level);
                        evicted = level.evicted_for_space;
                        assert_int_equal(bc_ring_place(bench->ring, level.newest_ns - held_ns, &cursor), 0);
                        assert_int_equal(bc_ring_peek(bench->ring, &cursor, BC_LANE_PICTURE, 0, &picture), 0);
                        assert_true(picture.time_ns <= level.newest_ns - held_ns);
                        assert_int_equal(bc_ring_peek(bench->ring, &cursor, BC_LANE_SOUND, 0, &sound), 0);
                        assert_in_range(sound.time_ns, picture.time_ns, picture.time_ns + 21333334);
                }
                assert_true(evicted > 0); // it was full, so its size was what counted
                bc_pipeline_stop(bench->pipeline);
                tear_down(bench);
        }
}

static void test_ring_config(void **state)
{
        struct bc_pipeline_config config = plain();
        struct bc_ring_config ring, other;

        (void)state;
        config.bit_rate_bps = 8000000;
        bc_pipeline_ring_config(&config, true, 90 * BC_NS_PER_S, 30 * BC_NS_PER_S, BC_NS_PER_S / 2, 30000,
                                &ring);
        assert_int_equal(ring.pre_event_ns, 90 * BC_NS_PER_S);
        // 120.5 s, two GOPs of 2 s (one that ends in a slate), 3 s of level, 3 s for a unit in one piece
        assert_int_equal(ring.lane_bytes[BC_LANE_PICTURE], 130500000);
        assert_in_range(ring.lane_units[BC_LANE_PICTURE], 2 * 30 * 124, 2 * 30 * 127);
        assert_in_range(ring.lane_units[BC_LANE_SOUND], 125 * 48000 / 1024, 127 * 48000 / 1024);
        assert_in_range(ring.lane_bytes[BC_LANE_SOUND], ring.lane_units[BC_LANE_SOUND] * 1536,
                        (ring.lane_units[BC_LANE_SOUND] + 1) * 1536);
        bc_pipeline_ring_config(&config, false, 0, 0, 0, 1000, &other);
        assert_int_equal(other.lane_bytes[BC_LANE_SOUND], 0);
        assert_int_equal(other.lane_units[BC_LANE_SOUND], 0);
        assert_true(other.lane_bytes[BC_LANE_PICTURE] > 6000000);
}

static void test_cameras_whose_pace_is_impossible(void **state)
{
        static const int64_t intervals_ns[] = { 0, -1, INT64_MAX, BC_NS_PER_S / 241, BC_NS_PER_S + 1 };
        struct bench *bench = set_up();
        const struct bc_pipeline_sink sink = { 0 };

        (void)state;
        make_pipeline(bench, false);
        for (size_t i = 0; i < sizeof(intervals_ns) / sizeof(intervals_ns[0]); i++) {
                const struct bc_pipeline_parts parts = { .clock = bench->clock,
                                                         .ring = bench->ring,
                                                         .camera = &bench->camera.camera };
                struct bc_pipeline *pipeline = NULL;

                bench->camera.camera.info.interval_ns = intervals_ns[i];
                assert_int_equal(bc_pipeline_new(&parts, &bench->config, &sink, &pipeline), -ERANGE);
                assert_null(pipeline);
        }
        tear_down(bench);
}

// ---- check ---------------------------------------------------------------------------------------------------

static void assert_check(const struct bc_pipeline_config *config, uint32_t width_px, uint32_t height_px,
                         uint32_t rate_mhz, const char *about)
{
        const struct bc_pipeline_camera camera = { width_px, height_px, rate_mhz };
        enum bc_pipeline_culprit culprit;
        char text[250] = "";
        int r = bc_pipeline_check(config, &camera, 1, text, sizeof(text), &culprit);

        if (!about && r < 0)
                fail_msg("refused: %s", text);
        if (about && (r >= 0 || !strstr(text, about)))
                fail_msg("%d, \"%s\" does not say %s", r, text, about);
        if (about)
                print_message("  %s\n", text);
}

static void test_check(void **state)
{
        struct bc_pipeline_config config = plain();

        (void)state;
        assert_check(&config, 320, 240, 25000, NULL);
        assert_check(&config, 16, 16, 30000, NULL);
        assert_check(&config, 14, 16, 30000, "14x16");
        assert_check(&config, 320, 241, 30000, "320x241");
        assert_check(&config, 8194, 16, 30000, "8194x16");
        assert_check(&config, 320, 240, 999, "frame rate 0.999");
        assert_check(&config, 320, 240, 120002, "frame rate 120.002; allowed: 1 to 120");
        assert_check(&config, 1920, 1080, 30000, "1920x1080 at 30.000 pictures per second needs at least 1244160 bit/s");
        config.bit_rate_bps = 1244160;
        config.threads = 4;
        assert_check(&config, 1920, 1080, 30000, NULL);
        config.bit_rate_bps = 50000001;
        assert_check(&config, 320, 240, 25000, "at most 50000000");
        config = plain();
        config.encoder = "h265";
        assert_check(&config, 320, 240, 25000, "\"h265\"");
        config.encoder = "h264_v4l2m2m";
        assert_check(&config, 320, 240, 25000, "\"h264_v4l2m2m\" cannot be opened");
        config = plain();
        config.preset = "speedy";
        assert_check(&config, 320, 240, 25000, "\"speedy\"");
        config = plain();
        config.sound_bit_rate_bps = 500000;
        assert_check(&config, 320, 240, 25000, "with 1 channel allowed: 16000 to 160000");
        config = plain();
        config.gop_ns = 0;
        assert_check(&config, 320, 240, 25000, "key frame distance");
        config = plain();
        config.slate_after_ns = 0;
        assert_check(&config, 320, 240, 25000, "slate");
        config = plain();
        config.threads = 0;
        assert_check(&config, 320, 240, 25000, "out of range");
        config = plain();
        fault.fail_at[0] = 3;
        assert_check(&config, 320, 240, 25000, "fails at the first pictures");
        fault.fail_at[0] = -1;
}

static enum bc_pipeline_culprit culprit_of(const struct bc_pipeline_config *config, uint32_t width_px, uint32_t channels)
{
        const struct bc_pipeline_camera camera = { width_px, 240, 25000 };
        enum bc_pipeline_culprit culprit;
        char text[250];

        assert_true(bc_pipeline_check(config, &camera, channels, text, sizeof(text), &culprit) < 0);
        return culprit;
}

static void test_check_names_the_culprit(void **state)
{
        struct bc_pipeline_config config = plain();

        (void)state;
        assert_int_equal(culprit_of(&config, 321, 1), BC_PIPELINE_BAD_PICTURE);
        config.bit_rate_bps = 1000;
        assert_int_equal(culprit_of(&config, 320, 1), BC_PIPELINE_BAD_BIT_RATE);
        config.preset = "speedy";
        assert_int_equal(culprit_of(&config, 320, 1), BC_PIPELINE_BAD_PRESET);
        config.encoder = "mpeg4";
        assert_int_equal(culprit_of(&config, 320, 1), BC_PIPELINE_BAD_ENCODER);
        config = plain();
        config.encoder = "h264_v4l2m2m";
        assert_int_equal(culprit_of(&config, 320, 1), BC_PIPELINE_BROKEN_ENCODER);
        config = plain();
        config.sound_bit_rate_bps = 320001;
        assert_int_equal(culprit_of(&config, 320, 2), BC_PIPELINE_BAD_SOUND_BIT_RATE);
}

// Each channel adds to what is allowed, and what no microphone needs is not checked.
static void test_check_of_sound_by_channels(void **state)
{
        static const struct bc_pipeline_camera camera = { 320, 240, 25000 };
        static const struct {
                uint32_t channels, bit_rate_bps;
                bool good;
        } cases[] = {
                { 1, 16000, true },   { 1, 15999, false },  { 1, 160000, true },  { 1, 160001, false },
                { 2, 16000, true },   { 2, 160001, true },  { 2, 320000, true },  { 2, 320001, false },
                { 0, 320001, true },  { 0, 0, true },
        };
        struct bc_pipeline_config config = plain();
        enum bc_pipeline_culprit culprit;
        char text[250];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                config.sound_bit_rate_bps = cases[i].bit_rate_bps;
                assert_int_equal(bc_pipeline_check(&config, &camera, cases[i].channels, text, sizeof(text), &culprit) == 0,
                                 cases[i].good);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_ring_holds_its_span_of_noise),
                cmocka_unit_test(test_ring_config),
                cmocka_unit_test(test_cameras_whose_pace_is_impossible),
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_check_names_the_culprit),
                cmocka_unit_test(test_check_of_sound_by_channels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
