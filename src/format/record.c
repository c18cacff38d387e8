// SPDX-License-Identifier: EUPL-1.2
#include "format/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/cose.h"
#include "format/payload.h"

const uint8_t bc_record_id[BC_BOX_ID_BYTES] = { 0x98, 0xf7, 0x41, 0xdf, 0xfb, 0xdc, 0x4e, 0xdd,
                                                0xa2, 0xaf, 0xe5, 0x6b, 0x02, 0x95, 0x81, 0xfa };
const uint8_t bc_label_id[BC_BOX_ID_BYTES] = { 0xc7, 0x84, 0x91, 0x40, 0x73, 0x6a, 0x40, 0x33,
                                               0xb9, 0x92, 0x8e, 0xb9, 0x8d, 0xcd, 0x01, 0xb8 };

// 14496-12, 4.2 (user extension)
int bc_record_header(size_t payload_bytes, uint8_t ret_header[BC_RECORD_HEADER_BYTES])
{
        if (payload_bytes > BC_RECORD_BYTES_MAX - BC_RECORD_HEADER_BYTES)
                return -EMSGSIZE;
        struct bc_writer writer = bc_writer_on(ret_header, BC_RECORD_HEADER_BYTES);
        bc_put_u32(&writer, (uint32_t)(BC_RECORD_HEADER_BYTES + payload_bytes));
        bc_put_u32(&writer, BC_BOX_TYPE('u', 'u', 'i', 'd'));
        bc_put_bytes(&writer, bc_record_id, BC_BOX_ID_BYTES);
        return 0;
}

// ---- writing -------------------------------------------------------------------------------------------------

// record.md, 3: the chain is in the first record of a segment and in no other but one that lies alone; in a ledger it is where a file
// begins.
static bool chain_in_place(const struct bc_record *record)
{
        return record->kind == BC_RECORD_LEDGER ||
               (record->chain_count > 0) == (record->index == 1 || record->kind == BC_RECORD_SEALED);
}

static void put_message(struct bc_writer *writer, const struct bc_record_message *message, const uint8_t *signature,
                        size_t signature_bytes)
{
        bc_cbor_put_tag(writer, BC_COSE_SIGN1_TAG);
        bc_cbor_put_array(writer, 4);
        bc_cbor_put_bytes(writer, message->protected_header.bytes, message->protected_header.n);
        bc_cbor_put_map(writer, 0);
        bc_cbor_put_bytes(writer, message->payload.bytes, message->payload.n);
        bc_cbor_put_bytes(writer, signature, signature_bytes);
}

size_t bc_record_box_bytes(const struct bc_record *record, const struct bc_record_message *message)
{
        struct bc_writer writer = bc_writer_measuring();
        put_message(&writer, message, NULL, bc_cose_signature_bytes(record->algorithm));
        return BC_RECORD_HEADER_BYTES + writer.used;
}

int bc_record_compose(const struct bc_record *record, struct bc_record_message *ret_message)
{
        struct bc_writer writer = bc_writer_on(ret_message->bytes, sizeof(ret_message->bytes));
        struct bc_coder coder = { .writer = &writer };
        struct bc_record *same = (struct bc_record *)record; // a coder that writes stores nothing into it

        if (!bc_payload_kind_is_known(record->kind) || !chain_in_place(record))
                return -EINVAL;
        bc_code_protected(&coder, same);
        size_t protected_bytes = writer.used;
        bc_code_payload(&coder, same);
        if (coder.refused)
                return -EINVAL;
        if (writer.failed)
                return -EMSGSIZE;
        ret_message->protected_header = (struct bc_record_bytes){ ret_message->bytes, protected_bytes };
        ret_message->payload = (struct bc_record_bytes){ ret_message->bytes + protected_bytes, writer.used - protected_bytes };
        ret_message->signature = (struct bc_record_bytes){ NULL, 0 };
        return bc_record_box_bytes(record, ret_message) <= BC_RECORD_BYTES_MAX ? 0 : -EMSGSIZE;
}

int bc_record_to_be_signed(const struct bc_record_message *message, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        struct bc_writer writer = bc_writer_on(bytes, room);
        bc_cose_put_sig_structure(&writer, message->protected_header, message->payload);
        if (writer.failed)
                return -ENOBUFS;
        *ret_bytes = writer.used;
        return 0;
}

int bc_record_seal(const struct bc_record *record, const struct bc_record_message *message, const uint8_t *signature,
                   size_t signature_bytes, uint8_t *box, size_t room, size_t *ret_bytes)
{
        uint8_t header[BC_RECORD_HEADER_BYTES];
        struct bc_writer writer = bc_writer_on(box, room);

        if (!bc_cose_signature_is_lawful(record->algorithm, signature, signature_bytes) ||
            bc_record_header(bc_record_box_bytes(record, message) - BC_RECORD_HEADER_BYTES, header) < 0)
                return -EINVAL;
        bc_put_bytes(&writer, header, sizeof(header));
        put_message(&writer, message, signature, signature_bytes);
        if (writer.failed)
                return -ENOBUFS;
        *ret_bytes = writer.used;
        return 0;
}

// ---- reading -------------------------------------------------------------------------------------------------

struct finding {
        const char *part, *fault; // NULL: nothing is wrong
        size_t at;                // in the box
};

static struct finding read_header(const uint8_t *box, size_t bytes)
{
        uint8_t header[BC_RECORD_HEADER_BYTES];

        if (bytes < sizeof(header))
                return (struct finding){ "box", "ends too early", bytes };
        if (bc_record_header(bytes - sizeof(header), header) < 0)
                return (struct finding){ "box", "larger than a record may be", 0 };
        for (size_t i = 0; i < sizeof(header); i++)
                if (box[i] != header[i])
                        return (struct finding){ "box", "not the header of a record of this size", i };
        return (struct finding){ NULL, NULL, 0 };
}

static struct finding read_message(const uint8_t *box, size_t bytes, struct bc_record_message *message)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(box + BC_RECORD_HEADER_BYTES, bytes - BC_RECORD_HEADER_BYTES);
        struct bc_record_bytes *const part[] = { &message->protected_header, &message->payload, &message->signature };
        int64_t key;

        bc_cbor_get_tag(&reader, BC_COSE_SIGN1_TAG);
        bc_cbor_enter_array(&reader, 4, 4);
        for (size_t i = 0; i < 3; i++) {
                part[i]->bytes = bc_cbor_get_bytes(&reader, 1, BC_RECORD_BYTES_MAX, &part[i]->n);
                if (i > 0)
                        continue;
                bc_cbor_enter_map(&reader);
                if (bc_cbor_get_key(&reader, &key))
                        bc_cbor_fail(&reader, "the unprotected header is not empty");
        }
        bc_cbor_leave_array(&reader);
        if (!bc_cbor_end(&reader))
                return (struct finding){ "message", reader.fault, BC_RECORD_HEADER_BYTES + reader.fault_at };
        return (struct finding){ NULL, NULL, 0 };
}

static struct finding read_map(const uint8_t *box, struct bc_record_bytes in, const char *name,
                               void (*code)(struct bc_coder *coder, struct bc_record *record), struct bc_record *record)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(in.bytes, in.n);
        struct bc_coder coder = { .reader = &reader };

        code(&coder, record);
        if (!bc_cbor_end(&reader))
                return (struct finding){ coder.field ? coder.field : name, reader.fault,
                                         (size_t)(in.bytes - box) + reader.fault_at };
        return (struct finding){ NULL, NULL, 0 };
}

static struct finding read_record(const uint8_t *box, size_t bytes, struct bc_record *record, struct bc_record_message *message)
{
        struct finding finding = read_header(box, bytes);
        if (!finding.fault)
                finding = read_message(box, bytes, message);
        if (!finding.fault)
                finding = read_map(box, message->protected_header, "protected header", bc_code_protected, record);
        if (!finding.fault)
                finding = read_map(box, message->payload, "payload", bc_code_payload, record);
        if (finding.fault)
                return finding;
        if (!chain_in_place(record))
                return (struct finding){ "x5chain",
                                         record->chain_count > 0 ? "not in a first record" : "missing in a first record",
                                         (size_t)(message->protected_header.bytes - box) };
        if (!bc_cose_signature_is_lawful(record->algorithm, message->signature.bytes, message->signature.n))
                return (struct finding){ "signature", "not of its one form: length, range, or s above half the order",
                                         (size_t)(message->signature.bytes - box) };
        return finding;
}

int bc_record_parse(const uint8_t *box, size_t bytes, struct bc_record *ret_record, struct bc_record_message *ret_message,
                    char *text, size_t text_bytes, size_t *ret_at)
{
        memset(ret_record, 0, sizeof(*ret_record));
        struct finding finding = read_record(box, bytes, ret_record, ret_message);
        if (!finding.fault)
                return 0;
        if (text)
                snprintf(text, text_bytes, "%s: %s", finding.part, finding.fault);
        if (ret_at)
                *ret_at = finding.at;
        return -EBADMSG;
}
