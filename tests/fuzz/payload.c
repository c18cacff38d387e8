// SPDX-License-Identifier: EUPL-1.2
// The payload of a record, in a message that is right besides: the first byte says of which kind, and whether with a chain.
#include "format/cbor.h"
#include "format/record.h"
#include "same.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static const uint8_t kinds[] = { BC_RECORD_FRAGMENT, BC_RECORD_CONTINUES, BC_RECORD_CLOSE, BC_RECORD_RECOVERED,
                                         BC_RECORD_LEDGER };
        static const uint8_t hash[BC_HASH_BYTES], signature[64] = { [31] = 1, [63] = 1 };
        static uint8_t header[128], box[BC_RECORD_BYTES_MAX];
        struct bc_writer h = bc_writer_on(header, sizeof(header)), w = bc_writer_on(box, sizeof(box));

        if (n < 1)
                return 0;
        bool chain = bytes[0] >= 128;
        bc_cbor_put_map(&h, chain ? 5 : 4);
        bc_cbor_put_int(&h, 1);
        bc_cbor_put_int(&h, BC_RECORD_ES256);
        if (chain) {
                bc_cbor_put_int(&h, 33);
                bc_cbor_put_array(&h, 1);
                bc_cbor_put_bytes(&h, "\x30", 1);
        }
        bc_cbor_put_int(&h, 34);
        bc_cbor_put_array(&h, 2);
        bc_cbor_put_int(&h, -16);
        bc_cbor_put_bytes(&h, hash, sizeof(hash));
        bc_cbor_put_int(&h, -70001);
        bc_cbor_put_int(&h, 1);
        bc_cbor_put_int(&h, -70002);
        bc_cbor_put_int(&h, kinds[bytes[0] % sizeof(kinds)]);

        bc_put_zeros(&w, BC_RECORD_HEADER_BYTES);
        bc_cbor_put_tag(&w, 18);
        bc_cbor_put_array(&w, 4);
        bc_cbor_put_bytes(&w, header, h.used);
        bc_cbor_put_map(&w, 0);
        bc_cbor_put_bytes(&w, bytes + 1, n - 1);
        bc_cbor_put_bytes(&w, signature, sizeof(signature));
        if (h.failed || w.failed)
                return 0;
        FUZZ_EXPECT(bc_record_header(w.used - BC_RECORD_HEADER_BYTES, box) == 0);
        fuzz_record_same(box, w.used);
        return 0;
}
