// SPDX-License-Identifier: EUPL-1.2
// A camera and a microphone of the test: they deliver real pictures and real sound on the clock, and fail when told.
#ifndef TEST_MEDIA_SENSORS_H
#define TEST_MEDIA_SENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/thread.h"
#include "bodycam/camera.h"
#include "bodycam/mic.h"

#define CAMERA_POOL 8
#define BEEP_EVERY_NS BC_NS_PER_S // of media time, beginning at whole seconds
#define BEEP_SAMPLES 480
#define DEAD_MAX 4
#define HUM 16384 // half of full

// The beep's sample at so many samples (48 kHz) after its begin.
float beep_at(double n);

struct span {
        int64_t from_ns, until_ns;
};

// ---- camera --------------------------------------------------------------------------------------------------

struct shot {
        int64_t time_ns;    // as the frame says
        int64_t deliver_ns; // when it comes
        uint32_t lost;
        bool wrong_size, no_planes, noise;
};

struct test_camera {
        struct bc_camera camera;
        struct bc_clock *clock;
        // Says what shot number n is; false: there is none, nor any later.
        bool (*shoot)(const struct test_camera *camera, uint64_t number, struct shot *ret_shot);
        void *user;
        int start_error;

        int64_t start_ns;
        struct bc_camera_sink sink;
        struct bc_thread *thread;
        struct bc_monitor monitor; // for the rest
        bool stopping;
        struct bc_frame *frame[CAMERA_POOL];
        bool lent[CAMERA_POOL];
        unsigned lent_now, lent_most;
        uint64_t delivered, missed; // missed: no frame was free
};

void test_camera_init(struct test_camera *camera, struct bc_clock *clock, uint32_t width_px,
                      uint32_t height_px, enum bc_pixel_format format, int64_t interval_ns);
// Every frame must have been given back.
void test_camera_done(struct test_camera *camera);

// Nominal pace, 5 ms from exposure to delivery.
bool shoot_steadily(const struct test_camera *camera, uint64_t number, struct shot *ret_shot);

// ---- microphone ----------------------------------------------------------------------------------------------

struct test_mic {
        struct bc_mic mic;
        struct bc_clock *clock;
        int64_t ppm;
        bool hums;                  // hears a constant HUM, not beeps
        struct span dead[DEAD_MAX]; // of media time since the start
        int dead_error;             // what read() says then, at its deadline
        bool sleeps;                // when dead, read() does not even return at its deadline
        bool silent_about_it;       // does not say that sound was lost
        int start_errors;           // so many starts fail

        int64_t begin_ns;
        int64_t next;              // sample
        struct bc_monitor monitor; // for the rest
        bool cancelled;
        unsigned starts, stops;
};

void test_mic_init(struct test_mic *mic, struct bc_clock *clock, uint32_t rate_hz, uint32_t channels);
void test_mic_done(struct test_mic *mic);

#endif
