// SPDX-License-Identifier: EUPL-1.2
// The controller on a real pipeline, ring, recorder and store, in simulated time, with a card that stalls or fails and
// an encoder that fails. What is to happen when is a script; it runs on the loop's own timer.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/controller.h"
#include "evidence/manifest.h"
#include "still_camera.h"

#define S BC_NS_PER_S
#define START_NS (100 * S)

// ---- what breaks -----------------------------------------------------------------------------------------------

static struct {
        struct bc_clock *clock; // NULL: nothing is wrapped
        struct bc_monitor monitor;
        int64_t stall_until_ns;
        atomic_bool fails;
        atomic_int encoder_error; // of every picture
} broken;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
struct AVCodecContext;
struct AVFrame;
int __real_avcodec_send_frame(struct AVCodecContext *context, const struct AVFrame *frame);
int __wrap_avcodec_send_frame(struct AVCodecContext *context, const struct AVFrame *frame);

// 0, or -1 for a card that fails.
static int wait_for_card(void)
{
        if (!broken.clock)
                return 0;
        bc_monitor_lock(&broken.monitor);
        while (bc_clock_now_ns(broken.clock) < broken.stall_until_ns)
                bc_monitor_wait(&broken.monitor, broken.stall_until_ns);
        bc_monitor_unlock(&broken.monitor);
        if (atomic_load(&broken.fails)) {
                errno = EIO;
                return -1;
        }
        return 0;
}

int __wrap_fdatasync(int fd)
{
        return wait_for_card() < 0 ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        return wait_for_card() < 0 ? -1 : __real_fsync(fd);
}

int __wrap_avcodec_send_frame(struct AVCodecContext *context, const struct AVFrame *frame)
{
        int error = atomic_load(&broken.encoder_error);

        return error ? error : __real_avcodec_send_frame(context, frame);
}

static void stall_until(int64_t time_ns)
{
        bc_monitor_lock(&broken.monitor);
        broken.stall_until_ns = time_ns;
        bc_monitor_wake(&broken.monitor);
        bc_monitor_unlock(&broken.monitor);
}

// ---- the world -------------------------------------------------------------------------------------------------

struct world;
struct step {
        int64_t at_ns; // since START_NS
        void (*run)(struct world *world);
};

struct world {
        char path[64];
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_store *store;
        struct bc_ring *ring;
        struct bc_camera *camera;
        struct bc_controller *controller;
        struct bc_pipeline *pipeline;
        struct bc_recorder *recorder;
        struct bc_timer *timer;
        const struct step *step;
        int64_t stall_at_start_ns; // the card, while recovery begins
        int64_t held_at_ns;        // where the clock stands; 0: it runs for ever
        char alarms[1024];
};

static struct bc_status status_of(struct world *world)
{
        struct bc_status status;

        bc_controller_status(world->controller, &status);
        return status;
}

static struct bc_outcome tell(struct world *world, enum bc_event event)
{
        return bc_controller_handle(world->controller, event, bc_clock_now_ns(world->clock), "test");
}

static void press(struct world *world)
{
        assert_true(tell(world, BC_EVENT_RECORD_PRESS).accepted);
}

static void emergency(struct world *world)
{
        assert_true(tell(world, BC_EVENT_EMERGENCY_START).accepted);
}

static void release(struct world *world)
{
        assert_true(tell(world, BC_EVENT_EMERGENCY_RELEASE).accepted);
}

static void shut_down(struct world *world)
{
        assert_true(tell(world, BC_EVENT_SHUTDOWN).accepted);
}

static void on_step(void *user, int64_t due_ns)
{
        struct world *world = user;

        if (due_ns == 0) {
                // From inside the loop, so that no time passes before it runs.
                bc_clock_release(world->clock, world->held_at_ns ? START_NS + world->held_at_ns : BC_NS_NEVER);
        } else {
                world->step->run(world);
                world->step++;
        }
        if (world->step->run)
                bc_timer_set(world->timer, START_NS + world->step->at_ns);
}

static void on_alarm(void *user, const char *text)
{
        struct world *world = user;
        size_t used = strlen(world->alarms);

        snprintf(world->alarms + used, sizeof(world->alarms) - used, "%s; ", text);
}

static void on_change(void *user)
{
        (void)status_of(user); // may be asked at any change
}

static void make_parts(struct world *world)
{
        const struct bc_pipeline_config pipeline = { .encoder = "libx264", .preset = "ultrafast", .threads = 1,
                                                     .bit_rate_bps = 200000, .sound_bit_rate_bps = 96000,
                                                     .gop_ns = S, .slate_after_ns = S };
        const struct bc_recorder_config recorder = { .pre_event_ns = 3 * S, .pre_event_sound = true,
                                                     .fragment_ns = S / 2, .segment_ns = 10 * S,
                                                     .fragment_bytes = 100000, .retry_ns = S, .give_up_ns = S };
        const struct bc_controller_config config = { .post_event_ns = 2 * S, .dock_dwell_ns = 3 * S,
                                                     .slate_after_ns = S, .stop_within_ns = 20 * S };
        const struct bc_controller_sink sink = { on_change, on_alarm, world };
        struct bc_controller_parts parts = { .loop = world->loop, .store = world->store };
        struct bc_pipeline_sink pipeline_sink;
        struct bc_recorder_sink recorder_sink;
        struct bc_ring_config ring;

        bc_pipeline_ring_config(&pipeline, false, 3 * S, 60 * S, S / 2, 10000, &ring);
        assert_int_equal(bc_ring_new(world->clock, &ring, &world->ring), 0);
        parts.ring = world->ring;
        assert_int_equal(bc_controller_new(&parts, &config, &world->controller), 0);
        bc_controller_watch(world->controller, &sink);
        pipeline_sink = bc_controller_pipeline_sink(world->controller);
        recorder_sink = bc_controller_recorder_sink(world->controller);
        assert_int_equal(bc_pipeline_new(world->clock, world->ring, world->camera, NULL, &pipeline, &pipeline_sink,
                                         &world->pipeline), 0);
        assert_int_equal(bc_recorder_new(world->clock, world->ring, world->store, bc_pipeline_stream(world->pipeline),
                                         &recorder, &recorder_sink, &world->recorder), 0);
}

static void make(struct world *world)
{
        char text[256] = "";

        assert_int_equal(bc_clock_new_simulated(START_NS, &world->clock), 0);
        bc_monitor_init(&broken.monitor, world->clock);
        broken.stall_until_ns = 0;
        broken.fails = false;
        broken.encoder_error = 0;
        broken.clock = world->clock;
        assert_int_equal(bc_loop_new(world->clock, &world->loop), 0);
        assert_int_equal(bc_timer_new(world->loop, on_step, world, &world->timer), 0);
        if (bc_store_open(world->path, "T", text, sizeof(text), &world->store) < 0)
                fail_msg("%s", text);
        world->camera = still_camera_new(world->clock);
        assert_non_null(world->camera);
        make_parts(world);
}

static void unmake(struct world *world)
{
        bc_clock_release(world->clock, BC_NS_NEVER);
        bc_controller_stop(world->controller);
        bc_recorder_free(world->recorder);
        bc_pipeline_free(world->pipeline);
        bc_controller_free(world->controller);
        bc_ring_free(world->ring);
        bc_camera_free(world->camera);
        bc_store_free(world->store);
        bc_timer_free(world->timer);
        bc_loop_free(world->loop);
        broken.clock = NULL;
        bc_monitor_done(&broken.monitor);
        bc_clock_free(world->clock);
}

// Lives through a script on a store that lasts; returns what the loop ended with.
static int live(struct world *world, const struct step *steps)
{
        int status;

        make(world);
        world->step = steps;
        world->alarms[0] = 0;
        stall_until(START_NS + world->stall_at_start_ns);
        bc_timer_set(world->timer, 0);
        assert_int_equal(bc_controller_start(world->controller, world->pipeline, world->recorder), 0);
        status = bc_loop_run(world->loop);
        unmake(world);
        return status;
}

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));

        snprintf(world->path, sizeof(world->path), "/tmp/bc-controller-XXXXXX");
        assert_non_null(mkdtemp(world->path));
        *state = world;
        return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
        (void)status;
        (void)kind;
        (void)walk;
        return remove(path);
}

static int teardown(void **state)
{
        struct world *world = *state;

        assert_int_equal(nftw(world->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(world);
        return 0;
}

// ---- what is left ----------------------------------------------------------------------------------------------

// The recordings of the store, one line: "1:closed -3.9..+5.1 " (times from its press, tenths), "2:open" ...
static void tell_store(const struct world *world, char *text, size_t bytes)
{
        static const char *const states[] = { "open", "closed", "recovered" };
        size_t used = 0;

        text[0] = 0;
        for (unsigned number = 1;; number++) {
                struct bc_manifest manifest;
                char folder[128];
                int fd;
                snprintf(folder, sizeof(folder), "%s/recordings/T-%06u", world->path, number);
                fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0)
                        return;
                bc_manifest_init(&manifest);
                assert_int_equal(bc_manifest_load(&manifest, fd), 0);
                assert_true(manifest.segments > 0);
                int64_t first = manifest.segment[0].first_ticks - manifest.press_ticks;
                int64_t end = manifest.segment[manifest.segments - 1].end_ticks - manifest.press_ticks;
                used += (size_t)snprintf(text + used, bytes - used, "%u:%s %+.1f..%+.1f ", number,
                                         states[manifest.state], (double)first / 48000, (double)end / 48000);
                bc_manifest_done(&manifest);
                close(fd);
        }
}

#define expect_store(world, expected)                             \
        do {                                                      \
                char text_[2048];                                 \
                tell_store(world, text_, sizeof(text_));          \
                assert_string_equal(text_, expected);             \
        } while (0)

#define expect_status(world, state_expected, flags_expected)                                                      \
        do {                                                                                                      \
                struct bc_status status_ = status_of(world);                                                      \
                assert_string_equal(bc_state_name(status_.state), bc_state_name(BC_STATE_##state_expected));      \
                assert_int_equal(status_.flags, flags_expected);                                                  \
        } while (0)

// ---- stories ---------------------------------------------------------------------------------------------------

static void is_recording(struct world *world)
{
        expect_status(world, RECORDING, 0);
}

static void is_buffering(struct world *world)
{
        expect_status(world, BUFFERING, 0);
        assert_int_equal(status_of(world).recorder.waiting, 0);
}

static void test_a_recording(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },        { 15 * S, is_recording }, { 15 * S, press },
                { 20 * S, is_buffering }, { 20 * S, shut_down },    { 0 },
        };

        assert_int_equal(live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+7.0 ");
}

static void stall_from_now(struct world *world)
{
        stall_until(bc_clock_now_ns(world->clock) + 30 * S);
}

static void is_not_late(struct world *world)
{
        expect_status(world, RECORDING, 0);
}

static void is_late(struct world *world)
{
        expect_status(world, RECORDING, BC_FLAG_NOT_DURABLE);
        assert_string_equal(world->alarms, "what is recorded does not become durable; ");
}

// A card that stands still from the instant of the press is told of after two seconds, and nothing is lost.
static void test_a_stalled_card_is_an_alarm(void **state)
{
        static const struct step steps[] = {
                { 10 * S, stall_from_now }, { 10 * S, press },         { 11 * S, is_not_late }, { 13 * S, is_late },
                { 39 * S, is_late },        { 45 * S, is_recording },  { 45 * S, press },       { 50 * S, is_buffering },
                { 50 * S, shut_down },      { 0 },
        };

        assert_int_equal(live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+37.0 ");
}

// Later on, five seconds without progress are one.
static void test_a_card_that_stalls_in_between(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },       { 20 * S, stall_from_now }, { 23 * S, is_not_late }, { 28 * S, is_late },
                { 55 * S, is_recording }, { 55 * S, press },         { 60 * S, shut_down },   { 0 },
        };

        assert_int_equal(live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+47.0 ");
}

static void card_fails(struct world *world)
{
        (void)world;
        broken.fails = true;
}

static void card_works(struct world *world)
{
        (void)world;
        broken.fails = false;
}

static void is_in_trouble(struct world *world)
{
        expect_status(world, RECORDING, BC_FLAG_STORAGE_TROUBLE | BC_FLAG_NOT_DURABLE);
        assert_int_equal(strncmp(world->alarms, "the store cannot be written: Input/output error; ", 49), 0);
}

static void test_a_failing_card_is_an_alarm(void **state)
{
        static const struct step steps[] = {
                { 10 * S, card_fails }, { 10 * S, press },        { 15 * S, is_in_trouble }, { 20 * S, card_works },
                { 25 * S, is_recording }, { 25 * S, press },      { 30 * S, is_buffering },  { 30 * S, shut_down },
                { 0 },
        };

        assert_int_equal(live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+17.0 ");
}

static void press_and_dock(struct world *world)
{
        press(world);
        assert_true(tell(world, BC_EVENT_DOCK).accepted);
        assert_true(tell(world, BC_EVENT_UNDOCK).accepted);
}

// More recordings than the recorder takes: the one too many is owed, and one begun while it is owed goes on with it.
static void many_presses(struct world *world)
{
        for (unsigned i = 0; i < BC_RECORDER_QUEUE_MAX + 3; i++)
                press_and_dock(world);
        assert_int_equal(status_of(world).recorder.waiting, BC_RECORDER_QUEUE_MAX);
}

static unsigned count_recordings(const struct world *world, const char *what)
{
        char text[4096];
        unsigned count = 0;

        tell_store(world, text, sizeof(text));
        for (const char *at = text; (at = strstr(at, what)); at++)
                count++;
        return count;
}

static void test_too_many_recordings_at_once(void **state)
{
        static const struct step steps[] = {
                { 10 * S, stall_from_now }, { 11 * S, press },        { 12 * S, press },       { 15 * S, many_presses },
                { 16 * S, press },          { 50 * S, is_recording }, { 51 * S, press },       { 60 * S, is_buffering },
                { 60 * S, shut_down },      { 0 },
        };
        struct world *world = *state;

        assert_int_equal(live(world, steps), 0);
        // 1 of the first press, 15 of the many, and one that the rest and the last press went on with.
        assert_int_equal(count_recordings(world, ":closed"), BC_RECORDER_QUEUE_MAX + 1);
        assert_int_equal(count_recordings(world, ":open"), 0);
        assert_int_equal(count_recordings(world, "17:closed -3.9..+38.0"), 1);
}

static void encoder_fails(struct world *world)
{
        (void)world;
        broken.encoder_error = -EIO;
}

static void encoder_works(struct world *world)
{
        (void)world;
        broken.encoder_error = 0;
}

static void is_in_fault(struct world *world)
{
        expect_status(world, FAULT, BC_FLAG_WANTED);
        assert_int_equal(strncmp(world->alarms, "nothing can be recorded; still nothing", 38), 0);
        assert_int_equal(tell(world, BC_EVENT_RECORD_START).refusal, BC_REFUSAL_FAULT);
}

// A failed encoder ends the recording; the pipeline is started anew until it holds, then the recording goes on.
static void test_a_failed_encoder(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },       { 20 * S + S / 20, encoder_fails }, { 35 * S, is_in_fault },
                { 35 * S, encoder_works },
                { 70 * S, is_recording },  { 70 * S, press },         { 75 * S, is_buffering }, { 75 * S, shut_down },
                { 0 },
        };
        struct world *world = *state;

        assert_int_equal(live(world, steps), 0);
        assert_int_equal(count_recordings(world, ":closed"), 2);
        assert_int_equal(count_recordings(world, "1:closed -3.9..+10.1"), 1);
}

static void is_in_fault_and_late(struct world *world)
{
        expect_status(world, FAULT, BC_FLAG_WANTED | BC_FLAG_NOT_DURABLE);
}

// The pipeline starts anew with an empty ring, so not before the card has what is in it.
static void test_a_failed_encoder_on_a_stalled_card(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },           { 15 * S, stall_from_now }, { 20 * S + S / 20, encoder_fails },
                { 21 * S, encoder_works },   { 40 * S, is_in_fault_and_late }, { 100 * S, is_recording },
                { 100 * S, press },          { 105 * S, is_buffering },  { 105 * S, shut_down }, { 0 },
        };
        struct world *world = *state;

        assert_int_equal(live(world, steps), 0);
        assert_int_equal(count_recordings(world, ":closed"), 2);
        assert_int_equal(count_recordings(world, "1:closed -3.9..+10.1"), 1);
}

static void is_emergency(struct world *world)
{
        expect_status(world, EMERGENCY, 0);
}

// In an emergency the state stands, and a new recording follows the one that the failed encoder ended.
static void test_a_failed_encoder_in_an_emergency(void **state)
{
        static const struct step steps[] = {
                { 10 * S, emergency },   { 20 * S + S / 20, encoder_fails }, { 30 * S, is_emergency },
                { 35 * S, encoder_works },
                { 70 * S, is_emergency }, { 70 * S, release },       { 75 * S, is_buffering }, { 75 * S, shut_down },
                { 0 },
        };
        struct world *world = *state;

        assert_int_equal(live(world, steps), 0);
        assert_int_equal(count_recordings(world, ":closed"), 2);
}

static void is_standing_by(struct world *world)
{
        expect_status(world, STANDBY, 0);
        assert_int_equal(status_of(world).recorder.waiting, 0);
}

static void is_standing_by_late(struct world *world)
{
        expect_status(world, STANDBY, BC_FLAG_NOT_DURABLE);
}

static void sensors_off(struct world *world)
{
        assert_true(tell(world, BC_EVENT_SENSORS_OFF).accepted);
}

// Sensors go off only when what was recorded is on the card: the ring starts empty when they go on again.
static void test_sensors_off_wait_for_the_card(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },       { 14 * S, stall_from_now },  { 15 * S, press },     { 18 * S, sensors_off },
                { 20 * S, is_standing_by_late }, { 21 * S, press },        { 30 * S, press },     { 60 * S, is_standing_by },
                { 60 * S, shut_down },   { 0 },
        };
        struct world *world = *state;

        assert_int_equal(live(world, steps), 0);
        // The second one has its seconds before the press: the sensors had not gone off yet.
        expect_store(world, "1:closed -3.9..+7.0 2:closed -3.9..+11.0 ");
}

static void die(struct world *world)
{
        bc_loop_quit(world->loop, 7);
}

static void is_starting(struct world *world)
{
        expect_status(world, STARTING, 0);
}

static void break_for_good(struct world *world)
{
        card_fails(world);
}

// A shutdown with a card that does not come back ends all the same, and says so; the next start recovers it, and who
// presses while it does so is not kept waiting.
static void test_a_shutdown_without_a_card_and_a_press_while_recovering(void **state)
{
        static const struct step first[] = {
                { 10 * S, press }, { 20 * S, break_for_good }, { 22 * S, shut_down }, { 0 },
        };
        static const struct step second[] = {
                { 1 * S, is_starting }, { 2 * S, press }, { 10 * S, press }, { 40 * S, is_buffering },
                { 40 * S, shut_down },  { 0 },
        };
        static const struct step third[] = { { 10 * S, is_buffering }, { 10 * S, die }, { 0 } };
        struct world *world = *state;

        world->held_at_ns = 22 * S; // the shutdown lets the clock run, or would never end
        assert_int_equal(live(world, first), 1);
        world->held_at_ns = 0;
        world->stall_at_start_ns = 30 * S;
        assert_int_equal(live(world, second), 0);
        world->stall_at_start_ns = 0;
        expect_store(world, "1:recovered -3.9..+10.1 2:closed +0.1..+10.0 ");
        assert_int_equal(live(world, third), 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_recording, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_stalled_card_is_an_alarm, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_card_that_stalls_in_between, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_failing_card_is_an_alarm, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_many_recordings_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_failed_encoder, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_failed_encoder_on_a_stalled_card, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_failed_encoder_in_an_emergency, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sensors_off_wait_for_the_card, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_shutdown_without_a_card_and_a_press_while_recovering, setup,
                                                teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
