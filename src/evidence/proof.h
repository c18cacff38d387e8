// SPDX-License-Identifier: EUPL-1.2
// What of a segment is proven: the bytes that its records cover, those behind them, and the hash of either
// (docs/formats/record.md, 7). Hashed is what is on its way to the disk, never what is read back.
//
// Bytes are taken in twice: bc_proof_try() before they are written, so that a record may cover them in the same write, and
// bc_proof_wrote() when they are durable. What was tried and not written is forgotten by the next try.
//
// Thread-bound to the recorder. Allocates when it is made, and nothing after that.
#ifndef BC_EVIDENCE_PROOF_H
#define BC_EVIDENCE_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/fragment.h"
#include "format/record.h"

struct evp_md_ctx_st; // OpenSSL's EVP_MD_CTX

struct bc_proof {
        struct evp_md_ctx_st *open;   // hash of what is durable from `covered` on
        struct evp_md_ctx_st *tried;  // the same with what is being written
        struct evp_md_ctx_st *rest;   // hash of what is durable behind a range that was asked for
        struct evp_md_ctx_st *read;   // to end a hash that goes on
        uint64_t covered, durable; // offsets in the file
        uint64_t tried_bytes;
        uint64_t asked;            // where the range ends that was asked for; 0: none was
        struct bc_proof_spans {
                struct bc_record_span track[BC_TRACKS_MAX];
        } spans, tried_spans, rest_spans; // of the samples that the three hashes have
        size_t tracks;
        uint32_t index;   // of the newest durable record
        int64_t since_ns; // since when there are samples that are durable and that no record covers; BC_NS_NEVER: there are none
        int64_t rest_since_ns;
};

// 0 or -ENOMEM.
int bc_proof_init(struct bc_proof *proof, size_t tracks);
void bc_proof_done(struct bc_proof *proof);

// These bytes are about to be written at the end. runs: of the fragment among them, base_ticks: of each of its tracks; NULL: there is none.
int bc_proof_try(struct bc_proof *proof, const uint8_t *bytes, size_t n, const struct bc_run *run, size_t runs,
                 const int64_t *base_ticks);

// They are durable. 0 or -ENOMEM.
int bc_proof_wrote(struct bc_proof *proof, const uint8_t *bytes, size_t n, int64_t now_ns);

// States the range up to the end of what is durable, tried: and of what was tried: offset, bytes, hash, spans, index. From then on
// a record of it is under way. Nothing may be under way.
int bc_proof_ask(struct bc_proof *proof, bool tried, struct bc_record *record);

// Whether a record is under way.
bool bc_proof_is_asked(const struct bc_proof *proof);

// The record that was under way came to nothing.
void bc_proof_forget(struct bc_proof *proof);

// It is durable: its box, of n bytes, was the last thing written.
int bc_proof_recorded(struct bc_proof *proof, const uint8_t *box, size_t n);

// The hash of what is durable and not covered.
int bc_proof_rest(struct bc_proof *proof, uint8_t ret_sha256[BC_HASH_BYTES]);

#endif
