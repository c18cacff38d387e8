// SPDX-License-Identifier: EUPL-1.2
#include "control/settings_table.h"

#include <string.h>

#include "bodycam/frame.h"
#include "bodycam/time.h"
#include "control/pattern.h"
#include "media/pipeline.h"
#include "media/sound_encoder.h"

#define AT(member) .offset = offsetof(struct bc_settings, member)
#define MS BC_NS_PER_MS
#define S BC_NS_PER_S
#define MIN (60 * BC_NS_PER_S)

#define PATTERN(signal, name)                                                                             \
        { "pattern", name, BC_SETTING_PATTERN, AT(pattern[BC_SIGNAL_##signal]), .fallback = "", .reloadable = true }

static const struct bc_setting table[] = {
        { "device", "id", BC_SETTING_ID, AT(device_id), .fallback = "BODYCAM-0001", .required = true,
          .help = "Name of this device. Folders of recordings begin with it, so no two devices of an agency share one." },

        { "device", "unit", BC_SETTING_TEXT, AT(unit), .fallback = "",
          .help = "Whom or what it belongs to, as shown in the picture and in the text track. In any script the font has, up "
                  "to 64 bytes of UTF-8." },
        { "device", "make", BC_SETTING_TEXT, AT(make), .fallback = "Bodycam", .help = "Maker, for the files' metadata." },
        { "device", "model", BC_SETTING_TEXT, AT(model), .fallback = "Bodycam", .help = "Model, for the files' metadata." },

        { "store", "path", BC_SETTING_PATH, AT(store_path), .fallback = "/var/lib/bodycam", .required = true,
          .help = "Folder that holds recordings/. Made when its parent exists." },
        { "store", "emergency_reserve", BC_SETTING_DURATION, AT(emergency_reserve_ns), .max = 24 * 60 * MIN,
          .fallback = "10 min",
          .help = "Room for so long is kept for an emergency: with nothing else left, an ordinary recording ends with an alarm, "
                  "and none starts. 0 s: none is kept." },

        { "evidence", "key", BC_SETTING_URI, AT(key_uri), .fallback = "",
          .help = "The device's private key, that signs what is recorded: file:/PATH, handle:0x81NNNNNN (TPM 2.0) or pkcs11:... "
                  "Nothing: nothing is signed." },
        { "evidence", "certificates", BC_SETTING_PATH, AT(certificates_path), .fallback = "",
          .help = "The device's certificate and its issuers', PEM, without the root." },
        { "evidence", "anchor", BC_SETTING_PLACE, AT(anchor_path), .fallback = "",
          .help = "A small file on another medium than the store's, internal flash, that knows how far ledger and recordings have come; an index "
                  "in a TPM's memory that bodycam-provision(1) made; or, best, both: tpm2:0x01800bca /PATH. In a TPM alone it is behind by "
                  "minutes, and no recording that lost its power is proven to be whole." },

        { "sealing", "certificates", BC_SETTING_PATHS, AT(agency_paths), .fallback = "",
          .help = "The agency's certificates, a PEM file each: whoever has the key of one of them can open what is recorded, and nobody "
                  "else, this camera neither. Nothing: it lies in the clear. Needs [evidence] key." },

        { "camera", "driver", BC_SETTING_CHOICE, AT(camera_driver), .choices = "file pattern", .fallback = "pattern",
          .help = "file: a clip in place of a camera, looped without a seam. pattern: a moving card with the frame's "
                  "number and a flash each second." },
        { "camera", "file", BC_SETTING_PATH, AT(camera_file), .fallback = "",
          .help = "The clip of driver file: anything FFmpeg reads that has a picture." },
        { "camera", "width", BC_SETTING_NUMBER, AT(camera_width_px), .min = BC_PICTURE_SIDE_MIN_PX,
          .max = BC_PICTURE_SIDE_MAX_PX, .step = 2, .fallback = "1280",
          .help = "Width of the recorded picture in pixels; a clip is scaled to fit, its shape kept." },
        { "camera", "height", BC_SETTING_NUMBER, AT(camera_height_px), .min = BC_PICTURE_SIDE_MIN_PX,
          .max = BC_PICTURE_SIDE_MAX_PX, .step = 2, .fallback = "720", .help = "Height in pixels." },
        { "camera", "rate", BC_SETTING_RATE, AT(camera_rate_mhz), .min = BC_PIPELINE_RATE_MIN_MHZ,
          .max = BC_PIPELINE_RATE_MAX_MHZ, .fallback = "30",
          .help = "Nominal frames per second. A clip keeps its own times." },

        { "microphone", "driver", BC_SETTING_CHOICE, AT(mic_driver), .choices = "file tone none", .fallback = "tone",
          .help = "file: the sound of a clip. tone: a beep with each flash of camera driver pattern. none: no sound." },
        { "microphone", "file", BC_SETTING_PATH, AT(mic_file), .fallback = "",
          .help = "The clip of driver file: anything FFmpeg reads that has sound. Nothing: the camera's clip." },
        { "microphone", "channels", BC_SETTING_NUMBER, AT(mic_channels), .min = 1, .max = 2, .fallback = "1",
          .help = "Driver tone: 1 is mono, 2 is stereo. A clip has its own: mono, or stereo made of all others." },
        { "microphone", "rate_error_ppm", BC_SETTING_NUMBER, AT(mic_rate_error_ppm), .min = -200, .max = 200,
          .fallback = "0", .help = "Driver tone: how far its sample clock is off the media clock, in parts per million." },

        { "video", "encoder", BC_SETTING_ID, AT(video_encoder), .fallback = "libx264",
          .help = "FFmpeg's name of an H.264 encoder: libx264, h264_v4l2m2m." },
        { "video", "preset", BC_SETTING_ID, AT(video_preset), .fallback = "superfast",
          .help = "Preset of libx264: ultrafast, superfast, veryfast, ..." },
        { "video", "threads", BC_SETTING_NUMBER, AT(video_threads), .min = 1, .max = 16, .fallback = "2",
          .help = "Threads of the encoder; each takes a slice of the picture, so more add no delay." },
        { "video", "bit_rate", BC_SETTING_BIT_RATE, AT(video_bit_rate_bps), .min = 64000,
          .max = BC_PIPELINE_BIT_RATE_MAX_BPS, .fallback = "8M",
          .help = "Bit rate of the picture. At least what its size and pace need." },

        { "sound", "bit_rate", BC_SETTING_BIT_RATE, AT(sound_bit_rate_bps), .min = BC_SOUND_BIT_RATE_MIN_BPS,
          .max = BC_SOUND_BIT_RATE_MAX_BPS * BC_SOUND_CHANNELS_MAX, .fallback = "96k",
          .help = "Bit rate of the sound (AAC); at most 160k for each channel of the microphone." },

        { "recording", "pre_event", BC_SETTING_DURATION, AT(pre_event_ns), .max = 120 * S, .fallback = "30 s",
          .help = "A recording begins at least this long before the press. Held in memory; with 0 one second at most "
                  "is held." },
        { "recording", "pre_event_sound", BC_SETTING_BOOL, AT(pre_event_sound), .fallback = "yes",
          .help = "no: the seconds before the press have no sound, which is not kept in memory either." },
        { "recording", "post_event", BC_SETTING_DURATION, AT(post_event_ns), .max = 10 * MIN, .fallback = "10 s",
          .reloadable = true,
          .help = "A recording goes on this long after it was stopped." },
        { "recording", "segment", BC_SETTING_DURATION, AT(segment_ns), .min = 1 * S, .max = 60 * MIN,
          .fallback = "5 min",
          .help = "Length of the files of a recording. Each is below 4 GiB: the bit rates limit it." },
        { "recording", "fragment", BC_SETTING_DURATION, AT(fragment_ns), .min = 100 * MS, .max = 500 * MS,
          .fallback = "500 ms", .help = "What a power cut can cost at the most: so often the recording is made durable." },
        { "recording", "stall_tolerance", BC_SETTING_DURATION, AT(stall_tolerance_ns), .min = 1 * S, .max = 120 * S,
          .fallback = "30 s", .help = "A card may stand still this long and nothing is lost. Held in memory." },

        { "dock", "dwell", BC_SETTING_DURATION, AT(dock_dwell_ns), .min = 1 * S, .max = 10 * MIN, .fallback = "10 s",
          .reloadable = true,
          .help = "So long on the dock without a break ends an emergency." },

        { "policy", "activation", BC_SETTING_CHOICE, AT(activation), .choices = "officer control-room always-on",
          .fallback = "officer", .reloadable = true,
          .help = "Who starts and stops recordings. officer: the record button and commands. control-room: commands alone. "
                  "always-on: the camera itself, from boot to dock, and nobody stops it. An emergency is anybody's." },
        { "policy", "mute", BC_SETTING_BOOL, AT(mute), .fallback = "no", .reloadable = true,
          .help = "yes: the sound of an ordinary recording may be muted; that shows in the picture and is declared." },
        { "policy", "mute_limit", BC_SETTING_DURATION, AT(mute_limit_ns), .max = 60 * MIN, .fallback = "10 min",
          .reloadable = true, .help = "The sound comes back by itself after this. 0 s: with the end of the recording." },
        { "policy", "stealth", BC_SETTING_BOOL, AT(stealth), .fallback = "yes", .reloadable = true,
          .help = "yes: lights, sound and vibration may be switched off, all at once." },

        { "buttons", "debounce", BC_SETTING_DURATION, AT(debounce_ns), .min = 1 * MS, .max = 100 * MS,
          .fallback = "20 ms", .reloadable = true,
          .help = "So long after an edge a contact may bounce. The first edge counts at once." },
        { "buttons", "stop_hold", BC_SETTING_DURATION, AT(stop_hold_ns), .min = 500 * MS, .max = 60 * S, .fallback = "2 s",
          .reloadable = true,
          .help = "Record held for so long stops the recording; a shorter press marks the instant." },
        { "buttons", "emergency_release", BC_SETTING_BOOL, AT(emergency_release), .fallback = "yes", .reloadable = true,
          .help = "yes: both buttons, pressed together, held, and let go when told so, end an emergency. no: only a command "
                  "or the dock does." },
        { "buttons", "release_hold", BC_SETTING_DURATION, AT(release_hold_ns), .min = 2 * S, .max = 60 * S,
          .fallback = "5 s", .reloadable = true, .help = "How long both are held for that." },

        { "indicator", "outputs", BC_SETTING_SET, AT(indicator_outputs), .choices = BC_OUTPUT_WORDS,
          .fallback = BC_OUTPUT_WORDS,
          .help = "What the device has. A pattern that could not be noticed with these is refused." },
        { "indicator", "scheme", BC_SETTING_CHOICE, AT(indicator_scheme), .choices = "default french chinese",
          .fallback = "default", .reloadable = true,
          .help = "The patterns of all signals. french: fixed green while buffering, two blinking red lights while "
                  "recording. chinese: red for picture, yellow for sound, green for power." },
        { "indicator", "reminder", BC_SETTING_DURATION, AT(reminder_ns), .max = 60 * MIN, .fallback = "2 min",
          .reloadable = true, .help = "So often the officer is reminded that a recording goes on. 0 s: never." },

        PATTERN(POWER, "power"),
        PATTERN(STARTING, "starting"),
        PATTERN(STANDBY, "standby"),
        PATTERN(BUFFERING, "buffering"),
        PATTERN(DOCKED, "docked"),
        PATTERN(STOPPING, "stopping"),
        PATTERN(SOUND, "sound"),
        PATTERN(POST_EVENT, "post-event"),
        PATTERN(RECORDING, "recording"),
        PATTERN(BATTERY_LOW, "battery-low"),
        PATTERN(STORAGE_LOW, "storage-low"),
        PATTERN(MUTED, "muted"),
        PATTERN(TROUBLE, "trouble"),
        PATTERN(EMERGENCY, "emergency"),
        PATTERN(FAULT, "fault"),
        PATTERN(REMINDER, "reminder"),
        PATTERN(WARNING, "warning"),
        PATTERN(ALARM, "alarm"),
        PATTERN(PRESS, "press"),
        PATTERN(MARK, "mark"),
        PATTERN(START, "start"),
        PATTERN(STOP, "stop"),
        PATTERN(EMERGENCY_START, "emergency-start"),
        PATTERN(EMERGENCY_END, "emergency-end"),
        PATTERN(LET_GO, "let-go"),
        PATTERN(REFUSAL, "refusal"),

        { "overlay", "contents", BC_SETTING_SET, AT(overlay_contents), .choices = "time device unit position state",
          .fallback = "time device unit position state",
          .help = "What is written into the picture, in this order. Nothing: no text in the picture; the text track has all "
                  "of it all the same." },
        { "overlay", "corner", BC_SETTING_CHOICE, AT(overlay_corner),
          .choices = "top-left top-right bottom-left bottom-right", .fallback = "top-left",
          .help = "Where it is written." },
        { "overlay", "font", BC_SETTING_PATH, AT(overlay_font), .required = false,
          .fallback = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
          .help = "A font that FreeType reads." },

        { "gnss", "driver", BC_SETTING_CHOICE, AT(gnss_driver), .choices = "none track nmea", .fallback = "none",
          .help = "The receiver. none: no position track. track: a walk in a circle. nmea: the log of a real receiver, once, by its "
                  "own times." },
        { "gnss", "file", BC_SETTING_PATH, AT(gnss_file), .fallback = "",
          .help = "The log of driver nmea: NMEA 0183 sentences, a line each." },
        { "gnss", "fresh", BC_SETTING_DURATION, AT(gnss_fresh_ns), .min = 1 * S, .max = 60 * S, .fallback = "3 s",
          .help = "A position older than this is no position any more." },
        { "gnss", "latitude", BC_SETTING_DEGREES, AT(gnss_lat_e7), .min = -850000000, .max = 850000000,
          .fallback = "59.3293", .help = "Driver track: where the walk begins, degrees north." },
        { "gnss", "longitude", BC_SETTING_DEGREES, AT(gnss_lon_e7), .min = -1800000000, .max = 1800000000,
          .fallback = "18.0686", .help = "Driver track: the same, degrees east." },

        { "utc", "driver", BC_SETTING_CHOICE, AT(utc_driver), .choices = "system simulated", .fallback = "system",
          .help = "The wall clock. simulated: one that org.bodycam.Simulation1 sets; the only one that goes with a simulated "
                  "media clock." },
        { "utc", "start", BC_SETTING_UTC, AT(utc_start_ns), .fallback = "",
          .help = "Driver simulated: what it says at the start. Nothing: it is not set." },

        { "dbus", "bus", BC_SETTING_CHOICE, AT(bus), .choices = "system session none", .fallback = "system",
          .help = "Where org.bodycam.Recorder1 is offered. Recording does not depend on it." },

        { "clock", "mode", BC_SETTING_CHOICE, AT(clock_mode), .choices = "real simulated", .fallback = "real",
          .help = "simulated: media time is a number that runs as fast as the machine can; needs [simulation] enabled." },
        { "clock", "start", BC_SETTING_DURATION, AT(clock_start_ns), .max = 1000 * 60 * MIN, .fallback = "100 s",
          .help = "Media time at which the simulated clock starts." },
        { "clock", "start_held", BC_SETTING_BOOL, AT(clock_start_held), .fallback = "no",
          .help = "yes: the simulated clock stands until org.bodycam.Simulation1 lets it run." },

        { "simulation", "enabled", BC_SETTING_BOOL, AT(simulation), .fallback = "no",
          .help = "yes: buttons are pressed and sensors are failed by org.bodycam.Simulation1. Never on a body." },
        { "simulation", "signing", BC_SETTING_DURATION, AT(simulated_signing_ns), .max = 60 * S, .fallback = "0 s",
          .help = "Each signature takes so much longer, as in a slow secure element." },
};

_Static_assert(sizeof(table) / sizeof(table[0]) <= BC_SETTINGS_KEYS_MAX, "room for each key");

static const struct {
        const char *name, *help;
} sections[] = {
        { "device", "Who this device is." },
        { "store", "Where recordings are kept." },
        { "evidence", "What signs that it is so." },
        { "sealing", "Who may see it." },
        { "camera", "The picture's source." },
        { "microphone", "The sound's source." },
        { "video", "How the picture is encoded." },
        { "sound", "How the sound is encoded." },
        { "recording", "What a recording is." },
        { "dock", "The charging and offloading dock." },
        { "policy", "Who may do what." },
        { "buttons", "What presses and holds of the two buttons are." },
        { "indicator", "What the officer sees, hears and feels." },
        { "pattern", "A signal's own pattern in place of the scheme's: steps with commas between them, each of outputs and a length, "
                     "as \"red+vibrate 150 ms, - 1 s\". Outputs: red, red2, yellow, green, blue, vibrate, tone1000 (of 1000 Hz), or - "
                     "for none. Signals that stand repeat theirs, momentary ones are shown once. A higher signal takes the "
                     "outputs that it uses; here they stand from the lowest to the highest." },
        { "overlay", "Text in the picture." },
        { "gnss", "Where the camera is." },
        { "utc", "What time it is. Nothing is ordered by it." },
        { "dbus", "The bus that status and commands go over." },
        { "clock", "What media time is." },
        { "simulation", "Simulated devices." },
};

size_t bc_setting_count(void)
{
        return sizeof(table) / sizeof(table[0]);
}

const struct bc_setting *bc_setting_at(size_t number)
{
        return &table[number];
}

const struct bc_setting *bc_setting_find(const char *section, const char *key, size_t *ret_number)
{
        for (size_t i = 0; i < bc_setting_count(); i++)
                if (strcmp(table[i].section, section) == 0 && strcmp(table[i].key, key) == 0) {
                        *ret_number = i;
                        return &table[i];
                }
        return NULL;
}

const char *bc_setting_section_help(const char *section)
{
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
                if (strcmp(sections[i].name, section) == 0)
                        return sections[i].help;
        return NULL;
}

bool bc_setting_has_section(const char *section)
{
        return bc_setting_section_help(section) != NULL;
}

const char *bc_setting_help(const struct bc_setting *setting)
{
        return setting->help ? setting->help : bc_signal_help(bc_setting_signal(setting));
}

const char *bc_setting_default(const struct bc_setting *setting)
{
        if (setting->type == BC_SETTING_PATTERN)
                return "the scheme's";
        return setting->fallback[0] ? setting->fallback : "nothing";
}

enum bc_signal bc_setting_signal(const struct bc_setting *setting)
{
        return (enum bc_signal)((setting->offset - offsetof(struct bc_settings, pattern)) / BC_PATTERN_TEXT_BYTES);
}
