// SPDX-License-Identifier: EUPL-1.2
#include "control/signal.h"

#include <errno.h>
#include <stdio.h>

// The French decree asks for a fixed green light while pictures are held in memory only, and for two blinking red ones that
// those who are filmed can see; GA/T 947 for red while there is video, yellow while there is sound, green for power.
// What those leave open is as in the default scheme. Flashes stay below three a second.
static const struct {
        const char *name, *help;
        bool needed;
        const char *pattern[BC_SCHEME_COUNT]; // NULL: as default
} table[BC_SIGNAL_COUNT] = {
        [BC_SIGNAL_POWER] = { "power", "The camera is on, whatever it does.", false,
                { "", [BC_SCHEME_CHINESE] = "green 1 s" } },
        [BC_SIGNAL_STARTING] = { "starting", "Recordings of an earlier run are brought into order.", false,
                { "blue 300 ms, - 300 ms" } },
        [BC_SIGNAL_STANDBY] = { "standby", "Sensors are off: nothing is held in memory.", false,
                { "green 100 ms, - 4 s" } },
        [BC_SIGNAL_BUFFERING] = { "buffering", "The last seconds are held in memory; nothing is recorded.", true,
                { "green 1 s" } },
        [BC_SIGNAL_DOCKED] = { "docked", "On the dock.", false,
                { "blue 1 s" } },
        [BC_SIGNAL_STOPPING] = { "stopping", "Everything is being closed.", false,
                { "blue 150 ms, - 350 ms" } },
        [BC_SIGNAL_SOUND] = { "sound", "Sound is being recorded.", false,
                { "", [BC_SCHEME_CHINESE] = "yellow 1 s" } },
        [BC_SIGNAL_POST_EVENT] = { "post-event", "The recording was stopped; its last seconds run.", true,
                { "red 250 ms, - 1 s", [BC_SCHEME_FRENCH] = "red+red2 250 ms, - 1 s" } },
        [BC_SIGNAL_RECORDING] = { "recording", "A recording goes on.", true,
                { "red 500 ms, - 500 ms", [BC_SCHEME_FRENCH] = "red+red2 500 ms, - 500 ms",
                  [BC_SCHEME_CHINESE] = "red 1 s" } },
        [BC_SIGNAL_BATTERY_LOW] = { "battery-low", "The battery lasts for few minutes more.", false,
                { "yellow 150 ms, - 250 ms, yellow 150 ms, - 2 s" } },
        [BC_SIGNAL_STORAGE_LOW] = { "storage-low", "There is room for few minutes more.", false,
                { "yellow 150 ms, - 3 s" } },
        [BC_SIGNAL_MUTED] = { "muted", "A recording goes on without sound.", true,
                { "yellow 700 ms, - 700 ms" } },
        [BC_SIGNAL_TROUBLE] = { "trouble", "A recording is in danger: no picture, no sound, or nothing gets to the card.", true,
                { "yellow 200 ms, - 200 ms" } },
        [BC_SIGNAL_EMERGENCY] = { "emergency", "An emergency goes on.", true,
                { "red+red2 200 ms, - 200 ms" } },
        [BC_SIGNAL_FAULT] = { "fault", "Nothing can be recorded.", true,
                { "red+tone2000 250 ms, yellow 250 ms, red+tone2000 250 ms, yellow 250 ms, - 2 s" } },
        [BC_SIGNAL_REMINDER] = { "reminder", "A recording still goes on.", false,
                { "vibrate+tone1200 100 ms, - 100 ms, vibrate+tone1200 100 ms" } },
        [BC_SIGNAL_WARNING] = { "warning", "Room or battery for 30 or 10 minutes more.", false,
                { "vibrate+tone800 200 ms, - 100 ms, vibrate+tone600 400 ms" } },
        [BC_SIGNAL_ALARM] = { "alarm", "Something is wrong with the recording.", true,
                { "vibrate+tone2500 200 ms, - 100 ms, vibrate+tone2500 200 ms, - 100 ms, vibrate+tone2500 200 ms" } },
        [BC_SIGNAL_PRESS] = { "press", "A button was felt.", true,
                { "vibrate+blue 80 ms" } },
        [BC_SIGNAL_MARK] = { "mark", "The instant was marked.", false,
                { "vibrate+tone1500 80 ms" } },
        [BC_SIGNAL_START] = { "start", "A recording begins.", true,
                { "vibrate+tone1000 150 ms, - 80 ms, vibrate+tone1500 250 ms" } },
        [BC_SIGNAL_STOP] = { "stop", "A recording ends, after its post-event seconds.", true,
                { "vibrate+tone1500 150 ms, - 80 ms, vibrate+tone1000 500 ms" } },
        [BC_SIGNAL_EMERGENCY_START] = { "emergency-start", "An emergency begins.", true,
                { "vibrate 100 ms, - 80 ms, vibrate 100 ms, - 80 ms, vibrate 100 ms, - 80 ms, vibrate 400 ms" } },
        [BC_SIGNAL_EMERGENCY_END] = { "emergency-end", "An emergency ends.", true,
                { "vibrate+tone1500 400 ms, - 100 ms, vibrate+tone1000 400 ms, - 100 ms, vibrate+tone700 400 ms" } },
        [BC_SIGNAL_LET_GO] = { "let-go", "Both buttons were held long enough: releasing them now ends the emergency.", true,
                { "vibrate+blue+tone1800 100 ms, - 100 ms, vibrate+blue+tone1800 100 ms, - 100 ms, "
                  "vibrate+blue+tone1800 100 ms" } },
        [BC_SIGNAL_REFUSAL] = { "refusal", "What the button asked for is refused.", true,
                { "vibrate+tone300 400 ms" } },
};

// Those that must not be taken for each other.
static const enum bc_signal different[][2] = {
        { BC_SIGNAL_RECORDING, BC_SIGNAL_BUFFERING },     { BC_SIGNAL_RECORDING, BC_SIGNAL_STANDBY },
        { BC_SIGNAL_RECORDING, BC_SIGNAL_DOCKED },        { BC_SIGNAL_RECORDING, BC_SIGNAL_STARTING },
        { BC_SIGNAL_RECORDING, BC_SIGNAL_STOPPING },      { BC_SIGNAL_RECORDING, BC_SIGNAL_FAULT },
        { BC_SIGNAL_RECORDING, BC_SIGNAL_MUTED },         { BC_SIGNAL_RECORDING, BC_SIGNAL_TROUBLE }, // stand with it
        { BC_SIGNAL_POST_EVENT, BC_SIGNAL_BUFFERING },    { BC_SIGNAL_POST_EVENT, BC_SIGNAL_STANDBY },
        { BC_SIGNAL_POST_EVENT, BC_SIGNAL_DOCKED },       { BC_SIGNAL_EMERGENCY, BC_SIGNAL_BUFFERING },
        { BC_SIGNAL_EMERGENCY, BC_SIGNAL_STANDBY },       { BC_SIGNAL_EMERGENCY, BC_SIGNAL_DOCKED },
        { BC_SIGNAL_EMERGENCY, BC_SIGNAL_FAULT },         { BC_SIGNAL_EMERGENCY, BC_SIGNAL_RECORDING },
        { BC_SIGNAL_FAULT, BC_SIGNAL_BUFFERING },         { BC_SIGNAL_FAULT, BC_SIGNAL_STANDBY },
        { BC_SIGNAL_MUTED, BC_SIGNAL_STORAGE_LOW },       { BC_SIGNAL_MUTED, BC_SIGNAL_BATTERY_LOW },
        { BC_SIGNAL_TROUBLE, BC_SIGNAL_STORAGE_LOW },     { BC_SIGNAL_TROUBLE, BC_SIGNAL_BATTERY_LOW },
        { BC_SIGNAL_START, BC_SIGNAL_STOP },              { BC_SIGNAL_START, BC_SIGNAL_REFUSAL },
        { BC_SIGNAL_EMERGENCY_START, BC_SIGNAL_REFUSAL }, { BC_SIGNAL_EMERGENCY_END, BC_SIGNAL_REFUSAL },
        { BC_SIGNAL_LET_GO, BC_SIGNAL_REFUSAL },
};

const char *bc_signal_name(enum bc_signal signal)
{
        return signal < BC_SIGNAL_COUNT ? table[signal].name : "?";
}

const char *bc_signal_help(enum bc_signal signal)
{
        return signal < BC_SIGNAL_COUNT ? table[signal].help : "?";
}

const char *bc_scheme_name(enum bc_scheme scheme)
{
        static const char *const names[BC_SCHEME_COUNT] = { "default", "french", "chinese" };

        return scheme < BC_SCHEME_COUNT ? names[scheme] : "?";
}

bool bc_signal_is_needed(enum bc_signal signal)
{
        return signal < BC_SIGNAL_COUNT && table[signal].needed;
}

const char *bc_signal_pattern(enum bc_signal signal, enum bc_scheme scheme)
{
        const char *text;

        if (signal >= BC_SIGNAL_COUNT || scheme >= BC_SCHEME_COUNT)
                return "";
        text = table[signal].pattern[scheme];
        return text ? text : table[signal].pattern[BC_SCHEME_DEFAULT];
}

// There is no tone then (display.h).
static bool is_told_in_an_emergency(enum bc_signal signal)
{
        return signal == BC_SIGNAL_PRESS || signal == BC_SIGNAL_EMERGENCY || signal == BC_SIGNAL_EMERGENCY_START ||
               signal == BC_SIGNAL_LET_GO;
}

int bc_signal_patterns(enum bc_scheme scheme, const char own[BC_SIGNAL_COUNT][BC_PATTERN_TEXT_BYTES], uint32_t outputs,
                       void (*on_wrong)(void *user, enum bc_signal signal, const char *why), void *user,
                       struct bc_pattern ret_patterns[BC_SIGNAL_COUNT])
{
        char why[160];
        int result = 0;

        for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++) {
                enum bc_signal signal = (enum bc_signal)i;
                const char *text = own[i][0] ? own[i] : bc_signal_pattern(signal, scheme);
                int r = bc_pattern_parse(text, &ret_patterns[i], why, sizeof(why));

                uint32_t seen = is_told_in_an_emergency(signal) ? outputs & ~(uint32_t)BC_OUTPUT_TONE : outputs;

                // What need not be noticed may be shown by nothing, or by an output that this device has not got.
                if (r == 0 && (bc_signal_is_needed(signal) || ret_patterns[i].uses & outputs))
                        r = bc_pattern_check(&ret_patterns[i], seen, bc_signal_stands(signal), why, sizeof(why));
                if (r < 0) {
                        ret_patterns[i] = (struct bc_pattern){ 0 };
                        on_wrong(user, signal, why);
                        result = r;
                }
        }
        for (size_t i = 0; result == 0 && i < sizeof(different) / sizeof(different[0]); i++) {
                enum bc_signal a = different[i][0], b = different[i][1];

                if (!bc_pattern_is_same(&ret_patterns[a], &ret_patterns[b], outputs, bc_signal_stands(a)))
                        continue;
                // Told of the one that somebody wrote.
                if (!own[a][0] && own[b][0]) {
                        a = different[i][1];
                        b = different[i][0];
                }
                snprintf(why, sizeof(why), "looks the same as \"%s\" on this device", bc_signal_name(b));
                on_wrong(user, a, why);
                result = -EINVAL;
        }
        return result;
}
