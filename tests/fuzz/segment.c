// SPDX-License-Identifier: EUPL-1.2
// A segment as it lies on a card: the scan ends, and what it says lies within the file.
#include <string.h>

#include "format/scan.h"
#include "target.h"

struct file {
        const uint8_t *bytes;
        size_t n;
        uint64_t records_end;
        uint32_t records;
};

static int on_read(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct file *file = user;
        FUZZ_EXPECT(offset <= file->n && n <= file->n - offset);
        memcpy(bytes, file->bytes + offset, n);
        return 0;
}

static int on_record(void *user, uint64_t offset, uint32_t bytes)
{
        struct file *file = user;
        FUZZ_EXPECT(offset >= file->records_end && offset <= file->n && bytes <= file->n - offset);
        file->records_end = offset + bytes;
        file->records++;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        struct file file = { .bytes = bytes, .n = n };
        struct bc_scan_source source = { .read = on_read, .size = n, .on_record = on_record, .user = &file };
        struct bc_scan scan;

        if (bc_scan_file(&source, &scan) < 0)
                return 0;
        FUZZ_EXPECT(scan.fragments_end <= scan.boxes_end && scan.boxes_end <= n && scan.rest_offset <= n);
        FUZZ_EXPECT(scan.records == file.records && file.records_end <= scan.boxes_end);
        FUZZ_EXPECT(!bc_scan_finished(&scan) || (scan.moov == BC_MOOV_WHOLE && scan.rest_offset == n));
        bc_scan_done(&scan);
        return 0;
}
