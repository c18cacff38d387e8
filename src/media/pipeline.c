// SPDX-License-Identifier: EUPL-1.2
#include "media/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "media/audio.h"
#include "media/caption.h"
#include "media/gpmf.h"
#include "media/picture_encoder.h"
#include "media/rate.h"
#include "media/slate.h"
#include "media/sound_encoder.h"
#include "media/video.h"

#define GOP_MIN_NS (100 * BC_NS_PER_MS)
#define GOP_MAX_NS (10 * BC_NS_PER_S)

#define TRIAL_FRAMES 8

struct bc_pipeline {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_video *video;
        struct bc_audio *audio; // NULL: no microphone
        struct bc_stream stream;
        bool running, ran_before;
};

BC_DEFINE_CLEANUP(pipeline, struct bc_pipeline, bc_pipeline_free)
BC_DEFINE_CLEANUP(picture_encoder, struct bc_picture_encoder, bc_picture_encoder_free)
BC_DEFINE_CLEANUP(sound_encoder, struct bc_sound_encoder, bc_sound_encoder_free)
BC_DEFINE_CLEANUP(slate, struct bc_slate, bc_slate_free)

// ---- check ---------------------------------------------------------------------------------------------------

// Encodes a few pictures as the pipeline would: an encoder that opens may still reorder, or make no key frames on
// demand.
static int try_encoder(struct bc_picture_encoder *encoder, struct bc_slate *slate, int64_t interval_ns)
{
        struct bc_unit unit;
        const uint8_t *bytes;
        unsigned got = 0;
        int r = 0;

        for (int i = 0; r == 0; i++) {
                const struct bc_picture_order order = { .key = i % (TRIAL_FRAMES / 2) == 0 };

                if (i < TRIAL_FRAMES)
                        r = bc_picture_encoder_send(encoder, bc_slate_frame(slate, i * interval_ns), &order);
                else
                        r = bc_picture_encoder_finish(encoder);
                while (r == 0) {
                        r = bc_picture_encoder_receive(encoder, &unit, &bytes);
                        if (r == 0 && !(unit.flags & BC_UNIT_KEY) != (got++ % (TRIAL_FRAMES / 2) != 0))
                                return -EPROTO;
                }
                if (r == -EAGAIN)
                        r = 0;
        }
        if (r != -ENODATA)
                return r;
        return got == TRIAL_FRAMES ? 0 : -EPROTO;
}

static int check_encoder(const struct bc_pipeline_config *config, const struct bc_pipeline_camera *camera, char *text,
                         size_t text_bytes)
{
        const struct bc_picture_encoder_config encoder_config = {
                .encoder = config->encoder,
                .preset = config->preset,
                .threads = config->threads,
                .bit_rate_bps = config->bit_rate_bps,
                .width_px = camera->width_px,
                .height_px = camera->height_px,
                .interval_ns = 1000 * BC_NS_PER_S / camera->rate_mhz,
                .gop_ns = config->gop_ns,
                .format = BC_PIXEL_I420,
        };
        BC_CLEANUP(bc_cleanup_picture_encoder) struct bc_picture_encoder *encoder = NULL;
        BC_CLEANUP(bc_cleanup_slate) struct bc_slate *slate = NULL;
        int r = bc_picture_encoder_new(&encoder_config, text, text_bytes, &encoder);

        if (r < 0)
                return r;
        r = bc_slate_new(camera->width_px, camera->height_px, BC_PIXEL_I420, &slate);
        if (r == 0)
                r = try_encoder(encoder, slate, encoder_config.interval_ns);
        if (r == -EPROTO)
                snprintf(text, text_bytes,
                         "encoder \"%s\" reorders pictures or makes no key frame when asked to",
                         config->encoder);
        else if (r < 0)
                snprintf(text, text_bytes, "encoder \"%s\" fails at the first pictures of %ux%u: %s",
                         config->encoder, camera->width_px, camera->height_px, strerror(-r));
        return r;
}

static int check_picture(const struct bc_pipeline_camera *camera, char *text, size_t text_bytes)
{
        // One above: frames are whole ns apart, and the pace is rounded up.
        if (camera->rate_mhz < BC_PIPELINE_RATE_MIN_MHZ || camera->rate_mhz > BC_PIPELINE_RATE_MAX_MHZ + 1) {
                snprintf(text, text_bytes, "frame rate %u.%03u; allowed: %u to %u", camera->rate_mhz / 1000,
                         camera->rate_mhz % 1000, BC_PIPELINE_RATE_MIN_MHZ / 1000, BC_PIPELINE_RATE_MAX_MHZ / 1000);
                return -ERANGE;
        }
        return bc_picture_encoder_check_size(camera->width_px, camera->height_px, text, text_bytes);
}

static int check_times(const struct bc_pipeline_config *config, char *text, size_t text_bytes)
{
        if (config->gop_ns < GOP_MIN_NS || config->gop_ns > GOP_MAX_NS) {
                snprintf(text, text_bytes, "key frame distance: from 0.1 to 10 s");
                return -ERANGE;
        }
        if (config->slate_after_ns < GOP_MIN_NS || config->slate_after_ns > GOP_MAX_NS) {
                snprintf(text, text_bytes, "time without frames until the slate: from 0.1 to 10 s");
                return -ERANGE;
        }
        return 0;
}

static int check_bit_rate(const struct bc_pipeline_config *config, const struct bc_pipeline_camera *camera, char *text,
                          size_t text_bytes)
{
        uint64_t least_bps = bc_rate_least_bps(camera->width_px, camera->height_px, camera->rate_mhz);
        int used;

        if (config->bit_rate_bps >= least_bps && config->bit_rate_bps <= BC_PIPELINE_BIT_RATE_MAX_BPS)
                return 0;
        used = snprintf(text, text_bytes, "%ux%u at %u.%03u pictures per second needs at least %llu bit/s",
                        camera->width_px, camera->height_px, camera->rate_mhz / 1000, camera->rate_mhz % 1000,
                        (unsigned long long)least_bps);
        if (used > 0 && (size_t)used < text_bytes)
                snprintf(text + used, text_bytes - (size_t)used, "; allowed: at most %u", BC_PIPELINE_BIT_RATE_MAX_BPS);
        return -ERANGE;
}

static int check_sound(const struct bc_pipeline_config *config, uint32_t channels, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_sound_encoder) struct bc_sound_encoder *encoder = NULL;
        int r = bc_sound_encoder_new(channels, config->sound_bit_rate_bps, &encoder);

        if (r == -EINVAL)
                snprintf(text, text_bytes, "with %u channel%s allowed: %u to %u bit/s", channels,
                         channels == 1 ? "" : "s", BC_SOUND_BIT_RATE_MIN_BPS, channels * BC_SOUND_BIT_RATE_MAX_BPS);
        else if (r < 0)
                snprintf(text, text_bytes, "sound encoder: %s", strerror(-r));
        return r;
}

int bc_pipeline_check(const struct bc_pipeline_config *config, const struct bc_pipeline_camera *camera,
                      uint32_t channels, char *text, size_t text_bytes, enum bc_pipeline_culprit *ret_culprit)
{
        enum bc_pipeline_culprit culprit = BC_PIPELINE_BAD_OTHER;
        int r = check_times(config, text, text_bytes);

        if (r == 0) {
                culprit = BC_PIPELINE_BAD_PICTURE;
                r = check_picture(camera, text, text_bytes);
        }
        if (r == 0) {
                culprit = BC_PIPELINE_BAD_ENCODER;
                r = bc_picture_encoder_check_name(config->encoder, text, text_bytes);
        }
        if (r == 0) {
                culprit = BC_PIPELINE_BAD_PRESET;
                r = bc_picture_encoder_check_preset(config->encoder, config->preset, text, text_bytes);
        }
        // A bit rate is too low for a size; opening an encoder that is refused anyway would only cost time.
        if (r == 0) {
                culprit = BC_PIPELINE_BAD_BIT_RATE;
                r = check_bit_rate(config, camera, text, text_bytes);
        }
        if (r == 0) {
                culprit = BC_PIPELINE_BROKEN_ENCODER;
                r = check_encoder(config, camera, text, text_bytes);
        }
        if (r == 0 && channels > 0) {
                culprit = BC_PIPELINE_BAD_SOUND_BIT_RATE;
                r = check_sound(config, channels, text, text_bytes);
        }
        if (r < 0)
                *ret_culprit = culprit;
        return r;
}

// ---- the ring's size -----------------------------------------------------------------------------------------

void bc_pipeline_ring_config(const struct bc_pipeline_config *config, bool sound, int64_t pre_event_ns,
                             int64_t stall_ns, int64_t fragment_ns, uint32_t rate_mhz,
                             struct bc_ring_config *ret_config)
{
        // A GOP ends with the first frame at or after its time, which may be a slate.
        const int64_t gop_ns = config->gop_ns +
                               bc_video_patience_ns(config->slate_after_ns, 1000 * BC_NS_PER_S / rate_mhz);
        const int64_t span_ns = pre_event_ns + stall_ns + 2 * gop_ns + fragment_ns;
        // Sound that starts after the oldest key frame is held, and the lanes are not in step by up to a second.
        const int64_t sound_units = ((span_ns + BC_NS_PER_S) / BC_NS_PER_MS * BC_SOUND_RATE_HZ / 1000 +
                                     BC_SOUND_UNIT_SAMPLES - 1) /
                                    BC_SOUND_UNIT_SAMPLES;

        *ret_config = (struct bc_ring_config){
                .pre_event_ns = pre_event_ns,
                .pre_event_sound = true,
        };
        // Once more the level at the end: a unit lies in one piece, so up to a unit less one byte stays unused.
        ret_config->lane_bytes[BC_LANE_PICTURE] = (size_t)bc_rate_bytes(config->bit_rate_bps,
                                                                        span_ns + 2 * BC_RATE_LEVEL_MAX_NS);
        ret_config->lane_units[BC_LANE_PICTURE] = (size_t)bc_rate_units(rate_mhz, span_ns);
        // Each picture may come with news.
        if (config->telemetry.text) {
                ret_config->lane_units[BC_LANE_TEXT] = ret_config->lane_units[BC_LANE_PICTURE];
                ret_config->lane_bytes[BC_LANE_TEXT] = (ret_config->lane_units[BC_LANE_TEXT] + 1) * BC_CAPTION_BYTES_MAX;
        }
        if (config->telemetry.position) {
                ret_config->lane_units[BC_LANE_POSITION] = ret_config->lane_units[BC_LANE_PICTURE];
                ret_config->lane_bytes[BC_LANE_POSITION] = (ret_config->lane_units[BC_LANE_POSITION] + 1) * BC_GPMF_BYTES_MAX;
        }
        if (!sound)
                return;
        ret_config->lane_units[BC_LANE_SOUND] = (size_t)sound_units;
        ret_config->lane_bytes[BC_LANE_SOUND] = ((size_t)sound_units + 1) * BC_SOUND_CHANNELS_MAX *
                                                BC_SOUND_UNIT_BYTES_MAX;
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

int bc_pipeline_new(const struct bc_pipeline_parts *parts, const struct bc_pipeline_config *config,
                    const struct bc_pipeline_sink *sink, struct bc_pipeline **ret_pipeline)
{
        BC_CLEANUP(bc_cleanup_pipeline) struct bc_pipeline *pipeline = calloc(1, sizeof(*pipeline));
        int r;

        if (!pipeline)
                return -ENOMEM;
        pipeline->clock = parts->clock;
        pipeline->ring = parts->ring;
        r = bc_video_new(parts, config, sink, &pipeline->video);
        if (r < 0)
                return r;
        pipeline->stream.picture = *bc_video_stream(pipeline->video);
        pipeline->stream.telemetry = config->telemetry;
        if (parts->mic) {
                r = bc_audio_new(parts->clock, parts->ring, parts->mic, config->sound_bit_rate_bps, sink, &pipeline->audio);
                if (r < 0)
                        return r;
                pipeline->stream.sound = *bc_audio_stream(pipeline->audio);
        }
        *ret_pipeline = BC_TAKE(pipeline);
        return 0;
}

void bc_pipeline_free(struct bc_pipeline *pipeline)
{
        if (!pipeline)
                return;
        bc_pipeline_stop(pipeline);
        bc_video_free(pipeline->video);
        bc_audio_free(pipeline->audio);
        free(pipeline);
}

int bc_pipeline_start(struct bc_pipeline *pipeline)
{
        int64_t start_ns = bc_clock_now_ns(pipeline->clock);
        int r;

        if (pipeline->running)
                return -EALREADY;
        if (pipeline->ran_before)
                bc_ring_restart(pipeline->ring);
        pipeline->ran_before = true;
        r = bc_video_start(pipeline->video, start_ns);
        if (r == 0 && pipeline->audio) {
                r = bc_audio_start(pipeline->audio, start_ns);
                if (r < 0)
                        bc_video_stop(pipeline->video);
        }
        if (r < 0) {
                // Whoever waits for this stream learns that none comes.
                for (enum bc_lane lane = 0; lane < BC_LANE_COUNT; lane++)
                        bc_ring_end(pipeline->ring, lane, start_ns);
                return r;
        }
        pipeline->running = true;
        return 0;
}

bool bc_pipeline_lacks_camera(const struct bc_pipeline *pipeline)
{
        return pipeline->running && bc_video_lacks_camera(pipeline->video);
}

void bc_pipeline_retry_camera(struct bc_pipeline *pipeline)
{
        if (pipeline->running)
                bc_video_retry_camera(pipeline->video);
}

void bc_pipeline_stop(struct bc_pipeline *pipeline)
{
        if (!pipeline->running)
                return;
        pipeline->running = false;
        if (pipeline->audio)
                bc_audio_stop(pipeline->audio);
        bc_video_stop(pipeline->video);
}

int64_t bc_pipeline_set_muted(struct bc_pipeline *pipeline, bool muted, int64_t time_ns)
{
        return pipeline->audio ? bc_audio_set_muted(pipeline->audio, muted, time_ns) : time_ns;
}

const struct bc_stream *bc_pipeline_stream(const struct bc_pipeline *pipeline)
{
        return &pipeline->stream;
}

void bc_pipeline_counters(struct bc_pipeline *pipeline, struct bc_pipeline_counters *ret_counters)
{
        struct bc_pipeline_counters counters = { 0 };

        bc_video_counters(pipeline->video, &counters);
        if (pipeline->audio)
                bc_audio_counters(pipeline->audio, &counters);
        *ret_counters = counters;
}
