// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <libswresample/swresample.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "file/clip.h"
#include "file/file.h"
#include "file/reader.h"
#include "simulated/mic.h"

#define RATE_HZ 48000
#define PERIOD_SAMPLES 480
#define PERIOD_MIN_NS BC_NS_PER_MS
#define SEEK_SAMPLES (2 * RATE_HZ)  // what lies further ahead is sought, not decoded through
#define TOLERANCE_SAMPLES 480 // so far off the count of samples, a time stamp is right
#define SOURCE_RATE_MIN_HZ 4000
#define SOURCE_RATE_MAX_HZ 768000

// What the resampler was set up for.
struct wave {
        int rate_hz, format, channels;
};

struct film_sound {
        struct bc_clip clip;
        char *clip_path, *sound_path;
        struct bc_sample_clock clock;
        uint32_t channels;
        struct bc_clip_reader *reader;
        SwrContext *resampler; // NULL: none for any wave yet
        struct wave wave;
        bool warned;

        // The loop being heard: sample numbers of the device at which it begins and ends.
        int64_t loop_first, loop_end;

        // Decoded and not heard, at place `at` of the loop, in samples.
        int16_t *block;
        unsigned block_room; // bytes
        int64_t at, count;
        bool placed; // at + count is where the next block belongs, if its time stamp does not contradict
        bool ended;  // the clip has no more sound
};

static void free_sound(void *sound)
{
        struct film_sound *self = sound;

        bc_clip_reader_free(self->reader);
        swr_free(&self->resampler);
        av_freep(&self->block);
        free(self->clip_path);
        free(self->sound_path);
        free(self);
}

BC_DEFINE_CLEANUP(sound, struct film_sound, free_sound)

// ---- resampling ----------------------------------------------------------------------------------------------

static int set_up_resampler(struct film_sound *self, const AVFrame *piece)
{
        AVChannelLayout from = { 0 }, to = { 0 };
        int r;

        if (piece->sample_rate < SOURCE_RATE_MIN_HZ || piece->sample_rate > SOURCE_RATE_MAX_HZ)
                return -ERANGE;
        swr_free(&self->resampler);
        av_channel_layout_default(&to, (int)self->channels);
        if (piece->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
                av_channel_layout_default(&from, piece->ch_layout.nb_channels);
        else if (av_channel_layout_copy(&from, &piece->ch_layout) < 0)
                return -ENOMEM;
        r = swr_alloc_set_opts2(&self->resampler, &to, AV_SAMPLE_FMT_S16, RATE_HZ, &from,
                                (enum AVSampleFormat)piece->format, piece->sample_rate, 0, NULL);
        if (r >= 0)
                r = swr_init(self->resampler);
        av_channel_layout_uninit(&from);
        av_channel_layout_uninit(&to);
        if (r < 0) {
                swr_free(&self->resampler);
                return bc_clip_errno(r);
        }
        self->wave = (struct wave){ piece->sample_rate, piece->format, piece->ch_layout.nb_channels };
        return 0;
}

static bool is_same_wave(const struct film_sound *self, const AVFrame *piece)
{
        return self->resampler && self->wave.rate_hz == piece->sample_rate &&
               self->wave.format == piece->format && self->wave.channels == piece->ch_layout.nb_channels;
}

// Resamples a piece, or with NULL what the resampler still holds, into block. Number of samples or negative
// errno.
static int resample(struct film_sound *self, const AVFrame *piece)
{
        int in = piece ? piece->nb_samples : 0;
        int room = swr_get_out_samples(self->resampler, in);
        uint8_t *out;
        int r;

        if (room < 0)
                return bc_clip_errno(room);
        av_fast_malloc(&self->block, &self->block_room,
                       ((size_t)room + 1) * self->channels * sizeof(*self->block));
        if (!self->block)
                return -ENOMEM;
        out = (uint8_t *)self->block;
        r = swr_convert(self->resampler, &out, room, piece ? (const uint8_t **)piece->extended_data : NULL, in);
        return r < 0 ? bc_clip_errno(r) : r;
}

// ---- the clip's sound, by place in the loop ------------------------------------------------------------------

static void warn_once(struct film_sound *self)
{
        if (!self->warned)
                bc_log_warning("%s: sound that cannot be decoded, silence instead", self->clip.sound.path);
        self->warned = true;
}

// Where a piece belongs, less what the resampler holds back of the pieces before. INT64_MIN: it does not say.
static int64_t place_of(const struct film_sound *self, const AVFrame *piece)
{
        int64_t ns = bc_clip_reader_ns(self->reader, piece);

        if (ns == INT64_MIN)
                return INT64_MIN;
        // A clip spans 24 h at the most; what is further off is of no loop, and must not overflow.
        ns = av_clip64(ns - self->clip.sound.zero_ns, -BC_FILE_PERIOD_MAX_NS, BC_FILE_PERIOD_MAX_NS);
        return av_rescale(ns, RATE_HZ, BC_NS_PER_S) - swr_get_delay(self->resampler, RATE_HZ);
}

static void place_block(struct film_sound *self, int64_t place, int64_t count)
{
        int64_t follows = self->placed ? self->at + self->count : 0;

        if (place == INT64_MIN || (self->placed && llabs(place - follows) <= TOLERANCE_SAMPLES))
                place = follows;
        self->at = place;
        self->count = count;
        self->placed = true;
}

// Makes the clip's next piece the block. 0, or negative errno when no further sound can be had at all.
static int next_block(struct film_sound *self)
{
        const AVFrame *piece = NULL;
        uint32_t broken = 0;
        int64_t place = INT64_MIN;
        int r;

        r = bc_clip_reader_next(self->reader, &piece, &broken);
        if (broken > 0)
                warn_once(self);
        if (r < 0 && r != -ENODATA)
                return r;
        if (r == -ENODATA) {
                self->ended = true;
                if (!self->resampler)
                        return 0;
        } else {
                if (!is_same_wave(self, piece) && set_up_resampler(self, piece) < 0) {
                        warn_once(self);
                        return 0; // this piece is silence; the next one may be better
                }
                place = place_of(self, piece);
        }
        r = resample(self, piece);
        if (r < 0)
                return r;
        place_block(self, place, r);
        return 0;
}

// Fills in samples from a place of the loop on; places never go back within a loop.
static int fill_in(struct film_sound *self, int64_t place, size_t count, int16_t *samples)
{
        while (count > 0) {
                int64_t end = self->at + self->count, ready;
                size_t bytes;
                int r;

                if (place >= end && !self->ended) {
                        r = next_block(self);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (place >= end)
                        ready = (int64_t)count;
                else if (place < self->at)
                        ready = self->at - place;
                else
                        ready = end - place;
                if (ready > (int64_t)count)
                        ready = (int64_t)count;
                bytes = (size_t)ready * self->channels * sizeof(*samples);
                if (place >= self->at && place < end)
                        memcpy(samples, self->block + (size_t)(place - self->at) * self->channels, bytes);
                else
                        memset(samples, 0, bytes);
                samples += (size_t)ready * self->channels;
                place += ready;
                count -= (size_t)ready;
        }
        return 0;
}

// ---- loops ---------------------------------------------------------------------------------------------------

static int64_t loop_first(const struct film_sound *self, int64_t loop)
{
        return bc_sample_clock_at(&self->clock, self->clock.origin_ns + loop * self->clip.period_ns);
}

static int move_to(struct film_sound *self, int64_t place)
{
        self->at = place;
        self->count = 0;
        self->placed = self->ended = false;
        if (self->resampler && swr_init(self->resampler) < 0)
                swr_free(&self->resampler); // set up anew by the next piece
        if (place < SEEK_SAMPLES)
                return bc_clip_reader_rewind(self->reader);
        return bc_clip_reader_seek(self->reader,
                                   self->clip.sound.zero_ns + av_rescale(place, BC_NS_PER_S, RATE_HZ));
}

// Enters the loop to which a sample of the device belongs.
static int enter_loop(struct film_sound *self, int64_t sample)
{
        int64_t since_ns = bc_sample_clock_time_ns(&self->clock, sample) - self->clock.origin_ns;
        int64_t loop = since_ns / self->clip.period_ns;

        // A loop rarely begins on a sample: the first one after its beginning belongs to it.
        while (loop > 0 && loop_first(self, loop) > sample)
                loop--;
        while (loop_first(self, loop + 1) <= sample)
                loop++;
        self->loop_first = loop_first(self, loop);
        self->loop_end = loop_first(self, loop + 1);
        return move_to(self, sample - self->loop_first);
}

static int hear(void *sound, int64_t first, size_t count, int16_t *samples)
{
        struct film_sound *self = sound;

        while (count > 0) {
                size_t part = count;
                int64_t place;
                int r = 0;

                if (first < self->loop_first || first >= self->loop_end)
                        r = enter_loop(self, first);
                place = first - self->loop_first;
                if (r >= 0 && !self->ended && place - (self->at + self->count) > SEEK_SAMPLES)
                        r = move_to(self, place);
                if (r < 0)
                        return r;
                if ((int64_t)part > self->loop_end - first)
                        part = (size_t)(self->loop_end - first);
                r = fill_in(self, place, part, samples);
                if (r < 0)
                        return r;
                samples += part * self->channels;
                first += (int64_t)part;
                count -= part;
        }
        return 0;
}

static const struct bc_sound_ops sound_ops = { .hear = hear, .free = free_sound };

// ---- opening -------------------------------------------------------------------------------------------------

// The first piece that can be decoded shows that the sound can be heard.
static int prove(struct film_sound *self, char *text, size_t text_bytes)
{
        const char *path = self->clip.sound.path;
        const AVFrame *piece = NULL;
        uint32_t broken = 0;
        int r;

        r = bc_clip_reader_next(self->reader, &piece, &broken);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: no sound of it can be decoded", path);
                return r == -ENODATA ? -EBADMSG : r;
        }
        self->channels = piece->ch_layout.nb_channels == 1 ? 1 : 2;
        r = set_up_resampler(self, piece);
        if (r < 0)
                snprintf(text, text_bytes, "%s: sound of %d channels at %d Hz cannot be resampled: %s", path,
                         piece->ch_layout.nb_channels, piece->sample_rate, strerror(-r));
        return r;
}

static int load(struct film_sound *self, const struct bc_file_config *config, char *text, size_t text_bytes)
{
        struct bc_file_config own = *config;
        int r;

        self->clip_path = strdup(config->clip_path);
        self->sound_path = config->sound_path ? strdup(config->sound_path) : NULL;
        if (!self->clip_path || (config->sound_path && !self->sound_path)) {
                snprintf(text, text_bytes, "%s: no memory", config->clip_path);
                return -ENOMEM;
        }
        own.clip_path = self->clip_path;
        own.sound_path = self->sound_path;
        self->clock = (struct bc_sample_clock){ .origin_ns = config->origin_ns, .rate_hz = RATE_HZ };
        r = bc_clip_scan(&own, text, text_bytes, &self->clip);
        if (r < 0)
                return r;
        if (self->clip.sound.stream < 0) {
                snprintf(text, text_bytes, "%s: holds no sound", self->clip.sound.path);
                return -ENODATA;
        }
        if (self->clip.period_ns < PERIOD_MIN_NS) {
                snprintf(text, text_bytes, "%s: its sound has no length", self->clip.sound.path);
                return -ENODATA;
        }
        r = bc_clip_reader_new(&self->clip.sound, text, text_bytes, &self->reader);
        return r < 0 ? r : prove(self, text, text_bytes);
}

int bc_file_mic_open(struct bc_clock *clock, const struct bc_file_config *config, char *text,
                     size_t text_bytes, struct bc_mic **ret_mic)
{
        BC_CLEANUP(bc_cleanup_sound) struct film_sound *self = calloc(1, sizeof(*self));
        struct bc_simulated_mic_config mic = {
                .info = {
                        .driver = "file",
                        .simulated = true,
                        .rate_hz = RATE_HZ,
                        .period_samples = PERIOD_SAMPLES,
                },
        };
        int r;

        if (!self) {
                snprintf(text, text_bytes, "%s: no memory", config->clip_path);
                return -ENOMEM;
        }
        r = load(self, config, text, text_bytes);
        if (r < 0)
                return r;
        mic.info.channels = self->channels;
        mic.sample_clock = self->clock;
        r = bc_simulated_mic_new(clock, &mic, &sound_ops, self, ret_mic);
        if (r < 0) {
                snprintf(text, text_bytes, "%s: %s", self->clip.sound.path, strerror(-r));
                return r;
        }
        self = NULL;
        return 0;
}

void bc_file_mic_set_fault(struct bc_mic *mic, enum bc_fault fault)
{
        bc_simulated_mic_set_fault(mic, fault);
}
