// SPDX-License-Identifier: EUPL-1.2
// The packet ring: the last seconds of encoded picture and sound, and what is said about them, in memory.
//
// One block, allocated once (and locked in memory where the limits allow), divided into lanes: picture, sound, and
// telemetry (text and position), which the picture's writer appends before the picture that it starts with: whoever
// sees a picture sees all telemetry up to its start, and each key frame has a unit of its own start in each of them.
// A lane is a byte ring of access units in the order of their start times, with an index beside it. Each lane has
// one writer thread. Appending never waits for a reader: when a lane is full, the oldest whole GOP goes, and with
// it what started before the next key frame in the other lanes. The past is a read position: pre-recording, live view and
// a slow card are cursors at different places of the same ring, and the ring does not know who reads.
//
// Threading: thread-safe. Readers copy one access unit at a time under the ring's lock, so a writer waits for one
// memcpy at the most.
#ifndef BODYCAM_RING_H
#define BODYCAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bc_clock;
struct bc_ring;

enum bc_lane {
        BC_LANE_PICTURE,
        BC_LANE_SOUND,
        BC_LANE_TEXT,     // tx3g samples
        BC_LANE_POSITION, // GPMF
        BC_LANE_COUNT,
};

enum bc_unit_flags {
        BC_UNIT_KEY = 1 << 0,        // an IDR with its parameter sets' stream; every unit of another lane is one
        BC_UNIT_SUBSTITUTE = 1 << 1, // not from the sensor: slate picture, or sound that holds inserted silence
        BC_UNIT_CLOCK = 1 << 2,      // text: from here on UTC does not go on from what it was (set, or its source is new)
        BC_UNIT_MUTED = 1 << 3,      // sound that holds muted samples: zeros in place of what the microphone heard. With
                                     // BC_UNIT_SUBSTITUTE where it would have heard nothing besides
};

// One access unit. It lasts until the next one of its lane starts (sound: always 1024 samples).
struct bc_unit {
        int64_t time_ns;     // media time of its start (PTS; there is no reordering)
        uint32_t size_bytes;
        uint16_t flags;      // enum bc_unit_flags
        uint16_t lost;       // frames lost (dropped, counted) between the unit before and this one
};

// A read position; plain data, the reader's own. Copy it to remember a place.
struct bc_cursor {
        uint64_t next[BC_LANE_COUNT]; // sequence number of the next unit to read, per lane
};

struct bc_ring_config {
        size_t lane_bytes[BC_LANE_COUNT]; // 0: this lane does not exist
        size_t lane_units[BC_LANE_COUNT];
        int64_t pre_event_ns;             // kept while nothing is recorded, plus one GOP
        bool pre_event_sound;             // false: while nothing is recorded the sound lane keeps nothing
};

// How much is held, for status and tests.
struct bc_ring_level {
        int64_t oldest_ns, newest_ns; // start times of the oldest key frame and the newest picture; -1: none
        size_t bytes[BC_LANE_COUNT], capacity_bytes[BC_LANE_COUNT];
        uint64_t evicted_for_space;   // units that went because a lane was full, since the start
        int64_t forgotten_ns; // start of the newest picture that went though it was being recorded; -1: none did
};

// 0 or -ENOMEM, -EINVAL. The clock is borrowed.
int bc_ring_new(struct bc_clock *clock, const struct bc_ring_config *config, struct bc_ring **ret_ring);
void bc_ring_free(struct bc_ring *ring);

// ---- writers -------------------------------------------------------------------------------------------------

// Appends one unit, copying its bytes. Start times of a lane must not go back (-EINVAL); a unit larger than its
// lane is refused (-EMSGSIZE); after bc_ring_end() -EPIPE. Never waits for a reader.
int bc_ring_append(struct bc_ring *ring, enum bc_lane lane, const struct bc_unit *unit, const void *bytes);

// The lane's stream ends at end_ns: the duration of its last unit is known now and nothing follows.
void bc_ring_end(struct bc_ring *ring, enum bc_lane lane, int64_t end_ns);

// The same; lost: frames lost between the last unit and the end.
void bc_ring_end_lossy(struct bc_ring *ring, enum bc_lane lane, int64_t end_ns, uint16_t lost);

// Opens the lanes again after bc_ring_end(), emptied: a new stream starts (sensors on again).
void bc_ring_restart(struct bc_ring *ring);

// ---- the retention law ---------------------------------------------------------------------------------------

// recording: keep all that fits. Otherwise only pre-event + one GOP; takes effect at once. The recorder calls this:
// only it knows when what was recorded is durable.
void bc_ring_set_recording(struct bc_ring *ring, bool recording);

// ---- readers -------------------------------------------------------------------------------------------------

// Places the cursor on the newest key frame that starts at or before from_ns (the oldest one there is, if none
// does), and in each other lane on the first unit starting at or after that key frame.
// 0; -EAGAIN when no key frame is held yet; -ENODATA when none is held and the lane has ended.
int bc_ring_place(struct bc_ring *ring, int64_t from_ns, struct bc_cursor *ret_cursor);

// Looks at the unit `ahead` places after the cursor without reading it. 0; -EAGAIN: not there yet; -EPIPE: the
// reader was overtaken, its next unit is gone; -ENODATA: the lane has ended before it, *ret_unit then holds only
// time_ns, the lane's end, and lost, before it.
int bc_ring_peek(struct bc_ring *ring, const struct bc_cursor *cursor, enum bc_lane lane, uint64_t ahead,
                 struct bc_unit *ret_unit);

// Copies the unit at the cursor into bytes (room for room_bytes, else -ENOBUFS) and moves on. Else as peek.
int bc_ring_read(struct bc_ring *ring, struct bc_cursor *cursor, enum bc_lane lane, void *bytes,
                 size_t room_bytes, struct bc_unit *ret_unit);

// Waits until something was appended or ended since *seen (a counter of the ring's changes; starts at 0, updated
// on return), or bc_ring_wake(), or deadline_ns. 0 or -ETIMEDOUT.
int bc_ring_wait(struct bc_ring *ring, uint64_t *seen, int64_t deadline_ns);

// Wakes every bc_ring_wait() once, so that a reader sees a command. Any thread.
void bc_ring_wake(struct bc_ring *ring);

void bc_ring_level(struct bc_ring *ring, struct bc_ring_level *ret_level);

#endif
