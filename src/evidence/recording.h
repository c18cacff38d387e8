// SPDX-License-Identifier: EUPL-1.2
// One recording on its way from the ring to its folder: placing, cutting, writing, declaring, closing.
//
// A machine that is stepped by the recorder's thread. Each step does one bounded piece of work; a failed one leaves
// everything such that the next step tries again, from what is durable.
#ifndef BC_EVIDENCE_RECORDING_H
#define BC_EVIDENCE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/moment.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"
#include "evidence/attest.h"
#include "evidence/cut.h"
#include "evidence/fragment_buffer.h"
#include "evidence/manifest.h"
#include "evidence/recorder.h"
#include "evidence/segment.h"

enum bc_recording_stage {
        BC_STAGE_PLACE,   // no key frame in the ring yet
        BC_STAGE_BEGIN,   // its folder is not made yet
        BC_STAGE_RESUME,  // needs a key frame to go on with: after a failed write, or overtaken
        BC_STAGE_WRITE,
        BC_STAGE_CLOSE,
        BC_STAGE_DONE,
};

struct bc_recording {
        struct bc_ring *ring;
        struct bc_store *store;
        const struct bc_stream *stream;
        const struct bc_recorder_config *config;
        struct bc_fragment_buffer *buffer;
        struct bc_sealing *sealing; // NULL: segments lie in the clear

        enum bc_recording_stage stage;
        int folder_fd;
        struct bc_manifest manifest;
        bool manifest_stale; // in memory more is known than on disk
        int64_t press_ns, sound_from_ns;
        int64_t first_ns;    // first picture; -1: not placed yet, or there is none
        int64_t durable_ns;  // end of the last durable picture; -1: nothing yet
        int finalise_error;  // of a segment that has ended, negative errno: not told yet
        int64_t now_ns;      // of this step
        bool overtaken;      // BC_STAGE_RESUME because of it: go on at the oldest key frame not yet written

        struct bc_cursor cursor; // everything before it is durable
        int64_t from_ns;         // where the next fragment begins
        int64_t declared_ns;     // pictures before this are accounted for in the gaps
        int64_t sound_declared_ticks; // the same for sound
        int64_t last_picture_ns; // start of the last durable picture; -1: none yet
        int64_t overtaken_ns;    // lost to the ring so far
        struct bc_moment clock;  // of the newest entry in the manifest's clock
        uint64_t marks;          // set so far
        bool finished;           // closed, and nothing of it is left to the next start
        bool file_left;          // a file of which the manifest does not know: for the next start

        struct bc_segment segment;
        bool segment_begun;
        uint32_t number;         // of the current or next segment
        uint32_t follows;        // the segment the next one succeeds and may repeat a GOP of, or 0
        int64_t segment_from_ns; // its first picture
        int64_t base_ticks[BC_LANE_COUNT]; // where each track begins; all but sound where the segment does
        uint64_t decode_ticks[BC_LANE_COUNT];

        struct bc_attest attest; // its records
};

// Borrows everything. Allocates nothing yet. sealing: what every segment of it is sealed with; one that cannot be is not written.
void bc_recording_init(struct bc_recording *recording, struct bc_ring *ring, struct bc_store *store,
                       const struct bc_stream *stream, const struct bc_recorder_config *config,
                       struct bc_fragment_buffer *buffer, struct bc_sealing *sealing, int64_t press_ns, const char *reason);

// Frees. What is durable stays; an unclosed segment is recovered at the next start.
void bc_recording_done(struct bc_recording *recording);

// It is closed, and nothing is added to it any more: its manifest is made final, by others.
void bc_recording_hand_over(struct bc_recording *recording);

// One step. end_ns: of the recording, BC_NS_NEVER while it is not stopped; stop_reason: why, then.
// 0: go on stepping (until stage is BC_STAGE_DONE). -EAGAIN: nothing to do before the ring changes or *ret_wake_ns.
// Another negative errno: something could not be made durable; step again after a while.
int bc_recording_step(struct bc_recording *recording, int64_t end_ns, const char *stop_reason, int64_t now_ns,
                      int64_t *ret_wake_ns);

// Sets a mark, in memory: it is durable once manifest_stale is false after a step. At any stage; a step saves it also when the
// recording is closed. 0 or -ENOMEM.
int bc_recording_mark(struct bc_recording *recording, int64_t time_ns, const char *text);

#endif
