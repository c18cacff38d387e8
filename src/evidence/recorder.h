// SPDX-License-Identifier: EUPL-1.2
// The recorder: turns a span of the packet ring into the segments of a recording, on its own thread.
//
// A recording begins pre_event_ns before its press, on a key frame, and goes on until it is stopped. The recorder
// is the only one that has a recording's files open. Its cursor in the ring advances only when a fragment is
// durable (a successful fdatasync), so whatever the card does, everything not durable is still in the ring, until
// the ring must evict it: that becomes a declared gap.
#ifndef BC_EVIDENCE_RECORDER_H
#define BC_EVIDENCE_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "bodycam/ring.h"
#include "bodycam/stream.h"

struct bc_agency;
struct bc_attestation;
struct bc_inventory;
struct bc_moment;
struct bc_recorder;
struct bc_store;

#define BC_RECORDER_QUEUE_MAX 16
#define BC_RECORDER_CLOSING_MAX 3 // of these, that are written and wait for their last records, while the next one is being written
#define BC_RECORDER_REASON_BYTES_MAX 64
#define BC_RECORDER_MARK_BYTES_MAX 64
#define BC_RECORDER_MARKS_MAX 64 // that are not durable yet
#define BC_RECORDER_LATE_NS (2 * BC_NS_PER_S)
#define BC_RECORDER_ROOM_EVERY_NS (2 * BC_NS_PER_S)

// A recording that cannot be written for so long, in a store that can, is left as it is for the next start to recover;
// what of it is not durable goes into a new one. Twice as long each time until something becomes durable.
#define BC_RECORDER_LEAVE_NS (10 * BC_NS_PER_S)
#define BC_RECORDER_LEAVE_MAX_NS (640 * BC_NS_PER_S)

struct bc_recorder_config {
        int64_t pre_event_ns;
        bool pre_event_sound;  // false: sound begins at the press
        int64_t fragment_ns;   // at most 500 ms by default
        int64_t segment_ns;    // a segment ends at the first key frame after it
        size_t fragment_bytes;  // room for a fragment's samples at the highest bit rate; grows where one unit is larger
        int64_t retry_ns;       // between two attempts while writing fails, 1 s
        int64_t give_up_ns;     // how long bc_recorder_free() goes on trying while writing fails
        const char *make, *model; // of the camera, for the files' metadata; NULL or "": not said
        // What was known of an instant of the last minutes: for the files' metadata and the manifest's clock. Called on the
        // recorder's thread, must not block. NULL: nothing is known.
        void (*moment_at)(void *user, int64_t time_ns, struct bc_moment *ret_moment);
        void *moment_user;
        const struct bc_attestation *attestation; // what signs; NULL: nothing is signed
        struct bc_inventory *inventory; // what makes final manifests of what is closed; NULL: nothing does
        const struct bc_agency *agency; // whom segments are sealed for, borrowed; NULL: they lie in the clear
        uint64_t boot;                  // for sealed ones: counts the daemon's starts, from 1
};

enum bc_recorder_notice {
        BC_RECORDER_DURABLE,  // the first fragment of the recording is on the disk; value: its counter
        BC_RECORDER_CLOSED,   // the recording is closed (what could not be finalised, the next start sees to); value: its
                              // counter
        BC_RECORDER_TROUBLE,  // nothing can be made durable at the moment; value: negative errno; it keeps trying
        BC_RECORDER_WELL,     // writing works again
        BC_RECORDER_SIGNED,   // value: 1 what is recorded has not been signed for BC_RECORDER_LATE_NS, 0 it is again
        BC_RECORDER_GAP,      // the ring overtook the recorder; value: length of the gap in ns
};

struct bc_recorder_sink {
        void (*on_notice)(void *user, enum bc_recorder_notice notice, int64_t value); // recorder's thread, not blocking
        void *user;
};

struct bc_recorder_status {
        uint64_t counter;       // of the current or the last recording; 0: none yet
        int64_t press_ns;
        int64_t first_ns;       // media time of its first picture; -1: not known yet
        int64_t durable_ns;     // everything before this media time is durable; -1: nothing yet
        uint32_t segments;      // begun so far
        uint64_t gaps;          // declared in the current or last recording
        uint64_t marks;         // set in it, as of its newest fragment
        unsigned waiting;       // recordings started and not yet closed, the current one included
        bool open;              // the one started last is among them
        int error;              // negative errno while in trouble, else 0
        uint64_t room_bytes;    // bc_store_room() as of BC_RECORDER_ROOM_EVERY_NS ago, or of when the card last answered;
                                // UINT64_MAX: it has not answered yet
};

// Starts the thread. Borrows clock, ring, store, stream. 0, or negative errno: with an agency also where sealing cannot be had, and
// then nothing is recorded at all.
int bc_recorder_new(struct bc_clock *clock, struct bc_ring *ring, struct bc_store *store,
                    const struct bc_stream *stream, const struct bc_recorder_config *config,
                    const struct bc_recorder_sink *sink, struct bc_recorder **ret_recorder);

// Closes what is being recorded with what the ring holds, ends the thread. While writing fails it goes on trying
// until config.give_up_ns is over. NULL is allowed.
void bc_recorder_free(struct bc_recorder *recorder);

// A new recording, pressed at press_ns; reason ("button", "dbus", ...) goes into its manifest. From here on the ring
// keeps everything until the recording is durable and closed. -EBUSY while one is open and not stopped; stopped
// ones still being worked off do not hinder it, until there are BC_RECORDER_QUEUE_MAX of them (-ENOBUFS). Any
// thread, returns at once.
int bc_recorder_start(struct bc_recorder *recorder, int64_t press_ns, const char *reason);

// The recording ends at end_ns: units that start before it belong to it. -ENOENT when none is open.
int bc_recorder_stop(struct bc_recorder *recorder, int64_t end_ns, const char *reason);

// A mark at time_ns, from the press on and before the end of a recording that is not closed yet, goes into its manifest, which is
// due with its next fragment. text: UTF-8, may be "". 0: it will be kept, in a recording that goes on from this one where this one
// cannot be written; what no record can state any more is for the ledger, without the words. -ENOENT: no recording at that time; -ENOBUFS: BC_RECORDER_MARKS_MAX wait for the card; -EINVAL: the
// text is longer than BC_RECORDER_MARK_BYTES_MAX; -ESHUTDOWN. Any thread, returns at once.
int bc_recorder_mark(struct bc_recorder *recorder, int64_t time_ns, const char *text);

void bc_recorder_status(struct bc_recorder *recorder, struct bc_recorder_status *ret_status);

#endif
