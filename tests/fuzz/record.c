// SPDX-License-Identifier: EUPL-1.2
// A box as it lies in a segment; and with the header that belongs to its length, which hardly comes about by chance.
#include <string.h>

#include "format/record.h"
#include "same.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static uint8_t box[BC_RECORD_BYTES_MAX];

        if (fuzz_record_same(bytes, n) || n < BC_RECORD_HEADER_BYTES || n > sizeof(box))
                return 0;
        memcpy(box, bytes, n);
        FUZZ_EXPECT(bc_record_header(n - BC_RECORD_HEADER_BYTES, box) == 0);
        fuzz_record_same(box, n);
        return 0;
}
