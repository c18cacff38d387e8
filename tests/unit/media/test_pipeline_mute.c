// SPDX-License-Identifier: EUPL-1.2
// Muting, from the microphone to the ring: to the tick in what the encoder gets, and nothing of it in what is decoded.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "bench.h"
#include "decode.h"
#include "lib/counts.h"

#define LEVEL (HUM / 32768.0f)
#define EDGE 40            // ticks beside an edge that the resampler's filter reaches to
#define SECONDS 12

static void keep_encoder_input(void)
{
        encoder_input.first = bc_ticks_from_ns(START_NS);
        encoder_input.samples = SECONDS * BC_TICKS_PER_S;
        encoder_input.sample = calloc(encoder_input.samples, sizeof(float));
        assert_non_null(encoder_input.sample);
        for (size_t i = 0; i < encoder_input.samples; i++)
                encoder_input.sample[i] = NAN; // nothing yet
}

static struct bench *set_up_hum(void)
{
        struct bench *bench = set_up();

        keep_encoder_input();
        bench->mic.hums = true;
        return bench;
}

static void tear_down_hum(struct bench *bench)
{
        tear_down(bench);
        free(encoder_input.sample);
        encoder_input.sample = NULL;
}

static float heard_at(int64_t tick)
{
        return encoder_input.sample[tick - encoder_input.first];
}

static int64_t tick_at(int64_t after_start_ns)
{
        int64_t time_ns = START_NS + after_start_ns, tick = bc_ticks_from_ns(time_ns);

        return bc_ns_from_ticks(tick) < time_ns ? tick + 1 : tick;
}

static void assert_zero(int64_t from_ns, int64_t to_ns)
{
        for (int64_t tick = tick_at(from_ns); tick < tick_at(to_ns); tick++)
                if (heard_at(tick) != 0)
                        fail_msg("%f at %lld ticks after %lld ns", (double)heard_at(tick),
                                 (long long)(tick - tick_at(from_ns)), (long long)from_ns);
}

static void assert_hum(int64_t from_ns, int64_t to_ns)
{
        for (int64_t tick = tick_at(from_ns) + EDGE; tick < tick_at(to_ns) - EDGE; tick++)
                if (!(fabsf(heard_at(tick) - LEVEL) < 0.01f))
                        fail_msg("%f at %lld ticks after %lld ns", (double)heard_at(tick),
                                 (long long)(tick - tick_at(from_ns)), (long long)from_ns);
}

// Units that overlap the span are flagged; with all the flags given, but for those of which it holds only a part.
static unsigned count_flagged(const struct bench *bench, int64_t from_ns, int64_t to_ns, uint16_t flags)
{
        const struct lane *lane = &bench->lane[BC_LANE_SOUND];
        unsigned flagged = 0;

        for (unsigned i = 0; i < lane->count; i++) {
                int64_t begin = bc_ticks_from_ns(lane->unit[i].time_ns), end = begin + BC_SOUND_UNIT_SAMPLES;

                if (end <= tick_at(from_ns) || begin >= tick_at(to_ns))
                        continue;
                if ((lane->unit[i].flags & flags) != flags &&
                    (flags == BC_UNIT_MUTED || (begin >= tick_at(from_ns) && end <= tick_at(to_ns))))
                        fail_msg("unit at %lld has flags %x", (long long)(begin - tick_at(0)), lane->unit[i].flags);
                flagged++;
        }
        return flagged;
}

// What a player plays of the units that lie in the span, whole and with their neighbours, is nothing.
static void assert_silence_is_played(const struct bench *bench, int64_t from_ns, int64_t to_ns)
{
        const struct lane *lane = &bench->lane[BC_LANE_SOUND];
        struct decoder decoder;

        decoder_open_sound(&decoder, &bc_pipeline_stream(bench->pipeline)->sound);
        for (unsigned i = 0; i < lane->count; i++) {
                int64_t begin = bc_ticks_from_ns(lane->unit[i].time_ns);
                const float *x;

                decode(&decoder, &lane->unit[i], lane->bytes[i]);
                x = (const float *)decoder.frame->extended_data[0];
                if (begin - 2 * BC_SOUND_UNIT_SAMPLES < tick_at(from_ns) ||
                    begin + 3 * BC_SOUND_UNIT_SAMPLES > tick_at(to_ns))
                        continue;
                for (int n = 0; n < BC_SOUND_UNIT_SAMPLES; n++)
                        assert_true(fabsf(x[n]) < 1e-4f);
        }
        decoder_close(&decoder);
}

// ---- one mute ------------------------------------------------------------------------------------------------

static void test_muted_and_back(void **state)
{
        const struct span span = { 3 * BC_NS_PER_S + 123456789, 7 * BC_NS_PER_S + 987654321 };
        struct bench *bench = set_up_hum();
        struct bc_pipeline_counters counters;
        unsigned flagged;

        (void)state;
        start(bench, true);
        run_to(bench, span.from_ns);
        assert_int_equal(bc_pipeline_set_muted(bench->pipeline, true, START_NS + span.from_ns), START_NS + span.from_ns);
        run_to(bench, span.until_ns);
        assert_int_equal(bc_pipeline_set_muted(bench->pipeline, false, START_NS + span.until_ns),
                         START_NS + span.until_ns);
        run_to(bench, 10 * BC_NS_PER_S);
        stop(bench);
        assert_zero(span.from_ns, span.until_ns);
        assert_hum(BC_NS_PER_S, span.from_ns);
        assert_hum(span.until_ns, 9 * BC_NS_PER_S);
        flagged = count_flagged(bench, span.from_ns, span.until_ns, BC_UNIT_MUTED);
        assert_int_equal(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED), flagged);
        assert_silence_is_played(bench, span.from_ns, span.until_ns);
        // Real silence, not a substitute, and not a sound that was lost.
        bc_pipeline_counters(bench->pipeline, &counters);
        assert_true(counters.silent_units <= 3);
        assert_int_equal(bench->notices, 0);
        tear_down_hum(bench);
}

// The press is told of late: what is encoded already stays, and from when on it is muted is told.
static void test_told_late(void **state)
{
        uint32_t step_ms = counts_of(35, 7, 7);

        (void)state;
        for (int64_t late_ns = 0; late_ns <= 300 * BC_NS_PER_MS; late_ns += step_ms * BC_NS_PER_MS) {
                struct bench *bench = set_up_hum();
                int64_t from_ns = 3 * BC_NS_PER_S, since_ns, until_ns;

                start(bench, true);
                run_to(bench, from_ns + late_ns);
                since_ns = bc_pipeline_set_muted(bench->pipeline, true, START_NS + from_ns) - START_NS;
                assert_in_range(since_ns, from_ns, from_ns + late_ns);
                if (late_ns > 60 * BC_NS_PER_MS) // no earlier, but as early as can be
                        assert_in_range(since_ns, from_ns + late_ns - 60 * BC_NS_PER_MS, from_ns + late_ns);
                run_to(bench, 5 * BC_NS_PER_S + late_ns);
                until_ns = bc_pipeline_set_muted(bench->pipeline, false, START_NS + 5 * BC_NS_PER_S) - START_NS;
                assert_in_range(until_ns, 5 * BC_NS_PER_S, 5 * BC_NS_PER_S + late_ns);
                run_to(bench, 7 * BC_NS_PER_S);
                stop(bench);
                // At its end by the device's samples alone, which then go through the filter.
                assert_zero(since_ns, until_ns > 5 * BC_NS_PER_S ? until_ns - BC_NS_PER_MS : until_ns);
                assert_hum(BC_NS_PER_S, since_ns);
                assert_hum(until_ns, 6 * BC_NS_PER_S);
                assert_int_equal(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED),
                                 count_flagged(bench, since_ns, until_ns, BC_UNIT_MUTED));
                tear_down_hum(bench);
        }
}

// Another rate, stereo, off by 200 ppm, and asked for ahead of time.
static void test_other_microphones(void **state)
{
        const uint32_t rates[] = { 8000, 44100, 96000 };

        (void)state;
        for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
                struct bench *bench = set_up_hum();

                test_mic_done(&bench->mic);
                test_mic_init(&bench->mic, bench->clock, rates[i], 2);
                bench->mic.ppm = i == 1 ? -200 : 200;
                bench->mic.hums = true;
                start(bench, true);
                run_to(bench, 2 * BC_NS_PER_S);
                bc_pipeline_set_muted(bench->pipeline, true, START_NS + 4 * BC_NS_PER_S);
                bc_pipeline_set_muted(bench->pipeline, false, START_NS + 6 * BC_NS_PER_S);
                run_to(bench, 10 * BC_NS_PER_S);
                stop(bench);
                assert_zero(4 * BC_NS_PER_S, 6 * BC_NS_PER_S);
                // By the device's samples and by ticks, which are up to 0.3 ms apart; the filter at 8 kHz is six times as long.
                assert_hum(BC_NS_PER_S, 4 * BC_NS_PER_S - 6 * BC_NS_PER_MS);
                assert_hum(6 * BC_NS_PER_S + 6 * BC_NS_PER_MS, 9 * BC_NS_PER_S);
                count_flagged(bench, 4 * BC_NS_PER_S, 6 * BC_NS_PER_S, BC_UNIT_MUTED);
                assert_in_range(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED), 94, 96);
                tear_down_hum(bench);
        }
}

// ---- many ----------------------------------------------------------------------------------------------------

// Several at once, all still on their way.
static void test_a_burst(void **state)
{
        struct bench *bench = set_up_hum();
        const int64_t at_ns = 3 * BC_NS_PER_S;
        unsigned flagged = 0;

        (void)state;
        start(bench, true);
        run_to(bench, at_ns);
        for (int i = 0; i < 8; i++) {
                bc_pipeline_set_muted(bench->pipeline, true, START_NS + at_ns + i * 50 * BC_NS_PER_MS);
                bc_pipeline_set_muted(bench->pipeline, false, START_NS + at_ns + (i * 50 + 20) * BC_NS_PER_MS);
        }
        run_to(bench, 5 * BC_NS_PER_S);
        stop(bench);
        for (int i = 0; i < 8; i++) {
                int64_t from_ns = at_ns + i * 50 * BC_NS_PER_MS;

                assert_zero(from_ns, from_ns + 20 * BC_NS_PER_MS);
                assert_hum(from_ns + 20 * BC_NS_PER_MS, from_ns + 50 * BC_NS_PER_MS);
                flagged += count_flagged(bench, from_ns, from_ns + 20 * BC_NS_PER_MS, BC_UNIT_MUTED);
        }
        assert_true(flagged >= count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED));
        tear_down_hum(bench);
}

// More than can be remembered, while the sound goes on: none is lost on the way.
static void test_on_and_off_for_long(void **state)
{
        struct bench *bench = set_up_hum();

        (void)state;
        start(bench, true);
        for (int i = 0; i < 100; i++) {
                run_to(bench, BC_NS_PER_S + i * 90 * BC_NS_PER_MS);
                bc_pipeline_set_muted(bench->pipeline, true, START_NS + BC_NS_PER_S + i * 90 * BC_NS_PER_MS);
                run_to(bench, BC_NS_PER_S + (i * 90 + 45) * BC_NS_PER_MS);
                bc_pipeline_set_muted(bench->pipeline, false, START_NS + BC_NS_PER_S + (i * 90 + 45) * BC_NS_PER_MS);
        }
        run_to(bench, 11 * BC_NS_PER_S);
        stop(bench);
        for (int i = 0; i < 100; i++) {
                int64_t from_ns = BC_NS_PER_S + i * 90 * BC_NS_PER_MS;

                assert_zero(from_ns, from_ns + 45 * BC_NS_PER_MS);
                assert_hum(from_ns + 45 * BC_NS_PER_MS, from_ns + 90 * BC_NS_PER_MS);
        }
        tear_down_hum(bench);
}

// ---- sensors off and on, and a microphone that fails -----------------------------------------------------------

static void test_it_stays_muted_while_the_sensors_are_off(void **state)
{
        struct bench *bench = set_up_hum();
        struct bc_cursor cursor;

        (void)state;
        make_pipeline(bench, true);
        bc_pipeline_set_muted(bench->pipeline, true, START_NS - BC_NS_PER_S); // before it ever ran
        assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
        run_to(bench, 3 * BC_NS_PER_S);
        bc_pipeline_stop(bench->pipeline);
        run_to(bench, 5 * BC_NS_PER_S);
        assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
        run_to(bench, 7 * BC_NS_PER_S);
        bc_pipeline_set_muted(bench->pipeline, false, START_NS + 7 * BC_NS_PER_S);
        run_to(bench, 8 * BC_NS_PER_S);
        bc_pipeline_stop(bench->pipeline);
        assert_int_equal(bc_ring_place(bench->ring, -1, &cursor), 0);
        read_units(bench, cursor);
        assert_zero(25 * BC_NS_PER_MS, 2 * BC_NS_PER_S);
        assert_zero(5 * BC_NS_PER_S + 25 * BC_NS_PER_MS, 7 * BC_NS_PER_S);
        assert_hum(7 * BC_NS_PER_S, 8 * BC_NS_PER_S - 50 * BC_NS_PER_MS);
        count_flagged(bench, 5 * BC_NS_PER_S + 25 * BC_NS_PER_MS, 7 * BC_NS_PER_S, BC_UNIT_MUTED);

        // Muted and unmuted while they are off: nothing of it is left.
        for (int i = 0; i < 50; i++) {
                bc_pipeline_set_muted(bench->pipeline, true, START_NS + 8 * BC_NS_PER_S + i * BC_NS_PER_MS);
                bc_pipeline_set_muted(bench->pipeline, false, START_NS + 8 * BC_NS_PER_S + (i + 1) * BC_NS_PER_MS);
        }
        run_to(bench, 9 * BC_NS_PER_S);
        assert_int_equal(bc_pipeline_start(bench->pipeline), 0);
        run_to(bench, 11 * BC_NS_PER_S);
        bc_pipeline_stop(bench->pipeline);
        assert_int_equal(bc_ring_place(bench->ring, -1, &cursor), 0);
        read_units(bench, cursor);
        assert_hum(9 * BC_NS_PER_S + 50 * BC_NS_PER_MS, 11 * BC_NS_PER_S - 50 * BC_NS_PER_MS);
        assert_int_equal(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED), 0);
        tear_down_hum(bench);
}

// Stalled from 3 to 5 s, muted from 4 to 6: muted and no sound are said of each by itself.
static void test_a_stalled_microphone_that_is_muted(void **state)
{
        for (int silent_about_it = 0; silent_about_it <= 1; silent_about_it++) {
                struct bench *bench = set_up_hum();
                const struct lane *sound = &bench->lane[BC_LANE_SOUND];

                (void)state;
                bench->mic.dead[0] = (struct span){ 3 * BC_NS_PER_S, 5 * BC_NS_PER_S };
                bench->mic.silent_about_it = silent_about_it;
                start(bench, true);
                run_to(bench, 4 * BC_NS_PER_S);
                bc_pipeline_set_muted(bench->pipeline, true, START_NS + 4 * BC_NS_PER_S);
                run_to(bench, 6 * BC_NS_PER_S);
                bc_pipeline_set_muted(bench->pipeline, false, START_NS + 6 * BC_NS_PER_S);
                run_to(bench, 8 * BC_NS_PER_S);
                stop(bench);
                assert_hum(BC_NS_PER_S, 3 * BC_NS_PER_S - 10 * BC_NS_PER_MS); // a chunk is lost as a whole
                assert_zero(3 * BC_NS_PER_S + BC_NS_PER_MS, 6 * BC_NS_PER_S);
                assert_hum(6 * BC_NS_PER_S, 7 * BC_NS_PER_S);
                count_flagged(bench, 3 * BC_NS_PER_S, 5 * BC_NS_PER_S, BC_UNIT_SUBSTITUTE);
                assert_int_equal(count_flag(sound, BC_UNIT_MUTED),
                                 count_flagged(bench, 4 * BC_NS_PER_S, 6 * BC_NS_PER_S, BC_UNIT_MUTED));
                count_flagged(bench, 4 * BC_NS_PER_S, 5 * BC_NS_PER_S, BC_UNIT_MUTED | BC_UNIT_SUBSTITUTE);
                for (unsigned i = 0; i < sound->count; i++) { // what is only muted is not called a substitute
                        int64_t time_ns = sound->unit[i].time_ns - START_NS;

                        if (time_ns > 5 * BC_NS_PER_S + 25 * BC_NS_PER_MS && time_ns < 7 * BC_NS_PER_S)
                                assert_int_equal(sound->unit[i].flags & BC_UNIT_SUBSTITUTE, 0);
                }
                assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_LOST, NULL), 1);
                assert_int_equal(count_notices(bench, BC_PIPELINE_SOUND_BACK, NULL), 1);
                tear_down_hum(bench);
        }
}

// An encoder that fails is replaced: what it held is redone as silence, and is muted still.
static void test_a_failed_encoder_while_muted(void **state)
{
        struct bench *bench = set_up_hum();

        (void)state;
        fault.fail_at[1] = 200; // at 4.3 s
        fault.failures[1] = 1;
        start(bench, true);
        run_to(bench, 3 * BC_NS_PER_S);
        bc_pipeline_set_muted(bench->pipeline, true, START_NS + 3 * BC_NS_PER_S);
        run_to(bench, 6 * BC_NS_PER_S);
        bc_pipeline_set_muted(bench->pipeline, false, START_NS + 6 * BC_NS_PER_S);
        run_to(bench, 8 * BC_NS_PER_S);
        stop(bench);
        assert_zero(3 * BC_NS_PER_S, 6 * BC_NS_PER_S);
        assert_hum(6 * BC_NS_PER_S, 7 * BC_NS_PER_S);
        assert_true(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_SUBSTITUTE) > 3);
        assert_int_equal(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED),
                         count_flagged(bench, 3 * BC_NS_PER_S, 6 * BC_NS_PER_S, BC_UNIT_MUTED));
        tear_down_hum(bench);
}

static void test_without_a_microphone(void **state)
{
        struct bench *bench = set_up();

        (void)state;
        start(bench, false);
        assert_int_equal(bc_pipeline_set_muted(bench->pipeline, true, START_NS + 5), START_NS + 5);
        run_to(bench, BC_NS_PER_S);
        stop(bench);
        tear_down(bench);
}

// ---- threads -------------------------------------------------------------------------------------------------

struct fiddler {
        struct bench *bench;
        struct bc_monitor monitor;
        atomic_bool stop;
};

static void fiddle(void *user)
{
        struct fiddler *fiddler = user;

        for (bool muted = true; !atomic_load(&fiddler->stop); muted = !muted) {
                int64_t now_ns = bc_clock_now_ns(fiddler->bench->clock);

                assert_true(bc_pipeline_set_muted(fiddler->bench->pipeline, muted, now_ns) >= now_ns);
                bc_monitor_lock(&fiddler->monitor);
                while (bc_clock_now_ns(fiddler->bench->clock) < now_ns + 7 * BC_NS_PER_MS)
                        bc_monitor_wait(&fiddler->monitor, now_ns + 7 * BC_NS_PER_MS);
                bc_monitor_unlock(&fiddler->monitor);
        }
        bc_pipeline_set_muted(fiddler->bench->pipeline, true, START_NS + 4 * BC_NS_PER_S);
}

// Another thread mutes and unmutes all the time; where it was muted at last, it is.
static void test_from_another_thread(void **state)
{
        struct bench *bench = set_up_hum();
        struct fiddler fiddler = { .bench = bench };
        struct bc_thread *thread;

        (void)state;
        bc_monitor_init(&fiddler.monitor, bench->clock);
        start(bench, true);
        assert_int_equal(bc_thread_start(bench->clock, "fiddler", fiddle, &fiddler, &thread), 0);
        run_to(bench, 4 * BC_NS_PER_S - BC_NS_PER_S / 2);
        atomic_store(&fiddler.stop, true);
        run_to(bench, 6 * BC_NS_PER_S);
        bc_thread_join(thread);
        stop(bench);
        assert_zero(4 * BC_NS_PER_S, 6 * BC_NS_PER_S - 50 * BC_NS_PER_MS);
        assert_true(count_flag(&bench->lane[BC_LANE_SOUND], BC_UNIT_MUTED) > 100);
        bc_monitor_done(&fiddler.monitor);
        tear_down_hum(bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_muted_and_back),
                cmocka_unit_test(test_told_late),
                cmocka_unit_test(test_other_microphones),
                cmocka_unit_test(test_a_burst),
                cmocka_unit_test(test_on_and_off_for_long),
                cmocka_unit_test(test_it_stays_muted_while_the_sensors_are_off),
                cmocka_unit_test(test_a_stalled_microphone_that_is_muted),
                cmocka_unit_test(test_a_failed_encoder_while_muted),
                cmocka_unit_test(test_without_a_microphone),
                cmocka_unit_test(test_from_another_thread),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
