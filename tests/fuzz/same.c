// SPDX-License-Identifier: EUPL-1.2
#include "same.h"

#include <errno.h>
#include <string.h>

#include "format/record.h"
#include "target.h"

bool fuzz_record_same(const uint8_t *box, size_t n)
{
        static struct bc_record record;
        static struct bc_record_message message, again;
        static uint8_t second[BC_RECORD_BYTES_MAX];
        size_t at = SIZE_MAX, bytes = 0;
        char text[64] = "";

        int r = bc_record_parse(box, n, &record, &message, text, sizeof(text), &at);
        if (r < 0) {
                FUZZ_EXPECT(r == -EBADMSG && text[0] && at <= n);
                return false;
        }
        FUZZ_EXPECT(bc_record_compose(&record, &again) == 0);
        FUZZ_EXPECT(bc_record_seal(&record, &again, message.signature.bytes, message.signature.n, second, sizeof(second),
                                   &bytes) == 0);
        FUZZ_EXPECT(bytes == n && memcmp(second, box, n) == 0);
        return true;
}
