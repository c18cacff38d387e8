// SPDX-License-Identifier: EUPL-1.2
// Which files a recording consists of, for its final manifest (docs/formats/manifest.md, 9).
//
// The hash of a segment as it is stored cannot be that of what was written, for a segment is patched in place when it
// ends. So each file is read once, and two hashes are made of the same bytes: of them as they are, and, with the
// patch undone, of each range that a record of this device covers. Only where all of these are what was signed, to
// the last byte of the file, is the former vouched for: whatever a card gives back, nothing is signed that was not
// signed before. Of a sealed file the hash of what was written is known.
//
// Keeps no file in memory, nor in the page cache. Thread-bound; may take as long as the card does.
#ifndef BC_EVIDENCE_STOCKTAKING_H
#define BC_EVIDENCE_STOCKTAKING_H

#include <stdbool.h>

#include "evidence/manifest.h"
#include "format/record.h"

struct bc_stocktaking {
        struct bc_record_bytes public_key;  // SubjectPublicKeyInfo: whose records count
        bool (*is_stopped)(void *user);     // asked at least once a megabyte
        void *user;
};

// Lists the files of a recording that is closed or recovered, of which every segment is: manifest->file. differing:
// how many are not what was signed. 0; -ECANCELED: stopped; -ENOMEM; or the folder cannot be read. Then the list is
// as it was.
int bc_stocktaking_run(const struct bc_stocktaking *stocktaking, int folder_fd, struct bc_manifest *manifest,
                       size_t *ret_differing);

#endif
