// SPDX-License-Identifier: EUPL-1.2
// What the officer is told by lights, sound and vibration, and by which pattern: one table with a column per scheme.
//
// A standing signal is shown over and over for as long as something is so; a momentary one once, when something
// happens. Each output shows the highest signal that uses it and is there; so a signal may leave an output to those
// below it. The order of the enum is the order of rank.
//
// Pure data, any thread.
#ifndef BC_CONTROL_SIGNAL_H
#define BC_CONTROL_SIGNAL_H

#include <stdbool.h>

#include "control/pattern.h"

enum bc_scheme { BC_SCHEME_DEFAULT, BC_SCHEME_FRENCH, BC_SCHEME_CHINESE, BC_SCHEME_COUNT };

enum bc_signal {
        // standing
        BC_SIGNAL_POWER, // the camera is on, whatever it does
        BC_SIGNAL_STARTING,
        BC_SIGNAL_STANDBY,
        BC_SIGNAL_BUFFERING,
        BC_SIGNAL_DOCKED,
        BC_SIGNAL_STOPPING,
        BC_SIGNAL_SOUND, // sound is being recorded
        BC_SIGNAL_POST_EVENT,
        BC_SIGNAL_RECORDING,
        BC_SIGNAL_BATTERY_LOW,
        BC_SIGNAL_STORAGE_LOW,
        BC_SIGNAL_MUTED,
        BC_SIGNAL_TROUBLE, // what is recorded is in danger: no picture, no sound, or not getting to the card
        BC_SIGNAL_EMERGENCY,
        BC_SIGNAL_FAULT, // nothing can be recorded
        // momentary
        BC_SIGNAL_REMINDER, // a recording goes on
        BC_SIGNAL_WARNING,  // storage or battery: few minutes left
        BC_SIGNAL_ALARM,
        BC_SIGNAL_PRESS, // a button was felt
        BC_SIGNAL_MARK,
        BC_SIGNAL_START,
        BC_SIGNAL_STOP,
        BC_SIGNAL_EMERGENCY_START,
        BC_SIGNAL_EMERGENCY_END,
        BC_SIGNAL_LET_GO, // both buttons were held long enough: releasing them now ends the emergency
        BC_SIGNAL_REFUSAL,
        BC_SIGNAL_COUNT,
};

static inline bool bc_signal_stands(enum bc_signal signal)
{
        return signal < BC_SIGNAL_REMINDER;
}

const char *bc_signal_name(enum bc_signal signal); // "emergency-start", also the key of the setting
const char *bc_signal_help(enum bc_signal signal); // a sentence
const char *bc_scheme_name(enum bc_scheme scheme);

// Whether the officer must be able to notice it: a pattern of nothing is refused.
bool bc_signal_is_needed(enum bc_signal signal);

// The pattern as text; "" where the scheme shows nothing.
const char *bc_signal_pattern(enum bc_signal signal, enum bc_scheme scheme);

// All of a device's: own[i] with text takes the place of the scheme's. What is refused is told by on_wrong with its signal,
// but for a pattern of the scheme. outputs: enum bc_output, those of the device. 0 or -EINVAL.
int bc_signal_patterns(enum bc_scheme scheme, const char own[BC_SIGNAL_COUNT][BC_PATTERN_TEXT_BYTES], uint32_t outputs,
                       void (*on_wrong)(void *user, enum bc_signal signal, const char *why), void *user,
                       struct bc_pattern ret_patterns[BC_SIGNAL_COUNT]);

#endif
