// SPDX-License-Identifier: EUPL-1.2
// manifest.json: what a recording consists of, and what is missing in it (docs/formats/manifest.md).
//
// Kept in memory by the recorder (or loaded by recovery) and replaced on disk as a whole. Times are media ticks
// (bodycam/time.h). Thread-bound.
#ifndef BC_EVIDENCE_MANIFEST_H
#define BC_EVIDENCE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/wall.h"
#include "evidence/listed_file.h"
#include "evidence/segment_name.h"
#include "evidence/store.h"

#define BC_MANIFEST_REASON_BYTES_MAX 64
#define BC_MANIFEST_GAPS_MAX 1000 // then gaps of a kind are merged
#define BC_MANIFEST_CLOCKS_MAX 1000
#define BC_MANIFEST_MARKS_MAX 1000
#define BC_MARK_TEXT_BYTES_MAX 64
#define BC_TICKS_UNKNOWN (-1)
#define BC_STEP_UNKNOWN INT64_MIN

enum bc_recording_state {
        BC_RECORDING_OPEN,
        BC_RECORDING_CLOSED,
        BC_RECORDING_RECOVERED,
};

enum bc_segment_state {
        BC_SEGMENT_OPEN,
        BC_SEGMENT_CLOSED,    // finalised
        BC_SEGMENT_ABANDONED, // a write failed: only the first `bytes` count, a successor goes on
        BC_SEGMENT_RECOVERED, // finalised at a later start
        BC_SEGMENT_EMPTY,     // recovered: it held no whole fragment, all of it is in NNNN.tail
        BC_SEGMENT_MISSING,   // recovered: there is no such file any more
};

enum bc_gap_kind {
        BC_GAP_PRE_EVENT,   // the ring did not reach back far enough (just started)
        BC_GAP_NO_PICTURE,  // slate instead of picture
        BC_GAP_NO_SOUND,    // silence instead of sound
        BC_GAP_FRAMES_LOST, // frames dropped: count
        BC_GAP_OVERTAKEN,   // could not be written in time: the ring had to go on
        BC_GAP_LATE_SOUND,  // sound that came too late for the end of its segment
        BC_GAP_MUTED,       // zeros instead of what the microphone heard, on the officer's wish
        BC_GAP_KINDS,
};

struct bc_manifest_segment {
        uint32_t number;             // NNNN.mp4, NNNN.mp4.sealed
        bool sealed;
        enum bc_segment_state state;
        int64_t first_ticks;         // media time of the first picture
        int64_t end_ticks;           // media time where its last durable picture ends
        uint64_t bytes;              // durable so far; the whole file once closed
        uint32_t fragments;
        uint32_t follows;            // number of the segment that this one succeeds and may repeat a GOP of, or 0
        int error;                   // abandoned: negative errno
        uint64_t tail_bytes;         // recovered: bytes moved to NNNN.tail
        uint64_t missing_bytes;      // recovered: bytes that had been durable and are gone
        bool hashed;                 // in memory alone: what was written of a sealed one has this SHA-256
        uint8_t sha256[BC_HASH_BYTES];
};

// Whether a record says what an entry says now.
enum bc_statement {
        BC_STATEMENT_NEW,
        BC_STATEMENT_ASKED,  // in a record that is under way
        BC_STATEMENT_STATED, // in one that is durable
};

struct bc_manifest_gap {
        enum bc_gap_kind kind;
        int64_t from_ticks, to_ticks; // to BC_TICKS_UNKNOWN: it still lasts
        uint64_t count;               // frames lost; of the other kinds the gaps that are merged in this entry
        enum bc_statement statement;
};

// What the wall clock said, from an instant on: at the recording's first picture, and whenever it did not go on from what
// it had said. Media time is never touched by it.
struct bc_manifest_clock {
        int64_t from_ticks;
        enum bc_utc_source source;
        int64_t utc_ns;         // at from_ticks; nothing with BC_UTC_NONE
        int64_t uncertainty_ns;
        int64_t step_ns;        // how far it was moved; BC_STEP_UNKNOWN where one of the two was not set, and for the first
        uint64_t count;         // changes that are merged in this entry, which shows the newest
        enum bc_statement statement;
};

// An instant that the officer, or a command, pointed at.
struct bc_manifest_mark {
        int64_t ticks;
        char text[BC_MARK_TEXT_BYTES_MAX + 1];
        uint64_t count; // marks that are merged in this entry, which shows the newest
        enum bc_statement statement;
};

struct bc_manifest {
        char device[BC_DEVICE_ID_BYTES_MAX + 1];
        uint64_t counter;
        bool sealed; // words and marks are in the records alone: the file does not have them
        enum bc_recording_state state;
        char boot_id[33]; // hexadecimal
        char reason[BC_MANIFEST_REASON_BYTES_MAX + 1], stop_reason[BC_MANIFEST_REASON_BYTES_MAX + 1];
        int64_t press_ticks, pre_event_ticks; // BC_TICKS_UNKNOWN: recovered without knowing
        int64_t stop_ticks;                   // BC_TICKS_UNKNOWN while it lasts, and when it was never stopped
        struct bc_manifest_segment *segment;
        size_t segments, segment_room;
        bool gaps_unknown, clock_unknown, marks_unknown; // recovered without a manifest: what it declared is lost
        struct bc_manifest_gap *gap;
        size_t gaps, gap_room;
        struct bc_manifest_clock *clock;
        size_t clocks, clock_room;
        struct bc_manifest_mark *mark;
        size_t marks, mark_room;
        bool final;                  // it has the list of files, and nothing is added to it any more
        bool read_back;              // it is final, and was read from the store before: its other values are as they were found
        struct bc_listed_file *file; // ascending by name
        size_t files;
};

void bc_manifest_init(struct bc_manifest *manifest);
void bc_manifest_done(struct bc_manifest *manifest);

// Adds a segment or finds the one with this number. NULL: out of memory.
struct bc_manifest_segment *bc_manifest_add_segment(struct bc_manifest *manifest, uint32_t number);
struct bc_manifest_segment *bc_manifest_find_segment(struct bc_manifest *manifest, uint32_t number);

// Declares a gap; frames: how many were lost, 0 for other kinds. Frames lost within a second of each other become one
// entry; beyond BC_MANIFEST_GAPS_MAX entries, or without memory, the newest entry of the kind takes the new one in:
// none is ever dropped. Returns the entry, valid until the next call; NULL only without memory for the very first.
struct bc_manifest_gap *bc_manifest_add_gap(struct bc_manifest *manifest, enum bc_gap_kind kind, int64_t from_ticks,
                                            int64_t to_ticks, uint64_t frames);

// Declares what the clock says from now on. Beyond BC_MANIFEST_CLOCKS_MAX entries, or without memory, the newest entry takes the
// new one in. false: without memory for the very first.
bool bc_manifest_add_clock(struct bc_manifest *manifest, const struct bc_manifest_clock *clock);

// Adds a mark; text: at most BC_MARK_TEXT_BYTES_MAX bytes, the rest is cut off. Full, and without memory, as with the clock.
bool bc_manifest_add_mark(struct bc_manifest *manifest, int64_t ticks, const char *text);

// Whether a gap of this kind still lasts.
bool bc_manifest_lasts(const struct bc_manifest *manifest, enum bc_gap_kind kind);

// Ends the gaps of this kind that still last. true when there was one.
bool bc_manifest_end_gap(struct bc_manifest *manifest, enum bc_gap_kind kind, int64_t to_ticks);

// Replaces manifest.json in the folder, durably. 0 or negative errno.
int bc_manifest_save(const struct bc_manifest *manifest, int folder_fd);

// The file's bytes. The caller's to free(). 0; -ENOMEM; -EFBIG: larger than may be read.
int bc_manifest_print(const struct bc_manifest *manifest, char **ret_text, size_t *ret_bytes);

// Of the file's bytes. 0; -EBADMSG (damaged or not of this version); -ENOMEM. The manifest must be initialised.
int bc_manifest_parse(struct bc_manifest *manifest, const char *bytes, size_t size);

// Reads it: as well, or -ENOENT, ...
int bc_manifest_load(struct bc_manifest *manifest, int folder_fd);

// The words of the file.
const char *bc_recording_state_name(enum bc_recording_state state); // "closed"
const char *bc_segment_state_name(enum bc_segment_state state);     // "abandoned"
const char *bc_gap_kind_name(enum bc_gap_kind kind);                // "no-picture"

#endif
