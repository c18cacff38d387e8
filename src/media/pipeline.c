// SPDX-License-Identifier: EUPL-1.2
#include "media/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "media/audio.h"
#include "media/picture_encoder.h"
#include "media/rate.h"
#include "media/slate.h"
#include "media/sound_encoder.h"
#include "media/video.h"

#define RATE_MIN_MHZ 1000 // 1 frame per second
#define RATE_MAX_MHZ 240000
#define BIT_RATE_MAX_BPS 200000000
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

static int check_picture(const struct bc_pipeline_config *config, uint32_t width_px, uint32_t height_px,
                         uint32_t rate_mhz, char *text, size_t text_bytes)
{
        const struct bc_picture_encoder_config encoder_config = {
                .encoder = config->encoder,
                .preset = config->preset,
                .threads = config->threads,
                .bit_rate_bps = config->bit_rate_bps,
                .width_px = width_px,
                .height_px = height_px,
                .interval_ns = 1000 * BC_NS_PER_S / rate_mhz,
                .gop_ns = config->gop_ns,
                .format = BC_PIXEL_I420,
        };
        BC_CLEANUP(bc_cleanup_picture_encoder) struct bc_picture_encoder *encoder = NULL;
        BC_CLEANUP(bc_cleanup_slate) struct bc_slate *slate = NULL;
        int r = bc_picture_encoder_new(&encoder_config, text, text_bytes, &encoder);

        if (r < 0)
                return r;
        r = bc_slate_new(width_px, height_px, BC_PIXEL_I420, &slate);
        if (r == 0)
                r = try_encoder(encoder, slate, encoder_config.interval_ns);
        if (r == -EPROTO)
                snprintf(text, text_bytes,
                         "encoder \"%s\" reorders pictures or makes no key frame when asked to",
                         config->encoder);
        else if (r < 0)
                snprintf(text, text_bytes, "encoder \"%s\" fails at the first pictures of %ux%u: %s",
                         config->encoder, width_px, height_px, strerror(-r));
        return r;
}

static int check_ranges(const struct bc_pipeline_config *config, uint32_t rate_mhz, char *text,
                        size_t text_bytes)
{
        if (rate_mhz < RATE_MIN_MHZ || rate_mhz > RATE_MAX_MHZ) {
                snprintf(text, text_bytes, "frame rate %u/1000 per second: from %u to %u", rate_mhz,
                         RATE_MIN_MHZ, RATE_MAX_MHZ);
                return -ERANGE;
        }
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

static int check_bit_rate(const struct bc_pipeline_config *config, uint32_t width_px, uint32_t height_px,
                          uint32_t rate_mhz, char *text, size_t text_bytes)
{
        uint64_t least_bps = bc_rate_least_bps(width_px, height_px, rate_mhz);

        if (config->bit_rate_bps >= least_bps && config->bit_rate_bps <= BIT_RATE_MAX_BPS)
                return 0;
        snprintf(text, text_bytes,
                 "bit rate %u: from %llu to %u bit/s for %ux%u at %u/1000 pictures per second",
                 config->bit_rate_bps, (unsigned long long)least_bps, BIT_RATE_MAX_BPS, width_px, height_px,
                 rate_mhz);
        return -ERANGE;
}

int bc_pipeline_check(const struct bc_pipeline_config *config, uint32_t width_px, uint32_t height_px,
                      uint32_t rate_mhz, char *text, size_t text_bytes)
{
        BC_CLEANUP(bc_cleanup_sound_encoder) struct bc_sound_encoder *sound = NULL;
        int r = check_ranges(config, rate_mhz, text, text_bytes);

        if (r == 0)
                r = check_picture(config, width_px, height_px, rate_mhz, text, text_bytes);
        // After the size and the name: a bit rate is too low for a size.
        if (r == 0)
                r = check_bit_rate(config, width_px, height_px, rate_mhz, text, text_bytes);
        if (r < 0)
                return r;
        r = bc_sound_encoder_new(1, config->sound_bit_rate_bps, &sound);
        if (r == -EINVAL)
                snprintf(text, text_bytes, "sound bit rate %u: from %d to %d bit/s",
                         config->sound_bit_rate_bps, BC_SOUND_BIT_RATE_MIN_BPS, BC_SOUND_BIT_RATE_MAX_BPS);
        else if (r < 0)
                snprintf(text, text_bytes, "sound encoder: %s", strerror(-r));
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
        if (!sound)
                return;
        ret_config->lane_units[BC_LANE_SOUND] = (size_t)sound_units;
        ret_config->lane_bytes[BC_LANE_SOUND] = ((size_t)sound_units + 1) * BC_SOUND_CHANNELS_MAX *
                                                BC_SOUND_UNIT_BYTES_MAX;
}

// ---- lifecycle -----------------------------------------------------------------------------------------------

int bc_pipeline_new(struct bc_clock *clock, struct bc_ring *ring, struct bc_camera *camera,
                    struct bc_mic *mic, const struct bc_pipeline_config *config,
                    const struct bc_pipeline_sink *sink, struct bc_pipeline **ret_pipeline)
{
        BC_CLEANUP(bc_cleanup_pipeline) struct bc_pipeline *pipeline = calloc(1, sizeof(*pipeline));
        int r;

        if (!pipeline)
                return -ENOMEM;
        pipeline->clock = clock;
        pipeline->ring = ring;
        r = bc_video_new(clock, ring, camera, config, sink, &pipeline->video);
        if (r < 0)
                return r;
        pipeline->stream.picture = *bc_video_stream(pipeline->video);
        if (mic) {
                r = bc_audio_new(clock, ring, mic, config->sound_bit_rate_bps, sink, &pipeline->audio);
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
                bc_ring_end(pipeline->ring, BC_LANE_PICTURE, start_ns);
                bc_ring_end(pipeline->ring, BC_LANE_SOUND, start_ns);
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
