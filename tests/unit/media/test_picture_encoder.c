// SPDX-License-Identifier: EUPL-1.2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bodycam/time.h"
#include "decode.h"
#include "media/picture_encoder.h"
#include "media/rate.h"
#include "picture.h"

#define INTERVAL_NS (BC_NS_PER_S / 25)

// Encoders that no machine here has: one that tells its parameter sets in the stream only, one that reorders, one
// that ignores the wish for a key frame, one that fails, one that keeps frames.
static struct {
        bool in_band, reorder, ignore_keys, fail, keep;
        AVFrame *kept[8];
        unsigned kept_count;
} fault;

int __real_avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options);
int __wrap_avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options);
int __real_avcodec_send_frame(AVCodecContext *context, const AVFrame *frame);
int __wrap_avcodec_send_frame(AVCodecContext *context, const AVFrame *frame);

int __wrap_avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options)
{
        if (fault.in_band && codec && codec->id == AV_CODEC_ID_H264)
                context->flags = (int)((unsigned)context->flags & ~(unsigned)AV_CODEC_FLAG_GLOBAL_HEADER);
        if (fault.reorder && options) {
                context->max_b_frames = 2;
                av_dict_set(options, "tune", NULL, 0);
        }
        return __real_avcodec_open2(context, codec, options);
}

int __wrap_avcodec_send_frame(AVCodecContext *context, const AVFrame *frame)
{
        if (fault.fail)
                return AVERROR_EXTERNAL;
        if (fault.keep && frame && fault.kept_count < 8)
                fault.kept[fault.kept_count++] = av_frame_clone(frame);
        if (fault.ignore_keys && frame && frame->pts > 0)
                ((AVFrame *)(uintptr_t)frame)->pict_type = AV_PICTURE_TYPE_NONE;
        return __real_avcodec_send_frame(context, frame);
}

static int reset_faults(void **state)
{
        (void)state;
        memset(&fault, 0, sizeof(fault));
        return 0;
}

static struct bc_picture_encoder_config plain(void)
{
        return (struct bc_picture_encoder_config){
                .encoder = "libx264",
                .preset = "superfast",
                .threads = 2,
                .bit_rate_bps = 2000000,
                .width_px = 320,
                .height_px = 240,
                .interval_ns = INTERVAL_NS,
                .gop_ns = BC_NS_PER_S,
                .format = BC_PIXEL_I420,
        };
}

static struct bc_picture_encoder *open_encoder(const struct bc_picture_encoder_config *config)
{
        struct bc_picture_encoder *encoder;
        char text[200] = "x";

        if (bc_picture_encoder_new(config, text, sizeof(text), &encoder) < 0)
                fail_msg("%s", text);
        assert_string_equal(text, "");
        return encoder;
}

// ---- what comes out ------------------------------------------------------------------------------------------

// Variable frame rate in, with times between ticks: times, keys, order, pictures come out as they went in.
static void check_stream(const struct bc_picture_encoder_config *config)
{
        struct bc_picture_encoder *encoder = open_encoder(config);
        const struct bc_picture_stream *stream = bc_picture_encoder_stream(encoder);
        unsigned released = 0, sent = 0;
        struct bc_frame *frame = picture_new(config->width_px, config->height_px, config->format, &released);
        struct decoder decoder;
        int64_t time_ns = 7 * BC_NS_PER_S + 12345;

        assert_int_equal(stream->width_px, config->width_px);
        assert_int_equal(stream->interval_ns, config->interval_ns);
        decoder_open_picture(&decoder, stream);
        for (; sent < 60; sent++) {
                struct bc_picture_order order = { .key = sent % 17 == 0, .lost = (uint16_t)sent };
                const uint8_t *bytes;
                struct bc_unit unit;
                int psnr;

                if (sent == 20)
                        order.flags = BC_UNIT_SUBSTITUTE;
                frame->time_ns = time_ns;
                picture_paint(frame, sent);
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(released, sent + 1); // the camera has it back
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                assert_int_equal(bc_ticks_from_ns(unit.time_ns), bc_ticks_from_ns(time_ns));
                assert_true(llabs(unit.time_ns - time_ns) <= 10417);
                assert_int_equal(!!(unit.flags & BC_UNIT_KEY), order.key);
                assert_int_equal(!!(unit.flags & BC_UNIT_SUBSTITUTE), sent == 20);
                assert_int_equal(unit.lost, sent);
                assert_length_prefixed(bytes, unit.size_bytes);

                decode(&decoder, &unit, bytes);
                assert_int_equal(decoder.frame->pts, bc_ticks_from_ns(time_ns));
                psnr = psnr_centibel(frame, decoder.frame);
                if (psnr < 3000)
                        fail_msg("frame %u has %d/100 dB", sent, psnr);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), -EAGAIN);
                time_ns += sent % 3 == 0 ? 20834 : sent % 3 == 1 ? 3 * INTERVAL_NS : 33333333;
        }
        assert_int_equal(bc_picture_encoder_finish(encoder), 0);
        decoder_close(&decoder);
        bc_picture_encoder_free(encoder);
        assert_int_equal(released, sent);
        picture_free(frame);
}

static void test_times_keys_and_pictures(void **state)
{
        static const char *const presets[] = { "ultrafast", "superfast", "veryfast" };
        struct bc_picture_encoder_config config = plain();

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                config.preset = presets[i];
                for (config.threads = 1; config.threads <= 4; config.threads *= 2) {
                        config.format = config.format == BC_PIXEL_I420 ? BC_PIXEL_NV12 : BC_PIXEL_I420;
                        check_stream(&config);
                }
        }
}

static void test_sizes(void **state)
{
        static const uint32_t sizes[][2] = { { 16, 16 }, { 18, 34 }, { 1280, 16 }, { 402, 302 } };
        struct bc_picture_encoder_config config = plain();

        (void)state;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                config.width_px = sizes[i][0];
                config.height_px = sizes[i][1];
                check_stream(&config);
        }
}

// The chroma planes are where they belong: a picture of one colour stays of that colour.
static void test_colour(void **state)
{
        static const uint8_t colour[3] = { 90, 60, 200 };
        struct bc_picture_encoder_config config = plain();

        (void)state;
        for (int format = BC_PIXEL_I420; format <= BC_PIXEL_NV12; format++) {
                const struct bc_picture_order order = { .key = true };
                struct bc_picture_encoder *encoder;
                struct bc_frame *frame;
                struct decoder decoder;
                const uint8_t *bytes;
                struct bc_unit unit;

                config.format = (enum bc_pixel_format)format;
                encoder = open_encoder(&config);
                frame = picture_new(config.width_px, config.height_px, config.format, NULL);
                memset(frame->plane[0], colour[0], (size_t)frame->stride_bytes[0] * frame->height_px);
                for (size_t at = 0; at < (size_t)frame->stride_bytes[1] * frame->height_px / 2; at++) {
                        frame->plane[1][at] = format == BC_PIXEL_NV12 ? colour[1 + at % 2] : colour[1];
                        if (format == BC_PIXEL_I420)
                                frame->plane[2][at] = colour[2];
                }
                decoder_open_picture(&decoder, bc_picture_encoder_stream(encoder));
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                decode(&decoder, &unit, bytes);
                for (int i = 0; i < 3; i++)
                        assert_in_range(
                                decoder.frame->data[i][(ptrdiff_t)20 * decoder.frame->linesize[i] + 20],
                                colour[i] - 2, colour[i] + 2);
                decoder_close(&decoder);
                bc_picture_encoder_free(encoder);
                picture_free(frame);
        }
}

// Any IDR starts a stream of its own: a decoder that begins there shows the same.
static void test_a_cut_at_a_key_frame_decodes(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder = open_encoder(&config);
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, NULL);
        struct decoder decoder;

        (void)state;
        decoder_open_picture(&decoder, bc_picture_encoder_stream(encoder));
        for (unsigned i = 0; i < 40; i++) {
                const struct bc_picture_order order = { .key = i % 25 == 0 };
                const uint8_t *bytes;
                struct bc_unit unit;

                frame->time_ns = i * INTERVAL_NS;
                picture_paint(frame, i);
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                if (i < 25)
                        continue;
                decode(&decoder, &unit, bytes);
                assert_true(psnr_centibel(frame, decoder.frame) > 3000);
        }
        decoder_close(&decoder);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

// ---- bit rate ------------------------------------------------------------------------------------------------

static uint64_t encode_noise(struct bc_picture_encoder *encoder, struct bc_frame *frame, unsigned from,
                             unsigned until, uint64_t *seed)
{
        uint64_t sum = 0;

        for (unsigned i = from; i < until; i++) {
                const struct bc_picture_order order = { .key = i % 25 == 0 };
                const uint8_t *bytes;
                struct bc_unit unit;

                frame->time_ns = i * INTERVAL_NS;
                picture_paint_noise(frame, seed);
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                sum += unit.size_bytes;
        }
        return sum * 8;
}

// Opened for few bits and told later to spend many: units come out larger than it keeps room for, and whole all the same.
static void test_units_larger_than_a_kept_vbv(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder;
        struct bc_frame *frame;
        struct decoder decoder;
        uint64_t seed = 88172645463325252u;
        unsigned large = 0;

        (void)state;
        config.bit_rate_bps = 8000;
        encoder = open_encoder(&config);
        frame = picture_new(config.width_px, config.height_px, config.format, NULL);
        decoder_open_picture(&decoder, bc_picture_encoder_stream(encoder));
        for (unsigned i = 0; i < 20; i++) {
                const struct bc_picture_order order = { .key = i % 5 == 0 };
                const uint8_t *bytes;
                struct bc_unit unit;

                if (i == 5)
                        bc_picture_encoder_aim(encoder, 4000000);
                frame->time_ns = i * INTERVAL_NS;
                picture_paint_noise(frame, &seed);
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                large += unit.size_bytes > config.bit_rate_bps / 8 + 4096;
                assert_length_prefixed(bytes, unit.size_bytes);
                decode(&decoder, &unit, bytes);
                assert_int_equal(decoder.frame->pts, bc_ticks_from_ns(frame->time_ns));
        }
        assert_in_range(large, 1, 19); // some fit and some do not
        decoder_close(&decoder);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

static void test_the_aim_can_be_changed(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder = open_encoder(&config);
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, NULL);
        uint64_t seed = 88172645463325252u;

        (void)state;
        encode_noise(encoder, frame, 0, 100, &seed);
        assert_in_range(encode_noise(encoder, frame, 100, 200, &seed), 4 * 1800000, 4 * 2200000);
        bc_picture_encoder_aim(encoder, 500000);
        encode_noise(encoder, frame, 200, 300, &seed);
        assert_in_range(encode_noise(encoder, frame, 300, 400, &seed), 4 * 430000, 4 * 570000);
        bc_picture_encoder_aim(encoder, 4000000);
        encode_noise(encoder, frame, 400, 500, &seed);
        assert_in_range(encode_noise(encoder, frame, 500, 600, &seed), 4 * 3500000, 4 * 4400000);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

// What made x264 spend 1.2 times its bit rate without end: four slices and single frames of noise. With bc_rate beside
// it no frame is lost and the level stays where it must.
static void test_noise_stays_within_the_level(void **state)
{
        struct bc_picture_encoder_config config = plain();
        uint64_t seed = 88172645463325252u;
        struct bc_picture_encoder *encoder;
        struct bc_frame *frame;
        struct bc_rate rate;
        int64_t highest_ns = 0;
        uint64_t dice = 1;

        (void)state;
        config.preset = "ultrafast";
        config.threads = 4;
        config.height_px = 360;
        config.width_px = 640;
        config.bit_rate_bps = 890000;
        encoder = open_encoder(&config);
        frame = picture_new(config.width_px, config.height_px, config.format, NULL);
        bc_rate_init(&rate, config.bit_rate_bps, config.interval_ns);
        for (unsigned i = 0; i < 1500; i++) {
                const struct bc_picture_order order = { .key = i % 25 == 0 };
                const uint8_t *bytes;
                struct bc_unit unit;

                frame->time_ns = i * INTERVAL_NS;
                dice = dice * 6364136223846793005u + 1442695040888963407u;
                if ((dice >> 40) % 30 == 0)
                        picture_paint_noise(frame, &seed);
                else
                        for (int p = 0; p < BC_FRAME_PLANES_MAX; p++)
                                memset(frame->plane[p], 128,
                                       (size_t)frame->stride_bytes[p] * (frame->height_px / (p ? 2 : 1)));
                assert_true(bc_rate_admit(&rate, frame->time_ns));
                bc_picture_encoder_aim(encoder, bc_rate_budget_bps(&rate));
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                assert_true(bc_rate_spend(&rate, unit.size_bytes));
                if (rate.level_ns > highest_ns)
                        highest_ns = rate.level_ns;
        }
        print_message("highest level %lld ms\n", (long long)(highest_ns / BC_NS_PER_MS));
        assert_in_range(highest_ns, BC_NS_PER_S, BC_RATE_LEVEL_MAX_NS);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

// ---- refusals ------------------------------------------------------------------------------------------------

static void assert_refused(const struct bc_picture_encoder_config *config, const char *about)
{
        struct bc_picture_encoder *encoder = (void *)1;
        char text[200] = "";

        assert_true(bc_picture_encoder_new(config, text, sizeof(text), &encoder) < 0);
        if (!strstr(text, about))
                fail_msg("\"%s\" does not name %s", text, about);
        assert_ptr_equal(encoder, (void *)1);
}

static void test_settings_refused_by_name(void **state)
{
        struct bc_picture_encoder_config config;

        (void)state;
        config = plain();
        config.encoder = "libx265x";
        assert_refused(&config, "libx265x");
        config.encoder = "mpeg4";
        assert_refused(&config, "\"mpeg4\" makes no H.264");
        config.encoder = "h264_v4l2m2m"; // there is no such device here
        assert_refused(&config, "h264_v4l2m2m");
        config = plain();
        config.preset = "ultraslow";
        assert_refused(&config, "ultraslow");
        config.preset = NULL;
        assert_refused(&config, "preset");
        config = plain();
        config.width_px = 14;
        assert_refused(&config, "14x240");
        config.width_px = 8194;
        assert_refused(&config, "8194x240");
        config.width_px = 321;
        assert_refused(&config, "321x240: both sides must be even");
}

static void test_frames_refused(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder = open_encoder(&config);
        const struct bc_picture_order order = { .key = true };
        unsigned released = 0;
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, &released);

        (void)state;
        frame->time_ns = BC_NS_PER_S;
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), -EINVAL);
        frame->time_ns = BC_NS_PER_S + 5000; // the same tick
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), -EINVAL);
        frame->time_ns = 2 * BC_NS_PER_S;
        frame->width_px -= 2;
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), -EINVAL);
        frame->width_px += 2;
        frame->format = BC_PIXEL_NV12;
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), -EINVAL);
        assert_int_equal(released, 5);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

// ---- strange encoders ----------------------------------------------------------------------------------------

static void test_parameter_sets_in_the_stream(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder;
        struct bc_picture_stream stream;

        (void)state;
        encoder = open_encoder(&config);
        stream = *bc_picture_encoder_stream(encoder);
        bc_picture_encoder_free(encoder);
        fault.in_band = true;
        encoder = open_encoder(&config);
        assert_memory_equal(bc_picture_encoder_stream(encoder), &stream, sizeof(stream));
        bc_picture_encoder_free(encoder);
        check_stream(&config); // asserts that no parameter set is left in a unit
}

static void test_a_reordering_encoder_is_found_out(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder;
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, NULL);
        const uint8_t *bytes;
        struct bc_unit unit;
        int r = -EAGAIN;

        (void)state;
        fault.reorder = true;
        encoder = open_encoder(&config);
        for (int i = 0; i < 60 && r == -EAGAIN; i++) {
                const struct bc_picture_order order = { .key = i == 0 };

                frame->time_ns = i * INTERVAL_NS;
                picture_paint(frame, (unsigned)i);
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                r = bc_picture_encoder_receive(encoder, &unit, &bytes);
        }
        assert_int_equal(r, -EPROTO);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

static void test_a_key_frame_that_did_not_come_is_asked_for_again(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder = open_encoder(&config);
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, NULL);

        (void)state;
        for (int i = 0; i < 8; i++) {
                const struct bc_picture_order order = { .key = i == 0 || i == 3 };
                const uint8_t *bytes;
                struct bc_unit unit;

                fault.ignore_keys = i == 3 || i == 4;
                frame->time_ns = i * INTERVAL_NS;
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), 0);
                assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
                assert_int_equal(!!(unit.flags & BC_UNIT_KEY), i == 0 || i == 5);
        }
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

static void test_failure_gives_the_frame_back(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder = open_encoder(&config);
        const struct bc_picture_order order = { .key = true };
        unsigned released = 0;
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, &released);

        (void)state;
        fault.fail = true;
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), -EIO);
        assert_int_equal(released, 1);
        bc_picture_encoder_free(encoder);
        picture_free(frame);
}

// While FFmpeg refers to a frame's planes the camera does not get it back; and there is an end to it.
static void test_frames_held_by_the_encoder(void **state)
{
        struct bc_picture_encoder_config config = plain();
        struct bc_picture_encoder *encoder = open_encoder(&config);
        unsigned released = 0;
        struct bc_frame *frame = picture_new(config.width_px, config.height_px, config.format, &released);
        const uint8_t *bytes;
        struct bc_unit unit;

        (void)state;
        fault.keep = true;
        for (int i = 0; i < 5; i++) {
                const struct bc_picture_order order = { .key = i == 0 };

                frame->time_ns = i * INTERVAL_NS;
                assert_int_equal(bc_picture_encoder_send(encoder, frame, &order), i < 4 ? 0 : -ENOBUFS);
                assert_int_equal(released, i < 4 ? 0 : 1);
                if (i < 4)
                        assert_int_equal(bc_picture_encoder_receive(encoder, &unit, &bytes), 0);
        }
        fault.keep = false;
        av_frame_free(&fault.kept[1]);
        frame->time_ns = 9 * INTERVAL_NS;
        assert_int_equal(bc_picture_encoder_send(encoder, frame, &(struct bc_picture_order){ 0 }), 0);
        assert_int_equal(released, 3); // the one let go, and the newest
        for (unsigned i = 0; i < fault.kept_count; i++)
                av_frame_free(&fault.kept[i]);
        bc_picture_encoder_free(encoder);
        assert_int_equal(released, 6);
        picture_free(frame);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_times_keys_and_pictures, reset_faults),
                cmocka_unit_test_setup(test_sizes, reset_faults),
                cmocka_unit_test_setup(test_colour, reset_faults),
                cmocka_unit_test_setup(test_a_cut_at_a_key_frame_decodes, reset_faults),
                cmocka_unit_test_setup(test_units_larger_than_a_kept_vbv, reset_faults),
                cmocka_unit_test_setup(test_the_aim_can_be_changed, reset_faults),
                cmocka_unit_test_setup(test_noise_stays_within_the_level, reset_faults),
                cmocka_unit_test_setup(test_settings_refused_by_name, reset_faults),
                cmocka_unit_test_setup(test_frames_refused, reset_faults),
                cmocka_unit_test_setup(test_parameter_sets_in_the_stream, reset_faults),
                cmocka_unit_test_setup(test_a_reordering_encoder_is_found_out, reset_faults),
                cmocka_unit_test_setup(test_a_key_frame_that_did_not_come_is_asked_for_again, reset_faults),
                cmocka_unit_test_setup(test_failure_gives_the_frame_back, reset_faults),
                cmocka_unit_test_setup(test_frames_held_by_the_encoder, reset_faults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
