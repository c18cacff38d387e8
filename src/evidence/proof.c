// SPDX-License-Identifier: EUPL-1.2
#include "evidence/proof.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "bodycam/time.h"

static struct bc_proof_spans no_spans(void)
{
        struct bc_proof_spans spans;

        for (size_t i = 0; i < BC_TRACKS_MAX; i++)
                spans.track[i].first_ticks = spans.track[i].end_ticks = BC_RECORD_UNKNOWN;
        return spans;
}

// What follows is later.
static void add_spans(struct bc_proof_spans *spans, const struct bc_proof_spans *later)
{
        for (size_t i = 0; i < BC_TRACKS_MAX; i++) {
                if (later->track[i].first_ticks == BC_RECORD_UNKNOWN)
                        continue;
                if (spans->track[i].first_ticks == BC_RECORD_UNKNOWN)
                        spans->track[i].first_ticks = later->track[i].first_ticks;
                spans->track[i].end_ticks = later->track[i].end_ticks;
        }
}

static bool has_spans(const struct bc_proof_spans *spans)
{
        for (size_t i = 0; i < BC_TRACKS_MAX; i++)
                if (spans->track[i].first_ticks != BC_RECORD_UNKNOWN)
                        return true;
        return false;
}

static struct bc_proof_spans spans_of(const struct bc_run *run, size_t runs, const int64_t *base_ticks)
{
        struct bc_proof_spans spans = no_spans();

        for (size_t i = 0; i < runs; i++) {
                struct bc_record_span *span = &spans.track[run[i].track];

                span->first_ticks = span->end_ticks = base_ticks[i] + (int64_t)run[i].decode_ticks;
                for (size_t k = 0; k < run[i].samples; k++)
                        span->end_ticks += run[i].sample[k].duration_ticks;
        }
        return spans;
}

static int begin_hash(EVP_MD_CTX *hash)
{
        return EVP_DigestInit_ex2(hash, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static int add_bytes(EVP_MD_CTX *hash, const uint8_t *bytes, size_t n)
{
        return EVP_DigestUpdate(hash, bytes, n) == 1 ? 0 : -ENOMEM;
}

// Without ending it. Nothing is allocated once both were used.
static int read_hash(struct bc_proof *proof, EVP_MD_CTX *hash, uint8_t ret_sha256[BC_HASH_BYTES])
{
        return EVP_MD_CTX_copy_ex(proof->read, hash) == 1 && EVP_DigestFinal_ex(proof->read, ret_sha256, NULL) == 1 ? 0 : -ENOMEM;
}

int bc_proof_init(struct bc_proof *proof, size_t tracks)
{
        *proof = (struct bc_proof){ .tracks = tracks, .since_ns = BC_NS_NEVER, .rest_since_ns = BC_NS_NEVER };
        proof->spans = proof->tried_spans = proof->rest_spans = no_spans();
        proof->open = EVP_MD_CTX_new();
        proof->tried = EVP_MD_CTX_new();
        proof->rest = EVP_MD_CTX_new();
        proof->read = EVP_MD_CTX_new();
        if (!proof->open || !proof->tried || !proof->rest || !proof->read || begin_hash(proof->open) < 0) {
                bc_proof_done(proof);
                return -ENOMEM;
        }
        return 0;
}

void bc_proof_done(struct bc_proof *proof)
{
        EVP_MD_CTX_free(proof->open);
        EVP_MD_CTX_free(proof->tried);
        EVP_MD_CTX_free(proof->rest);
        EVP_MD_CTX_free(proof->read);
        proof->open = proof->tried = proof->rest = proof->read = NULL;
}

int bc_proof_try(struct bc_proof *proof, const uint8_t *bytes, size_t n, const struct bc_run *run, size_t runs,
                 const int64_t *base_ticks)
{
        proof->tried_bytes = n;
        proof->tried_spans = spans_of(run, runs, base_ticks);
        return EVP_MD_CTX_copy_ex(proof->tried, proof->open) == 1 ? add_bytes(proof->tried, bytes, n) : -ENOMEM;
}

int bc_proof_wrote(struct bc_proof *proof, const uint8_t *bytes, size_t n, int64_t now_ns)
{
        EVP_MD_CTX *tried = proof->tried;
        bool behind = bc_proof_is_asked(proof) && proof->durable >= proof->asked;
        bool samples = has_spans(&proof->tried_spans);

        proof->tried = proof->open;
        proof->open = tried;
        proof->durable += n;
        proof->tried_bytes = 0;
        if (samples && proof->since_ns == BC_NS_NEVER)
                proof->since_ns = now_ns;
        if (!behind) {
                add_spans(&proof->spans, &proof->tried_spans);
                return 0;
        }
        if (samples && proof->rest_since_ns == BC_NS_NEVER)
                proof->rest_since_ns = now_ns;
        add_spans(&proof->rest_spans, &proof->tried_spans);
        return add_bytes(proof->rest, bytes, n);
}

int bc_proof_ask(struct bc_proof *proof, bool tried, struct bc_record *record)
{
        struct bc_proof_spans spans = proof->spans;
        uint64_t end = proof->durable + (tried ? proof->tried_bytes : 0);
        int r = read_hash(proof, tried ? proof->tried : proof->open, record->sha256);

        if (r == 0)
                r = begin_hash(proof->rest);
        if (r < 0)
                return r;
        if (tried)
                add_spans(&spans, &proof->tried_spans);
        memcpy(record->track, spans.track, sizeof(record->track));
        record->tracks = proof->tracks;
        record->offset = proof->covered;
        record->bytes = end - proof->covered;
        record->index = proof->index + 1;
        proof->asked = end;
        proof->rest_spans = no_spans();
        proof->rest_since_ns = BC_NS_NEVER;
        return 0;
}

bool bc_proof_is_asked(const struct bc_proof *proof)
{
        return proof->asked > 0;
}

void bc_proof_forget(struct bc_proof *proof)
{
        add_spans(&proof->spans, &proof->rest_spans);
        proof->asked = 0;
}

int bc_proof_recorded(struct bc_proof *proof, const uint8_t *box, size_t n)
{
        EVP_MD_CTX *rest = proof->rest;

        proof->rest = proof->open;
        proof->open = rest;
        proof->covered = proof->asked;
        proof->durable += n;
        proof->asked = 0;
        proof->index++;
        proof->spans = proof->rest_spans;
        proof->since_ns = proof->rest_since_ns;
        return add_bytes(proof->open, box, n);
}

int bc_proof_rest(struct bc_proof *proof, uint8_t ret_sha256[BC_HASH_BYTES])
{
        return read_hash(proof, proof->open, ret_sha256);
}
