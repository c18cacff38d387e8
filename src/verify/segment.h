// SPDX-License-Identifier: EUPL-1.2
// One segment file, judged by docs/formats/record.md, 9: what it says, what of that is proven, what is wrong.
//
// Reads the file once, front to back, with some 400 KB of memory beside the sample table, however large the file. Any thread,
// one file each; struct bc_judge is shared by all and not changed.
#ifndef BC_VERIFY_SEGMENT_H
#define BC_VERIFY_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/certificate.h"
#include "verify/finding.h"
#include "verify/news.h"

#define BC_SEGMENT_FILE_BYTES 16 // "0001.mp4.sealed"
#define BC_SEGMENT_DIGITS 4      // of it: its number

struct bc_opener;

struct bc_witnesses;

struct bc_judge {
        const struct bc_trust *trust; // borrowed
        bool allow_test;
        const struct bc_opener *opener; // of sealed files; borrowed; NULL: there is no key
        int64_t now_utc_ns; // the present
        const struct bc_witnesses *witnesses; // borrowed; NULL: none
        int64_t not_after_ns; // what is judged was there by then (UTC), whatever it claims; 0: not known
        // Told of bytes as they are read, from the judging thread. May be NULL.
        void (*on_bytes)(void *user, uint64_t bytes);
        void *user;
};

// UTC as a record claims it.
struct bc_claim {
        bool known;
        int64_t signed_ns; // CLOCK_BOOTTIME then
        uint32_t source;
        int64_t utc_ns, uncertainty_ns, age_ns;
};

struct bc_track_span {
        enum bc_track_kind kind;
        int64_t first_ticks, end_ticks; // media time; first BC_RECORD_UNKNOWN: no sample
};

struct bc_segment_verdict {
        char file[BC_SEGMENT_FILE_BYTES];
        struct bc_findings findings;
        uint64_t bytes;
        bool hashed; // sha256 is that of the file as it lies there
        uint8_t sha256[BC_HASH_BYTES];

        bool ours; // it has a head of this format; then...
        struct bc_label label;
        size_t tracks;
        struct bc_track_span track[BC_TRACKS_MAX]; // of the fragments that records cover
        uint32_t fragments;                        // in the file
        int64_t repeat_ticks;                      // the earliest picture that a successor may begin with
        uint64_t covered;                          // up to here the original bytes are what was signed
        bool vouched;                              // its end is stated by its successor

        uint32_t records; // judged good
        // Of the first record, when records > 0.
        struct bc_signer signer;
        char device[BC_RECORD_DEVICE_BYTES_MAX + 1];
        uint64_t recording, epoch, boot, first_ledger;
        uint32_t segment;
        uint8_t first_prev[BC_HASH_BYTES], firmware[BC_HASH_BYTES], settings[BC_HASH_BYTES], boot_id[BC_BOOT_ID_BYTES];
        int64_t base_ticks, first_signed_ns;
        struct bc_record_driver driver[BC_RECORD_DRIVERS_MAX];
        size_t drivers;
        bool simulated, sealed;
        char begun_reason[BC_RECORD_TEXT_BYTES_MAX + 1];
        int64_t press_ticks, pre_event_ticks;
        struct bc_record_abandoned abandoned[BC_RECORD_SUCCEEDS_MAX]; // what it states of segments before it (record.md, key 37)
        size_t abandoned_count;
        bool follows_abandoned; // a record states that the segment before it was abandoned
        // Of the last record, and over all of them.
        bool changed_programs; // firmware or settings are not the same in all records
        uint64_t last_ledger, first_captured, first_dropped, captured, dropped;
        uint8_t last_hash[BC_HASH_BYTES];
        uint8_t chain_hash[BC_HASH_BYTES]; // of the last record that is not of recovery: what a next segment follows
        uint8_t chain_prev[BC_HASH_BYTES]; // what that one follows
        uint32_t chain_records;            // how many are not of recovery; 0: then the three say nothing
        uint64_t chain_ledger;
        int64_t last_signed_ns; // of the last record that is not of recovery
        struct bc_claim first_utc, last_utc;
        struct bc_news news;
        enum bc_record_kind end; // CONTINUES, CLOSE, RECOVERED; 0: it has no end
        // CLOSE
        char ended_reason[BC_RECORD_TEXT_BYTES_MAX + 1];
        int64_t stop_ticks;
        uint32_t segments;
        // RECOVERED
        uint64_t before, kept, moved_bytes;
        bool moved, agrees;
        uint8_t moved_sha256[BC_HASH_BYTES];
        struct bc_record_anchor anchor;
        uint32_t reset;
        bool anchor_here; // the record that it names is in this file
        // Of one that lies sealed; bytes and sha256 are the sealed file's, all other places are in its plain text
        bool stored_sealed;
        bool shut; // nobody here has a key to it
        uint64_t plain_bytes; // that could be opened
        uint8_t seal[BC_HASH_BYTES]; // by its first record
        bool beside;          // a record of recovery lies beside it, and is of this very file
        bool blank;           // by that record not even its first chunk was whole: nobody can open anything of it
        uint64_t beside_recording;
        uint8_t beside_hash[BC_HASH_BYTES], beside_key[BC_HASH_BYTES]; // key: bc_signer.key_sha256 of its signer
};

// Judges an open file. vouched: it was abandoned, and this is what its successor says of it, so that no end of its own is
// called for and no byte behind is looked at; else NULL. The verdict is filled in whatever happens; bc_segment_verdict_done()
// must be called.
void bc_segment_judge(const struct bc_judge *judge, int fd, const char *file, const struct bc_record_abandoned *vouched,
                      struct bc_segment_verdict *ret_verdict);

// The same for a name in a folder; links are not followed, and what is no regular file is not opened. Of a sealed one the record beside
// it is read, too.
void bc_segment_judge_at(const struct bc_judge *judge, int folder_fd, const char *name, const char *file,
                         const struct bc_record_abandoned *vouched, struct bc_segment_verdict *ret_verdict);

void bc_segment_verdict_done(struct bc_segment_verdict *verdict);

#endif
