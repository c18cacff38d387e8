// SPDX-License-Identifier: EUPL-1.2
// Who may do what, before the state table is asked: configuration, not states.
//
//     officer       the record button starts and stops; so does a command
//     control-room  only a command starts and stops; the record button marks
//     always-on     the camera records by itself from boot to dock, and nobody stops it there
//
// Under each of them an emergency is anybody's, and so is a mark. Pure functions, any thread.
#ifndef BC_CONTROL_POLICY_H
#define BC_CONTROL_POLICY_H

#include <stdbool.h>

#include "control/state.h"

enum bc_activation { BC_ACTIVATION_OFFICER, BC_ACTIVATION_CONTROL_ROOM, BC_ACTIVATION_ALWAYS_ON };

enum bc_origin {
        BC_ORIGIN_BUTTON,
        BC_ORIGIN_COMMAND, // over D-Bus
        BC_ORIGIN_DEVICE,  // the camera itself: deadlines, the dock, faults, signals
};

struct bc_policy {
        enum bc_activation activation;
        bool mute, stealth; // allowed
};

const char *bc_activation_name(enum bc_activation activation); // "control-room"

// BC_REFUSAL_NONE: the state table may be asked.
enum bc_refusal bc_policy_judge(const struct bc_policy *policy, const struct bc_mode *mode, enum bc_event event,
                                enum bc_origin origin);

// Whether a recording has to begin, or to go on, by itself: RECORD_START is due then. It is not any more once that was done.
bool bc_policy_wants_recording(const struct bc_policy *policy, const struct bc_mode *mode);

#endif
