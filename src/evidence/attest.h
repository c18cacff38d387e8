// SPDX-License-Identifier: EUPL-1.2
// The records of one recording: asks the signer for them, one at a time, and writes them where they belong
// (docs/formats/record.md, 7 and 8).
//
// While the signer is quick a fragment's record goes into the fragment's own write. When it is slow, fragments do not wait: the record
// follows by itself, and one record covers what was written meanwhile. A segment that has ended waits here for its last
// record, and is then finalised, while the next one is being written. Records are a chain, so what is under way is one
// record, the oldest that is due.
//
// Thread-bound to the recorder.
#ifndef BC_EVIDENCE_ATTEST_H
#define BC_EVIDENCE_ATTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/facts.h"
#include "evidence/ledger.h"
#include "evidence/proof.h"
#include "evidence/segment.h"
#include "evidence/signer.h"

struct bc_recording;

#define BC_ATTEST_PATIENCE_NS (20 * BC_NS_PER_MS) // for records that go into the write of their fragment; of all that is due together
#define BC_ATTEST_RETRY_NS (1 * BC_NS_PER_S)      // after a signature that failed
#define BC_ATTEST_GIVE_UP_NS (10 * BC_NS_PER_S)   // a segment waits for its last record, since it may be asked for
#define BC_ATTEST_ENDED_MAX 3                     // segments that wait

// What a recorder signs with. Borrowed.
struct bc_attestation {
        struct bc_signer *signer;
        struct bc_facts *facts;
        struct bc_ledger *ledger; // NULL: there is none
};

// What the first record of a segment has to state of what lies before it.
struct bc_attest_before {
        struct bc_record_abandoned abandoned[BC_RECORD_SUCCEEDS_MAX]; // by their numbers: segments without a record that ends them
        size_t abandoned_count;
        int64_t hole_from_ticks; // where the hole begins that ends with the first picture; BC_RECORD_UNKNOWN: there is none
};

// A segment whose last fragment is written.
struct bc_ended_segment {
        struct bc_segment segment;
        struct bc_proof proof;
        uint32_t number;
        enum bc_record_kind kind; // CONTINUES or CLOSE
        int64_t since_ns;         // when it ended
        uint8_t *moov;            // behind room for the record
        size_t moov_bytes;
        struct bc_attest_before before;
};

struct bc_attest {
        const struct bc_attestation *service; // NULL: nothing is signed
        struct bc_signing *signing;            // NULL: out of memory, or nothing is signed
        enum {
                BC_ASKED_NOTHING,
                BC_ASKED_CURRENT,  // of the segment being written
                BC_ASKED_ENDED,    // of the oldest one that has ended
                BC_ASKED_NOBODY,   // of one that was abandoned meanwhile
        } asked;
        bool asked_last;           // the record that ends the segment
        int64_t again_ns;          // not before: a signature failed
        bool held;                 // nothing is asked for: the last records of an earlier recording come first
        int64_t held_ns;           // when it was the last time
        bool bare;                 // the next record says less beside the range: one with all there is was not lawful, or too large
        unsigned left_out;         // how often that was so
        int64_t waited_ns;         // for the signer, since the recorder last had nothing to do
        int64_t late_ns;           // since when the oldest sample is unsigned, BC_NS_NEVER; for the alarm

        struct bc_proof proof;     // of the segment being written
        const uint8_t *tried;      // what is being written
        size_t tried_bytes, box_bytes;
        int try_error;

        uint8_t prev[BC_HASH_BYTES]; // the newest durable record of this recording
        bool begun;                  // there is one
        struct bc_attest_before before; // of the segment being written, or the one to come

        struct bc_ended_segment ended[BC_ATTEST_ENDED_MAX];
        size_t ended_count;
};

void bc_attest_init(struct bc_attest *attest, const struct bc_attestation *service, struct bc_ring *ring);

// What has ended stays open for the next start, what was asked is not waited for.
void bc_attest_done(struct bc_attest *attest);

// A segment begins. hole_from_ticks: what is missing before its first picture begins there; BC_RECORD_UNKNOWN. 0 or -ENOMEM.
int bc_attest_begin(struct bc_recording *recording, int64_t hole_from_ticks);

// For bc_segment_append(): the record of a fragment that is about to be written.
// base_ticks: where each run's track begins. Returns the record's bytes in box, 0: it will follow.
size_t bc_attest_cover(struct bc_recording *recording, const struct bc_run *run, size_t runs, const int64_t *base_ticks,
                       const uint8_t *bytes, size_t n, uint8_t *box, int64_t now_ns);

// The fragment, and the record that went with it, are durable.
int bc_attest_wrote(struct bc_recording *recording, int64_t now_ns);

// The segment cannot be written any more.
void bc_attest_abandon(struct bc_recording *recording, int error);

// The segment being written has ended, and is taken over: it is finalised once its last record is there, while the next one is being
// written. Where no more can wait it is abandoned, and left to the next start.
void bc_attest_end(struct bc_recording *recording, enum bc_record_kind kind, int64_t now_ns);

// Fetches, writes, asks; to be called at every step. 0; or the segment being written could not be written.
int bc_attest_tend(struct bc_recording *recording, int64_t now_ns);

// Everything there is has been written: what comes next may wait for its record.
void bc_attest_rest(struct bc_attest *attest);

// Whether everything that has ended is finalised.
bool bc_attest_is_quiet(const struct bc_attest *attest);

#endif
