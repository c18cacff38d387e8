// SPDX-License-Identifier: EUPL-1.2
#include "file/clip.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/intreadwrite.h>

#include "base/cleanup.h"

#define HOUR_NS (3600 * BC_NS_PER_S)
#define STAMP_MAX_NS (INT64_C(1) << 61)
#define PACKETS_MAX (1u << 24)   // 24 h of 120 fps with sound
#define ERRORS_MAX 100           // in a row, then the rest of the file counts as missing
#define INTERVAL_DEFAULT_NS (40 * BC_NS_PER_MS)

// What is seen of a stream's packets while the file is read.
struct notes {
        const AVStream *stream;
        uint64_t packets;
        bool by_decoding;
        // By presentation times, or by decoding times for want of them; INT64_MIN: none. last_ns and end_ns
        // are of the packet that is shown last; they are equal when it does not say how long.
        int64_t first_ns, last_ns, end_ns;
        int64_t summed_ns; // durations
        bool out_of_range;
};

static void close_format(AVFormatContext **format)
{
        avformat_close_input(format);
}

static void free_packet(AVPacket **packet)
{
        av_packet_free(packet);
}

int bc_clip_errno(int averror)
{
        switch (averror) {
        case AVERROR_EOF:
                return -ENODATA;
        case AVERROR_INVALIDDATA:
                return -EBADMSG;
        case AVERROR_DECODER_NOT_FOUND:
        case AVERROR_DEMUXER_NOT_FOUND:
        case AVERROR_PATCHWELCOME:
                return -ENOTSUP;
        default:
                return averror > -4096 ? averror : -EIO;
        }
}

int64_t bc_clip_ns(int64_t stamp, AVRational time_base)
{
        int64_t ns;

        if (stamp == AV_NOPTS_VALUE)
                return INT64_MIN;
        ns = av_rescale_q(stamp, time_base, (AVRational){ 1, (int)BC_NS_PER_S });
        return ns >= -STAMP_MAX_NS && ns <= STAMP_MAX_NS ? ns : INT64_MIN;
}

// Only a regular file ends and can be read again.
static int check_path(const char *path, char *text, size_t text_bytes)
{
        struct stat about;

        if (stat(path, &about) < 0) {
                int r = -errno;

                snprintf(text, text_bytes, "%s: %s", path, strerror(-r));
                return r;
        }
        if (!S_ISREG(about.st_mode)) {
                snprintf(text, text_bytes, "%s: not a regular file", path);
                return -EINVAL;
        }
        if (access(path, R_OK) < 0) {
                int r = -errno;

                snprintf(text, text_bytes, "%s: %s", path, strerror(-r));
                return r;
        }
        return 0;
}

int bc_clip_open(const char *path, char *text, size_t text_bytes, AVFormatContext **ret_format)
{
        BC_CLEANUP(close_format) AVFormatContext *format = NULL;
        BC_CLEANUP(bc_cleanup_memory) char *url = NULL;
        AVDictionary *options = NULL;
        int r;

        r = check_path(path, text, text_bytes);
        if (r < 0)
                return r;
        // A name with a colon is no protocol, and a playlist must not lead onto the network.
        if (asprintf(&url, "file:%s", path) < 0) {
                url = NULL;
                snprintf(text, text_bytes, "%s: no memory", path);
                return -ENOMEM;
        }
        av_dict_set(&options, "protocol_whitelist", "file", 0);
        r = avformat_open_input(&format, url, NULL, &options);
        av_dict_free(&options);
        if (r >= 0)
                r = avformat_find_stream_info(format, NULL);
        if (r == AVERROR_EOF)
                snprintf(text, text_bytes, "%s: holds neither picture nor sound", path);
        else if (r < 0)
                snprintf(text, text_bytes, "%s: cannot be read as a clip: %s", path, av_err2str(r));
        if (r < 0)
                return bc_clip_errno(r);
        *ret_format = BC_TAKE(format);
        return 0;
}

// ---- streams -------------------------------------------------------------------------------------------------

// The first stream of a type, a default one before others; no cover pictures. -1: none.
static int choose(const AVFormatContext *format, enum AVMediaType type)
{
        int chosen = -1;

        for (unsigned i = 0; i < format->nb_streams; i++) {
                const AVStream *stream = format->streams[i];

                if (stream->codecpar->codec_type != type ||
                    stream->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS))
                        continue;
                if (stream->disposition & AV_DISPOSITION_DEFAULT)
                        return (int)i;
                if (chosen < 0)
                        chosen = (int)i;
        }
        return chosen;
}

// Samples at the start and at the end of a packet that are not to be heard (priming and padding), in ns.
static void trimmed(const AVPacket *packet, const AVStream *stream, int64_t *ret_start_ns,
                    int64_t *ret_end_ns)
{
        size_t bytes = 0;
        const uint8_t *skip = av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, &bytes);
        AVRational sample = { 1, stream->codecpar->sample_rate };

        *ret_start_ns = *ret_end_ns = 0;
        if (!skip || bytes < 8 || stream->codecpar->sample_rate <= 0)
                return;
        *ret_start_ns = av_rescale_q(AV_RL32(skip), sample, (AVRational){ 1, (int)BC_NS_PER_S });
        *ret_end_ns = av_rescale_q(AV_RL32(skip + 4), sample, (AVRational){ 1, (int)BC_NS_PER_S });
}

// Notes a packet's place in time. Rounded once: sums of rounded times would leave the frame's grid.
static void note_place(struct notes *notes, int64_t stamp, int64_t duration, int64_t skipped_ns,
                       int64_t padded_ns)
{
        AVRational time_base = notes->stream->time_base;
        int64_t end, start_ns, end_ns;

        if (__builtin_add_overflow(stamp, duration, &end)) {
                notes->out_of_range = true;
                return;
        }
        start_ns = bc_clip_ns(stamp, time_base);
        end_ns = bc_clip_ns(end, time_base);
        if (start_ns == INT64_MIN || end_ns == INT64_MIN) {
                notes->out_of_range = true;
                return;
        }
        start_ns += skipped_ns;
        end_ns -= padded_ns;
        if (notes->first_ns == INT64_MIN || start_ns < notes->first_ns)
                notes->first_ns = start_ns;
        if (notes->last_ns == INT64_MIN || start_ns >= notes->last_ns) {
                notes->last_ns = start_ns;
                notes->end_ns = end_ns > start_ns ? end_ns : start_ns;
        }
}

static void note(struct notes *notes, const AVPacket *packet)
{
        int64_t duration = packet->duration > 0 ? packet->duration : 0, duration_ns, skipped_ns, padded_ns;

        if (packet->flags & AV_PKT_FLAG_DISCARD)
                return; // cut away by the file's edit list
        notes->packets++;
        trimmed(packet, notes->stream, &skipped_ns, &padded_ns);
        duration_ns = bc_clip_ns(duration, notes->stream->time_base);
        if (duration_ns < 0 || duration_ns > BC_FILE_PERIOD_MAX_NS || notes->summed_ns > STAMP_MAX_NS) {
                notes->out_of_range = true;
                return;
        }
        notes->summed_ns += duration_ns;
        if (packet->pts == AV_NOPTS_VALUE)
                notes->by_decoding = true;
        if (packet->pts != AV_NOPTS_VALUE || packet->dts != AV_NOPTS_VALUE)
                note_place(notes, packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts, duration,
                           skipped_ns, padded_ns);
}

// Reads every packet. Damage in the middle is no reason to refuse the clip.
static int read_all(AVFormatContext *format, struct notes notes[], unsigned count)
{
        BC_CLEANUP(free_packet) AVPacket *packet = av_packet_alloc();
        unsigned errors = 0;

        if (!packet)
                return -ENOMEM;
        for (unsigned packets = 0; errors < ERRORS_MAX; packets++) {
                int r = av_read_frame(format, packet);

                if (r == AVERROR_EOF)
                        break;
                if (packets == PACKETS_MAX)
                        return -EFBIG;
                if (r < 0) {
                        errors++;
                        continue;
                }
                errors = 0;
                for (unsigned i = 0; i < count; i++)
                        if (notes[i].stream && notes[i].stream->index == packet->stream_index)
                                note(&notes[i], packet);
                av_packet_unref(packet);
        }
        return 0;
}

// The average of what is there; a container's claim only where there are no time stamps.
static int64_t interval_of(const AVStream *stream, const struct notes *notes)
{
        AVRational rate = stream->avg_frame_rate.num > 0 && stream->avg_frame_rate.den > 0
                                  ? stream->avg_frame_rate
                                  : stream->r_frame_rate;
        int64_t ns = INTERVAL_DEFAULT_NS;

        if (notes->packets > 1 && notes->first_ns != INT64_MIN && notes->last_ns > notes->first_ns) {
                int64_t steps = (int64_t)(notes->packets - 1);

                ns = (notes->last_ns - notes->first_ns + steps / 2) / steps;
        } else if (notes->packets > 1 && notes->summed_ns > 0) {
                ns = notes->summed_ns / (int64_t)notes->packets;
        } else if (rate.num > 0 && rate.den > 0) {
                ns = av_rescale(BC_NS_PER_S, rate.den, rate.num);
        }
        return av_clip64(ns, BC_CLIP_INTERVAL_MIN_NS, BC_CLIP_INTERVAL_MAX_NS);
}

static int conclude(const struct notes *notes, struct bc_clip_track *track, char *text, size_t text_bytes)
{
        bool is_picture = notes->stream && notes->stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;

        if (!notes->stream || notes->packets == 0)
                return 0; // as if the stream were not there
        track->stream = notes->stream->index;
        track->interval_ns = is_picture ? interval_of(notes->stream, notes) : 0;
        track->timed = notes->first_ns != INT64_MIN;
        track->by_decoding = track->timed && notes->by_decoding;
        track->start_ns = track->timed ? notes->first_ns : 0;
        if (track->timed)
                track->end_ns = notes->end_ns > notes->last_ns ? notes->end_ns
                                                               : notes->last_ns + track->interval_ns;
        else if (is_picture)
                track->end_ns = (int64_t)notes->packets * track->interval_ns;
        else
                track->end_ns = notes->summed_ns;
        if (notes->out_of_range) {
                snprintf(text, text_bytes, "%s: time stamps out of range", track->path);
                return -ERANGE;
        }
        return 0;
}

static int scan_file(const char *path, struct bc_clip_track *picture, struct bc_clip_track *sound, char *text,
                     size_t text_bytes)
{
        BC_CLEANUP(close_format) AVFormatContext *format = NULL;
        struct bc_clip_track *tracks[2] = { picture, sound };
        const enum AVMediaType types[2] = { AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO };
        struct notes notes[2] = { 0 };
        int r;

        r = bc_clip_open(path, text, text_bytes, &format);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < format->nb_streams; i++)
                format->streams[i]->discard = AVDISCARD_ALL;
        for (unsigned i = 0; i < 2; i++) {
                int stream = tracks[i] ? choose(format, types[i]) : -1;

                notes[i].first_ns = notes[i].last_ns = INT64_MIN;
                if (stream < 0)
                        continue;
                notes[i].stream = format->streams[stream];
                format->streams[stream]->discard = AVDISCARD_DEFAULT;
        }
        r = read_all(format, notes, 2);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: %s", path, r == -EFBIG ? "too many packets" : strerror(-r));
                return r;
        }
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                if (tracks[i])
                        r = conclude(&notes[i], tracks[i], text, text_bytes);
        return r;
}

int bc_clip_scan(const struct bc_file_config *config, char *text, size_t text_bytes, struct bc_clip *ret_clip)
{
        const char *sound_path = config->sound_path ? config->sound_path : config->clip_path;
        struct bc_clip clip = {
                .picture = { .path = config->clip_path, .stream = -1 },
                .sound = { .path = sound_path, .stream = -1 },
        };
        struct bc_clip_track *picture = &clip.picture, *sound = &clip.sound;
        int r;

        r = scan_file(config->clip_path, picture, config->sound_path ? NULL : sound, text, text_bytes);
        if (r >= 0 && config->sound_path)
                r = scan_file(config->sound_path, NULL, sound, text, text_bytes);
        if (r < 0)
                return r;
        picture->zero_ns = picture->start_ns;
        sound->zero_ns = sound->start_ns;
        // Of one file, whatever comes first is the beginning of both.
        if (!config->sound_path && picture->stream >= 0 && sound->stream >= 0)
                picture->zero_ns = sound->zero_ns =
                        picture->start_ns < sound->start_ns ? picture->start_ns : sound->start_ns;
        if (picture->stream >= 0)
                clip.period_ns = picture->end_ns - picture->zero_ns;
        if (sound->stream >= 0 && sound->end_ns - sound->zero_ns > clip.period_ns)
                clip.period_ns = sound->end_ns - sound->zero_ns;
        if (clip.period_ns > BC_FILE_PERIOD_MAX_NS) {
                snprintf(text, text_bytes, "%s: time stamps span %" PRId64 " h, must be at most %" PRId64,
                         config->clip_path, clip.period_ns / HOUR_NS, BC_FILE_PERIOD_MAX_NS / HOUR_NS);
                return -ERANGE;
        }
        *ret_clip = clip;
        return 0;
}
