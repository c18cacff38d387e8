// SPDX-License-Identifier: EUPL-1.2
#include "app/devices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file/file.h"
#include "nmea/gnss.h"
#include "pattern/pattern.h"
#include "simulated/battery.h"
#include "simulated/buttons.h"
#include "simulated/indicator.h"
#include "simulated/wall.h"
#include "system/wall.h"
#include "track/gnss.h"

// The walk of the simulated receiver, and how good it and the simulated clock say they are.
#define TRACK_SPEED_MM_S 1400
#define TRACK_RADIUS_MM 50000
#define TRACK_ALT_MM 12000
#define TRACK_ACCURACY_MM 4000
#define TRACK_DOP_E2 90
#define SIMULATED_UTC_ERROR_NS (50 * BC_NS_PER_MS)

// Camera and microphone are given the same, so that the clip's picture and sound stay together.
static struct bc_file_config file_config(struct bc_clock *clock, const struct bc_settings *settings)
{
        bool camera = settings->camera_driver == BC_CAMERA_FILE;
        bool mic = settings->mic_driver == BC_MIC_FILE && settings->mic_file[0];
        struct bc_file_config config = { .origin_ns = bc_clock_now_ns(clock) };

        config.clip_path = camera ? settings->camera_file : settings->mic_file;
        if (camera && mic && strcmp(settings->camera_file, settings->mic_file) != 0)
                config.sound_path = settings->mic_file;
        return config;
}

static int open_camera(struct bc_devices *devices, const struct bc_settings *settings,
                       const struct bc_file_config *clip, char *text, size_t text_bytes)
{
        const struct bc_camera_config config = {
                .width_px = (uint32_t)settings->camera_width_px,
                .height_px = (uint32_t)settings->camera_height_px,
                .rate_mhz = (uint32_t)settings->camera_rate_mhz,
        };
        const struct bc_pattern_config pattern = { 0 };

        if (settings->camera_driver == BC_CAMERA_FILE) {
                devices->set_camera_fault = bc_file_camera_set_fault;
                return bc_file_camera_open(devices->clock, clip, &config, text, text_bytes, &devices->camera);
        }
        devices->set_camera_fault = bc_pattern_camera_set_fault;
        return bc_pattern_camera_open(devices->clock, &pattern, &config, text, text_bytes, &devices->camera);
}

static int open_mic(struct bc_devices *devices, const struct bc_settings *settings, const struct bc_file_config *clip,
                    char *text, size_t text_bytes)
{
        const struct bc_tone_config tone = {
                .rate_hz = 48000,
                .channels = (uint32_t)settings->mic_channels,
                .rate_error_ppb = (int32_t)settings->mic_rate_error_ppm * 1000,
        };

        if (settings->mic_driver == BC_MIC_NONE)
                return 0;
        if (settings->mic_driver == BC_MIC_FILE) {
                devices->set_mic_fault = bc_file_mic_set_fault;
                return bc_file_mic_open(devices->clock, clip, text, text_bytes, &devices->mic);
        }
        devices->set_mic_fault = bc_tone_mic_set_fault;
        return bc_tone_mic_open(devices->clock, &tone, text, text_bytes, &devices->mic);
}

static int open_gnss(struct bc_devices *devices, struct bc_loop *loop, const struct bc_settings *settings, char *text,
                     size_t text_bytes)
{
        const struct bc_track_config track = {
                .origin_ns = bc_clock_now_ns(devices->clock),
                .lat_e7 = (int32_t)settings->gnss_lat_e7,
                .lon_e7 = (int32_t)settings->gnss_lon_e7,
                .speed_mm_s = TRACK_SPEED_MM_S,
                .radius_mm = TRACK_RADIUS_MM,
                .alt_mm = TRACK_ALT_MM,
                .accuracy_mm = TRACK_ACCURACY_MM,
                .dop_e2 = TRACK_DOP_E2,
                .utc_ns = settings->utc_start_ns,
        };

        if (settings->gnss_driver == BC_GNSS_NONE)
                return 0;
        if (settings->gnss_driver == BC_GNSS_NMEA) {
                devices->set_gnss_fault = bc_nmea_gnss_set_fault;
                return bc_nmea_gnss_open(loop, settings->gnss_file, text, text_bytes, &devices->gnss);
        }
        devices->set_gnss_fault = bc_track_gnss_set_fault;
        return bc_track_gnss_open(loop, &track, text, text_bytes, &devices->gnss);
}

static int open_wall(struct bc_devices *devices, struct bc_loop *loop, const struct bc_settings *settings)
{
        const struct bc_simulated_wall_config unset = { 0 };
        const struct bc_simulated_wall_config set = {
                .utc_ns = settings->utc_start_ns,
                .source = BC_UTC_NTP,
                .uncertainty_ns = SIMULATED_UTC_ERROR_NS,
        };

        if (settings->utc_driver == BC_UTC_SYSTEM)
                return bc_system_wall_open(loop, &devices->wall);
        return bc_simulated_wall_open(loop, settings->utc_start_ns == BC_UTC_UNKNOWN ? &unset : &set, &devices->wall);
}

// What the officer handles: there are simulated ones only.
static int open_body(struct bc_devices *devices, char *text, size_t text_bytes)
{
        const struct bc_battery_level unknown = { .percent = BC_BATTERY_UNKNOWN, .minutes = BC_BATTERY_UNKNOWN };
        const char *what = "buttons";
        int r = bc_simulated_buttons_open(&devices->buttons);

        if (r == 0) {
                what = "indicator";
                r = bc_simulated_indicator_open(devices->clock, &devices->indicator);
        }
        if (r == 0) {
                what = "battery";
                r = bc_simulated_battery_open(&unknown, &devices->battery);
        }
        if (r < 0)
                snprintf(text, text_bytes, "%s: %s", what, strerror(-r));
        return r;
}

int bc_devices_open(struct bc_loop *loop, const struct bc_settings *settings, char *text, size_t text_bytes,
                    struct bc_devices *ret_devices)
{
        struct bc_clock *clock = bc_loop_clock(loop);
        struct bc_devices devices = { .clock = clock };
        const struct bc_file_config clip = file_config(clock, settings);
        char why[400] = "";
        int r;

        r = open_camera(&devices, settings, &clip, why, sizeof(why));
        if (r < 0) {
                snprintf(text, text_bytes, "camera: %s", why[0] ? why : strerror(-r));
                return r;
        }
        r = open_mic(&devices, settings, &clip, why, sizeof(why));
        if (r < 0) {
                snprintf(text, text_bytes, "microphone: %s", why[0] ? why : strerror(-r));
                bc_devices_close(&devices);
                return r;
        }
        r = open_gnss(&devices, loop, settings, why, sizeof(why));
        if (r < 0) {
                snprintf(text, text_bytes, "receiver: %s", why[0] ? why : strerror(-r));
                bc_devices_close(&devices);
                return r;
        }
        r = open_wall(&devices, loop, settings);
        if (r < 0) {
                snprintf(text, text_bytes, "wall clock: %s", strerror(-r));
                bc_devices_close(&devices);
                return r;
        }
        r = settings->simulation ? open_body(&devices, text, text_bytes) : 0;
        if (r < 0) {
                bc_devices_close(&devices);
                return r;
        }
        *ret_devices = devices;
        return 0;
}

void bc_devices_close(struct bc_devices *devices)
{
        bc_indicator_free(devices->indicator);
        bc_battery_free(devices->battery);
        bc_buttons_free(devices->buttons);
        bc_wall_free(devices->wall);
        bc_gnss_free(devices->gnss);
        bc_mic_free(devices->mic);
        bc_camera_free(devices->camera);
        *devices = (struct bc_devices){ 0 };
}

static int press(void *user, enum bc_button button, bool pressed)
{
        struct bc_devices *devices = user;

        return bc_simulated_button_set(devices->buttons, button, pressed, bc_clock_now_ns(devices->clock));
}

static int set_fault(void *user, enum bc_sensor sensor, enum bc_fault fault)
{
        struct bc_devices *devices = user;

        if (sensor == BC_SENSOR_CAMERA && devices->set_camera_fault)
                devices->set_camera_fault(devices->camera, fault);
        else if (sensor == BC_SENSOR_MICROPHONE && devices->mic && devices->set_mic_fault)
                devices->set_mic_fault(devices->mic, fault);
        else if (sensor == BC_SENSOR_GNSS && devices->gnss && devices->set_gnss_fault)
                devices->set_gnss_fault(devices->gnss, fault);
        else
                return -ENODEV;
        return 0;
}

static int set_utc(void *user, const struct bc_utc_anchor *anchor)
{
        struct bc_devices *devices = user;
        const struct bc_simulated_wall_config config = {
                .utc_ns = anchor->utc_ns,
                .source = anchor->source,
                .uncertainty_ns = anchor->uncertainty_ns,
        };

        return devices->wall->simulated ? bc_simulated_wall_step(devices->wall, &config) : -ENODEV;
}

static int set_battery(void *user, const struct bc_battery_level *level)
{
        struct bc_devices *devices = user;

        return devices->battery ? bc_simulated_battery_set(devices->battery, level) : -ENODEV;
}

static int take_indications(void *user, struct bc_simulated_indication *indications, size_t room)
{
        struct bc_devices *devices = user;
        struct bc_simulated_indicator_change changes[BC_SIMULATED_INDICATOR_CHANGES];
        uint64_t lost;
        size_t count;

        if (!devices->indicator)
                return -ENODEV;
        count = bc_simulated_indicator_take(devices->indicator, changes, room < BC_SIMULATED_INDICATOR_CHANGES ? room
                                                                                : BC_SIMULATED_INDICATOR_CHANGES, &lost);
        for (size_t i = 0; i < count; i++)
                indications[i] = (struct bc_simulated_indication){ changes[i].time_ns, changes[i].indication };
        return (int)count;
}

struct bc_simulation bc_devices_simulation(struct bc_devices *devices)
{
        return (struct bc_simulation){ press, set_fault, set_utc, set_battery, take_indications, devices };
}
