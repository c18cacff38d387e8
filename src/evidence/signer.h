// SPDX-License-Identifier: EUPL-1.2
// The signer: a thread that turns records into signed boxes, one after the other, with the device's one key.
//
// A secure element may take a third of a second for each signature, and may fail. So nobody who writes waits for it: a record is
// handed over, and fetched when it is there. Who asks composes the record; the order in which the answers come is theirs to see to
// (a chain needs the hash of the record before).
//
// It signs the bytes of a final manifest.json, too (docs/formats/manifest.md, 9). What is signed for a record begins with 0x84, for a
// manifest with '{': nothing can be taken for the other, and nothing else is signed.
//
// struct bc_signing belongs to whoever asks. It is large (some 60 KB), and on the heap: who cannot wait any longer gives it away
// (bc_signer_abandon()).
#ifndef BC_EVIDENCE_SIGNER_H
#define BC_EVIDENCE_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "format/record.h"

struct bc_signer;

// What signs. The signer's thread calls sign() and nobody else.
struct bc_signer_key {
        enum bc_record_algorithm algorithm;
        uint8_t x5t[BC_HASH_BYTES];
        struct bc_record_bytes chain[BC_RECORD_CHAIN_MAX]; // borrowed
        size_t chain_count;
        // r and s of ECDSA over the bytes, s low. 0 or negative errno.
        int (*sign)(void *user, const uint8_t *bytes, size_t n, uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX],
                    size_t *ret_signature_bytes);
        void *user;
};

struct bc_signing {
        struct bc_record record;  // the asker's; algorithm, x5t and chain are filled in
        char *manifest;           // NULL: a record is asked for. Else what is signed instead; its own, freed with it
        size_t manifest_bytes;
        bool with_chain;          // the certificates go into it
        bool urgent;              // before those that are not: the end of a segment
        void (*on_done)(void *user); // signer's thread, must not block; may be NULL
        void *user;
        // The answer, once done.
        int error;                // negative errno: not signed
        bool unlawful;            // because of what was asked for, not of who signs
        uint8_t box[BC_RECORD_BYTES_MAX];
        size_t box_bytes;
        uint8_t hash[BC_HASH_BYTES]; // of the box
        uint8_t signature[BC_SIGNATURE_BYTES_MAX]; // of a manifest: r and s
        size_t signature_bytes;
        // The signer's.
        struct bc_record_message message;
        int composed; // what came of composing it
        enum {
                BC_SIGNING_IDLE,
                BC_SIGNING_QUEUED,
                BC_SIGNING_DONE,
        } state;
        struct bc_signing *next;
        bool abandoned;
};

// Borrows clock and key. 0 or negative errno.
int bc_signer_new(struct bc_clock *clock, const struct bc_signer_key *key, struct bc_signer **ret_signer);

// Answers what is queued with -ESHUTDOWN, waits for the signature that is being made. NULL is allowed.
void bc_signer_free(struct bc_signer *signer);

// Hands it over. Any thread. What is not lawful is answered with -EINVAL, what is too large with -EMSGSIZE. What the record borrows is
// not needed any more when it returns: whoever asked may be gone before a slow signer comes to it.
void bc_signer_ask(struct bc_signer *signer, struct bc_signing *signing);

// Whom it answers. HELD: everybody with -EAGAIN, for what records have to say is not known yet. LEDGER_ALONE: what else is asked for waits.
enum bc_signer_hold {
        BC_SIGNER_FREE,
        BC_SIGNER_LEDGER_ALONE,
        BC_SIGNER_HELD,
};

// Any thread.
void bc_signer_hold(struct bc_signer *signer, enum bc_signer_hold hold);

// Whether it is done; then it is idle again and the asker's.
bool bc_signer_fetch(struct bc_signer *signer, struct bc_signing *signing);

// Waits for that until until_ns at most. 0, or -ETIMEDOUT.
int bc_signer_wait(struct bc_signer *signer, struct bc_signing *signing, int64_t until_ns);

// Of the clock that it goes by.
int64_t bc_signer_now_ns(struct bc_signer *signer);

// One that is idle. NULL: out of memory.
struct bc_signing *bc_signing_new(void);

// Whoever asked does not want the answer any more, and does not wait: frees it, at once or when the signer is done with it. The user of on_done
// must outlive the signer: it may be told once more. NULL is allowed; signer may be NULL where nothing was asked.
void bc_signer_abandon(struct bc_signer *signer, struct bc_signing *signing);

// How long the newest signature took; 0: none was made yet.
int64_t bc_signer_pace_ns(struct bc_signer *signer);

#endif
