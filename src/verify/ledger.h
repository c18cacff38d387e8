// SPDX-License-Identifier: EUPL-1.2
// The ledger of a device, judged by docs/formats/ledger.md, 7: whether it is one unbroken chain of this device's records, and
// what it states: starts and stops, when nobody stated anything, which recordings there were.
//
// Reads STORE/ledger once, a file at a time. Memory: some 60 bytes for each record, some 400 for each event that is reported,
// both bounded. What breaks the chain ends the reading: what comes behind hangs on it. Thread-bound.
#ifndef BC_VERIFY_LEDGER_H
#define BC_VERIFY_LEDGER_H

#include "verify/ledger_event.h"
#include "verify/segment.h"

#define BC_LEDGER_LINKS_MAX (1u << 23) // 16 years of heartbeats
#define BC_LEDGER_NOTES_MAX 100000     // further ones are counted alone
#define BC_LEDGER_RECORDINGS_MAX 1000000
#define BC_LEDGER_NONCES_MAX 100000 // further ones are not looked for
#define BC_LEDGER_SILENCE_NS (120 * BC_NS_PER_S)
#define BC_LEDGER_FILE_BYTES_MAX ((1u << 20) + BC_RECORD_BYTES_MAX)

// A record of the chain.
struct bc_ledger_link {
        uint64_t epoch, sequence;
        uint8_t hash[BC_HASH_BYTES];
};

// A nonce that was given to the device from outside: what hangs on this record was not made before it was known.
struct bc_ledger_nonce {
        uint64_t epoch, sequence;
        uint8_t bytes[BC_RECORD_NONCE_BYTES_MAX];
        size_t n;
};

struct bc_ledger_moment {
        uint64_t boot;
        int64_t boot_ns; // CLOCK_BOOTTIME
        int64_t utc_ns;  // as the device claimed it in the same record; BC_RECORD_UNKNOWN: it had none
};

// From a start of the daemon to the last that it stated.
struct bc_ledger_run {
        uint64_t epoch;
        struct bc_ledger_moment from, to;
        uint8_t boot_id[BC_BOOT_ID_BYTES];
        bool clean; // the one before had been ended in order
        uint32_t reset;
        int64_t percent; // of the battery; BC_RECORD_UNKNOWN
        uint32_t anchor; // its medium: record.md, key 58; 0: none
        bool stopped;
        char reason[BC_RECORD_TEXT_BYTES_MAX + 1];
};

enum bc_ledger_silence_cause {
        BC_LEDGER_SILENCE_HEARTBEAT,  // it ran, and stated nothing
        BC_LEDGER_SILENCE_STOPPED,    // from a stop to the next start
        BC_LEDGER_SILENCE_BROKEN_OFF, // from the last record of a run that was not stopped to the next start
};

// No statement from..to.
struct bc_ledger_silence {
        enum bc_ledger_silence_cause cause;
        struct bc_ledger_moment from, to;
        int64_t length_ns; // BC_RECORD_UNKNOWN: the clocks do not tell
};

// An event that a report names.
struct bc_ledger_note {
        uint32_t event;
        struct bc_ledger_moment at;
        int64_t number[BC_LEDGER_FIELDS_MAX];
        char text[BC_LEDGER_FIELDS_MAX][BC_RECORD_TEXT_BYTES_MAX + 1];
};

// What the ledger says of a recording.
struct bc_ledger_recording {
        uint64_t number;
        bool begun, closed, hashed, recovered, given_up;
        uint64_t begun_epoch, begun_boot;
        int64_t begun_ns;
        uint64_t end_epoch, end_sequence; // of the record that names its end, or the last recovery
        uint32_t segments;           // closed
        uint8_t hash[BC_HASH_BYTES]; // closed and hashed: of its newest record
        uint32_t recovered_segment;  // the last one of them
        uint8_t recovered_hash[BC_HASH_BYTES];
        bool broke_off; // as recovery found it, by the newest statement
        uint32_t off_segment;
        uint8_t off_hash[BC_HASH_BYTES];
        bool nothing; // recovery found no segment of it; off_medium and off_tail_... are those of this statement
        bool named;   // then: and the anchor names a record of it
        int64_t off_medium, off_age_ns, off_tail_bytes; // BC_RECORD_UNKNOWN: null
        uint8_t off_tail_sha256[BC_HASH_BYTES];
};

struct bc_ledger_verdict {
        bool there; // the store has one
        bool whole; // it was read to its end, and nothing breaks the chain
        struct bc_findings findings;
        size_t files, torn;      // torn: files that end within a record
        struct bc_signer signer; // of the newest certificate
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];

        struct bc_ledger_link *link; // ascending; the last one is the head
        size_t links, link_room;
        uint8_t first_prev[BC_HASH_BYTES]; // of link 0
        uint64_t head_boot;
        int64_t head_signed_ns;
        struct bc_claim first_utc, last_utc;

        struct bc_ledger_run *run;
        size_t runs, run_room;
        struct bc_ledger_silence *silence;
        size_t silences, silence_room;
        struct bc_ledger_note *note;
        size_t notes, note_room, notes_left_out;
        struct bc_ledger_recording *recording; // ascending numbers
        size_t recordings, recording_room;
        struct bc_ledger_nonce *nonce; // in the order of the records
        size_t nonces, nonce_room;
        uint64_t count[BC_LEDGER_EVENT_KINDS];   // events; of those that are not known: [0]
        uint64_t flooded[BC_LEDGER_EVENT_KINDS]; // not kept one by one
};

// Judges STORE/ledger. The verdict is filled in whatever happens; bc_ledger_verdict_done() must be called.
void bc_ledger_judge(const struct bc_judge *judge, int store_fd, struct bc_ledger_verdict *ret_verdict);
void bc_ledger_verdict_done(struct bc_ledger_verdict *verdict);

// The record with that number; NULL: there is none.
const struct bc_ledger_link *bc_ledger_find_link(const struct bc_ledger_verdict *verdict, uint64_t epoch,
                                                 uint64_t sequence);
// The newest one; NULL: there is none.
const struct bc_ledger_link *bc_ledger_head(const struct bc_ledger_verdict *verdict);

// What it says of a recording; NULL: nothing.
const struct bc_ledger_recording *bc_ledger_find_recording(const struct bc_ledger_verdict *verdict,
                                                           uint64_t number);

// Within the part: takes the events of a record that was judged good. boot_began: it is the first one of its boot;
// epoch_began: and of its epoch. 0; -ECANCELED: something is wrong with them, which was found; -ENOMEM.
int bc_ledger_take_events(struct bc_ledger_verdict *verdict, const struct bc_record *record, uint64_t offset,
                          bool boot_began, bool epoch_began, const uint8_t **ret_key);

// Within the part: room for one more in an array that doubles. 0 or -ENOMEM.
int bc_ledger_grow(void **array, size_t used, size_t *room, size_t bytes);

#endif
