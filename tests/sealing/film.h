// SPDX-License-Identifier: EUPL-1.2
// A sealed file in memory, with where its parts lie, and what a reader makes of any bytes.
#ifndef TEST_SEALING_FILM_H
#define TEST_SEALING_FILM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/sealer.h"
#include "verify/unseal.h"

#define FILM_CHUNKS_MAX 4096

struct film {
        uint8_t *plain, *sealed;
        size_t plain_bytes, sealed_bytes;
        size_t header_bytes; // the commitment follows
        uint8_t header_hash[BC_SEALED_HASH_BYTES];
        size_t chunks;
        size_t chunk_offset[FILM_CHUNKS_MAX], chunk_plain[FILM_CHUNKS_MAX]; // where it lies, and how much plain text it holds
};

// The next of a generator of our own.
uint32_t film_random(uint32_t *state, uint32_t below);

// Recording 7, segment 3 of CAM-1.
struct bc_sealed_header film_about(void);

// Seals random bytes, fragment after fragment of these sizes; the last one finishes the file.
void film_make(struct film *film, struct bc_sealer *sealer, const struct bc_sealed_header *about, uint32_t seed,
               const size_t *fragment_bytes, size_t fragments);
void film_done(struct film *film);

struct film_outcome {
        struct bc_unseal_report report;
        uint8_t *plain; // what was given out
        size_t plain_bytes;
};

// Reads all of these bytes as a sealed file.
void film_read(const uint8_t *bytes, size_t n, const struct bc_opener *opener, struct film_outcome *outcome);
void film_outcome_done(struct film_outcome *outcome);

#endif
