// SPDX-License-Identifier: EUPL-1.2
// The schema of a record is described once, for both directions: each bc_code_ call writes a field's value or reads it, with the
// same bounds. So what is written can be read, and what is read is written again as the same bytes.
//
// Pure; one thread at a time.
#ifndef BC_FORMAT_CODER_H
#define BC_FORMAT_CODER_H

#include "format/cbor.h"
#include "format/record.h"

struct bc_coder {
        struct bc_writer *writer;      // one of the two
        struct bc_cbor_reader *reader; // keeps its own faults
        bool refused;                  // writing: a value that the format does not have
        const char *field;             // reading: in which field the first fault was; NULL: in none
};

// Writing stores nothing into what it is given. Reading leaves 0 where there is a fault. Bounds are inclusive; a value that may
// be null is BC_RECORD_UNKNOWN then.
void bc_code_int(struct bc_coder *coder, int64_t *value, int64_t min, int64_t max);
void bc_code_int_or_null(struct bc_coder *coder, int64_t *value, int64_t min, int64_t max);
void bc_code_unknown(struct bc_coder *coder, int64_t *value); // null it is
void bc_code_u64(struct bc_coder *coder, uint64_t *value, uint64_t min, uint64_t max);
void bc_code_u32(struct bc_coder *coder, uint32_t *value, uint32_t min, uint32_t max);
void bc_code_bool(struct bc_coder *coder, bool *value);
void bc_code_bytes(struct bc_coder *coder, uint8_t *bytes, size_t n);
void bc_code_text(struct bc_coder *coder, char *text, size_t min, size_t max); // max + 1 bytes of room
void bc_code_borrowed(struct bc_coder *coder, struct bc_record_bytes *bytes);  // at least one byte
void bc_code_details(struct bc_coder *coder, struct bc_record_bytes *details); // a whole map
// Refuses, unless what was just coded is lawful in some further way.
void bc_code_require(struct bc_coder *coder, bool lawful);

// An array of *count items, or of exactly n: code them, then its end.
void bc_code_array(struct bc_coder *coder, size_t *count, size_t min, size_t max);
void bc_code_tuple(struct bc_coder *coder, size_t n);
void bc_code_array_end(struct bc_coder *coder);

// null, or something that is to be coded next: then true.
bool bc_code_present(struct bc_coder *coder, bool *present);

struct bc_code_field {
        int32_t key;
        uint32_t kinds;   // bits BC_CODE_KIND() of the kinds that have it; 0: all
        bool first;       // only in records of index 1
        const char *name; // for messages
        void (*code)(struct bc_coder *coder, struct bc_record *record);
        // Of a field that may be missing: whether it is there; reading, code() sets what it is read from. NULL: always there.
        bool (*stated)(const struct bc_record *record);
};

#define BC_CODE_KIND(kind) (UINT32_C(1) << (kind))

// A map of exactly the fields that belong into this record; fields in the order of their keys.
void bc_code_map(struct bc_coder *coder, const struct bc_code_field *field, size_t fields, struct bc_record *record);

#endif
