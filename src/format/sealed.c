// SPDX-License-Identifier: EUPL-1.2
#include "format/sealed.h"

#include <errno.h>
#include <string.h>

#include "format/bytes.h"

#define FINAL 0x80000000u

// Like PNG's: a byte that is no text, so that no program takes it for some, and a line end that a text transfer would change.
const uint8_t bc_sealed_magic[BC_SEALED_MAGIC_BYTES] = { 0x89, 'b', 'c', 's', 'e', 'a', 'l', '\n' };

static bool device_ok(const char *device, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (device[i] < 0x20 || device[i] > 0x7e)
                        return false;
        }
        return n >= 1 && n <= BC_SEALED_DEVICE_BYTES_MAX;
}

static bool numbers_ok(const struct bc_sealed_header *header)
{
        return header->boot >= 1 && header->recording >= 1 && header->segment >= 1 &&
               header->segment <= BC_SEALED_SEGMENT_MAX && header->envelope_bytes >= 1 &&
               header->envelope_bytes <= BC_SEALED_ENVELOPE_BYTES_MAX;
}

// Device, boot, recording and segment: so in the header, and so in what HKDF is told.
static void put_place(struct bc_writer *writer, const struct bc_sealed_header *header)
{
        size_t n = strnlen(header->device, sizeof(header->device));

        bc_put_u8(writer, (uint8_t)n);
        bc_put_bytes(writer, header->device, n);
        bc_put_bytes(writer, header->boot_id, sizeof(header->boot_id));
        bc_put_u64(writer, header->boot);
        bc_put_u64(writer, header->recording);
        bc_put_u32(writer, header->segment);
}

int bc_sealed_header_write(const struct bc_sealed_header *header, uint8_t *bytes, size_t room, size_t *ret_bytes)
{
        struct bc_writer writer = bc_writer_on(bytes, room);

        if (!device_ok(header->device, strnlen(header->device, sizeof(header->device))) || !numbers_ok(header))
                return -EINVAL;
        bc_put_bytes(&writer, bc_sealed_magic, sizeof(bc_sealed_magic));
        bc_put_u32(&writer, BC_SEALED_VERSION);
        put_place(&writer, header);
        bc_put_u32(&writer, (uint32_t)header->envelope_bytes);
        bc_put_bytes(&writer, header->envelope, header->envelope_bytes);
        if (writer.failed)
                return -ENOBUFS;
        *ret_bytes = writer.used;
        return 0;
}

// The beginning is told from foreign bytes even when it is cut off within the magic.
static int parse_magic(struct bc_reader *reader)
{
        size_t n = reader->left < sizeof(bc_sealed_magic) ? reader->left : sizeof(bc_sealed_magic);
        uint32_t version;

        if (n > 0 && memcmp(reader->bytes, bc_sealed_magic, n) != 0)
                return -EBADMSG;
        bc_get_bytes(reader, sizeof(bc_sealed_magic));
        version = bc_get_u32(reader);
        if (reader->failed)
                return -ENODATA;
        return version == BC_SEALED_VERSION ? 0 : -EPROTONOSUPPORT;
}

int bc_sealed_header_parse(const uint8_t *bytes, size_t n, struct bc_sealed_header *ret_header, size_t *ret_bytes)
{
        struct bc_reader reader = bc_reader_on(bytes, n);
        struct bc_sealed_header header = { 0 };
        const uint8_t *device, *boot_id;
        size_t device_bytes;
        int r;

        r = parse_magic(&reader);
        if (r < 0)
                return r;
        device_bytes = bc_get_u8(&reader);
        if (!reader.failed && (device_bytes < 1 || device_bytes > BC_SEALED_DEVICE_BYTES_MAX))
                return -EBADMSG;
        device = bc_get_bytes(&reader, device_bytes);
        boot_id = bc_get_bytes(&reader, sizeof(header.boot_id));
        header.boot = bc_get_u64(&reader);
        header.recording = bc_get_u64(&reader);
        header.segment = bc_get_u32(&reader);
        header.envelope_bytes = bc_get_u32(&reader);
        if (reader.failed)
                return -ENODATA;
        memcpy(header.device, device, device_bytes);
        memcpy(header.boot_id, boot_id, sizeof(header.boot_id));
        if (!device_ok(header.device, device_bytes) || !numbers_ok(&header))
                return -EBADMSG;
        header.envelope = bc_get_bytes(&reader, header.envelope_bytes);
        if (reader.failed)
                return -ENODATA;
        *ret_header = header;
        *ret_bytes = n - reader.left;
        return 0;
}

size_t bc_sealed_info(const struct bc_sealed_header *header, enum bc_sealed_purpose purpose,
                      uint8_t ret_info[BC_SEALED_INFO_BYTES_MAX])
{
        static const char *const purposes[] = {
                [BC_SEALED_FOR_CHUNKS] = "bodycam sealed 1 chunks",
                [BC_SEALED_FOR_COMMITMENT] = "bodycam sealed 1 commitment",
        };
        struct bc_writer writer = bc_writer_on(ret_info, BC_SEALED_INFO_BYTES_MAX);

        bc_put_bytes(&writer, purposes[purpose], strlen(purposes[purpose]) + 1); // with its 0
        put_place(&writer, header);
        return writer.used;
}

void bc_sealed_nonce(uint64_t counter, bool final, uint8_t ret_nonce[BC_SEALED_NONCE_BYTES])
{
        struct bc_writer writer = bc_writer_on(ret_nonce, BC_SEALED_NONCE_BYTES);

        bc_put_zeros(&writer, 3);
        bc_put_u64(&writer, counter);
        bc_put_u8(&writer, final);
}

void bc_sealed_head_write(size_t plain_bytes, bool final, uint8_t ret_head[BC_SEALED_HEAD_BYTES])
{
        struct bc_writer writer = bc_writer_on(ret_head, BC_SEALED_HEAD_BYTES);

        bc_put_u32(&writer, (uint32_t)plain_bytes | (final ? FINAL : 0));
}

int bc_sealed_head_parse(const uint8_t head[BC_SEALED_HEAD_BYTES], size_t *ret_plain_bytes, bool *ret_final)
{
        struct bc_reader reader = bc_reader_on(head, BC_SEALED_HEAD_BYTES);
        uint32_t value = bc_get_u32(&reader);
        bool final = value & FINAL;

        value &= ~FINAL;
        if (value > BC_SEALED_CHUNK_BYTES_MAX || (value == 0 && !final))
                return -EBADMSG;
        *ret_plain_bytes = value;
        *ret_final = final;
        return 0;
}

size_t bc_sealed_bytes(size_t plain_bytes, bool final)
{
        size_t chunks = plain_bytes / BC_SEALED_CHUNK_BYTES_MAX + (plain_bytes % BC_SEALED_CHUNK_BYTES_MAX != 0);

        if (final && chunks == 0)
                chunks = 1;
        return plain_bytes + chunks * (BC_SEALED_HEAD_BYTES + BC_SEALED_TAG_BYTES);
}
