// SPDX-License-Identifier: EUPL-1.2
// One command line: options, and the command's words.
#ifndef BC_BODYCAMCTL_REQUEST_H
#define BC_BODYCAMCTL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

struct bc_request {
        struct bc_client client;
        const char *store; // NULL: where the daemon says
        size_t last;       // list: so many at the most; 0: not said
        bool all, names;
        int count;
        char **words; // after the command's name
};

struct bc_command {
        const char *name;
        const char *synopsis; // the lines of its usage, each ended
        const char *help;     // further lines, each ended
        bool options;         // options may stand behind it, too: no word of it is free text
        bool store;           // ... and --store, --last, --all, --names; it connects by itself
        bool (*accepts)(const struct bc_request *request);
        enum bc_ctl_exit (*run)(struct bc_request *request); // connected, but for store
};

// NULL: there is none of that name.
const struct bc_command *bc_command_find(const char *name);

// Prints all commands, or one, with the options.
void bc_help_print(const struct bc_command *command, bool error);

// Whole decimal numbers alone. 0 or -EINVAL.
int bc_request_number(const char *text, int64_t min, int64_t max, int64_t *ret_number);

// Whether a word is one of two; b may be NULL.
bool bc_request_is(const char *word, const char *a, const char *b);

// Calls of one answer, of a few types: what bc_call_finish() prints of it.
enum bc_answer {
        BC_ANSWER_NOTHING,
        BC_ANSWER_STARTED,     // counter, durable, what is missing
        BC_ANSWER_TIME,
        BC_ANSWER_SENTENCES,   // as
        BC_ANSWER_INDICATIONS, // a(xuub)
};

// Sends a call and prints its answer. Takes the call; r: what making it returned.
enum bc_ctl_exit bc_call_finish(struct bc_client *client, sd_bus_message *call, int r, enum bc_answer answer);

#endif
