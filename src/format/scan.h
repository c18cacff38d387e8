// SPDX-License-Identifier: EUPL-1.2
// A walk through a whole segment as it lies on the disk: what recovery, the verifier and tests know of a file.
// Opens nothing; reads through a callback. Memory: about 120 KB, the sample table, and the moov while comparing.
#ifndef BC_FORMAT_SCAN_H
#define BC_FORMAT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/init.h"
#include "format/samples.h"

enum bc_moov_state {
        BC_MOOV_NONE,   // the boxes end without one
        BC_MOOV_CUT,    // it begins as it must, and the file ends within it
        BC_MOOV_WHOLE,  // whole and, byte for byte, the one that belongs to these fragments
        BC_MOOV_FOREIGN // a moov, or the beginning of one, that does not belong to these fragments
};

struct bc_scan_source {
        // Reads exactly n bytes at offset, all of them below size. 0 or negative errno.
        int (*read)(void *user, uint64_t offset, void *bytes, size_t n);
        uint64_t size;
        // Told of each whole signature record, in the order of the file. May be NULL. Not 0 ends the scan with it.
        int (*on_record)(void *user, uint64_t offset, uint32_t bytes);
        // Told of each whole fragment, lent for the call. May be NULL.
        int (*on_fragment)(void *user, uint64_t offset, const struct bc_fragment *fragment);
        void *user;
};

struct bc_scan {
        uint64_t file_bytes;
        struct bc_init init;
        struct bc_init_layout layout;
        struct bc_sample_table table;
        uint32_t records;
        uint64_t fragments_end; // end of the last whole fragment (of the head when there is none)
        uint64_t boxes_end;     // the same with the whole records behind it
        enum bc_moov_state moov;
        uint64_t moov_offset;   // valid unless BC_MOOV_NONE
        uint64_t moov_bytes;    // of the moov these fragments call for, whether it is there or not
        uint64_t rest_offset;   // first byte that is none of head, whole fragments, whole records, the moov that
                                // belongs here or its beginning; the file's size when there is no such byte
        int stop;               // why the walk ended at boxes_end without a moov: 0 end of file, -ENODATA a box is
                                // cut off, -EBADMSG what follows is not of this format, -EFBIG a limit
};

// 0 when the file has a whole head; then *ret_scan says the rest, and bc_scan_done() must be called. -ENODATA: the
// file ends within the head; -EBADMSG: it is not such a segment; -ENOMEM; or what a callback returned.
int bc_scan_file(const struct bc_scan_source *source, struct bc_scan *ret_scan);

void bc_scan_done(struct bc_scan *scan);

// True for a finished segment: whole moov, patched header that leads to it, and no byte besides.
bool bc_scan_finished(const struct bc_scan *scan);

#endif
