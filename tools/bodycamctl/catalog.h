// SPDX-License-Identifier: EUPL-1.2
// The recordings that lie in a store, read from its files: the daemon need not run, and is not asked.
//
// Anybody may have put anything there: names are checked before they are used, links are not followed, manifests are read
// by src/evidence, which refuses what is damaged or too large. Nothing is written.
#ifndef BC_BODYCAMCTL_CATALOG_H
#define BC_BODYCAMCTL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/manifest.h"
#include "request.h"

#define BC_CATALOG_MAX 1000000 // recordings that are looked at
#define BC_CATALOG_ODD_MAX 10  // odd names that are told one by one

struct bc_catalog_entry {
        uint64_t counter;
        char name[BC_RECORDING_NAME_BYTES_MAX];
};

struct bc_catalog {
        char *store; // its path
        int recordings_fd;
        struct bc_catalog_entry *entry; // the newest first
        size_t entries, room;
        char *odd[BC_CATALOG_ODD_MAX]; // cleaned names of what is no recording's folder
        size_t odds;                   // how many there are
        bool cut;                      // there are more than BC_CATALOG_MAX
};

// Finds the store (request->store, or asks the daemon for its path) and reads the names in it. On failure complains.
enum bc_ctl_exit bc_catalog_open(struct bc_request *request, struct bc_catalog *ret_catalog);
void bc_catalog_close(struct bc_catalog *catalog);

// Whether it has the form DEVICE-NNNNNN; the number then.
bool bc_catalog_is_name(const char *name, uint64_t *ret_counter);

// Reads the manifest of a recording, which must be initialised and is untouched on failure: false, with the file and what
// is wrong with it in text.
bool bc_catalog_load(const struct bc_catalog *catalog, const char *name, struct bc_manifest *manifest,
                     char ret_text[BC_CLIENT_TEXT_BYTES]);

#endif
