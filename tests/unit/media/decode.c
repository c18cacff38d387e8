// SPDX-License-Identifier: EUPL-1.2
#include "decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static void open_decoder(struct decoder *decoder, enum AVCodecID id, const uint8_t *config,
                         size_t config_bytes)
{
        decoder->context = avcodec_alloc_context3(avcodec_find_decoder(id));
        decoder->packet = av_packet_alloc();
        decoder->frame = av_frame_alloc();
        assert_non_null(decoder->context);
        assert_non_null(decoder->packet);
        assert_non_null(decoder->frame);
        decoder->context->log_level_offset = 16;
        decoder->context->flags = AV_CODEC_FLAG_LOW_DELAY;
        decoder->context->thread_count = 1;
        decoder->context->err_recognition = AV_EF_EXPLODE;
        decoder->context->extradata = av_mallocz(config_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
        assert_non_null(decoder->context->extradata);
        memcpy(decoder->context->extradata, config, config_bytes);
        decoder->context->extradata_size = (int)config_bytes;
        assert_int_equal(avcodec_open2(decoder->context, NULL, NULL), 0);
}

void decoder_open_picture(struct decoder *decoder, const struct bc_picture_stream *stream)
{
        open_decoder(decoder, AV_CODEC_ID_H264, stream->config, stream->config_bytes);
}

void decoder_open_sound(struct decoder *decoder, const struct bc_sound_stream *stream)
{
        open_decoder(decoder, AV_CODEC_ID_AAC, stream->config, stream->config_bytes);
}

void decoder_close(struct decoder *decoder)
{
        avcodec_free_context(&decoder->context);
        av_packet_free(&decoder->packet);
        av_frame_free(&decoder->frame);
}

void decode(struct decoder *decoder, const struct bc_unit *unit, const uint8_t *bytes)
{
        assert_int_equal(av_new_packet(decoder->packet, (int)unit->size_bytes), 0);
        memcpy(decoder->packet->data, bytes, unit->size_bytes);
        decoder->packet->pts = decoder->packet->dts = bc_ticks_from_ns(unit->time_ns);
        assert_int_equal(avcodec_send_packet(decoder->context, decoder->packet), 0);
        av_packet_unref(decoder->packet);
        assert_int_equal(avcodec_receive_frame(decoder->context, decoder->frame), 0);
}

void assert_length_prefixed(const uint8_t *bytes, size_t size)
{
        size_t at = 0;

        assert_true(size > 4);
        while (at < size) {
                size_t length;
                unsigned type;

                assert_true(size - at > 4);
                length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 |
                         bytes[at + 3];
                at += 4;
                assert_true(length > 0 && length <= size - at);
                type = bytes[at] & 0x1f;
                assert_true(type == 1 || type == 5 || type == 6); // slices and SEI
                at += length;
        }
}

int psnr_centibel(const struct bc_frame *frame, const AVFrame *decoded)
{
        uint64_t sum = 0;
        double mean;

        assert_int_equal(decoded->width, frame->width_px);
        assert_int_equal(decoded->height, frame->height_px);
        for (uint32_t y = 0; y < frame->height_px; y++)
                for (uint32_t x = 0; x < frame->width_px; x++) {
                        int a = frame->plane[0][(size_t)y * frame->stride_bytes[0] + x];
                        int b = decoded->data[0][(ptrdiff_t)y * decoded->linesize[0] + (ptrdiff_t)x];

                        sum += (uint64_t)((a - b) * (a - b));
                }
        mean = (double)sum / ((double)frame->width_px * frame->height_px);
        return mean > 0 ? (int)(1000 * log10(255.0 * 255.0 / mean)) : 10000;
}
