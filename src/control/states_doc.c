// SPDX-License-Identifier: EUPL-1.2
// Prints docs/STATES.md from the decisions themselves.
#include <stdio.h>
#include <string.h>

#include "control/state.h"

#define MODES_OF_PHASE 64 // six levels

static const char intro[] =
        "<!-- Generated from src/control/state.c by the target states-doc-update. Do not edit. -->\n"
        "# States\n"
        "\n"
        "What the recorder does at each event. The table is `src/control/state.c`, a pure function: (mode, event) ->\n"
        "(mode, actions). It is tested over every mode that can be reached and every event.\n"
        "\n"
        "A *phase* is a state with what must be remembered in it. Beside it stand levels: *docked* (the dock's contact\n"
        "is closed), *sensors wanted* (nobody has switched them off), *capable* (something can be recorded), *muted*, *stealthy*\n"
        "(nothing lights up, sounds or vibrates), *reserve only* (the store has room for an emergency alone). What the policy refuses does not come here (`src/control/policy.c`).\n"
        "\n";

static const char rules[] =
        "\n"
        "## What always holds\n"
        "\n"
        "- An emergency wins everywhere but in STOPPING. Only a release, a confirmed dwell on the dock or a shutdown ends it.\n"
        "- Entering the pair {RECORDING, EMERGENCY} commits the pre-event (`COMMIT_PRE_EVENT`), leaving it closes the\n"
        "  recording (`CLOSE_RECORDING`), moves within it keep it.\n"
        "- The post-event seconds are RECORDING with a deadline (phase ENDING); a start or a press there goes on with the\n"
        "  same recording.\n"
        "- Docking ends a recording; an emergency ends only when the dock's contact stayed closed for the dwell time. The\n"
        "  dock's edge counts: a recording may be started on the dock on purpose, and a contact told again changes nothing.\n"
        "- FAULT stands only while nothing can be recorded. It retries and raises the alarm at each try. A recording that\n"
        "  it cut starts anew as soon as something can be recorded (phase FAULT_WANTED).\n"
        "- Only an ordinary recording is muted, and only while it lasts: an emergency is heard, and the next recording begins\n"
        "  with its sound. Stealth ends on the dock.\n"
        "- With the reserve alone nothing but an emergency is recorded: an ordinary recording ends, with its alarm, also the\n"
        "  one beneath an emergency; a start is refused.\n"
        "- Every change of phase is reported (`REPORT_EDGE`, left out below).\n"
        "- Sensors go off (`STOP_SENSORS`) only when what was recorded is closed and durable, for they come on again with an\n"
        "  empty ring; at a shutdown they go off at once, and the recorder closes with what the ring holds.\n";

static void print_actions(uint32_t actions)
{
        const char *separator = "";

        for (unsigned bit = 0; bit < BC_ACTION_BITS; bit++) {
                uint32_t action = UINT32_C(1) << bit;
                if (!(actions & action) || action == BC_ACTION_REPORT_EDGE)
                        continue;
                printf("%s`%s`", separator, bc_action_name((enum bc_action)action));
                separator = ", ";
        }
}

static bool mode_equal(const struct bc_mode *a, const struct bc_mode *b)
{
        return a->phase == b->phase && a->docked == b->docked && a->sensors_wanted == b->sensors_wanted &&
               a->capable == b->capable && a->muted == b->muted && a->stealthy == b->stealthy &&
               a->reserve_only == b->reserve_only;
}

static bool same_outcome(const struct bc_step *a, const struct bc_step *b)
{
        return a->mode.phase == b->mode.phase && a->actions == b->actions && a->refusal == b->refusal;
}

// The modes that can be reached from power on; returns how many there are.
static size_t reachable(struct bc_mode *modes, size_t room)
{
        size_t count = 1;

        modes[0] = bc_mode_initial();
        for (size_t i = 0; i < count; i++)
                for (unsigned event = 0; event < BC_EVENT_COUNT; event++) {
                        struct bc_mode next = bc_state_step(&modes[i], (enum bc_event)event).mode;
                        size_t k = 0;
                        while (k < count && !mode_equal(&modes[k], &next))
                                k++;
                        if (k == count && count < room)
                                modes[count++] = next;
                }
        return count;
}

static void print_row(const char *event, const char *when, enum bc_phase phase, const struct bc_step *step)
{
        printf("| %s | %s | ", event, when);
        if (step->mode.phase != phase)
                printf("**%s**", bc_phase_name(step->mode.phase));
        else
                printf(step->refusal == BC_REFUSAL_NONE ? "stays" : "refused");
        printf(" | ");
        print_actions(step->actions);
        printf(" | %s |\n", step->refusal == BC_REFUSAL_NONE ? "" : bc_refusal_text(step->refusal));
}

// Says in what the modes of this outcome differ from the others of the phase.
static void describe(const struct bc_mode *const *modes, const bool *member, size_t count, char *text, size_t bytes)
{
        static const char *const words[][2] = { { "not docked", "docked" },
                                                { "sensors not wanted", "sensors wanted" },
                                                { "not capable", "capable" },
                                                { "not muted", "muted" },
                                                { "not stealthy", "stealthy" },
                                                { "more room", "reserve only" } };
        size_t used = 0;

        text[0] = 0;
        for (unsigned level = 0; level < sizeof(words) / sizeof(words[0]); level++) {
                bool in[2] = { false, false }, out[2] = { false, false };
                for (size_t i = 0; i < count; i++) {
                        bool values[] = { modes[i]->docked, modes[i]->sensors_wanted, modes[i]->capable, modes[i]->muted,
                                          modes[i]->stealthy, modes[i]->reserve_only };
                        bool value = values[level];
                        (member[i] ? in : out)[value] = true;
                }
                if (in[0] != in[1] && out[in[0] ? 1 : 0])
                        used += (size_t)snprintf(text + used, bytes - used, "%s%s", used ? ", " : "",
                                                 words[level][in[1]]);
        }
}

static bool is_stale(const struct bc_mode *const *modes, size_t count, enum bc_event event)
{
        for (size_t i = 0; i < count; i++)
                if (bc_state_step(modes[i], event).refusal != BC_REFUSAL_STALE)
                        return false;
        return true;
}

static void print_event(const struct bc_mode *const *modes, size_t count, enum bc_phase phase, enum bc_event event)
{
        struct bc_step steps[MODES_OF_PHASE];
        bool done[MODES_OF_PHASE] = { false };

        for (size_t i = 0; i < count; i++)
                steps[i] = bc_state_step(modes[i], event);
        if (is_stale(modes, count, event))
                return;
        for (size_t i = 0; i < count; i++) {
                bool member[MODES_OF_PHASE] = { false };
                char when[128];
                if (done[i])
                        continue;
                for (size_t k = i; k < count; k++)
                        done[k] |= member[k] = same_outcome(&steps[i], &steps[k]);
                describe(modes, member, count, when, sizeof(when));
                print_row(bc_event_name(event), when, phase, &steps[i]);
        }
}

static void print_diagram(const struct bc_mode *modes, size_t count)
{
        bool edge[BC_STATE_COUNT][BC_STATE_COUNT] = { { false } };

        for (size_t i = 0; i < count; i++)
                for (unsigned event = 0; event < BC_EVENT_COUNT; event++)
                        edge[bc_state_of(modes[i].phase)]
                            [bc_state_of(bc_state_step(&modes[i], (enum bc_event)event).mode.phase)] = true;
        printf("```mermaid\nstateDiagram-v2\n    [*] --> STARTING\n");
        for (unsigned from = 0; from < BC_STATE_COUNT; from++)
                for (unsigned to = 0; to < BC_STATE_COUNT; to++)
                        if (from != to && edge[from][to] && to != BC_STATE_STOPPING)
                                printf("    %s --> %s\n", bc_state_name((enum bc_state)from),
                                       bc_state_name((enum bc_state)to));
        printf("    STOPPING --> [*]\n```\n\nEvery state also goes to STOPPING at SHUTDOWN.\n");
}

static void print_stale(const struct bc_mode *const *modes, size_t count)
{
        const char *separator = "\nRefused as too late: ";

        for (unsigned event = 0; event < BC_EVENT_COUNT; event++)
                if (is_stale(modes, count, (enum bc_event)event)) {
                        printf("%s%s", separator, bc_event_name((enum bc_event)event));
                        separator = ", ";
                }
        printf("%s", separator[0] == '\n' ? "" : ".\n");
}

int main(void)
{
        struct bc_mode modes[BC_PHASE_COUNT * MODES_OF_PHASE];
        size_t count = reachable(modes, sizeof(modes) / sizeof(modes[0]));

        fputs(intro, stdout);
        print_diagram(modes, count);
        fputs(rules, stdout);
        for (unsigned phase = 0; phase < BC_PHASE_COUNT; phase++) {
                const struct bc_mode *of_phase[MODES_OF_PHASE];
                size_t n = 0;
                for (size_t i = 0; i < count; i++)
                        if (modes[i].phase == (enum bc_phase)phase && n < MODES_OF_PHASE)
                                of_phase[n++] = &modes[i];
                printf("\n## %s\n\nState %s; sensors %s; %s.\n\n", bc_phase_name((enum bc_phase)phase),
                       bc_state_name(bc_state_of((enum bc_phase)phase)),
                       bc_phase_has_sensors((enum bc_phase)phase) ? "on" : "off",
                       bc_phase_is_recording((enum bc_phase)phase) ? "recording" : "not recording");
                printf("| event | when | becomes | actions | why not |\n| --- | --- | --- | --- | --- |\n");
                for (unsigned event = 0; event < BC_EVENT_COUNT; event++)
                        print_event(of_phase, n, (enum bc_phase)phase, (enum bc_event)event);
                print_stale(of_phase, n);
        }
        return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
