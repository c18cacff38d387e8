// SPDX-License-Identifier: EUPL-1.2
// A life of an officer and a camera: what is planned for it is fed through grammar, policy and state table as
// control/officer.c and control/controller.c do, and every promise is looked at after each step; the first one that does not
// hold fails the test.
#ifndef BC_TEST_LIFE_H
#define BC_TEST_LIFE_H

#include "control/policy.h"
#include "witness.h"

enum life_what { LIFE_EDGE, LIFE_COMMAND, LIFE_DEVICE, LIFE_NEW_CONFIG };

struct life_item {
        int64_t time_ns;
        enum life_what what;
        enum bc_button button;
        bool down;
        enum bc_event event;
};
#define LIFE_ITEMS_MAX 1000

struct life {
        uint64_t seed, random;
        struct bc_policy policy;
        struct bc_grammar grammar;
        struct witness witness;
        struct bc_mode mode;
        int64_t now_ns;
        bool open; // a recording, as the actions have it
        int64_t post_event_ns, dwell_ns, retry_ns; // BC_NS_NEVER: not armed
        int64_t post_event_length_ns, dwell_length_ns;
        int64_t docked_ns;
        int64_t told_ns;
        struct bc_gestures told; // by the grammar, at that instant
        bool told_release; // by the witness, at this instant
        int64_t press_ns;  // of record, the last one
        bool answered;     // it has become something, or is part of an emergency
        size_t items;
        struct life_item item[LIFE_ITEMS_MAX];
};

// What came up in all lives: a promise about what never happens is not worth much.
struct life_seen {
        uint64_t steps, gesture[BC_GESTURE_COUNT], ended_by_chord, ended_by_command, ended_by_dock, ended_by_shutdown, refused,
                policy_refused, policy_starts, mutes, reserve_stops, reserve_refusals;
};

// Random policy, settings and camera, everything up and at rest.
void life_begin(struct life *life, uint64_t seed, struct life_seen *seen);
void life_plan(struct life *life, struct life_item item); // in any order; where an instant is taken, 1 ns later
void life_live(struct life *life, struct life_seen *seen);

uint64_t life_draw(struct life *life, uint64_t below);
int64_t life_draw_ns(struct life *life, int64_t below_ns);

#endif
