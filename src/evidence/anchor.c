// SPDX-License-Identifier: EUPL-1.2
#include "evidence/anchor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "evidence/anchor_file.h"
#include "evidence/anchor_slot.h"
#include "evidence/anchor_tpm.h"
#include "evidence/refusal.h"

#define SCHEME "tpm2:"
#define HANDLE_BYTES 10 // "0x01800bca"
#define AHEAD_MAX ((uint64_t)1 << 40) // of a file before the TPM, in any of its numbers: a second each, it would be 34,000 years

struct bc_anchor {
        struct bc_anchor_place place;
        struct bc_anchor_file file; // fd -1: none
        struct bc_anchor_tpm tpm;   // index 0: none
        uint64_t turn;              // the newest of both
        bool file_counts;           // that is the file's
        bool tpm_tail;              // but the TPM's knows of more of the recordings
        bool tpm_silent;            // there was none, or none that was whole
};

// ---- where it is -----------------------------------------------------------------------------------------------

static uint32_t parse_index(const char *digits)
{
        return strncmp(digits, "0x", 2) == 0 && strspn(digits + 2, "0123456789abcdefABCDEF") == HANDLE_BYTES - 2 ?
                       (uint32_t)strtoul(digits, NULL, 16) : 0;
}

int bc_anchor_place_parse(const char *words, char *text, size_t text_bytes, struct bc_anchor_place *ret_place)
{
        struct bc_anchor_place place = { .index = 0 };
        const char *path = words;

        if (strncmp(words, SCHEME, strlen(SCHEME)) == 0) {
                place.index = parse_index(words + strlen(SCHEME));
                if (place.index < BC_ANCHOR_INDEX_MIN || place.index > BC_ANCHOR_INDEX_MAX)
                        return bc_refusal(text, text_bytes, EINVAL, "anchor %s: an index of a TPM is " SCHEME "0x%08x to " SCHEME "0x%08x", words,
                                          BC_ANCHOR_INDEX_MIN, BC_ANCHOR_INDEX_MAX);
                path += strlen(SCHEME) + HANDLE_BYTES;
                path += strspn(path, " ");
        }
        if ((*path != '/' && (*path != 0 || place.index == 0)) || strlen(path) >= sizeof(place.path))
                return bc_refusal(text, text_bytes, EINVAL, "anchor %s: it is an absolute path, " SCHEME "0x..., or " SCHEME "0x... and a path",
                                  words);
        snprintf(place.path, sizeof(place.path), "%s", path);
        *ret_place = place;
        return 0;
}

// ---- opening ---------------------------------------------------------------------------------------------------

// Who forges a file is not to use up the numbers of the TPM, which goes on from the greater of both.
static int open_file(struct bc_anchor *anchor, bool only_looks, const struct bc_anchor_state *in_tpm, struct bc_anchor_state *ret_state,
                     bool *ret_damaged, char *text, size_t text_bytes)
{
        const char *path = anchor->place.path;
        uint64_t count_max = anchor->tpm.turn > 0 ? bc_anchor_slot_count(in_tpm, anchor->tpm.turn) + AHEAD_MAX : BC_ANCHOR_COUNT_MAX;
        int r = bc_anchor_file_open(&anchor->file, path, only_looks, count_max, ret_state, ret_damaged);

        if (r < 0)
                snprintf(text, text_bytes, "anchor %s: %s", path, r == -EINVAL ? "is not a regular file with an absolute path" : strerror(-r));
        return r;
}

// Whether a knows of more of the recordings than b.
static bool is_farther(const struct bc_anchor_state *a, const struct bc_anchor_state *b)
{
        if (a->recording != b->recording)
                return a->recording > b->recording;
        return a->segment != b->segment ? a->segment > b->segment : a->index > b->index;
}

static void take_tail(struct bc_anchor_state *state, const struct bc_anchor_state *from)
{
        state->recording = from->recording;
        state->segment = from->segment;
        state->index = from->index;
        state->tail_ns = from->tail_ns;
        memcpy(state->tail_hash, from->tail_hash, sizeof(state->tail_hash));
}

static int open_places(struct bc_anchor *anchor, bool only_looks, struct bc_anchor_found *found, char *text, size_t text_bytes)
{
        struct bc_anchor_state filed = { 0 }, in_tpm = { 0 };
        bool file_damaged = false, tpm_damaged = false;
        int r = 0;

        if (anchor->place.index != 0)
                r = bc_anchor_tpm_open(&anchor->tpm, anchor->place.index, &in_tpm, &tpm_damaged, text, text_bytes);
        if (r == 0 && anchor->place.path[0])
                r = open_file(anchor, only_looks, &in_tpm, &filed, &file_damaged, text, text_bytes);
        if (r < 0)
                return r;
        anchor->file_counts = anchor->file.turn > 0 && anchor->file.turn >= anchor->tpm.turn;
        anchor->turn = anchor->file_counts ? anchor->file.turn : anchor->tpm.turn;
        anchor->tpm_silent = anchor->tpm.turn == 0;
        found->state = anchor->file_counts ? filed : in_tpm;
        found->other = anchor->file_counts ? in_tpm : filed;
        // Who forges a file, for a recording that was cut, makes it the newer one.
        anchor->tpm_tail = anchor->file_counts && is_farther(&in_tpm, &filed);
        if (anchor->tpm_tail)
                take_tail(&found->state, &in_tpm);
        found->damaged = file_damaged || tpm_damaged;
        found->behind = !anchor->file_counts && anchor->tpm.turn > 0 && anchor->place.path[0];
        return 0;
}

BC_DEFINE_CLEANUP(anchor, struct bc_anchor, bc_anchor_free)

int bc_anchor_open(const char *place, bool only_looks, char *text, size_t text_bytes, struct bc_anchor **ret_anchor,
                   struct bc_anchor_found *ret_found)
{
        BC_CLEANUP(bc_cleanup_anchor) struct bc_anchor *anchor = calloc(1, sizeof(*anchor));
        struct bc_anchor_found found = { .damaged = false };
        int r;

        if (!anchor)
                return bc_refusal(text, text_bytes, ENOMEM, "anchor %s: no memory", place);
        anchor->file.fd = -1;
        r = bc_anchor_place_parse(place, text, text_bytes, &anchor->place);
        if (r == 0)
                r = open_places(anchor, only_looks, &found, text, text_bytes);
        if (r < 0)
                return r;
        *ret_found = found;
        *ret_anchor = BC_TAKE(anchor);
        return 0;
}

uint32_t bc_anchor_medium(const struct bc_anchor *anchor, int fd)
{
        uint32_t medium;

        if (!anchor->file_counts || anchor->tpm_tail)
                return BC_ANCHOR_TPM;
        medium = bc_anchor_file_medium(&anchor->file, fd);
        if (anchor->tpm_silent)
                return medium;
        return medium == BC_ANCHOR_ELSEWHERE ? BC_ANCHOR_ELSEWHERE_AND_TPM : BC_ANCHOR_BESIDE_AND_TPM;
}

void bc_anchor_free(struct bc_anchor *anchor)
{
        if (!anchor)
                return;
        bc_cleanup_fd(&anchor->file.fd);
        free(anchor);
}

uint64_t bc_anchor_turn(const struct bc_anchor *anchor)
{
        return anchor->turn;
}

void bc_anchor_state_adopt(struct bc_anchor_state *state, const struct bc_anchor_state *known)
{
        if (state->epoch == 0) {
                state->epoch = known->epoch;
                state->sequence = known->sequence;
                memcpy(state->hash, known->hash, sizeof(state->hash));
        }
        if (state->recording == 0)
                take_tail(state, known);
        if (known->boot > state->boot)
                state->boot = known->boot;
        if (known->counter > state->counter)
                state->counter = known->counter;
}

// ---- writing ---------------------------------------------------------------------------------------------------

int bc_anchor_write(struct bc_anchor *anchor, const struct bc_anchor_state *state, enum bc_anchor_weight weight, int64_t now_ns, char *text,
                    size_t text_bytes)
{
        bool filed = anchor->file.fd >= 0, due = anchor->tpm.index != 0 && bc_anchor_tpm_is_due(&anchor->tpm, state, weight, now_ns);
        uint64_t turn = filed ? bc_anchor_file_turn_after(&anchor->file, anchor->turn) : anchor->turn + 1;
        int r = filed ? bc_anchor_file_write(&anchor->file, state, turn) : 0, s = 0;

        if (r < 0)
                bc_refusal(text, text_bytes, -r, "anchor %s: %s", anchor->place.path, strerror(-r));
        // Whatever the one comes to, the other may go on. The file first: it is to be no older.
        if (due)
                s = bc_anchor_tpm_write(&anchor->tpm, state, turn, now_ns, r < 0 ? NULL : text, r < 0 ? 0 : text_bytes);
        if ((filed && r == 0) || (due && s == 0))
                anchor->turn = turn;
        return r < 0 ? r : s;
}

int bc_anchor_write_file(struct bc_anchor *anchor, const struct bc_anchor_state *state)
{
        uint64_t turn;
        int r;

        if (anchor->file.fd < 0)
                return -ENOENT;
        turn = bc_anchor_file_turn_after(&anchor->file, anchor->turn);
        r = bc_anchor_file_write(&anchor->file, state, turn);
        if (r == 0)
                anchor->turn = turn;
        return r;
}
