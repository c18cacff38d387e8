// SPDX-License-Identifier: EUPL-1.2
// An anchor's two places, a software TPM and a folder for its file, and states to write there that are told apart. What fails fails the
// test.
#ifndef ANCHORAGE_H
#define ANCHORAGE_H

#include <stdint.h>

#include "chip.h"
#include "evidence/anchor.h"
#include "folder.h"

#define ANCHORAGE_INDEX 0x01800bca
#define ANCHORAGE_PLACE "tpm2:0x01800BCA"
#define ANCHORAGE_TEXT_BYTES 400

struct anchorage {
        struct chip chip;
        char folder[FOLDER_PATH_BYTES], file[FOLDER_PATH_BYTES + 16], both[FOLDER_PATH_BYTES + 48]; // both: the two places
        int fd;
        char text[ANCHORAGE_TEXT_BYTES]; // the last refusal
};

// Of each test, so that a TPM ends also where one fails; *state: struct anchorage. The TPM's index is there and says nothing.
int anchorage_make(void **state);
int anchorage_done(void **state);

// Number n of many, each with numbers of its own, and epoch 1.
struct bc_anchor_state anchorage_state(uint64_t n);
// 0: one that says nothing.
void anchorage_check(const struct bc_anchor_state *got, uint64_t n);

struct bc_anchor *anchorage_open(struct anchorage *here, const char *place, struct bc_anchor_found *ret_found);
struct bc_anchor_found anchorage_look(struct anchorage *here, const char *place);
int anchorage_write(struct anchorage *here, struct bc_anchor *anchor, uint64_t n, enum bc_anchor_weight weight, int64_t now_ns);

// At once, at a place that is opened for it.
void anchorage_put(struct anchorage *here, const char *place, uint64_t n);

// The n that the TPM has.
uint64_t anchorage_in_tpm(struct anchorage *here);

#endif
