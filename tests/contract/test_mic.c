// SPDX-License-Identifier: EUPL-1.2
// What every microphone driver must do: test_mic KIND (mics.c).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "contract/mics.h"

#define START_NS (200 * BC_NS_PER_S + 7654321)
#define UNTOUCHED_SAMPLES ((size_t)12345)
#define UNTOUCHED_NS (-77)
#define BUFFER_MAX_NS (2 * BC_NS_PER_S) // what a device may keep for a slow reader

// The test's own thread reads, as one of the clock's: simulated time passes while it waits.
struct room {
        const struct mic_kind *kind;
        struct bc_clock *clock;
        struct bc_mic *mic;
        struct bc_monitor monitor; // to wait on
        int16_t *samples;
        int64_t time_ns; // of the last read
        size_t count;
        bool broken;
};

static struct room *room_new(const struct mic_kind *kind, bool simulated)
{
        struct room *room = calloc(1, sizeof(*room));

        assert_non_null(room);
        room->kind = kind;
        if (simulated)
                assert_int_equal(bc_clock_new_simulated(START_NS, &room->clock), 0);
        else
                assert_int_equal(bc_clock_new_real(&room->clock), 0);
        assert_int_equal(bc_monitor_init(&room->monitor, room->clock), 0);
        assert_int_equal(kind->open(room->clock, &room->mic), 0);
        // Exactly the room that is needed, so that AddressSanitizer sees one sample too many.
        room->samples = calloc(room->mic->info.period_samples * room->mic->info.channels, sizeof(int16_t));
        assert_non_null(room->samples);
        bc_clock_enter(room->clock);
        if (simulated)
                bc_clock_release(room->clock, BC_NS_NEVER);
        return room;
}

static void room_free(struct room *room)
{
        bc_mic_stop(room->mic);
        bc_clock_leave(room->clock);
        bc_mic_free(room->mic);
        bc_monitor_done(&room->monitor);
        bc_clock_free(room->clock);
        free(room->samples);
        free(room);
}

static int64_t now_ns(const struct room *room)
{
        return bc_clock_now_ns(room->clock);
}

static void pass(struct room *room, int64_t ns)
{
        int64_t until_ns = now_ns(room) + ns;

        bc_monitor_lock(&room->monitor);
        while (now_ns(room) < until_ns)
                (void)bc_monitor_wait(&room->monitor, until_ns);
        bc_monitor_unlock(&room->monitor);
}

// Reads; on failure checks that nothing was handed out.
static int read_for(struct room *room, int64_t ns)
{
        struct bc_mic_chunk chunk = { UNTOUCHED_SAMPLES, UNTOUCHED_NS, false };
        int r = bc_mic_read(room->mic, room->samples, now_ns(room) + ns, &chunk);

        if (r < 0) {
                assert_int_equal(chunk.samples, UNTOUCHED_SAMPLES);
                assert_int_equal(chunk.time_ns, UNTOUCHED_NS);
                return r;
        }
        assert_in_range(chunk.samples, 1, room->mic->info.period_samples);
        room->count = chunk.samples;
        room->time_ns = chunk.time_ns;
        room->broken = chunk.broken;
        return 0;
}

static int64_t lasting_ns(const struct room *room, int64_t samples)
{
        int64_t rate = (int64_t)room->kind->rate_hz * (BC_NS_PER_S + room->kind->error_ppb);

        return (int64_t)((__int128)samples * BC_NS_PER_S * BC_NS_PER_S / rate);
}

static void test_info(void **state)
{
        struct room *room = room_new(*state, true);
        const struct bc_mic_info *info = &room->mic->info;

        assert_non_null(info->driver);
        assert_true(info->simulated);
        assert_int_equal(info->rate_hz, room->kind->rate_hz);
        assert_int_equal(info->channels, room->kind->channels);
        assert_in_range(info->period_samples, 1, info->rate_hz / 10);
        room_free(room);
}

// No sample is missing or doubled, and each is handed out once it is captured, within a period.
static void test_sound_is_continuous(void **state)
{
        struct room *room = room_new(*state, true);
        int64_t first_ns = 0, samples = 0, before_ns = -1;
        int64_t period_ns = lasting_ns(room, (int64_t)room->mic->info.period_samples);

        assert_int_equal(bc_mic_start(room->mic), 0);
        for (unsigned i = 0; i < 2000; i++) {
                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                if (i == 0)
                        first_ns = room->time_ns;
                assert_true(room->time_ns > before_ns);
                assert_true(llabs(room->time_ns - first_ns - lasting_ns(room, samples)) <=
                            2 * room->kind->jitter_ns + 2);
                before_ns = room->time_ns;
                samples += (int64_t)room->count;
                assert_true(llabs(now_ns(room) - first_ns - lasting_ns(room, samples)) <=
                            room->kind->jitter_ns + period_ns);
        }
        assert_true(first_ns >= START_NS - room->kind->jitter_ns);
        assert_true(first_ns < START_NS + period_ns + room->kind->jitter_ns);
        room_free(room);
}

static void test_deadline(void **state)
{
        struct room *room = room_new(*state, true);
        int64_t before_ns;

        assert_int_equal(bc_mic_start(room->mic), 0);
        before_ns = now_ns(room);
        assert_int_equal(read_for(room, 0), -ETIMEDOUT);
        assert_int_equal(read_for(room, -BC_NS_PER_S), -ETIMEDOUT);
        assert_int_equal(now_ns(room), before_ns);
        assert_int_equal(read_for(room, BC_NS_PER_MS), -ETIMEDOUT);
        assert_int_equal(now_ns(room), before_ns + BC_NS_PER_MS);
        assert_int_equal(read_for(room, BC_NS_PER_S), 0);
        // What is there already is given whatever the deadline.
        pass(room, 100 * BC_NS_PER_MS);
        assert_int_equal(read_for(room, -BC_NS_PER_S), 0);
        room_free(room);
}

struct canceller {
        struct room *room;
        int64_t at_ns;
};

static void cancel_later(void *user)
{
        struct canceller *canceller = user;
        struct bc_monitor monitor;

        bc_monitor_init(&monitor, canceller->room->clock);
        bc_monitor_lock(&monitor);
        while (now_ns(canceller->room) < canceller->at_ns)
                (void)bc_monitor_wait(&monitor, canceller->at_ns);
        bc_monitor_unlock(&monitor);
        bc_monitor_done(&monitor);
        bc_mic_cancel(canceller->room->mic);
}

static void test_cancel(void **state)
{
        struct room *room = room_new(*state, true);
        static const enum bc_fault faults[] = { BC_FAULT_NONE, BC_FAULT_STALL, BC_FAULT_UNPLUG };

        for (unsigned i = 0; i < 3; i++) {
                struct canceller canceller = { room, now_ns(room) + 333 * BC_NS_PER_MS };
                struct bc_thread *thread;
                int r = 0;

                assert_int_equal(bc_mic_start(room->mic), 0);
                room->kind->set_fault(room->mic, faults[i]);
                assert_int_equal(bc_thread_start(room->clock, "canceller", cancel_later, &canceller, &thread),
                                 0);
                while (r == 0)
                        r = read_for(room, 100 * BC_NS_PER_S);
                assert_int_equal(r, -ECANCELED);
                assert_int_equal(now_ns(room), canceller.at_ns);
                bc_thread_join(thread);
                assert_int_equal(read_for(room, BC_NS_PER_S), -ECANCELED); // until it is started again
                assert_int_equal(now_ns(room), canceller.at_ns);
                bc_mic_stop(room->mic);
        }
        room->kind->set_fault(room->mic, BC_FAULT_NONE);
        assert_int_equal(bc_mic_start(room->mic), 0);
        assert_int_equal(read_for(room, BC_NS_PER_S), 0);
        room_free(room);
}

static void test_stop_and_start_again(void **state)
{
        struct room *room = room_new(*state, true);

        for (unsigned i = 0; i < 20; i++) {
                int64_t start_ns = now_ns(room);

                assert_int_equal(bc_mic_start(room->mic), 0);
                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                assert_true(room->time_ns >= start_ns - room->kind->jitter_ns);
                assert_true(room->time_ns < start_ns + BC_NS_PER_S / 10);
                assert_false(room->broken); // nothing came before
                bc_mic_stop(room->mic);
                pass(room, i * 1234567891);
        }
        room_free(room);
}

static void test_stall_and_unplug(void **state)
{
        struct room *room = room_new(*state, true);

        assert_int_equal(bc_mic_start(room->mic), 0);
        for (unsigned i = 0; i < 4; i++) {
                int64_t fault_ns, back_ns;

                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                room->kind->set_fault(room->mic, i % 2 ? BC_FAULT_UNPLUG : BC_FAULT_STALL);
                fault_ns = now_ns(room);
                for (unsigned k = 1; k <= 3; k++) {
                        assert_int_equal(read_for(room, BC_NS_PER_S), i % 2 ? -ENODEV : -ETIMEDOUT);
                        assert_int_equal(now_ns(room), fault_ns + k * BC_NS_PER_S); // not a moment before
                }
                room->kind->set_fault(room->mic, BC_FAULT_NONE);
                back_ns = now_ns(room);
                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                assert_true(room->broken);
                assert_true(room->time_ns >= back_ns - room->kind->jitter_ns);
                assert_true(room->time_ns <= back_ns + BC_NS_PER_S / 10);
        }
        room_free(room);
}

// A reader that comes late gets what the device kept, and then sound of now, at its true time.
static void test_slow_reader(void **state)
{
        struct room *room = room_new(*state, true);
        int64_t before_ns = 0;

        assert_int_equal(bc_mic_start(room->mic), 0);
        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                assert_true(room->time_ns > before_ns);
                assert_true(now_ns(room) - room->time_ns <= BUFFER_MAX_NS);
                assert_int_equal(room->broken, i > 0);
                before_ns = room->time_ns;
                pass(room, 5 * BC_NS_PER_S);
        }
        room_free(room);
}

// Lost samples are told of, however few, once, and the time stamp shows how many.
static void test_overrun(void **state)
{
        const int64_t lost_ns[] = { BC_NS_PER_MS, 7 * BC_NS_PER_MS, 39 * BC_NS_PER_MS, 500 * BC_NS_PER_MS };
        struct room *room = room_new(*state, true);

        assert_int_equal(bc_mic_start(room->mic), 0);
        assert_int_equal(read_for(room, BC_NS_PER_S), 0);
        for (size_t i = 0; i < sizeof(lost_ns) / sizeof(*lost_ns); i++) {
                int64_t due_ns = room->time_ns + lasting_ns(room, (int64_t)room->count) + lost_ns[i];

                room->kind->overrun(room->mic, lost_ns[i]);
                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                assert_true(room->broken);
                assert_in_range(room->time_ns, due_ns - 2 * room->kind->jitter_ns - BC_NS_PER_MS / 10,
                                due_ns + 2 * room->kind->jitter_ns + BC_NS_PER_MS / 10);
                assert_int_equal(read_for(room, BC_NS_PER_S), 0);
                assert_false(room->broken);
        }
        room_free(room);
}

static void test_real_clock(void **state)
{
        struct room *room = room_new(*state, false);
        int64_t start_ns = now_ns(room), before_ns = -1;

        assert_int_equal(bc_mic_start(room->mic), 0);
        for (unsigned i = 0; i < 20; i++) {
                assert_int_equal(read_for(room, 20 * BC_NS_PER_S), 0);
                assert_true(room->time_ns > before_ns);
                assert_true(room->time_ns + lasting_ns(room, (int64_t)room->count) <=
                            now_ns(room) + room->kind->jitter_ns);
                before_ns = room->time_ns;
        }
        assert_true(before_ns >= start_ns);
        bc_mic_cancel(room->mic);
        assert_int_equal(read_for(room, 20 * BC_NS_PER_S), -ECANCELED);
        room_free(room);
}

int main(int argc, char *argv[])
{
        const struct mic_kind *kind = argc == 2 ? mic_kind_named(argv[1]) : NULL;
        void *state = (void *)(uintptr_t)kind;

        if (!kind) {
                fprintf(stderr, "usage: test_mic KIND\n");
                return 2;
        }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(test_info, state),
                cmocka_unit_test_prestate(test_sound_is_continuous, state),
                cmocka_unit_test_prestate(test_deadline, state),
                cmocka_unit_test_prestate(test_cancel, state),
                cmocka_unit_test_prestate(test_stop_and_start_again, state),
                cmocka_unit_test_prestate(test_stall_and_unplug, state),
                cmocka_unit_test_prestate(test_slow_reader, state),
                cmocka_unit_test_prestate(test_overrun, state),
                cmocka_unit_test_prestate(test_real_clock, state),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
