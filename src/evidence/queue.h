// SPDX-License-Identifier: EUPL-1.2
// What is asked of the recorder: recordings in the order of their presses, and marks on their way to the card.
//
// Pure, of fixed size. Its owner locks it.
#ifndef BC_EVIDENCE_QUEUE_H
#define BC_EVIDENCE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/recorder.h"

// A recording asked for: its press, and once it is stopped its end.
struct bc_job {
        uint64_t number; // of jobs, not of recordings
        int64_t press_ns, end_ns; // end BC_NS_NEVER: not stopped
        int64_t from_ns;          // the press of what is not durable yet: after press_ns when a recording was left
        char reason[BC_RECORDER_REASON_BYTES_MAX + 1], stop_reason[BC_RECORDER_REASON_BYTES_MAX + 1];
};

// A mark on its way to the card.
struct bc_queued_mark {
        uint64_t job;
        int64_t time_ns;
        char text[BC_RECORDER_MARK_BYTES_MAX + 1];
        bool set; // in the manifest, which is not durable yet
};

struct bc_queue {
        struct bc_job job[BC_RECORDER_QUEUE_MAX];
        size_t jobs;
        size_t written;  // so many, the oldest, are durable, and wait for their last records; the one behind them is being written
        uint64_t newest; // the newest job's number
        struct bc_queued_mark mark[BC_RECORDER_MARKS_MAX];
        size_t marks;
};

// ---- recordings ------------------------------------------------------------------------------------------------

// As bc_recorder_start() and _stop() have it.
int bc_queue_start(struct bc_queue *queue, int64_t press_ns, const char *reason);
int bc_queue_stop(struct bc_queue *queue, int64_t end_ns, const char *reason);

// Nothing lasts longer than until now.
void bc_queue_stop_all(struct bc_queue *queue, int64_t now_ns, const char *reason);

// The one being written; NULL: there is none.
struct bc_job *bc_queue_current(struct bc_queue *queue);

// Whether the newest one is not done with.
bool bc_queue_has_newest(const struct bc_queue *queue);

// Done with.
void bc_queue_retire(struct bc_queue *queue, uint64_t job);

// ---- marks -----------------------------------------------------------------------------------------------------

// As bc_recorder_mark() has it.
int bc_queue_mark(struct bc_queue *queue, int64_t time_ns, const char *text);

// The job's first mark that is not in its manifest; NULL: none.
struct bc_queued_mark *bc_queue_next_mark(struct bc_queue *queue, uint64_t job);

// Drops the job's marks that are in its manifest.
void bc_queue_drop_marks(struct bc_queue *queue, uint64_t job);

// Takes out the job's marks, whether they are in its manifest or not; job 0: everybody's. Returns how many.
size_t bc_queue_take_marks(struct bc_queue *queue, uint64_t job, struct bc_queued_mark ret_mark[BC_RECORDER_MARKS_MAX]);

// The manifest that they are in does not become durable.
void bc_queue_unset_marks(struct bc_queue *queue, uint64_t job);

#endif
