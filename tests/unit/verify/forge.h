// SPDX-License-Identifier: EUPL-1.2
// Signed recordings for tests, in words, written by format and OpenSSL alone: nothing of the recorder is in it, so that what
// the verifier is held against is the documents. What fails aborts.
//
// A segment is a string of words. Each is a fragment of key frames I, other pictures P, sound units a, texts t and positions
// g ("IPPaa"), or:
//   R  a record over everything before it
//   L  a record that comes late: over everything but the last fragment (which must be the word before it)
//   C  the record "continues"     X  the record "close"     Z  the record "recovered", with the last record as its tail anchor
//   F  the final moov and the patch     M  the final moov alone     m  the first half of the final moov
// "IPPaa R IPPaa X F" is a whole recording.
#ifndef TEST_VERIFY_FORGE_H
#define TEST_VERIFY_FORGE_H

#include "forge_identity.h"
#include "format/finalise.h"
#include "format/record.h"

#define FORGE_BOXES_MAX 2048
#define FORGE_SEGMENTS_MAX 16
#define FORGE_TRACKS 4

enum forge_box {
        FORGE_HEAD,
        FORGE_FRAGMENT,
        FORGE_RECORD,
        FORGE_MOOV,
};

struct forge_segment {
        uint32_t number;
        struct bc_init init;
        struct bc_init_layout layout;
        struct bc_sample_table table;
        uint8_t *bytes; // the file
        size_t size, room;
        size_t boxes;
        enum forge_box box[FORGE_BOXES_MAX];
        uint64_t box_at[FORGE_BOXES_MAX + 1]; // one more: the end
        uint64_t covered;
        uint32_t index;
        struct bc_record_span span[FORGE_TRACKS], late[FORGE_TRACKS]; // not yet covered; of the last fragment
        bool patched;
        bool left_out; // it is not saved
};

struct forge {
        const struct forge_identity *identity;
        struct forge_segment segment[FORGE_SEGMENTS_MAX];
        size_t segments;
        uint32_t next_number;
        uint64_t recording, boot, ledger;
        uint8_t boot_id[BC_BOOT_ID_BYTES];
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];
        int64_t end_ticks[FORGE_TRACKS];  // media time that each track goes on at
        int64_t last_ticks[FORGE_TRACKS]; // where its last sample ended
        int64_t signed_ns;
        uint8_t prev[BC_HASH_BYTES];
        uint32_t random;       // 0: sizes by kind; else the state of a generator
        uint32_t picture_bytes; // 0: small ones; else of each picture
        bool no_utc, high_s, simulated;
        uint32_t segments_stated; // 0: as many as there are
        // News for the next record.
        struct bc_record_gap gap[8];
        struct bc_record_mark mark[8];
        struct bc_record_clock clock[8];
        size_t gaps, marks, clocks;
        // Told of each record before it is signed, to make a liar of the device.
        void (*on_record)(void *user, struct bc_record *record);
        void *user;
        // For the first record of the next segment that has one.
        struct bc_record_abandoned succeeds[BC_RECORD_SUCCEEDS_MAX];
        size_t succeeds_count;
        // Of the tail anchor in Z.
        bool no_anchor;
        uint32_t anchor_medium; // 0: 1
        int64_t anchor_age_ns;
        // State of the last record.
        uint32_t anchor_segment, anchor_index;
        int64_t anchor_signed_ns;
        uint64_t captured;
        struct bc_record record;
        struct bc_record_message message;
};

// A forge allocates much: on the heap. Identity is borrowed.
struct forge *forge_new(const struct forge_identity *identity, uint32_t random);
void forge_free(struct forge *forge);

// Begins the next segment where the tracks have come to, and writes it.
struct forge_segment *forge_write(struct forge *forge, const char *words);
// The last segment was abandoned and counts up to `end`, the end of its covered range or of a fragment behind it; the next
// one says so and begins with the picture of tick from_ticks.
void forge_abandon(struct forge *forge, uint64_t end, int64_t from_ticks);
// More words for the last segment.
void forge_go_on(struct forge *forge, const char *words);

void forge_declare(struct forge *forge, uint32_t kind, int64_t from_ticks, int64_t to_ticks, uint64_t count);
void forge_mark(struct forge *forge, int64_t ticks, const char *text);

// The signature of a record's to-be-signed bytes: r and low s, of half bytes each.
void forge_sign(EVP_PKEY *key, const uint8_t *bytes, size_t n, uint8_t *ret_signature, size_t half);

uint32_t forge_random(uint32_t *state, uint32_t below);

// Puts the recording into a new folder DEVICE-NNNNNN in `parent`: segments and, with manifest, manifest.json. path: room for
// PATH_MAX.
void forge_save(const struct forge *forge, const char *parent, bool manifest, char *ret_path, size_t path_bytes);
// The manifest that belongs to it; the caller's memory.
char *forge_manifest(const struct forge *forge);
// The same with its list of files (manifest.md, 9): what manifest.sig is over.
char *forge_final_manifest(const struct forge *forge);

void forge_folder(const char *path); // a new one
void forge_file(const char *folder, const char *name, const void *bytes, size_t n);
void forge_remove(const char *path); // with all in it

#endif
