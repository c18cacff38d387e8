// SPDX-License-Identifier: EUPL-1.2
#include "act.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/wrapped.h"

const struct notary_temper tempers[ACT_TEMPERS] = {
        { .pace_ns = 0 },
        { .pace_ns = 5 * MS },
        { .pace_ns = 50 * MS },
        { .pace_ns = 300 * MS },
        { .pace_ns = 3 * S },
        { .pace_ns = 0, .pace_max_ns = 60 * MS, .seed = 3 },
        { .pace_ns = 0, .pace_max_ns = 900 * MS, .seed = 4 },
        { .pace_ns = 0, .pace_max_ns = 4 * S, .seed = 5 },
        { .pace_ns = 1 * MS, .fails_one_in = 3, .seed = 6 },
        { .pace_ns = 0, .pace_max_ns = 700 * MS, .fails_one_in = 4, .seed = 7 },
};

// ---- the card --------------------------------------------------------------------------------------------------

struct act_card card = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool is_segment(int fd)
{
        char link[32], path[256];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
        return strstr(path, ".mp4") != NULL;
}

static bool strikes(int fd)
{
        bool strikes = false;

        if (!card.watched || !is_segment(fd))
                return false;
        pthread_mutex_lock(&card.mutex);
        card.calls++;
        if (card.fails_every > 0 && card.failures > 0 && card.calls >= card.first)
                strikes = card.seed ? notary_random(&card.seed) % card.fails_every == 0 :
                                      (card.calls - card.first) % card.fails_every == 0;
        card.struck += strikes;
        card.failures -= strikes;
        pthread_mutex_unlock(&card.mutex);
        return strikes;
}

static void stall(int64_t stall_ns)
{
        int64_t until_ns = bc_clock_now_ns(card.clock) + stall_ns;
        struct bc_monitor monitor;

        bc_monitor_init(&monitor, card.clock);
        bc_monitor_lock(&monitor);
        while (bc_monitor_wait(&monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&monitor);
        bc_monitor_done(&monitor);
}

int __wrap_fdatasync(int fd)
{
        if (strikes(fd)) {
                errno = EIO;
                return -1;
        }
        if (card.watched && card.stall_ns && card.calls % 7 == 0 && is_segment(fd))
                stall(card.stall_ns);
        return __real_fdatasync(fd);
}

static bool lies(int fd, size_t size, off_t offset)
{
        return card.watched && card.lie_at > 0 && offset == 0 && (off_t)size > card.lie_at && is_segment(fd);
}

static ssize_t write_another(int fd, const uint8_t *bytes, size_t size, off_t offset)
{
        const uint8_t other = bytes[card.lie_at] ^ 1;
        ssize_t n = __real_pwrite(fd, bytes, size, offset);

        return n > 0 && __real_pwrite(fd, &other, 1, card.lie_at) == 1 ? n : -1;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
        const char *kind = size >= 8 ? (const char *)bytes + 4 : "";

        if (card.watched && is_segment(fd) && size > 8 && (!memcmp(kind, "ftyp", 4) || !memcmp(kind, "moof", 4))) {
                pthread_mutex_lock(&card.mutex);
                assert_true(card.writes < ACT_WRITES_MAX);
                card.written_ns[card.writes++] = bc_clock_now_ns(card.clock);
                pthread_mutex_unlock(&card.mutex);
        }
        if (strikes(fd)) {
                // Half of it may be there; the patch lies in one sector.
                if (card.calls % 2 && size > 8)
                        (void)__real_pwrite(fd, bytes, size / 2, offset);
                errno = EIO;
                return -1;
        }
        return lies(fd, size, offset) ? write_another(fd, bytes, size, offset) : __real_pwrite(fd, bytes, size, offset);
}

// ---- a signed bench --------------------------------------------------------------------------------------------

static void on_clock(struct bench *bench)
{
        struct act *act = bench->user;

        card.clock = bench->clock;
        notary_open(&act->notary, bench->clock, 1, 1);
        memset(act->first, 0x5a, sizeof(act->first));
        bc_facts_set_ledger(&act->notary.facts, 17, act->first);
        bench->config.attestation = &act->notary.attestation;
}

size_t thick_bytes;

static void make_thick(struct notary *notary)
{
        uint8_t *bytes = OPENSSL_zalloc(thick_bytes);

        assert_non_null(bytes);
        OPENSSL_free((void *)notary->certificate[1].bytes);
        notary->certificate[1] = (struct bc_record_bytes){ bytes, thick_bytes };
}

struct act *act_begin(const struct notary_temper *temper, int64_t segment_ns)
{
        struct act *act = calloc(1, sizeof(*act));

        assert_non_null(act);
        card.watched = false;
        card.calls = card.fails_every = card.struck = 0;
        card.first = 1;
        card.failures = 1000;
        card.seed = 0;
        card.writes = 0;
        card.stall_ns = 0;
        card.lie_at = 0;
        bench_defaults(&act->bench);
        act->bench.config.pre_event_ns = 2 * S;
        act->bench.config.segment_ns = segment_ns;
        act->bench.feed.picture_bytes = 60;
        act->bench.feed.key_bytes = 300;
        act->bench.on_clock = on_clock;
        act->bench.user = act;
        notary_make(&act->notary);
        if (thick_bytes > 0)
                make_thick(&act->notary);
        notary_set(&act->notary, temper);
        bench_make(&act->bench);
        bench_run_until(&act->bench, 110 * S);
        card.watched = true;
        return act;
}

static void record_for(struct act *act, int64_t seconds, int64_t mark_ns)
{
        // Not where a segment ends: whether the recorder has said by then that another one follows is chance.
        int64_t end_ns = (110 + seconds) * S - 400 * MS;

        assert_int_equal(bc_recorder_start(act->bench.recorder, 110 * S, "button"), 0);
        for (int64_t now_ns = 110 * S + mark_ns; mark_ns > 0 && now_ns < end_ns; now_ns += mark_ns) {
                bench_run_until(&act->bench, now_ns);
                assert_int_equal(bc_recorder_mark(act->bench.recorder, now_ns, ""), 0);
        }
        bench_run_until(&act->bench, end_ns);
        assert_int_equal(bc_recorder_stop(act->bench.recorder, end_ns, "button"), 0);
}

void act_record(struct act *act, int64_t seconds)
{
        record_for(act, seconds, 0);
}

void act_record_marked(struct act *act, int64_t seconds)
{
        record_for(act, seconds, 200 * MS);
}

struct witness *act_read(struct act *act, uint64_t counter, unsigned rules)
{
        char name[BC_RECORDING_NAME_BYTES_MAX];

        bc_store_name(act->bench.store, counter, name);
        return witness_read(bc_store_recordings_fd(act->bench.store), name, &act->notary, counter, act->first, rules);
}

void act_end(struct act *act)
{
        card.watched = false;
        bench_stop_threads(&act->bench);
        notary_close(&act->notary);
        bench_done(&act->bench);
        notary_done(&act->notary);
        free(act);
}
