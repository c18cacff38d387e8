// SPDX-License-Identifier: EUPL-1.2
// Where the ledger stands when a run begins: how far its chain has come, whether that is what the anchor says, and so what is to be
// gone on with (docs/formats/ledger.md, 6). Used by the ledger alone.
//
// A card or an anchor that fails is no reason not to go on for ever. Who looks is patient at first: what cannot be read is tried again.
// Later on it counts as lost, and a new epoch says that nothing agrees. Thread-bound.
#ifndef BC_EVIDENCE_STANDING_H
#define BC_EVIDENCE_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/anchor.h"
#include "evidence/chain.h"
#include "evidence/entry.h"
#include "evidence/ledger_file.h"

// What the start of a run needs to know.
struct bc_ledger_found {
        uint64_t epoch, boot;
        uint64_t counter;               // the newest number of a recording that the anchor knows
        bool rolled_back;               // ledger and anchor disagree: a new epoch begins
        struct bc_ledger_head head;     // the newest record; epoch 0: there is none
        struct bc_anchor_state anchor;  // as it was found
        struct bc_anchor_state other;   // where it is in two places: the older of them; epoch 0: nothing
        bool anchor_damaged;            // it was there, and could not be read
        bool other_missing;             // that one alone knows of a record that the ledger does not have
        bool anchor_behind;             // its file is older than the TPM's memory
        bool anchor_lost;               // it cannot be got at
        char stranger[BC_LEDGER_STRANGERS_MAX][BC_LEDGER_NAME_BYTES]; // files that others signed: put aside
        size_t strangers, unreadable;   // unreadable: files that count as lost
        int64_t last_ns;                // of the newest record; BC_RECORD_UNKNOWN: there is none
        bool clean;                     // the run before ended in order
};

// What `start` says beside it.
struct bc_ledger_start {
        uint8_t boot_id[BC_BOOT_ID_BYTES];
        uint32_t reset;  // docs/formats/record.md, key 60
        int64_t percent; // of the battery; BC_RECORD_UNKNOWN
};

#define BC_STANDING_EVENTS_MAX 9

struct bc_standing {
        int folder_fd;            // STORE/ledger; -1: not open yet
        struct bc_anchor *anchor; // NULL: not open
        bool anchor_damaged;      // at the first look
        bool anchor_stays;        // one that was lost, is back and does not agree: not written in this run
        bool only_looks;          // set before the look: foreign files and the anchor stay as they are
        struct bc_ledger_found found;
};

// The device that has these certificates. Borrows both.
struct bc_ledger_owner bc_standing_owner(const char *device, const struct bc_chain *chain);

void bc_standing_init(struct bc_standing *standing);
void bc_standing_done(struct bc_standing *standing);

// store_fd: folder of the store, in which ledger/ is made. 0; or a negative errno, and why in text, which names the file: it may be
// tried again.
int bc_standing_look(struct bc_standing *standing, int store_fd, const char *anchor_path, const struct bc_ledger_owner *owner, bool patient,
                     char *text, size_t text_bytes);

// Writes the anchor: bc_anchor_write(). One that was lost is opened first, and what it knows of numbers goes into the state; where it
// knows of records that the ledger does not have, it stays as it is for the next start to judge, and 0 is returned from then on: see
// bc_standing_has_anchor(). Or a negative errno, and why in text.
int bc_standing_write_anchor(struct bc_standing *standing, const char *anchor_path, const struct bc_ledger_owner *owner,
                             struct bc_anchor_state *state, enum bc_anchor_weight weight, int64_t now_ns, char *text, size_t text_bytes);

// How much hangs on it that an anchor knows of an event like this, or of what weighed `weight`: the more of both.
enum bc_anchor_weight bc_standing_weigh(enum bc_anchor_weight weight, enum bc_entry_kind kind);

static inline bool bc_standing_has_anchor(const struct bc_standing *standing)
{
        return standing->anchor;
}

// What the run begins with: `rollback` where there is one, `start`, and alarms for what was not well. late: it could not be opened at once.
// Returns how many.
size_t bc_standing_state(const struct bc_ledger_found *found, const struct bc_ledger_start *start, int64_t begun_ns, int64_t now_ns,
                         bool late, struct bc_ledger_entry ret_entry[BC_STANDING_EVENTS_MAX]);

#endif
