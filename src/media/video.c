// SPDX-License-Identifier: EUPL-1.2
#include "media/video.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/utc.h"
#include "media/narrator.h"
#include "media/overlay.h"
#include "media/picture_encoder.h"
#include "media/rate.h"
#include "media/slate.h"
#include "media/telemetry.h"

// A frame may claim to be this far ahead of the clock: drivers convert between clocks. More is junk, and would push
// all that follow out of order.
#define AHEAD_MAX_NS (100 * BC_NS_PER_MS)

// What rate control and the ring are laid out for.
#define INTERVAL_MIN_NS (BC_NS_PER_S / 240)
#define INTERVAL_MAX_NS BC_NS_PER_S

struct queued {
        struct bc_frame *frame;
        int64_t arrival_ns;
        uint64_t refused, refused_lost; // frames lost just before it, for want of room in the queue
};

struct bc_video {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_camera *camera;
        struct bc_telemetry *telemetry;
        struct bc_overlay *overlay;
        struct bc_telemetry_stream lanes;
        const char *device, *unit;
        struct bc_pipeline_sink sink;
        struct bc_picture_encoder_config encoder_config;
        int64_t patience_ns; // without frames, until the slate
        struct bc_slate *slate;
        struct bc_picture_stream stream;
        struct bc_thread *thread;
        bool camera_runs;
        int camera_error; // of its last start, as logged

        struct bc_monitor monitor; // for what follows up to counters
        struct queued queue[BC_PIPELINE_FRAMES_MAX];
        unsigned queue_first, queue_count;
        uint64_t refused, refused_lost; // frames the queue had no room for and those they tell of
        bool stopping, failed;
        int64_t stop_ns; // when it was told to stop
        struct bc_pipeline_counters counters;

        // The thread's own while it runs.
        struct bc_picture_encoder *encoder;
        struct bc_narrator narrator;
        bool used; // the encoder has seen frames and cannot start anew
        struct bc_rate rate;
        uint32_t aim_bps;
        uint64_t lost;        // to be told by the next unit
        uint64_t dropped;     // of them by us, to be told by the next notice
        int64_t newest_ticks; // of what was encoded
        int64_t key_ticks;
        bool key_due;  // the next picture must be a key frame, whatever its time
        bool skipping; // units are useless until a key frame comes
        bool slating;
        int64_t dark_ns;      // since when there is no picture
        int64_t slate_ns;     // media time of the next slate
        int64_t slate_due_ns; // when it is made
        int64_t end_ns;       // of the newest unit, as far as known
};

BC_DEFINE_CLEANUP(video, struct bc_video, bc_video_free)

static void notify(const struct bc_video *video, enum bc_pipeline_notice notice, int64_t value)
{
        video->sink.on_notice(video->sink.user, notice, value);
}

// ---- making --------------------------------------------------------------------------------------------------

static int open_encoder(struct bc_video *video)
{
        char text[256] = "";
        int r = bc_picture_encoder_new(&video->encoder_config, text, sizeof(text), &video->encoder);

        if (r < 0)
                bc_log_error("%s", text);
        return r;
}

int bc_video_new(const struct bc_pipeline_parts *parts, const struct bc_pipeline_config *config,
                 const struct bc_pipeline_sink *sink, struct bc_video **ret_video)
{
        struct bc_camera *camera = parts->camera;
        BC_CLEANUP(bc_cleanup_video) struct bc_video *video = NULL;
        int r;

        if (camera->info.interval_ns < INTERVAL_MIN_NS || camera->info.interval_ns > INTERVAL_MAX_NS) {
                bc_log_error("camera: a frame every %lld us; from %lld to %lld are possible",
                             (long long)(camera->info.interval_ns / BC_NS_PER_US),
                             (long long)(INTERVAL_MIN_NS / BC_NS_PER_US),
                             (long long)(INTERVAL_MAX_NS / BC_NS_PER_US));
                return -ERANGE;
        }
        video = calloc(1, sizeof(*video));
        if (!video)
                return -ENOMEM;
        bc_monitor_init(&video->monitor, parts->clock);
        video->clock = parts->clock;
        video->ring = parts->ring;
        video->camera = camera;
        video->telemetry = parts->telemetry;
        video->overlay = parts->overlay;
        video->lanes = config->telemetry;
        video->device = config->device;
        video->unit = config->unit;
        video->sink = *sink;
        video->patience_ns = bc_video_patience_ns(config->slate_after_ns, camera->info.interval_ns);
        video->encoder_config = (struct bc_picture_encoder_config){
                .encoder = config->encoder,
                .preset = config->preset,
                .threads = config->threads,
                .bit_rate_bps = config->bit_rate_bps,
                .width_px = camera->info.width_px,
                .height_px = camera->info.height_px,
                .interval_ns = camera->info.interval_ns,
                .gop_ns = config->gop_ns,
                .format = camera->info.format,
        };
        r = open_encoder(video);
        if (r < 0)
                return r;
        video->stream = *bc_picture_encoder_stream(video->encoder);
        r = bc_slate_new(camera->info.width_px, camera->info.height_px, camera->info.format, &video->slate);
        if (r < 0)
                return r;
        *ret_video = BC_TAKE(video);
        return 0;
}

void bc_video_free(struct bc_video *video)
{
        if (!video)
                return;
        bc_picture_encoder_free(video->encoder);
        bc_slate_free(video->slate);
        bc_monitor_done(&video->monitor);
        free(video);
}

const struct bc_picture_stream *bc_video_stream(const struct bc_video *video)
{
        return &video->stream;
}

// ---- the camera's side ---------------------------------------------------------------------------------------

static void on_frame(void *user, struct bc_frame *frame)
{
        struct bc_video *video = user;
        bool taken = false;

        bc_monitor_lock(&video->monitor);
        if (video->failed || video->stopping || video->queue_count == BC_PIPELINE_FRAMES_MAX) {
                video->refused++;
                video->refused_lost += frame->lost;
                video->counters.frames_dropped++;
                video->counters.frames_lost_by_camera += frame->lost;
        } else {
                unsigned at = (video->queue_first + video->queue_count++) % BC_PIPELINE_FRAMES_MAX;

                // What was refused was lost after the frames in the queue and before this one.
                video->queue[at] = (struct queued){ .frame = frame, .arrival_ns = bc_clock_now_ns(video->clock),
                                                    .refused = video->refused, .refused_lost = video->refused_lost };
                video->refused = video->refused_lost = 0;
                bc_monitor_wake(&video->monitor);
                taken = true;
        }
        bc_monitor_unlock(&video->monitor);
        if (!taken)
                bc_frame_release(frame);
}

static void on_error(void *user, int error)
{
        (void)user;
        bc_log_warning("camera: %s", strerror(-error));
}

// ---- units ---------------------------------------------------------------------------------------------------

static void count_dropped(struct bc_video *video, uint64_t frames)
{
        video->lost += frames;
        video->dropped += frames;
        bc_monitor_lock(&video->monitor);
        video->counters.frames_dropped += frames;
        bc_monitor_unlock(&video->monitor);
}

static int append(struct bc_video *video, const struct bc_unit *unit, const uint8_t *bytes)
{
        bool slate = unit->flags & BC_UNIT_SUBSTITUTE;

        // A unit that is left out takes those that refer to it along.
        if (video->skipping && !(unit->flags & BC_UNIT_KEY)) {
                video->lost += unit->lost;
                count_dropped(video, slate ? 0 : 1);
                return 0;
        }
        if (!bc_rate_spend(&video->rate, unit->size_bytes)) {
                video->lost += unit->lost;
                count_dropped(video, slate ? 0 : 1);
                video->skipping = true;
                video->key_due = true;
                return 0;
        }
        video->skipping = false;
        video->end_ns = unit->time_ns + (slate ? BC_VIDEO_SLATE_EVERY_NS : video->stream.interval_ns);
        bc_monitor_lock(&video->monitor);
        if (slate)
                video->counters.slates++;
        else
                video->counters.frames++;
        bc_monitor_unlock(&video->monitor);
        return bc_ring_append(video->ring, BC_LANE_PICTURE, unit, bytes);
}

// Appends every unit the encoder has ready. 0, or -ENODATA when it is finished.
static int drain(struct bc_video *video)
{
        for (;;) {
                const uint8_t *bytes;
                struct bc_unit unit;
                int r = bc_picture_encoder_receive(video->encoder, &unit, &bytes);

                if (r == -EAGAIN)
                        return 0;
                if (r == 0)
                        r = append(video, &unit, bytes);
                if (r < 0)
                        return r;
        }
}

// What is known of the frame's instant goes into the picture and, before the picture, into the telemetry lanes.
static void tell(struct bc_video *video, struct bc_frame *frame, bool key)
{
        // The picture's unit starts on a tick: so does what is told of it, or it would belong to the picture before.
        struct bc_moment moment = { .time_ns = bc_ns_from_ticks(bc_ticks_from_ns(frame->time_ns)) };

        if (video->telemetry)
                bc_telemetry_at(video->telemetry, moment.time_ns, &moment);
        if (video->overlay)
                bc_overlay_draw(video->overlay, frame, &moment);
        bc_narrator_tell(&video->narrator, &moment, key);
}

static int encode(struct bc_video *video, struct bc_frame *frame, bool key, uint16_t flags)
{
        struct bc_picture_order order = {
                .key = key,
                .flags = flags,
                .lost = (uint16_t)(video->lost > UINT16_MAX ? UINT16_MAX : video->lost),
        };
        uint32_t aim_bps = bc_rate_budget_bps(&video->rate);
        int r;

        if (aim_bps != video->aim_bps) {
                bc_picture_encoder_aim(video->encoder, aim_bps);
                video->aim_bps = aim_bps;
        }
        video->used = true;
        video->newest_ticks = bc_ticks_from_ns(frame->time_ns);
        if (key)
                video->key_ticks = video->newest_ticks;
        video->key_due = false;
        tell(video, frame, key);
        r = bc_picture_encoder_send(video->encoder, frame, &order);
        if (r < 0)
                return r;
        video->lost -= order.lost;
        return drain(video);
}

// ---- frames and slates ---------------------------------------------------------------------------------------

static bool is_sound(const struct bc_video *video, const struct bc_frame *frame, int64_t now_ns)
{
        const struct bc_camera_info *info = &video->camera->info;
        uint32_t chroma_bytes = info->format == BC_PIXEL_NV12 ? info->width_px : info->width_px / 2;
        int planes = info->format == BC_PIXEL_NV12 ? 2 : 3;

        if (frame->width_px != info->width_px || frame->height_px != info->height_px ||
            frame->format != info->format)
                return false;
        for (int i = 0; i < planes; i++)
                if (!frame->plane[i] || frame->stride_bytes[i] < (i ? chroma_bytes : info->width_px) ||
                    frame->stride_bytes[i] > INT32_MAX / 4)
                        return false;
        return frame->time_ns >= 0 && frame->time_ns <= now_ns + AHEAD_MAX_NS &&
               bc_ticks_from_ns(frame->time_ns) > video->newest_ticks;
}

static void tell_dropped(struct bc_video *video)
{
        if (video->dropped == 0)
                return;
        notify(video, BC_PIPELINE_FRAMES_DROPPED, (int64_t)video->dropped);
        video->dropped = 0;
}

static int take_frame(struct bc_video *video, struct queued queued)
{
        struct bc_frame *frame = queued.frame;
        int64_t gop_ticks = bc_ticks_from_ns(video->encoder_config.gop_ns);
        bool key;

        video->lost += frame->lost;
        if (!is_sound(video, frame, bc_clock_now_ns(video->clock)) ||
            !bc_rate_admit(&video->rate, frame->time_ns)) {
                bc_frame_release(frame);
                count_dropped(video, 1);
                return 0;
        }
        key = video->key_due || video->slating ||
              bc_ticks_from_ns(frame->time_ns) - video->key_ticks >= gop_ticks;
        if (video->slating) {
                video->slating = false;
                notify(video, BC_PIPELINE_PICTURE_BACK, frame->time_ns);
        }
        tell_dropped(video);
        video->slate_ns = frame->time_ns + video->patience_ns;
        video->slate_due_ns = queued.arrival_ns + video->patience_ns;
        return encode(video, frame, key, 0);
}

// Written on the slate: since when there is no picture, or while no clock is set for how long.
static void show_since(struct bc_video *video, struct bc_frame *slate)
{
        int64_t dark_ns = slate->time_ns - video->dark_ns;
        struct bc_moment moment = { 0 };
        char utc[BC_UTC_TEXT_BYTES], text[64];

        // By the clock of now: it may have been put right since.
        if (video->telemetry)
                bc_telemetry_at(video->telemetry, slate->time_ns, &moment);
        if (moment.source != BC_UTC_NONE && bc_utc_format(moment.utc_ns - dark_ns, utc) == 0)
                snprintf(text, sizeof(text), "NO PICTURE SINCE %s", utc);
        else
                snprintf(text, sizeof(text), "NO PICTURE FOR %lld s", (long long)(dark_ns / BC_NS_PER_S));
        bc_overlay_banner(video->overlay, slate, text);
}

static int make_slate(struct bc_video *video)
{
        struct bc_frame *frame;
        int64_t now_ns = bc_clock_now_ns(video->clock);
        int64_t missed = (now_ns - video->slate_due_ns) / BC_VIDEO_SLATE_EVERY_NS;
        int64_t time_ns = video->slate_ns + missed * BC_VIDEO_SLATE_EVERY_NS;

        // After a long sleep (suspend) one slate stands for all.
        video->slate_ns = time_ns + BC_VIDEO_SLATE_EVERY_NS;
        video->slate_due_ns += (missed + 1) * BC_VIDEO_SLATE_EVERY_NS;
        if (time_ns > now_ns)
                time_ns = now_ns;
        if (bc_ticks_from_ns(time_ns) <= video->newest_ticks || !bc_rate_admit(&video->rate, time_ns))
                return 0;
        if (!video->slating) {
                video->slating = true;
                video->dark_ns = bc_ns_from_ticks(video->newest_ticks < 0 ? 0 : video->newest_ticks);
                notify(video, BC_PIPELINE_PICTURE_LOST, time_ns);
        }
        tell_dropped(video);
        frame = bc_slate_frame(video->slate, time_ns);
        if (video->overlay)
                show_since(video, frame);
        return encode(video, frame, true, BC_UNIT_SUBSTITUTE);
}

// ---- the thread ----------------------------------------------------------------------------------------------

// Waits for a frame, the time of a slate, or the end. -ENODATA: the end, and the queue is empty. *ret_queued: its frame
// is NULL when a slate is due.
static int next_frame(struct bc_video *video, struct queued *ret_queued)
{
        int r = 0;

        *ret_queued = (struct queued){ 0 };
        bc_monitor_lock(&video->monitor);
        while (video->queue_count == 0 && !video->stopping &&
               bc_clock_now_ns(video->clock) < video->slate_due_ns)
                bc_monitor_wait(&video->monitor, video->slate_due_ns);
        if (video->queue_count > 0) {
                *ret_queued = video->queue[video->queue_first];
                video->queue_first = (video->queue_first + 1) % BC_PIPELINE_FRAMES_MAX;
                video->queue_count--;
        } else {
                // Nothing came after those refused last: the slate or the end tells of them.
                ret_queued->refused = video->refused;
                ret_queued->refused_lost = video->refused_lost;
                video->refused = video->refused_lost = 0;
                r = video->stopping ? -ENODATA : 0;
        }
        video->counters.frames_lost_by_camera += ret_queued->frame ? ret_queued->frame->lost : 0;
        video->lost += ret_queued->refused + ret_queued->refused_lost;
        video->dropped += ret_queued->refused;
        bc_monitor_unlock(&video->monitor);
        return r;
}

static void fail(struct bc_video *video, int error)
{
        struct queued queued;

        bc_log_error("picture encoder: %s", strerror(-error));
        bc_monitor_lock(&video->monitor);
        video->failed = true;
        bc_monitor_unlock(&video->monitor);
        video->lost += video->slating ? 0 : 1; // the one that failed
        while (video->queue_count > 0 && next_frame(video, &queued) == 0) {
                video->lost += 1 + queued.frame->lost;
                bc_frame_release(queued.frame);
        }
        notify(video, BC_PIPELINE_FAILED, error);
}

static int finish(struct bc_video *video)
{
        int r = bc_picture_encoder_finish(video->encoder);

        if (r == 0)
                r = drain(video);
        return r == -ENODATA ? 0 : r;
}

static void end_lane(struct bc_video *video)
{
        int64_t now_ns = bc_clock_now_ns(video->clock);

        if (video->slating && video->end_ns > now_ns)
                video->end_ns = now_ns;
        bc_monitor_lock(&video->monitor);
        if (video->stopping && now_ns > video->stop_ns)
                now_ns = video->stop_ns;
        bc_monitor_unlock(&video->monitor);
        // Frames that nothing follows were lost up to now: until then the last picture stands.
        if (video->lost > 0 && video->end_ns < now_ns)
                video->end_ns = now_ns;
        bc_narrator_end(&video->narrator, video->end_ns);
        bc_ring_end_lossy(video->ring, BC_LANE_PICTURE, video->end_ns,
                          (uint16_t)(video->lost > UINT16_MAX ? UINT16_MAX : video->lost));
}

static void run(void *user)
{
        struct bc_video *video = user;
        int r = 0;

        while (r == 0) {
                struct queued queued;

                r = next_frame(video, &queued);
                if (r == 0)
                        r = queued.frame ? take_frame(video, queued) : make_slate(video);
        }
        if (r == -ENODATA)
                r = video->used ? finish(video) : 0;
        tell_dropped(video);
        if (r < 0)
                fail(video, r);
        end_lane(video);
}

static int reopen_encoder(struct bc_video *video)
{
        const struct bc_picture_stream *stream;
        int r;

        if (!video->used)
                return 0;
        bc_picture_encoder_free(BC_TAKE(video->encoder));
        r = open_encoder(video);
        if (r < 0)
                return r;
        video->used = false;
        stream = bc_picture_encoder_stream(video->encoder);
        if (stream->config_bytes != video->stream.config_bytes ||
            memcmp(stream->config, video->stream.config, stream->config_bytes) != 0) {
                bc_log_error("encoder \"%s\" tells other parameter sets than before",
                             video->encoder_config.encoder);
                return -EPROTO;
        }
        return 0;
}

static void start_camera(struct bc_video *video)
{
        const struct bc_camera_sink sink = { .on_frame = on_frame, .on_error = on_error, .user = video };
        int r = bc_camera_start(video->camera, &sink);

        if (r < 0 && r != video->camera_error)
                bc_log_error("camera does not start: %s; slates stand in for it", strerror(-r));
        if (r == 0 && video->camera_error < 0)
                bc_log_notice("the camera has started");
        video->camera_error = r;
        video->camera_runs = r == 0;
}

bool bc_video_lacks_camera(const struct bc_video *video)
{
        return !video->camera_runs;
}

void bc_video_retry_camera(struct bc_video *video)
{
        if (!video->camera_runs)
                start_camera(video);
}

int bc_video_start(struct bc_video *video, int64_t start_ns)
{
        int r = reopen_encoder(video);

        if (r < 0)
                return r;
        bc_rate_init(&video->rate, video->encoder_config.bit_rate_bps, video->encoder_config.interval_ns);
        video->aim_bps = video->encoder_config.bit_rate_bps;
        bc_narrator_init(&video->narrator, video->ring, &video->lanes, video->device, video->unit);
        video->stopping = video->failed = false;
        video->refused = video->refused_lost = video->lost = video->dropped = 0;
        video->newest_ticks = bc_ticks_from_ns(start_ns) - 1;
        video->key_due = true;
        video->skipping = video->slating = false;
        video->slate_ns = video->slate_due_ns = start_ns + video->patience_ns;
        video->end_ns = start_ns;
        r = bc_thread_start(video->clock, "video", run, video, &video->thread);
        if (r < 0)
                return r;
        video->camera_error = 0;
        start_camera(video);
        return 0;
}

void bc_video_stop(struct bc_video *video)
{
        if (video->camera_runs)
                bc_camera_stop(video->camera);
        bc_monitor_lock(&video->monitor);
        video->stop_ns = bc_clock_now_ns(video->clock);
        video->stopping = true;
        bc_monitor_wake(&video->monitor);
        bc_monitor_unlock(&video->monitor);
        bc_thread_join(BC_TAKE(video->thread));
}

void bc_video_counters(struct bc_video *video, struct bc_pipeline_counters *counters)
{
        bc_monitor_lock(&video->monitor);
        counters->frames = video->counters.frames;
        counters->frames_dropped = video->counters.frames_dropped;
        counters->frames_lost_by_camera = video->counters.frames_lost_by_camera;
        counters->slates = video->counters.slates;
        bc_monitor_unlock(&video->monitor);
}
