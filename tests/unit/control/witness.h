// SPDX-License-Identifier: EUPL-1.2
// Says what two buttons mean, from the words of control/grammar.h alone and a second time: it looks back at what the contacts
// told and at what was recorded when, where the grammar goes forward with what it remembers.
//
// Told at each instant that something happens at, in order, no two edges in the same one; debounce_ns stays as it is.
#ifndef BC_TEST_WITNESS_H
#define BC_TEST_WITNESS_H

#include "control/grammar.h"

#define WITNESS_EDGES_MAX 256
#define WITNESS_WORLDS_MAX 64

struct witness {
        struct bc_grammar_config config;
        int64_t configured_ns;
        struct witness_button {
                size_t count; // of edges since it last rested, up
                struct {
                        int64_t time_ns;
                        bool down;
                } edge[WITNESS_EDGES_MAX];
        } button[BC_BUTTON_COUNT];
        struct {
                int64_t since_ns; // holds for what comes later
                struct bc_grammar_world world;
        } world[WITNESS_WORLDS_MAX]; // the newest ones, in turn
        unsigned worlds;
        int64_t spoiled_ns; // the press of record at that time is part of something else
};

void witness_init(struct witness *witness, const struct bc_grammar_config *config, int64_t now_ns);
void witness_configure(struct witness *witness, const struct bc_grammar_config *config, int64_t now_ns);
void witness_edge(struct witness *witness, enum bc_button button, bool down, int64_t time_ns);
void witness_world(struct witness *witness, const struct bc_grammar_world *world, int64_t now_ns);

// All that becomes known at now_ns, which is an edge's time or one at which something is due.
void witness_tell(struct witness *witness, int64_t now_ns, struct bc_gestures *ret_gestures);

#endif
