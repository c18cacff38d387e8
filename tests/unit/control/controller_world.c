// SPDX-License-Identifier: EUPL-1.2
#include "controller_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/inbox.h"
#include "evidence/manifest.h"
#include "lib/wrapped.h"
#include "still_camera.h"

#define S BC_NS_PER_S

// ---- what breaks -----------------------------------------------------------------------------------------------

struct broken broken;

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

void world_stall_until(int64_t time_ns)
{
        bc_monitor_lock(&broken.monitor);
        broken.stall_until_ns = time_ns;
        bc_monitor_wake(&broken.monitor);
        bc_monitor_unlock(&broken.monitor);
}

// ---- the world -------------------------------------------------------------------------------------------------

struct bc_status world_status(struct world *world)
{
        struct bc_status status;

        bc_controller_status(world->controller, &status);
        return status;
}

struct bc_outcome world_tell(struct world *world, enum bc_event event)
{
        return bc_controller_handle(world->controller, event, bc_clock_now_ns(world->clock), BC_ORIGIN_COMMAND, "test");
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

static void on_alarm(void *user, enum bc_alarm alarm, const char *text)
{
        struct world *world = user;
        size_t used = strlen(world->alarms);

        (void)alarm;
        snprintf(world->alarms + used, sizeof(world->alarms) - used, "%s; ", text);
}

static void on_change(void *user)
{
        (void)world_status(user); // may be asked at any change
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
        struct bc_pipeline_parts pipeline_parts = { .clock = world->clock, .camera = world->camera };
        const struct bc_utc_anchor anchor = { .source = BC_UTC_NTP };
        struct bc_pipeline_sink pipeline_sink;
        struct bc_recorder_sink recorder_sink;
        struct bc_ring_config ring;

        bc_pipeline_ring_config(&pipeline, false, 3 * S, 60 * S, S / 2, 10000, &ring);
        assert_int_equal(bc_ring_new(world->clock, &ring, &world->ring), 0);
        parts.ring = pipeline_parts.ring = world->ring;
        assert_int_equal(bc_telemetry_new(world->clock, 3 * S, &world->telemetry), 0);
        bc_telemetry_set_anchor(world->telemetry, &anchor);
        parts.telemetry = pipeline_parts.telemetry = world->telemetry;
        assert_int_equal(bc_controller_new(&parts, &config, &world->controller), 0);
        assert_int_equal(bc_controller_watch(world->controller, &sink), 0);
        pipeline_sink = bc_inbox_pipeline_sink(world->loop);
        recorder_sink = bc_inbox_recorder_sink(world->loop);
        assert_int_equal(bc_pipeline_new(&pipeline_parts, &pipeline, &pipeline_sink, &world->pipeline), 0);
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
        still_camera_fail_starts(world->camera, world->camera_errors);
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
        bc_telemetry_free(world->telemetry);
        bc_camera_free(world->camera);
        bc_store_free(world->store);
        bc_timer_free(world->timer);
        bc_loop_free(world->loop);
        broken.clock = NULL;
        bc_monitor_done(&broken.monitor);
        bc_clock_free(world->clock);
}

// Lives through a script on a store that lasts; returns what the loop ended with.
int world_live(struct world *world, const struct step *steps)
{
        int status;

        make(world);
        world->step = steps;
        world->alarms[0] = 0;
        world_stall_until(START_NS + world->stall_at_start_ns);
        bc_timer_set(world->timer, 0);
        assert_int_equal(bc_controller_start(world->controller, world->pipeline, world->recorder), 0);
        status = bc_loop_run(world->loop);
        unmake(world);
        return status;
}

int world_setup(void **state)
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

int world_teardown(void **state)
{
        struct world *world = *state;

        assert_int_equal(nftw(world->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(world);
        return 0;
}

// ---- what is left ----------------------------------------------------------------------------------------------

// The recordings of the store, one line: "1:closed -3.9..+5.1 " (times from its press, tenths), "2:open" ...
void world_tell_store(const struct world *world, char *text, size_t bytes)
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
