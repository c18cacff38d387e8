// SPDX-License-Identifier: EUPL-1.2
#include "packets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavformat/avformat.h>

static void close_input(AVFormatContext **input)
{
        avformat_close_input(input);
}

static void free_packet(AVPacket **packet)
{
        av_packet_free(packet);
}

void clip_close(struct clip *clip)
{
        for (size_t t = 0; t < CLIP_TRACKS; t++) {
                for (size_t i = 0; i < clip->packets[t]; i++)
                        free(clip->packet[t][i].bytes);
                free(clip->packet[t]);
                avcodec_parameters_free(&clip->codec[t]);
        }
        *clip = (struct clip){ 0 };
}

static int describe(struct clip *clip, size_t t, const AVCodecParameters *codec)
{
        struct bc_track *track = &clip->init.track[t];
        if (codec->codec_id != (t == 0 ? AV_CODEC_ID_H264 : AV_CODEC_ID_AAC) || codec->extradata_size <= 0 ||
            (size_t)codec->extradata_size > sizeof(track->config) || clip->codec[t])
                return -EINVAL;
        *track = (struct bc_track){ .kind = t == 0 ? BC_TRACK_AVC : BC_TRACK_AAC };
        if (t == 0) {
                track->width_px = (uint32_t)codec->width;
                track->height_px = (uint32_t)codec->height;
        } else {
                track->channels = (uint32_t)codec->ch_layout.nb_channels;
                track->bit_rate_bps = (uint32_t)codec->bit_rate;
        }
        track->config_bytes = (size_t)codec->extradata_size;
        memcpy(track->config, codec->extradata, track->config_bytes);
        clip->codec[t] = avcodec_parameters_alloc();
        if (!clip->codec[t] || avcodec_parameters_copy(clip->codec[t], codec) < 0)
                return -ENOMEM;
        return 0;
}

static int append(struct clip *clip, size_t t, const AVPacket *from, uint32_t duration_ticks)
{
        if (clip->packets[t] == clip->room[t]) {
                size_t room = clip->room[t] ? 2 * clip->room[t] : 1024;
                struct packet *grown = reallocarray(clip->packet[t], room, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                clip->packet[t] = grown;
                clip->room[t] = room;
        }
        uint8_t *bytes = malloc((size_t)from->size);
        if (!bytes)
                return -ENOMEM;
        memcpy(bytes, from->data, (size_t)from->size);
        clip->packet[t][clip->packets[t]++] = (struct packet){ .bytes = bytes,
                                                               .size_bytes = (uint32_t)from->size,
                                                               .duration_ticks = duration_ticks,
                                                               .key = from->flags & AV_PKT_FLAG_KEY };
        return 0;
}

static int read_packets(AVFormatContext *input, struct clip *clip)
{
        __attribute__((cleanup(free_packet))) AVPacket *packet = av_packet_alloc();
        int64_t last[CLIP_TRACKS] = { 0 };
        if (!packet)
                return -ENOMEM;
        while (av_read_frame(input, packet) >= 0) {
                const AVStream *stream = input->streams[packet->stream_index];
                size_t t = stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO;
                av_packet_rescale_ts(packet, stream->time_base, (AVRational){ 1, BC_TICKS_PER_S });
                if (packet->pts != packet->dts)
                        return -EINVAL;
                // A packet lasts until the next one of its track; only the last one's own word is taken.
                if (clip->packets[t] > 0)
                        clip->packet[t][clip->packets[t] - 1].duration_ticks = (uint32_t)(packet->pts - last[t]);
                last[t] = packet->pts;
                int r = append(clip, t, packet, (uint32_t)packet->duration);
                if (r < 0)
                        return r;
                av_packet_unref(packet);
        }
        return clip->packets[0] > 0 ? 0 : -EINVAL;
}

int clip_open(const char *path, struct clip *ret_clip)
{
        __attribute__((cleanup(clip_close))) struct clip clip = { .init = { .tracks = 1, .label.segment = 1 } };
        __attribute__((cleanup(close_input))) AVFormatContext *input = NULL;
        if (avformat_open_input(&input, path, NULL, NULL) < 0 || avformat_find_stream_info(input, NULL) < 0) {
                fprintf(stderr, "%s: cannot be read\n", path);
                return -EIO;
        }
        snprintf(clip.init.label.device, sizeof(clip.init.label.device), "trial");
        snprintf(clip.init.label.recording, sizeof(clip.init.label.recording), "trial-000001");
        int r = 0;
        for (unsigned i = 0; r == 0 && i < input->nb_streams; i++) {
                size_t t = input->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO;
                r = describe(&clip, t, input->streams[i]->codecpar);
                if (t == 1)
                        clip.init.tracks = 2;
        }
        if (r == 0)
                r = read_packets(input, &clip);
        if (r < 0) {
                fprintf(stderr, "%s: not H.264 without reordering and AAC\n", path);
                return r;
        }
        *ret_clip = clip;
        clip = (struct clip){ 0 };
        return 0;
}

bool clip_goes_on(const struct clip *clip, const size_t next[CLIP_TRACKS])
{
        for (size_t t = 0; t < CLIP_TRACKS; t++)
                if (next[t] < clip->packets[t])
                        return true;
        return false;
}

void clip_cut(const struct clip *clip, int64_t until_ticks, size_t next[CLIP_TRACKS], int64_t at[CLIP_TRACKS])
{
        for (size_t t = 0; t < CLIP_TRACKS; t++)
                for (; next[t] < clip->packets[t] && at[t] < until_ticks; next[t]++)
                        at[t] += clip->packet[t][next[t]].duration_ticks;
}
