// SPDX-License-Identifier: EUPL-1.2
// The ledger: everything that happens to the device, signed, in one chain (docs/formats/ledger.md).
//
// Opening finds out where the chain has come to and whether it agrees with the anchor; the thread, started later, gathers events into
// records, has them signed, makes them durable, and then moves the anchor on. Whoever tells it something never waits: not for the
// signer, not for the card, not for the anchor's medium. While a record cannot be written events are kept; of what is too much
// only the count is.
#ifndef BC_EVIDENCE_LEDGER_H
#define BC_EVIDENCE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/anchor.h"
#include "evidence/entry.h"
#include "evidence/facts.h"
#include "evidence/ledger_file.h"
#include "evidence/signer.h"

struct bc_ledger;

#define BC_LEDGER_EVENTS_MAX 256                  // that wait
#define BC_LEDGER_GATHER_NS (1 * BC_NS_PER_S)     // events wait so long for company
#define BC_LEDGER_ALIVE_NS (60 * BC_NS_PER_S)     // there is a record at least so often
#define BC_LEDGER_ANCHOR_NS (1 * BC_NS_PER_S)     // the anchor is behind by so much and what its medium takes
#define BC_LEDGER_FILE_BYTES (1 << 20)
#define BC_LEDGER_RETRY_NS (1 * BC_NS_PER_S)

// What the start of a run needs to know.
struct bc_ledger_found {
        uint64_t epoch, boot;
        uint64_t counter;               // the newest number of a recording that the anchor knows
        bool rolled_back;               // ledger and anchor disagree: a new epoch begins
        struct bc_ledger_head head;     // the newest record; epoch 0: there is none
        struct bc_anchor_state anchor;  // as it was found
        bool anchor_damaged;            // it was there, and could not be read
        int64_t last_ns;                // of the newest record; BC_RECORD_UNKNOWN: there is none
        bool clean;                     // the run before ended in order
};

// store_fd: folder of the store, in which ledger/ is made. anchor_path: docs/formats/ledger.md, 4. On failure a negative errno, and
// why in text. What lies in the ledger's folder and is no ledger is left alone.
int bc_ledger_open(int store_fd, const char *anchor_path, char *text, size_t text_bytes, struct bc_ledger **ret_ledger,
                   struct bc_ledger_found *ret_found);

// Recordings are sealed: words that come with a command do not belong into the ledger, which lies in the clear. Whoever tells it of
// one leaves them out (bc_entry_origin()). Set before others know it.
void bc_ledger_set_wordless(struct bc_ledger *ledger);
bool bc_ledger_is_wordless(const struct bc_ledger *ledger);

// Begins to write, with `start`. Borrows all; facts learns from it where the ledger is.
int bc_ledger_start(struct bc_ledger *ledger, struct bc_clock *clock, struct bc_signer *signer, struct bc_facts *facts);

// Writes `stop` and what is waiting, for give_up_ns at the most; then closes. NULL is allowed.
void bc_ledger_free(struct bc_ledger *ledger, const char *reason, int64_t give_up_ns);

// Any thread, never blocks. at_once: is not to wait for company.
void bc_ledger_tell(struct bc_ledger *ledger, const struct bc_ledger_entry *event, bool at_once);

// For the anchor: a record of a segment is durable; a number was given to a recording. Any thread, never blocks.
void bc_ledger_note_tail(struct bc_ledger *ledger, uint64_t recording, uint32_t segment, uint32_t index,
                         const uint8_t hash[BC_HASH_BYTES], int64_t signed_ns);
void bc_ledger_note_counter(struct bc_ledger *ledger, uint64_t counter);

// The phase, for `alive`. Any thread; state: static.
void bc_ledger_note_state(struct bc_ledger *ledger, const char *state);

#endif
