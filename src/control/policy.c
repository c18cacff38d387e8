// SPDX-License-Identifier: EUPL-1.2
#include "control/policy.h"

static enum bc_refusal judge_start(const struct bc_policy *policy, enum bc_origin origin)
{
        if (policy->activation == BC_ACTIVATION_CONTROL_ROOM && origin == BC_ORIGIN_BUTTON)
                return BC_REFUSAL_POLICY_START;
        return BC_REFUSAL_NONE;
}

static enum bc_refusal judge_stop(const struct bc_policy *policy, const struct bc_mode *mode, enum bc_origin origin)
{
        // On the dock it may be stopped: there nothing wants it.
        if (policy->activation == BC_ACTIVATION_ALWAYS_ON && !mode->docked)
                return BC_REFUSAL_POLICY_ALWAYS;
        if (policy->activation == BC_ACTIVATION_CONTROL_ROOM && origin == BC_ORIGIN_BUTTON)
                return BC_REFUSAL_POLICY_STOP;
        return BC_REFUSAL_NONE;
}

enum bc_refusal bc_policy_judge(const struct bc_policy *policy, const struct bc_mode *mode, enum bc_event event,
                                enum bc_origin origin)
{
        if (origin == BC_ORIGIN_DEVICE || mode->phase == BC_PHASE_STOPPING)
                return BC_REFUSAL_NONE;
        switch (event) {
        case BC_EVENT_RECORD_START:
                return judge_start(policy, origin);
        case BC_EVENT_RECORD_STOP:
                // What could not be stopped anyway is refused by its own reason.
                if (bc_state_of(mode->phase) == BC_STATE_EMERGENCY)
                        return BC_REFUSAL_NONE;
                return judge_stop(policy, mode, origin);
        case BC_EVENT_SENSORS_OFF:
                return policy->activation == BC_ACTIVATION_ALWAYS_ON ? BC_REFUSAL_POLICY_ALWAYS : BC_REFUSAL_NONE;
        case BC_EVENT_MUTE:
                return policy->mute ? BC_REFUSAL_NONE : BC_REFUSAL_POLICY_MUTE;
        case BC_EVENT_STEALTH_ON:
                return policy->stealth ? BC_REFUSAL_NONE : BC_REFUSAL_POLICY_STEALTH;
        default:
                return BC_REFUSAL_NONE;
        }
}

bool bc_policy_wants_recording(const struct bc_policy *policy, const struct bc_mode *mode)
{
        if (policy->activation != BC_ACTIVATION_ALWAYS_ON || mode->docked || mode->reserve_only)
                return false;
        switch (mode->phase) {
        case BC_PHASE_STARTING:
        case BC_PHASE_STANDBY:
        case BC_PHASE_BUFFERING:
        case BC_PHASE_ENDING:
        case BC_PHASE_EMERGENCY: // what it falls back to
        case BC_PHASE_FAULT:
                return true;
        default:
                return false;
        }
}

const char *bc_activation_name(enum bc_activation activation)
{
        static const char *const names[] = { "officer", "control-room", "always-on" };

        return (unsigned)activation < sizeof(names) / sizeof(names[0]) ? names[activation] : "?";
}
