// SPDX-License-Identifier: EUPL-1.2
// Records: signed statements of a device (docs/formats/record.md has every field and its clause). COSE_Sign1 (RFC 9052) in a
// `uuid` box (14496-12, 4.2). Here is their form alone, both ways: nothing is signed, nothing is judged, no file is opened.
//
// Writing: fill a struct bc_record, bc_record_compose(); sign what bc_record_to_be_signed() gives; bc_record_seal() makes the
// box.
// Reading: bc_record_parse() takes hostile bytes and accepts exactly what the document allows.
//
// Numbers have the bounds of the document; texts are plain (format/text.h has what makes any text so).
//
// Pure; any thread; allocates nothing. struct bc_record is large (13 KB), as is its message (16 KB): they do not belong on a
// small stack.
#ifndef BC_FORMAT_RECORD_H
#define BC_FORMAT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/box.h"
#include "format/track.h"

#define BC_RECORD_BYTES_MAX 16384 // the whole box
#define BC_RECORD_HEADER_BYTES 24
#define BC_HASH_BYTES 32 // SHA-256
#define BC_SIGNATURE_BYTES_MAX 96
#define BC_RECORD_CHAIN_MAX 4
#define BC_RECORD_DEVICE_BYTES_MAX 32
#define BC_RECORD_TEXT_BYTES_MAX 64
#define BC_RECORD_NONCE_BYTES_MIN 16 // shorter ones can be guessed
#define BC_RECORD_NONCE_BYTES_MAX 64
#define BC_RECORD_NAME_BYTES_MAX 32
#define BC_RECORD_GAPS_MAX 64
#define BC_RECORD_MARKS_MAX 64
#define BC_RECORD_CLOCKS_MAX 64
#define BC_RECORD_DRIVERS_MAX 8
#define BC_RECORD_EVENTS_MAX 64
#define BC_RECORD_SEGMENTS_MAX 9999
#define BC_RECORD_SUCCEEDS_MAX 8
#define BC_RECORD_HEAD_BYTES_MAX 16384
#define BC_RECORD_GAP_KINDS 7   // of manifest.md's table, from 1
#define BC_RECORD_SOURCE_MAX 3  // of UTC: 1 rtc, 2 ntp, 3 gnss
#define BC_RECORD_CAUSE_MAX 4095
#define BC_RECORD_MEDIUM_MAX 5  // of a tail anchor: docs/formats/record.md, key 58
#define BC_RECORD_MEDIUM_TPM 3  // that one alone, which is written seldom
#define BC_RECORD_RESET_MAX 3   // 0 not known, 1 power, 2 watchdog, 3 software
#define BC_RECORD_UNKNOWN INT64_MIN // of any number that may be null

// 98f741df-fbdc-4edd-a2af-e56b029581fa
extern const uint8_t bc_record_id[BC_BOX_ID_BYTES];
// c7849140-736a-4033-b992-8eb98dcd01b8
extern const uint8_t bc_label_id[BC_BOX_ID_BYTES];

enum bc_record_kind {
        BC_RECORD_FRAGMENT = 1,
        BC_RECORD_CONTINUES = 2,
        BC_RECORD_CLOSE = 3,
        BC_RECORD_RECOVERED = 4,
        BC_RECORD_SEALED = 8, // lies beside a sealed file
        BC_RECORD_LEDGER = 16,
};

enum bc_record_algorithm { // RFC 9053, 2.1
        BC_RECORD_ES256 = -7,
        BC_RECORD_ES384 = -35,
};

enum bc_driver_role {
        BC_DRIVER_CAMERA = 1,
        BC_DRIVER_MIC = 2,
        BC_DRIVER_RECEIVER = 3,
        BC_DRIVER_WALL = 4,
        BC_DRIVER_MEDIA_CLOCK = 5,
        BC_DRIVER_BUTTONS = 6,
        BC_DRIVER_BATTERY = 7,
};

struct bc_record_bytes { // borrowed
        const uint8_t *bytes;
        size_t n;
};

struct bc_record_span { // of a track, media ticks; both BC_RECORD_UNKNOWN: no sample
        int64_t first_ticks, end_ticks;
};

struct bc_record_gap {
        uint32_t kind; // 1 + the place in manifest.md's table
        int64_t from_ticks, to_ticks; // to may be BC_RECORD_UNKNOWN: it lasts
        uint64_t count;
};

struct bc_record_mark {
        int64_t ticks;
        char text[BC_RECORD_TEXT_BYTES_MAX + 1];
};

struct bc_record_clock { // source 0: not set, the others BC_RECORD_UNKNOWN
        int64_t from_ticks;
        uint32_t source;
        int64_t utc_ns, uncertainty_ns, step_ns;
};

struct bc_record_driver {
        enum bc_driver_role role;
        char name[BC_RECORD_NAME_BYTES_MAX + 1];
        bool simulated;
};

struct bc_record_abandoned { // a segment that has no end of its own
        uint32_t segment, cause; // its number; Linux's errno
        uint64_t end, offset;    // it counts up to end; its records had covered it up to offset
        uint8_t sha256[BC_HASH_BYTES]; // of what lies between
};

// One event of the ledger; details: one map in the CBOR of record.md 2 (format/cbor.h), keys from 0, plain values; borrowed,
// judged by docs/formats/ledger.md.
struct bc_record_event {
        int64_t time_ns;
        uint32_t event;
        struct bc_record_bytes details;
};

// The tail anchor, as recovery found it.
struct bc_record_anchor {
        uint32_t medium; // 0: there was none
        uint64_t recording;
        uint32_t segment, index;
        uint8_t hash[BC_HASH_BYTES];
        int64_t signed_ns;
};

struct bc_record {
        // protected header
        enum bc_record_kind kind;
        enum bc_record_algorithm algorithm;
        uint8_t x5t[BC_HASH_BYTES];
        struct bc_record_bytes chain[BC_RECORD_CHAIN_MAX]; // DER; borrowed
        size_t chain_count;                                // 1 .. 4 in index 1 and in SEALED; in a ledger record 0 as well; else 0
        // every kind
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];
        uint64_t epoch, boot, ledger;
        uint8_t prev[BC_HASH_BYTES];
        int64_t signed_ns;
        struct {
                uint32_t source; // 0: not set
                int64_t utc_ns, uncertainty_ns, age_ns;
        } utc;
        uint8_t firmware[BC_HASH_BYTES], settings[BC_HASH_BYTES];
        // segments
        uint64_t recording;
        uint32_t segment, index;
        uint64_t offset, bytes;
        uint8_t sha256[BC_HASH_BYTES];
        struct bc_record_span track[BC_TRACKS_MAX];
        size_t tracks;
        // not in RECOVERED
        uint64_t captured, dropped;
        struct bc_record_gap gap[BC_RECORD_GAPS_MAX];
        struct bc_record_mark mark[BC_RECORD_MARKS_MAX];
        struct bc_record_clock clock[BC_RECORD_CLOCKS_MAX];
        size_t gaps, marks, clocks;
        struct {
                bool known;
                uint32_t mode; // 2, 3: dimensions
                int64_t lat_e7, lon_e7, accuracy_mm, age_ns;
        } position;
        struct {
                bool known;
                int64_t percent, minutes;
                bool charging;
        } battery;
        // index 1
        uint64_t head_bytes;
        int64_t base_ticks;
        uint8_t boot_id[BC_BOOT_ID_BYTES];
        struct bc_record_driver driver[BC_RECORD_DRIVERS_MAX];
        size_t drivers;
        struct {
                char reason[BC_RECORD_TEXT_BYTES_MAX + 1];
                int64_t press_ticks, pre_event_ticks; // RECOVERED: may be BC_RECORD_UNKNOWN
        } begun;
        struct bc_record_abandoned succeeds[BC_RECORD_SUCCEEDS_MAX]; // by their numbers, ascending
        size_t succeeds_count;                                       // 0: the segment before has an end of its own
        bool sealed;
        uint8_t seal[BC_HASH_BYTES];
        // CONTINUES, CLOSE, RECOVERED
        uint64_t moov_bytes;
        uint8_t moov_sha256[BC_HASH_BYTES];
        // CLOSE
        struct {
                char reason[BC_RECORD_TEXT_BYTES_MAX + 1];
                int64_t stop_ticks;
                uint32_t segments;
        } ended;
        // RECOVERED
        struct {
                uint64_t before, kept;
                bool moved;
                uint64_t moved_bytes;
                uint8_t moved_sha256[BC_HASH_BYTES];
                struct bc_record_anchor anchor;
                bool agrees;
                uint32_t reset;
        } found;
        // SEALED; and of `found` anchor and reset
        struct {
                uint64_t bytes;
                uint8_t sha256[BC_HASH_BYTES];
                bool headed; // its header is whole
                uint8_t seal[BC_HASH_BYTES];
        } stored;
        // LEDGER
        struct bc_record_event event[BC_RECORD_EVENTS_MAX];
        size_t events;
};

// Writes the header of a record box for payload_bytes that follow it: BC_RECORD_HEADER_BYTES bytes. 0, or -EMSGSIZE
// when box and payload together would exceed BC_RECORD_BYTES_MAX.
int bc_record_header(size_t payload_bytes, uint8_t ret_header[BC_RECORD_HEADER_BYTES]);

// A record on its way to being signed, and the parts of a box that was parsed. Of a composed record the parts lie in `bytes`: it
// is not to be copied.
struct bc_record_message {
        uint8_t bytes[BC_RECORD_BYTES_MAX];
        struct bc_record_bytes protected_header, payload, signature; // signature: only of a parsed box
};

// Encodes header and payload. 0; -EINVAL: the record is not lawful (then nothing could read it); -EMSGSIZE: with its signature
// the box would be larger than BC_RECORD_BYTES_MAX. On failure *ret_message says nothing.
int bc_record_compose(const struct bc_record *record, struct bc_record_message *ret_message);

// The Sig_structure of RFC 9052, 4.4: what is hashed and signed. room: BC_RECORD_BYTES_MAX + 64 is enough. 0 or -ENOBUFS.
int bc_record_to_be_signed(const struct bc_record_message *message, uint8_t *bytes, size_t room, size_t *ret_bytes);

// The whole box. signature: r and s, 64 or 96 bytes as the algorithm has it; -EINVAL otherwise, or where s is not low
// (bc_cose_lower() in format/cose.h makes it so). -ENOBUFS.
int bc_record_seal(const struct bc_record *record, const struct bc_record_message *message, const uint8_t *signature,
                   size_t signature_bytes, uint8_t *box, size_t room, size_t *ret_bytes);

// How large the box will be: of a composed record, for layouts that need it before the signature is there.
size_t bc_record_box_bytes(const struct bc_record *record, const struct bc_record_message *message);

// Reads a box of exactly this many bytes. ret_record's chain and events borrow from `box`; ret_message's parts, too (its `bytes`
// are not used). 0; -EBADMSG: not a record of this format, with what is wrong in text (may be NULL) and its offset in the box in
// *ret_at (may be NULL); *ret_record and *ret_message then say nothing.
int bc_record_parse(const uint8_t *box, size_t bytes, struct bc_record *ret_record, struct bc_record_message *ret_message,
                    char *text, size_t text_bytes, size_t *ret_at);

#endif
