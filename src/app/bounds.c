// SPDX-License-Identifier: EUPL-1.2
#include "app/bounds.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/loop.h"
#include "bodycam/time.h"
#include "control/dbus.h"
#include "media/caption.h"
#include "media/gpmf.h"
#include "media/rate.h"

// A lost picture is noticed, and a failed write repeated, after a second.
#define SLATE_AFTER_NS BC_NS_PER_S
#define RETRY_NS BC_NS_PER_S
#define GIVE_UP_NS (5 * BC_NS_PER_S)
#define STOP_WITHIN_NS (20 * BC_NS_PER_S)
#define TELEMETRY_UNITS 16 // in a fragment, before its buffer grows

static void tell_more(const struct bc_settings *settings, const char *section, const char *key, char *text,
                      size_t text_bytes)
{
        size_t used = strlen(text);

        if (used + 2 >= text_bytes)
                return;
        memcpy(text + used, ", ", 3);
        bc_settings_tell(settings, section, key, text + used + 2, text_bytes - used - 2);
}

int bc_bounds_derive(const struct bc_settings *settings, uint32_t rate_mhz, char *text, size_t text_bytes,
                     struct bc_bounds *ret_bounds)
{
        struct bc_bounds bounds = { .stop_within_ns = STOP_WITHIN_NS };
        bool sound = settings->mic_driver != BC_MIC_NONE;
        size_t bytes, used;

        bounds.pipeline = (struct bc_pipeline_config){
                .encoder = settings->video_encoder,
                .preset = settings->video_preset,
                .threads = (uint32_t)settings->video_threads,
                .bit_rate_bps = (uint32_t)settings->video_bit_rate_bps,
                .sound_bit_rate_bps = (uint32_t)settings->sound_bit_rate_bps,
                .gop_ns = BC_SETTINGS_GOP_NS,
                .slate_after_ns = SLATE_AFTER_NS,
                .telemetry = { .text = true, .position = settings->gnss_driver != BC_GNSS_NONE },
                .device = settings->device_id,
                .unit = settings->unit,
        };
        bc_pipeline_ring_config(&bounds.pipeline, sound, settings->pre_event_ns, settings->stall_tolerance_ns,
                                settings->fragment_ns, rate_mhz, &bounds.ring);
        bounds.ring.pre_event_sound = settings->pre_event_sound;
        bytes = 0;
        for (enum bc_lane lane = 0; lane < BC_LANE_COUNT; lane++)
                bytes += bounds.ring.lane_bytes[lane];
        if (bytes > BC_RING_BYTES_MAX) {
                bc_settings_tell(settings, "recording", "pre_event", text, text_bytes);
                tell_more(settings, "recording", "stall_tolerance", text, text_bytes);
                tell_more(settings, "video", "bit_rate", text, text_bytes);
                used = strlen(text);
                snprintf(text + used, text_bytes - used,
                         ": together they need a ring of %zu MiB; allowed: at most %zu MiB", bytes >> 20,
                         BC_RING_BYTES_MAX >> 20);
                return -ERANGE;
        }
        bounds.recorder = (struct bc_recorder_config){
                .pre_event_ns = settings->pre_event_ns,
                .pre_event_sound = settings->pre_event_sound,
                .fragment_ns = settings->fragment_ns,
                .segment_ns = settings->segment_ns,
                // The most that rate control lets through in a fragment.
                .fragment_bytes = (size_t)bc_rate_bytes(bounds.pipeline.bit_rate_bps,
                                                        settings->fragment_ns + BC_RATE_LEVEL_MAX_NS) +
                                  (size_t)bc_rate_bytes(bounds.pipeline.sound_bit_rate_bps, 4 * BC_NS_PER_S) +
                                  TELEMETRY_UNITS * (BC_CAPTION_BYTES_MAX + BC_GPMF_BYTES_MAX),
                .make = settings->make,
                .model = settings->model,
                .retry_ns = RETRY_NS,
                .give_up_ns = GIVE_UP_NS,
        };
        *ret_bounds = bounds;
        return 0;
}

__attribute__((format(printf, 2, 3))) static void line(void (*print_line)(const char *line), const char *format, ...)
{
        char text[200];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        print_line(text);
}

static long long ms(int64_t time_ns)
{
        return (long long)(time_ns / BC_NS_PER_MS);
}

void bc_bounds_print(const struct bc_bounds *bounds, const struct bc_settings *settings,
                     void (*print_line)(const char *line_text))
{
        line(print_line, "ring: picture %zu bytes and %zu units, sound %zu bytes and %zu units",
             bounds->ring.lane_bytes[BC_LANE_PICTURE], bounds->ring.lane_units[BC_LANE_PICTURE],
             bounds->ring.lane_bytes[BC_LANE_SOUND], bounds->ring.lane_units[BC_LANE_SOUND]);
        line(print_line, "ring: text %zu bytes, position %zu bytes, for news with each picture",
             bounds->ring.lane_bytes[BC_LANE_TEXT], bounds->ring.lane_bytes[BC_LANE_POSITION]);
        line(print_line, "ring: pre-event %lld ms, stall tolerance %lld ms; buffering holds pre-event and %lld ms at most",
             ms(settings->pre_event_ns), ms(settings->stall_tolerance_ns), ms(BC_SETTINGS_GOP_NS));
        line(print_line, "fragment: %lld ms and about %zu bytes at most; segment: %lld ms; post-event: %lld ms",
             ms(bounds->recorder.fragment_ns), bounds->recorder.fragment_bytes, ms(bounds->recorder.segment_ns),
             ms(settings->post_event_ns));
        line(print_line, "frames waiting for the encoder: %d; recordings being closed: %d; calls waiting: %d; inbox: %d",
             BC_PIPELINE_FRAMES_MAX, BC_RECORDER_QUEUE_MAX, BC_DBUS_WAITING_MAX, BC_LOOP_INBOX_KINDS_MAX);
        line(print_line, "a failed write is repeated after %lld ms; shutdown leaves unclosed what takes longer than %lld ms",
             ms(bounds->recorder.retry_ns), ms(bounds->stop_within_ns));
}
