// SPDX-License-Identifier: EUPL-1.2
// What lies in a recording's folder (manifest.md, 1): names, and whether they belong there. Opens no file. Thread-bound.
#ifndef BC_VERIFY_FOLDER_H
#define BC_VERIFY_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/finding.h"

#define BC_FOLDER_SEGMENTS_MAX 9999
#define BC_FOLDER_NAME_BYTES 16 // "0001-99.tail"

struct bc_folder_tail {
        uint32_t segment, nth; // nth: from 1
        char name[BC_FOLDER_NAME_BYTES];
};

struct bc_folder {
        uint32_t *segment; // numbers, ascending, each once
        struct bc_folder_tail *tail; // by segment, then in the order in which they were made
        size_t segments, segment_room, tails, tail_room;
        uint64_t sealed[(BC_FOLDER_SEGMENTS_MAX + 64) / 64], clear[(BC_FOLDER_SEGMENTS_MAX + 64) / 64],
                recovered[(BC_FOLDER_SEGMENTS_MAX + 64) / 64]; // bits by number: NNNN.mp4.sealed, NNNN.mp4, NNNN.recovered
        bool manifest, signature; // there is a manifest.json, a manifest.sig
};

// Finds what does not belong. 0 or negative errno; bc_folder_done() in any case.
int bc_folder_read(int folder_fd, struct bc_folder *ret_folder, struct bc_findings *findings);
void bc_folder_done(struct bc_folder *folder);

// "0001.mp4", or "0001.mp4.sealed" where it lies so in this folder.
void bc_folder_segment_name(const struct bc_folder *folder, uint32_t number, char ret_name[BC_FOLDER_NAME_BYTES]);

// Whether it has the form DEVICE-NNNNNN.
bool bc_folder_is_recording_name(const char *name);

#endif
