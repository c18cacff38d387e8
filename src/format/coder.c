// SPDX-License-Identifier: EUPL-1.2
#include "format/coder.h"

#include <string.h>

#include "format/text.h"

static void refuse(struct bc_coder *coder)
{
        coder->refused = true;
}

void bc_code_require(struct bc_coder *coder, bool lawful)
{
        if (lawful)
                return;
        if (coder->reader)
                bc_cbor_fail(coder->reader, "a value that is not allowed");
        else
                refuse(coder);
}

void bc_code_int(struct bc_coder *coder, int64_t *value, int64_t min, int64_t max)
{
        if (coder->reader) {
                *value = bc_cbor_get_int(coder->reader, min, max);
                return;
        }
        if (*value < min || *value > max)
                refuse(coder);
        bc_cbor_put_int(coder->writer, *value);
}

void bc_code_int_or_null(struct bc_coder *coder, int64_t *value, int64_t min, int64_t max)
{
        bool present = *value != BC_RECORD_UNKNOWN;
        if (bc_code_present(coder, &present))
                bc_code_int(coder, value, min, max);
        else if (coder->reader)
                *value = BC_RECORD_UNKNOWN;
}

void bc_code_unknown(struct bc_coder *coder, int64_t *value)
{
        bc_code_int_or_null(coder, value, BC_CBOR_INT_MIN, BC_CBOR_INT_MAX);
        bc_code_require(coder, *value == BC_RECORD_UNKNOWN);
}

void bc_code_u64(struct bc_coder *coder, uint64_t *value, uint64_t min, uint64_t max)
{
        int64_t number = *value <= (uint64_t)BC_CBOR_INT_MAX ? (int64_t)*value : -1; // -1: refused, there are no bounds below 0
        bc_code_int(coder, &number, (int64_t)min, (int64_t)max);
        if (coder->reader)
                *value = (uint64_t)number;
}

void bc_code_u32(struct bc_coder *coder, uint32_t *value, uint32_t min, uint32_t max)
{
        int64_t number = *value;
        bc_code_int(coder, &number, min, max);
        if (coder->reader)
                *value = (uint32_t)number;
}

void bc_code_bool(struct bc_coder *coder, bool *value)
{
        if (coder->reader)
                *value = bc_cbor_get_bool(coder->reader);
        else
                bc_cbor_put_bool(coder->writer, *value);
}

void bc_code_bytes(struct bc_coder *coder, uint8_t *bytes, size_t n)
{
        if (!coder->reader) {
                bc_cbor_put_bytes(coder->writer, bytes, n);
                return;
        }
        size_t found;
        const uint8_t *at = bc_cbor_get_bytes(coder->reader, n, n, &found);
        if (at)
                memcpy(bytes, at, n);
}

void bc_code_text(struct bc_coder *coder, char *text, size_t min, size_t max)
{
        size_t n;

        if (coder->reader) {
                const char *at = bc_cbor_get_text(coder->reader, min, max, &n);
                if (at)
                        memcpy(text, at, n);
                text[at ? n : 0] = '\0';
                return;
        }
        n = strnlen(text, max + 1);
        if (n < min || n > max || !bc_text_is_plain(text, n))
                refuse(coder);
        bc_cbor_put_text(coder->writer, text, n);
}

void bc_code_borrowed(struct bc_coder *coder, struct bc_record_bytes *bytes)
{
        if (coder->reader)
                bytes->bytes = bc_cbor_get_bytes(coder->reader, 1, BC_RECORD_BYTES_MAX, &bytes->n);
        else if (!bytes->bytes || bytes->n == 0)
                refuse(coder);
        else
                bc_cbor_put_bytes(coder->writer, bytes->bytes, bytes->n);
}

void bc_code_details(struct bc_coder *coder, struct bc_record_bytes *details)
{
        if (coder->reader) {
                const struct bc_cbor_reader *reader = coder->reader;
                size_t from = reader->at;
                bc_cbor_skip_details(coder->reader);
                if (!reader->fault)
                        *details = (struct bc_record_bytes){ .bytes = reader->bytes + from, .n = reader->at - from };
                return;
        }
        struct bc_cbor_reader own = bc_cbor_reader_on(details->bytes, details->bytes ? details->n : 0);
        bc_cbor_skip_details(&own);
        if (!bc_cbor_end(&own))
                refuse(coder);
        else
                bc_put_bytes(coder->writer, details->bytes, details->n);
}

void bc_code_array(struct bc_coder *coder, size_t *count, size_t min, size_t max)
{
        if (coder->reader) {
                *count = bc_cbor_enter_array(coder->reader, min, max);
                return;
        }
        if (*count < min || *count > max)
                refuse(coder);
        bc_cbor_put_array(coder->writer, *count);
}

void bc_code_tuple(struct bc_coder *coder, size_t n)
{
        bc_code_array(coder, &n, n, n);
}

void bc_code_array_end(struct bc_coder *coder)
{
        if (coder->reader)
                bc_cbor_leave_array(coder->reader);
}

bool bc_code_present(struct bc_coder *coder, bool *present)
{
        if (coder->reader)
                *present = !bc_cbor_get_null(coder->reader);
        else if (!*present)
                bc_cbor_put_null(coder->writer);
        return *present;
}

// ---- maps ----------------------------------------------------------------------------------------------------

static bool belongs(const struct bc_code_field *field, const struct bc_record *record)
{
        bool kind = field->kinds == 0 || (field->kinds & BC_CODE_KIND(record->kind)) != 0;
        return kind && (!field->first || record->index == 1);
}

static void write_map(struct bc_coder *coder, const struct bc_code_field *field, size_t fields, struct bc_record *record)
{
        size_t pairs = 0;

        for (size_t i = 0; i < fields; i++)
                pairs += belongs(&field[i], record) && (!field[i].stated || field[i].stated(record));
        bc_cbor_put_map(coder->writer, pairs);
        for (size_t i = 0; i < fields && !coder->refused; i++) {
                bool stated = !field[i].stated || field[i].stated(record);
                if (belongs(&field[i], record) && stated) {
                        bc_cbor_put_int(coder->writer, field[i].key);
                        field[i].code(coder, record);
                } else if (field[i].stated && stated) {
                        refuse(coder); // stated where there is no place for it
                }
        }
}

static bool is_known(int64_t key, const struct bc_code_field *field, size_t fields, const struct bc_record *record)
{
        for (size_t i = 0; i < fields; i++)
                if (field[i].key == key)
                        return belongs(&field[i], record);
        return false;
}

static void read_map(struct bc_coder *coder, const struct bc_code_field *field, size_t fields, struct bc_record *record)
{
        struct bc_cbor_reader *reader = coder->reader;
        int64_t key;

        bc_cbor_enter_map(reader);
        bool there = bc_cbor_get_key(reader, &key);
        for (size_t i = 0; i < fields && !reader->fault; i++) {
                bool belonging = belongs(&field[i], record);
                if (there && key == field[i].key && belonging) {
                        coder->field = field[i].name;
                        field[i].code(coder, record);
                        if (reader->fault)
                                return;
                        coder->field = NULL;
                        there = bc_cbor_get_key(reader, &key);
                } else if (there && !is_known(key, field, fields, record)) {
                        break;
                } else if (belonging && !field[i].stated) {
                        coder->field = field[i].name;
                        bc_cbor_fail(reader, "missing");
                }
        }
        if (there && !reader->fault)
                bc_cbor_fail(reader, "a key that is not known, or not of this kind");
}

void bc_code_map(struct bc_coder *coder, const struct bc_code_field *field, size_t fields, struct bc_record *record)
{
        if (coder->reader)
                read_map(coder, field, fields, record);
        else
                write_map(coder, field, fields, record);
}
