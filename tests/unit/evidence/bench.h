// SPDX-License-Identifier: EUPL-1.2
// A recorder on a simulated clock with a store in a temporary folder, fed by a feeder.
#ifndef BENCH_H
#define BENCH_H

#include "base/clock.h"
#include "bodycam/ring.h"
#include "evidence/recorder.h"
#include "evidence/store.h"
#include "feeder.h"
#include "folder.h"
#include "judge.h"

#define BENCH_NOTICES (BC_RECORDER_GAP + 1)
#define BENCH_NOTED 4

struct bench {
        char path[FOLDER_PATH_BYTES];
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_store *store;
        struct bc_stream stream;
        struct feeder_config feed;
        struct bc_recorder_config config;
        struct feeder *feeder;
        struct bc_recorder *recorder;
        unsigned notice[BENCH_NOTICES];   // counts; read when the clock stands
        int64_t noticed_ns[BENCH_NOTICES][BENCH_NOTED]; // the latest ones, the n-th at n % BENCH_NOTED
        int64_t durable_at_ns, closed_at_ns, first_trouble_ns;
        int64_t stall_ns; // what the ring tolerates beyond pre-event
        void (*on_clock)(struct bench *bench); // by bench_make(), before store and recorder are there; may be NULL
        void (*on_store)(struct bench *bench); // when the store is open, before the recorder is there; may be NULL
        void *user;
};

// Fill feed, config and stall_ns first (bench_defaults()), then make.
void bench_defaults(struct bench *bench);
void bench_make(struct bench *bench);
void bench_restart(struct bench *bench); // recorder and store anew, as after a crash: nothing is closed
void bench_done(struct bench *bench);    // stops everything, removes the folder
void bench_stop_threads(struct bench *bench);

void bench_run_until(struct bench *bench, int64_t time_ns);
void bench_read(struct bench *bench, uint64_t counter, struct judged *ret_judged);

#endif
