// SPDX-License-Identifier: EUPL-1.2
#include "file/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ERRORS_MAX 100 // in a row without anything decoded, then the clip has ended here
#define STEP_BACK_MIN_NS BC_NS_PER_S
#define STEP_BACK_MAX_NS (64 * BC_NS_PER_S)
#define SAMPLES_MAX (1 << 18)

// How a file's first packet is known again.
struct first_packet {
        bool known;
        int64_t pts, dts;
        int size;
};

struct bc_clip_reader {
        const struct bc_clip_track *track;
        AVFormatContext *format; // NULL: the file could not be opened again
        AVCodecContext *codec;
        AVPacket *packet;
        AVFrame *frame;
        struct first_packet first;
        bool at_start;      // the next packet is the file's first one
        bool ahead;         // packet was read already
        bool cannot_rewind; // but must be opened again
        bool draining;      // no packets any more, the decoder gives out what it holds
        unsigned errors;    // in a row
};

BC_DEFINE_CLEANUP(reader, struct bc_clip_reader, bc_clip_reader_free)

static int open_codec(struct bc_clip_reader *reader, char *text, size_t text_bytes)
{
        const char *path = reader->track->path;
        const AVStream *stream = reader->format->streams[reader->track->stream];
        const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
        int r;

        if (!codec) {
                snprintf(text, text_bytes, "%s: no decoder for %s", path,
                         avcodec_get_name(stream->codecpar->codec_id));
                return -ENOTSUP;
        }
        reader->codec = avcodec_alloc_context3(codec);
        if (!reader->codec) {
                snprintf(text, text_bytes, "%s: no memory", path);
                return -ENOMEM;
        }
        r = avcodec_parameters_to_context(reader->codec, stream->codecpar);
        if (r >= 0) {
                reader->codec->pkt_timebase = stream->time_base;
                reader->codec->thread_count = 1;
                reader->codec->max_pixels = (int64_t)BC_PICTURE_SIDE_MAX_PX * BC_PICTURE_SIDE_MAX_PX;
                reader->codec->max_samples = SAMPLES_MAX;
                r = avcodec_open2(reader->codec, codec, NULL);
        }
        if (r < 0) {
                snprintf(text, text_bytes, "%s: the decoder %s does not open: %s", path, codec->name,
                         av_err2str(r));
                return bc_clip_errno(r);
        }
        return 0;
}

static int open_format(struct bc_clip_reader *reader, char *text, size_t text_bytes)
{
        unsigned wanted = (unsigned)reader->track->stream;
        int r;

        avformat_close_input(&reader->format);
        r = bc_clip_open(reader->track->path, text, text_bytes, &reader->format);
        if (r < 0)
                return r;
        if (wanted >= reader->format->nb_streams) {
                snprintf(text, text_bytes, "%s: has changed", reader->track->path);
                return -ESTALE;
        }
        for (unsigned i = 0; i < reader->format->nb_streams; i++)
                reader->format->streams[i]->discard = i == wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
        return 0;
}

int bc_clip_reader_new(const struct bc_clip_track *track, char *text, size_t text_bytes,
                       struct bc_clip_reader **ret_reader)
{
        BC_CLEANUP(bc_cleanup_reader) struct bc_clip_reader *reader = calloc(1, sizeof(*reader));
        int r;

        if (reader) {
                reader->packet = av_packet_alloc();
                reader->frame = av_frame_alloc();
        }
        if (!reader || !reader->packet || !reader->frame) {
                snprintf(text, text_bytes, "%s: no memory", track->path);
                return -ENOMEM;
        }
        reader->track = track;
        reader->at_start = true;
        r = open_format(reader, text, text_bytes);
        if (r < 0)
                return r;
        r = open_codec(reader, text, text_bytes);
        if (r < 0)
                return r;
        *ret_reader = BC_TAKE(reader);
        return 0;
}

void bc_clip_reader_free(struct bc_clip_reader *reader)
{
        if (!reader)
                return;
        av_frame_free(&reader->frame);
        av_packet_free(&reader->packet);
        avcodec_free_context(&reader->codec);
        avformat_close_input(&reader->format);
        free(reader);
}

// ---- moving about --------------------------------------------------------------------------------------------

static void restart_codec(struct bc_clip_reader *reader)
{
        avcodec_flush_buffers(reader->codec);
        av_packet_unref(reader->packet);
        reader->ahead = false;
        reader->draining = false;
        reader->errors = 0;
}

static int reopen(struct bc_clip_reader *reader)
{
        char text[1]; // what is wrong was said when it was opened first

        reader->at_start = true;
        return open_format(reader, text, sizeof(text));
}

int bc_clip_reader_rewind(struct bc_clip_reader *reader)
{
        int64_t stamp = reader->first.dts != AV_NOPTS_VALUE ? reader->first.dts : reader->first.pts;

        restart_codec(reader);
        if (reader->at_start && reader->format)
                return 0;
        if (!reader->first.known || stamp == AV_NOPTS_VALUE)
                reader->cannot_rewind = true;
        if (reader->cannot_rewind || !reader->format)
                return reopen(reader);
        if (av_seek_frame(reader->format, reader->track->stream, stamp, AVSEEK_FLAG_BACKWARD) < 0) {
                reader->cannot_rewind = true;
                return reopen(reader);
        }
        reader->at_start = true;
        return 0;
}

// Whether the packet read after a return to the start is the file's first one indeed.
static bool is_first(struct bc_clip_reader *reader)
{
        const AVPacket *packet = reader->packet;
        struct first_packet *first = &reader->first;

        if (!first->known) {
                *first = (struct first_packet){ true, packet->pts, packet->dts, packet->size };
                return true;
        }
        return first->pts == packet->pts && first->dts == packet->dts && first->size == packet->size;
}

// ---- decoding ------------------------------------------------------------------------------------------------

// The stream's next packet. 0; -ENODATA: no more; -EBADMSG: one could not be read.
static int read_packet(struct bc_clip_reader *reader)
{
        for (;;) {
                int r = reader->format ? av_read_frame(reader->format, reader->packet) : AVERROR_EOF;

                if (r < 0)
                        reader->at_start = false;
                if (r == AVERROR_EOF)
                        return -ENODATA;
                if (r < 0)
                        return ++reader->errors > ERRORS_MAX ? -ENODATA : -EBADMSG;
                if (reader->packet->stream_index == reader->track->stream)
                        break;
                av_packet_unref(reader->packet);
        }
        if (!reader->at_start)
                return 0;
        reader->at_start = false;
        if (is_first(reader))
                return 0;
        av_packet_unref(reader->packet);
        reader->cannot_rewind = true;
        if (reopen(reader) < 0)
                return -ENODATA;
        reader->first.known = false; // whatever comes from a fresh file is its first
        return read_packet(reader);
}

// Some demuxers arrive between key frames, or after the place: what then comes first cannot be decoded.
static bool arrives(struct bc_clip_reader *reader, int64_t from_ns, int64_t time_ns)
{
        AVRational time_base = reader->format->streams[reader->track->stream]->time_base;
        int64_t stamp = av_rescale_q(from_ns, (AVRational){ 1, (int)BC_NS_PER_S }, time_base);
        const AVPacket *packet = reader->packet;

        if (av_seek_frame(reader->format, reader->track->stream, stamp, AVSEEK_FLAG_BACKWARD) < 0)
                return false;
        restart_codec(reader);
        reader->at_start = false;
        if (read_packet(reader) < 0)
                return false;
        reader->ahead = true;
        stamp = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
        return packet->flags & AV_PKT_FLAG_KEY && stamp != AV_NOPTS_VALUE &&
               bc_clip_ns(stamp, time_base) <= time_ns;
}

int bc_clip_reader_seek(struct bc_clip_reader *reader, int64_t time_ns)
{
        int64_t from_ns = time_ns, back_ns = STEP_BACK_MIN_NS;

        // Decoding times alone mean other pictures after a seek than from the start.
        if (!reader->track->timed || reader->track->by_decoding || !reader->format)
                back_ns = INT64_MAX;
        while (from_ns > reader->track->start_ns && back_ns <= STEP_BACK_MAX_NS) {
                if (arrives(reader, from_ns, time_ns))
                        return 0;
                from_ns = time_ns - back_ns;
                back_ns *= 2;
        }
        reader->at_start = false;
        return bc_clip_reader_rewind(reader);
}

// Gives the decoder a packet, or the end. 0 or negative errno.
static int feed(struct bc_clip_reader *reader)
{
        int r;

        r = reader->ahead ? 0 : read_packet(reader);
        reader->ahead = false;
        if (r == -ENODATA) {
                reader->draining = true;
                return bc_clip_errno(avcodec_send_packet(reader->codec, NULL));
        }
        if (r < 0)
                return r;
        r = avcodec_send_packet(reader->codec, reader->packet);
        av_packet_unref(reader->packet);
        return r < 0 ? bc_clip_errno(r) : 0;
}

static bool is_broken(const AVFrame *frame)
{
        return frame->flags & AV_FRAME_FLAG_CORRUPT || frame->decode_error_flags != 0;
}

int bc_clip_reader_next(struct bc_clip_reader *reader, const AVFrame **ret_frame, uint32_t *ret_broken)
{
        uint32_t broken = 0;
        unsigned refused = 0; // since the decoder was fed last

        for (;;) {
                int r = avcodec_receive_frame(reader->codec, reader->frame);

                if (r >= 0) {
                        reader->errors = 0;
                        if (is_broken(reader->frame)) {
                                broken++;
                                continue;
                        }
                        *ret_frame = reader->frame;
                        *ret_broken = broken;
                        return 0;
                }
                if (r == AVERROR(ENOMEM))
                        return -ENOMEM;
                if (r != AVERROR(EAGAIN) && r != AVERROR_EOF) {
                        broken++;
                        if (++refused <= ERRORS_MAX)
                                continue;
                }
                if (r != AVERROR(EAGAIN) || reader->draining) {
                        *ret_broken = broken;
                        return -ENODATA;
                }
                refused = 0;
                if (feed(reader) < 0)
                        broken++;
        }
}

int64_t bc_clip_reader_ns(const struct bc_clip_reader *reader, const AVFrame *frame)
{
        return bc_clip_ns(frame->best_effort_timestamp, reader->codec->pkt_timebase);
}

const int32_t *bc_clip_reader_matrix(const struct bc_clip_reader *reader)
{
        const AVStream *stream = reader->format->streams[reader->track->stream];
        const uint8_t *bytes = NULL;
        size_t size = 0;

#if LIBAVFORMAT_VERSION_MAJOR >= 61
        const AVPacketSideData *data = av_packet_side_data_get(stream->codecpar->coded_side_data,
                                                               stream->codecpar->nb_coded_side_data,
                                                               AV_PKT_DATA_DISPLAYMATRIX);

        if (data) {
                bytes = data->data;
                size = data->size;
        }
#else
        bytes = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
        return size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)bytes : NULL;
}
