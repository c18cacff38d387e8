// SPDX-License-Identifier: EUPL-1.2
// The anchor: how far the ledger and the recordings have come, kept on another medium than they are (docs/formats/ledger.md, 4;
// EVIDENCE rules 8 and 12). A small file with two slots that are written in turn, so that a power cut costs the newer one at most: each
// lies in a block of its own, for a medium that tears a block loses all of it.
//
// Thread-bound. It never says more than is durable in the store: that is the caller's care.
#ifndef BC_EVIDENCE_ANCHOR_H
#define BC_EVIDENCE_ANCHOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/record.h"

#define BC_ANCHOR_SLOT_BYTES 512
#define BC_ANCHOR_BLOCK_BYTES 4096
#define BC_ANCHOR_BYTES (2 * BC_ANCHOR_BLOCK_BYTES)

struct bc_anchor_state {
        uint64_t epoch, sequence; // of the newest durable ledger record; epoch 0: there is none
        uint8_t hash[BC_HASH_BYTES];
        uint64_t recording;       // and of the newest durable record of a segment; 0: none
        uint32_t segment, index;
        uint8_t tail_hash[BC_HASH_BYTES];
        int64_t tail_ns;
        uint64_t boot;
        uint64_t counter;         // the newest number given to a recording
        uint32_t medium;          // not kept: what bc_anchor_medium() says; 0: there is none
};

struct bc_anchor;

// What opening found.
struct bc_anchor_found {
        struct bc_anchor_state state; // all zeros where nothing was ever written
        bool damaged;                 // no slot of it was whole: it is kept as PATH.damaged, and a new one says nothing
};

// Opens the file, making it where its folder exists. Another name than an absolute path, and anything but a regular file, is refused
// and left alone. On failure a negative errno, and why in text, which names the path.
int bc_anchor_open(const char *path, char *text, size_t text_bytes, struct bc_anchor **ret_anchor, struct bc_anchor_found *ret_found);
void bc_anchor_free(struct bc_anchor *anchor);

// On what it lies, as docs/formats/record.md, key 58, has it: BC_ANCHOR_ELSEWHERE; or BC_ANCHOR_BESIDE where that is the file system or the disk of
// fd, the store: who puts back an old image of that puts both back.
enum { BC_ANCHOR_NONE, BC_ANCHOR_ELSEWHERE, BC_ANCHOR_BESIDE };
uint32_t bc_anchor_medium(const struct bc_anchor *anchor, int fd);

// As a record states it of an anchor that there is: what is not known is not claimed.
static inline uint32_t bc_anchor_stated_medium(const struct bc_anchor_state *state)
{
        return state->medium == BC_ANCHOR_ELSEWHERE ? BC_ANCHOR_ELSEWHERE : BC_ANCHOR_BESIDE;
}

// Durable when it returns 0.
int bc_anchor_write(struct bc_anchor *anchor, const struct bc_anchor_state *state);

#endif
