// SPDX-License-Identifier: EUPL-1.2
#include "notary.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/ecdsa.h>
#include <string.h>

#include "format/cose.h"

uint32_t notary_random(uint32_t *state)
{
        uint32_t x = *state ? *state : 1;

        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        *state = x;
        return x;
}

// How long this one takes, and whether it fails.
static int64_t decide(struct notary *notary, bool *ret_fails)
{
        struct notary_temper *temper = &notary->temper;
        int64_t pace_ns;

        pthread_mutex_lock(&notary->mutex);
        pace_ns = temper->pace_ns;
        if (temper->pace_max_ns > pace_ns)
                pace_ns += (int64_t)((double)(temper->pace_max_ns - pace_ns) * (notary_random(&temper->seed) % 1024) / 1024);
        *ret_fails = temper->broken || (temper->fails_one_in && notary_random(&temper->seed) % temper->fails_one_in == 0);
        notary->asked++;
        notary->failed += *ret_fails;
        pthread_mutex_unlock(&notary->mutex);
        return pace_ns;
}

static void take_time(struct notary *notary, int64_t pace_ns)
{
        int64_t until_ns = bc_clock_now_ns(notary->clock) + pace_ns;
        struct bc_monitor monitor;

        if (pace_ns == 0)
                return;
        bc_monitor_init(&monitor, notary->clock);
        bc_monitor_lock(&monitor);
        while (bc_monitor_wait(&monitor, until_ns) != -ETIMEDOUT)
                ;
        bc_monitor_unlock(&monitor);
        bc_monitor_done(&monitor);
}

static int sign(void *user, const uint8_t *bytes, size_t n, uint8_t ret_signature[BC_SIGNATURE_BYTES_MAX], size_t *ret_bytes)
{
        struct notary *notary = user;
        unsigned char der[160];
        const unsigned char *at = der;
        size_t der_bytes = sizeof(der);
        EVP_MD_CTX *context;
        ECDSA_SIG *pair;
        bool fails;

        take_time(notary, decide(notary, &fails));
        if (fails)
                return -EIO;
        context = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, notary->device.key), 1);
        assert_int_equal(EVP_DigestSign(context, der, &der_bytes, bytes, n), 1);
        EVP_MD_CTX_free(context);
        pair = d2i_ECDSA_SIG(NULL, &at, (long)der_bytes);
        assert_non_null(pair);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + 32, 32), 32);
        ECDSA_SIG_free(pair);
        assert_int_equal(bc_cose_lower(BC_RECORD_ES256, ret_signature, 64), 0);
        *ret_bytes = 64;
        return 0;
}

static struct bc_record_bytes der_of(X509 *certificate)
{
        unsigned char *der = NULL;
        int n = i2d_X509(certificate, &der);

        assert_true(n > 0);
        return (struct bc_record_bytes){ der, (size_t)n };
}

static void certify(struct notary *notary, const struct paper *authority)
{
        struct paper_text device = paper_device;
        unsigned char *key = NULL;
        int n;

        pthread_mutex_init(&notary->mutex, NULL);
        device.serial = NOTARY_DEVICE;
        paper_make(&device, authority, &notary->device);
        notary->certificate[0] = der_of(notary->device.certificate);
        notary->certificate[1] = der_of(authority->certificate);
        n = i2d_PUBKEY(notary->device.key, &key);
        assert_true(n > 0);
        notary->public_key = (struct bc_record_bytes){ key, (size_t)n };
        assert_int_equal(bc_facts_hash(notary->certificate[0].bytes, notary->certificate[0].n, notary->x5t), 0);
}

void notary_make(struct notary *notary)
{
        *notary = (struct notary){ .asked = 0 };
        paper_make(&paper_authority, NULL, &notary->authority);
        certify(notary, &notary->authority);
}

void notary_make_again(struct notary *notary, const struct notary *before)
{
        *notary = (struct notary){ .asked = 0 };
        certify(notary, &before->authority);
}

void notary_done(struct notary *notary)
{
        OPENSSL_free((void *)notary->certificate[0].bytes);
        OPENSSL_free((void *)notary->certificate[1].bytes);
        OPENSSL_free((void *)notary->public_key.bytes);
        paper_free(&notary->authority);
        paper_free(&notary->device);
        pthread_mutex_destroy(&notary->mutex);
}

static void moment_at(void *user, int64_t time_ns, struct bc_moment *ret_moment)
{
        struct notary *notary = user;

        *ret_moment = (struct bc_moment){ .time_ns = time_ns, .source = BC_UTC_GNSS, .utc_ns = INT64_C(1700000000000000000) + time_ns,
                                          .uncertainty_ns = 1000, .anchor_ns = time_ns - 1,
                                          .fix = { .mode = BC_FIX_3D, .lat_e7 = 500000000, .lon_e7 = -70000000, .accuracy_mm = 5000,
                                                   .time_ns = time_ns - 500 } };
        pthread_mutex_lock(&notary->mutex);
        if (notary->temper.lost)
                ret_moment->fix.lat_e7 = INT32_MAX;
        pthread_mutex_unlock(&notary->mutex);
}

static void count_frames(void *user, uint64_t *ret_captured, uint64_t *ret_dropped)
{
        (void)user;
        *ret_captured = 1000;
        *ret_dropped = 3;
}

void notary_open(struct notary *notary, struct bc_clock *clock, uint64_t epoch, uint64_t boot)
{
        struct bc_signer_key key = { .algorithm = BC_RECORD_ES256, .chain_count = 2, .sign = sign, .user = notary,
                                     .chain = { notary->certificate[0], notary->certificate[1] } };
        const struct bc_facts_config config = {
                .device = NOTARY_DEVICE, .epoch = epoch, .boot = boot, .drivers = 1,
                .driver = { { .role = BC_DRIVER_CAMERA, .name = "simulated", .simulated = true } },
                .moment_at = moment_at, .moment_user = notary, .count_frames = count_frames,
        };

        memcpy(key.x5t, notary->x5t, sizeof(key.x5t));
        notary->clock = clock;
        assert_int_equal(bc_facts_init(&notary->facts, &config), 0);
        assert_int_equal(bc_signer_new(clock, &key, &notary->signer), 0);
        notary->attestation = (struct bc_attestation){ .signer = notary->signer, .facts = &notary->facts };
}

struct bc_ledger_owner notary_owner(const struct notary *notary)
{
        struct bc_ledger_owner owner = { .device = NOTARY_DEVICE, .public_key = notary->public_key, .issuer = notary->certificate[1] };

        memcpy(owner.x5t, notary->x5t, sizeof(owner.x5t));
        return owner;
}

struct bc_ledger *notary_open_ledger(struct notary *notary, struct bc_clock *clock, int store_fd, const char *anchor)
{
        const struct bc_ledger_config config = { .store_fd = store_fd, .anchor_path = anchor, .owner = notary_owner(notary) };
        const struct bc_ledger_start start = { .boot_id = { 1 }, .reset = 1, .percent = 50 };
        struct bc_ledger_found found;
        struct bc_ledger *ledger;
        char text[400];

        notary_open(notary, clock, 0, 0);
        assert_int_equal(bc_ledger_new(&config, &ledger), 0);
        assert_int_equal(bc_ledger_start(ledger, clock, notary->signer, &notary->facts, &start), 0);
        assert_int_equal(bc_ledger_await_look(ledger, 60 * BC_NS_PER_S, text, sizeof(text), &found), 0);
        notary->attestation.ledger = ledger;
        return ledger;
}

void notary_close(struct notary *notary)
{
        bc_signer_free(notary->signer);
        notary->signer = NULL;
        bc_facts_done(&notary->facts);
}

void notary_set(struct notary *notary, const struct notary_temper *temper)
{
        pthread_mutex_lock(&notary->mutex);
        notary->temper = *temper;
        pthread_mutex_unlock(&notary->mutex);
}

unsigned notary_failures(struct notary *notary)
{
        unsigned failed;

        pthread_mutex_lock(&notary->mutex);
        failed = notary->failed;
        pthread_mutex_unlock(&notary->mutex);
        return failed;
}
