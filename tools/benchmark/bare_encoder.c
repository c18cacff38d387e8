// SPDX-License-Identifier: EUPL-1.2
// What encoding alone costs: libavcodec in a loop, with the options of src/media's encoders, over raw frames or samples
// that lie in memory; what comes out is thrown away. Its only thread is the caller's, besides those of the encoder.
//
//   bare-encoder picture FILE WIDTH HEIGHT RATE FRAMES PRESET THREADS BIT_RATE [OUT]   I420, looped
//   bare-encoder sound FILE UNITS BIT_RATE                                             16-bit mono at 48 kHz, looped
//
// OUT gets the parameter sets and the coded pictures as they come, so that they can be compared with what bodycamd
// wrote. The options are written out here once more and not taken from src/media: comparing the pictures then shows
// that both mean the same.
#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define UNIT_SAMPLES 1024
#define SOUND_RATE_HZ 48000
#define TICKS_PER_S 48000

static int fail(const char *what, int averror)
{
        fprintf(stderr, "bare-encoder: %s: %s\n", what, av_err2str(averror));
        return 1;
}

static int usage(void)
{
        fputs("usage: bare-encoder picture FILE WIDTH HEIGHT RATE FRAMES PRESET THREADS BIT_RATE [OUT]\n"
              "       bare-encoder sound FILE UNITS BIT_RATE\n", stderr);
        return 2;
}

static long number(const char *text)
{
        char *end;
        long value = strtol(text, &end, 10);

        return *text && !*end && value > 0 && value <= INT32_MAX ? value : -1;
}

struct held {
        uint8_t *bytes;
        size_t size;
};

static int hold(const char *path, struct held *ret_held)
{
        BC_CLEANUP(bc_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        ret_held->size = (size_t)status.st_size;
        ret_held->bytes = mmap(NULL, ret_held->size, PROT_READ, MAP_PRIVATE, fd, 0);
        return ret_held->bytes == MAP_FAILED ? -errno : 0;
}

// The peak of memory of this process, told by itself because nobody can ask any more once it has ended.
static void tell_peak(void)
{
        BC_CLEANUP(bc_cleanup_stream) FILE *file = fopen("/proc/self/status", "re");
        char line[256];

        while (file && fgets(line, sizeof(line), file))
                if (strncmp(line, "VmHWM:", 6) == 0)
                        fputs(line, stdout);
}

// Everything the encoder has ready. 0, or what libavcodec says.
static int take(AVCodecContext *context, AVPacket *packet, FILE *out, uint64_t *bytes)
{
        for (;;) {
                int r = avcodec_receive_packet(context, packet);

                if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
                        return 0;
                if (r < 0)
                        return r;
                *bytes += (uint64_t)packet->size;
                if (out && fwrite(packet->data, 1, (size_t)packet->size, out) != (size_t)packet->size)
                        return AVERROR(EIO);
                av_packet_unref(packet);
        }
}

static void keep(void *user, uint8_t *data)
{
        // The frames are mapped.
        (void)user;
        (void)data;
}

struct picture_options {
        int width, height, rate, threads, bit_rate;
        long frames;
        const char *preset, *out;
};

static int open_picture(const struct picture_options *options, AVCodecContext **ret_context)
{
        const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
        AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
        AVDictionary *private = NULL;
        int r;

        if (!context)
                return AVERROR_ENCODER_NOT_FOUND;
        *ret_context = context;
        context->width = options->width;
        context->height = options->height;
        context->pix_fmt = AV_PIX_FMT_YUV420P;
        context->time_base = (AVRational){ 1, TICKS_PER_S };
        context->framerate = (AVRational){ options->rate, 1 };
        context->bit_rate = context->rc_max_rate = options->bit_rate;
        context->rc_buffer_size = options->bit_rate;
        context->max_b_frames = 0;
        context->gop_size = 10 * options->rate;
        context->thread_count = options->threads;
        context->thread_type = FF_THREAD_SLICE;
        context->flags = (int)((unsigned)context->flags | AV_CODEC_FLAG_CLOSED_GOP | AV_CODEC_FLAG_GLOBAL_HEADER);
        av_dict_set(&private, "preset", options->preset, 0);
        av_dict_set(&private, "tune", "zerolatency", 0);
        av_dict_set(&private, "forced-idr", "1", 0);
        av_dict_set(&private, "sc_threshold", "0", 0);
        r = avcodec_open2(context, codec, &private);
        if (r >= 0 && av_dict_count(private) > 0)
                r = AVERROR_OPTION_NOT_FOUND;
        av_dict_free(&private);
        return r;
}

static int encode_pictures(const struct picture_options *options, const struct held *held)
{
        size_t luma = (size_t)options->width * (size_t)options->height, frame_bytes = luma * 3 / 2;
        size_t count = held->size / frame_bytes;
        BC_CLEANUP(bc_cleanup_stream) FILE *out = options->out ? fopen(options->out, "we") : NULL;
        AVCodecContext *context = NULL;
        AVFrame *frame = av_frame_alloc();
        AVPacket *packet = av_packet_alloc();
        uint64_t bytes = 0;
        int r;

        if (count == 0 || !frame || !packet || (options->out && !out))
                return fail("frames or output", AVERROR(EINVAL));
        r = open_picture(options, &context);
        if (r >= 0 && out && fwrite(context->extradata, 1, (size_t)context->extradata_size, out) == 0)
                r = AVERROR(EIO);
        frame->format = AV_PIX_FMT_YUV420P;
        frame->width = options->width;
        frame->height = options->height;
        frame->buf[0] = av_buffer_create(held->bytes, held->size, keep, NULL, 0);
        if (!frame->buf[0])
                r = AVERROR(ENOMEM);
        for (long k = 0; k < options->frames && r >= 0; k++) {
                uint8_t *pixels = held->bytes + (size_t)k % count * frame_bytes;

                frame->data[0] = pixels;
                frame->data[1] = pixels + luma;
                frame->data[2] = pixels + luma * 5 / 4;
                frame->linesize[0] = options->width;
                frame->linesize[1] = frame->linesize[2] = options->width / 2;
                frame->pts = k * TICKS_PER_S / options->rate;
                frame->pict_type = k % options->rate == 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
                r = avcodec_send_frame(context, frame);
                if (r >= 0)
                        r = take(context, packet, out, &bytes);
        }
        if (r >= 0)
                r = avcodec_send_frame(context, NULL);
        if (r >= 0)
                r = take(context, packet, out, &bytes);
        if (r < 0)
                return fail("encoding", r);
        printf("frames: %ld\nbytes: %llu\n", options->frames, (unsigned long long)bytes);
        tell_peak();
        av_frame_free(&frame);
        av_packet_free(&packet);
        avcodec_free_context(&context);
        return 0;
}

static int encode_sound(const struct held *held, long units, int bit_rate)
{
        const AVCodec *codec = avcodec_find_encoder_by_name("aac");
        const int16_t *samples = (const int16_t *)(const void *)held->bytes;
        size_t count = held->size / sizeof(*samples), at = 0;
        AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
        AVFrame *frame = av_frame_alloc();
        AVPacket *packet = av_packet_alloc();
        uint64_t bytes = 0;
        int r;

        if (count == 0 || !context || !frame || !packet)
                return fail("samples", AVERROR(EINVAL));
        context->sample_fmt = AV_SAMPLE_FMT_FLTP;
        context->sample_rate = SOUND_RATE_HZ;
        av_channel_layout_default(&context->ch_layout, 1);
        context->bit_rate = bit_rate;
        context->time_base = (AVRational){ 1, SOUND_RATE_HZ };
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        r = avcodec_open2(context, codec, NULL);
        frame->format = AV_SAMPLE_FMT_FLTP;
        frame->sample_rate = SOUND_RATE_HZ;
        frame->nb_samples = UNIT_SAMPLES;
        av_channel_layout_default(&frame->ch_layout, 1);
        if (r >= 0)
                r = av_frame_get_buffer(frame, 0);
        for (long k = 0; k < units && r >= 0; k++) {
                r = av_frame_make_writable(frame);
                for (int i = 0; i < UNIT_SAMPLES && r >= 0; i++, at = (at + 1) % count)
                        ((float *)(void *)frame->data[0])[i] = (float)samples[at] / 32768.f;
                frame->pts = k * UNIT_SAMPLES;
                if (r >= 0)
                        r = avcodec_send_frame(context, frame);
                if (r >= 0)
                        r = take(context, packet, NULL, &bytes);
        }
        if (r < 0)
                return fail("encoding", r);
        printf("units: %ld\nbytes: %llu\n", units, (unsigned long long)bytes);
        tell_peak();
        av_frame_free(&frame);
        av_packet_free(&packet);
        avcodec_free_context(&context);
        return 0;
}

int main(int argc, char **argv)
{
        struct picture_options options;
        struct held held = { 0 };
        bool picture = argc >= 10 && argc <= 11 && strcmp(argv[1], "picture") == 0;
        int r;

        av_log_set_level(AV_LOG_ERROR);
        if (!picture && !(argc == 5 && strcmp(argv[1], "sound") == 0))
                return usage();
        r = hold(argv[2], &held);
        if (r < 0)
                return fail(argv[2], AVERROR(-r));
        if (!picture) {
                long units = number(argv[3]), bit_rate = number(argv[4]);

                return units < 0 || bit_rate < 0 ? usage() : encode_sound(&held, units, (int)bit_rate);
        }
        options = (struct picture_options){
                .width = (int)number(argv[3]),
                .height = (int)number(argv[4]),
                .rate = (int)number(argv[5]),
                .frames = number(argv[6]),
                .preset = argv[7],
                .threads = (int)number(argv[8]),
                .bit_rate = (int)number(argv[9]),
                .out = argc == 11 ? argv[10] : NULL,
        };
        if (options.width < 0 || options.height < 0 || options.rate < 0 || options.frames < 0 || options.threads < 0 ||
            options.bit_rate < 0)
                return usage();
        return encode_pictures(&options, &held);
}
