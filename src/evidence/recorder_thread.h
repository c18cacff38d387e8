// SPDX-License-Identifier: EUPL-1.2
// The recorder's thread, and what it shares with those who give it commands. Used by recorder.c and recorder_commands.c alone.
#ifndef BC_EVIDENCE_RECORDER_THREAD_H
#define BC_EVIDENCE_RECORDER_THREAD_H

#include "base/thread.h"
#include "evidence/queue.h"
#include "evidence/recorder.h"
#include "evidence/recording.h"

// A recording at work.
struct bc_recorder_task {
        uint64_t job; // its number
        struct bc_recording recording;
        int64_t failing_ns; // since when nothing of it could be made durable; -1: it can
        int64_t again_ns;   // of one that is written: not before
};

struct bc_recorder {
        struct bc_clock *clock;
        struct bc_ring *ring;
        struct bc_store *store;
        const struct bc_stream *stream;
        struct bc_recorder_config config;
        struct bc_recorder_sink sink;
        struct bc_thread *thread;

        struct bc_monitor monitor; // over the following
        struct bc_queue queue;
        bool quit;
        int64_t give_up_ns;
        struct bc_recorder_status status;

        // The thread's own.
        struct bc_fragment_buffer buffer;
        struct bc_sealing *sealing; // NULL: there is no agency
        struct bc_recorder_task task; // what is being written
        bool begun;                   // there is one
        struct bc_recorder_task closing[BC_RECORDER_CLOSING_MAX]; // written, and waiting for their last records; as in the queue
        size_t closings;
        bool announced;
        int64_t durable_ns;   // as published last, of what is being written
        int64_t overtaken_ns; // as told last, of the same
        int64_t leave_ns;     // after which time of failing a recording is left
        uint64_t seen;        // changes of the ring
        bool late;            // what is recorded is not signed in time
        bool held;            // what is being written asks for no record: those of an earlier recording come first
        int64_t room_due_ns;  // when to ask for the store's room again
};

// The thread: returns once it is told to quit and nothing is left to do, or no time to do it in.
void bc_recorder_run(void *user);

// Asks for the store's room where that is due: in the thread, where a card that stands still holds up nobody, and once before it.
void bc_recorder_look_at_room(struct bc_recorder *recorder);

#endif
