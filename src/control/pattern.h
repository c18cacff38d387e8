// SPDX-License-Identifier: EUPL-1.2
// A pattern: what lights, sound and vibration do over time, written as text.
//
//     pattern = [ step { "," step } ]      nothing: nothing is shown
//     step    = outputs duration           "red+vibrate 150 ms"
//     outputs = "-" | output { "+" output }
//     output  = "red" | "red2" | "yellow" | "green" | "blue" | "vibrate" | "tone" HZ      "tone1000"
//     duration = whole number, "ms" or "s"
//
// Pure functions, any thread, no allocation.
#ifndef BC_CONTROL_PATTERN_H
#define BC_CONTROL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/indicator.h"

#define BC_PATTERN_STEPS_MAX 16
#define BC_PATTERN_TEXT_BYTES 160 // with the 0 at the end

// What a person notices: shorter is not seen, heard or felt; a longer pause looks like nothing.
#define BC_PATTERN_STEP_MIN_NS INT64_C(30000000)
#define BC_PATTERN_PULSE_MIN_NS INT64_C(50000000) // of vibration
#define BC_PATTERN_LENGTH_MAX_NS INT64_C(10000000000)
#define BC_PATTERN_PAUSE_MAX_NS INT64_C(5000000000) // within a repeated one
#define BC_TONE_MIN_HZ 200
#define BC_TONE_MAX_HZ 8000

// Each works by itself. The bits of lights are those of enum bc_light.
enum bc_output {
        BC_OUTPUT_RED = BC_LIGHT_RED,
        BC_OUTPUT_RED_2 = BC_LIGHT_RED_2,
        BC_OUTPUT_YELLOW = BC_LIGHT_YELLOW,
        BC_OUTPUT_GREEN = BC_LIGHT_GREEN,
        BC_OUTPUT_BLUE = BC_LIGHT_BLUE,
        BC_OUTPUT_TONE = 1 << 5,
        BC_OUTPUT_VIBRATE = 1 << 6,
};
#define BC_OUTPUT_BITS 7
#define BC_OUTPUT_ALL ((1u << BC_OUTPUT_BITS) - 1)
#define BC_OUTPUT_WORDS "red red2 yellow green blue tone vibrate" // in the order of the bits

struct bc_pattern_step {
        uint32_t outputs; // enum bc_output: those that are on
        uint16_t tone_hz; // 0: silent
        int64_t length_ns;
};

struct bc_pattern {
        size_t steps; // 0: nothing is shown
        struct bc_pattern_step step[BC_PATTERN_STEPS_MAX];
        int64_t length_ns;
        uint32_t uses; // enum bc_output: on in any step
};

// 0, or -EINVAL with the reason in why.
int bc_pattern_parse(const char *text, struct bc_pattern *ret_pattern, char *why, size_t why_bytes);

// Whether a person with a device of these outputs notices it. repeats: it is shown over and over, else once.
// 0, or -EINVAL with the reason in why. A pattern of nothing is noticed by nobody.
int bc_pattern_check(const struct bc_pattern *pattern, uint32_t outputs, bool repeats, char *why, size_t why_bytes);

// Whether two look the same on a device of these outputs, shown over and over or once: no matter when they begin, and which
// pitch a tone has, which not everybody tells.
bool bc_pattern_is_same(const struct bc_pattern *a, const struct bc_pattern *b, uint32_t outputs, bool repeats);

// The step at an instant since it began, 0 <= since_ns < length_ns, and where the next one begins.
const struct bc_pattern_step *bc_pattern_at(const struct bc_pattern *pattern, int64_t since_ns, int64_t *ret_next_ns);

#endif
