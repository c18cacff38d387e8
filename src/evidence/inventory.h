// SPDX-License-Identifier: EUPL-1.2
// Makes the final manifest of a recording that is closed or recovered, and signs it: manifest.json with the list of
// files, then manifest.sig (docs/formats/manifest.md, 9).
//
// Reading every file once takes as long as the card does, so it is done when nothing else is due: by a thread of its
// own for what the recorder has closed, by recovery for what earlier runs left. Until it is done the recording stays
// in counter.json's list of open ones; the next start goes on with it.
//
// Order: the list is made; its signature is asked for; manifest.json is replaced; manifest.sig is made; the number
// leaves the list. So there is never a manifest.sig beside a manifest.json that it does not belong to.
#ifndef BC_EVIDENCE_INVENTORY_H
#define BC_EVIDENCE_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/ledger.h"
#include "evidence/manifest.h"
#include "evidence/signer.h"

#define BC_INVENTORY_QUEUE_MAX 16

// What it signs with. Borrowed.
struct bc_inventory_kit {
        struct bc_signer *signer;
        struct bc_ledger *ledger; // NULL: there is none
        struct bc_record_bytes public_key; // SubjectPublicKeyInfo
        enum bc_record_algorithm algorithm;
        struct bc_record_bytes chain[BC_RECORD_CHAIN_MAX]; // DER, the device's first
        size_t chain_count;
        void (*on_failed)(void *user, int error); // one was left to the next start, negative errno: on the inventory's thread; may be NULL
        void *user;
};

// For one recording, in the caller's thread. 0; -ECANCELED; or negative errno: try again at the next start.
int bc_inventory_finish(const struct bc_inventory_kit *kit, int folder_fd, struct bc_manifest *manifest,
                        bool (*is_stopped)(void *user), void *user);

// What lies in a recording's folder.
enum bc_inventory_found {
        BC_INVENTORY_NONE,     // no manifest.sig
        BC_INVENTORY_DONE,     // of a recording that was closed: manifest.json has the list, and manifest.sig is this key's over it
        BC_INVENTORY_OURS,     // this key's, of a recording that was not closed
        BC_INVENTORY_ANOTHERS, // another key's, or not over this manifest.json, or of another recording: to be left alone, both
};

// *ret_found. 0 or negative errno: what lies there cannot be read.
int bc_inventory_look(const struct bc_inventory_kit *kit, int folder_fd, uint64_t counter, enum bc_inventory_found *ret_found);

// manifest.json is about to say something else: removes manifest.sig, durably. 0 or negative errno.
int bc_inventory_withdraw(int folder_fd);

struct bc_inventory;

// Starts the thread. Borrows all. 0 or negative errno.
int bc_inventory_new(struct bc_clock *clock, struct bc_store *store, const struct bc_inventory_kit *kit,
                     struct bc_inventory **ret_inventory);

// Goes on for give_up_ns at the most; what is left is for the next start. NULL is allowed.
void bc_inventory_free(struct bc_inventory *inventory, int64_t give_up_ns);

// Takes the manifest, which is initialised anew, and the folder of a recording that is closed; never waits. What
// there is no room for is left to the next start. Any thread.
void bc_inventory_add(struct bc_inventory *inventory, struct bc_manifest *manifest, int folder_fd);

#endif
