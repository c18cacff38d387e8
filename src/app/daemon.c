// SPDX-License-Identifier: EUPL-1.2
#include "app/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/agency.h"
#include "app/bounds.h"
#include "app/devices.h"
#include "app/evidence.h"
#include "app/reload.h"
#include "app/service.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "control/controller.h"
#include "control/dbus.h"
#include "control/inbox.h"
#include "control/observer.h"
#include "control/officer.h"
#include "control/policy_words.h"
#include "control/supplies.h"
#include "evidence/recorder.h"
#include "evidence/store.h"
#include "media/overlay.h"
#include "media/telemetry.h"

#define TEXT_BYTES 900 // a line of the log
#define EVIDENCE_END_NS (5 * BC_NS_PER_S)

struct daemon {
        const struct bc_settings *settings;
        struct bc_bounds bounds;
        struct bc_clock *clock;
        struct bc_loop *loop;
        struct bc_devices devices;
        struct bc_store *store;
        struct bc_ring *ring;
        struct bc_overlay *overlay;
        struct bc_evidence *evidence;
        struct bc_agency *agency; // NULL: recordings lie in the clear
        struct bc_telemetry *telemetry;
        struct bc_observer *observer;
        struct bc_controller *controller;
        struct bc_pipeline *pipeline;
        struct bc_recorder *recorder;
        struct bc_officer *officer;
        struct bc_supplies *supplies;
        struct bc_dbus *dbus;
        struct bc_timer *let_run;
        struct bc_service *service;
        struct bc_reload *reload;
};

// In reverse order of making; any of them may be missing.
static void close_parts(struct daemon *daemon)
{
        // What ends now must not wait for a clock that stands.
        if (daemon->clock && bc_clock_is_simulated(daemon->clock))
                bc_clock_release(daemon->clock, BC_NS_NEVER);
        bc_timer_free(daemon->let_run);
        bc_service_free(daemon->service);
        bc_dbus_free(daemon->dbus);
        if (daemon->devices.battery)
                bc_battery_stop(daemon->devices.battery);
        if (daemon->devices.buttons)
                bc_buttons_stop(daemon->devices.buttons);
        bc_supplies_free(daemon->supplies);
        bc_officer_free(daemon->officer);
        if (daemon->devices.gnss)
                bc_gnss_stop(daemon->devices.gnss);
        if (daemon->devices.wall)
                bc_wall_stop(daemon->devices.wall);
        if (daemon->controller)
                bc_controller_stop(daemon->controller);
        bc_recorder_free(daemon->recorder);
        bc_evidence_free(daemon->evidence, EVIDENCE_END_NS); // the recorder needs it to its end, and it the pipeline's counters
        bc_agency_free(daemon->agency);
        bc_pipeline_free(daemon->pipeline);
        bc_controller_free(daemon->controller);
        bc_observer_free(daemon->observer);
        bc_telemetry_free(daemon->telemetry);
        bc_overlay_free(daemon->overlay);
        bc_ring_free(daemon->ring);
        bc_store_free(daemon->store);
        bc_devices_close(&daemon->devices);
}

static void daemon_done(struct daemon *daemon)
{
        close_parts(daemon);
        bc_reload_free(daemon->reload);
        bc_loop_free(daemon->loop);
        bc_clock_free(daemon->clock);
}

static enum bc_exit failed(enum bc_exit status, const char *what, int error)
{
        bc_log_error("%s: %s", what, strerror(-error));
        return status;
}

static enum bc_exit refused(enum bc_exit status, const char *text)
{
        bc_log_error("%s", text);
        return status;
}

static void log_line(const char *line)
{
        bc_log_info("%s", line);
}

static void print_line(const char *line)
{
        puts(line);
}

static void print_sentence(void *user, const char *text)
{
        (void)user;
        printf("policy: %s\n", text);
}

static int make_clock(const struct bc_settings *settings, struct bc_clock **ret_clock)
{
        if (settings->clock_mode == BC_CLOCK_SIMULATED)
                return bc_clock_new_simulated(settings->clock_start_ns, ret_clock);
        return bc_clock_new_real(ret_clock);
}

// In frames per 1000 s, rounded up: what is laid out for it must hold.
static uint32_t frame_rate_mhz(const struct bc_camera *camera)
{
        return (uint32_t)((1000 * BC_NS_PER_S + camera->info.interval_ns - 1) / camera->info.interval_ns);
}

static enum bc_exit make_overlay(struct daemon *daemon)
{
        const struct bc_settings *settings = daemon->settings;
        const struct bc_camera_info *camera = &daemon->devices.camera->info;
        struct bc_overlay_config config = {
                .font_path = settings->overlay_contents ? settings->overlay_font : NULL,
                .corner = (enum bc_corner)settings->overlay_corner,
                .contents = (uint32_t)settings->overlay_contents,
                .device = settings->device_id,
                .unit = settings->unit,
                .width_px = camera->width_px,
                .height_px = camera->height_px,
                .format = camera->format,
        };
        char text[TEXT_BYTES] = "", where[TEXT_BYTES];
        int r;

        // Without a receiver there is nothing to say of the position.
        if (!daemon->devices.gnss)
                config.contents &= ~(uint32_t)BC_OVERLAY_POSITION;
        r = bc_overlay_new(&config, text, sizeof(text), &daemon->overlay);
        if (r == 0)
                return BC_EXIT_DONE;
        bc_settings_tell(settings, "overlay", r == -EINVAL ? "contents" : "font", where, sizeof(where));
        bc_log_error("%s: %s", where, text[0] ? text : strerror(-r));
        return BC_EXIT_SETTINGS;
}

// Whose fault it is that the encoders are refused, and what to exit with.
static enum bc_exit refused_encoders(const struct bc_settings *settings, enum bc_pipeline_culprit culprit,
                                     const char *text)
{
        static const struct {
                const char *section, *key;
                enum bc_exit status;
        } blame[] = {
                [BC_PIPELINE_BAD_ENCODER] = { "video", "encoder", BC_EXIT_SETTINGS },
                [BC_PIPELINE_BAD_PRESET] = { "video", "preset", BC_EXIT_SETTINGS },
                [BC_PIPELINE_BAD_BIT_RATE] = { "video", "bit_rate", BC_EXIT_SETTINGS },
                [BC_PIPELINE_BAD_SOUND_BIT_RATE] = { "sound", "bit_rate", BC_EXIT_SETTINGS },
                [BC_PIPELINE_BROKEN_ENCODER] = { "video", "encoder", BC_EXIT_DEVICE },
        };
        char where[TEXT_BYTES];

        if ((size_t)culprit >= sizeof(blame) / sizeof(blame[0]) || !blame[culprit].key)
                return refused(BC_EXIT_DEVICE, text);
        bc_settings_tell(settings, blame[culprit].section, blame[culprit].key, where, sizeof(where));
        bc_log_error("%s: %s", where, text);
        return blame[culprit].status;
}

// What can be judged without starting anything.
// strict: for --check.
static enum bc_exit open_parts(struct daemon *daemon, bool strict)
{
        const struct bc_settings *settings = daemon->settings;
        char text[TEXT_BYTES] = "";
        enum bc_pipeline_culprit culprit = BC_PIPELINE_BAD_OTHER;
        struct bc_pipeline_camera camera;
        enum bc_exit status;
        int r;

        r = bc_devices_open(daemon->loop, settings, text, sizeof(text), &daemon->devices);
        if (r < 0)
                return refused(BC_EXIT_DEVICE, text);
        camera = (struct bc_pipeline_camera){
                .width_px = daemon->devices.camera->info.width_px,
                .height_px = daemon->devices.camera->info.height_px,
                .rate_mhz = frame_rate_mhz(daemon->devices.camera),
        };
        r = bc_bounds_derive(settings, camera.rate_mhz, text, sizeof(text), &daemon->bounds);
        if (r < 0)
                return refused(BC_EXIT_SETTINGS, text);
        r = bc_pipeline_check(&daemon->bounds.pipeline, &camera,
                              daemon->devices.mic ? daemon->devices.mic->info.channels : 0, text, sizeof(text),
                              &culprit);
        if (r < 0)
                return refused_encoders(settings, culprit, text);
        status = make_overlay(daemon);
        if (status != BC_EXIT_DONE)
                return status;
        r = bc_evidence_open(settings, &daemon->devices, strict, text, sizeof(text), &daemon->evidence);
        if (r == 0)
                r = bc_agency_open(settings, daemon->clock, strict, text, sizeof(text), &daemon->agency);
        if (r < 0)
                return refused(BC_EXIT_SETTINGS, text);
        r = bc_store_open(settings->store_path, settings->device_id, text, sizeof(text), &daemon->store);
        if (r < 0)
                return refused(BC_EXIT_STORE, text);
        return BC_EXIT_DONE;
}

static void on_observation(void *user)
{
        struct daemon *daemon = user;

        bc_evidence_on_clock(daemon->evidence);
        bc_controller_refresh(daemon->controller);
}

static void moment_at(void *user, int64_t time_ns, struct bc_moment *ret_moment)
{
        struct daemon *daemon = user;

        bc_telemetry_at(daemon->telemetry, time_ns, ret_moment);
}

static struct bc_controller_config controller_config(const struct daemon *daemon)
{
        return (struct bc_controller_config){
                .post_event_ns = daemon->settings->post_event_ns,
                .dock_dwell_ns = daemon->settings->dock_dwell_ns,
                .slate_after_ns = daemon->bounds.pipeline.slate_after_ns,
                .stop_within_ns = daemon->bounds.stop_within_ns,
                .sound = daemon->devices.mic != NULL,
                .gnss = daemon->devices.gnss != NULL,
                .policy = { .activation = (enum bc_activation)daemon->settings->activation,
                            .mute = daemon->settings->mute,
                            .stealth = daemon->settings->stealth },
                .mute_limit_ns = daemon->settings->mute_limit_ns,
        };
}

static void on_wrong_pattern(void *user, enum bc_signal signal, const char *why)
{
        (void)user;
        bc_log_error("[pattern] %s: %s", bc_signal_name(signal), why); // cannot be: the settings were judged
}

static struct bc_officer_config officer_config(const struct daemon *daemon)
{
        const struct bc_settings *settings = daemon->settings;
        struct bc_officer_config config = {
                .grammar = { .debounce_ns = settings->debounce_ns,
                             .stop_hold_ns = settings->stop_hold_ns,
                             .release_hold_ns = settings->emergency_release ? settings->release_hold_ns : 0 },
                .reminder_ns = settings->reminder_ns,
                .sound = daemon->devices.mic != NULL,
        };

        (void)bc_signal_patterns((enum bc_scheme)settings->indicator_scheme, settings->pattern,
                                 (uint32_t)settings->indicator_outputs, on_wrong_pattern, NULL, config.patterns);
        return config;
}

static int start_evidence(struct daemon *daemon)
{
        const struct bc_evidence_parts parts = {
                .clock = daemon->clock,
                .loop = daemon->loop,
                .store = daemon->store,
                .devices = &daemon->devices,
                .settings = daemon->settings,
                .telemetry = daemon->telemetry,
                .pipeline = daemon->pipeline,
        };
        char text[TEXT_BYTES] = "";
        int r;

        if (!daemon->evidence) {
                bc_log_warning("nothing is signed: [evidence] key is not set");
                return 0;
        }
        r = bc_evidence_start(daemon->evidence, &parts, text, sizeof(text));
        if (r < 0)
                bc_log_error("%s", text);
        return r;
}

static enum bc_exit make_recording_parts(struct daemon *daemon)
{
        const struct bc_settings *settings = daemon->settings;
        const struct bc_controller_config config = controller_config(daemon);
        const struct bc_observer_sink observer_sink = { on_observation, daemon };
        struct bc_controller_parts parts = { .loop = daemon->loop, .store = daemon->store };
        struct bc_pipeline_parts pipeline_parts = {
                .clock = daemon->clock,
                .camera = daemon->devices.camera,
                .mic = daemon->devices.mic,
                .overlay = daemon->overlay,
        };
        struct bc_recorder_config recorder = daemon->bounds.recorder;
        struct bc_pipeline_sink pipeline_sink;
        struct bc_recorder_sink recorder_sink;
        int r;

        r = bc_ring_new(daemon->clock, &daemon->bounds.ring, &daemon->ring);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "the ring cannot be made", r);
        parts.ring = pipeline_parts.ring = daemon->ring;
        r = bc_telemetry_new(daemon->clock, settings->gnss_fresh_ns, &daemon->telemetry);
        if (r == 0)
                r = bc_observer_new(daemon->loop, daemon->telemetry, settings->gnss_fresh_ns, &observer_sink,
                                    &daemon->observer);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "telemetry cannot be made", r);
        parts.telemetry = pipeline_parts.telemetry = daemon->telemetry;
        recorder.moment_at = moment_at;
        recorder.moment_user = daemon;
        pipeline_sink = bc_inbox_pipeline_sink(daemon->loop);
        recorder_sink = bc_inbox_recorder_sink(daemon->loop);
        r = bc_pipeline_new(&pipeline_parts, &daemon->bounds.pipeline, &pipeline_sink, &daemon->pipeline);
        if (r < 0)
                return failed(BC_EXIT_DEVICE, "the encoders cannot be opened", r);
        r = start_evidence(daemon);
        if (r < 0)
                return BC_EXIT_STORE;
        parts.ledger = bc_evidence_ledger(daemon->evidence);
        parts.rescue = bc_evidence_rescue(daemon->evidence);
        if (daemon->agency)
                bc_ledger_set_wordless(parts.ledger); // with it there is a key, and so a ledger
        recorder.attestation = bc_evidence_attestation(daemon->evidence);
        recorder.inventory = bc_evidence_inventory(daemon->evidence);
        recorder.agency = daemon->agency;
        recorder.boot = bc_evidence_boot(daemon->evidence);
        r = bc_controller_new(&parts, &config, &daemon->controller);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "control cannot be made", r);
        bc_evidence_set_controller(daemon->evidence, daemon->controller);
        bc_agency_tell(daemon->agency, daemon->controller);
        bc_controller_set_flag(daemon->controller, BC_FLAG_UNSIGNED, !daemon->evidence);
        r = bc_recorder_new(daemon->clock, daemon->ring, daemon->store, bc_pipeline_stream(daemon->pipeline),
                            &recorder, &recorder_sink, &daemon->recorder);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "the recorder cannot be made", r);
        return BC_EXIT_DONE;
}

// On the loop, so that no simulated time passes before it is there to see it.
static void on_let_run(void *user, int64_t due_ns)
{
        struct daemon *daemon = user;

        (void)due_ns;
        bc_clock_release(daemon->clock, BC_NS_NEVER);
}

// Before the sensors: the first picture has its time.
static void start_observing(struct daemon *daemon)
{
        const struct bc_wall_sink wall = bc_observer_wall_sink(daemon->observer);
        const struct bc_gnss_sink gnss = bc_observer_gnss_sink(daemon->observer);
        int r = bc_wall_start(daemon->devices.wall, &wall);

        // Time and place that are not known are no reason not to record.
        if (r < 0)
                bc_log_error("wall clock: %s", strerror(-r));
        r = daemon->devices.gnss ? bc_gnss_start(daemon->devices.gnss, &gnss) : 0;
        if (r < 0)
                bc_log_error("receiver: %s", strerror(-r));
}

static void on_battery(void *user, const struct bc_battery_level *level)
{
        struct daemon *daemon = user;
        const struct bc_battery_sink sink = bc_supplies_battery_sink(daemon->supplies);

        bc_evidence_on_battery(daemon->evidence, level);
        sink.on_level(sink.user, level);
}

// The officer's side, and what is told of supplies.
static enum bc_exit start_body(struct daemon *daemon)
{
        const struct bc_officer_config config = officer_config(daemon);
        const int64_t minute_ns = 60 * BC_NS_PER_S;
        const struct bc_minutes_rate rate = {
                .picture_bps = daemon->bounds.pipeline.bit_rate_bps,
                .sound_bps = daemon->devices.mic ? daemon->bounds.pipeline.sound_bit_rate_bps : 0,
        };
        int r = bc_officer_new(daemon->loop, daemon->controller, daemon->devices.indicator, &config, &daemon->officer);

        if (r == 0)
                r = bc_supplies_new(daemon->loop, daemon->controller, daemon->recorder, &rate,
                                    (uint32_t)((daemon->settings->emergency_reserve_ns + minute_ns - 1) / minute_ns), &daemon->supplies);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "the officer's side cannot be made", r);
        if (daemon->devices.battery) {
                const struct bc_battery_sink sink = { on_battery, daemon };
                r = bc_battery_start(daemon->devices.battery, &sink);
                if (r < 0)
                        bc_log_error("battery: %s", strerror(-r)); // no reason not to record
        }
        if (daemon->devices.buttons) {
                const struct bc_buttons_sink sink = bc_officer_buttons_sink(daemon->officer);
                r = bc_buttons_start(daemon->devices.buttons, &sink);
                if (r < 0)
                        return failed(BC_EXIT_DEVICE, "buttons", r);
        }
        return BC_EXIT_DONE;
}

static enum bc_exit start(struct daemon *daemon)
{
        const struct bc_simulation simulation = bc_devices_simulation(&daemon->devices);
        const struct bc_dbus_config dbus_config = {
                .bus = (enum bc_bus)daemon->settings->bus,
                .simulation = daemon->settings->simulation ? &simulation : NULL,
        };
        struct bc_dbus_parts parts = { .controller = daemon->controller, .store = daemon->store,
                                       .ledger = bc_evidence_ledger(daemon->evidence),
                                       .settings = daemon->settings };
        enum bc_exit status;
        int r;

        r = bc_timer_new(daemon->loop, on_let_run, daemon, &daemon->let_run);
        if (r == 0)
                r = bc_controller_start(daemon->controller, daemon->pipeline, daemon->recorder);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "control cannot be started", r);
        status = start_body(daemon);
        if (status != BC_EXIT_DONE)
                return status;
        start_observing(daemon);
        parts.officer = daemon->officer;
        parts.supplies = daemon->supplies;
        r = bc_service_new(daemon->loop, daemon->controller, daemon->store, &daemon->service);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "systemd cannot be told", r);
        r = bc_dbus_new(daemon->loop, &parts, &dbus_config, &daemon->dbus);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "D-Bus", r);
        return BC_EXIT_DONE;
}

static void on_reloading(void *user)
{
        struct daemon *daemon = user;

        bc_service_reloading(daemon->service);
}

// Everyone who goes by a setting that the table calls reloadable.
static void on_settings(void *user)
{
        struct daemon *daemon = user;
        const struct bc_controller_config config = controller_config(daemon);
        const struct bc_officer_config officer = officer_config(daemon);

        bc_controller_set_config(daemon->controller, &config);
        bc_officer_set_config(daemon->officer, &officer);
        bc_evidence_on_settings(daemon->evidence);
}

static void on_reloaded(void *user)
{
        struct daemon *daemon = user;

        bc_service_reloaded(daemon->service);
}

static void on_hangup(void *user, int signal)
{
        struct daemon *daemon = user;

        (void)signal;
        // What ends is not set up anew.
        if (daemon->controller && bc_controller_mode(daemon->controller).phase != BC_PHASE_STOPPING)
                bc_reload_start(daemon->reload);
}

static void on_signal(void *user, int signal)
{
        struct daemon *daemon = user;

        (void)bc_controller_handle(daemon->controller, BC_EVENT_SHUTDOWN, bc_clock_now_ns(daemon->clock),
                                   BC_ORIGIN_DEVICE,
                                   signal == SIGINT ? "SIGINT" : "SIGTERM");
        if (daemon->service)
                bc_service_stopping(daemon->service);
}

static int catch_signals(struct daemon *daemon)
{
        // A reader of the log that went away must not end the recording.
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        int r;

        if (sigaction(SIGPIPE, &ignore, NULL) < 0)
                return -errno;
        r = bc_loop_on_signal(daemon->loop, SIGTERM, on_signal, daemon);
        if (r == 0)
                r = bc_loop_on_signal(daemon->loop, SIGINT, on_signal, daemon);
        return r < 0 ? r : bc_loop_on_signal(daemon->loop, SIGHUP, on_hangup, daemon);
}

enum bc_exit bc_daemon_run(const char *path, struct bc_settings *settings)
{
        BC_CLEANUP(daemon_done) struct daemon daemon = { .settings = settings };
        const struct bc_reload_sink reload = { on_reloading, on_settings, on_reloaded, &daemon };
        enum bc_exit status;
        int r;

        r = make_clock(settings, &daemon.clock);
        if (r == 0)
                r = bc_loop_new(daemon.clock, &daemon.loop);
        if (r == 0)
                r = bc_reload_new(daemon.loop, path, settings, &reload, &daemon.reload);
        if (r == 0)
                r = catch_signals(&daemon); // before there are other threads
        if (r < 0)
                return failed(BC_EXIT_FAILED, "the main loop cannot be made", r);
        status = open_parts(&daemon, false);
        if (status == BC_EXIT_DONE)
                status = make_recording_parts(&daemon);
        if (status != BC_EXIT_DONE)
                return status;
        bc_bounds_print(&daemon.bounds, settings, log_line);
        status = start(&daemon);
        if (status != BC_EXIT_DONE)
                return status;
        if (bc_clock_is_simulated(daemon.clock) && !settings->clock_start_held)
                bc_timer_set(daemon.let_run, 0);
        bc_service_ready(daemon.service);
        r = bc_loop_run(daemon.loop);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "the main loop ended", r);
        // Given up: a thread may sit in the card, or in a device, and whoever waited for it would not end either. All that
        // is durable stays so; the log is written line by line.
        if (r > 0) {
                const struct bc_indication nothing = { 0 };
                if (daemon.devices.indicator)
                        (void)bc_indicator_set(daemon.devices.indicator, &nothing);
                _exit(BC_EXIT_FAILED);
        }
        // The settings may lie on a medium that hangs, and whoever reads them with it.
        if (bc_reload_is_reading(daemon.reload)) {
                close_parts(&daemon);
                _exit(BC_EXIT_DONE);
        }
        return BC_EXIT_DONE;
}

enum bc_exit bc_daemon_check(const struct bc_settings *settings)
{
        BC_CLEANUP(daemon_done) struct daemon daemon = { .settings = settings };
        enum bc_exit status;
        int r = make_clock(settings, &daemon.clock);

        if (r == 0)
                r = bc_loop_new(daemon.clock, &daemon.loop);
        if (r < 0)
                return failed(BC_EXIT_FAILED, "the clock cannot be made", r);
        status = open_parts(&daemon, true);
        if (status != BC_EXIT_DONE)
                return status;
        printf("camera: %s, %ux%u\n", daemon.devices.camera->info.driver, daemon.devices.camera->info.width_px,
               daemon.devices.camera->info.height_px);
        if (daemon.devices.mic)
                printf("microphone: %s, %u Hz, %u channels\n", daemon.devices.mic->info.driver,
                       daemon.devices.mic->info.rate_hz, daemon.devices.mic->info.channels);
        else
                puts("microphone: none");
        printf("encoder: %s\nstore: %s\n", settings->video_encoder, settings->store_path);
        if (daemon.agency)
                printf("sealing: for %zu certificates\n", bc_agency_recipients(daemon.agency));
        bc_bounds_print(&daemon.bounds, settings, print_line);
        bc_policy_describe(settings, print_sentence, NULL);
        return BC_EXIT_DONE;
}
