// SPDX-License-Identifier: EUPL-1.2
// What recovery signs: how it found a segment that its recorder could not end (docs/formats/record.md, kind 4; EVIDENCE rules 8 to 10).
//
// Never vouches for what no record covered: it states what was there, what was kept, what was moved aside, and whether the tail anchor
// agrees. Thread-bound to recovery; waits for the signer.
#ifndef BC_EVIDENCE_RESCUE_H
#define BC_EVIDENCE_RESCUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "evidence/anchor.h"
#include "evidence/attest.h"
#include "evidence/manifest.h"
#include "evidence/past.h"
#include "format/scan.h"

// A signer that does not answer for so long: the recording stays listed for the next start.
#define BC_RESCUE_PATIENCE_NS (15 * BC_NS_PER_S)

struct bc_inventory_kit;

// Given to recovery as a whole. Borrowed.
struct bc_rescue_kit {
        const struct bc_attestation *service;
        struct bc_record_bytes public_key; // SubjectPublicKeyInfo: which records are this device's
        uint8_t x5t[BC_HASH_BYTES];        // of the certificate that it signs with
        uint8_t head[BC_HASH_BYTES];       // the ledger's newest record as it was found at the start
        struct bc_anchor_state anchor;     // as it was found at the start
        struct bc_anchor_state other;      // what a TPM beside it knows; medium 0: nothing
        const struct bc_inventory_kit *inventory; // what final manifests are signed with; NULL: there are none
        uint32_t reset;                    // docs/formats/record.md, key 60
};

// One recording while it is worked on.
struct bc_rescue {
        const struct bc_rescue_kit *kit;
        const atomic_bool *stop;      // NULL: never
        uint64_t recording;
        bool chained;                 // prev is that of an earlier segment
        uint8_t prev[BC_HASH_BYTES];
        uint32_t segment;             // that was dealt with last
        bool continues;               // it ends with a record of kind 2
        bool anchored;                // a record that the tail anchor names was come across
        int64_t first_ns, last_ns;    // when the first and the last record of its recorder were signed; BC_RECORD_UNKNOWN: there is none
        struct bc_past past;          // what the ledger states of it
        bool past_found;              // the record that the ledger calls its newest one was come across
        bool told;                    // the ledger was told of a recovery that it has not yet
        struct bc_signing *signing;   // made when it is needed
};

// How closely its records are looked at.
enum bc_rescue_depth {
        BC_RESCUE_FIRST, // the first record alone
        BC_RESCUE_CHAIN, // signatures and chain
        BC_RESCUE_BYTES, // and that their ranges are what was signed: reads all of them, once
};

// What its own records prove of a segment: those of the longest prefix that holds. The first one that does not hold ends it, and what
// comes behind, be it torn by a power cut, changed or put there, is no record here.
struct bc_rescue_look {
        bool foreign;                 // its first record was signed, and lawfully, with another certificate: to be left alone
        enum bc_record_kind kind;     // of the last record; other than FRAGMENT: it ends the segment, only moov and patch may be missing
        uint32_t index;               // of the last record; 0: there is none
        uint8_t hash[BC_HASH_BYTES];  // of that
        int64_t first_ns, last_ns;    // when the first and the last one that are not of recovery were signed
        bool chained;                 // there is one that is not of recovery
        uint8_t chain_hash[BC_HASH_BYTES]; // of the last one that is not
        uint64_t covered, records_end; // where its range ends, and its box
        uint64_t broken_at;           // the box of a record that does not hold; UINT64_MAX: there is none
        bool anchored;                // the record that the tail anchor names is among them
        struct bc_record_abandoned succeeds[BC_RECORD_SUCCEEDS_MAX]; // by its first record: how far those before it count
        size_t succeeds_count;
};

// Walks through the first `limit` bytes of the file. 0 or negative errno, as of bc_scan_file(); -EINTR: it is to stop.
int bc_rescue_examine(struct bc_rescue *rescue, int fd, uint64_t limit, uint32_t segment, enum bc_rescue_depth depth,
                      struct bc_rescue_look *ret_look);

// What was found, for the record.
struct bc_rescue_found {
        uint64_t before, kept;   // the file's size as it was found; how much of it counts
        uint64_t moved_bytes;    // moved to a tail, from `kept` on; 0: nothing
        uint8_t moved_sha256[BC_HASH_BYTES];
};

// The record for a segment that has not ended: scan is of what is kept, moov of that. Its box is rescue->signing->box. 0 or negative
// errno.
int bc_rescue_sign(struct bc_rescue *rescue, int fd, const struct bc_manifest *manifest, uint32_t segment,
                   const struct bc_rescue_look *look, const struct bc_rescue_found *found, const struct bc_scan *scan,
                   const uint8_t *moov, size_t moov_bytes);

// SHA-256 of a part of the file as it was before a patch; layout NULL: as it lies there. 0 or negative errno.
int bc_rescue_hash(int fd, const struct bc_init_layout *layout, uint64_t from, uint64_t to, uint8_t ret_sha256[BC_HASH_BYTES]);

// Begins a record of recovery, in rescue->signing. NULL: out of memory.
struct bc_record *bc_rescue_compose(struct bc_rescue *rescue, enum bc_record_kind kind, uint32_t segment);

// Whether there is a tail anchor, though it may know of no recording yet (docs/formats/record.md, key 58).
bool bc_rescue_has_anchor(const struct bc_rescue_kit *kit);

// For a record of recovery that is being composed: the tail anchor and the reset's cause.
void bc_rescue_state_anchor(const struct bc_rescue_kit *kit, struct bc_record *record);

// Has rescue->signing signed. 0 or negative errno; -ETIME: it took too long, and is given up.
int bc_rescue_ask(struct bc_rescue *rescue);

// The segment is dealt with. What its recorder signed last, if anything, is what a later one follows: a record of recovery is the end
// of a branch. look: of what counts of the segment.
void bc_rescue_follow(struct bc_rescue *rescue, uint32_t segment, const struct bc_rescue_look *look);

// All segments are dealt with, and `last` is the highest number. A recording that ends with a record of kind 2, which the ledger does not
// know to be the last one: it is told. tail_bytes and its hash: of what was set aside behind it, 0: nothing. Whether it was told: then it
// may be called recovered once the ledger has that.
bool bc_rescue_break_off(struct bc_rescue *rescue, uint32_t last, uint64_t tail_bytes, const uint8_t tail_sha256[BC_HASH_BYTES]);

// There is no segment of it at all. tail_bytes and its hash: of what was set aside, 0: nothing. Whether the ledger was told, as above.
bool bc_rescue_find_nothing(struct bc_rescue *rescue, uint64_t tail_bytes, const uint8_t tail_sha256[BC_HASH_BYTES]);

// EVIDENCE 10: whether the ledger has the segment's end already, and the file, of which this counts, has it not any more: somebody took it
// away, and that is not to be signed. last: there is no file of a later segment. NULL: nothing of it counts.
bool bc_rescue_is_settled(const struct bc_rescue *rescue, uint32_t segment, bool last, const struct bc_rescue_look *look);

// It is reported, and left alone; why: up to 63 bytes.
void bc_rescue_give_up(struct bc_rescue *rescue, const char *why);

// Its record is durable: the ledger is told, unless it has it.
void bc_rescue_announce(struct bc_rescue *rescue, uint32_t segment, const uint8_t hash[BC_HASH_BYTES]);

#endif
