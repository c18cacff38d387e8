// SPDX-License-Identifier: EUPL-1.2
// The anchor: how far the ledger and the recordings have come, kept elsewhere than they are (docs/formats/ledger.md, 4; EVIDENCE rules 8
// and 12). In a small file with two slots that are written in turn, so that a power cut costs the newer one at most: each lies in a block
// of its own, for a medium that tears a block loses all of it. Or in a TPM's memory, which no image of a disk brings back, and which wears
// out: it is written seldom. Or in both: then the file says what was last, the TPM that it is not an old file.
//
// Thread-bound. It never says more than is durable in the store: that is the caller's care.
#ifndef BC_EVIDENCE_ANCHOR_H
#define BC_EVIDENCE_ANCHOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bodycam/time.h"
#include "format/record.h"

#define BC_ANCHOR_SLOT_BYTES 512
#define BC_ANCHOR_BLOCK_BYTES 4096
#define BC_ANCHOR_BYTES (2 * BC_ANCHOR_BLOCK_BYTES)

// Of a TPM's memory: what its owner may define (TCG's registry of handles).
#define BC_ANCHOR_INDEX_MIN 0x01800000u
#define BC_ANCHOR_INDEX_MAX 0x01bfffffu

// How soon a TPM is written, at the least: what matters, and all else. docs/ARCHITECTURE.md has the sums.
#define BC_ANCHOR_TPM_SOON_NS (30 * BC_NS_PER_S)
#define BC_ANCHOR_TPM_LATER_NS (600 * BC_NS_PER_S)

struct bc_anchor_state {
        uint64_t epoch, sequence; // of the newest durable ledger record; epoch 0: there is none
        uint8_t hash[BC_HASH_BYTES];
        uint64_t recording;       // and of the newest durable record of a segment; 0: none
        uint32_t segment, index;
        uint8_t tail_hash[BC_HASH_BYTES];
        int64_t tail_ns;
        uint64_t boot;
        uint64_t counter;         // the newest number given to a recording
        uint32_t medium;          // not kept: what bc_anchor_medium() says; 0: there is none, or it does not count
};

// Where it is, as the settings have it: "/PATH", "tpm2:0x01800bca", or both, "tpm2:0x01800bca /PATH".
struct bc_anchor_place {
        uint32_t index;      // 0: in no TPM
        char path[PATH_MAX]; // "": in no file
};

// 0, or -EINVAL with the reason in text. Opens nothing. Any thread.
int bc_anchor_place_parse(const char *words, char *text, size_t text_bytes, struct bc_anchor_place *ret_place);

struct bc_anchor;

// What opening found.
struct bc_anchor_found {
        struct bc_anchor_state state; // the newest that is kept, and the farthest of the recordings; all zeros where nothing was ever written
        struct bc_anchor_state other; // in two places: what the other one knows; epoch 0: nothing
        bool damaged;                 // in one place no slot was whole: a file is kept as PATH.damaged, and a new one says nothing
        bool behind;                  // the file is older than the TPM's memory: somebody put an old one there, or it could not be written
};

// Opens what place names; a file is made where its folder exists. What is no regular file is refused and left alone, as is an index that
// is not as bc_nv_define() makes it. only_looks: nothing is made or renamed, and it is not for writing. On failure a negative errno, and
// why in text, which names the path or the index.
int bc_anchor_open(const char *place, bool only_looks, char *text, size_t text_bytes, struct bc_anchor **ret_anchor,
                   struct bc_anchor_found *ret_found);
void bc_anchor_free(struct bc_anchor *anchor);

// On what lies that which opening found, as docs/formats/record.md, key 58, has it. BESIDE: on the file system or the disk of fd, the store:
// who puts back an old image of that puts both back. _AND_TPM: the file counts, and a TPM's memory says that it is no old one.
enum {
        BC_ANCHOR_NONE,
        BC_ANCHOR_ELSEWHERE,
        BC_ANCHOR_BESIDE,
        BC_ANCHOR_TPM,
        BC_ANCHOR_ELSEWHERE_AND_TPM,
        BC_ANCHOR_BESIDE_AND_TPM,
};
uint32_t bc_anchor_medium(const struct bc_anchor *anchor, int fd);

// As a record states it of an anchor that there is: what is not known is not claimed.
static inline uint32_t bc_anchor_stated_medium(const struct bc_anchor_state *state)
{
        return state->medium != BC_ANCHOR_NONE ? state->medium : BC_ANCHOR_BESIDE;
}

// How much hangs on it that a TPM is written: a file always is.
enum bc_anchor_weight {
        BC_ANCHOR_LIGHT,   // something came on
        BC_ANCHOR_WEIGHTY, // a run or a recording began, a recording ended
        BC_ANCHOR_LAST,    // nothing comes after it
};

// Grows with each write that one of its places took.
uint64_t bc_anchor_turn(const struct bc_anchor *anchor);

// Of a state that says nothing of them: head and tail as `known` has them; of the numbers of runs and recordings the larger ones.
void bc_anchor_state_adopt(struct bc_anchor_state *state, const struct bc_anchor_state *known);

// Its file alone, for whoever cannot wait for a TPM. 0; -ENOENT: it has none; or another negative errno.
int bc_anchor_write_file(struct bc_anchor *anchor, const struct bc_anchor_state *state);

// Durable when it returns 0; in a TPM alone what is not due yet waits for a later call. A new epoch and what is the last is written at
// once. On failure a negative errno, and why in text. now_ns: of a clock that does not go back.
int bc_anchor_write(struct bc_anchor *anchor, const struct bc_anchor_state *state, enum bc_anchor_weight weight, int64_t now_ns, char *text,
                    size_t text_bytes);

#endif
