// SPDX-License-Identifier: EUPL-1.2
#include "app/devices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file/file.h"
#include "pattern/pattern.h"
#include "simulated/buttons.h"

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

int bc_devices_open(struct bc_clock *clock, const struct bc_settings *settings, char *text, size_t text_bytes,
                    struct bc_devices *ret_devices)
{
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
        if (settings->simulation) {
                r = bc_simulated_buttons_open(&devices.buttons);
                if (r < 0) {
                        snprintf(text, text_bytes, "buttons: %s", strerror(-r));
                        bc_devices_close(&devices);
                        return r;
                }
        }
        *ret_devices = devices;
        return 0;
}

void bc_devices_close(struct bc_devices *devices)
{
        bc_buttons_free(devices->buttons);
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
        else
                return -ENODEV;
        return 0;
}

struct bc_simulation bc_devices_simulation(struct bc_devices *devices)
{
        return (struct bc_simulation){ press, set_fault, devices };
}
