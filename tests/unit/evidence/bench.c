// SPDX-License-Identifier: EUPL-1.2
#include "bench.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static void on_notice(void *user, enum bc_recorder_notice notice, int64_t value)
{
        struct bench *bench = user;
        int64_t now_ns = bc_clock_now_ns(bench->clock);

        (void)value;
        bench->noticed_ns[notice][bench->notice[notice]++ % BENCH_NOTED] = bc_clock_now_ns(bench->clock);
        if (notice == BC_RECORDER_DURABLE)
                bench->durable_at_ns = now_ns;
        if (notice == BC_RECORDER_CLOSED)
                bench->closed_at_ns = now_ns;
        if (notice == BC_RECORDER_TROUBLE && bench->first_trouble_ns == 0)
                bench->first_trouble_ns = now_ns;
}

void bench_defaults(struct bench *bench)
{
        *bench = (struct bench){
                .feed = feeder_default,
                .config = {
                        .pre_event_ns = 10 * BC_NS_PER_S,
                        .pre_event_sound = true,
                        .fragment_ns = 500 * BC_NS_PER_MS,
                        .segment_ns = 5 * BC_NS_PER_S,
                        .fragment_bytes = 64 << 10,
                        .retry_ns = BC_NS_PER_S,
                        .give_up_ns = 5 * BC_NS_PER_S,
                },
                .stall_ns = 30 * BC_NS_PER_S,
        };
}

static void open_store(struct bench *bench)
{
        const struct bc_recorder_sink sink = { on_notice, bench };
        char text[256];

        assert_int_equal(bc_store_open(bench->path, "test", text, sizeof(text), &bench->store), 0);
        if (bench->on_store)
                bench->on_store(bench);
        assert_int_equal(bc_recorder_new(bench->clock, bench->ring, bench->store, &bench->stream, &bench->config,
                                         &sink, &bench->recorder), 0);
}

void bench_make(struct bench *bench)
{
        const struct feeder_config *feed = &bench->feed;
        int64_t span_ns = bench->config.pre_event_ns + bench->stall_ns + bench->config.fragment_ns +
                          2 * (int64_t)feed->gop * (feed->interval_ns + feed->jitter_ns);
        int64_t pictures = span_ns / feed->interval_ns + 2 * (int64_t)feed->gop + 2;
        int64_t sounds = span_ns * 48 / (1024 * BC_NS_PER_MS) + 100;
        int64_t telemetry = feed->telemetry ? 2 * (pictures / feed->gop + 2) : 0;
        const struct bc_ring_config ring = {
                .lane_bytes = { (size_t)pictures * (feed->picture_bytes + 16) +
                                        ((size_t)pictures / feed->gop + 2) * feed->key_bytes,
                                feed->sound ? (size_t)sounds * (feed->sound_bytes + 16) : 0,
                                (size_t)telemetry * FEEDER_TELEMETRY_BYTES, (size_t)telemetry * FEEDER_TELEMETRY_BYTES },
                .lane_units = { (size_t)pictures, feed->sound ? (size_t)sounds : 0, (size_t)telemetry, (size_t)telemetry },
                .pre_event_ns = bench->config.pre_event_ns,
                .pre_event_sound = bench->config.pre_event_sound,
        };

        folder_make(bench->path);
        feeder_stream(feed, &bench->stream);
        assert_int_equal(bc_clock_new_simulated(feed->start_ns, &bench->clock), 0);
        assert_int_equal(bc_ring_new(bench->clock, &ring, &bench->ring), 0);
        if (bench->on_clock)
                bench->on_clock(bench);
        open_store(bench);
        bench->feeder = feeder_start(bench->clock, bench->ring, feed);
}

void bench_stop_threads(struct bench *bench)
{
        if (bench->feeder)
                feeder_stop(bench->feeder);
        bench->feeder = NULL;
        // The caller is no thread of the clock: let time run for a recorder that still waits for it.
        bc_clock_release(bench->clock, BC_NS_NEVER);
        bc_recorder_free(bench->recorder);
        bench->recorder = NULL;
}

void bench_restart(struct bench *bench)
{
        bench_stop_threads(bench);
        bc_store_free(bench->store);
        open_store(bench);
}

void bench_done(struct bench *bench)
{
        bench_stop_threads(bench);
        bc_store_free(bench->store);
        bc_ring_free(bench->ring);
        bc_clock_free(bench->clock);
        folder_remove(bench->path);
}

void bench_run_until(struct bench *bench, int64_t time_ns)
{
        bc_clock_run_until(bench->clock, time_ns);
}

void bench_read(struct bench *bench, uint64_t counter, struct judged *ret_judged)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];

        bc_store_name(bench->store, counter, name);
        judge_read(bc_store_recordings_fd(bench->store), name, ret_judged);
}
