// SPDX-License-Identifier: EUPL-1.2
// The files of a recording's folder in memory: real recordings, to be damaged and put before recovery.
#ifndef SPECIMEN_H
#define SPECIMEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/manifest.h"
#include "evidence/recovery.h"
#include "format/scan.h"
#include "folder.h"

#define SPECIMEN_FILES_MAX 40
#define SPECIMEN_FRAGMENTS_MAX 64
#define SPECIMEN_NAME "test-000001"

struct specimen_file {
        char name[48];
        char kind; // f file, d folder, l link, p pipe
        uint8_t *bytes;
        size_t size;
};

struct specimen {
        struct specimen_file file[SPECIMEN_FILES_MAX];
        size_t files;
};

// A closed recording of eight segments of 4 s, made by the recorder.
void specimen_record(struct specimen *specimen);
void specimen_copy(const struct specimen *from, struct specimen *ret_specimen);
void specimen_take(int folder_fd, struct specimen *ret_specimen);
void specimen_put(const struct specimen *specimen, int folder_fd);
void specimen_done(struct specimen *specimen);

// NULL: there is none. Names are those in the folder.
struct specimen_file *specimen_find(struct specimen *specimen, const char *name);
void specimen_set(struct specimen *specimen, const char *name, const void *bytes, size_t size);
void specimen_remove(struct specimen *specimen, const char *name);

// Fails the test, saying what differs.
void specimen_assert_same(struct specimen *a, struct specimen *b);

// ---- one segment -----------------------------------------------------------------------------------------------

struct shape {
        struct bc_init init;
        struct bc_init_layout layout;
        uint64_t header_end[SPECIMEN_FRAGMENTS_MAX], fragment_end[SPECIMEN_FRAGMENTS_MAX]; // in the file
        size_t fragments;
        bool finished;
        enum bc_moov_state moov;
        uint64_t boxes_end, moov_bytes;
        int64_t end_ticks; // media time
};

// Fails the test when it has no head.
void shape_of(const uint8_t *bytes, size_t size, struct shape *ret_shape);

// Takes back what finalising did: the segment as it was before its end.
void specimen_unfinish(struct specimen_file *file);
void specimen_cut(struct specimen_file *file, size_t size);
void specimen_append(struct specimen_file *file, const void *bytes, size_t size);

// ---- a store with one recording to recover -----------------------------------------------------------------------

struct clinic {
        char path[FOLDER_PATH_BYTES];
        int store_fd, folder_fd;
};

void clinic_open(struct clinic *clinic, const struct specimen *specimen);
void clinic_close(struct clinic *clinic);

// Lists recording 1 as open, whatever it was before.
void clinic_list(const struct clinic *clinic);
void clinic_unlist(const struct clinic *clinic);
bool clinic_is_listed(const struct clinic *clinic);

// A start of the daemon.
void clinic_recover(const struct clinic *clinic, struct bc_recovery_report *ret_report);

// The manifest in the folder; the caller frees.
void clinic_manifest(const struct clinic *clinic, struct bc_manifest *ret_manifest);

// Writes the manifest of a specimen with the states given, one letter for each segment: o open, c closed, a abandoned.
void specimen_set_manifest(struct specimen *specimen, const char *states);

// ---- all of it -------------------------------------------------------------------------------------------------

// Segments 1 to 3 of a closed recording, the last one as while it is written.
void specimen_on_the_way(const struct specimen *recorded, struct specimen *ret_specimen);
void specimen_set_text(struct specimen *specimen, const char *name, const char *text);
void specimen_set_kind(struct specimen *specimen, const char *name, char kind); // as specimen_file's

void specimen_assert_unchanged(struct specimen *before, struct specimen *after, const char *name);
// Finished, and as the recorder would have left it.
void specimen_assert_finished(struct specimen *recorded, struct specimen *after, const char *name);

// Puts it in a store, recovers, takes what is there then, and tries that once more changes nothing.
void specimen_recover(const struct specimen *before, struct specimen *ret_after, struct bc_manifest *ret_manifest);

#endif
