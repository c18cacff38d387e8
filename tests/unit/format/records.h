// SPDX-License-Identifier: EUPL-1.2
// Records for tests: lawful ones of random content, those of docs/formats/vectors, and what a record says as JSON, field by
// field, written without the code under test.
#ifndef TEST_FORMAT_RECORDS_H
#define TEST_FORMAT_RECORDS_H

#include <jansson.h>

#include "format/record.h"

#define RECORD_VECTORS 8
#define RECORD_KINDS 6

extern const enum bc_record_kind record_kinds[RECORD_KINDS];

struct record_specimen {
        struct bc_record record;
        uint8_t certificate[BC_RECORD_CHAIN_MAX][1500]; // what it borrows
        uint8_t details[BC_RECORD_EVENTS_MAX][80];
        uint8_t signature[BC_SIGNATURE_BYTES_MAX]; // of the right form and length, signs nothing
        size_t signature_bytes;
};

// A lawful record of this kind whose box fits; every field and every way of a field to be there or not comes up.
void record_random(struct record_specimen *ret, enum bc_record_kind kind, uint32_t *random);

// The name of a vector ("fragment-first"), and its record.
const char *record_vector(size_t number, struct record_specimen *ret);

// Composes and seals; the box's length. Fails the test where that does not work.
size_t record_box(const struct record_specimen *specimen, uint8_t box[BC_RECORD_BYTES_MAX]);

// What the record says, by the names of record.md: byte strings as hexadecimal digits, details as such of their encoding. The
// caller frees it.
json_t *record_meaning(const struct bc_record *record, const struct bc_record_message *message);

// The number of bytes of a line of hexadecimal digits; SIZE_MAX when it is none, or longer than room.
size_t record_from_hex(const char *line, uint8_t *bytes, size_t room);

#endif
