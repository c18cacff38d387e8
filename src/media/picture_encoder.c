// SPDX-License-Identifier: EUPL-1.2
#include "media/picture_encoder.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/buffer.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bodycam/time.h"
#include "media/av.h"
#include "media/avc.h"

#define SLOTS 4    // frames FFmpeg may hold at once
#define PENDING 64 // pictures an encoder may have inside

// One AVFrame that points into a camera frame. Its buffer reference has no memory of its own: it is there to be
// counted, so that the camera frame goes back exactly when FFmpeg holds no reference any more.
struct slot {
        AVFrame *picture;
        struct bc_frame *lent;
};

struct pending {
        int64_t ticks;
        struct bc_picture_order order;
};

struct bc_picture_encoder {
        struct bc_picture_stream stream;
        AVCodecContext *context;
        AVPacket *packet;
        struct slot slot[SLOTS];
        struct pending pending[PENDING];
        unsigned pending_first, pending_count;
        int64_t newest_ticks;
        bool key_owed; // a key frame was asked for and did not come
        AVBufferPool *coded; // what the encoder writes into
        size_t coded_room;
        uint8_t *unit;
        size_t unit_room;
};

static void free_context(AVCodecContext *context)
{
        avcodec_free_context(&context);
}

static void free_picture(AVFrame *picture)
{
        av_frame_free(&picture);
}

static void free_packet(AVPacket *packet)
{
        av_packet_free(&packet);
}

BC_DEFINE_CLEANUP(picture_encoder, struct bc_picture_encoder, bc_picture_encoder_free)
BC_DEFINE_CLEANUP(context, AVCodecContext, free_context)
BC_DEFINE_CLEANUP(picture, AVFrame, free_picture)
BC_DEFINE_CLEANUP(packet, AVPacket, free_packet)

// ---- opening -------------------------------------------------------------------------------------------------

static enum AVPixelFormat av_format(enum bc_pixel_format format)
{
        return format == BC_PIXEL_NV12 ? AV_PIX_FMT_NV12 : AV_PIX_FMT_YUV420P;
}

int bc_picture_encoder_check_size(uint32_t width_px, uint32_t height_px, char *text, size_t text_bytes)
{
        if (width_px < BC_PICTURE_SIDE_MIN_PX || height_px < BC_PICTURE_SIDE_MIN_PX ||
            width_px > BC_PICTURE_SIDE_MAX_PX || height_px > BC_PICTURE_SIDE_MAX_PX) {
                snprintf(text, text_bytes, "picture size %ux%u: each side is %d to %d pixels", width_px,
                         height_px, BC_PICTURE_SIDE_MIN_PX, BC_PICTURE_SIDE_MAX_PX);
                return -ERANGE;
        }
        if (width_px % 2 || height_px % 2) {
                snprintf(text, text_bytes, "picture size %ux%u: both sides must be even", width_px,
                         height_px);
                return -ERANGE;
        }
        return 0;
}

int bc_picture_encoder_check_name(const char *encoder, char *text, size_t text_bytes)
{
        const AVCodec *codec = avcodec_find_encoder_by_name(encoder);

        if (!codec) {
                snprintf(text, text_bytes,
                         "encoder \"%s\": this FFmpeg has none of that name; allowed: an H.264 encoder of FFmpeg, as "
                         "libx264", encoder);
                return -ENOENT;
        }
        if (codec->id != AV_CODEC_ID_H264) {
                snprintf(text, text_bytes,
                         "encoder \"%s\" makes no H.264; allowed: an H.264 encoder of FFmpeg, as libx264", encoder);
                return -EINVAL;
        }
        return 0;
}

int bc_picture_encoder_check_preset(const char *encoder, const char *preset, char *text, size_t text_bytes)
{
        static const char *const names[] = { "ultrafast", "superfast", "veryfast", "faster",   "fast",
                                             "medium",    "slow",      "slower",   "veryslow", "placebo" };

        if (strcmp(encoder, "libx264") != 0)
                return 0;
        for (size_t i = 0; preset && i < sizeof(names) / sizeof(names[0]); i++)
                if (strcmp(names[i], preset) == 0)
                        return 0;
        snprintf(text, text_bytes,
                 "preset \"%s\": libx264 has none of that name; allowed: ultrafast, superfast, veryfast, faster, fast, "
                 "medium, slow, slower, veryslow, placebo", preset ? preset : "");
        return -EINVAL;
}

static int set_options(const struct bc_picture_encoder_config *config, AVDictionary **options)
{
        int r;

        if (strcmp(config->encoder, "libx264") != 0)
                return 0;
        // zerolatency: no lookahead, a picture goes out before the next one comes in. Key frames come when asked
        // for, and only then.
        r = av_dict_set(options, "preset", config->preset, 0);
        if (r >= 0)
                r = av_dict_set(options, "tune", "zerolatency", 0);
        if (r >= 0)
                r = av_dict_set(options, "forced-idr", "1", 0);
        if (r >= 0)
                r = av_dict_set(options, "sc_threshold", "0", 0);
        return r;
}

static void configure(AVCodecContext *context, const struct bc_picture_encoder_config *config)
{
        int64_t gop = config->gop_ns / config->interval_ns;

        context->log_level_offset = BC_AV_LOG_OFFSET;
        context->width = (int)config->width_px;
        context->height = (int)config->height_px;
        context->pix_fmt = av_format(config->format);
        context->time_base = (AVRational){ 1, BC_TICKS_PER_S };
        av_reduce(&context->framerate.num, &context->framerate.den, BC_NS_PER_S, config->interval_ns,
                  1000000);
        context->bit_rate = config->bit_rate_bps;
        context->rc_max_rate = config->bit_rate_bps;
        context->rc_buffer_size = (int)config->bit_rate_bps; // one second
        context->max_b_frames = 0;
        context->gop_size = gop < 1 ? 10 : gop > 100000 ? 1000000 : (int)gop * 10;
        context->thread_count = (int)config->threads;
        context->thread_type = FF_THREAD_SLICE;
        context->flags = (int)((unsigned)context->flags | AV_CODEC_FLAG_GLOBAL_HEADER |
                               AV_CODEC_FLAG_CLOSED_GOP);
}

static int open_context(const struct bc_picture_encoder_config *config, char *text, size_t text_bytes,
                        AVCodecContext **ret_context)
{
        const AVCodec *codec = avcodec_find_encoder_by_name(config->encoder);
        BC_CLEANUP(bc_cleanup_context) AVCodecContext *context = NULL;
        AVDictionary *options = NULL;
        int r;

        r = bc_picture_encoder_check_name(config->encoder, text, text_bytes);
        if (r == 0)
                r = bc_picture_encoder_check_preset(config->encoder, config->preset, text, text_bytes);
        if (r < 0)
                return r;
        context = avcodec_alloc_context3(codec);
        if (!context)
                return -ENOMEM;
        configure(context, config);
        r = set_options(config, &options);
        if (r >= 0)
                r = avcodec_open2(context, codec, &options);
        if (r >= 0 && av_dict_count(options) > 0)
                r = AVERROR_OPTION_NOT_FOUND;
        av_dict_free(&options);
        if (r < 0) {
                snprintf(text, text_bytes, "encoder \"%s\" cannot be opened for %ux%u at %u bit/s: %s",
                         config->encoder, config->width_px, config->height_px, config->bit_rate_bps,
                         av_err2str(r));
                return bc_errno_from_av(r);
        }
        *ret_context = BC_TAKE(context);
        return 0;
}

// ---- parameter sets ------------------------------------------------------------------------------------------

// An encoder that tells its parameter sets only in front of a key frame is asked for one, in an instance of its own.
static int probe_config(const struct bc_picture_encoder_config *config, char *text, size_t text_bytes,
                        struct bc_picture_stream *stream)
{
        BC_CLEANUP(bc_cleanup_context) AVCodecContext *context = NULL;
        BC_CLEANUP(bc_cleanup_picture) AVFrame *grey = av_frame_alloc();
        BC_CLEANUP(bc_cleanup_packet) AVPacket *packet = av_packet_alloc();
        int r = open_context(config, text, text_bytes, &context);

        if (r < 0)
                return r;
        if (!grey || !packet)
                return -ENOMEM;
        grey->format = context->pix_fmt;
        grey->width = context->width;
        grey->height = context->height;
        grey->pts = 0;
        r = av_frame_get_buffer(grey, 0);
        if (r < 0)
                return bc_errno_from_av(r);
        for (int i = 0; i < BC_FRAME_PLANES_MAX && grey->data[i]; i++)
                memset(grey->data[i], 128, (size_t)grey->linesize[i] * (config->height_px / (i ? 2 : 1)));
        r = avcodec_send_frame(context, grey);
        if (r >= 0)
                r = avcodec_send_frame(context, NULL);
        if (r >= 0)
                r = avcodec_receive_packet(context, packet);
        if (r < 0)
                return bc_errno_from_av(r);
        return bc_avc_config_make(packet->data, (size_t)packet->size, stream->config, sizeof(stream->config),
                                  &stream->config_bytes);
}

static int find_config(struct bc_picture_encoder *encoder, const struct bc_picture_encoder_config *config,
                       char *text, size_t text_bytes)
{
        const AVCodecContext *context = encoder->context;
        struct bc_picture_stream *stream = &encoder->stream;

        if (context->extradata_size > 0)
                return bc_avc_config_make(context->extradata, (size_t)context->extradata_size, stream->config,
                                          sizeof(stream->config), &stream->config_bytes);
        return probe_config(config, text, text_bytes, stream);
}

// ---- making --------------------------------------------------------------------------------------------------

static void keep_planes(void *user, uint8_t *data)
{
        // The planes are the camera's.
        (void)user;
        (void)data;
}

static int init_slot(struct bc_picture_encoder *encoder, struct slot *slot,
                     const struct bc_picture_encoder_config *config)
{
        slot->picture = av_frame_alloc();
        if (!slot->picture)
                return -ENOMEM;
        slot->picture->format = av_format(config->format);
        slot->picture->width = (int)config->width_px;
        slot->picture->height = (int)config->height_px;
        slot->picture->buf[0] = av_buffer_create((uint8_t *)&encoder->stream, 1, keep_planes, NULL, 0);
        return slot->picture->buf[0] ? 0 : -ENOMEM;
}

// A packet's bytes come out of the pool, so that tens of kilobytes are not allocated and freed with each frame; from
// libavcodec when they are more than an encoder that keeps its VBV makes.
static int lend_coded(AVCodecContext *context, AVPacket *packet, int flags)
{
        struct bc_picture_encoder *encoder = context->opaque;
        size_t size = (size_t)packet->size;

        if (size > encoder->coded_room)
                return avcodec_default_get_encode_buffer(context, packet, flags);
        packet->buf = av_buffer_pool_get(encoder->coded);
        if (!packet->buf)
                return AVERROR(ENOMEM);
        packet->data = packet->buf->data;
        memset(packet->data + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
        return 0;
}

static int check_config(const struct bc_picture_encoder_config *config, char *text, size_t text_bytes)
{
        int r = bc_picture_encoder_check_size(config->width_px, config->height_px, text, text_bytes);

        if (r < 0)
                return r;
        if (config->interval_ns < 1 || config->gop_ns < 1 || config->threads < 1 || config->threads > 64 ||
            config->bit_rate_bps < 1000 || config->bit_rate_bps > INT32_MAX) {
                snprintf(text, text_bytes, "encoder settings out of range");
                return -ERANGE;
        }
        return 0;
}

int bc_picture_encoder_new(const struct bc_picture_encoder_config *config, char *text, size_t text_bytes,
                           struct bc_picture_encoder **ret_encoder)
{
        BC_CLEANUP(bc_cleanup_picture_encoder) struct bc_picture_encoder *encoder = NULL;
        int r = check_config(config, text, text_bytes);

        if (r < 0)
                return r;
        snprintf(text, text_bytes, "encoder \"%s\": out of memory", config->encoder);
        encoder = calloc(1, sizeof(*encoder));
        if (!encoder)
                return -ENOMEM;
        encoder->newest_ticks = -1;
        encoder->stream.width_px = config->width_px;
        encoder->stream.height_px = config->height_px;
        encoder->stream.interval_ns = config->interval_ns;
        for (int i = 0; i < SLOTS; i++) {
                r = init_slot(encoder, &encoder->slot[i], config);
                if (r < 0)
                        return r;
        }
        encoder->packet = av_packet_alloc();
        // Room for every unit of an encoder that keeps its VBV; reserve() and lend_coded() see to the others.
        encoder->coded_room = config->bit_rate_bps / 8 + 4096;
        encoder->coded = av_buffer_pool_init(encoder->coded_room + AV_INPUT_BUFFER_PADDING_SIZE, NULL);
        encoder->unit_room = bc_avc_unit_room(encoder->coded_room);
        encoder->unit = malloc(encoder->unit_room);
        if (!encoder->packet || !encoder->coded || !encoder->unit)
                return -ENOMEM;
        r = open_context(config, text, text_bytes, &encoder->context);
        if (r < 0)
                return r;
        encoder->context->opaque = encoder;
        encoder->context->get_encode_buffer = lend_coded;
        snprintf(text, text_bytes, "encoder \"%s\" tells no parameter sets that can be stored",
                 config->encoder);
        r = find_config(encoder, config, text, text_bytes);
        if (r < 0)
                return r;
        if (text_bytes > 0)
                text[0] = '\0';
        *ret_encoder = BC_TAKE(encoder);
        return 0;
}

static void give_back(struct slot *slot)
{
        bc_frame_release(slot->lent);
        slot->lent = NULL;
}

void bc_picture_encoder_free(struct bc_picture_encoder *encoder)
{
        if (!encoder)
                return;
        // First the context: what it still holds refers to the planes.
        avcodec_free_context(&encoder->context);
        for (int i = 0; i < SLOTS; i++) {
                give_back(&encoder->slot[i]);
                av_frame_free(&encoder->slot[i].picture);
        }
        av_packet_free(&encoder->packet);
        av_buffer_pool_uninit(&encoder->coded);
        free(encoder->unit);
        free(encoder);
}

const struct bc_picture_stream *bc_picture_encoder_stream(const struct bc_picture_encoder *encoder)
{
        return &encoder->stream;
}

void bc_picture_encoder_aim(struct bc_picture_encoder *encoder, uint32_t bit_rate_bps)
{
        encoder->context->bit_rate = bit_rate_bps;
        encoder->context->rc_max_rate = bit_rate_bps;
}

// ---- encoding ------------------------------------------------------------------------------------------------

// Gives back the frames FFmpeg is done with. A free slot, or NULL.
static struct slot *find_slot(struct bc_picture_encoder *encoder)
{
        struct slot *found = NULL;

        for (int i = 0; i < SLOTS; i++) {
                struct slot *slot = &encoder->slot[i];

                if (av_buffer_get_ref_count(slot->picture->buf[0]) > 1)
                        continue;
                give_back(slot);
                found = slot;
        }
        return found;
}

static bool fits(const struct bc_picture_encoder *encoder, const struct bc_frame *frame)
{
        const AVFrame *picture = encoder->slot[0].picture;

        return (int)frame->width_px == picture->width && (int)frame->height_px == picture->height &&
               av_format(frame->format) == (enum AVPixelFormat)picture->format;
}

static void point(AVFrame *picture, const struct bc_frame *frame)
{
        int planes = frame->format == BC_PIXEL_NV12 ? 2 : 3;

        for (int i = 0; i < planes; i++) {
                picture->data[i] = frame->plane[i];
                picture->linesize[i] = (int)frame->stride_bytes[i];
        }
}

static int send(struct bc_picture_encoder *encoder, struct bc_frame *frame,
                const struct bc_picture_order *order)
{
        int64_t ticks = bc_ticks_from_ns(frame->time_ns);
        struct slot *slot = find_slot(encoder);
        bool key = order->key || encoder->key_owed;
        int r;

        if (ticks <= encoder->newest_ticks || !fits(encoder, frame)) {
                bc_frame_release(frame);
                return -EINVAL;
        }
        if (!slot || encoder->pending_count == PENDING) {
                bc_frame_release(frame);
                return -ENOBUFS;
        }
        slot->lent = frame;
        point(slot->picture, frame);
        slot->picture->pts = ticks;
        slot->picture->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
        r = avcodec_send_frame(encoder->context, slot->picture);
        if (r < 0)
                return bc_errno_from_av(r);
        encoder->newest_ticks = ticks;
        encoder->key_owed = false;
        encoder->pending[(encoder->pending_first + encoder->pending_count++) % PENDING] = (struct pending){
                .ticks = ticks,
                .order = { .key = key, .flags = order->flags, .lost = order->lost },
        };
        return 0;
}

int bc_picture_encoder_send(struct bc_picture_encoder *encoder, struct bc_frame *frame,
                            const struct bc_picture_order *order)
{
        int r = send(encoder, frame, order);

        find_slot(encoder);
        return r;
}

int bc_picture_encoder_finish(struct bc_picture_encoder *encoder)
{
        int r = avcodec_send_frame(encoder->context, NULL);

        return r == AVERROR_EOF ? 0 : bc_errno_from_av(r);
}

static int reserve(struct bc_picture_encoder *encoder, size_t room)
{
        uint8_t *larger;

        if (room <= encoder->unit_room)
                return 0;
        larger = realloc(encoder->unit, room);
        if (!larger)
                return -ENOMEM;
        encoder->unit = larger;
        encoder->unit_room = room;
        return 0;
}

// Into encoder->unit. Pictures come out as they went in, or not at all.
static int convert(struct bc_picture_encoder *encoder, struct bc_unit *ret_unit)
{
        const AVPacket *packet = encoder->packet;
        const struct pending *pending = &encoder->pending[encoder->pending_first];
        size_t size;
        bool key;
        int r;

        if (encoder->pending_count == 0 || packet->pts != pending->ticks ||
            (packet->dts != AV_NOPTS_VALUE && packet->dts != packet->pts) || packet->size <= 0)
                return -EPROTO;
        r = reserve(encoder, bc_avc_unit_room((size_t)packet->size));
        if (r < 0)
                return r;
        r = bc_avc_unit_make(encoder->stream.config, encoder->stream.config_bytes, packet->data,
                             (size_t)packet->size, encoder->unit, encoder->unit_room, &size, &key);
        if (r < 0)
                return r;
        encoder->pending_first = (encoder->pending_first + 1) % PENDING;
        encoder->pending_count--;
        if (pending->order.key && !key)
                encoder->key_owed = true;
        *ret_unit = (struct bc_unit){
                .time_ns = bc_ns_from_ticks(pending->ticks),
                .size_bytes = (uint32_t)size,
                .flags = (uint16_t)(pending->order.flags | (key ? BC_UNIT_KEY : 0)),
                .lost = pending->order.lost,
        };
        return 0;
}

int bc_picture_encoder_receive(struct bc_picture_encoder *encoder, struct bc_unit *ret_unit,
                               const uint8_t **ret_bytes)
{
        int r = avcodec_receive_packet(encoder->context, encoder->packet);

        if (r == AVERROR_EOF)
                return -ENODATA;
        if (r < 0)
                return bc_errno_from_av(r);
        r = convert(encoder, ret_unit);
        av_packet_unref(encoder->packet);
        if (r < 0)
                return r;
        *ret_bytes = encoder->unit;
        return 0;
}
