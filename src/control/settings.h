// SPDX-License-Identifier: EUPL-1.2
// The settings: one table gives the parser, its ranges, the help, the sample file and bodycamd.conf(5).
//
// Files are INI: FILE, then FILE.d/*.conf in the order of their names, later values replacing earlier ones. All that
// is wrong is told, up to BC_SETTINGS_ERRORS_MAX of it, each with file, line, key and what is allowed; then the whole is
// refused. Never half a configuration. Immutable once loaded; where each key was set is kept, for what is found wrong only later.
#ifndef BC_CONTROL_SETTINGS_H
#define BC_CONTROL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/signal.h"

#define BC_SETTINGS_ID_BYTES 33    // with the 0 at the end
#define BC_SETTINGS_NAME_BYTES 65
#define BC_SETTINGS_TEXT_BYTES 200 // a line is shorter
#define BC_SETTINGS_PATHS_MAX 8    // in one value
#define BC_SETTINGS_FILE_BYTES_MAX 65536
#define BC_SETTINGS_DROP_INS_MAX 100
#define BC_SETTINGS_ERRORS_MAX 100

#define BC_SETTINGS_GOP_NS INT64_C(1000000000) // time between two key frames: not a setting

enum bc_camera_driver { BC_CAMERA_FILE, BC_CAMERA_PATTERN };
enum bc_mic_driver { BC_MIC_FILE, BC_MIC_TONE, BC_MIC_NONE };
enum bc_gnss_driver { BC_GNSS_NONE, BC_GNSS_TRACK, BC_GNSS_NMEA };
enum bc_utc_driver { BC_UTC_SYSTEM, BC_UTC_SIMULATED };
enum bc_clock_mode { BC_CLOCK_REAL, BC_CLOCK_SIMULATED };
enum bc_bus { BC_BUS_SYSTEM, BC_BUS_SESSION, BC_BUS_NONE };

// Numbers are int64_t, yes/no is bool, choices are int, text is char[]: the table knows.
struct bc_settings {
        char device_id[BC_SETTINGS_ID_BYTES];
        char unit[BC_SETTINGS_NAME_BYTES], make[BC_SETTINGS_NAME_BYTES], model[BC_SETTINGS_NAME_BYTES];
        char store_path[BC_SETTINGS_TEXT_BYTES];
        int64_t emergency_reserve_ns;
        char key_uri[BC_SETTINGS_TEXT_BYTES];
        char certificates_path[BC_SETTINGS_TEXT_BYTES];
        char anchor_path[BC_SETTINGS_TEXT_BYTES];
        char agency_paths[BC_SETTINGS_TEXT_BYTES]; // with a space between two
        int64_t simulated_signing_ns;

        int camera_driver; // enum bc_camera_driver
        char camera_file[BC_SETTINGS_TEXT_BYTES];
        int64_t camera_width_px, camera_height_px;
        int64_t camera_rate_mhz;

        int mic_driver; // enum bc_mic_driver
        char mic_file[BC_SETTINGS_TEXT_BYTES];
        int64_t mic_channels;
        int64_t mic_rate_error_ppm;

        char video_encoder[BC_SETTINGS_ID_BYTES];
        char video_preset[BC_SETTINGS_ID_BYTES];
        int64_t video_threads;
        int64_t video_bit_rate_bps;
        int64_t sound_bit_rate_bps;

        int64_t pre_event_ns;
        bool pre_event_sound;
        int64_t post_event_ns;
        int64_t segment_ns;
        int64_t fragment_ns;
        int64_t stall_tolerance_ns;

        int64_t dock_dwell_ns;

        int activation; // enum bc_activation of control/policy.h
        bool mute, stealth;
        int64_t mute_limit_ns;

        int64_t debounce_ns, stop_hold_ns;
        bool emergency_release;
        int64_t release_hold_ns;

        int indicator_outputs; // bits: enum bc_output of control/pattern.h
        int indicator_scheme;  // enum bc_scheme of control/signal.h
        int64_t reminder_ns;
        char pattern[BC_SIGNAL_COUNT][BC_PATTERN_TEXT_BYTES]; // "": the scheme's

        int overlay_contents; // bits: enum bc_overlay_content of media/overlay.h
        int overlay_corner;   // enum bc_corner of media/overlay.h
        char overlay_font[BC_SETTINGS_TEXT_BYTES];

        int gnss_driver; // enum bc_gnss_driver
        char gnss_file[BC_SETTINGS_TEXT_BYTES];
        int64_t gnss_fresh_ns;
        int64_t gnss_lat_e7, gnss_lon_e7;

        int utc_driver; // enum bc_utc_driver
        int64_t utc_start_ns; // BC_UTC_UNKNOWN: not set

        int bus; // enum bc_bus

        int clock_mode; // enum bc_clock_mode
        int64_t clock_start_ns;
        bool clock_start_held;

        bool simulation;

        struct bc_settings_places *places; // owned; NULL: all built in
};

struct bc_settings_sink {
        void (*on_error)(void *user, const char *text); // one line
        void *user;
};

// path: the main file; NULL: the defaults alone, sample values for what has none. 0, or -EINVAL after telling
// everything that is wrong; *ret_settings is untouched then.
int bc_settings_load(const char *path, const struct bc_settings_sink *sink, struct bc_settings *ret_settings);
void bc_settings_done(struct bc_settings *settings);

// How a message about a key begins: "FILE:LINE: [video] preset = fast", "(built in): [video] preset = fast".
void bc_settings_tell(const struct bc_settings *settings, const char *section, const char *key, char *text,
                      size_t text_bytes);

// May next take the place of the settings that run? Only what the table calls reloadable may differ. 0, or -EPERM after
// telling of each other difference with file, line, key and that it needs a restart.
int bc_settings_judge_reload(const struct bc_settings *running, const struct bc_settings *next,
                             const struct bc_settings_sink *sink);

// Next, which was judged, takes their place: what is reloadable becomes as in next, which gives up where its keys were set.
// Tells of each change as "[recording] post_event: 10 s -> 5 s". Returns how many there are.
size_t bc_settings_reload(struct bc_settings *running, struct bc_settings *next,
                          void (*on_change)(void *user, const char *text), void *user);

// The settings as a file that loads to the same settings, every key with its help.
void bc_settings_print(const struct bc_settings *settings, FILE *out);

// Every key with its range, default and meaning, for --help-settings.
void bc_settings_help(FILE *out);

#endif
