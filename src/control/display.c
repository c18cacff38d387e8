// SPDX-License-Identifier: EUPL-1.2
#include "control/display.h"

#include "bodycam/time.h"

#define PREVIEW_NS (3 * BC_NS_PER_S) // of a standing signal, at least

void bc_display_init(struct bc_display *display, const struct bc_pattern patterns[BC_SIGNAL_COUNT])
{
        *display = (struct bc_display){ .patterns = patterns };
        for (unsigned i = 0; i < BC_SIGNAL_COUNT; i++)
                display->since_ns[i] = display->flash_ns[i] = BC_NS_NEVER;
}

void bc_display_stand(struct bc_display *display, enum bc_signal signal, bool there, int64_t now_ns)
{
        int64_t *since_ns = &display->since_ns[signal];

        if (!there)
                *since_ns = BC_NS_NEVER;
        else if (*since_ns == BC_NS_NEVER)
                *since_ns = now_ns;
}

void bc_display_flash(struct bc_display *display, enum bc_signal signal, int64_t now_ns)
{
        // A scheme may show nothing for it.
        if (display->patterns[signal].steps > 0)
                display->flash_ns[signal] = now_ns;
}

// How long a signal is shown that was flashed: whole turns.
static int64_t flash_length_ns(const struct bc_pattern *pattern, enum bc_signal signal)
{
        int64_t turns = 1;

        if (bc_signal_stands(signal) && pattern->length_ns > 0)
                turns = (PREVIEW_NS + pattern->length_ns - 1) / pattern->length_ns;
        return turns * pattern->length_ns;
}

struct ranked {
        uint32_t taken; // outputs that a higher signal uses
        struct bc_indication indication;
        int64_t next_ns;
};

static void show(struct ranked *ranked, const struct bc_pattern *pattern, int64_t since_ns, int64_t now_ns)
{
        uint32_t free = pattern->uses & ~ranked->taken;
        int64_t turn_ns = since_ns + (now_ns - since_ns) / pattern->length_ns * pattern->length_ns, next_ns;
        const struct bc_pattern_step *step = bc_pattern_at(pattern, now_ns - turn_ns, &next_ns);
        uint32_t on = step->outputs & free;

        ranked->indication.lights |= on & BC_LIGHT_ALL;
        if (on & BC_OUTPUT_TONE)
                ranked->indication.tone_hz = step->tone_hz;
        if (on & BC_OUTPUT_VIBRATE)
                ranked->indication.vibration = true;
        ranked->taken |= pattern->uses;
        // A single step stands for ever.
        if (free && pattern->steps > 1 && turn_ns + next_ns < ranked->next_ns)
                ranked->next_ns = turn_ns + next_ns;
}

struct bc_indication bc_display_at(struct bc_display *display, int64_t now_ns, int64_t *ret_next_ns)
{
        struct ranked ranked = { .next_ns = BC_NS_NEVER };

        // What was flashed is above all that stands.
        for (unsigned i = BC_SIGNAL_COUNT; i-- > 0;) {
                const struct bc_pattern *pattern = &display->patterns[i];
                int64_t end_ns;

                if (display->flash_ns[i] == BC_NS_NEVER)
                        continue;
                end_ns = display->flash_ns[i] + flash_length_ns(pattern, (enum bc_signal)i);
                if (now_ns >= end_ns) {
                        display->flash_ns[i] = BC_NS_NEVER;
                        continue;
                }
                show(&ranked, pattern, display->flash_ns[i], now_ns);
                if (end_ns < ranked.next_ns)
                        ranked.next_ns = end_ns;
        }
        for (unsigned i = BC_SIGNAL_COUNT; i-- > 0;)
                if (display->since_ns[i] != BC_NS_NEVER && display->patterns[i].steps > 0)
                        show(&ranked, &display->patterns[i], display->since_ns[i], now_ns);
        *ret_next_ns = ranked.next_ns;
        if (display->dark)
                return (struct bc_indication){ 0 };
        if (display->quiet)
                ranked.indication.tone_hz = 0;
        return ranked.indication;
}
