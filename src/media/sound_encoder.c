// SPDX-License-Identifier: EUPL-1.2
#include "media/sound_encoder.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bodycam/time.h"
#include "media/av.h"

#define PENDING 8 // blocks the coder may have inside; FFmpeg's has 3

struct bc_sound_encoder {
        struct bc_sound_stream stream;
        AVCodecContext *context;
        AVFrame *block;
        AVPacket *packet;
        int64_t first, next; // blocks: first and one after the last that went in; next -1: none yet
        int64_t out;         // the block whose unit comes next
        uint16_t flags[PENDING];
};

BC_DEFINE_CLEANUP(sound_encoder, struct bc_sound_encoder, bc_sound_encoder_free)

static int open_context(struct bc_sound_encoder *encoder)
{
        const AVCodec *codec = avcodec_find_encoder_by_name("aac");
        AVCodecContext *context;
        int r;

        if (!codec)
                return -ENOENT;
        encoder->context = context = avcodec_alloc_context3(codec);
        if (!context)
                return -ENOMEM;
        context->log_level_offset = BC_AV_LOG_OFFSET;
        context->sample_fmt = AV_SAMPLE_FMT_FLTP;
        context->sample_rate = BC_SOUND_RATE_HZ;
        av_channel_layout_default(&context->ch_layout, (int)encoder->stream.channels);
        context->bit_rate = encoder->stream.bit_rate_bps;
        context->time_base = (AVRational){ 1, BC_SOUND_RATE_HZ };
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        r = avcodec_open2(context, codec, NULL);
        if (r < 0)
                return bc_errno_from_av(r);
        // What the times given out rest on.
        if (context->frame_size != BC_SOUND_UNIT_SAMPLES ||
            context->initial_padding != BC_SOUND_UNIT_SAMPLES || context->extradata_size <= 0 ||
            context->extradata_size > BC_STREAM_CONFIG_BYTES_MAX)
                return -EPROTO;
        memcpy(encoder->stream.config, context->extradata, (size_t)context->extradata_size);
        encoder->stream.config_bytes = (size_t)context->extradata_size;
        return 0;
}

static int make_block(struct bc_sound_encoder *encoder)
{
        AVFrame *block = encoder->block = av_frame_alloc();

        if (!block)
                return -ENOMEM;
        block->format = AV_SAMPLE_FMT_FLTP;
        block->sample_rate = BC_SOUND_RATE_HZ;
        block->nb_samples = BC_SOUND_UNIT_SAMPLES;
        av_channel_layout_default(&block->ch_layout, (int)encoder->stream.channels);
        return bc_errno_from_av(av_frame_get_buffer(block, 0));
}

int bc_sound_encoder_new(uint32_t channels, uint32_t bit_rate_bps, struct bc_sound_encoder **ret_encoder)
{
        BC_CLEANUP(bc_cleanup_sound_encoder) struct bc_sound_encoder *encoder = NULL;
        int r;

        if (channels < 1 || channels > BC_SOUND_CHANNELS_MAX || bit_rate_bps < BC_SOUND_BIT_RATE_MIN_BPS ||
            bit_rate_bps > channels * BC_SOUND_BIT_RATE_MAX_BPS)
                return -EINVAL;
        encoder = calloc(1, sizeof(*encoder));
        if (!encoder)
                return -ENOMEM;
        encoder->stream.channels = channels;
        encoder->stream.bit_rate_bps = bit_rate_bps;
        encoder->next = -1;
        r = open_context(encoder);
        if (r == 0)
                r = make_block(encoder);
        if (r < 0)
                return r;
        encoder->packet = av_packet_alloc();
        if (!encoder->packet)
                return -ENOMEM;
        *ret_encoder = BC_TAKE(encoder);
        return 0;
}

void bc_sound_encoder_free(struct bc_sound_encoder *encoder)
{
        if (!encoder)
                return;
        avcodec_free_context(&encoder->context);
        av_frame_free(&encoder->block);
        av_packet_free(&encoder->packet);
        free(encoder);
}

const struct bc_sound_stream *bc_sound_encoder_stream(const struct bc_sound_encoder *encoder)
{
        return &encoder->stream;
}

int bc_sound_encoder_send(struct bc_sound_encoder *encoder, int64_t block, const float *const *plane,
                          uint16_t flags)
{
        AVFrame *frame = encoder->block;
        int r;

        if (block < 0 || (encoder->next >= 0 && block != encoder->next))
                return -EINVAL;
        if (encoder->next >= 0 && block - encoder->out >= PENDING)
                return -EPROTO;
        // Still the coder's only when it keeps input, which FFmpeg's does not: then this copies nothing.
        r = av_frame_make_writable(frame);
        if (r < 0)
                return bc_errno_from_av(r);
        for (uint32_t i = 0; i < encoder->stream.channels; i++)
                memcpy(frame->data[i], plane[i], BC_SOUND_UNIT_SAMPLES * sizeof(float));
        frame->pts = block * BC_SOUND_UNIT_SAMPLES;
        r = avcodec_send_frame(encoder->context, frame);
        if (r < 0)
                return bc_errno_from_av(r);
        if (encoder->next < 0)
                encoder->first = encoder->out = block;
        encoder->next = block + 1;
        encoder->flags[block % PENDING] = flags;
        return 0;
}

int bc_sound_encoder_finish(struct bc_sound_encoder *encoder)
{
        int r = avcodec_send_frame(encoder->context, NULL);

        return r == AVERROR_EOF ? 0 : bc_errno_from_av(r);
}

static int receive(struct bc_sound_encoder *encoder)
{
        int r;

        do
                r = avcodec_receive_packet(encoder->context, encoder->packet);
        while (r >= 0 && encoder->packet->pts < encoder->first * BC_SOUND_UNIT_SAMPLES); // the priming unit
        return r == AVERROR_EOF ? -ENODATA : bc_errno_from_av(r);
}

int bc_sound_encoder_receive(struct bc_sound_encoder *encoder, struct bc_unit *ret_unit,
                             const uint8_t **ret_bytes)
{
        int r = receive(encoder);

        if (r < 0)
                return r;
        if (encoder->packet->pts != encoder->out * BC_SOUND_UNIT_SAMPLES || encoder->out >= encoder->next ||
            encoder->packet->size <= 0)
                return -EPROTO;
        *ret_unit = (struct bc_unit){
                .time_ns = bc_ns_from_ticks(encoder->out * BC_SOUND_UNIT_SAMPLES),
                .size_bytes = (uint32_t)encoder->packet->size,
                .flags = (uint16_t)(encoder->flags[encoder->out % PENDING] | BC_UNIT_KEY),
        };
        encoder->out++;
        *ret_bytes = encoder->packet->data;
        return 0;
}
