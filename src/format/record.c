// SPDX-License-Identifier: EUPL-1.2
#include "format/record.h"

#include <errno.h>

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
