// SPDX-License-Identifier: EUPL-1.2
// Camera, microphone, pipeline and the real ring on a simulated clock; what the ring got is read out and judged.
#ifndef TEST_MEDIA_BENCH_H
#define TEST_MEDIA_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bodycam/ring.h"
#include "media/pipeline.h"
#include "sensors.h"

#define START_NS (1000 * BC_NS_PER_S + 7 * BC_NS_PER_MS)
#define INTERVAL_NS (BC_NS_PER_S / 25)
#define UNITS_MAX 6000
#define NOTICES_MAX 4096

// What avcodec_send_frame() does wrong, for pictures (0) and sound (1): takes time, or fails at a certain frame.
struct encoder_fault {
        struct bc_monitor *monitor;
        int64_t slow_ns[2];
        int64_t fail_at[2]; // frames still to go; -1: never
        int failures[2];    // so many from there on; -1: all
};

extern struct encoder_fault fault;

// What went into the sound encoder, while sample is not NULL: of the first channel, by tick from first on.
struct encoder_input {
        float *sample;
        int64_t first;
        size_t samples;
};

extern struct encoder_input encoder_input;

struct notice {
        enum bc_pipeline_notice notice;
        int64_t value, at_ns;
};

struct lane {
        unsigned count;
        struct bc_unit unit[UNITS_MAX];
        uint8_t *bytes[UNITS_MAX];
        int64_t end_ns;
        unsigned end_lost; // frames, between the last unit and the end
};

struct bench {
        struct bc_clock *clock;
        struct bc_monitor monitor; // for notices
        struct bc_ring_config ring_config;
        struct bc_ring *ring;
        struct test_camera camera;
        struct test_mic mic;
        struct bc_pipeline_config config;
        struct bc_pipeline *pipeline;
        struct notice notice[NOTICES_MAX];
        unsigned notices;
        struct lane lane[BC_LANE_COUNT];
};

// A setting that suits the bench's small pictures.
struct bc_pipeline_config plain(void);

// Clock, sensors and settings; make_pipeline() or start() then make ring and pipeline (a ring_config set before is
// taken as it is).
struct bench *set_up(void);
void make_pipeline(struct bench *bench, bool sound);
void start(struct bench *bench, bool sound);
void run_to(struct bench *bench, int64_t after_start_ns);

// Stops and reads both lanes, which must have ended, into bench->lane.
void stop(struct bench *bench);
void read_units(struct bench *bench, struct bc_cursor cursor);
void tear_down(struct bench *bench);

unsigned count_notices(const struct bench *bench, enum bc_pipeline_notice notice, int64_t *ret_first);
uint64_t sum_lost(const struct lane *lane);
unsigned count_flag(const struct lane *lane, uint16_t flag);

// What always holds: times go on, key frames are where they must be and nowhere else, everything decodes.
void check_pictures(const struct bench *bench);

// The sound lies on the grid without a hole, decodes, and each second's beep is heard within 1 ms of its time, but
// for those in the span (from the start) that is dead.
void check_sound(const struct bench *bench, const struct span *dead, unsigned expected_beeps);

#endif
