// SPDX-License-Identifier: EUPL-1.2
// What to do: (mode, event) -> (mode, actions). One table, no I/O, no time: deadlines are actions here and come back
// as events. docs/STATES.md is generated from this.
//
// A phase is a state with what must be remembered in it: RECORDING that is about to end, an emergency with an
// ordinary recording beneath it, a fault that cut a recording. Beside the phase stand four levels of the world and two of
// discretion.
//
// Pure functions, any thread.
#ifndef BC_CONTROL_STATE_H
#define BC_CONTROL_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum bc_state {
        BC_STATE_STARTING,
        BC_STATE_STANDBY,
        BC_STATE_BUFFERING,
        BC_STATE_RECORDING,
        BC_STATE_EMERGENCY,
        BC_STATE_DOCKED,
        BC_STATE_FAULT,
        BC_STATE_STOPPING,
        BC_STATE_COUNT,
};

enum bc_phase {
        BC_PHASE_STARTING,       // recordings of an earlier run are recovered
        BC_PHASE_STANDBY,        // sensors off
        BC_PHASE_BUFFERING,      // the ring is filled, nothing is recorded
        BC_PHASE_RECORDING,
        BC_PHASE_ENDING,         // RECORDING, its post-event seconds
        BC_PHASE_EMERGENCY,
        BC_PHASE_EMERGENCY_OVER, // EMERGENCY over an ordinary recording, which goes on after it
        BC_PHASE_DOCKED,
        BC_PHASE_FAULT,          // sensors on, but nothing can be recorded
        BC_PHASE_FAULT_WANTED,   // FAULT; a recording starts as soon as one can
        BC_PHASE_STOPPING,
        BC_PHASE_COUNT,
};

enum bc_event {
        BC_EVENT_STARTED,            // recovery is done
        BC_EVENT_SENSORS_ON,         // command
        BC_EVENT_SENSORS_OFF,        // command
        BC_EVENT_RECORD_START,       // button, command or policy
        BC_EVENT_RECORD_STOP,        // button or command
        BC_EVENT_EMERGENCY_START,    // button or command
        BC_EVENT_EMERGENCY_RELEASE,  // both buttons or command
        BC_EVENT_MARK,               // button or command
        BC_EVENT_MUTE,               // command, as those below
        BC_EVENT_UNMUTE,
        BC_EVENT_STEALTH_ON,
        BC_EVENT_STEALTH_OFF,
        BC_EVENT_POST_EVENT_ELAPSED,
        BC_EVENT_DOCK,
        BC_EVENT_UNDOCK,
        BC_EVENT_DWELL_ELAPSED,      // on the dock all the time since it was put there
        BC_EVENT_CAPTURE_LOST,       // nothing can be recorded any more
        BC_EVENT_CAPTURE_BACK,
        BC_EVENT_RETRY_DUE,
        BC_EVENT_RESERVE_REACHED,    // what room is left is kept for an emergency
        BC_EVENT_RESERVE_LEFT,       // there is more again
        BC_EVENT_SHUTDOWN,
        BC_EVENT_STOPPED,            // every recording is closed and durable
        BC_EVENT_COUNT,
};

// Done in ascending order.
enum bc_action {
        BC_ACTION_CANCEL_POST_EVENT = 1 << 0,
        BC_ACTION_CANCEL_DWELL = 1 << 1,
        BC_ACTION_CANCEL_RETRY = 1 << 2,
        BC_ACTION_CLOSE_RECORDING = 1 << 3,   // ends now
        BC_ACTION_STOP_SENSORS = 1 << 4,      // once what is recorded is closed
        BC_ACTION_START_SENSORS = 1 << 5,
        BC_ACTION_COMMIT_PRE_EVENT = 1 << 6,  // a recording begins, with the seconds before
        BC_ACTION_ARM_POST_EVENT = 1 << 7,
        BC_ACTION_ARM_DWELL = 1 << 8,
        BC_ACTION_ARM_RETRY = 1 << 9,
        BC_ACTION_RETRY_CAPTURE = 1 << 10,
        BC_ACTION_MARK = 1 << 11,             // the instant, in the recording
        BC_ACTION_SET_MUTE = 1 << 12,         // on or off, as the mode has it
        BC_ACTION_SET_STEALTH = 1 << 13,      // as well
        BC_ACTION_ALARM = 1 << 14,
        BC_ACTION_REPORT_EDGE = 1 << 15,      // the phase changed: for the ledger and whoever watches
        BC_ACTION_EXIT = 1 << 16,
};
#define BC_ACTION_BITS 17

// Why an event changes nothing, or less than was asked.
enum bc_refusal {
        BC_REFUSAL_NONE,
        BC_REFUSAL_NOT_RECORDING,
        BC_REFUSAL_NOT_EMERGENCY,
        BC_REFUSAL_RECORDING,
        BC_REFUSAL_EMERGENCY,
        BC_REFUSAL_EMERGENCY_SOUND,
        BC_REFUSAL_DOCKED,
        BC_REFUSAL_FAULT,
        BC_REFUSAL_RESERVE,
        BC_REFUSAL_STALE,
        BC_REFUSAL_STOPPING,
        BC_REFUSAL_MARK, // the recorder could not take it
        BC_REFUSAL_POLICY_START, // these are policy.h's, not the table's
        BC_REFUSAL_POLICY_STOP,
        BC_REFUSAL_POLICY_ALWAYS,
        BC_REFUSAL_POLICY_MUTE,
        BC_REFUSAL_POLICY_STEALTH,
        BC_REFUSAL_COUNT,
};

struct bc_mode {
        enum bc_phase phase;
        bool docked;         // the dock's contact is closed
        bool sensors_wanted; // nobody has switched them off
        bool capable;        // something can be recorded; true while the sensors are off
        bool muted;          // only in RECORDING
        bool stealthy;       // nothing lights up, sounds or vibrates
        bool reserve_only;   // room is left for an emergency alone
};

struct bc_step {
        struct bc_mode mode;
        uint32_t actions;        // enum bc_action
        enum bc_refusal refusal; // with unchanged mode and no actions: refused
};

// As after power on: STARTING, sensors wanted, not docked.
struct bc_mode bc_mode_initial(void);

struct bc_step bc_state_step(const struct bc_mode *mode, enum bc_event event);

enum bc_state bc_state_of(enum bc_phase phase);
bool bc_phase_has_sensors(enum bc_phase phase);
bool bc_phase_is_recording(enum bc_phase phase); // the pair {RECORDING, EMERGENCY}

// Upper-case words as in docs/STATES.md; bc_refusal_text() is a sentence for a person.
const char *bc_state_name(enum bc_state state);
const char *bc_phase_name(enum bc_phase phase);
const char *bc_event_name(enum bc_event event);
const char *bc_action_name(enum bc_action action);
const char *bc_refusal_text(enum bc_refusal refusal);

#endif
