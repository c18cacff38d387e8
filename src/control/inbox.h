// SPDX-License-Identifier: EUPL-1.2
// What the pipeline's and the recorder's threads tell the main thread, as kinds of the loop's inbox.
#ifndef BC_CONTROL_INBOX_H
#define BC_CONTROL_INBOX_H

#include "base/loop.h"
#include "evidence/recorder.h"
#include "media/pipeline.h"

// The most urgent first (base/loop.h).
enum bc_inbox {
        BC_INBOX_FAILED,  // negative errno
        BC_INBOX_PICTURE, // 1 lost, 0 back
        BC_INBOX_SOUND,   // as well
        BC_INBOX_TROUBLE, // negative errno, 0 well again
        BC_INBOX_SIGNED,  // 1 not in time, 0 again
        BC_INBOX_LEDGER,  // 1 it or its anchor cannot be opened or written, 0 again
        BC_INBOX_DURABLE, // counter
        BC_INBOX_CLOSED,  // counter
        BC_INBOX_DROPPED, // frames
        BC_INBOX_RECOVERED,
        BC_INBOX_UNFINISHED, // negative errno: the final manifest of a recording was left to the next start
};

// Their functions only post to the loop, from any thread. Borrows it.
struct bc_pipeline_sink bc_inbox_pipeline_sink(struct bc_loop *loop);
struct bc_recorder_sink bc_inbox_recorder_sink(struct bc_loop *loop);

#endif
