// SPDX-License-Identifier: EUPL-1.2
// The CBOR of records (RFC 8949; docs/formats/record.md, 2): one encoding per meaning, and no other is read. Integers in their
// shortest form with a magnitude below 2^63, byte strings, plain text, arrays, maps of definite length with sorted unique
// integer keys, false, true, null; nesting of at most BC_CBOR_DEPTH_MAX.
//
// Both directions remember their first failure, so that a message goes straight through and is checked once at its end. Work is
// proportional to the bytes read, whatever they claim. Pure; any thread; allocates nothing.
#ifndef BC_FORMAT_CBOR_H
#define BC_FORMAT_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"

#define BC_CBOR_DEPTH_MAX 4 // arrays and maps within each other
#define BC_CBOR_INT_MAX INT64_MAX
#define BC_CBOR_INT_MIN (-INT64_MAX) // INT64_MIN is free to mean "not known"

// ---- writing ----
// Into the writer of format/bytes.h, whose `failed` says that it did not fit. The order of keys, the number of items and the
// plainness of texts are the caller's care: a reader checks them.
void bc_cbor_put_int(struct bc_writer *writer, int64_t value);
void bc_cbor_put_bytes(struct bc_writer *writer, const void *bytes, size_t n);
void bc_cbor_put_text(struct bc_writer *writer, const char *text, size_t n);
void bc_cbor_put_bool(struct bc_writer *writer, bool value);
void bc_cbor_put_null(struct bc_writer *writer);
void bc_cbor_put_array(struct bc_writer *writer, size_t items); // then so many items
void bc_cbor_put_map(struct bc_writer *writer, size_t pairs);   // then so many times key and value, keys ascending
void bc_cbor_put_tag(struct bc_writer *writer, uint64_t tag);   // then the item

// ---- reading ----
enum bc_cbor_type {
        BC_CBOR_NONE, // nothing that this profile knows
        BC_CBOR_INT,
        BC_CBOR_BYTES,
        BC_CBOR_TEXT,
        BC_CBOR_ARRAY,
        BC_CBOR_MAP,
        BC_CBOR_BOOL,
        BC_CBOR_NULL,
};

struct bc_cbor_item {
        enum bc_cbor_type type;
        int64_t number;       // INT; BOOL: 0 or 1
        const uint8_t *bytes; // BYTES, TEXT: borrowed from the input, no 0 behind
        size_t n;             // BYTES, TEXT: bytes; ARRAY: items; MAP: pairs
};

struct bc_cbor_level { // an array or a map that is being read
        size_t left;   // items still to come, keys included
        bool map;
        bool negative; // the last key, as it is ordered
        uint64_t magnitude;
        bool keyed; // there was one
};

// Borrows bytes. The first fault stays; every get then gives 0, false, NULL or nothing.
struct bc_cbor_reader {
        const uint8_t *bytes;
        size_t n, at, last_at; // at: of the next item; last_at: of the one before
        size_t depth;
        struct bc_cbor_level level[BC_CBOR_DEPTH_MAX];
        bool whole;        // the one outermost item has begun
        const char *fault; // what is wrong, static; NULL: nothing so far
        size_t fault_at;   // and where
};

struct bc_cbor_reader bc_cbor_reader_on(const void *bytes, size_t n);

// The next item must be this. Bounds are inclusive.
int64_t bc_cbor_get_int(struct bc_cbor_reader *reader, int64_t min, int64_t max);
bool bc_cbor_get_bool(struct bc_cbor_reader *reader);
const uint8_t *bc_cbor_get_bytes(struct bc_cbor_reader *reader, size_t min, size_t max, size_t *ret_n);
const char *bc_cbor_get_text(struct bc_cbor_reader *reader, size_t min, size_t max, size_t *ret_n);
void bc_cbor_get_tag(struct bc_cbor_reader *reader, uint8_t tag); // below 24, in front of everything; its item follows
// Takes a null, if the next item is one. false: something else, which is still to be read, or a failure.
bool bc_cbor_get_null(struct bc_cbor_reader *reader);
// Anything but array and map.
struct bc_cbor_item bc_cbor_get_plain(struct bc_cbor_reader *reader);

// Enters an array: the number of its items. They are read, then it is left.
size_t bc_cbor_enter_array(struct bc_cbor_reader *reader, size_t min, size_t max);
void bc_cbor_leave_array(struct bc_cbor_reader *reader);
// Enters a map. Each key is followed by the value's get. false: there are no more, the map is left; or a failure.
void bc_cbor_enter_map(struct bc_cbor_reader *reader);
bool bc_cbor_get_key(struct bc_cbor_reader *reader, int64_t *ret_key);

// Reads a whole map with keys from 0 and plain values, as the details of an event are, without looking at what it says.
void bc_cbor_skip_details(struct bc_cbor_reader *reader);

// A failure of the caller's own, at the item read last.
void bc_cbor_fail(struct bc_cbor_reader *reader, const char *fault);

// true: one whole item was read, there was no failure, and nothing lies behind it.
bool bc_cbor_end(struct bc_cbor_reader *reader);

#endif
