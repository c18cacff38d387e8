// SPDX-License-Identifier: EUPL-1.2
// A file in the list of a final manifest (docs/formats/manifest.md, 9). Plain data; thread-bound.
#ifndef BC_EVIDENCE_LISTED_FILE_H
#define BC_EVIDENCE_LISTED_FILE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

#define BC_LISTED_NAME_BYTES_MAX 16 // "0001.mp4.sealed"

enum bc_listed_state {
        BC_LISTED_PROVEN,  // its hash is that of bytes that are what was signed, or written
        BC_LISTED_DIFFERS, // it is not what its records say, or cannot be read
        BC_LISTED_TAIL,    // no record covers it
        BC_LISTED_SEALED,  // sealed, and what was written of it is not known any more
        BC_LISTED_STATES,
};

struct bc_listed_file {
        char name[BC_LISTED_NAME_BYTES_MAX];
        uint64_t bytes;
        enum bc_listed_state state;
        uint8_t sha256[BC_HASH_BYTES]; // of the file as it lies there; nothing but with BC_LISTED_PROVEN
};

// NULL: out of memory.
json_t *bc_listed_files_to_json(const struct bc_listed_file *file, size_t files);

// *ret_file is the caller's to free(). 0; -EBADMSG; -ENOMEM.
int bc_listed_files_from_json(const json_t *list, struct bc_listed_file **ret_file, size_t *ret_files);

#endif
