// SPDX-License-Identifier: EUPL-1.2
#include "lavf.h"

#include <errno.h>
#include <string.h>

#include <libavformat/avformat.h>

struct lavf {
        AVFormatContext *output;
        AVPacket *packet;
};

static void lavf_done(struct lavf *lavf)
{
        if (lavf->output)
                avio_closep(&lavf->output->pb);
        avformat_free_context(lavf->output);
        av_packet_free(&lavf->packet);
}

static int open_output(struct lavf *lavf, const struct clip *clip, enum lavf_way way, const char *path)
{
        static const char *const movflags[] = {
                [LAVF_EMPTY_MOOV] = "frag_custom+empty_moov+default_base_moof+skip_trailer",
                [LAVF_EMPTY_MOOV_EDITS] = "frag_custom+empty_moov+default_base_moof+skip_trailer",
                [LAVF_DELAY_MOOV] = "frag_custom+empty_moov+delay_moov+default_base_moof+skip_trailer",
        };
        AVDictionary *options = NULL;
        if (avformat_alloc_output_context2(&lavf->output, NULL, "mp4", path) < 0)
                return -ENOMEM;
        for (size_t t = 0; t < clip->init.tracks; t++) {
                AVStream *stream = avformat_new_stream(lavf->output, NULL);
                if (!stream || avcodec_parameters_copy(stream->codecpar, clip->codec[t]) < 0)
                        return -ENOMEM;
                stream->codecpar->codec_tag = 0;
                stream->time_base = (AVRational){ 1, BC_TICKS_PER_S };
        }
        int r = avio_open(&lavf->output->pb, path, AVIO_FLAG_WRITE);
        av_dict_set(&options, "movflags", movflags[way], 0);
        av_dict_set(&options, "video_track_timescale", "48000", 0);
        if (way == LAVF_EMPTY_MOOV_EDITS) {
                av_dict_set(&options, "use_editlist", "1", 0);
                av_dict_set(&options, "avoid_negative_ts", "disabled", 0);
        }
        if (r >= 0)
                r = avformat_write_header(lavf->output, &options);
        av_dict_free(&options);
        return r < 0 ? -EIO : 0;
}

static int put(struct lavf *lavf, const struct clip *clip, size_t t, size_t i, int64_t at)
{
        const struct packet *p = &clip->packet[t][i];
        AVPacket *packet = lavf->packet;
        if (av_new_packet(packet, (int)p->size_bytes) < 0)
                return -ENOMEM;
        memcpy(packet->data, p->bytes, p->size_bytes);
        packet->stream_index = (int)t;
        packet->pts = packet->dts = at;
        packet->duration = p->duration_ticks;
        packet->flags = p->key ? AV_PKT_FLAG_KEY : 0;
        av_packet_rescale_ts(packet, (AVRational){ 1, BC_TICKS_PER_S }, lavf->output->streams[t]->time_base);
        int r = av_write_frame(lavf->output, packet);
        av_packet_unref(packet);
        return r < 0 ? -EIO : 0;
}

int lavf_write(const struct clip *clip, enum lavf_way way, int64_t fragment_ticks, const char *path)
{
        __attribute__((cleanup(lavf_done))) struct lavf lavf = { .packet = av_packet_alloc() };
        size_t next[CLIP_TRACKS] = { 0 };
        int64_t at[CLIP_TRACKS] = { clip->init.track[0].start_ticks, clip->init.track[1].start_ticks };
        int r = lavf.packet ? open_output(&lavf, clip, way, path) : -ENOMEM;
        for (int64_t until = fragment_ticks; r == 0 && clip_goes_on(clip, next); until += fragment_ticks) {
                size_t to[CLIP_TRACKS] = { next[0], next[1] };
                int64_t end[CLIP_TRACKS] = { at[0], at[1] };
                clip_cut(clip, until, to, end);
                if (to[0] == next[0] && to[1] == next[1])
                        continue;
                while (r == 0 && (next[0] < to[0] || next[1] < to[1])) {
                        size_t t = next[0] == to[0] || (next[1] < to[1] && at[1] < at[0]);
                        r = put(&lavf, clip, t, next[t], at[t]);
                        at[t] += clip->packet[t][next[t]++].duration_ticks;
                }
                if (r == 0 && av_write_frame(lavf.output, NULL) < 0)
                        r = -EIO;
        }
        if (r == 0 && av_write_trailer(lavf.output) < 0)
                r = -EIO;
        return r;
}
