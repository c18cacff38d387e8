// SPDX-License-Identifier: EUPL-1.2
#include "witness.h"

#include <stdlib.h>

// One press of a button, as it is believed.
struct press {
        bool any;
        int64_t down_ns, up_ns; // BC_NS_NEVER: still down
};

void witness_init(struct witness *witness, const struct bc_grammar_config *config, int64_t now_ns)
{
        *witness = (struct witness){ .config = *config, .configured_ns = now_ns, .spoiled_ns = BC_NS_NEVER };
}

void witness_configure(struct witness *witness, const struct bc_grammar_config *config, int64_t now_ns)
{
        witness->config = *config;
        witness->configured_ns = now_ns;
}

void witness_world(struct witness *witness, const struct bc_grammar_world *world, int64_t now_ns)
{
        witness->world[witness->worlds % WITNESS_WORLDS_MAX].since_ns = now_ns;
        witness->world[witness->worlds % WITNESS_WORLDS_MAX].world = *world;
        witness->worlds++;
}

static struct bc_grammar_world world_before(const struct witness *witness, int64_t time_ns)
{
        for (unsigned i = witness->worlds; i-- > 0 && witness->worlds - i <= WITNESS_WORLDS_MAX;)
                if (witness->world[i % WITNESS_WORLDS_MAX].since_ns < time_ns)
                        return witness->world[i % WITNESS_WORLDS_MAX].world;
        if (witness->worlds >= WITNESS_WORLDS_MAX)
                abort(); // it looks further back than it can
        return (struct bc_grammar_world){ 0 };
}

// The last press in what the contact told until now: the first edge of a contact at rest counts at its own time; what follows
// within debounce_ns does not, but for where it ends.
static struct press last_press(const struct witness *witness, enum bc_button button, int64_t now_ns)
{
        const struct witness_button *self = &witness->button[button];
        int64_t debounce_ns = witness->config.debounce_ns;
        struct press press = { 0 };
        size_t i = 0;

        while (i < self->count) {
                bool down = self->edge[i].down, was_down = press.any && press.up_ns == BC_NS_NEVER;
                int64_t at_ns = self->edge[i].time_ns, end_ns = at_ns + debounce_ns;

                if (down && !was_down)
                        press = (struct press){ true, at_ns, BC_NS_NEVER };
                else if (!down && was_down)
                        press.up_ns = at_ns;
                i++;
                // As long as the contact is not at rest, only its level at the end of each stretch is believed.
                for (;;) {
                        size_t before = i;

                        while (i < self->count && self->edge[i].time_ns < end_ns)
                                i++;
                        if (i == before || now_ns < end_ns)
                                break;
                        down = self->edge[i - 1].down;
                        was_down = press.any && press.up_ns == BC_NS_NEVER;
                        if (down == was_down)
                                break;
                        if (down)
                                press = (struct press){ true, end_ns, BC_NS_NEVER };
                        else
                                press.up_ns = end_ns;
                        end_ns = self->edge[i - 1].time_ns + debounce_ns;
                }
        }
        return press;
}

void witness_edge(struct witness *witness, enum bc_button button, bool down, int64_t time_ns)
{
        struct witness_button *self = &witness->button[button];
        size_t count = self->count;

        if (count > 0 && self->edge[count - 1].down == down)
                return;
        // What was before a press out of rest means nothing any more.
        if (down && count > 0 && time_ns - self->edge[count - 1].time_ns >= 2 * witness->config.debounce_ns)
                count = 0;
        if (count == WITNESS_EDGES_MAX)
                abort();
        if (count == 0 && !down)
                return;
        self->edge[count].time_ns = time_ns;
        self->edge[count].down = down;
        self->count = count + 1;
}

static void tell(struct bc_gestures *gestures, enum bc_gesture gesture, enum bc_button button, int64_t time_ns)
{
        gestures->item[gestures->count].gesture = gesture;
        gestures->item[gestures->count].button = button;
        gestures->item[gestures->count++].time_ns = time_ns;
}

static bool is_stuck(const struct press *press, int64_t at_ns)
{
        return press->any && press->up_ns >= press->down_ns + BC_GRAMMAR_STUCK_NS &&
               at_ns >= press->down_ns + BC_GRAMMAR_STUCK_NS;
}

static void tell_of_record(struct witness *witness, const struct press *record, const struct press *emergency, int64_t now_ns,
                           struct bc_gestures *gestures)
{
        int64_t stop_ns = record->down_ns + witness->config.stop_hold_ns;

        if (!record->any)
                return;
        if (!world_before(witness, record->down_ns).recording) {
                if (now_ns == record->down_ns)
                        tell(gestures, BC_GESTURE_RECORD, BC_BUTTON_RECORD, now_ns);
                return;
        }
        if (witness->configured_ns > record->down_ns && witness->configured_ns < record->up_ns &&
            witness->configured_ns < stop_ns)
                return;
        if (emergency->any && emergency->down_ns < record->up_ns && emergency->up_ns > record->down_ns &&
            emergency->down_ns < stop_ns && !is_stuck(emergency, record->down_ns))
                witness->spoiled_ns = record->down_ns;
        if (witness->spoiled_ns == record->down_ns)
                return;
        if (record->up_ns >= stop_ns) {
                if (now_ns == stop_ns)
                        tell(gestures, BC_GESTURE_STOP, BC_BUTTON_RECORD, now_ns);
        } else if (now_ns == record->up_ns) {
                tell(gestures, BC_GESTURE_MARK, BC_BUTTON_RECORD, record->down_ns);
        }
}

static void tell_of_chord(const struct witness *witness, const struct press *record, const struct press *emergency,
                          int64_t now_ns, struct bc_gestures *gestures)
{
        int64_t first_ns, second_ns, first_up_ns, second_up_ns, felt_ns, stuck_ns;

        if (!record->any || !emergency->any || witness->config.release_hold_ns <= 0)
                return;
        first_ns = record->down_ns < emergency->down_ns ? record->down_ns : emergency->down_ns;
        second_ns = record->down_ns < emergency->down_ns ? emergency->down_ns : record->down_ns;
        first_up_ns = record->up_ns < emergency->up_ns ? record->up_ns : emergency->up_ns;
        second_up_ns = record->up_ns < emergency->up_ns ? emergency->up_ns : record->up_ns;
        felt_ns = second_ns + witness->config.release_hold_ns;
        stuck_ns = first_ns + BC_GRAMMAR_STUCK_NS;
        if (second_ns - first_ns > BC_GRAMMAR_TOGETHER_NS || !world_before(witness, record->down_ns).emergency ||
            !world_before(witness, emergency->down_ns).emergency || witness->configured_ns > first_ns)
                return;
        if (first_up_ns < felt_ns || felt_ns >= stuck_ns || !world_before(witness, felt_ns).emergency)
                return;
        if (now_ns == felt_ns)
                tell(gestures, BC_GESTURE_LET_GO, BC_BUTTON_EMERGENCY, now_ns);
        if (now_ns == second_up_ns && second_up_ns <= felt_ns + BC_GRAMMAR_LET_GO_NS && !is_stuck(record, now_ns) &&
            !is_stuck(emergency, now_ns))
                tell(gestures, BC_GESTURE_RELEASE, BC_BUTTON_EMERGENCY, now_ns);
}

void witness_tell(struct witness *witness, int64_t now_ns, struct bc_gestures *ret_gestures)
{
        struct press press[BC_BUTTON_COUNT];

        ret_gestures->count = 0;
        for (unsigned i = 0; i < BC_BUTTON_COUNT; i++) {
                const struct press *self = &press[i];
                int64_t stuck_ns;

                press[i] = last_press(witness, (enum bc_button)i, now_ns);
                if (!self->any)
                        continue;
                stuck_ns = self->down_ns + BC_GRAMMAR_STUCK_NS;
                if (now_ns == self->down_ns)
                        tell(ret_gestures, BC_GESTURE_PRESS, (enum bc_button)i, now_ns);
                if (now_ns == self->down_ns && i == BC_BUTTON_EMERGENCY)
                        tell(ret_gestures, BC_GESTURE_EMERGENCY, (enum bc_button)i, now_ns);
                if (now_ns == stuck_ns && self->up_ns >= stuck_ns)
                        tell(ret_gestures, BC_GESTURE_STUCK, (enum bc_button)i, now_ns);
                if (now_ns == self->up_ns && self->up_ns >= stuck_ns)
                        tell(ret_gestures, BC_GESTURE_FREE, (enum bc_button)i, now_ns);
        }
        tell_of_record(witness, &press[BC_BUTTON_RECORD], &press[BC_BUTTON_EMERGENCY], now_ns, ret_gestures);
        tell_of_chord(witness, &press[BC_BUTTON_RECORD], &press[BC_BUTTON_EMERGENCY], now_ns, ret_gestures);
}
