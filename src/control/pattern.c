// SPDX-License-Identifier: EUPL-1.2
#include "control/pattern.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bodycam/time.h"

static const char *const words[BC_OUTPUT_BITS] = { "red", "red2", "yellow", "green", "blue", "tone", "vibrate" };

__attribute__((format(printf, 3, 4))) static int no(char *why, size_t why_bytes, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(why, why_bytes, format, arguments);
        va_end(arguments);
        return -EINVAL;
}

// ---- reading -------------------------------------------------------------------------------------------------

static const char *skip_blanks(const char *at)
{
        return at + strspn(at, " ");
}

// Digits at *at, moved past them; more than a million is a million.
static int64_t take_number(const char **at)
{
        int64_t number = 0;

        for (; **at >= '0' && **at <= '9'; (*at)++)
                number = number < 100000 ? number * 10 + (**at - '0') : 1000000;
        return number;
}

static int take_output(const char **at, struct bc_pattern_step *step, char *why, size_t why_bytes)
{
        size_t letters = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
        bool tone = letters == 4 && memcmp(*at, "tone", 4) == 0;
        size_t length = tone ? letters : letters + strspn(*at + letters, "0123456789");
        uint32_t bit = 0;
        int64_t hz;

        for (unsigned i = 0; i < BC_OUTPUT_BITS; i++)
                if (strlen(words[i]) == length && memcmp(words[i], *at, length) == 0)
                        bit = 1u << i;
        if (!bit) {
                length = strcspn(*at, " ,+");
                length = length > 20 ? 20 : length;
                return no(why, why_bytes, "\"%.*s\" is no output: red, red2, yellow, green, blue, vibrate, tone1000 or -",
                          (int)(length ? length : 1), *at);
        }
        if (step->outputs & bit)
                return no(why, why_bytes, "a step names %.*s twice", (int)length, *at);
        step->outputs |= bit;
        *at += length;
        if (!tone)
                return 0;
        hz = take_number(at);
        if (hz < BC_TONE_MIN_HZ || hz > BC_TONE_MAX_HZ)
                return no(why, why_bytes, "a tone has %d to %d Hz: tone1000", BC_TONE_MIN_HZ, BC_TONE_MAX_HZ);
        step->tone_hz = (uint16_t)hz;
        return 0;
}

static int take_outputs(const char **at, struct bc_pattern_step *step, char *why, size_t why_bytes)
{
        int r;

        if (**at == '-') {
                (*at)++;
                return 0;
        }
        for (;;) {
                r = take_output(at, step, why, why_bytes);
                if (r < 0 || **at != '+')
                        return r;
                (*at)++;
        }
}

static int take_length(const char **at, struct bc_pattern_step *step, char *why, size_t why_bytes)
{
        int64_t number;

        *at = skip_blanks(*at);
        if (**at < '0' || **at > '9')
                return no(why, why_bytes, "a step ends with its length: 100 ms, 2 s");
        number = take_number(at);
        *at = skip_blanks(*at);
        if (strncmp(*at, "ms", 2) == 0) {
                *at += 2;
                step->length_ns = number * BC_NS_PER_MS;
        } else if (**at == 's') {
                *at += 1;
                step->length_ns = number * BC_NS_PER_S;
        } else {
                return no(why, why_bytes, "a length is in ms or s");
        }
        if (step->length_ns < BC_PATTERN_STEP_MIN_NS || step->length_ns > BC_PATTERN_LENGTH_MAX_NS)
                return no(why, why_bytes, "a step of 30 ms to 10 s is noticed and ends");
        return 0;
}

int bc_pattern_parse(const char *text, struct bc_pattern *ret_pattern, char *why, size_t why_bytes)
{
        struct bc_pattern pattern = { 0 };
        const char *at = skip_blanks(text);
        int r;

        if (strlen(text) >= BC_PATTERN_TEXT_BYTES)
                return no(why, why_bytes, "longer than %d bytes", BC_PATTERN_TEXT_BYTES - 1);
        while (*at) {
                struct bc_pattern_step *step = &pattern.step[pattern.steps];

                if (pattern.steps == BC_PATTERN_STEPS_MAX)
                        return no(why, why_bytes, "more than %d steps", BC_PATTERN_STEPS_MAX);
                r = take_outputs(&at, step, why, why_bytes);
                if (r == 0)
                        r = take_length(&at, step, why, why_bytes);
                if (r < 0)
                        return r;
                pattern.steps++;
                pattern.length_ns += step->length_ns;
                pattern.uses |= step->outputs;
                at = skip_blanks(at);
                if (*at == ',' && *skip_blanks(at + 1))
                        at = skip_blanks(at + 1);
                else if (*at)
                        return no(why, why_bytes, "a step, a comma, a step: \"red 500 ms, - 500 ms\"");
        }
        *ret_pattern = pattern;
        return 0;
}

// ---- judging -------------------------------------------------------------------------------------------------

// The longest stretch of steps in a row for which (outputs & mask) is, or is not, on; a repeated pattern goes round.
static int64_t longest(const struct bc_pattern *pattern, uint32_t mask, bool on, bool repeats)
{
        int64_t best_ns = 0, run_ns = 0;
        size_t turns = repeats ? 2 : 1;

        for (size_t i = 0; i < pattern->steps * turns; i++) {
                const struct bc_pattern_step *step = &pattern->step[i % pattern->steps];

                run_ns = !!(step->outputs & mask) == on ? run_ns + step->length_ns : 0;
                if (run_ns > best_ns)
                        best_ns = run_ns;
        }
        return best_ns;
}

int bc_pattern_check(const struct bc_pattern *pattern, uint32_t outputs, bool repeats, char *why, size_t why_bytes)
{
        uint32_t seen = pattern->uses & outputs;

        if (pattern->uses == 0)
                return no(why, why_bytes, "nothing is ever on in it");
        if (seen == 0)
                return no(why, why_bytes, "this device has none of the outputs it uses");
        if (pattern->length_ns > BC_PATTERN_LENGTH_MAX_NS)
                return no(why, why_bytes, "it takes longer than 10 s");
        // Vibration takes its time to start up: a shorter pulse is not felt.
        if (seen == BC_OUTPUT_VIBRATE && longest(pattern, BC_OUTPUT_VIBRATE, true, repeats) < BC_PATTERN_PULSE_MIN_NS)
                return no(why, why_bytes, "vibration of less than 50 ms is not felt, and it shows nothing else");
        if (repeats && longest(pattern, seen, false, true) > BC_PATTERN_PAUSE_MAX_NS)
                return no(why, why_bytes, "nothing is on in it for longer than 5 s: whoever looks at it sees nothing");
        return 0;
}

// Whether a from a_ns on and b from b_ns on are the same for length_ns, each going round.
static bool is_same_for(const struct bc_pattern *a, int64_t a_ns, const struct bc_pattern *b, int64_t b_ns, int64_t length_ns,
                        uint32_t outputs)
{
        while (length_ns > 0) {
                int64_t a_next_ns, b_next_ns, step_ns;
                const struct bc_pattern_step *x = bc_pattern_at(a, a_ns %= a->length_ns, &a_next_ns);
                const struct bc_pattern_step *y = bc_pattern_at(b, b_ns %= b->length_ns, &b_next_ns);

                if ((x->outputs & outputs) != (y->outputs & outputs))
                        return false;
                step_ns = a_next_ns - a_ns < b_next_ns - b_ns ? a_next_ns - a_ns : b_next_ns - b_ns;
                a_ns += step_ns;
                b_ns += step_ns;
                length_ns -= step_ns;
        }
        return true;
}

// From where until where something is on.
static int64_t shown(const struct bc_pattern *pattern, uint32_t outputs, int64_t *ret_end_ns)
{
        int64_t at_ns = 0, begin_ns = -1;

        *ret_end_ns = 0;
        for (size_t i = 0; i < pattern->steps; i++) {
                bool on = pattern->step[i].outputs & outputs;

                if (on && begin_ns < 0)
                        begin_ns = at_ns;
                at_ns += pattern->step[i].length_ns;
                if (on)
                        *ret_end_ns = at_ns;
        }
        return begin_ns;
}

// Where something changes, if anything does.
static int64_t first_change(const struct bc_pattern *pattern, uint32_t outputs)
{
        int64_t at_ns = 0;

        for (size_t i = 0; i < pattern->steps; i++) {
                const struct bc_pattern_step *before = &pattern->step[i ? i - 1 : pattern->steps - 1];

                if ((before->outputs & outputs) != (pattern->step[i].outputs & outputs))
                        return at_ns;
                at_ns += pattern->step[i].length_ns;
        }
        return 0;
}

bool bc_pattern_is_same(const struct bc_pattern *a, const struct bc_pattern *b, uint32_t outputs, bool repeats)
{
        int64_t a_ns, b_ns, a_end_ns, b_end_ns;

        if (!(a->uses & outputs) || !(b->uses & outputs))
                return !(a->uses & outputs) && !(b->uses & outputs);
        if (!repeats) {
                a_ns = shown(a, outputs, &a_end_ns);
                b_ns = shown(b, outputs, &b_end_ns);
                return a_end_ns - a_ns == b_end_ns - b_ns && is_same_for(a, a_ns, b, b_ns, a_end_ns - a_ns, outputs);
        }
        // Wherever it began. What goes round and is the same for as long as both lengths together is the same for ever.
        a_ns = first_change(a, outputs);
        b_ns = 0;
        for (size_t i = 0; i < b->steps; i++) {
                if (is_same_for(a, a_ns, b, b_ns, a->length_ns + b->length_ns, outputs))
                        return true;
                b_ns += b->step[i].length_ns;
        }
        return false;
}

const struct bc_pattern_step *bc_pattern_at(const struct bc_pattern *pattern, int64_t since_ns, int64_t *ret_next_ns)
{
        size_t i = 0;
        int64_t next_ns = pattern->step[0].length_ns;

        while (since_ns >= next_ns && i + 1 < pattern->steps)
                next_ns += pattern->step[++i].length_ns;
        *ret_next_ns = next_ns;
        return &pattern->step[i];
}
