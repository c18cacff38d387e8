// SPDX-License-Identifier: EUPL-1.2
#include "format/cbor.h"

#include <assert.h>

#include <cbor.h>

#include "format/text.h"

// libcbor's lengths are size_t up to 0.8 and uint64_t from 0.10 on.
static_assert(sizeof(size_t) == sizeof(uint64_t), "lengths of 64 bits");

#define HEAD_BYTES_MAX 9 // RFC 8949, 3: initial byte and argument

// ---- writing -------------------------------------------------------------------------------------------------

static void put_head(struct bc_writer *writer, const uint8_t head[HEAD_BYTES_MAX], size_t n)
{
        if (n == 0)
                writer->failed = true;
        bc_put_bytes(writer, head, n);
}

void bc_cbor_put_int(struct bc_writer *writer, int64_t value)
{
        uint8_t head[HEAD_BYTES_MAX];
        if (value < 0)
                put_head(writer, head, cbor_encode_negint((uint64_t)(-1 - value), head, sizeof(head)));
        else
                put_head(writer, head, cbor_encode_uint((uint64_t)value, head, sizeof(head)));
}

void bc_cbor_put_bytes(struct bc_writer *writer, const void *bytes, size_t n)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_bytestring_start(n, head, sizeof(head)));
        bc_put_bytes(writer, bytes, n);
}

void bc_cbor_put_text(struct bc_writer *writer, const char *text, size_t n)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_string_start(n, head, sizeof(head)));
        bc_put_bytes(writer, text, n);
}

void bc_cbor_put_bool(struct bc_writer *writer, bool value)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_bool(value, head, sizeof(head)));
}

void bc_cbor_put_null(struct bc_writer *writer)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_null(head, sizeof(head)));
}

void bc_cbor_put_array(struct bc_writer *writer, size_t items)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_array_start(items, head, sizeof(head)));
}

void bc_cbor_put_map(struct bc_writer *writer, size_t pairs)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_map_start(pairs, head, sizeof(head)));
}

void bc_cbor_put_tag(struct bc_writer *writer, uint64_t tag)
{
        uint8_t head[HEAD_BYTES_MAX];
        put_head(writer, head, cbor_encode_tag(tag, head, sizeof(head)));
}

// ---- one item, as libcbor tells it ---------------------------------------------------------------------------

struct heard {
        enum bc_cbor_type type;
        bool negative;
        uint64_t argument; // of the head
        const uint8_t *bytes;
};

static void hear(void *user, enum bc_cbor_type type, uint64_t argument)
{
        struct heard *heard = user;
        heard->type = type;
        heard->argument = argument;
}

static void on_uint8(void *user, uint8_t value)
{
        hear(user, BC_CBOR_INT, value);
}

static void on_uint16(void *user, uint16_t value)
{
        hear(user, BC_CBOR_INT, value);
}

static void on_uint32(void *user, uint32_t value)
{
        hear(user, BC_CBOR_INT, value);
}

static void on_uint64(void *user, uint64_t value)
{
        hear(user, BC_CBOR_INT, value);
}

static void on_negint64(void *user, uint64_t value) // -1 less the value
{
        struct heard *heard = user;
        hear(user, BC_CBOR_INT, value);
        heard->negative = true;
}

static void on_negint8(void *user, uint8_t value)
{
        on_negint64(user, value);
}

static void on_negint16(void *user, uint16_t value)
{
        on_negint64(user, value);
}

static void on_negint32(void *user, uint32_t value)
{
        on_negint64(user, value);
}

static void on_bytes(void *user, cbor_data bytes, size_t n)
{
        struct heard *heard = user;
        hear(user, BC_CBOR_BYTES, n);
        heard->bytes = bytes;
}

static void on_text(void *user, cbor_data bytes, size_t n)
{
        on_bytes(user, bytes, n);
        hear(user, BC_CBOR_TEXT, n);
}

static void on_array(void *user, size_t items)
{
        hear(user, BC_CBOR_ARRAY, items);
}

static void on_map(void *user, size_t pairs)
{
        hear(user, BC_CBOR_MAP, pairs);
}

static void on_bool(void *user, bool value)
{
        hear(user, BC_CBOR_BOOL, value);
}

static void on_null(void *user)
{
        hear(user, BC_CBOR_NULL, 0);
}

// What is told to libcbor's own callbacks, which do nothing, is refused: indefinite lengths, floats, tags, undefined.
static const struct cbor_callbacks callbacks = {
        .uint8 = on_uint8,
        .uint16 = on_uint16,
        .uint32 = on_uint32,
        .uint64 = on_uint64,
        .negint64 = on_negint64,
        .negint32 = on_negint32,
        .negint16 = on_negint16,
        .negint8 = on_negint8,
        .byte_string_start = cbor_null_byte_string_start_callback,
        .byte_string = on_bytes,
        .string = on_text,
        .string_start = cbor_null_string_start_callback,
        .indef_array_start = cbor_null_indef_array_start_callback,
        .array_start = on_array,
        .indef_map_start = cbor_null_indef_map_start_callback,
        .map_start = on_map,
        .tag = cbor_null_tag_callback,
        .float2 = cbor_null_float2_callback,
        .float4 = cbor_null_float4_callback,
        .float8 = cbor_null_float8_callback,
        .undefined = cbor_null_undefined_callback,
        .null = on_null,
        .boolean = on_bool,
        .indef_break = cbor_null_indef_break_callback,
};

// RFC 8949, 4.2.1: the argument's shortest form
static size_t head_bytes(const struct heard *heard)
{
        uint64_t argument = heard->argument;
        if (heard->type == BC_CBOR_BOOL || heard->type == BC_CBOR_NULL || argument < 24)
                return 1;
        return argument <= UINT8_MAX ? 2 : argument <= UINT16_MAX ? 3 : argument <= UINT32_MAX ? 5 : 9;
}

// The next item, of any type. NULL, or what is wrong with it.
static const char *look(const struct bc_cbor_reader *reader, struct bc_cbor_item *ret_item, size_t *ret_bytes)
{
        struct heard heard = { .type = BC_CBOR_NONE };
        size_t left = reader->n - reader->at;
        struct cbor_decoder_result result = { .status = CBOR_DECODER_NEDATA };

        if (left > 0)
                result = cbor_stream_decode(reader->bytes + reader->at, left, &callbacks, &heard);
        if (result.status == CBOR_DECODER_NEDATA)
                return "ends too early";
        if (result.status != CBOR_DECODER_FINISHED || heard.type == BC_CBOR_NONE)
                return "a type that is not allowed";
        bool string = heard.type == BC_CBOR_BYTES || heard.type == BC_CBOR_TEXT;
        size_t bytes = head_bytes(&heard) + (string ? heard.argument : 0);
        if (result.read != bytes)
                return "not in its shortest form";
        if (heard.type == BC_CBOR_INT && heard.argument > (uint64_t)INT64_MAX - (heard.negative ? 1 : 0))
                return "a number of 2^63 or beyond";
        // So no count is believed that the bytes at hand cannot hold.
        if ((heard.type == BC_CBOR_ARRAY && heard.argument > left - bytes) ||
            (heard.type == BC_CBOR_MAP && heard.argument > (left - bytes) / 2))
                return "more items than there are bytes";
        *ret_item = (struct bc_cbor_item){
                .type = heard.type,
                .number = heard.type != BC_CBOR_INT && heard.type != BC_CBOR_BOOL ? 0 :
                          heard.negative                                         ? -1 - (int64_t)heard.argument :
                                                                                   (int64_t)heard.argument,
                .bytes = heard.bytes,
                .n = string || heard.type == BC_CBOR_ARRAY || heard.type == BC_CBOR_MAP ? heard.argument : 0,
        };
        if (heard.type == BC_CBOR_TEXT && !bc_text_is_plain((const char *)heard.bytes, ret_item->n))
                return "not UTF-8, or a control character in it";
        *ret_bytes = bytes;
        return NULL;
}

// ---- reading -------------------------------------------------------------------------------------------------

struct bc_cbor_reader bc_cbor_reader_on(const void *bytes, size_t n)
{
        return (struct bc_cbor_reader){ .bytes = bytes, .n = n };
}

static void fail_at(struct bc_cbor_reader *reader, size_t at, const char *fault)
{
        if (reader->fault)
                return;
        reader->fault = fault;
        reader->fault_at = at;
}

void bc_cbor_fail(struct bc_cbor_reader *reader, const char *fault)
{
        fail_at(reader, reader->last_at, fault);
}

// Takes the next item, which must be of this type (NONE: any that holds no others). as_key: the place is one of a key in a map.
static struct bc_cbor_item take(struct bc_cbor_reader *reader, enum bc_cbor_type type, bool as_key)
{
        const struct bc_cbor_item none = { .type = BC_CBOR_NONE };
        struct bc_cbor_level *level = reader->depth > 0 ? &reader->level[reader->depth - 1] : NULL;
        struct bc_cbor_item item = none;
        size_t bytes;

        if (reader->fault)
                return none;
        reader->last_at = reader->at;
        if (level ? level->left == 0 : reader->whole) {
                bc_cbor_fail(reader, "fewer items than the format has here");
                return none;
        }
        bool key_place = level && level->map && level->left % 2 == 0;
        const char *fault = look(reader, &item, &bytes);
        if (fault || key_place != as_key) {
                bc_cbor_fail(reader, fault ? fault : "a key in the place of a value");
                return none;
        }
        bool plain = item.type != BC_CBOR_ARRAY && item.type != BC_CBOR_MAP;
        if (type == BC_CBOR_NONE ? !plain : item.type != type) {
                bc_cbor_fail(reader, "another type than the format has here");
                return none;
        }
        reader->at += bytes;
        if (level)
                level->left--;
        else
                reader->whole = true;
        return item;
}

int64_t bc_cbor_get_int(struct bc_cbor_reader *reader, int64_t min, int64_t max)
{
        struct bc_cbor_item item = take(reader, BC_CBOR_INT, false);
        if (reader->fault)
                return 0;
        if (item.number < min || item.number > max) {
                bc_cbor_fail(reader, "a number out of its range");
                return 0;
        }
        return item.number;
}

bool bc_cbor_get_bool(struct bc_cbor_reader *reader)
{
        return take(reader, BC_CBOR_BOOL, false).number != 0;
}

static const uint8_t *get_string(struct bc_cbor_reader *reader, enum bc_cbor_type type, size_t min, size_t max, size_t *ret_n)
{
        struct bc_cbor_item item = take(reader, type, false);
        if (!reader->fault && (item.n < min || item.n > max))
                bc_cbor_fail(reader, "a string of a length that is not allowed");
        *ret_n = reader->fault ? 0 : item.n;
        return reader->fault ? NULL : item.bytes;
}

const uint8_t *bc_cbor_get_bytes(struct bc_cbor_reader *reader, size_t min, size_t max, size_t *ret_n)
{
        return get_string(reader, BC_CBOR_BYTES, min, max, ret_n);
}

const char *bc_cbor_get_text(struct bc_cbor_reader *reader, size_t min, size_t max, size_t *ret_n)
{
        return (const char *)get_string(reader, BC_CBOR_TEXT, min, max, ret_n);
}

// By hand: libcbor takes the short form of tags that it knows no meaning of, 18 among them, for an error.
void bc_cbor_get_tag(struct bc_cbor_reader *reader, uint8_t tag)
{
        if (reader->fault)
                return;
        reader->last_at = reader->at;
        if (reader->at > 0 || reader->n == 0 || tag > 23 || reader->bytes[0] != (0xc0 | tag))
                bc_cbor_fail(reader, reader->n == 0 ? "ends too early" : "another tag, or none");
        else
                reader->at++;
}

bool bc_cbor_get_null(struct bc_cbor_reader *reader)
{
        struct bc_cbor_item item;
        size_t bytes;

        if (reader->fault || look(reader, &item, &bytes) || item.type != BC_CBOR_NULL)
                return false; // what is wrong there is found again by the next get
        take(reader, BC_CBOR_NULL, false);
        return !reader->fault;
}

struct bc_cbor_item bc_cbor_get_plain(struct bc_cbor_reader *reader)
{
        return take(reader, BC_CBOR_NONE, false);
}

static void enter(struct bc_cbor_reader *reader, bool map, size_t items)
{
        if (reader->fault)
                return;
        if (reader->depth == BC_CBOR_DEPTH_MAX) {
                bc_cbor_fail(reader, "nested too deep");
                return;
        }
        reader->level[reader->depth++] = (struct bc_cbor_level){ .left = items, .map = map };
}

size_t bc_cbor_enter_array(struct bc_cbor_reader *reader, size_t min, size_t max)
{
        struct bc_cbor_item item = take(reader, BC_CBOR_ARRAY, false);
        if (!reader->fault && (item.n < min || item.n > max))
                bc_cbor_fail(reader, "an array of a length that is not allowed");
        enter(reader, false, item.n);
        return reader->fault ? 0 : item.n;
}

void bc_cbor_leave_array(struct bc_cbor_reader *reader)
{
        if (reader->fault)
                return;
        if (reader->depth == 0 || reader->level[reader->depth - 1].map || reader->level[reader->depth - 1].left > 0) {
                fail_at(reader, reader->at, "more items than the format has here");
                return;
        }
        reader->depth--;
}

void bc_cbor_enter_map(struct bc_cbor_reader *reader)
{
        struct bc_cbor_item item = take(reader, BC_CBOR_MAP, false);
        enter(reader, true, 2 * item.n);
}

// RFC 8949, 4.2.1: keys ascend by their encoding, which of integers is: from 0 upwards, then from -1 downwards.
bool bc_cbor_get_key(struct bc_cbor_reader *reader, int64_t *ret_key)
{
        if (reader->fault)
                return false;
        if (reader->depth == 0 || !reader->level[reader->depth - 1].map) {
                bc_cbor_fail(reader, "not in a map");
                return false;
        }
        struct bc_cbor_level *level = &reader->level[reader->depth - 1];
        if (level->left == 0) {
                reader->depth--;
                return false;
        }
        struct bc_cbor_item item = take(reader, BC_CBOR_INT, true);
        if (reader->fault)
                return false;
        bool negative = item.number < 0;
        uint64_t magnitude = negative ? (uint64_t)(-1 - item.number) : (uint64_t)item.number;
        if (level->keyed && (negative < level->negative || (negative == level->negative && magnitude <= level->magnitude))) {
                bc_cbor_fail(reader, "a key twice, or out of order");
                return false;
        }
        level->keyed = true;
        level->negative = negative;
        level->magnitude = magnitude;
        *ret_key = item.number;
        return true;
}

void bc_cbor_skip_details(struct bc_cbor_reader *reader)
{
        int64_t key;

        bc_cbor_enter_map(reader);
        while (bc_cbor_get_key(reader, &key)) {
                if (key < 0)
                        bc_cbor_fail(reader, "a negative key");
                bc_cbor_get_plain(reader);
        }
}

bool bc_cbor_end(struct bc_cbor_reader *reader)
{
        if (reader->fault)
                return false;
        if (!reader->whole || reader->depth > 0)
                fail_at(reader, reader->at, "ends too early");
        else if (reader->at < reader->n)
                fail_at(reader, reader->at, "something lies behind");
        return !reader->fault;
}
