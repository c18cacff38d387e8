// SPDX-License-Identifier: EUPL-1.2
// The front of a sealed file: its header, which is written again to the same bytes, and the envelope in it; or an envelope alone.
#include <string.h>

#include "format/envelope.h"
#include "format/sealed.h"
#include "target.h"

static void check_envelope(const uint8_t *bytes, size_t n)
{
        struct bc_envelope envelope;

        if (bc_envelope_parse(bytes, n, &envelope) < 0)
                return;
        FUZZ_EXPECT(envelope.recipients >= 1 && envelope.recipients <= BC_ENVELOPE_RECIPIENTS_MAX);
        for (size_t i = 0; i < envelope.recipients; i++) {
                const struct bc_envelope_recipient *recipient = &envelope.recipient[i];
                FUZZ_EXPECT(recipient->id >= bytes && recipient->id_bytes > 0 &&
                            recipient->id_bytes <= n - (size_t)(recipient->id - bytes));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static uint8_t again[BC_SEALED_HEADER_BYTES_MAX];
        struct bc_sealed_header header;
        size_t header_bytes, again_bytes, plain_bytes;
        bool final;

        if (bc_sealed_header_parse(bytes, n, &header, &header_bytes) < 0) {
                check_envelope(bytes, n);
                return 0;
        }
        FUZZ_EXPECT(header_bytes <= n);
        FUZZ_EXPECT(bc_sealed_header_write(&header, again, sizeof(again), &again_bytes) == 0);
        FUZZ_EXPECT(again_bytes == header_bytes && memcmp(again, bytes, again_bytes) == 0);
        check_envelope(header.envelope, header.envelope_bytes);
        if (n - header_bytes >= BC_SEALED_HEAD_BYTES && bc_sealed_head_parse(bytes + header_bytes, &plain_bytes, &final) == 0)
                FUZZ_EXPECT(plain_bytes <= BC_SEALED_CHUNK_BYTES_MAX && (final || plain_bytes > 0));
        return 0;
}
