// SPDX-License-Identifier: EUPL-1.2
// Hands recordings to the recorder, and sees to it that each becomes durable.
//
// A recording that the recorder cannot take yet, because it has too many to close, is owed: the ring holds what it
// needs. Owing one is enough, for a recording begun while one is owed goes on with that one. The recorder closes a
// recording by itself when the stream ends (a failed encoder); bc_handover_keep() begins another one then.
//
// Thread-bound: the main loop's thread.
#ifndef BC_CONTROL_HANDOVER_H
#define BC_CONTROL_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "bodycam/ring.h"
#include "evidence/recorder.h"

#define BC_BY_BYTES (BC_RECORDER_REASON_BYTES_MAX + 1)

// What is recorded is late in becoming durable when its first fragment is not there by now, and later on when nothing
// was added for so long.
#define BC_HANDOVER_FIRST_NS (2 * BC_NS_PER_S)
#define BC_HANDOVER_MORE_NS (5 * BC_NS_PER_S)

struct bc_handover {
        struct bc_loop *loop;
        struct bc_ring *ring;
        struct bc_recorder *recorder;
        void (*on_late)(void *user, bool late);
        void *user;

        int64_t press_ns; // of the newest recording; -1: none yet
        bool given;       // the recorder has it and was not told its end

        struct {
                bool is;
                int64_t press_ns, end_ns; // end BC_NS_NEVER: goes on
                char by[BC_BY_BYTES], stop_by[BC_BY_BYTES];
        } owed;

        struct bc_timer *timer;
        int64_t durable_ns, progress_ns; // how far it was durable, and since when
        bool late;
};

// Borrows all. 0 or -ENOMEM.
int bc_handover_init(struct bc_handover *handover, struct bc_loop *loop, struct bc_ring *ring,
                     struct bc_recorder *recorder, void (*on_late)(void *user, bool late), void *user);
void bc_handover_done(struct bc_handover *handover);

// A recording begins. by: who or what.
void bc_handover_open(struct bc_handover *handover, int64_t press_ns, const char *by);
// It ends.
void bc_handover_close(struct bc_handover *handover, int64_t end_ns, const char *by);

// The recorder has closed one. Gives what is owed.
void bc_handover_on_closed(struct bc_handover *handover);

// A recording should be going on, and there is a stream: begins another one when the recorder has closed it by itself.
void bc_handover_keep(struct bc_handover *handover);

// Whether a recording goes on whose first fragment is on the disk.
bool bc_handover_is_durable(const struct bc_handover *handover);

// Whether everything that was begun is closed.
bool bc_handover_is_idle(const struct bc_handover *handover);

#endif
