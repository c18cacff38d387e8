// SPDX-License-Identifier: EUPL-1.2
// What the officer means: from the edges of two buttons to gestures. Pure, time is passed in: deadlines are asked for.
//
//     record, pressed while nothing is recorded      RECORD, at once
//     record, released soon, while recording         MARK, of the instant of the press
//     record, held for stop_hold, while recording    STOP
//     emergency, pressed                             EMERGENCY, at once, whatever else is held
//     both, pressed together in an emergency and     LET_GO after release_hold, then RELEASE when both are released
//       held for release_hold                          within BC_GRAMMAR_LET_GO_NS
//
// Nothing a pocket can do ends an emergency: not one button alone, however long; not both pressed one after the other; not
// the press that began it; not both squeezed for too short or too long. Who ends it feels LET_GO and lets go.
//
// Contacts that bounce: the first edge counts, at its own time, and the level that the contact has debounce_ns later. So a
// press is felt at once, one shorter than that is a press, and several within it are one. An edge after debounce_ns without
// any counts at its own time, whatever was before. A button that is held for BC_GRAMMAR_STUCK_NS is stuck: it means nothing
// more until it was released; the other one is heard as ever. Record and emergency down at the same time are an emergency,
// no mark and no stop.
#ifndef BC_CONTROL_GRAMMAR_H
#define BC_CONTROL_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/button.h"
#include "bodycam/time.h"

#define BC_GRAMMAR_STUCK_NS (30 * BC_NS_PER_S)
#define BC_GRAMMAR_TOGETHER_NS (500 * BC_NS_PER_MS) // both buttons are pressed together when no further apart
#define BC_GRAMMAR_LET_GO_NS (3 * BC_NS_PER_S)

enum bc_gesture {
        BC_GESTURE_PRESS, // a button went down: comes before whatever else that means, to be answered at once
        BC_GESTURE_RECORD,
        BC_GESTURE_MARK,
        BC_GESTURE_STOP,
        BC_GESTURE_EMERGENCY,
        BC_GESTURE_LET_GO,
        BC_GESTURE_RELEASE,
        BC_GESTURE_STUCK,
        BC_GESTURE_FREE, // a stuck button was released
        BC_GESTURE_COUNT,
};

const char *bc_gesture_name(enum bc_gesture gesture);

#define BC_GESTURES_MAX 16

struct bc_gestures {
        size_t count;
        struct {
                enum bc_gesture gesture;
                enum bc_button button; // of PRESS, STUCK and FREE
                int64_t time_ns;
        } item[BC_GESTURES_MAX];
};

struct bc_grammar_config {
        int64_t debounce_ns;
        int64_t stop_hold_ns;    // longer than debounce_ns, shorter than BC_GRAMMAR_STUCK_NS
        int64_t release_hold_ns; // shorter, with BC_GRAMMAR_TOGETHER_NS before and BC_GRAMMAR_LET_GO_NS after it;
                                 // 0: buttons never end an emergency
};

// What a press is about: asked for before each edge, and before each deadline.
struct bc_grammar_world {
        bool recording; // a press of record means this recording: not one that only has its post-event seconds left
        bool emergency;
};

struct bc_grammar {
        struct bc_grammar_config config;
        int64_t now_ns; // the latest instant heard of
        struct bc_grammar_button {
                bool raw, down; // as last told; as believed
                bool stuck;
                bool in_emergency; // when it went down
                int64_t raw_ns, down_ns;
                int64_t settled_ns; // edges before it may be bouncing
        } button[BC_BUTTON_COUNT];
        bool pending; // the press of record may still become a mark or a stop
        enum { BC_CHORD_NONE, BC_CHORD_HELD, BC_CHORD_LET_GO } chord;
        int64_t chord_ns; // since when both are down, or may be let go
};

// All buttons up. A new config may be set between two edges.
void bc_grammar_init(struct bc_grammar *grammar, const struct bc_grammar_config *config);
void bc_grammar_configure(struct bc_grammar *grammar, const struct bc_grammar_config *config);

// An edge of a button, as its contact told it; repeated ones are none. Times that go back count as the latest one. What it
// means, and what was due before, is added to gestures.
void bc_grammar_edge(struct bc_grammar *grammar, const struct bc_grammar_world *world, enum bc_button button, bool pressed,
                     int64_t time_ns, struct bc_gestures *gestures);

// Time has come to now_ns.
void bc_grammar_elapse(struct bc_grammar *grammar, const struct bc_grammar_world *world, int64_t now_ns,
                       struct bc_gestures *gestures);

// When bc_grammar_elapse() has something to do; BC_NS_NEVER: not before another edge.
int64_t bc_grammar_deadline_ns(const struct bc_grammar *grammar);

#endif
