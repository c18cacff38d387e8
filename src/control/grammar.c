// SPDX-License-Identifier: EUPL-1.2
#include "control/grammar.h"

static void add(struct bc_gestures *gestures, enum bc_gesture gesture, enum bc_button button, int64_t time_ns)
{
        if (gestures->count == BC_GESTURES_MAX)
                return; // cannot be: an edge and what was due before it make fewer
        gestures->item[gestures->count].gesture = gesture;
        gestures->item[gestures->count].button = button;
        gestures->item[gestures->count].time_ns = time_ns;
        gestures->count++;
}

void bc_grammar_init(struct bc_grammar *grammar, const struct bc_grammar_config *config)
{
        *grammar = (struct bc_grammar){ .config = *config, .now_ns = INT64_MIN };
        for (unsigned i = 0; i < BC_BUTTON_COUNT; i++)
                grammar->button[i].settled_ns = INT64_MIN;
}

void bc_grammar_configure(struct bc_grammar *grammar, const struct bc_grammar_config *config)
{
        grammar->config = *config;
        // What is held was pressed under other rules.
        grammar->pending = false;
        grammar->chord = BC_CHORD_NONE;
        for (unsigned i = 0; i < BC_BUTTON_COUNT; i++)
                grammar->button[i].in_emergency = false;
}

// ---- what is believed ----------------------------------------------------------------------------------------

static void begin_chord(struct bc_grammar *grammar, int64_t time_ns)
{
        const struct bc_grammar_button *record = &grammar->button[BC_BUTTON_RECORD];
        const struct bc_grammar_button *emergency = &grammar->button[BC_BUTTON_EMERGENCY];
        int64_t apart_ns = record->down_ns - emergency->down_ns;

        // A stuck button does not keep the other one from being heard.
        if (record->stuck || emergency->stuck)
                return;
        grammar->pending = false;
        if (grammar->config.release_hold_ns <= 0)
                return;
        if (!record->in_emergency || !emergency->in_emergency)
                return;
        if (apart_ns > BC_GRAMMAR_TOGETHER_NS || apart_ns < -BC_GRAMMAR_TOGETHER_NS)
                return;
        grammar->chord = BC_CHORD_HELD;
        grammar->chord_ns = time_ns;
}

static void go_down(struct bc_grammar *grammar, const struct bc_grammar_world *world, enum bc_button button,
                    int64_t time_ns, struct bc_gestures *gestures)
{
        struct bc_grammar_button *self = &grammar->button[button];

        self->down = true;
        self->down_ns = time_ns;
        self->in_emergency = world->emergency;
        grammar->chord = BC_CHORD_NONE;
        add(gestures, BC_GESTURE_PRESS, button, time_ns);
        if (button == BC_BUTTON_EMERGENCY)
                add(gestures, BC_GESTURE_EMERGENCY, button, time_ns);
        else if (!world->recording)
                add(gestures, BC_GESTURE_RECORD, button, time_ns);
        if (button == BC_BUTTON_RECORD)
                grammar->pending = world->recording;
        if (grammar->button[BC_BUTTON_RECORD].down && grammar->button[BC_BUTTON_EMERGENCY].down)
                begin_chord(grammar, time_ns);
}

static void go_up(struct bc_grammar *grammar, enum bc_button button, int64_t time_ns, struct bc_gestures *gestures)
{
        struct bc_grammar_button *self = &grammar->button[button];
        bool other_down;

        self->down = false;
        if (self->stuck) {
                self->stuck = false;
                add(gestures, BC_GESTURE_FREE, button, time_ns);
        }
        if (button == BC_BUTTON_RECORD && grammar->pending) {
                grammar->pending = false;
                add(gestures, BC_GESTURE_MARK, button, self->down_ns);
        }
        other_down = grammar->button[BC_BUTTON_RECORD].down || grammar->button[BC_BUTTON_EMERGENCY].down;
        if (grammar->chord == BC_CHORD_HELD || time_ns > grammar->chord_ns + BC_GRAMMAR_LET_GO_NS)
                grammar->chord = BC_CHORD_NONE; // too soon, or too late
        if (grammar->chord == BC_CHORD_LET_GO && !other_down) {
                grammar->chord = BC_CHORD_NONE;
                add(gestures, BC_GESTURE_RELEASE, button, time_ns);
        }
}

static void believe(struct bc_grammar *grammar, const struct bc_grammar_world *world, enum bc_button button, bool down,
                    int64_t time_ns, struct bc_gestures *gestures)
{
        grammar->button[button].settled_ns = time_ns + grammar->config.debounce_ns;
        if (down)
                go_down(grammar, world, button, time_ns, gestures);
        else
                go_up(grammar, button, time_ns, gestures);
}

// ---- deadlines -----------------------------------------------------------------------------------------------

static int64_t settle_due_ns(const struct bc_grammar_button *button)
{
        return button->raw != button->down ? button->settled_ns : BC_NS_NEVER;
}

static int64_t stuck_due_ns(const struct bc_grammar_button *button)
{
        return button->down && !button->stuck ? button->down_ns + BC_GRAMMAR_STUCK_NS : BC_NS_NEVER;
}

static int64_t stop_due_ns(const struct bc_grammar *grammar)
{
        return grammar->pending ? grammar->button[BC_BUTTON_RECORD].down_ns + grammar->config.stop_hold_ns : BC_NS_NEVER;
}

static int64_t let_go_due_ns(const struct bc_grammar *grammar)
{
        return grammar->chord == BC_CHORD_HELD ? grammar->chord_ns + grammar->config.release_hold_ns : BC_NS_NEVER;
}

int64_t bc_grammar_deadline_ns(const struct bc_grammar *grammar)
{
        int64_t due_ns = bc_ns_earlier(stop_due_ns(grammar), let_go_due_ns(grammar));

        for (unsigned i = 0; i < BC_BUTTON_COUNT; i++)
                due_ns = bc_ns_earlier(due_ns, bc_ns_earlier(settle_due_ns(&grammar->button[i]), stuck_due_ns(&grammar->button[i])));
        return due_ns;
}

static void on_stuck(struct bc_grammar *grammar, enum bc_button button, int64_t time_ns, struct bc_gestures *gestures)
{
        grammar->button[button].stuck = true;
        grammar->chord = BC_CHORD_NONE;
        if (button == BC_BUTTON_RECORD)
                grammar->pending = false;
        add(gestures, BC_GESTURE_STUCK, button, time_ns);
}

// Does the one thing that is due at due_ns.
static void do_due(struct bc_grammar *grammar, const struct bc_grammar_world *world, int64_t due_ns,
                   struct bc_gestures *gestures)
{
        for (unsigned i = 0; i < BC_BUTTON_COUNT; i++) {
                struct bc_grammar_button *button = &grammar->button[i];

                if (settle_due_ns(button) <= due_ns) {
                        believe(grammar, world, (enum bc_button)i, button->raw, due_ns, gestures);
                        // Only now believed, it has been so since its last edge: the next one is not late as well.
                        button->settled_ns = button->raw_ns + grammar->config.debounce_ns;
                        return;
                }
                if (stuck_due_ns(button) <= due_ns) {
                        on_stuck(grammar, (enum bc_button)i, due_ns, gestures);
                        return;
                }
        }
        if (stop_due_ns(grammar) <= due_ns) {
                grammar->pending = false;
                add(gestures, BC_GESTURE_STOP, BC_BUTTON_RECORD, due_ns);
        } else if (let_go_due_ns(grammar) <= due_ns) {
                // Ended by a command meanwhile: nothing is left to let go for.
                grammar->chord = world->emergency ? BC_CHORD_LET_GO : BC_CHORD_NONE;
                if (!world->emergency)
                        return;
                grammar->chord_ns = due_ns;
                add(gestures, BC_GESTURE_LET_GO, BC_BUTTON_EMERGENCY, due_ns);
        }
}

void bc_grammar_elapse(struct bc_grammar *grammar, const struct bc_grammar_world *world, int64_t now_ns,
                       struct bc_gestures *gestures)
{
        int64_t due_ns;

        if (now_ns > grammar->now_ns)
                grammar->now_ns = now_ns;
        while ((due_ns = bc_grammar_deadline_ns(grammar)) <= grammar->now_ns)
                do_due(grammar, world, due_ns, gestures);
}

void bc_grammar_edge(struct bc_grammar *grammar, const struct bc_grammar_world *world, enum bc_button button, bool pressed,
                     int64_t time_ns, struct bc_gestures *gestures)
{
        struct bc_grammar_button *self;

        if ((unsigned)button >= BC_BUTTON_COUNT)
                return;
        bc_grammar_elapse(grammar, world, time_ns, gestures);
        self = &grammar->button[button];
        if (pressed != self->raw)
                self->raw_ns = grammar->now_ns;
        self->raw = pressed;
        // An edge that is heard of after LET_GO, and was before it: it was let go too soon.
        if (!pressed && grammar->chord == BC_CHORD_LET_GO && time_ns < grammar->chord_ns)
                grammar->chord = BC_CHORD_NONE;
        if (pressed != self->down && grammar->now_ns >= self->settled_ns)
                believe(grammar, world, button, pressed, grammar->now_ns, gestures);
}

const char *bc_gesture_name(enum bc_gesture gesture)
{
        static const char *const names[BC_GESTURE_COUNT] = {
                [BC_GESTURE_PRESS] = "press",         [BC_GESTURE_RECORD] = "record",   [BC_GESTURE_MARK] = "mark",
                [BC_GESTURE_STOP] = "stop",           [BC_GESTURE_EMERGENCY] = "emergency",
                [BC_GESTURE_LET_GO] = "let-go",       [BC_GESTURE_RELEASE] = "release", [BC_GESTURE_STUCK] = "stuck",
                [BC_GESTURE_FREE] = "free",
        };

        return gesture < BC_GESTURE_COUNT ? names[gesture] : "?";
}
