// SPDX-License-Identifier: EUPL-1.2
#include "control/state.h"

#include <stddef.h>

// A cell: where the event leads from this phase, what is done beside the actions that follow from the phases
// themselves (see derived_actions()), and why not.
struct cell {
        uint8_t to;
        uint8_t refusal;
        uint32_t actions;
        bool answered;
};

// Where to when nothing is recorded: DOCKED on the dock, else STANDBY with the sensors switched off, else BUFFERING
// (FAULT while nothing can be recorded).
#define REST BC_PHASE_COUNT
#define STAY_HERE (BC_PHASE_COUNT + 1)

#define GO(phase) { .to = (phase), .answered = true }
#define GO_AND(phase, more) { .to = (phase), .actions = (more), .answered = true }
#define LATER(phase, why) { .to = (phase), .refusal = BC_REFUSAL_##why, .answered = true }
#define STAY { .to = STAY_HERE, .answered = true }
#define STAY_AND(more) { .to = STAY_HERE, .actions = (more), .answered = true }
#define RETRY (BC_ACTION_RETRY_CAPTURE | BC_ACTION_ALARM | BC_ACTION_ARM_RETRY)
#define NO(why) { .to = STAY_HERE, .refusal = BC_REFUSAL_##why, .answered = true }

// The decisions. Every cell is answered (the test insists). NO(STALE): meant for something that is past.
static const struct cell table[BC_PHASE_COUNT][BC_EVENT_COUNT] = {
        [BC_PHASE_STARTING] = {
                [BC_EVENT_STARTED]            = GO(REST),
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = STAY,
                [BC_EVENT_RECORD_START]       = GO(BC_PHASE_RECORDING),
                [BC_EVENT_RECORD_STOP]        = NO(NOT_RECORDING),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = NO(NOT_RECORDING),
                [BC_EVENT_MUTE]               = NO(NOT_RECORDING),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = STAY,
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = NO(STALE),
                [BC_EVENT_CAPTURE_BACK]       = NO(STALE),
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_STANDBY] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = GO(REST),
                [BC_EVENT_SENSORS_OFF]        = STAY,
                [BC_EVENT_RECORD_START]       = GO(BC_PHASE_RECORDING),
                [BC_EVENT_RECORD_STOP]        = NO(NOT_RECORDING),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = NO(NOT_RECORDING),
                [BC_EVENT_MUTE]               = NO(NOT_RECORDING),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = GO(BC_PHASE_DOCKED),
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = NO(STALE),
                [BC_EVENT_CAPTURE_BACK]       = NO(STALE),
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_BUFFERING] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = GO(BC_PHASE_STANDBY),
                [BC_EVENT_RECORD_START]       = GO(BC_PHASE_RECORDING),
                [BC_EVENT_RECORD_STOP]        = NO(NOT_RECORDING),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = NO(NOT_RECORDING),
                [BC_EVENT_MUTE]               = NO(NOT_RECORDING),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = GO(BC_PHASE_DOCKED),
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = GO_AND(BC_PHASE_FAULT, BC_ACTION_ALARM),
                [BC_EVENT_CAPTURE_BACK]       = STAY,
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_RECORDING] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = NO(RECORDING),
                [BC_EVENT_RECORD_START]       = STAY,
                [BC_EVENT_RECORD_STOP]        = GO(BC_PHASE_ENDING),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY_OVER, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = STAY_AND(BC_ACTION_MARK),
                [BC_EVENT_MUTE]               = STAY,
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = GO(BC_PHASE_DOCKED),
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = GO_AND(BC_PHASE_FAULT_WANTED, BC_ACTION_ALARM),
                [BC_EVENT_CAPTURE_BACK]       = STAY,
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = GO_AND(REST, BC_ACTION_ALARM),
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_ENDING] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = NO(RECORDING),
                [BC_EVENT_RECORD_START]       = GO(BC_PHASE_RECORDING),
                [BC_EVENT_RECORD_STOP]        = STAY,
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = STAY_AND(BC_ACTION_MARK),
                [BC_EVENT_MUTE]               = STAY,
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = GO(REST),
                [BC_EVENT_DOCK]               = GO(BC_PHASE_DOCKED),
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = GO_AND(REST, BC_ACTION_ALARM),
                [BC_EVENT_CAPTURE_BACK]       = STAY,
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = GO_AND(REST, BC_ACTION_ALARM),
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_EMERGENCY] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = NO(EMERGENCY),
                [BC_EVENT_RECORD_START]       = GO(BC_PHASE_EMERGENCY_OVER),
                [BC_EVENT_RECORD_STOP]        = NO(EMERGENCY),
                [BC_EVENT_EMERGENCY_START]    = STAY,
                [BC_EVENT_EMERGENCY_RELEASE]  = GO(BC_PHASE_ENDING),
                [BC_EVENT_MARK]               = STAY_AND(BC_ACTION_MARK),
                [BC_EVENT_MUTE]               = NO(EMERGENCY_SOUND),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = STAY_AND(BC_ACTION_ARM_DWELL),
                [BC_EVENT_UNDOCK]             = STAY_AND(BC_ACTION_CANCEL_DWELL),
                [BC_EVENT_DWELL_ELAPSED]      = GO(BC_PHASE_DOCKED),
                [BC_EVENT_CAPTURE_LOST]       = STAY_AND(BC_ACTION_ALARM),
                [BC_EVENT_CAPTURE_BACK]       = STAY,
                [BC_EVENT_RETRY_DUE]          = STAY_AND(RETRY),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        // As EMERGENCY, but the dock ends the recording beneath at once, and a release goes back to it.
        [BC_PHASE_EMERGENCY_OVER] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = NO(EMERGENCY),
                [BC_EVENT_RECORD_START]       = STAY,
                [BC_EVENT_RECORD_STOP]        = NO(EMERGENCY),
                [BC_EVENT_EMERGENCY_START]    = STAY,
                [BC_EVENT_EMERGENCY_RELEASE]  = GO(BC_PHASE_RECORDING),
                [BC_EVENT_MARK]               = STAY_AND(BC_ACTION_MARK),
                [BC_EVENT_MUTE]               = NO(EMERGENCY_SOUND),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ARM_DWELL),
                [BC_EVENT_UNDOCK]             = STAY_AND(BC_ACTION_CANCEL_DWELL),
                [BC_EVENT_DWELL_ELAPSED]      = GO(BC_PHASE_DOCKED),
                [BC_EVENT_CAPTURE_LOST]       = STAY_AND(BC_ACTION_ALARM),
                [BC_EVENT_CAPTURE_BACK]       = STAY,
                [BC_EVENT_RETRY_DUE]          = STAY_AND(RETRY),
                [BC_EVENT_RESERVE_REACHED]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_DOCKED] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = STAY,
                [BC_EVENT_RECORD_START]       = GO(BC_PHASE_RECORDING),
                [BC_EVENT_RECORD_STOP]        = NO(NOT_RECORDING),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = NO(NOT_RECORDING),
                [BC_EVENT_MUTE]               = NO(NOT_RECORDING),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = NO(DOCKED),
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = STAY,
                [BC_EVENT_UNDOCK]             = GO(REST),
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = NO(STALE),
                [BC_EVENT_CAPTURE_BACK]       = NO(STALE),
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_FAULT] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = GO(BC_PHASE_STANDBY),
                [BC_EVENT_RECORD_START]       = LATER(BC_PHASE_FAULT_WANTED, FAULT),
                [BC_EVENT_RECORD_STOP]        = NO(NOT_RECORDING),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = NO(NOT_RECORDING),
                [BC_EVENT_MUTE]               = NO(NOT_RECORDING),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = GO(BC_PHASE_DOCKED),
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = STAY,
                [BC_EVENT_CAPTURE_BACK]       = GO(REST),
                [BC_EVENT_RETRY_DUE]          = STAY_AND(RETRY),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_FAULT_WANTED] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = STAY,
                [BC_EVENT_SENSORS_OFF]        = NO(RECORDING),
                [BC_EVENT_RECORD_START]       = NO(FAULT),
                [BC_EVENT_RECORD_STOP]        = GO(REST),
                [BC_EVENT_EMERGENCY_START]    = GO_AND(BC_PHASE_EMERGENCY_OVER, BC_ACTION_ALARM),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(NOT_EMERGENCY),
                [BC_EVENT_MARK]               = NO(NOT_RECORDING),
                [BC_EVENT_MUTE]               = NO(NOT_RECORDING),
                [BC_EVENT_UNMUTE]             = STAY,
                [BC_EVENT_STEALTH_ON]         = STAY,
                [BC_EVENT_STEALTH_OFF]        = STAY,
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = GO(BC_PHASE_DOCKED),
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = STAY,
                [BC_EVENT_CAPTURE_BACK]       = GO(BC_PHASE_RECORDING),
                [BC_EVENT_RETRY_DUE]          = STAY_AND(RETRY),
                [BC_EVENT_RESERVE_REACHED]    = GO_AND(REST, BC_ACTION_ALARM),
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = GO(BC_PHASE_STOPPING),
                [BC_EVENT_STOPPED]            = NO(STALE),
        },
        [BC_PHASE_STOPPING] = {
                [BC_EVENT_STARTED]            = STAY,
                [BC_EVENT_SENSORS_ON]         = NO(STOPPING),
                [BC_EVENT_SENSORS_OFF]        = NO(STOPPING),
                [BC_EVENT_RECORD_START]       = NO(STOPPING),
                [BC_EVENT_RECORD_STOP]        = NO(STOPPING),
                [BC_EVENT_EMERGENCY_START]    = NO(STOPPING),
                [BC_EVENT_EMERGENCY_RELEASE]  = NO(STOPPING),
                [BC_EVENT_MARK]               = NO(STOPPING),
                [BC_EVENT_MUTE]               = NO(STOPPING),
                [BC_EVENT_UNMUTE]             = NO(STOPPING),
                [BC_EVENT_STEALTH_ON]         = NO(STOPPING),
                [BC_EVENT_STEALTH_OFF]        = NO(STOPPING),
                [BC_EVENT_POST_EVENT_ELAPSED] = NO(STALE),
                [BC_EVENT_DOCK]               = STAY,
                [BC_EVENT_UNDOCK]             = STAY,
                [BC_EVENT_DWELL_ELAPSED]      = NO(STALE),
                [BC_EVENT_CAPTURE_LOST]       = NO(STALE),
                [BC_EVENT_CAPTURE_BACK]       = NO(STALE),
                [BC_EVENT_RETRY_DUE]          = NO(STALE),
                [BC_EVENT_RESERVE_REACHED]    = STAY,
                [BC_EVENT_RESERVE_LEFT]       = STAY,
                [BC_EVENT_SHUTDOWN]           = STAY,
                [BC_EVENT_STOPPED]            = STAY_AND(BC_ACTION_EXIT),
        },
};

static const struct {
        const char *name;
        uint8_t state;
        bool sensors, recording;
} phases[BC_PHASE_COUNT] = {
        //                           name              state               sensors recording
        [BC_PHASE_STARTING]       = { "STARTING",       BC_STATE_STARTING,  false, false },
        [BC_PHASE_STANDBY]        = { "STANDBY",        BC_STATE_STANDBY,   false, false },
        [BC_PHASE_BUFFERING]      = { "BUFFERING",      BC_STATE_BUFFERING, true,  false },
        [BC_PHASE_RECORDING]      = { "RECORDING",      BC_STATE_RECORDING, true,  true },
        [BC_PHASE_ENDING]         = { "ENDING",         BC_STATE_RECORDING, true,  true },
        [BC_PHASE_EMERGENCY]      = { "EMERGENCY",      BC_STATE_EMERGENCY, true,  true },
        [BC_PHASE_EMERGENCY_OVER] = { "EMERGENCY_OVER", BC_STATE_EMERGENCY, true,  true },
        [BC_PHASE_DOCKED]         = { "DOCKED",         BC_STATE_DOCKED,    false, false },
        [BC_PHASE_FAULT]          = { "FAULT",          BC_STATE_FAULT,     true,  false },
        [BC_PHASE_FAULT_WANTED]   = { "FAULT_WANTED",   BC_STATE_FAULT,     true,  false },
        [BC_PHASE_STOPPING]       = { "STOPPING",       BC_STATE_STOPPING,  false, false },
};

struct bc_mode bc_mode_initial(void)
{
        return (struct bc_mode){ .phase = BC_PHASE_STARTING, .sensors_wanted = true, .capable = true };
}

static struct bc_step refused(const struct bc_mode *mode, enum bc_refusal why)
{
        return (struct bc_step){ .mode = *mode, .refusal = why };
}

static void set_levels(struct bc_mode *mode, enum bc_event event)
{
        switch (event) {
        case BC_EVENT_DOCK:
                mode->docked = true;
                break;
        case BC_EVENT_UNDOCK:
                mode->docked = false;
                break;
        case BC_EVENT_SENSORS_ON:
                mode->sensors_wanted = true;
                break;
        case BC_EVENT_SENSORS_OFF:
                mode->sensors_wanted = false;
                break;
        case BC_EVENT_MUTE:
                mode->muted = true;
                break;
        case BC_EVENT_UNMUTE:
                mode->muted = false;
                break;
        case BC_EVENT_STEALTH_ON:
                mode->stealthy = true;
                break;
        case BC_EVENT_STEALTH_OFF:
                mode->stealthy = false;
                break;
        case BC_EVENT_CAPTURE_LOST:
                mode->capable = false;
                break;
        case BC_EVENT_CAPTURE_BACK:
                mode->capable = true;
                break;
        case BC_EVENT_RESERVE_REACHED:
                mode->reserve_only = true;
                break;
        case BC_EVENT_RESERVE_LEFT:
                mode->reserve_only = false;
                break;
        default:
                break;
        }
}

static enum bc_phase rest_of(const struct bc_mode *mode)
{
        if (mode->docked)
                return BC_PHASE_DOCKED;
        return mode->sensors_wanted ? BC_PHASE_BUFFERING : BC_PHASE_STANDBY;
}

// An ordinary state is not entered while nothing can be recorded, and an ordinary recording not on an emergency's room: what
// an emergency falls back to is a fault then, or rest.
static enum bc_phase honest(const struct bc_mode *mode, enum bc_phase to)
{
        if (mode->reserve_only && (to == BC_PHASE_RECORDING || to == BC_PHASE_ENDING))
                to = rest_of(mode);
        if (mode->capable)
                return to;
        if (to == BC_PHASE_ENDING)
                to = rest_of(mode);
        if (to == BC_PHASE_RECORDING)
                return BC_PHASE_FAULT_WANTED;
        return to == BC_PHASE_BUFFERING ? BC_PHASE_FAULT : to;
}

// Silence belongs to one ordinary recording: nobody's forgotten mute is in the next one, and an emergency is heard.
// Darkness ends where the camera is handed in.
static void end_discretion(struct bc_mode *mode)
{
        if (phases[mode->phase].state != BC_STATE_RECORDING)
                mode->muted = false;
        if (mode->phase == BC_PHASE_DOCKED || mode->phase == BC_PHASE_STOPPING)
                mode->stealthy = false;
}

// What follows from the two modes alone, so that no cell can forget it.
static uint32_t derived_actions(const struct bc_mode *from, const struct bc_mode *to)
{
        bool was_emergency = phases[from->phase].state == BC_STATE_EMERGENCY;
        bool was_recording = phases[from->phase].recording, is_recording = phases[to->phase].recording;
        bool had_sensors = phases[from->phase].sensors, has_sensors = phases[to->phase].sensors;
        uint32_t actions = 0;

        if (from->phase != to->phase)
                actions |= BC_ACTION_REPORT_EDGE;
        if (!was_recording && is_recording)
                actions |= BC_ACTION_COMMIT_PRE_EVENT;
        if (was_recording && !is_recording)
                actions |= BC_ACTION_CLOSE_RECORDING;
        if (!had_sensors && has_sensors)
                actions |= BC_ACTION_START_SENSORS;
        if (had_sensors && !has_sensors)
                actions |= BC_ACTION_STOP_SENSORS;
        if (from->phase != BC_PHASE_ENDING && to->phase == BC_PHASE_ENDING)
                actions |= BC_ACTION_ARM_POST_EVENT;
        if (from->phase == BC_PHASE_ENDING && to->phase != BC_PHASE_ENDING)
                actions |= BC_ACTION_CANCEL_POST_EVENT;
        if (was_emergency && phases[to->phase].state != BC_STATE_EMERGENCY)
                actions |= BC_ACTION_CANCEL_DWELL;
        if (from->capable && !to->capable)
                actions |= BC_ACTION_ARM_RETRY;
        if (!from->capable && to->capable)
                actions |= BC_ACTION_CANCEL_RETRY;
        if (from->muted != to->muted)
                actions |= BC_ACTION_SET_MUTE;
        if (from->stealthy != to->stealthy)
                actions |= BC_ACTION_SET_STEALTH;
        return actions;
}

struct bc_step bc_state_step(const struct bc_mode *mode, enum bc_event event)
{
        if (mode->phase >= BC_PHASE_COUNT || event >= BC_EVENT_COUNT)
                return refused(mode, BC_REFUSAL_STALE);

        const struct cell *cell = &table[mode->phase][event];
        if (!cell->answered)
                return refused(mode, BC_REFUSAL_COUNT);
        if (cell->to == STAY_HERE && cell->refusal != BC_REFUSAL_NONE)
                return refused(mode, cell->refusal);
        // The deadlines that run only under a condition: without it they come too late.
        if ((event == BC_EVENT_DWELL_ELAPSED && !mode->docked) || (event == BC_EVENT_RETRY_DUE && mode->capable))
                return refused(mode, BC_REFUSAL_STALE);

        if (event == BC_EVENT_RECORD_START && mode->reserve_only)
                return refused(mode, BC_REFUSAL_RESERVE);

        struct bc_step step = { .mode = *mode, .refusal = cell->refusal };
        // The dock's edge counts, not its contact: what is told a second time is none.
        if ((event == BC_EVENT_DOCK && mode->docked) || (event == BC_EVENT_UNDOCK && !mode->docked))
                return step;
        set_levels(&step.mode, event);
        if (cell->to == REST)
                step.mode.phase = honest(&step.mode, rest_of(&step.mode));
        else if (cell->to != STAY_HERE)
                step.mode.phase = honest(&step.mode, cell->to);
        if (!phases[step.mode.phase].sensors)
                step.mode.capable = true;
        end_discretion(&step.mode);
        step.actions = cell->actions | derived_actions(mode, &step.mode);
        return step;
}

enum bc_state bc_state_of(enum bc_phase phase)
{
        return phase < BC_PHASE_COUNT ? phases[phase].state : BC_STATE_COUNT;
}

bool bc_phase_has_sensors(enum bc_phase phase)
{
        return phase < BC_PHASE_COUNT && phases[phase].sensors;
}

bool bc_phase_is_recording(enum bc_phase phase)
{
        return phase < BC_PHASE_COUNT && phases[phase].recording;
}

const char *bc_state_name(enum bc_state state)
{
        static const char *const names[BC_STATE_COUNT] = {
                [BC_STATE_STARTING] = "STARTING",   [BC_STATE_STANDBY] = "STANDBY",
                [BC_STATE_BUFFERING] = "BUFFERING", [BC_STATE_RECORDING] = "RECORDING",
                [BC_STATE_EMERGENCY] = "EMERGENCY", [BC_STATE_DOCKED] = "DOCKED",
                [BC_STATE_FAULT] = "FAULT",         [BC_STATE_STOPPING] = "STOPPING",
        };
        return state < BC_STATE_COUNT ? names[state] : "?";
}

const char *bc_phase_name(enum bc_phase phase)
{
        return phase < BC_PHASE_COUNT ? phases[phase].name : "?";
}

const char *bc_event_name(enum bc_event event)
{
        static const char *const names[BC_EVENT_COUNT] = {
                [BC_EVENT_STARTED] = "STARTED",
                [BC_EVENT_SENSORS_ON] = "SENSORS_ON",
                [BC_EVENT_SENSORS_OFF] = "SENSORS_OFF",
                [BC_EVENT_RECORD_START] = "RECORD_START",
                [BC_EVENT_RECORD_STOP] = "RECORD_STOP",
                [BC_EVENT_EMERGENCY_START] = "EMERGENCY_START",
                [BC_EVENT_EMERGENCY_RELEASE] = "EMERGENCY_RELEASE",
                [BC_EVENT_MARK] = "MARK",
                [BC_EVENT_MUTE] = "MUTE",
                [BC_EVENT_UNMUTE] = "UNMUTE",
                [BC_EVENT_STEALTH_ON] = "STEALTH_ON",
                [BC_EVENT_STEALTH_OFF] = "STEALTH_OFF",
                [BC_EVENT_POST_EVENT_ELAPSED] = "POST_EVENT_ELAPSED",
                [BC_EVENT_DOCK] = "DOCK",
                [BC_EVENT_UNDOCK] = "UNDOCK",
                [BC_EVENT_DWELL_ELAPSED] = "DWELL_ELAPSED",
                [BC_EVENT_CAPTURE_LOST] = "CAPTURE_LOST",
                [BC_EVENT_CAPTURE_BACK] = "CAPTURE_BACK",
                [BC_EVENT_RETRY_DUE] = "RETRY_DUE",
                [BC_EVENT_RESERVE_REACHED] = "RESERVE_REACHED",
                [BC_EVENT_RESERVE_LEFT] = "RESERVE_LEFT",
                [BC_EVENT_SHUTDOWN] = "SHUTDOWN",
                [BC_EVENT_STOPPED] = "STOPPED",
        };
        return event < BC_EVENT_COUNT ? names[event] : "?";
}

const char *bc_action_name(enum bc_action action)
{
        static const char *const names[BC_ACTION_BITS] = {
                "CANCEL_POST_EVENT", "CANCEL_DWELL",     "CANCEL_RETRY", "CLOSE_RECORDING", "STOP_SENSORS",
                "START_SENSORS",     "COMMIT_PRE_EVENT", "ARM_POST_EVENT", "ARM_DWELL",     "ARM_RETRY",
                "RETRY_CAPTURE",     "MARK",             "SET_MUTE",     "SET_STEALTH",     "ALARM",
                "REPORT_EDGE",       "EXIT",
        };
        for (unsigned bit = 0; bit < BC_ACTION_BITS; bit++)
                if ((unsigned)action == 1u << bit)
                        return names[bit];
        return "?";
}

const char *bc_refusal_text(enum bc_refusal refusal)
{
        static const char *const texts[BC_REFUSAL_COUNT] = {
                [BC_REFUSAL_NONE] = "done",
                [BC_REFUSAL_NOT_RECORDING] = "nothing is being recorded",
                [BC_REFUSAL_NOT_EMERGENCY] = "there is no emergency to release",
                [BC_REFUSAL_RECORDING] = "a recording is on; stop it first",
                [BC_REFUSAL_EMERGENCY] = "an emergency is on; only its release ends it",
                [BC_REFUSAL_EMERGENCY_SOUND] = "an emergency is recorded with its sound",
                [BC_REFUSAL_DOCKED] = "the camera is on its dock",
                [BC_REFUSAL_FAULT] = "nothing can be recorded at the moment; the recording starts as soon as something can",
                [BC_REFUSAL_RESERVE] = "the store is full but for what is kept for an emergency",
                [BC_REFUSAL_STALE] = "too late: meant for something that is past",
                [BC_REFUSAL_STOPPING] = "the recorder is shutting down",
                [BC_REFUSAL_MARK] = "the mark cannot be kept: too many wait for the card, or the recording is not that far",
                [BC_REFUSAL_POLICY_START] = "by the policy, recordings are started by the control room; an emergency by anybody",
                [BC_REFUSAL_POLICY_STOP] = "by the policy, recordings are stopped by the control room",
                [BC_REFUSAL_POLICY_ALWAYS] = "by the policy, the camera records from boot to dock",
                [BC_REFUSAL_POLICY_MUTE] = "the policy does not allow to mute",
                [BC_REFUSAL_POLICY_STEALTH] = "the policy does not allow stealth",
        };
        return refusal < BC_REFUSAL_COUNT ? texts[refusal] : "?";
}
