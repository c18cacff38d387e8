// SPDX-License-Identifier: EUPL-1.2
#include "feeder.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define UNIT_BYTES_MAX (1 << 20)

const struct feeder_config feeder_default = {
        .start_ns = 100 * BC_NS_PER_S,
        .interval_ns = BC_NS_PER_S / 30,
        .gop = 30,
        .picture_bytes = 300,
        .key_bytes = 1500,
        .sound_bytes = 40,
        .picture_delay_ns = 20 * BC_NS_PER_MS,
        .sound_delay_ns = 25 * BC_NS_PER_MS,
        .sound = true,
        .telemetry = true,
};

struct lane_thread {
        struct feeder *feeder;
        enum bc_lane lane;
        struct bc_thread *thread;
};

struct feeder {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct feeder_config config;
        struct bc_monitor monitor;
        bool stop;
        bool substitute[BC_LANE_COUNT], muted;
        struct lane_thread lane[BC_LANE_COUNT];
        uint64_t told[BC_LANE_COUNT]; // the picture thread's: the next unit of telemetry
};

bool feeder_has(const struct feeder_config *config, enum bc_lane lane)
{
        return lane == BC_LANE_PICTURE || (lane == BC_LANE_SOUND ? config->sound : config->telemetry);
}

void feeder_fill(uint8_t *bytes, size_t size, enum bc_lane lane, uint64_t number)
{
        uint64_t word = number << 2 | lane;

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(i < 8 ? word >> (8 * i) : word * 131 + i);
}

uint64_t feeder_check(const uint8_t *bytes, size_t size, enum bc_lane lane)
{
        uint64_t word = 0;

        assert_true(size >= 8);
        for (size_t i = 0; i < 8; i++)
                word |= (uint64_t)bytes[i] << (8 * i);
        assert_int_equal(word & 3, lane);
        for (size_t i = 8; i < size; i++)
                if (bytes[i] != (uint8_t)(word * 131 + i))
                        fail_msg("unit %llu is damaged at byte %zu", (unsigned long long)(word >> 2), i);
        return word >> 2;
}

static uint32_t hash(uint32_t seed, uint64_t number)
{
        uint64_t x = (number + 1) * 0x9e3779b97f4a7c15u ^ seed;

        x ^= x >> 31;
        x *= 0xbf58476d1ce4e5b9u;
        return (uint32_t)(x >> 33);
}

static unsigned texts_per_gop(const struct feeder_config *config)
{
        return config->gop >= 3 ? 2 : 1;
}

// The picture that a unit of telemetry starts with.
static uint64_t picture_of(const struct feeder_config *config, enum bc_lane lane, uint64_t number)
{
        unsigned texts = texts_per_gop(config);

        if (lane == BC_LANE_POSITION)
                return number * config->gop;
        return number / texts * config->gop + number % texts * (config->gop / 3);
}

int64_t feeder_time(const struct feeder_config *config, enum bc_lane lane, uint64_t number)
{
        if (lane == BC_LANE_SOUND) {
                int64_t first = (bc_ticks_from_ns(config->start_ns) + BC_SOUND_UNIT_SAMPLES - 1) /
                                BC_SOUND_UNIT_SAMPLES;

                return bc_ns_from_ticks((first + (int64_t)number) * BC_SOUND_UNIT_SAMPLES);
        }
        if (lane == BC_LANE_TEXT || lane == BC_LANE_POSITION)
                number = picture_of(config, lane, number);
        return config->start_ns + (int64_t)number * config->interval_ns +
               (config->jitter_ns && number ? (int64_t)hash(config->seed, number) % config->jitter_ns : 0);
}

// true: stopped.
static bool wait_until(struct feeder *feeder, int64_t time_ns)
{
        bool stop;

        bc_monitor_lock(&feeder->monitor);
        while (!feeder->stop && bc_clock_now_ns(feeder->clock) < time_ns)
                bc_monitor_wait(&feeder->monitor, time_ns);
        stop = feeder->stop;
        bc_monitor_unlock(&feeder->monitor);
        return stop;
}

// What starts with this picture, before it.
static void append_telemetry(struct feeder *feeder, uint64_t picture, uint8_t *bytes)
{
        const struct feeder_config *config = &feeder->config;

        for (enum bc_lane lane = BC_LANE_TEXT; lane <= BC_LANE_POSITION; lane++) {
                uint64_t *number = &feeder->told[lane];
                struct bc_unit unit = { .time_ns = feeder_time(config, BC_LANE_PICTURE, picture), .flags = BC_UNIT_KEY,
                                        .size_bytes = FEEDER_TELEMETRY_BYTES };

                if (!feeder_has(config, lane) || picture_of(config, lane, *number) != picture)
                        continue;
                feeder_fill(bytes, unit.size_bytes, lane, (*number)++);
                assert_int_equal(bc_ring_append(feeder->ring, lane, &unit, bytes), 0);
        }
}

static void run(void *user)
{
        struct lane_thread *lane = user;
        struct feeder *feeder = lane->feeder;
        const struct feeder_config *config = &feeder->config;
        uint8_t *bytes = malloc(UNIT_BYTES_MAX);
        bool was_substitute = false, was_muted = false;

        assert_non_null(bytes);
        for (uint64_t number = 0;; number++) {
                struct bc_unit unit = { .time_ns = feeder_time(config, lane->lane, number) };
                int64_t due_ns = lane->lane == BC_LANE_SOUND ?
                                         feeder_time(config, lane->lane, number + 1) + config->sound_delay_ns :
                                         unit.time_ns + config->picture_delay_ns;

                if (wait_until(feeder, due_ns))
                        break;
                unit.flags = BC_UNIT_KEY;
                unit.size_bytes = config->sound_bytes;
                if (lane->lane == BC_LANE_PICTURE) {
                        unit.size_bytes = config->key_bytes;
                        if (number % config->gop) {
                                unit.flags = 0;
                                unit.size_bytes = config->picture_bytes;
                        }
                }
                unit.size_bytes += hash(config->seed, number) % 16;
                bc_monitor_lock(&feeder->monitor);
                was_substitute = feeder->substitute[lane->lane];
                was_muted = feeder->muted && lane->lane == BC_LANE_SOUND;
                bc_monitor_unlock(&feeder->monitor);
                if (was_substitute)
                        unit.flags |= BC_UNIT_SUBSTITUTE;
                if (was_muted)
                        unit.flags |= BC_UNIT_MUTED;
                if (lane->lane == BC_LANE_PICTURE)
                        append_telemetry(feeder, number, bytes);
                feeder_fill(bytes, unit.size_bytes, lane->lane, number);
                assert_int_equal(bc_ring_append(feeder->ring, lane->lane, &unit, bytes), 0);
        }
        for (enum bc_lane of = BC_LANE_TEXT; lane->lane == BC_LANE_PICTURE && of <= BC_LANE_POSITION; of++)
                bc_ring_end(feeder->ring, of, bc_clock_now_ns(feeder->clock));
        bc_ring_end(feeder->ring, lane->lane, bc_clock_now_ns(feeder->clock));
        free(bytes);
}

struct feeder *feeder_start(struct bc_clock *clock, struct bc_ring *ring, const struct feeder_config *config)
{
        struct feeder *feeder = calloc(1, sizeof(*feeder));

        assert_non_null(feeder);
        feeder->clock = clock;
        feeder->ring = ring;
        feeder->config = *config;
        bc_monitor_init(&feeder->monitor, clock);
        for (int i = 0; i < BC_LANE_COUNT; i++) {
                feeder->lane[i].feeder = feeder;
                feeder->lane[i].lane = (enum bc_lane)i;
                if (i <= BC_LANE_SOUND && feeder_has(config, (enum bc_lane)i))
                        assert_int_equal(bc_thread_start(clock, "feeder", run, &feeder->lane[i],
                                                         &feeder->lane[i].thread), 0);
        }
        return feeder;
}

void feeder_mute(struct feeder *feeder, bool muted)
{
        bc_monitor_lock(&feeder->monitor);
        feeder->muted = muted;
        bc_monitor_unlock(&feeder->monitor);
}

void feeder_substitute(struct feeder *feeder, enum bc_lane lane, bool substitute)
{
        bc_monitor_lock(&feeder->monitor);
        feeder->substitute[lane] = substitute;
        bc_monitor_unlock(&feeder->monitor);
}

void feeder_stop(struct feeder *feeder)
{
        bc_monitor_lock(&feeder->monitor);
        feeder->stop = true;
        bc_monitor_wake(&feeder->monitor);
        bc_monitor_unlock(&feeder->monitor);
        for (int i = 0; i < BC_LANE_COUNT; i++)
                bc_thread_join(feeder->lane[i].thread);
        bc_monitor_done(&feeder->monitor);
        free(feeder);
}

void feeder_stream(const struct feeder_config *config, struct bc_stream *ret_stream)
{
        // Baseline 160x120, made by x264; the bytes are never decoded here.
        static const uint8_t avcc[] = { 0x01, 0x42, 0xc0, 0x0b, 0xff, 0xe1, 0x00, 0x15, 0x67, 0x42, 0xc0, 0x0b, 0xda,
                                        0x0a, 0x0f, 0xb0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00,
                                        0x1e, 0x0f, 0x14, 0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80 };
        static const uint8_t asc[] = { 0x11, 0x88 };

        *ret_stream = (struct bc_stream){
                .picture = { .width_px = 160, .height_px = 120, .interval_ns = config->interval_ns,
                             .config_bytes = sizeof(avcc) },
        };
        memcpy(ret_stream->picture.config, avcc, sizeof(avcc));
        ret_stream->telemetry.text = ret_stream->telemetry.position = config->telemetry;
        if (!config->sound)
                return;
        ret_stream->sound.channels = 1;
        ret_stream->sound.bit_rate_bps = 64000;
        memcpy(ret_stream->sound.config, asc, sizeof(asc));
        ret_stream->sound.config_bytes = sizeof(asc);
}
