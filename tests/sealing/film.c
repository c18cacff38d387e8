// SPDX-License-Identifier: EUPL-1.2
#include "film.h"

#include <stdlib.h>
#include <string.h>

#undef NDEBUG
#include <assert.h>

uint32_t film_random(uint32_t *state, uint32_t below)
{
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        return *state % below;
}

struct bc_sealed_header film_about(void)
{
        return (struct bc_sealed_header){
                .device = "CAM-1", .boot_id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
                .boot = 42, .recording = 7, .segment = 3,
        };
}

static void note_chunks(struct film *film, size_t plain_bytes)
{
        do {
                size_t n = plain_bytes < BC_SEALED_CHUNK_BYTES_MAX ? plain_bytes : BC_SEALED_CHUNK_BYTES_MAX;

                assert(film->chunks < FILM_CHUNKS_MAX);
                film->chunk_offset[film->chunks] = film->sealed_bytes;
                film->chunk_plain[film->chunks++] = n;
                film->sealed_bytes += BC_SEALED_HEAD_BYTES + n + BC_SEALED_TAG_BYTES;
                plain_bytes -= n;
        } while (plain_bytes > 0);
}

void film_make(struct film *film, struct bc_sealer *sealer, const struct bc_sealed_header *about, uint32_t seed,
               const size_t *fragment_bytes, size_t fragments)
{
        size_t room = BC_SEALER_BEGIN_BYTES_MAX, n, at = 0;

        *film = (struct film){ 0 };
        for (size_t i = 0; i < fragments; i++) {
                film->plain_bytes += fragment_bytes[i];
                room += bc_sealed_bytes(fragment_bytes[i], true);
        }
        film->plain = malloc(film->plain_bytes + 1);
        film->sealed = malloc(room);
        assert(film->plain && film->sealed);
        for (size_t i = 0; i < film->plain_bytes; i++)
                film->plain[i] = (uint8_t)film_random(&seed, 256);
        assert(bc_sealer_begin(sealer, about, film->sealed, room, &n, film->header_hash) == 0);
        film->header_bytes = n - BC_SEALED_COMMITMENT_BYTES;
        film->sealed_bytes = n;
        for (size_t i = 0; i < fragments; i++) {
                bool final = i + 1 == fragments;
                uint8_t *to = film->sealed + film->sealed_bytes;
                size_t left = room - film->sealed_bytes;

                assert((final ? bc_sealer_finish(sealer, film->plain + at, fragment_bytes[i], to, left, &n) :
                                bc_sealer_seal(sealer, film->plain + at, fragment_bytes[i], to, left, &n)) == 0);
                assert(n == bc_sealed_bytes(fragment_bytes[i], final));
                if (fragment_bytes[i] > 0 || final)
                        note_chunks(film, fragment_bytes[i]);
                at += fragment_bytes[i];
        }
}

void film_done(struct film *film)
{
        free(film->plain);
        free(film->sealed);
}

struct memory {
        const uint8_t *bytes;
        size_t n;
};

static int read_memory(void *user, uint64_t offset, void *bytes, size_t n)
{
        const struct memory *memory = user;

        assert(offset <= memory->n && n <= memory->n - offset);
        memcpy(bytes, memory->bytes + offset, n);
        return 0;
}

void film_read(const uint8_t *bytes, size_t n, const struct bc_opener *opener, struct film_outcome *outcome)
{
        struct memory memory = { bytes, n };
        struct bc_unseal_source source = { .read = read_memory, .size = n, .user = &memory };
        BC_CLEANUP(bc_cleanup_unseal) struct bc_unseal *unseal = NULL;
        const uint8_t *plain;
        size_t part;

        *outcome = (struct film_outcome){ .plain = malloc(n + 1) };
        assert(outcome->plain);
        assert(bc_unseal_new(opener, &source, &unseal) == 0);
        while (bc_unseal_next(unseal, &plain, &part)) {
                assert(part <= n - outcome->plain_bytes);
                memcpy(outcome->plain + outcome->plain_bytes, plain, part);
                outcome->plain_bytes += part;
        }
        outcome->report = *bc_unseal_report(unseal);
        assert(outcome->report.plain_bytes == outcome->plain_bytes);
}

void film_outcome_done(struct film_outcome *outcome)
{
        free(outcome->plain);
}
