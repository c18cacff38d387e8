// SPDX-License-Identifier: EUPL-1.2
// The ledger: everything that happens to the device, signed, in one chain (docs/formats/ledger.md).
//
// Its thread finds out where the chain has come to and whether it agrees with the anchor; where that fails it tries again, and nobody has
// to wait for it. It gathers events into records, has them signed, makes them durable, and then moves the anchor on. Whoever tells it
// something never waits: not for the signer, not for the card, not for the anchor's medium. While a record cannot be written events are
// kept; of what is too much only the count is.
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
#include "evidence/standing.h"

struct bc_ledger;

#define BC_LEDGER_GATHER_NS (1 * BC_NS_PER_S)     // events wait so long for company
#define BC_LEDGER_ALIVE_NS (60 * BC_NS_PER_S)     // there is a record at least so often
#define BC_LEDGER_ANCHOR_NS (1 * BC_NS_PER_S)     // the anchor is behind by so much and what its medium takes
#define BC_LEDGER_RETRY_NS (1 * BC_NS_PER_S)
#define BC_LEDGER_PATIENCE_NS (8 * BC_NS_PER_S)   // with what cannot be opened or read: less than a segment waits for its last record

#define BC_LEDGER_STUCK_NS (3 * BC_NS_PER_S)      // of real time: an anchor that is being written for so long is told as trouble

struct bc_ledger_config {
        int store_fd;            // folder of the store, in which ledger/ is made
        const char *anchor_path; // a place: bc_anchor_place_parse()
        struct bc_ledger_owner owner;
        // Where the ledger stands is known: what is signed from now on hangs on it. Its thread; must not call it. May be NULL.
        void (*on_found)(void *user, const struct bc_ledger_found *found);
        // Ledger or anchor cannot be opened or written; or can be again. Its thread, who waits in bc_ledger_await_look(), or who
        // tells it something; must not block, nor call it. May be NULL.
        void (*on_trouble)(void *user, bool trouble);
        void *user;
};

// Opens nothing yet. Borrows all of the config. 0 or -ENOMEM.
int bc_ledger_new(const struct bc_ledger_config *config, struct bc_ledger **ret_ledger);

// Recordings are sealed: words that come with a command do not belong into the ledger, which lies in the clear. Whoever tells it of
// one leaves them out (bc_entry_origin()). Set before others know it.
void bc_ledger_set_wordless(struct bc_ledger *ledger);
bool bc_ledger_is_wordless(const struct bc_ledger *ledger);

// Begins to look, and to write, with `start`. Borrows all but start; facts learns from it which run this is, and where the ledger is.
//
// The signer answers nobody until it is open: what a record says of the run is not known; and the ledger alone until something durable, a
// record of it or the anchor, has the run's number. One that cannot be opened tries again. Anchor and files that cannot be read for
// BC_LEDGER_PATIENCE_NS count as lost; without its folder it waits for as long as it takes.
int bc_ledger_start(struct bc_ledger *ledger, struct bc_clock *clock, struct bc_signer *signer, struct bc_facts *facts,
                    const struct bc_ledger_start *start);

// Once, for who started it: waits until the first look has opened it, for so long in real time at most: a TPM may take a command and never
// answer. 0, and what was found; or a negative errno, and why in text, which names the file: it opens itself later on, and `start` says so.
int bc_ledger_await_look(struct bc_ledger *ledger, int64_t patience_ns, char *text, size_t text_bytes, struct bc_ledger_found *ret_found);

// Waits until it is open, until until_ns at most, and says what was found. 0 or -ETIMEDOUT. Any thread of the clock.
int bc_ledger_await(struct bc_ledger *ledger, int64_t until_ns, struct bc_ledger_found *ret_found);

// The run ends with `key`: from the next one on the key of this certificate signs [17]. Before bc_ledger_free().
void bc_ledger_hand_over(struct bc_ledger *ledger, const uint8_t x5t[BC_HASH_BYTES]);

// Writes `stop` and what is waiting, for give_up_ns at the most, but that a call on a device takes as long as it takes; then closes. One
// that was not open yet opens for that, with what it can read, or not at all with 0. NULL is allowed.
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
