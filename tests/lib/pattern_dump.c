// SPDX-License-Identifier: EUPL-1.2
// pattern-dump FILE: what a recording of the pattern camera and the tone microphone shows, one JSON object a
// line.
//
//     {"kind":"picture","tick":1600,"number":31,"flash":0}     per picture, in the order it is shown
//     {"kind":"beep","tick":48000}                             per onset of a beep
//
// Ticks are 1/48000 s of the file's presentation time. number is null when the code cannot be read. Exit
// status 0, 1 when the file cannot be read or a part of it not decoded, 2 usage.
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>

#include "base/cleanup.h"
#include "bodycam/time.h"
#include "lib/beep_finder.h"
#include "lib/pattern_read.h"

struct track {
        AVStream *stream; // NULL: the file has none of this kind
        AVCodecContext *codec;
};

struct dump {
        AVFormatContext *format;
        AVPacket *packet;
        AVFrame *frame;
        struct track picture, sound;
        struct bc_beep_finder *finder;
        int64_t first_tick; // of the sound given to the finder; beeps are counted from it
        int64_t samples;    // given since
        bool broken;
};

static void close_track(struct track *track)
{
        avcodec_free_context(&track->codec);
}

static void close_dump(struct dump *dump)
{
        bc_beep_finder_free(dump->finder);
        close_track(&dump->picture);
        close_track(&dump->sound);
        av_frame_free(&dump->frame);
        av_packet_free(&dump->packet);
        avformat_close_input(&dump->format);
}

static int open_track(AVFormatContext *format, enum AVMediaType type, struct track *track)
{
        const AVCodec *codec = NULL;
        int r = av_find_best_stream(format, type, -1, -1, &codec, 0);

        if (r == AVERROR_STREAM_NOT_FOUND)
                return 0;
        if (r < 0)
                return r;
        track->stream = format->streams[r];
        track->codec = avcodec_alloc_context3(codec);
        if (!track->codec)
                return AVERROR(ENOMEM);
        r = avcodec_parameters_to_context(track->codec, track->stream->codecpar);
        if (r < 0)
                return r;
        track->codec->pkt_timebase = track->stream->time_base;
        return avcodec_open2(track->codec, codec, NULL);
}

static int open_dump(struct dump *dump, const char *path)
{
        int r;

        dump->packet = av_packet_alloc();
        dump->frame = av_frame_alloc();
        if (!dump->packet || !dump->frame)
                return AVERROR(ENOMEM);
        r = avformat_open_input(&dump->format, path, NULL, NULL);
        if (r >= 0)
                r = avformat_find_stream_info(dump->format, NULL);
        if (r >= 0)
                r = open_track(dump->format, AVMEDIA_TYPE_VIDEO, &dump->picture);
        if (r >= 0)
                r = open_track(dump->format, AVMEDIA_TYPE_AUDIO, &dump->sound);
        return r;
}

static int64_t tick_of(const struct track *track, const AVFrame *frame)
{
        return av_rescale_q(frame->best_effort_timestamp, track->stream->time_base,
                            (AVRational){ 1, (int)BC_TICKS_PER_S });
}

static void show_picture(const struct dump *dump)
{
        const AVFrame *frame = dump->frame;
        const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
        uint32_t width = (uint32_t)frame->width, height = (uint32_t)frame->height, number;
        bool has_luma = format && !(format->flags & AV_PIX_FMT_FLAG_RGB) && format->comp[0].depth == 8 &&
                        format->comp[0].step == 1 && frame->linesize[0] > 0;
        size_t stride = (size_t)frame->linesize[0];

        printf("{\"kind\":\"picture\",\"tick\":%" PRId64 ",\"number\":", tick_of(&dump->picture, frame));
        if (has_luma && bc_pattern_read_number(frame->data[0], stride, width, height, &number) == 0)
                printf("%" PRIu32, number);
        else
                printf("null");
        printf(",\"flash\":%d}\n", has_luma && bc_pattern_read_flash(frame->data[0], stride, width, height));
}

// One channel's sample as 16 bits. Formats that no decoder of a recording gives are silence.
static int16_t sample_at(const AVFrame *frame, int i)
{
        int channels = frame->ch_layout.nb_channels;
        float value = 0;

        switch (frame->format) {
        case AV_SAMPLE_FMT_S16:
                return ((const int16_t *)(const void *)frame->data[0])[i * channels];
        case AV_SAMPLE_FMT_S16P:
                return ((const int16_t *)(const void *)frame->data[0])[i];
        case AV_SAMPLE_FMT_FLT:
                value = ((const float *)(const void *)frame->data[0])[i * channels];
                break;
        case AV_SAMPLE_FMT_FLTP:
                value = ((const float *)(const void *)frame->data[0])[i];
                break;
        }
        value *= 32767;
        return (int16_t)(value > 32767 ? 32767 : value < -32767 ? -32767 : value);
}

// Starts anew when there was none, or when time stamps leave the count of samples by more than a millisecond.
static int follow_time(struct dump *dump)
{
        const AVFrame *frame = dump->frame;
        int64_t tick = tick_of(&dump->sound, frame);
        int64_t due = dump->first_tick + av_rescale(dump->samples, BC_TICKS_PER_S, frame->sample_rate);
        int r;

        if (dump->finder && tick - due < BC_TICKS_PER_S / 1000 && due - tick < BC_TICKS_PER_S / 1000)
                return 0;
        bc_beep_finder_free(dump->finder);
        dump->finder = NULL;
        r = bc_beep_finder_new((uint32_t)frame->sample_rate, &dump->finder);
        if (r < 0)
                return r;
        dump->first_tick = tick;
        dump->samples = 0;
        return 0;
}

static void show_sound(struct dump *dump)
{
        const AVFrame *frame = dump->frame;
        int64_t onset;

        if (follow_time(dump) < 0) {
                dump->broken = true;
                return;
        }
        for (int i = 0; i < frame->nb_samples; i++, dump->samples++)
                if (bc_beep_finder_add(dump->finder, sample_at(frame, i), &onset))
                        printf("{\"kind\":\"beep\",\"tick\":%" PRId64 "}\n",
                               dump->first_tick + av_rescale(onset, BC_TICKS_PER_S, frame->sample_rate));
}

// packet NULL: the end.
static void decode(struct dump *dump, struct track *track, const AVPacket *packet)
{
        int r = avcodec_send_packet(track->codec, packet);

        if (r < 0 && r != AVERROR_EOF) {
                dump->broken = true;
                return;
        }
        while ((r = avcodec_receive_frame(track->codec, dump->frame)) >= 0) {
                if (track == &dump->picture)
                        show_picture(dump);
                else
                        show_sound(dump);
        }
        if (r != AVERROR(EAGAIN) && r != AVERROR_EOF)
                dump->broken = true;
}

static void show(struct dump *dump)
{
        struct track *tracks[] = { &dump->picture, &dump->sound };
        int r;

        while ((r = av_read_frame(dump->format, dump->packet)) >= 0) {
                for (unsigned i = 0; i < 2; i++)
                        if (tracks[i]->stream && tracks[i]->stream->index == dump->packet->stream_index)
                                decode(dump, tracks[i], dump->packet);
                av_packet_unref(dump->packet);
        }
        if (r != AVERROR_EOF)
                dump->broken = true;
        for (unsigned i = 0; i < 2; i++)
                if (tracks[i]->stream)
                        decode(dump, tracks[i], NULL);
}

int main(int argc, char *argv[])
{
        BC_CLEANUP(close_dump) struct dump dump = { 0 };
        int r;

        if (argc != 2) {
                fprintf(stderr, "usage: pattern-dump FILE\n");
                return 2;
        }
        av_log_set_level(AV_LOG_ERROR);
        r = open_dump(&dump, argv[1]);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", argv[1], av_err2str(r));
                return 1;
        }
        show(&dump);
        if (dump.broken)
                fprintf(stderr, "%s: not all of it could be decoded\n", argv[1]);
        return dump.broken || fflush(stdout) != 0;
}
