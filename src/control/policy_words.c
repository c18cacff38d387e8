// SPDX-License-Identifier: EUPL-1.2
#include "control/policy_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "bodycam/time.h"
#include "control/grammar.h"
#include "control/policy.h"

struct words {
        void (*on_sentence)(void *user, const char *text);
        void *user;
};

__attribute__((format(printf, 2, 3))) static void say(const struct words *words, const char *format, ...)
{
        char text[300];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        words->on_sentence(words->user, text);
}

// "30 s", "2 min", "500 ms"
static const char *duration(int64_t time_ns, char text[32])
{
        if (time_ns % (60 * BC_NS_PER_S) == 0 && time_ns > 0)
                snprintf(text, 32, "%" PRId64 " min", time_ns / (60 * BC_NS_PER_S));
        else if (time_ns % BC_NS_PER_S == 0)
                snprintf(text, 32, "%" PRId64 " s", time_ns / BC_NS_PER_S);
        else
                snprintf(text, 32, "%" PRId64 " ms", time_ns / BC_NS_PER_MS);
        return text;
}

static void say_recording(const struct words *words, const struct bc_settings *s)
{
        char hold[32], before[32], after[32];

        switch ((enum bc_activation)s->activation) {
        case BC_ACTIVATION_OFFICER:
                say(words, "A recording is started by pressing record, or by a command.");
                say(words, "It is stopped by holding record for %s, or by a command.", duration(s->stop_hold_ns, hold));
                break;
        case BC_ACTIVATION_CONTROL_ROOM:
                say(words, "A recording is started and stopped by a command alone; the record button does neither.");
                break;
        case BC_ACTIVATION_ALWAYS_ON:
                say(words, "The camera records from boot until it is put on its dock; no button and no command stops it before.");
                break;
        }
        if (s->pre_event_ns > 0)
                say(words, "A recording begins at least %s before its start, %s.", duration(s->pre_event_ns, before),
                    s->mic_driver == BC_MIC_NONE ? "without sound" : s->pre_event_sound ? "with sound" : "without the sound of that time");
        else
                say(words, "A recording begins with its start; nothing from before is in it but a second at the most.");
        say(words, "It goes on for %s after it was stopped; a start in that time goes on with it.",
            duration(s->post_event_ns, after));
        say(words, "A short press of record while recording marks the instant.");
}

static void say_emergency(const struct words *words, const struct bc_settings *s)
{
        char hold[32], let_go[32], dwell[32], reserve[32];

        say(words, "Pressing emergency starts an emergency at once, whatever else the camera does.");
        if (s->emergency_release)
                say(words, "An emergency is ended by pressing both buttons together, holding them for %s until the camera "
                           "answers, and letting go within %s; or by a command.",
                    duration(s->release_hold_ns, hold), duration(BC_GRAMMAR_LET_GO_NS, let_go));
        else
                say(words, "An emergency is ended by a command; no button does.");
        if (s->emergency_reserve_ns > 0)
                say(words, "Room for %s is kept for it: an ordinary recording ends, and none starts, when nothing else is left.",
                    duration(s->emergency_reserve_ns, reserve));
        say(words, "The dock ends a recording at once, and an emergency after %s on it.", duration(s->dock_dwell_ns, dwell));
}

static void say_discretion(const struct words *words, const struct bc_settings *s)
{
        char limit[32], reminder[32];

        if (!s->mute)
                say(words, "Sound cannot be muted.");
        else if (s->mute_limit_ns > 0)
                say(words, "An ordinary recording may be muted by a command, for %s at a time; that shows in the picture and is "
                           "declared. An emergency ends it.", duration(s->mute_limit_ns, limit));
        else
                say(words, "An ordinary recording may be muted by a command, up to its end; that shows in the picture and is "
                           "declared. An emergency ends it.");
        if (s->stealth)
                say(words, "Lights, sound and vibration may be switched off by a command; the dock switches them on again.");
        else
                say(words, "Lights, sound and vibration cannot be switched off.");
        if (s->reminder_ns > 0)
                say(words, "While it records, the camera reminds its wearer of that every %s.",
                    duration(s->reminder_ns, reminder));
}

void bc_policy_describe(const struct bc_settings *settings, void (*on_sentence)(void *user, const char *text), void *user)
{
        const struct words words = { on_sentence, user };

        say_recording(&words, settings);
        say_emergency(&words, settings);
        say_discretion(&words, settings);
}
