// SPDX-License-Identifier: EUPL-1.2
#include "evidence/signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/pulse.h"
#include "base/thread.h"

#define TO_BE_SIGNED_BYTES (BC_RECORD_BYTES_MAX + 64)

#define RECORD_BEGINS 0x84  // an array of four: a Sig_structure (RFC 9052, 4.4)
#define MANIFEST_BEGINS '{'

struct bc_signer {
        struct bc_clock *clock;
        struct bc_signer_key key;
        struct bc_thread *thread;
        struct bc_monitor monitor;
        struct bc_signing *first; // in the order in which they are to be answered
        int64_t pace_ns;
        bool quit;
        enum bc_signer_hold hold;
        uint8_t to_be_signed[TO_BE_SIGNED_BYTES]; // the thread's
};

static int make_signature(struct bc_signer *signer, const uint8_t *to_be_signed, size_t bytes, uint8_t *signature,
                          size_t *ret_signature_bytes)
{
        BC_IN_DEVICE; // a secure element, or a token at the end of a slow bus

        return signer->key.sign(signer->key.user, to_be_signed, bytes, signature, ret_signature_bytes);
}

// Whatever it is, it can never be taken for what is signed of a record.
static int answer_manifest(struct bc_signer *signer, struct bc_signing *signing)
{
        const uint8_t *bytes = (const uint8_t *)signing->manifest;

        if (signing->manifest_bytes == 0 || bytes[0] != MANIFEST_BEGINS)
                return -EINVAL;
        return make_signature(signer, bytes, signing->manifest_bytes, signing->signature, &signing->signature_bytes);
}

static int answer_record(struct bc_signer *signer, struct bc_signing *signing)
{
        uint8_t signature[BC_SIGNATURE_BYTES_MAX];
        size_t signature_bytes = 0, bytes = 0;
        int r = signing->composed;

        signing->unlawful = r < 0;
        if (r == 0)
                r = bc_record_to_be_signed(&signing->message, signer->to_be_signed, sizeof(signer->to_be_signed), &bytes);
        if (r == 0 && signer->to_be_signed[0] != RECORD_BEGINS)
                r = -EINVAL;
        if (r == 0)
                r = make_signature(signer, signer->to_be_signed, bytes, signature, &signature_bytes);
        if (r == 0)
                r = bc_record_seal(&signing->record, &signing->message, signature, signature_bytes, signing->box,
                                   sizeof(signing->box), &signing->box_bytes);
        if (r == 0 && EVP_Digest(signing->box, signing->box_bytes, signing->hash, NULL, EVP_sha256(), NULL) != 1)
                r = -ENOMEM;
        return r;
}

static void free_signing(struct bc_signing *signing)
{
        free(signing->manifest);
        free(signing);
}

// Locked; told without the lock, when the asker may have fetched it already.
static void finish(struct bc_signer *signer, struct bc_signing *signing, int error)
{
        void (*on_done)(void *user) = signing->on_done;
        void *user = signing->user;

        if (signing->abandoned) {
                free_signing(signing);
                return;
        }
        signing->error = error;
        signing->state = BC_SIGNING_DONE;
        bc_monitor_wake(&signer->monitor);
        if (!on_done)
                return;
        bc_monitor_unlock(&signer->monitor);
        on_done(user);
        bc_monitor_lock(&signer->monitor);
}

// Locked. The first that is answered now; NULL: there is none. Nobody waits for what is abandoned.
static struct bc_signing *take_first(struct bc_signer *signer)
{
        struct bc_signing **place = &signer->first, *signing;

        while (signer->hold == BC_SIGNER_LEDGER_ALONE && !signer->quit && *place && !(*place)->abandoned &&
               ((*place)->manifest || (*place)->record.kind != BC_RECORD_LEDGER))
                place = &(*place)->next;
        signing = *place;
        if (signing)
                *place = signing->next;
        return signing;
}

static void run(void *user)
{
        struct bc_signer *signer = user;

        bc_monitor_lock(&signer->monitor);
        for (;;) {
                struct bc_signing *signing;
                int64_t began_ns;
                int r;

                while (!(signing = take_first(signer)) && !signer->quit)
                        (void)bc_monitor_wait(&signer->monitor, BC_NS_NEVER);
                if (!signing)
                        break;
                // Nobody wants it any more.
                if (signing->abandoned) {
                        free_signing(signing);
                        continue;
                }
                if (signer->quit || signer->hold == BC_SIGNER_HELD) {
                        finish(signer, signing, signer->quit ? -ESHUTDOWN : -EAGAIN);
                        continue;
                }
                bc_monitor_unlock(&signer->monitor);
                began_ns = bc_clock_now_ns(signer->clock);
                r = signing->manifest ? answer_manifest(signer, signing) : answer_record(signer, signing);
                bc_monitor_lock(&signer->monitor);
                signer->pace_ns = bc_clock_now_ns(signer->clock) - began_ns;
                finish(signer, signing, r);
        }
        bc_monitor_unlock(&signer->monitor);
}

BC_DEFINE_CLEANUP(signer, struct bc_signer, bc_signer_free)

int bc_signer_new(struct bc_clock *clock, const struct bc_signer_key *key, struct bc_signer **ret_signer)
{
        BC_CLEANUP(bc_cleanup_signer) struct bc_signer *signer = calloc(1, sizeof(*signer));
        int r;

        if (!signer)
                return -ENOMEM;
        signer->clock = clock;
        signer->key = *key;
        bc_monitor_init(&signer->monitor, clock);
        r = bc_thread_start(clock, "signer", run, signer, &signer->thread);
        if (r < 0)
                return r;
        *ret_signer = BC_TAKE(signer);
        return 0;
}

void bc_signer_free(struct bc_signer *signer)
{
        if (!signer)
                return;
        if (signer->thread) {
                bc_monitor_lock(&signer->monitor);
                signer->quit = true;
                bc_monitor_wake(&signer->monitor);
                bc_monitor_unlock(&signer->monitor);
                bc_thread_join(signer->thread);
        }
        bc_monitor_done(&signer->monitor);
        free(signer);
}

void bc_signer_hold(struct bc_signer *signer, enum bc_signer_hold hold)
{
        bc_monitor_lock(&signer->monitor);
        signer->hold = hold;
        bc_monitor_wake(&signer->monitor);
        bc_monitor_unlock(&signer->monitor);
}

void bc_signer_ask(struct bc_signer *signer, struct bc_signing *signing)
{
        struct bc_record *record = &signing->record;
        struct bc_signing **place = &signer->first;

        record->algorithm = signer->key.algorithm;
        memcpy(record->x5t, signer->key.x5t, sizeof(record->x5t));
        record->chain_count = signing->with_chain ? signer->key.chain_count : 0;
        memcpy(record->chain, signer->key.chain, sizeof(record->chain));
        signing->composed = signing->manifest ? 0 : bc_record_compose(record, &signing->message);

        bc_monitor_lock(&signer->monitor);
        while (*place && ((*place)->urgent || !signing->urgent))
                place = &(*place)->next;
        signing->next = *place;
        signing->unlawful = false;
        signing->state = BC_SIGNING_QUEUED;
        *place = signing;
        bc_monitor_wake(&signer->monitor);
        bc_monitor_unlock(&signer->monitor);
}

struct bc_signing *bc_signing_new(void)
{
        return calloc(1, sizeof(struct bc_signing)); // idle
}

void bc_signer_abandon(struct bc_signer *signer, struct bc_signing *signing)
{
        bool queued;

        if (!signing)
                return;
        if (!signer) {
                free_signing(signing);
                return;
        }
        bc_monitor_lock(&signer->monitor);
        queued = signing->state == BC_SIGNING_QUEUED;
        signing->abandoned = queued;
        bc_monitor_unlock(&signer->monitor);
        if (!queued)
                free_signing(signing);
}

bool bc_signer_fetch(struct bc_signer *signer, struct bc_signing *signing)
{
        bool done;

        bc_monitor_lock(&signer->monitor);
        done = signing->state == BC_SIGNING_DONE;
        if (done)
                signing->state = BC_SIGNING_IDLE;
        bc_monitor_unlock(&signer->monitor);
        return done;
}

int bc_signer_wait(struct bc_signer *signer, struct bc_signing *signing, int64_t until_ns)
{
        int r = 0;

        bc_monitor_lock(&signer->monitor);
        while (signing->state != BC_SIGNING_DONE && r != -ETIMEDOUT)
                r = bc_monitor_wait(&signer->monitor, until_ns);
        r = signing->state == BC_SIGNING_DONE ? 0 : -ETIMEDOUT;
        if (r == 0)
                signing->state = BC_SIGNING_IDLE;
        bc_monitor_unlock(&signer->monitor);
        return r;
}

int64_t bc_signer_pace_ns(struct bc_signer *signer)
{
        int64_t pace_ns;

        bc_monitor_lock(&signer->monitor);
        pace_ns = signer->pace_ns;
        bc_monitor_unlock(&signer->monitor);
        return pace_ns;
}

int64_t bc_signer_now_ns(struct bc_signer *signer)
{
        return bc_clock_now_ns(signer->clock);
}
