// SPDX-License-Identifier: EUPL-1.2
// Camera and microphone to packet ring: the video and the audio thread.
//
// The video thread takes frames from a queue of BC_PIPELINE_FRAMES_MAX (a full queue drops the new frame, counted in
// the next unit's `lost`) and encodes them; without frames for slate_after_ns it encodes a slate at 1 fps, all IDR.
// The audio thread reads the microphone, resamples it to the media clock, and encodes; missing sound becomes silence.
// So the lanes of the ring always go on while the pipeline runs, whatever the devices do.
#ifndef BC_MEDIA_PIPELINE_H
#define BC_MEDIA_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/camera.h"
#include "bodycam/mic.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"

#define BC_PIPELINE_FRAMES_MAX 3

// What is allowed, in the settings and here. The least bit rate depends on picture size and pace: bc_rate_least_bps().
#define BC_PIPELINE_RATE_MIN_MHZ 1000 // frames per 1000 s
#define BC_PIPELINE_RATE_MAX_MHZ 120000
#define BC_PIPELINE_BIT_RATE_MAX_BPS 50000000

struct bc_pipeline;

struct bc_overlay;
struct bc_telemetry;

struct bc_pipeline_config {
        const char *encoder;     // FFmpeg's name of an H.264 encoder: "libx264", "h264_v4l2m2m"
        const char *preset;      // of libx264, else unused
        uint32_t threads;        // encoder threads (sliced), 1 or more
        uint32_t bit_rate_bps;   // picture
        uint32_t sound_bit_rate_bps;
        int64_t gop_ns;          // time between two key frames, 1 s
        int64_t slate_after_ns;  // 1 s
        struct bc_telemetry_stream telemetry; // which lanes of it are filled
        const char *device, *unit;            // names told in them; unit may be ""
};

// Where the pipeline works. All borrowed.
struct bc_pipeline_parts {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_camera *camera;
        struct bc_mic *mic;             // NULL: no sound track
        struct bc_telemetry *telemetry; // NULL: nothing is known of time, place and state
        struct bc_overlay *overlay;     // NULL: nothing is drawn into the pictures
};

enum bc_pipeline_notice {
        BC_PIPELINE_PICTURE_LOST, // slate begins
        BC_PIPELINE_PICTURE_BACK,
        BC_PIPELINE_SOUND_LOST,   // silence begins, or the lane has ended because its encoder failed
        BC_PIPELINE_SOUND_BACK,
        BC_PIPELINE_FRAMES_DROPPED,
        BC_PIPELINE_FAILED,       // the picture encoder failed; its lane has ended
};

struct bc_pipeline_sink {
        // Any thread; must not block. value: media time, for FRAMES_DROPPED the number since the last notice, for
        // FAILED the negative errno.
        void (*on_notice)(void *user, enum bc_pipeline_notice notice, int64_t value);
        void *user;
};

struct bc_pipeline_counters {
        uint64_t frames, frames_dropped, frames_lost_by_camera, slates;
        uint64_t sound_units, silent_units;
        int64_t rate_error_ppb; // measured rate error of the microphone against the media clock
};

// What a check found wrong.
enum bc_pipeline_culprit {
        BC_PIPELINE_BAD_PICTURE, // its size or pace
        BC_PIPELINE_BAD_ENCODER, // its name
        BC_PIPELINE_BAD_PRESET,
        BC_PIPELINE_BAD_BIT_RATE,
        BC_PIPELINE_BAD_SOUND_BIT_RATE,
        BC_PIPELINE_BROKEN_ENCODER, // its name is right, but it cannot be opened or does not do what is needed
        BC_PIPELINE_BAD_OTHER,
};

struct bc_pipeline_camera {
        uint32_t width_px, height_px, rate_mhz;
};

// Checks the encoders by opening them: what bodycamd --check does. channels: of the microphone; 0: there is none.
// 0, or negative errno with a message in text and *ret_culprit.
int bc_pipeline_check(const struct bc_pipeline_config *config, const struct bc_pipeline_camera *camera,
                      uint32_t channels, char *text, size_t text_bytes, enum bc_pipeline_culprit *ret_culprit);

// The ring this configuration needs: pre-event + stall tolerance + two GOPs + a fragment, at the highest rate that
// rate control can produce.
void bc_pipeline_ring_config(const struct bc_pipeline_config *config, bool sound, int64_t pre_event_ns,
                             int64_t stall_ns, int64_t fragment_ns, uint32_t rate_mhz,
                             struct bc_ring_config *ret_config);

// Opens the encoders. Borrows everything, the texts of config too.
int bc_pipeline_new(const struct bc_pipeline_parts *parts, const struct bc_pipeline_config *config,
                    const struct bc_pipeline_sink *sink, struct bc_pipeline **ret_pipeline);
void bc_pipeline_free(struct bc_pipeline *pipeline);

// Sensors and threads on. May be called again after stop (the ring was restarted then by start).
int bc_pipeline_start(struct bc_pipeline *pipeline);

// Whether the pipeline runs without its camera, which did not start: slates stand in for it. bc_pipeline_retry_camera()
// tries again; not by itself, for a camera belongs to the thread that starts and stops it.
bool bc_pipeline_lacks_camera(const struct bc_pipeline *pipeline);
void bc_pipeline_retry_camera(struct bc_pipeline *pipeline);

// Sensors off; everything captured is encoded and the lanes are ended; waits for the threads.
void bc_pipeline_stop(struct bc_pipeline *pipeline);

// From media time time_ns on, which may be a little past, zeros take the place of the microphone's sound, or not any more.
// Sample by sample, by the times at which they were captured; their units carry BC_UNIT_MUTED. What was encoded before the call
// stays as it is. Returns from when on it holds: time_ns, or what is the first sample after it that was still open (for a mute
// that is at most some 100 ms before now, the sound on its way through the encoder; for an unmute, sound that was zeroed already
// stays zeroed). Holds while the sensors are off, and when they are on again. Nothing happens where it is so already, or without
// a microphone. Any thread, returns at once.
int64_t bc_pipeline_set_muted(struct bc_pipeline *pipeline, bool muted, int64_t time_ns);

// Valid from new to free, immutable.
const struct bc_stream *bc_pipeline_stream(const struct bc_pipeline *pipeline);

void bc_pipeline_counters(struct bc_pipeline *pipeline, struct bc_pipeline_counters *ret_counters);

#endif
