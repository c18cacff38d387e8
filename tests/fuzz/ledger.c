// SPDX-License-Identifier: EUPL-1.2
// A file that lies in a ledger's folder: the verifier judges it, never as authentic where nobody is trusted; the device looks for
// its own newest record, and goes on from nothing that it did not sign.
#include <string.h>
#include <unistd.h>

#include "evidence/ledger_file.h"
#include "place.h"
#include "target.h"
#include "verify/ledger.h"

#define NAME "000001-000001-000000000001.ledger"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        // A key of nobody's: P-256, a point on the curve (its generator).
        static const uint8_t key[] = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"
                                     "\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96"
                                     "\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";
        static struct bc_trust *nobody;
        struct bc_ledger_search search = { .owner = { .device = "BC-0042", .public_key = { key, sizeof(key) - 1 } } };
        struct bc_ledger_verdict verdict;
        int folder_fd;

        if (!nobody)
                FUZZ_EXPECT(bc_trust_new(&nobody) == 0);
        struct bc_judge judge = { .trust = nobody, .allow_test = true, .now_utc_ns = INT64_C(1795655534000000000) };
        int store_fd = fuzz_place_write_in("ledger", NAME, bytes, n, &folder_fd);
        bc_ledger_judge(&judge, store_fd, &verdict);
        FUZZ_EXPECT(verdict.findings.verdict != BC_VERDICT_AUTHENTIC || verdict.links == 0);
        FUZZ_EXPECT(!verdict.whole || verdict.links > 0);
        bc_ledger_verdict_done(&verdict);
        FUZZ_EXPECT(bc_ledger_find_head(folder_fd, &search) == 0);
        FUZZ_EXPECT(search.head.epoch == 0 && !search.has);
        unlinkat(folder_fd, NAME ".foreign1", 0);
        return 0;
}
