// SPDX-License-Identifier: EUPL-1.2
#include "complete.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/finalise.h"
#include "format/scan.h"

static int read_file(void *user, uint64_t offset, void *bytes, size_t n)
{
        return bc_file_read_at(*(const int *)user, bytes, n, offset);
}

static int append_moov(int fd, const struct bc_scan *scan)
{
        BC_CLEANUP(bc_cleanup_memory) uint8_t *moov = NULL;
        size_t bytes = (size_t)scan->moov_bytes;
        uint8_t patch[BC_PATCH_BYTES];
        int r;

        if (scan->moov_bytes > BC_SEGMENT_BYTES_MAX - scan->boxes_end)
                return -EFBIG;
        moov = malloc(bytes);
        if (!moov)
                return -ENOMEM;
        r = bc_finalise_build(&scan->init, &scan->table, moov, bytes, &bytes);
        if (r == 0)
                r = bc_finalise_patch(&scan->layout, scan->boxes_end, patch);
        if (r == 0)
                r = bc_file_write_at(fd, moov, bytes, scan->boxes_end);
        if (r == 0)
                r = bc_file_write_at(fd, patch, sizeof(patch), scan->layout.moov_offset);
        return r;
}

static int complete(int fd, const struct bc_scan *scan, bool *ret_finalised)
{
        int r;

        if (bc_scan_finished(scan))
                return 0;
        // Head, fragments and records up to the last byte; the camera neither appends a moov nor patches in a sealed file.
        if (scan->stop != 0 || scan->moov != BC_MOOV_NONE || scan->layout.patched || scan->table.fragments == 0)
                return -EBADMSG;
        r = append_moov(fd, scan);
        if (r == 0)
                *ret_finalised = true;
        return r;
}

int bc_complete(int fd, uint64_t size, bool *ret_finalised)
{
        struct bc_scan_source source = { .read = read_file, .size = size, .user = &fd };
        BC_CLEANUP(bc_cleanup_memory) struct bc_scan *scan = malloc(sizeof(*scan)); // large
        int r;

        if (!scan)
                return -ENOMEM;
        r = bc_scan_file(&source, scan);
        if (r < 0)
                return r == -ENODATA ? -EBADMSG : r;
        r = complete(fd, scan, ret_finalised);
        bc_scan_done(scan);
        return r;
}
