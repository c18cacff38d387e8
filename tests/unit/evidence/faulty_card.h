// SPDX-License-Identifier: EUPL-1.2
// A card that makes trouble with one file while the others are well: for tests that wrap the calls on the way there.
#ifndef FAULTY_CARD_H
#define FAULTY_CARD_H

#include <stdbool.h>

#include "bench.h"

enum call { CALL_OPEN, CALL_WRITE, CALL_SYNC, CALL_UNLINK };

// What was written last to a file: a sync belongs to it.
enum what { WHAT_ANY, WHAT_MOOV, WHAT_PATCH };

struct fault {
        enum call call;
        const char *name; // of the file
        enum what what;
        int skip, times;
        int error;
};

void card_is_well(void);
void card_fails(size_t i, struct fault fault); // i: 0 to 3
unsigned card_struck(void);
void card_puts_in_the_way(const char *name); // a name that is suddenly taken when it is to be made
// Once, on the thread that is about to make a file of this name.
void card_calls(const char *name, void (*on_making)(void *user), void *user);
int card_abandoned_when_opened(void); // the state of segment 1 in the manifest when 0002.mp4 was made; -1: never

// A bench with a pre-event and segments of 4 s at 130 s, and a card that is well.
void card_bench(struct bench *bench);
void card_watch(void); // the same card for a bench that is made already
void card_bench_done(struct bench *bench);

void press(struct bench *bench, int64_t at_ns);
void release(struct bench *bench, int64_t at_ns);

#endif
