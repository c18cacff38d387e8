// SPDX-License-Identifier: EUPL-1.2
#include "evidence/anchor_slot.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "format/bytes.h"

static const uint8_t magic[8] = { 'B', 'C', 'A', 'N', 'C', 'H', 'R', '1' };

static void put(const struct bc_anchor_state *state, uint64_t turn, uint8_t *slot, size_t n)
{
        struct bc_writer w = bc_writer_on(slot, n);

        bc_put_bytes(&w, magic, sizeof(magic));
        bc_put_u64(&w, turn);
        bc_put_u64(&w, state->epoch);
        bc_put_u64(&w, state->sequence);
        bc_put_bytes(&w, state->hash, BC_HASH_BYTES);
        bc_put_u64(&w, state->recording);
        bc_put_u32(&w, state->segment);
        bc_put_u32(&w, state->index);
        bc_put_bytes(&w, state->tail_hash, BC_HASH_BYTES);
        bc_put_u64(&w, (uint64_t)state->tail_ns);
        bc_put_u64(&w, state->boot);
        bc_put_u64(&w, state->counter);
        bc_put_zeros(&w, n - w.used);
}

int bc_anchor_slot_make(const struct bc_anchor_state *state, uint64_t turn, uint8_t *ret_slot, size_t n)
{
        size_t checked = n - BC_HASH_BYTES;

        put(state, turn, ret_slot, checked);
        return EVP_Digest(ret_slot, checked, ret_slot + checked, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static void get_hash(struct bc_reader *reader, uint8_t hash[BC_HASH_BYTES])
{
        const uint8_t *bytes = bc_get_bytes(reader, BC_HASH_BYTES);

        if (bytes)
                memcpy(hash, bytes, BC_HASH_BYTES);
}

uint64_t bc_anchor_slot_count(const struct bc_anchor_state *state, uint64_t turn)
{
        const uint64_t number[] = { state->epoch, state->sequence, state->recording, state->boot, state->counter };
        uint64_t most = turn;

        for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
                most = number[i] > most ? number[i] : most;
        return most;
}

// A record of recovery has to be able to state it.
static bool is_lawful_tail(const struct bc_anchor_state *state)
{
        static const uint8_t zeros[BC_HASH_BYTES];

        if (state->recording > 0)
                return state->segment >= 1 && state->segment <= BC_RECORD_SEGMENTS_MAX && state->index >= 1 && state->tail_ns >= 0;
        return state->segment == 0 && state->index == 0 && state->tail_ns == 0 && memcmp(state->tail_hash, zeros, BC_HASH_BYTES) == 0;
}

uint64_t bc_anchor_slot_read(const uint8_t *slot, size_t n, uint64_t count_max, struct bc_anchor_state *ret_state)
{
        size_t checked = n - BC_HASH_BYTES;
        struct bc_reader reader = bc_reader_on(slot, checked);
        struct bc_anchor_state state = { 0 };
        uint8_t hash[BC_HASH_BYTES];
        uint64_t turn;

        if (EVP_Digest(slot, checked, hash, NULL, EVP_sha256(), NULL) != 1 || memcmp(hash, slot + checked, BC_HASH_BYTES) != 0 ||
            memcmp(bc_get_bytes(&reader, sizeof(magic)), magic, sizeof(magic)) != 0)
                return 0;
        turn = bc_get_u64(&reader);
        state.epoch = bc_get_u64(&reader);
        state.sequence = bc_get_u64(&reader);
        get_hash(&reader, state.hash);
        state.recording = bc_get_u64(&reader);
        state.segment = bc_get_u32(&reader);
        state.index = bc_get_u32(&reader);
        get_hash(&reader, state.tail_hash);
        state.tail_ns = (int64_t)bc_get_u64(&reader);
        state.boot = bc_get_u64(&reader);
        state.counter = bc_get_u64(&reader);
        if (bc_anchor_slot_count(&state, turn) > count_max || !is_lawful_tail(&state))
                return 0;
        *ret_state = state;
        return turn;
}
